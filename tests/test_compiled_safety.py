"""What could crash an engine in C and must not: hostile arguments, no memory, Ctrl-C, depth.

Each program runs in a process of its own, so that a crash is a failure of its test alone. More is
in tests/tools: `sanitize` runs all tests under sanitizers.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from effort import long
from engines import PACKAGES

pytestmark = pytest.mark.skipif(
    "compiled" not in PACKAGES, reason="the compiled engine is not built"
)

TOOLS = Path(__file__).parent / "tools"


def run(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"SCALARGRAD_ENGINE": "compiled"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def run_program(program):
    return run("-c", "import scalargrad as sg\n" + textwrap.dedent(program))


class TestHostileArguments:
    def test_a_number_that_changes_the_list_it_stands_in(self):
        run_program("""
            class Hostile:
                def __float__(self):
                    numbers.clear()
                    matrix.clear()
                    return 1.0
            for function in (sg.nn.softmax, sg.Vector, sg.nn.vector, sg.nn.rmsnorm):
                numbers, matrix = [Hostile(), 2.0, sg.Value(3.0)] * 50, []
                if function is sg.nn.vector:
                    numbers = [Hostile(), 2.0] * 50
                assert len(function(numbers)) == len(numbers) or not numbers
            numbers = [1.0, 3.0, 2.0]
            matrix = [[Hostile(), sg.Value(1.0), 2.0] for _ in range(20)]
            assert len(sg.nn.linear(numbers, matrix)) == 20
            numbers = [sg.Value(1.0), sg.Value(2.0)]
            matrix = []
            sg.Value(1.0, numbers, [Hostile(), 1.0])
            """)

    def test_a_number_that_drops_and_rewrites_what_is_being_computed_with(self):
        run_program("""
            class Hostile:
                def __float__(self):
                    for row in list(w):
                        row[0].data = 5.0
                    x.clear(), w.clear()
                    for v in list(held):
                        v.backward()
                    held.clear()
                    return 2.0
            for _ in range(100):
                w = [sg.nn.vector([1.0, 2.0]), sg.nn.vector([3.0, 4.0])]
                x = [sg.Value(1.0), sg.Value(2.0)]
                held = list(sg.nn.linear(x, w))
                y = sg.nn.linear(x, w, [Hostile(), 1.0])
                y[0].backward(Hostile())
                (held or [y[1]])[0].data = Hostile()
                sg.nn.linear([Hostile(), sg.Value(1.0)], [[1.0, Hostile()], y])
                sg.maximum(Hostile(), y[0]) ** Hostile()
            """)

    def test_a_number_that_rewrites_the_rows_that_it_is_to_meet(self):
        run_program("""
            class Hostile:
                def __float__(self):
                    others.clear()
                    row.data = [7.0] * len(row)
                    row.label = "rewritten"
                    for v in list(held):
                        v.backward()
                    held.clear()
                    return 2.0
            for compute in (
                lambda row, x: row * x,
                lambda row, x: x ** row,
                lambda row, x: row + [x, 1.0, sg.Value(3.0)],
                lambda row, x: sg.maximum([1.0, x, sg.Value(1.0)], row),
                lambda row, x: sg.minimum(x, row),
                lambda row, x: sg.nn.weighted_sum([x, 1.0], [row, others]),
                lambda row, x: sg.nn.concatenate([row, [x] * 50, others]),
                lambda row, x: setattr(row, "data", [x, 1.0, x]) or row,
                lambda row, x: setattr(row, "grad", iter([x, 1.0, x])) or row,
            ):
                for _ in range(50):
                    others = [1.0, 2.0, 3.0]
                    row = sg.nn.vector([1.0, 2.0, 3.0])
                    held = [(row * row).sum()]
                    try:
                        result = compute(row, Hostile())
                    except ValueError:  # the lengths, as the list was cleared
                        continue
                    result.sum().backward()
                    assert len(result) >= 3 and row.grad
            """)

    def test_an_array_whose_shape_and_items_lie(self):
        run_program("""
            class Liar:
                shape = (3,)
                def __init__(self, items):
                    self.items = items
                def __iter__(self):
                    return iter(self.items)
            row = sg.nn.vector([1.0, 2.0, 3.0])
            assert (row + Liar([1.0, sg.Value(2.0), 3.0])).data == (2.0, 4.0, 6.0)
            class NoTuple(Liar):
                shape = 3
            class Raises(Liar):
                @property
                def shape(self):
                    raise LookupError("no shape today")
            for other, error in (
                (Liar([1.0]), ValueError),
                (Liar([1.0, "2", 3.0]), TypeError),
                (Liar(None), TypeError),
                (NoTuple([1.0]), TypeError),
                (Raises([1.0]), LookupError),
            ):
                try:
                    row * other
                except error:
                    assert row.data == (1.0, 2.0, 3.0)
                else:
                    raise AssertionError(other)
            """)

    def test_a_sequence_whose_items_and_length_lie(self):
        run_program("""
            class Liar(list):
                def __len__(self):
                    return 1000
                def __iter__(self):
                    yield 1.0
                    self.append(2.0)
                    yield sg.Value(2.0)
            assert len(sg.nn.softmax(Liar())) == 2
            assert len(sg.nn.linear(Liar(), [Liar()])) == 1
            """)

    def test_a_class_that_pretends_to_be_a_number(self):
        run_program("""
            class Liar:
                def __float__(self):
                    return "no number"
            class Raises:
                def __float__(self):
                    raise KeyError("on purpose")
            for call, error in (
                (lambda: sg.Value(Liar()), TypeError),
                (lambda: sg.Value(1.0) * Liar(), TypeError),
                (lambda: sg.nn.softmax([sg.Value(1.0), Raises()]), KeyError),
                (lambda: sg.nn.linear([1.0], [[Raises()]]), KeyError),
            ):
                try:
                    call()
                except error:
                    pass
                else:
                    raise AssertionError
            """)

    def test_the_twin_of_another_import_is_not_one_of_ours(self):
        run_program("""
            import sys
            ours = sg.engine
            for name in [name for name in sys.modules if name.startswith("scalargrad")]:
                del sys.modules[name]
            from scalargrad import engine as theirs
            assert theirs.Value is not ours.Value
            for mix in (
                lambda: ours.Value(1.0) * theirs.Value(2.0),
                lambda: ours.softmax([theirs.Value(1.0)]),
                lambda: ours.Value(1.0, (theirs.Value(1.0),), (1.0,)),
                lambda: ours.linear(theirs.vector([1.0]), [[1.0]]),
                lambda: ours.zero_grads([theirs.vector([1.0])]),
            ):
                try:
                    mix()
                except TypeError:
                    continue
                raise AssertionError
            """)

    def test_values_that_run_code_when_they_are_freed(self):
        run_program("""
            class Noisy(sg.Value):
                def __del__(self):
                    count.append((self * 2.0).data)
                    (sg.Vector([self.data, 1.0]) * self.data).sum().backward()
                    sg.nn.linear([self.data], [[1.0]])[0].backward()
            count = []
            for _ in range(50):
                y = sg.Value(1.0)
                for i in range(200):
                    y = Noisy(float(i), (y, y * 2.0), (1.0, 1.0)) if i % 3 else sg.nn.dot([y], [y])
                y.backward()
                del y
            assert len(count) == 50 * 133
            """)

    def test_a_node_cannot_be_made_twice(self):
        run_program("""
            x = sg.Value(1.0)
            y = x * 2.0
            for again in (lambda: x.__init__(3.0, (y,), (1.0,)), lambda: row.__init__([y])):
                row = sg.nn.vector([1.0])
                try:
                    again()
                except TypeError as error:
                    assert "made once" in str(error)
                else:
                    raise AssertionError
            y.backward()
            assert (x.data, x.grad, row[0].data) == (1.0, 2.0, 1.0)
            """)


class TestMemory:
    @long
    def test_every_allocation_may_fail(self):
        pytest.importorskip("_testcapi", reason="this Python cannot make allocations fail")
        assert "each with MemoryError and no change" in run(TOOLS / "no_memory.py")

    @long
    def test_memory_does_not_grow(self):
        assert "bytes held" in run(TOOLS / "leaks.py")

    def test_numbers_cost_what_they_should(self):
        """At most 96 bytes for a node of a scalar graph, and 24 for a parameter of a matrix."""
        program = """
            import tracemalloc
            tracemalloc.start()
            def memory():
                return tracemalloc.get_traced_memory()[0]
            x = y = sg.Value(1.0)
            start = memory()
            for _ in range(100_000):
                y = x * y
            print((memory() - start) / 100_000)
            start = memory()
            w = sg.nn.matrix(64, 64)
            print((memory() - start) / 64**2)
            """
        node, parameter = map(float, run_program(program).split())
        assert node <= 96
        assert parameter <= 24


class TestDepth:
    @long
    def test_ten_million_nodes_are_built_differentiated_and_freed(self):
        run_program("""
            x = y = sg.Value(1.0)
            for _ in range(5_000_000):
                y = -y + 0.0
            y.backward()
            assert x.grad == 1.0
            del y
            """)

    def test_a_chain_of_row_operations_has_no_limit(self):
        run_program("""
            x = row = sg.nn.vector([1.0, 2.0])
            for i in range(300_000):
                row = sg.nn.concatenate([row[1:], row[:1]]) if i % 3 else row + 0.0
            row.sum().backward()
            assert x.grad == (1.0, 1.0)
            del row
            """)

    def test_a_chain_of_rows_has_no_limit_either(self):
        run_program("""
            x = row = sg.nn.vector([1.0, 2.0])
            w = sg.nn.vector([0.5, 0.5]), sg.nn.vector([0.0, 1.0])
            for _ in range(300_000):
                row = sg.nn.linear([row[0], row[1]], w)
            row[1].backward()
            assert x[1].grad == 1.0
            del row
            """)


class TestUpdates:
    """What only the optimisers call; anybody can, too."""

    def test_rows_and_buffers_that_are_none_are_refused_and_nothing_is_changed(self):
        run_program("""
            from scalargrad.engine import Value, Vector, adam_update, sgd_update, vector
            x, y = vector([1.0, 2.0]), vector([3.0])
            x[0].grad = 1.0
            good, settings = vector([0.0] * 3), (0.1, (0.9, 0.99), 1e-8, 0.0, False, 1)
            plain = (0.1, 0.5, 0.0, False)
            def refused(error, function, *arguments):
                try:
                    function(*arguments)
                except error:
                    assert [v.data for v in (*x, *y, *good)] == [1.0, 2.0, 3.0, 0.0, 0.0, 0.0]
                else:
                    raise AssertionError
            for rows in ([1.0, x, y], [x, 1.0], 3, [x, None, y]):
                refused(TypeError, sgd_update, rows, good, *plain)
                refused(TypeError, adam_update, rows, good, good, *settings)
            loose = Vector([Value(0.0), Value(0.0), Value(0.0)])
            for bad in (1.0, vector([0.0] * 2), vector([0.0] * 4), loose, loose[:2]):
                refused(ValueError, sgd_update, [x, y], bad, *plain)
                refused(ValueError, adam_update, [x, y], good, bad, *settings)
                refused(ValueError, adam_update, [x, y], bad, good, *settings)
            for bad in ((0.1, (0.9,)), (0.1, 0.9), (0.1, (0.9, "x")), ("x", (0.9, 0.99))):
                rest = (*bad, 0.0, 0.0, False, 1)
                refused((TypeError, ValueError), adam_update, [x, y], good, good, *rest)
            for bad in ((1.0, 0.5), (0.5, 1.0)):  # of which there is no bias correction
                rest = (0.1, bad, 0.0, 0.0, False, 1)
                refused(ZeroDivisionError, adam_update, [x, y], good, good, *rest)
            """)

    def test_a_buffer_may_be_part_of_a_row(self):
        run_program("""
            from scalargrad.engine import adam_update, sgd_update, vector
            x = vector([1.0, 2.0])
            x[0].grad, x[1].grad = 1.0, 2.0
            long = vector([9.0, 0.0, 0.0, 9.0])
            sgd_update([x], long[1:3], 0.5, 0.5, 0.0, False)
            assert [v.data for v in long] == [9.0, 1.0, 2.0, 9.0]
            assert [v.data for v in x] == [0.5, 1.0]
            second = vector([0.0, 0.0, 9.0])
            adam_update([x], long[1:3], second[:2], 0.5, (0.5, 0.5), 0.0, 0.0, False, 1)
            assert [v.data for v in long] == [9.0, 1.0, 2.0, 9.0]
            assert [v.data for v in second] == [0.5, 2.0, 9.0]
            """)


class TestCtrlC:
    ALARM = """
        import signal, time
        # An alarm interrupts C as Ctrl-C does; a thread could not press it while C runs.
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        def seconds(work, alarm=0.0):
            start = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, alarm)
            try:
                work()
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            except KeyboardInterrupt:
                pass
            return time.perf_counter() - start
        def check_that_it_stops(work):
            whole = min(seconds(work) for _ in range(3))
            assert any(seconds(work, alarm=whole / 20) < whole / 4 for _ in range(20))
        row = sg.nn.vector([0.5] * 3000)
        w = (row,) * 60_000
        """

    def test_it_stops_a_long_linear(self):
        run_program(self.ALARM + "check_that_it_stops(lambda: sg.nn.linear(row, w))")

    def test_it_stops_a_backward_over_long_rows(self):
        run_program(
            self.ALARM
            + """
        loss = sg.Value(0.0)
        for _ in range(200):
            loss = loss + sg.nn.dot(sg.nn.linear(row, w[:100]), [1.0] * 100)
        check_that_it_stops(loss.backward)
        """
        )

    def test_it_stops_a_backward_over_many_nodes(self):
        run_program(
            self.ALARM
            + """
        x = y = sg.Value(1.0)
        for _ in range(2_000_000):
            y = -y
        check_that_it_stops(y.backward)
        whole = seconds(y.backward)
        for part in range(100):  # also when they are sorted, and y.grad has been written
            x.grad = y.grad = 0.0
            seconds(y.backward, alarm=whole * (part + 1) / 100)
            if (y.grad, x.grad) == (1.0, 0.0):
                break
        else:
            raise AssertionError
        y.backward()
        assert x.grad == 1.0
        """
        )

    def test_a_signal_handler_may_walk_the_same_graph(self):
        run_program("""
            import signal
            x = y = sg.Value(1.0)
            for _ in range(300_000):
                y = -y
            middle = y
            for _ in range(300_000):
                y = -y
            count, sorting = 0, False
            def walk(*_):
                global count, sorting
                count += 1
                sorting = y.grad == 5.0
                middle.backward(0.0)
            signal.signal(signal.SIGALRM, walk)
            for i in range(20):
                signal.setitimer(signal.ITIMER_REAL, 0.001 * (i + 1))
                while count == i:
                    x.grad, y.grad, sorting = 0.0, 5.0, False
                    y.backward()
                    assert x.grad == 1.0 or not sorting  # then it sorts anew
            x.grad = 0.0
            y.backward()
            assert x.grad == 1.0
            """)

    def test_handlers_that_walk_other_graphs_all_the_time_do_not_keep_it_from_its_end(self):
        run_program("""
            import signal
            x = y = sg.Value(1.0)
            for _ in range(1_500_000):
                y = -y
            other = x * 2.0
            signal.signal(signal.SIGALRM, lambda *_: other.backward(0.0))
            signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
            y.backward()
            assert x.grad == 1.0
            assert sg.grad(y, x) == (1.0,)
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            assert x.grad == 1.0
            """)

    def test_a_handler_sees_the_gradients_that_grad_does_not_touch(self):
        run_program("""
            import signal
            x, row = sg.Value(1.0), sg.nn.vector([1.0, 2.0])
            x.grad, row.grad = 5.0, (6.0, 7.0)
            y = x
            for _ in range(500_000):
                y = -y
            middle, y = y, y * sg.nn.dot(row, row)
            middle.grad = 8.0
            seen = []
            def look(*_):
                seen.append((x.grad, middle.grad, *row.grad))
                middle.backward(0.0)
                middle.grad = 8.0
                raise_it and 1 / 0
            signal.signal(signal.SIGALRM, look)
            for raise_it in (False, True):
                for i in range(20):
                    try:
                        signal.setitimer(signal.ITIMER_REAL, 0.001 * (i + 1))
                        assert [*sg.grad(y, [x, middle, row])[:2]] == [5.0, 5.0]
                        signal.setitimer(signal.ITIMER_REAL, 0.0)
                    except ZeroDivisionError:
                        pass
                    assert (x.grad, middle.grad, *row.grad) == (5.0, 8.0, 6.0, 7.0)
            assert len(seen) > 10 and set(seen) == {(5.0, 8.0, 6.0, 7.0)}
            """)


class TestInterpreters:
    def test_another_interpreter_has_an_engine_of_its_own(self):
        run_program("""
            try:
                import _xxsubinterpreters as interpreters
            except ImportError:
                import _interpreters as interpreters
            program = '''
            import scalargrad as sg
            assert sg.ENGINE == "compiled"
            x = sg.Value(3.0)
            with sg.no_grad():
                assert (x * x).parents == ()
            y = sg.nn.linear([x, 1.0], [[x, 2.0]])[0]
            y.backward()
            assert x.grad == 6.0
            '''.replace("\\n            ", "\\n")
            with sg.no_grad():
                for _ in range(3):
                    one = interpreters.create()
                    failed = interpreters.run_string(one, program)
                    assert not failed, failed
                    interpreters.destroy(one)
            assert (sg.Value(2.0) * 2.0).parents
            """)
