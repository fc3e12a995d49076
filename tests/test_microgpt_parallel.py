"""examples/microgpt on several processes and machines: the same bits, and no worker left behind."""

import contextlib
import importlib.util
import json
import math
import os
import re
import signal
import site
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from effort import long
from microgpt_support import TINY, call, environment, run, start

# isort: split
import gradients
import parallel
import training
import worker
from errors import InputError, WorkerError
from model import Config, document_loss
from run import Training, new_run

NAMES = "".join(f"{a}{b}{c}\n" for a in "aeiou" for b in "lmnr" for c in "aeiou")
SHORT = ("--data", "names.txt", *TINY, "--samples", "2", "--steps", "3")

dask = pytest.mark.skipif(
    not importlib.util.find_spec("distributed"), reason="distributed is not installed"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a hundred names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text(NAMES)
    return tmp_path


class AtOnce:
    """An executor that does each task here, as soon as it comes."""

    def __init__(self, change=lambda result: result):
        self.tasks, self.change = [], change

    def submit(self, function, *arguments):
        self.tasks.append(arguments[-1])
        future = Future()
        future.set_result(self.change(function(*arguments)))
        return future


def tiny_run(batch_size):
    return new_run("names.txt", Config(1, 8, 2, 8), Training(steps=10, batch_size=batch_size))


def weights_after(steps, batch_size, workers=None):
    run = tiny_run(batch_size)
    for _ in training.train(run, steps, workers):
        pass
    return [row.data for row in run.optimizer.params], run.losses


class TestTheSameBits:
    @pytest.mark.parametrize("batch_size", [1, 63, 64, 65, 128, 200])
    @pytest.mark.parametrize("count", [1, 2, 3, 7])
    def test_of_any_number_of_tasks(self, folder, batch_size, count):
        workers = parallel.Workers(AtOnce(), count)
        assert weights_after(2, batch_size, workers) == weights_after(2, batch_size)

    def test_of_an_executor_of_threads_that_finish_in_another_order(self, folder):
        class Late(ThreadPoolExecutor):
            def submit(self, function, *arguments):
                first = len(arguments[-1][0]) and not self._threads
                return super().submit(lambda: (time.sleep(0.2 * first), function(*arguments))[1])

        with Late(1) as executor:
            assert weights_after(2, 150, parallel.Workers(executor, 3)) == weights_after(2, 150)

    def test_of_threads_at_work_side_by_side(self, folder, monkeypatch):
        both = threading.Barrier(2, timeout=20)

        def compute_and_wait(*arguments):  # until both have a gradient, and none has read it
            losses = gradients.group_gradients(*arguments)
            both.wait()
            return losses

        expected = weights_after(2, 128)
        monkeypatch.setattr(worker, "group_gradients", compute_and_wait)
        with ThreadPoolExecutor(2) as executor:
            assert weights_after(2, 128, parallel.Workers(executor, 2)) == expected

    @pytest.mark.skipif(
        sys.version_info < (3, 14), reason="interpreter pools came with Python 3.14"
    )
    def test_of_interpreters_in_one_process(self, folder):
        from concurrent.futures import InterpreterPoolExecutor

        examples = str(Path(worker.__file__).parent)
        with InterpreterPoolExecutor(
            2, initializer=site.addsitedir, initargs=(examples,)
        ) as executor:
            assert weights_after(2, 128, parallel.Workers(executor, 2)) == weights_after(2, 128)

    @pytest.mark.parametrize("workers", [2, pytest.param(3, marks=long)])
    def test_of_processes_down_to_the_bytes_of_the_checkpoint(self, folder, workers):
        options = (*SHORT, "--batch-size", 150, "--checkpoint")
        assert run("train.py", *options, "one.json").status == 0
        result = run("train.py", *options, "many.json", "--workers", workers)
        assert result.status == 0
        assert f"workers {workers} processes; a batch is 3 groups of documents\n" in result.err
        assert Path("one.json").read_bytes() == Path("many.json").read_bytes()

    def test_the_gradient_is_that_of_the_mean_loss(self, folder):
        run = tiny_run(90)
        tokens = [run.tokenizer.document(name) for name in run.documents[:90]]
        losses = gradients.batch_gradients(run.model, run.optimizer, tokens)
        assert losses == [document_loss(run.model, t).data for t in tokens]
        found = [g for row in run.optimizer.params for g in row.grad]
        run.optimizer.zero_grad()
        (sum(document_loss(run.model, t) for t in tokens) / 90).backward()
        for a, b in zip(found, [g for row in run.optimizer.params for g in row.grad]):
            assert math.isclose(a, b, rel_tol=1e-10, abs_tol=1e-15)

    def test_a_batch_of_one_group_adds_up_in_the_weights_as_it_always_did(self, folder):
        run = tiny_run(3)
        tokens = [run.tokenizer.document(name) for name in run.documents[:3]]
        gradients.batch_gradients(run.model, run.optimizer, tokens)
        found = [row.grad for row in run.optimizer.params]
        run.optimizer.zero_grad()
        for t in tokens:
            document_loss(run.model, t).backward(1 / 3)
        assert found == [row.grad for row in run.optimizer.params]


class TestTasks:
    def test_groups_do_not_depend_on_the_number_of_workers_and_keep_their_order(self, folder):
        batches = []
        for count in (1, 2, 3, 5, 50):
            executor = AtOnce()
            weights_after(1, 200, parallel.Workers(executor, count))
            assert len(executor.tasks) == min(count, 4)
            batches.append([group for task in executor.tasks for group in task])
        assert [len(group) for group in batches[0]] == [64, 64, 64, 8]
        assert all(batch == batches[0] for batch in batches)

    def test_a_worker_keeps_its_model_and_takes_over_the_weights(self, folder):
        worker._model.cache_clear()
        weights_after(3, 150, parallel.Workers(AtOnce(), 2))
        assert worker._model.cache_info().misses == 1

    def test_numbers_travel_without_losing_a_bit(self):
        numbers = [0.1, -0.0, math.inf, 5e-324, math.pi]
        there = worker.to_numbers(worker.to_bytes([numbers[:2], numbers[2:]]))
        assert list(map(repr, there)) == list(map(repr, numbers))


class TestMixtures:
    OTHER = "scalargrad 2.0.0, compiled engine, libm 12345678"

    def other(self, result):
        return self.OTHER, result[1]

    def test_a_worker_that_computes_otherwise_is_an_error(self, folder):
        workers = parallel.Workers(AtOnce(self.other), 2)
        with pytest.raises(WorkerError, match=r"a worker has .*libm 12345678, this process .*"):
            weights_after(1, 150, workers)

    def test_unless_that_is_allowed(self, folder):
        workers = parallel.Workers(AtOnce(self.other), 2, mixed=True)
        assert weights_after(1, 150, workers) == weights_after(1, 150)

    def test_who_computes_names_the_library_the_engine_and_libm(self, monkeypatch):
        who = worker.who_computes.__wrapped__
        assert who() == who() == worker.who_computes()
        before, exp = who(), math.exp
        monkeypatch.setattr(math, "exp", lambda x: math.nextafter(exp(x), math.inf))
        assert who() != before  # one bit further, and it is another libm


def test_a_task_that_fails_by_a_timeout_of_its_own_is_not_waited_for(folder):
    def fail(result):
        raise TimeoutError("no answer")

    with ThreadPoolExecutor(1) as executor:
        executor.submit, submit = lambda *task: submit(fail, task), executor.submit
        with pytest.raises(WorkerError, match="the workers failed: TimeoutError: no answer"):
            weights_after(1, 150, parallel.Workers(executor, 2))


class TestOptions:
    @pytest.mark.parametrize("text", ["dask", "dask:", "tcp://127.0.0.1:8786", "mpi:4"])
    def test_an_executor_is_dask_at_an_address(self, folder, text):
        result = call("train.py", "--executor", text)
        assert result.status == 2
        assert "--executor: must be dask:ADDRESS, such as dask:tcp://" in result.err

    @pytest.mark.parametrize("count", ["0", "-1", "two"])
    def test_workers_are_counted_from_one(self, folder, count):
        result = call("train.py", "--workers", count)
        assert result.status == 2
        assert "--workers: must be a whole number" in result.err

    @long
    def test_says_when_the_batch_is_too_small_to_share_out(self, folder):
        err = run("train.py", *SHORT, "--batch-size", 100, "--workers", 3).err
        assert "workers 3 processes; a batch is 2 groups of documents\n" in err
        assert "(so at most 2 can work at once: 64 documents are a group" in err

    def test_one_worker_is_this_process(self, folder):
        result = call("train.py", *SHORT, "--workers", 1)
        assert result.status == 0
        assert "processes" not in result.err

    def test_without_distributed_the_error_says_how_to_get_it(self, folder, monkeypatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        result = call("train.py", *SHORT, "--executor", "dask:tcp://127.0.0.1:1")
        assert result.status == 2
        assert "-m pip install 'distributed" in result.err.splitlines()[-1]


def children(pid):
    """The processes that this one has started, and theirs."""
    table = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True).stdout
    parents = dict(map(int, line.split()) for line in table.splitlines()[1:])
    found, more = set(), {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more} - found
        found |= more
    return found


def gone(pids, within=10.0):
    end = time.monotonic() + within
    while (alive := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


LONG_RUN = ("--data", "names.txt", *TINY, "--steps", 100_000, "--batch-size", 200, "--workers", 2)


def wait_for_line(process, text):
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the program ended without {text!r}")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
class TestTheEnd:
    """Of a run with two processes."""

    @pytest.fixture
    def training_run(self, folder):
        with start("train.py", *LONG_RUN, "--checkpoint", "run.json") as process:
            wait_for_line(process, "step       1 ")
            workers = children(process.pid)
            assert len(workers) >= 2
            yield process, workers

    def test_ctrl_c_stops_after_a_step_and_leaves_no_process(self, training_run):
        process, workers = training_run
        for pid in (process.pid, *workers):  # as a terminal does: to all of the group
            os.kill(pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "saved; to go on" in err
        assert "Traceback" not in err
        assert gone(workers)

    @long
    def test_a_second_ctrl_c_leaves_none_either(self, training_run):
        process, workers = training_run
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert gone(workers)

    @long
    def test_workers_end_with_a_run_that_is_killed(self, training_run):
        process, workers = training_run
        process.kill()
        assert gone(workers)

    def test_a_worker_that_is_killed_ends_the_run_in_one_line_and_saves_it(self, training_run):
        process, workers = training_run
        for pid in workers:
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                break
        _, err = process.communicate(timeout=30)
        assert process.returncode == 1
        last = err.splitlines()[-1]
        why = r"are gone: process \d+ ended with exit code -9|failed: BrokenProcessPool: .*"
        assert re.fullmatch(rf".* error: the workers ({why}); saved after step .*", last)
        assert "Traceback" not in err
        assert gone(workers)
        assert run("sample.py", "--checkpoint", "run.json", "--samples", 1).status == 0


def half_a_result():
    """Ends this process while it sends what this returns."""
    from multiprocessing.connection import Connection

    def send_half(connection, raw, write=os.write):
        write(connection.fileno(), bytes(raw[: len(raw) // 2]))
        os.kill(os.getpid(), signal.SIGKILL)

    Connection._send = send_half
    return b"x" * 100_000


@long
def test_a_worker_that_ends_while_it_sends_is_not_waited_for():
    gone = pytest.raises(WorkerError, match=r"^the workers are gone: process \d+ ended with exit ")
    with gone, parallel.processes(1) as workers:
        workers._result(workers.executor.submit(half_a_result))


class Cluster:
    """A Dask cluster of two processes, as one starts it on a command line."""

    def __init__(self, folder):
        self.file, self.processes = folder / "scheduler.json", []

    def start(self):
        self._start("scheduler", "--port", 0, "--host", "127.0.0.1")
        self._start("worker", "--nworkers", 2, "--nthreads", 1)
        for _ in range(1200):
            with contextlib.suppress(OSError, ValueError):  # not yet there, or not yet whole
                self.address = json.loads(self.file.read_text())["address"]
                return
            time.sleep(0.05)

    def _start(self, what, *options):
        self.processes.append(
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "dask",
                    what,
                    "--no-dashboard",
                    *map(str, options),
                    "--scheduler-file",
                    str(self.file),
                ],
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    @property
    def workers(self):
        return [
            pid
            for pid in children(self.processes[1].pid)
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    def kill(self, *processes):
        for process in processes or self.processes:
            for pid in (process.pid, *children(process.pid)):
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)
            process.wait(timeout=30)


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()


@long
@dask
class TestACluster:
    """A real one, of processes."""

    OPTIONS = ("--data", "names.txt", *TINY, "--samples", 1, "--batch-size", 200)

    def test_gives_the_bytes_of_one_process_even_if_a_worker_is_killed(self, folder, cluster):
        options = (*self.OPTIONS, "--steps", 60)
        alone = run("train.py", *options, "--checkpoint", "one.json")
        assert alone.status == 0, alone.err
        with start(
            "train.py",
            *options,
            "--checkpoint",
            "dask.json",
            "--executor",
            f"dask:{cluster.address}",
        ) as process:
            wait_for_line(process, "step  6 ")
            os.kill(cluster.workers[0], signal.SIGKILL)
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out == alone.out
        assert Path("one.json").read_bytes() == Path("dask.json").read_bytes()

    def test_that_is_gone_for_good_ends_the_run_in_one_line_and_saves_it(self, folder, cluster):
        options = (*self.OPTIONS, "--steps", 100_000, "--checkpoint", "run.json")
        with start("train.py", *options, "--executor", f"dask:{cluster.address}") as process:
            wait_for_line(process, "step       1 ")
            cluster.kill()
            _, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert err.count("\n") == 1, err
        assert err.startswith("train.py: error: the workers are gone: the connection to tcp://")
        assert "; saved after step " in err
        assert run("sample.py", "--checkpoint", "run.json", "--samples", 1).status == 0

    def test_without_workers_is_waited_for_and_then_given_up(self, folder, cluster, monkeypatch):
        monkeypatch.setattr(parallel, "PATIENCE", 2.0)
        with parallel.dask_cluster(cluster.address, 2) as workers:
            assert weights_after(1, 150, workers) == weights_after(1, 150)
            cluster.kill(cluster.processes[1])
            with pytest.raises(WorkerError, match="the workers are gone: there has been none for"):
                weights_after(1, 150, workers)

    def test_that_has_no_workers_is_refused(self, folder, cluster):
        with parallel.dask_cluster(cluster.address, None):
            cluster.kill(cluster.processes[1])
        with (
            pytest.raises(InputError, match=r"has no workers; start some|cannot be used"),
            parallel.dask_cluster(cluster.address, None),
        ):
            pass


@long
@dask
@pytest.mark.parametrize("address", ["localhost", "tcp://localhost:port", "other://localhost:1"])
def test_an_address_that_is_none_ends_in_one_line(folder, address):
    result = run("train.py", *SHORT, "--executor", f"dask:{address}")
    assert result.status == 2
    last = result.err.splitlines()[-1]
    assert last.startswith(f"train.py: error: --executor dask:{address}: no scheduler answers (")
    assert "Traceback" not in result.err


@long
@dask
def test_where_no_scheduler_answers_the_error_names_the_address(folder):
    result = run("train.py", *SHORT, "--executor", "dask:tcp://127.0.0.1:1")
    assert result.status == 2
    last = result.err.splitlines()[-1]
    assert last.startswith("train.py: error: --executor dask:tcp://127.0.0.1:1: no scheduler")
    assert "Traceback" not in result.err
