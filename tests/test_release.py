"""tests/tools/release.py refuses what must not be published."""

import importlib.util
import io
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

TOOL = Path(__file__).parent / "tools" / "release.py"
spec = importlib.util.spec_from_file_location("release", TOOL)
release = importlib.util.module_from_spec(spec)
spec.loader.exec_module(release)

PURE = "scalargrad-2.0.0-py3-none-any.whl"
BINARY = "scalargrad-2.0.0-cp311-cp311-linux_x86_64.whl"
LIBRARY = (release.OURS, "scalargrad/py.typed", "scalargrad-2.0.0.dist-info/METADATA")
ENGINE = "scalargrad/engine/compiled.cpython-311-x86_64-linux-gnu.so"


def wheel(folder, name, *members):
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member in members:
            archive.writestr(member, "")
    return folder / name


class TestWheels:
    def test_the_one_for_every_platform_has_no_compiled_engine_and_the_others_have(self, tmp_path):
        assert list(release.check_wheel(wheel(tmp_path, PURE, *LIBRARY))) == []
        assert list(release.check_wheel(wheel(tmp_path, BINARY, *LIBRARY, ENGINE))) == []

    @pytest.mark.parametrize(
        ("name", "members", "said"),
        [
            (PURE, (*LIBRARY, ENGINE), "has a compiled engine"),
            (BINARY, LIBRARY, "has no compiled engine"),
            (PURE, LIBRARY[1:], "the library is not whole"),
            (PURE, (*LIBRARY, "tests/conftest.py"), "has tests/conftest.py, which is no part"),
            (BINARY, (*LIBRARY, ENGINE, "scalargrad/engine/compiled/value.c"), "value.c, which is"),
        ],
    )
    def test_any_other_is_refused(self, tmp_path, name, members, said):
        (problem,) = release.check_wheel(wheel(tmp_path, name, *members))
        assert problem.startswith(f"{name}: ")
        assert said in problem


class TestSource:
    def source(self, folder, *members):
        path = folder / "scalargrad-2.0.0.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for member in members:
                archive.addfile(tarfile.TarInfo(f"scalargrad-2.0.0/{member}"), io.BytesIO())
        return path

    def test_has_what_tests_and_documentation_need(self, tmp_path):
        assert list(release.check_source(self.source(tmp_path, *release.IN_SOURCE))) == []
        (problem,) = release.check_source(self.source(tmp_path, *release.IN_SOURCE[1:]))
        assert problem.endswith(f"has no {release.IN_SOURCE[0]}")

    @pytest.mark.parametrize(
        "made",
        [
            "docs/assets/vendor/pyodide.wasm",
            "docs/assets/notebooks/mlp.ipynb",
            "benchmarks/results/local.json",
        ],
    )
    def test_has_nothing_that_is_made(self, tmp_path, made):
        (problem,) = release.check_source(self.source(tmp_path, *release.IN_SOURCE, made))
        assert f"has {made}, which is made" in problem

    def test_what_it_must_have_is_in_the_checkout(self):
        for name in release.IN_SOURCE:
            assert (release.ROOT / name).is_file(), name


class TestName:
    def answers(self, monkeypatch, **answers):
        """What pip says to each of its commands; a download brings a wheel with these files."""

        def pip(command, *arguments):
            answer = answers["pip" if arguments == ("versions", "pip") else command]
            if isinstance(answer, tuple):
                wheel(Path(arguments[arguments.index("--dest") + 1]), PURE, *answer)
                answer = ""
            failed = answer.startswith("ERROR")
            return SimpleNamespace(returncode=int(failed), stdout=answer, stderr=answer)

        monkeypatch.setattr(release, "pip", pip)

    def test_is_ours_if_the_latest_wheel_is_this_library(self, monkeypatch):
        self.answers(monkeypatch, download=LIBRARY)
        assert release.check_name() == []

    def test_is_not_if_it_is_another(self, monkeypatch):
        self.answers(monkeypatch, download=("scalargrad/__init__.py",))
        assert "is somebody else's" in release.check_name()[0]

    def test_is_not_if_there_are_sources_only_which_would_run_when_built(self, monkeypatch):
        self.answers(monkeypatch, download="ERROR", index="scalargrad (1.0.5)")
        assert "is somebody else's: scalargrad (1.0.5), no wheel" in release.check_name()[0]

    NONE = "ERROR: No matching distribution found for scalargrad"

    def test_is_free_if_the_index_knows_none(self, monkeypatch):
        self.answers(monkeypatch, download=self.NONE, index=self.NONE, pip="pip (26.0)")
        assert release.check_name() == []

    def test_is_not_known_if_the_index_does_not_know_pip_either(self, monkeypatch):
        self.answers(monkeypatch, download=self.NONE, index=self.NONE, pip=self.NONE)
        assert "cannot be asked" in release.check_name()[0]

    def test_is_not_known_if_the_index_does_not_answer(self, monkeypatch):
        timeout = "ERROR: timeout"
        self.answers(monkeypatch, download=timeout, index=timeout, pip=timeout)
        assert "cannot be asked" in release.check_name()[0]


def test_the_tag_is_that_of_the_version():
    import scalargrad

    assert release.check_tag(f"v{scalargrad.__version__}") == []
    assert release.check_tag("v1.0.0") == [
        f"the tag is v1.0.0, the version {scalargrad.__version__}"
    ]


def test_a_problem_is_an_exit_status(capsys):
    assert release.main(["tag", "v1.0.0"]) == 1
    assert "the tag is v1.0.0" in capsys.readouterr().err
    assert release.main(["publish"]) == 1
