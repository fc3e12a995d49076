"""examples/microgpt: documents and tokens."""

import contextlib
import doctest
import hashlib
import http.server
import importlib
import os
import pwd
import random
import threading
import time
from pathlib import Path

import pytest
from microgpt_support import FOLDER, call, contents

# isort: split
import data
from data import DataError, load
from tokenizer import Tokenizer

LIST = b"emma\nolivia\nava\n"


# What a document is.


def test_a_document_is_a_line(tmp_path):
    (tmp_path / "names.txt").write_text("emma\nolivia\nava\n")
    assert load(str(tmp_path / "names.txt")) == ["emma", "olivia", "ava"]


def test_the_last_line_needs_no_newline(tmp_path):
    (tmp_path / "names.txt").write_text("emma\nava")
    assert load(str(tmp_path / "names.txt")) == ["emma", "ava"]


def test_white_space_around_a_document_is_stripped_and_inside_it_stays(tmp_path):
    (tmp_path / "names.txt").write_bytes(b"  emma\t\r\n mary ann \r\n")
    assert load(str(tmp_path / "names.txt")) == ["emma", "mary ann"]


def test_blank_lines_are_ignored(tmp_path):
    (tmp_path / "names.txt").write_text("\n\nemma\n   \n\t\nava\n\n")
    assert load(str(tmp_path / "names.txt")) == ["emma", "ava"]


def test_documents_may_have_any_characters(tmp_path):
    (tmp_path / "names.txt").write_text("zoë\n雅\n🙂\n", encoding="utf-8")
    assert load(str(tmp_path / "names.txt")) == ["zoë", "雅", "🙂"]


def test_a_byte_order_mark_is_not_part_of_the_first_document(tmp_path):
    (tmp_path / "names.txt").write_text("emma\n", encoding="utf-8-sig")
    assert load(str(tmp_path / "names.txt")) == ["emma"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_where_pythons_text_files_end_them_and_nowhere_else(tmp_path, newline):
    lines = ["dear\u2028reader", "old\x85year", "page\x0cend", "a\x0bb\x1cc\x1dd\x1ee\u2029f"]
    path = tmp_path / "names.txt"
    path.write_bytes("".join(line + newline for line in lines).encode())
    assert load(str(path)) == lines
    with open(path, encoding="utf-8") as file:
        assert [line.removesuffix("\n") for line in file] == lines


def test_the_bundled_list_has_32257_names_in_lower_case():
    names = load(data.BUNDLED)
    assert len(names) == 32257
    assert names[:3] == ["emma", "olivia", "ava"]
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")


# What cannot be loaded.


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "no such file"),
        (b"", "no documents"),
        (b"\n  \n", "no documents"),
        (b"emma\nav\xff\n", "not UTF-8 text (byte 0xff at offset 7)"),
        ("emma\n".encode("utf-16"), "not UTF-8 text"),
    ],
    ids=["missing", "empty", "blank", "latin-1", "utf-16"],
)
def test_a_file_that_is_no_list_is_named_with_the_reason(tmp_path, raw, said):
    path = tmp_path / "names.txt"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(DataError) as error:
        load(str(path))
    assert str(error.value).startswith(f"--data {path}: {said}")


def test_a_directory_is_no_list(tmp_path):
    with pytest.raises(DataError, match="is a directory; give a text file"):
        load(str(tmp_path))


def test_a_path_below_a_file_cannot_be_read(tmp_path):
    (tmp_path / "file").write_text("emma")
    with pytest.raises(DataError, match="cannot be read: Not a directory"):
        load(str(tmp_path / "file" / "names.txt"))


@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
def test_what_has_no_end_or_no_beginning_is_no_list(tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="cannot be read: not a regular file"):
        load(str(tmp_path / path))


def test_a_file_is_read_up_to_a_limit(tmp_path, monkeypatch):
    (tmp_path / "names.txt").write_bytes(LIST)
    monkeypatch.setattr(data, "LARGEST", len(LIST))
    assert load(str(tmp_path / "names.txt")) == ["emma", "olivia", "ava"]
    monkeypatch.setattr(data, "LARGEST", len(LIST) - 1)
    with pytest.raises(DataError, match="cannot be read: more than 15 bytes are too many"):
        load(str(tmp_path / "names.txt"))


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800"])
def test_what_cannot_be_the_name_of_a_file_is_no_list(path):
    with pytest.raises(DataError, match="give a text file"):
        load(path)


