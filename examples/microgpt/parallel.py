"""A batch's gradients from several processes, on this machine or on many.

    with processes(4) as workers:
        for _ in train(run, until=100, workers=workers):
            ...

Any executor will do that has `submit` as `concurrent.futures` defines it: processes of this machine
(`--workers K`), a Dask cluster (`--executor dask:ADDRESS`), MPI. It is the executor that starts the
workers, brings tasks to them and results back, and tries again if that is its way.

With the same seed, any number of workers gives the same bits (gradients.py says why), if each of
them computes as this process does. So each says what it runs, and a difference is an error.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator, Sequence

from advice import install
from errors import InputError, WorkerError
from gradients import add_groups, groups
from model import GPT
from worker import compute, to_bytes, to_numbers, who_computes

import scalargrad
from scalargrad import Vector, nn, optim

TYPE_CHECKING = False  # importing these would only cost time
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future
    from multiprocessing.process import BaseProcess
    from typing import Any

    from gradients import Document
    from worker import Done


class Workers:
    """Those who compute the groups of a batch: an executor, and how many tasks it runs at once."""

    def __init__(
        self,
        executor: Executor,
        count: int,
        *,
        mixed: bool = False,  # whether some may compute other last bits
        problem: Callable[[], str] = str,  # why no result will come any more, if that is so
    ) -> None:
        self.executor, self.count, self.mixed, self.problem = executor, count, mixed, problem

    def batch_gradients(
        self, model: GPT, optimizer: optim.Adam, documents: Sequence[Document]
    ) -> list[float]:
        """What gradients.batch_gradients does, and to the same bits."""
        weights = to_bytes(row.data for row in optimizer.params)
        arguments = vars(model.config), model.vocab_size, weights, 1 / len(documents)
        try:
            futures = [
                self.executor.submit(compute, *arguments, task) for task in self._tasks(documents)
            ]
            return add_groups(optimizer, self._results(futures))
        except WorkerError:
            raise
        except Exception as error:  # an executor may raise what it likes
            if problem := self.problem():
                raise WorkerError(f"the workers are gone: {problem}") from error
            raise WorkerError(f"the workers failed: {_in_words(error)}") from error

    def _tasks(self, documents: Sequence[Document]) -> Iterator[list[Sequence[Document]]]:
        """The groups in their order, shared out as evenly as they can be."""
        cut = groups(documents)
        count = min(self.count, len(cut))
        for i in range(count):
            yield cut[i * len(cut) // count : (i + 1) * len(cut) // count]

    def _results(self, futures: Sequence[Future[Done]]) -> Iterator[tuple[list[float], Vector]]:
        for future in futures:
            who, results = self._result(future)
            if who != who_computes() and not self.mixed:
                raise WorkerError(
                    f"a worker has {who}, this process {who_computes()}: the result would depend "
                    "on who computes what; make them the same, or give --allow-mixed-workers"
                )
            for losses, doubles in results:
                yield losses, nn.vector(to_numbers(doubles))

    def _result(self, future: Future[Done]) -> Done:
        from concurrent.futures import TimeoutError

        while True:
            try:
                return future.result(timeout=1.0)
            except TimeoutError:
                if future.done():  # so it is the task's own, or the result came just now
                    return future.result()
                if problem := self.problem():
                    raise WorkerError(f"the workers are gone: {problem}") from None


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


# Processes of this machine.


@contextlib.contextmanager
def processes(count: int) -> Iterator[Workers]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Spawned, which works everywhere: a fork would take along what other threads hold.
    context = multiprocessing.get_context("spawn")

    started: set[BaseProcess] = set()

    class Processes(ProcessPoolExecutor):
        def submit(self, *task: Any, **options: Any) -> Future[Any]:
            with _ctrl_c_blocked():  # a process that this starts begins so, too
                future = super().submit(*task, **options)
            started.update(multiprocessing.active_children())
            return future

    def problem() -> str:
        ended = (process for process in started if not process.is_alive())
        return next((f"process {p.pid} ended with exit code {p.exitcode}" for p in ended), "")

    executor = Processes(count, context, initializer=_follow_the_parent)
    try:
        yield Workers(executor, count, problem=problem)
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        # One that ended while it sent a result has sent half of it, and the executor would wait for
        # the rest for ever, since its own end of the pipe is open: this ends the waiting.
        executor._result_queue._writer.close()  # type: ignore[attr-defined]
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _follow_the_parent() -> None:
    """Leave Ctrl-C, which reaches all processes in a terminal, to the parent, and end with it."""
    import multiprocessing
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def end_with_the_parent() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_the_parent, daemon=True).start()


@contextlib.contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Put Ctrl-C off, since a process that is only being loaded would end in many lines."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# A Dask cluster, which somebody else has started.

PATIENCE = 30.0  # seconds that a cluster may be without a worker
FILES = ("record.py", "model.py", "gradients.py", "worker.py")  # what its workers have to import


@contextlib.contextmanager
def dask_cluster(address: str, count: int | None, mixed: bool = False) -> Iterator[Workers]:
    """The cluster whose scheduler is at that address; `count` tasks at once, or one per thread."""
    try:
        from distributed import Client
        from distributed.comm import resolve_address
    except ImportError:
        raise InputError(
            f"--executor dask:{address}: needs Dask; install it with: "
            f"{install('distributed>=2024.5')}"
        ) from None
    with contextlib.ExitStack() as in_the_end:
        logging.disable()  # what goes wrong is said here, in one line
        in_the_end.callback(logging.disable, logging.NOTSET)
        try:
            # A client that cannot read the address would end after 20 s, in many lines.
            resolve_address(address)
            client = Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(f"--executor dask:{address}: no scheduler answers ({error})") from None
        in_the_end.callback(client.close, timeout=2)
        yield Workers(
            client.get_executor(),
            _prepared(client, address, count),
            mixed=mixed,
            problem=_LostCluster(client),
        )


def _prepared(client: Any, address: str, count: int | None) -> int:
    """Give the workers what they have to import; returns `count`, or how many threads they have."""
    folder = os.path.dirname(os.path.abspath(__file__))
    try:
        client.wait_for_workers(1, timeout=10)
        for file in FILES:
            client.upload_file(os.path.join(folder, file))
        return count or sum(client.nthreads().values())
    except TimeoutError:
        raise InputError(f"--executor dask:{address}: has no workers; start some") from None
    except Exception as error:  # of the workers, such as the library that is not there
        raise InputError(
            f"--executor dask:{address}: its workers cannot be used: {_in_words(error)}; they need "
            f"scalargrad {scalargrad.__version__}, too"
        ) from None


class _LostCluster:
    """Why a cluster gives no results any more; called now and then while one waits for some."""

    def __init__(self, client: Any) -> None:
        self.client, self.address = client, client.scheduler.address
        self.seen = time.monotonic()  # its workers

    def __call__(self) -> str:
        try:
            if self.client.status != "running":
                return f"the connection to {self.address} is lost"
            if self.client.nthreads():
                self.seen = time.monotonic()
        except Exception as error:
            return _in_words(error)
        waited = time.monotonic() - self.seen
        return f"there has been none for {waited:.0f} s" if waited > PATIENCE else ""
