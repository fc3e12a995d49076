"""Threads, generators and tasks: what each has to itself, what they may share, and what no_grad is.

Under load: many threads, and Python made to switch between them all the time.
"""

import asyncio
import copy
import gc
import os
import queue
import random
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from effort import cpython
from oracles import bits

THREADS = 6


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Python lets another thread run as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def together(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What the work returns for 0, 1, ..., each in a thread of its own, begun at one moment."""
    start = threading.Barrier(threads)

    def begin(i: int) -> Any:
        start.wait()
        return work(i)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def steps(engine: str) -> int:
    """As many as take about a second."""
    return 2500 if engine == "compiled" else 500


class TestGraphsOfTheirOwn:
    def test_threads_that_train_give_the_bits_that_each_gives_alone(self, sg, engine):
        def train(seed: int) -> list[object]:
            rng = random.Random(seed)
            hidden, output = sg.nn.matrix(4, 3, 0.5, rng), sg.nn.matrix(3, 4, 0.5, rng)
            scale = sg.Value(1.0)
            optimizer = sg.optim.Adam([hidden, output, scale], lr=0.01)
            total = 0.0
            for i in range(steps(engine)):
                x = [rng.gauss(0, 1) for _ in range(3)]
                with sg.no_grad():  # a look at the prediction, which leaves no graph
                    before = sg.nn.linear(x, hidden)[0] * scale
                    assert not before.parents
                h = [(y * scale).tanh() for y in sg.nn.rmsnorm(sg.nn.linear(x, hidden))]
                loss = sg.nn.cross_entropy(sg.nn.linear(h, output), i % 3)
                assert loss.parents
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.data
            return [bits(v.data) for row in (*hidden, *output, [scale]) for v in row] + [
                bits(total)
            ]

        assert together(train) == [train(seed) for seed in range(THREADS)]

    def test_graphs_are_freed_by_other_threads_than_those_that_made_them(self, sg, engine):
        graphs: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def make_and_free(i: int) -> float:
            x = sg.Value(1.0)
            for _ in range(steps(engine) // 5):
                y = x
                for _ in range(20):
                    y = sg.nn.linear([y * 1.0], [[1.0]])[0] + 0.0
                y.backward()
                graphs.put(y)
                graphs.get()
            return x.grad

        expected = float(steps(engine) // 5)
        assert together(make_and_free) == [expected] * THREADS

    def test_second_derivatives(self, sg, engine):
        def curvature(i: int) -> list[float]:
            results = []
            for k in range(steps(engine) // 5):
                x = sg.Value(1.0 + i + k / 1000)
                (slope,) = sg.grad(x**3 * x.log(), [x], create_graph=True)
                results += sg.grad(slope, [x])
            return results

        assert together(curvature) == [curvature(i) for i in range(THREADS)]


class TestSharedParameters:
    """Any number of threads may read the same parameters, each building a graph of its own."""

    def test_gradients_are_those_of_one_thread_alone(self, sg, engine):
        w, x, scale = (
            sg.nn.matrix(4, 3, 0.5, random.Random(1)),
            sg.nn.vector([1, 2, 3]),
            sg.Value(2.0),
        )

        def gradients(i: int) -> list[float]:
            results: list[float] = []
            for _ in range(steps(engine) // 5):
                y = sg.nn.softmax(sg.nn.linear(x, w))
                loss = (y[i % 4] * scale).log() + sg.nn.dot(x, w[0]) * w[1][1]
                results += sg.grad(loss, [*x, scale, w[1][1], w[3][2]])
            return results

        assert together(gradients) == [gradients(i) for i in range(THREADS)]
        assert {v.grad for row in (*w, x, [scale]) for v in row} == {0.0}

    def test_an_element_is_the_same_object_for_all(self, sg):
        for _ in range(20):
            row = sg.nn.vector(range(5000))
            parts = [row, row[:], row[10:], row[:4000], row[5:], row]  # and no Value made yet
            seen = together(lambda i, parts=parts: list(parts[i]))
            assert list(map(len, seen)) == [5000, 5000, 4990, 4000, 4995, 5000]
            assert seen[0] == seen[1] == seen[5] == list(row)  # == is identity
            assert seen[2] == seen[0][10:]
            assert seen[3] == seen[0][:4000]
            assert seen[4] == seen[0][5:]

    def test_copies_are_whole(self, sg):
        row = sg.nn.vector(range(20))

        def copied(i: int) -> bool:
            for _ in range(20):
                elements, part, whole = copy.deepcopy((list(row), row[5:], row))
                if elements != list(whole) or list(part) != elements[5:] or whole[0] is row[0]:
                    return False
            return True

        assert together(copied) == [True] * THREADS


class TestOneGraphInSeveralThreads:
    PROGRAM = """
        import gc, signal, sys, threading
        import scalargrad as sg
        sys.setswitchinterval(1e-6)
        x, row = sg.Value(1.0), sg.nn.vector([1.0, 2.0, 3.0])
        y, n = x, 100_000 if sg.ENGINE == "compiled" else 1_000
        for _ in range(n):
            y = y + 0.0
        z = sg.nn.dot(sg.nn.linear(row, [row] * 10), [y] * 10)
        class Cycle:
            def __del__(self):
                y.backward(0.0)
        handled = 0
        def handler(*_):
            global handled
            handled += 1
            cycle = Cycle()
            cycle.me = cycle
            y.backward(0.0)
            if handled < 20:
                signal.setitimer(signal.ITIMER_REAL, 0.003 * handled)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        gc.set_threshold(50)
        def work(output):
            for _ in range(10):
                output.backward()
                [sg.Value(1.0).exp() for _ in range(10)], [[] for _ in range(100)]
        threads = [threading.Thread(target=work, args=(v,)) for v in (y, z, y, z)]
        for thread in threads:
            thread.start()
        work(z)
        for thread in threads:
            thread.join()
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        gc.collect()  # or a cycle that is left would run its own backward in the middle of this one
        for v in (x, *row):
            v.grad = 0.0
        z.backward()
        assert x.grad == 140.0 and [v.grad for v in row] == [20.0, 40.0, 60.0]
        print("alive")
        """

    @cpython  # whose garbage collector can be made to run at once
    def test_backward_from_several_at_once_may_mix_gradients_but_breaks_nothing(self, engine):
        """It is a mistake: `backward` clears and adds up the gradients of nodes that they share."""
        assert run(self.PROGRAM, engine) == "alive\n"


def run(program: str, engine: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | {"SCALARGRAD_ENGINE": engine},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def records(sg) -> bool:
    """Whether this thread records graphs right now."""
    return bool((sg.Value(1.0) * 2.0).parents)


class TestNoGrad:
    """It holds for the thread that entered it, until that thread leaves it."""

    def test_every_thread_has_its_own_under_load(self, sg, engine):
        def enter_and_leave(seed: int) -> int:
            rng, depth, blocks, wrong = random.Random(seed), 0, [], 0
            for _ in range(steps(engine)):
                if rng.random() < 0.5 and depth < 5:
                    blocks.append(sg.no_grad())
                    blocks[-1].__enter__()
                    depth += 1
                elif depth:
                    blocks.pop().__exit__(None, None, None)
                    depth -= 1
                wrong += records(sg) is bool(depth)
            while blocks:
                blocks.pop().__exit__(None, None, None)
            return wrong + (not records(sg))

        assert together(enter_and_leave) == [0] * THREADS

    def test_the_threads_of_a_pool_record_though_the_work_was_given_within(self, sg):
        with ThreadPoolExecutor(2) as pool, sg.no_grad():
            assert list(pool.map(lambda _: records(sg), range(20))) == [True] * 20
            assert not records(sg)

    def test_work_for_a_pool_can_be_decorated(self, sg):
        evaluate = sg.no_grad()(lambda _: records(sg))
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(evaluate, range(20))) == [False] * 20
            assert list(pool.map(lambda _: records(sg), range(20))) == [True] * 20

    def test_a_thread_that_ends_within_leaves_it_to_no_other(self, sg):
        for _ in range(50):
            thread = threading.Thread(target=sg.no_grad().__enter__)
            thread.start()
            thread.join()
        assert together(lambda i: records(sg)) == [True] * THREADS
        assert records(sg)

    def test_a_generator_that_stops_within_leaves_its_thread_within(self, sg):
        def numbers():
            with sg.no_grad():
                yield 1
                yield 2

        generator = numbers()
        next(generator)
        assert not records(sg)
        generator.close()
        assert records(sg)

    def test_generators_may_end_in_any_order(self, sg):
        def numbers():
            with sg.no_grad():
                yield 1

        first, second = numbers(), numbers()
        next(first), next(second)
        first.close()
        assert not records(sg)
        second.close()
        assert records(sg)

    def test_a_generator_that_is_closed_in_another_thread_changes_nothing_there(self, sg):
        def numbers():
            with sg.no_grad():
                yield 1

        generator = numbers()

        def close() -> list[object]:
            try:
                generator.close()
            except RuntimeError as error:
                return [str(error), records(sg)]
            return []

        next(generator)
        with ThreadPoolExecutor(1) as pool:
            message, recording = pool.submit(close).result()
        assert "no_grad: left in a thread that is not inside it" in message
        assert recording
        assert not records(sg)  # as nobody left it here
        sg.no_grad().__exit__(None, None, None)
        assert records(sg)

    def test_to_leave_it_without_having_entered_is_an_error(self, sg):
        with pytest.raises(RuntimeError, match="no_grad: left in a thread that is not inside it"):
            sg.no_grad().__exit__(None, None, None)
        assert records(sg)

    def test_tasks_of_one_thread_share_it_when_they_wait_within(self, sg):
        """So nothing should be awaited within; or in a thread, which has its own."""
        seen = {}

        async def waits(inside: asyncio.Event, done: asyncio.Event) -> None:
            with sg.no_grad():
                inside.set()
                await done.wait()
            seen["after"] = records(sg)

        async def other(inside: asyncio.Event, done: asyncio.Event) -> None:
            seen["before"] = records(sg)
            await inside.wait()
            seen["meanwhile"] = records(sg)
            seen["in a thread"] = await asyncio.to_thread(records, sg)
            done.set()

        async def main() -> None:
            events = asyncio.Event(), asyncio.Event()
            await asyncio.gather(other(*events), waits(*events))

        asyncio.run(main())
        assert seen == {"before": True, "meanwhile": False, "in a thread": True, "after": True}

    def test_tasks_that_do_not_wait_within_do_not_disturb_each_other(self, sg):
        async def task(i: int) -> bool:
            right = True
            for k in range(50):
                if (i + k) % 2:
                    with sg.no_grad():
                        right &= not records(sg)
                await asyncio.sleep(0)
                right &= records(sg)
            return right

        async def main() -> list[bool]:
            return await asyncio.gather(*map(task, range(10)))

        assert all(asyncio.run(main()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_begins_within_if_the_thread_that_forked_was(engine):
    program = """
        import os
        import scalargrad as sg
        with sg.no_grad():
            child = os.fork()
            if not child:
                os._exit(len((sg.Value(1.0) * 2.0).parents))
        print(os.waitpid(child, 0)[1], len((sg.Value(1.0) * 2.0).parents))
    """
    assert run(program, engine) == "0 2\n"


def test_no_value_is_left_for_the_garbage_collector(sg):
    def alive() -> int:
        return sum(issubclass(type(thing), (sg.Value, sg.Vector)) for thing in gc.get_objects())

    gc.collect()
    before = alive()
    gc.disable()
    try:
        together(lambda i: sg.nn.softmax(sg.nn.vector([1.0, 2.0]))[0].backward())
        assert alive() == before
    finally:
        gc.enable()