# Downloads. The server is on this machine.


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path == "/missing.txt":
            self.send_error(404)
        elif self.path == "/rude.txt":
            self.send_error(404, "No \x1b[2J\x07 such")
        elif self.path == "/slow.txt":
            time.sleep(1.0)
        elif self.path == "/endless.txt":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # the client has gone
                while True:
                    self.wfile.write(LIST * 1000)
        elif self.path == "/dripping.txt":
            self.send_response(200)
            self.end_headers()
            while not self.server.over.wait(0.01):
                self.wfile.write(b"a")
        elif self.path == "/dripping-head.txt":
            while not self.server.over.wait(0.01):
                self.wfile.write(b"H")
        elif self.path.startswith("/promises-"):
            self.send_response(200)
            self.send_header("Content-Length", self.path.removeprefix("/promises-"))
            self.end_headers()
            self.wfile.write(LIST)
        else:
            self.send_response(200)
            promised = len(LIST) + (100 if self.path == "/cut-short.txt" else 0)
            self.send_header("Content-Length", str(promised))
            self.end_headers()
            self.wfile.write(LIST)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests = []
        server.over = threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder for the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_url_is_downloaded_and_nothing_is_kept(server, cache):
    assert load(f"{server.url}/names.txt") == ["emma", "olivia", "ava"]
    assert contents(cache) == {}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.txt", "the server answered 404 Not Found"),
        ("cut-short.txt", "IncompleteRead"),
        ("slow.txt", "timed out"),
    ],
)
def test_a_failed_download_names_the_url_and_the_reason(server, monkeypatch, path, reason):
    monkeypatch.setattr(data, "TIMEOUT", 0.2)
    with pytest.raises(DataError) as error:
        load(f"{server.url}/{path}")
    assert f"--data {server.url}/{path}: download failed: " in str(error.value)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "path",
    [
        *("endless.txt", "dripping.txt", "dripping-head.txt"),
        *("promises-1001", "promises-50000000000", "promises-100000000000000000000"),
    ],
)
def test_a_download_is_waited_for_within_limits_of_size_and_of_time(server, monkeypatch, path):
    monkeypatch.setattr(data, "LARGEST", 1000)
    monkeypatch.setattr(data, "LONGEST_DOWNLOAD", 0.2 if "drip" in path else 60.0)
    with pytest.raises(DataError) as error:
        load(f"{server.url}/{path}")
    assert f"it has no end within 1,000 bytes and {data.LONGEST_DOWNLOAD:g} seconds; " in str(
        error.value
    )


def test_a_download_may_be_as_large_as_the_limit(server, monkeypatch):
    monkeypatch.setattr(data, "LARGEST", len(LIST))
    assert load(f"{server.url}/names.txt") == ["emma", "olivia", "ava"]


def test_what_a_server_says_is_shown_escaped(server):
    result = call("train.py", "--data", f"{server.url}/rude.txt")
    assert result.status == 2
    assert r"the server answered 404 No \x1b[2J\x07 such; try again" in result.err
    assert "\x1b" not in result.err


def test_a_server_that_is_not_there_is_named_with_the_reason(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DataError, match=r"--data http://127.0.0.1:9/x: .*Connection refused"):
        load("http://127.0.0.1:9/x")


@pytest.mark.parametrize("url", ["http://", "https://", "http://[x", "http://a b/", "HTTP://a..b"])
def test_a_url_that_is_none_is_an_error_too(url, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DataError, match="download failed"):
        load(url)


# The published list.


@pytest.fixture
def makemore(server, monkeypatch):
    """`makemore` served from this machine."""
    monkeypatch.setattr(data, "MAKEMORE_URL", f"{server.url}/names.txt")
    monkeypatch.setattr(data, "MAKEMORE_SHA256", hashlib.sha256(LIST).hexdigest())


def test_makemore_is_the_list_of_the_published_run():
    assert data.MAKEMORE_URL == (
        "https://raw.githubusercontent.com/karpathy/makemore/988aa59/names.txt"
    )
    assert data.MAKEMORE_SHA256 == (
        "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
    )


def test_makemore_is_downloaded_once_and_kept_in_the_cache_folder(makemore, server, cache):
    assert load("makemore") == load("makemore") == ["emma", "olivia", "ava"]
    assert server.requests == ["/names.txt"]
    assert contents(cache) == {
        "scalargrad": b"(folder)",
        "scalargrad/makemore-names.txt": LIST,
    }


def test_a_kept_list_that_was_changed_is_downloaded_again(makemore, cache):
    kept = Path(data.makemore_path())
    kept.parent.mkdir()
    kept.write_bytes(b"eve\n")
    assert load("makemore") == ["emma", "olivia", "ava"]
    assert kept.read_bytes() == LIST


def test_another_list_at_that_url_is_refused_and_not_kept(makemore, cache, monkeypatch):
    monkeypatch.setattr(data, "MAKEMORE_SHA256", "0" * 64)
    with pytest.raises(DataError) as error:
        load("makemore")
    assert data.MAKEMORE_URL in str(error.value)
    assert hashlib.sha256(LIST).hexdigest() in str(error.value)
    assert contents(cache) == {}


@pytest.mark.parametrize("path", ["missing.txt", "cut-short.txt", "slow.txt"])
def test_a_failed_makemore_download_leaves_no_file(makemore, server, cache, monkeypatch, path):
    monkeypatch.setattr(data, "TIMEOUT", 0.2)
    monkeypatch.setattr(data, "MAKEMORE_URL", f"{server.url}/{path}")
    with pytest.raises(DataError) as error:
        load("makemore")
    assert f"{server.url}/{path}: download failed: " in str(error.value)
    assert contents(cache) == {}


def test_a_failed_write_leaves_no_file_and_names_the_folder(makemore, cache, monkeypatch):
    def no_space(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(DataError, match=r"cannot keep the list in .*: No space left on device"):
        load("makemore")
    assert contents(cache) == {"scalargrad": b"(folder)"}


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, "/home/ada/.cache/scalargrad"),
        ("linux", {"XDG_CACHE_HOME": "/var/ada"}, "/var/ada/scalargrad"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "/home/ada/.cache/scalargrad"),
        ("darwin", {}, "/home/ada/Library/Caches/scalargrad"),
        ("win32", {"LOCALAPPDATA": "/home/ada/Local"}, "/home/ada/Local/scalargrad"),
    ],
)
def test_the_cache_folder_is_where_the_platform_has_it(monkeypatch, platform, variables, folder):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert data.cache_folder() == folder


def test_without_a_home_there_is_no_cache_folder_but_where_it_is_named(monkeypatch):
    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with pytest.raises(DataError, match=r"you have no home folder .*; set XDG_CACHE_HOME"):
        load("makemore")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/ada")
    assert data.cache_folder() == "/var/ada/scalargrad"


# Order, and held-out documents.


def test_shuffling_gives_every_document_once_and_leaves_the_list_alone():
    documents = [f"d{i}" for i in range(100)]
    mixed = data.shuffled(documents, random.Random(42))
    assert mixed != documents
    assert sorted(mixed) == sorted(documents)
    assert documents == [f"d{i}" for i in range(100)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, 256, 257, 32_257])
def test_shuffling_draws_what_pythons_own_does(count):
    ours, pythons = random.Random(7), random.Random(7)
    expected = [str(i) for i in range(count)]
    pythons.shuffle(expected)
    assert data.shuffled([str(i) for i in range(count)], ours) == expected
    assert ours.getstate() == pythons.getstate()


@pytest.mark.parametrize(
    ("fraction", "kept", "held_out"), [(0.0, "abcdefghij", ""), (0.25, "abcdefgh", "ij")]
)
def test_that_part_of_the_documents_is_held_out_from_the_end(fraction, kept, held_out):
    assert data.split(list("abcdefghij"), fraction) == (list(kept), list(held_out))


@pytest.mark.parametrize(("documents", "fraction"), [("abc", 0.1), ("a", 0.5)])
def test_a_fraction_that_holds_out_nothing_is_an_error(documents, fraction):
    with pytest.raises(DataError, match=f"--val-fraction {fraction}: of {len(documents)}"):
        data.split(list(documents), fraction)


def test_a_fingerprint_tells_documents_and_their_order_apart():
    lists = [["a", "b"], ["b", "a"], ["ab"], ["a", "b", "c"]]
    assert len({data.fingerprint(documents) for documents in lists}) == 4
    assert data.fingerprint(["a", "b"]) == hashlib.sha256(b"a\nb").hexdigest()


# Tokens.


def test_ids_are_places_in_the_sorted_alphabet_and_bos_is_the_last():
    tokenizer = Tokenizer.of(["cab", "bad"])
    assert tokenizer.characters == "abcd"
    assert tokenizer.encode("dab") == [3, 0, 1]
    assert tokenizer.bos == 4
    assert tokenizer.vocab_size == 5


def test_a_document_has_bos_at_both_ends():
    assert Tokenizer("ab").document("ba") == [2, 1, 0, 2]


def test_decoding_undoes_encoding():
    tokenizer = Tokenizer.of(["zoë", "雅🙂"])
    assert tokenizer.decode(tokenizer.encode("🙂ëz雅o")) == "🙂ëz雅o"


def test_unknown_characters_are_named_each_once():
    with pytest.raises(ValueError, match=r"^'x', 'é' not in the vocabulary, which is 'ab'$"):
        Tokenizer("ab").encode("axéxb")


def test_a_large_vocabulary_is_not_listed_in_full():
    characters = "".join(map(chr, range(0x4E00, 0x5E00)))
    with pytest.raises(ValueError, match="not in the vocabulary") as error:
        Tokenizer(characters).encode("a")
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("characters", ["", "aba", ["a", "b"], None])
def test_a_vocabulary_is_text_with_each_character_once(characters):
    with pytest.raises(ValueError, match="a vocabulary is text with each character once"):
        Tokenizer(characters)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_the_examples_in_the_docstrings_are_right(path):
    assert doctest.testmod(importlib.import_module(path.stem)).failed == 0
