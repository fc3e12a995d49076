"""no_grad: numbers without a graph, for a block or a function, in one thread."""

import asyncio
import threading

import pytest


def test_operations_give_leaves(sg):
    x = sg.Value(3.0)
    with sg.no_grad():
        for y in (x * x, 2.0 + x, x.exp(), -x, abs(x), sg.maximum(x, 1.0)):
            assert (y.parents, y.local_grads, y.op) == ((), (), "")
            assert y.data != 0.0


def test_functions_of_rows_give_leaves(sg):
    x = sg.nn.vector([1.0, 2.0])
    with sg.no_grad():
        for row in (
            sg.nn.linear(x, [x], [x[0]]),
            sg.nn.softmax(x),
            sg.nn.rmsnorm(x),
            [sg.nn.dot(x, x), sg.nn.logsumexp(x)],
            [sg.nn.cross_entropy(x, 0), sg.nn.cross_entropy(x, [0.5, 0.5])],
        ):
            for y in row:
                assert (y.parents, y.local_grads, y.op) == ((), (), "")


def test_custom_operations_give_leaves(sg):
    x = sg.Value(3.0)
    with sg.no_grad():
        y = sg.Value(9.0, (x,), (6.0,), op="square", label="y")
        z = sg.Value(9.0, (x,), (2.0 * x,), op="square")
    assert (y.parents, y.local_grads, y.op, y.label) == ((), (), "", "y")
    assert (z.parents, z.local_grads, z._history()) == ((), (), ("", (), z, None))


def test_numbers_are_the_same_as_with_a_graph(sg):
    def compute():
        x = sg.nn.vector([0.5, -1.0, 2.0])
        return [y.data for y in sg.nn.softmax(sg.nn.linear(x, [x, x[::-1], sg.nn.rmsnorm(x)]))]

    expected = compute()
    with sg.no_grad():
        assert compute() == expected


def test_no_gradient_flows_through_what_was_computed_within(sg):
    x = sg.Value(3.0)
    with sg.no_grad():
        constant = x * x
    (x * constant).backward()
    assert (x.grad, constant.grad) == (9.0, 3.0)


def test_backward_within_differentiates_what_was_recorded_before(sg):
    x = sg.Value(3.0)
    y = x * x
    with sg.no_grad():
        y.backward()
        assert sg.grad(y, [x]) == (6.0,)
    assert x.grad == 6.0


def test_mistakes_are_errors_within_too(sg):
    with sg.no_grad():
        with pytest.raises(ValueError, match="give one local derivative per parent"):
            sg.Value(1.0, [sg.Value(1.0)] * 2, [1.0])
        with pytest.raises(ZeroDivisionError):
            sg.Value(1.0) / 0.0


def test_leaving_it_without_being_inside_is_refused(sg):
    with pytest.raises(RuntimeError, match="no_grad: left in a thread that is not inside it"):
        sg.no_grad().__exit__(None, None, None)
    x = sg.Value(3.0)
    assert (x * x).parents == (x, x)


def test_recording_goes_on_afterwards(sg):
    x = sg.Value(3.0)
    with sg.no_grad():
        pass
    assert (x * x).parents == (x, x)


def test_it_nests(sg):
    x = sg.Value(3.0)
    with sg.no_grad():
        with sg.no_grad():
            assert not (x * x).parents
        assert not (x * x).parents
    assert (x * x).parents


def test_one_object_can_be_entered_twice(sg):
    x, block = sg.Value(3.0), sg.no_grad()
    with block:
        with block:
            pass
        assert not (x * x).parents
    assert (x * x).parents


def test_recording_goes_on_after_an_exception_which_comes_through(sg):
    x = sg.Value(3.0)
    with pytest.raises(RuntimeError, match="within"), sg.no_grad():
        raise RuntimeError("within")
    assert (x * x).parents


class TestDecorator:
    def test_the_function_runs_without_a_graph(self, sg):
        @sg.no_grad()
        def square(x, *, factor=1.0):
            return x * x * factor

        x = sg.Value(3.0)
        y = square(x, factor=2.0)
        assert (y.data, y.parents) == (18.0, ())
        assert (x * x).parents

    def test_recording_goes_on_after_an_exception(self, sg):
        @sg.no_grad()
        def fail():
            raise RuntimeError("within")

        with pytest.raises(RuntimeError, match="within"):
            fail()
        assert (sg.Value(3.0) * 2.0).parents

    def test_the_function_may_call_itself(self, sg):
        @sg.no_grad()
        def power(x, n):
            return x * power(x, n - 1) if n else sg.Value(1.0)

        y = power(sg.Value(2.0), 5)
        assert (y.data, y.parents) == (32.0, ())
        assert (y * 2.0).parents

    def test_it_keeps_name_and_documentation(self, sg):
        @sg.no_grad()
        def evaluate():
            """Says what it does."""

        assert (evaluate.__name__, evaluate.__doc__) == ("evaluate", "Says what it does.")

    def test_methods_can_be_decorated(self, sg):
        class Model:
            weight = sg.Value(2.0)

            @sg.no_grad()
            def predict(self, x):
                return self.weight * x

        assert not Model().predict(3.0).parents

    def test_an_asynchronous_generator_is_refused(self, sg):
        async def generator():
            yield 1

        with pytest.raises(TypeError, match=r"no_grad: .* `with no_grad\(\):` inside"):
            sg.no_grad()(generator)

    def test_without_brackets_it_is_the_same(self, sg):
        x = sg.Value(3.0)

        @sg.no_grad
        def square(x):
            return x * x

        with sg.no_grad:
            y = x * x
            with sg.no_grad:
                assert not (x * x).parents
            assert not (x * x).parents
        assert square.__name__ == "square"
        assert not square(x).parents
        assert not y.parents
        assert (x * x).parents

    def test_without_brackets_recording_goes_on_after_an_exception(self, sg):
        x = sg.Value(3.0)
        with pytest.raises(RuntimeError, match="within"), sg.no_grad:
            raise RuntimeError("within")
        assert (x * x).parents

    @pytest.mark.parametrize("thing", [3, "f", None, int])
    def test_anything_but_a_function_is_refused(self, sg, thing):
        with pytest.raises(TypeError, match="no_grad: can only decorate a function, got "):
            sg.no_grad(thing)


class TestGenerators:
    """They record nothing while they run, and pause nothing while they wait."""

    def test_between_two_numbers_others_record(self, sg):
        x = sg.Value(3.0)

        @sg.no_grad()
        def squares():
            for _ in range(2):
                yield x * x

        recorded = []
        for y in squares():
            assert (y.data, y.parents) == (9.0, ())
            recorded.append(bool((x * x).parents))
        assert recorded == [True, True]

    def test_what_is_sent_thrown_and_returned_comes_through(self, sg):
        x = sg.Value(3.0)

        @sg.no_grad
        def generator():
            got = yield 1
            try:
                yield got * x
            except LookupError:
                yield x * x
            return "done"

        running = generator()
        assert next(running) == 1
        y = running.send(2.0)
        assert (y.data, y.parents) == (6.0, ())
        assert not running.throw(LookupError("thrown in")).parents
        with pytest.raises(StopIteration) as stopped:
            next(running)
        assert stopped.value.value == "done"
        assert (x * x).parents

    def test_closing_it_runs_its_last_lines_without_a_graph(self, sg):
        x, last = sg.Value(3.0), []

        @sg.no_grad
        def generator():
            try:
                yield 1
            finally:
                last.append(bool((x * x).parents))

        running = generator()
        next(running)
        running.close()
        assert last == [False]
        assert (x * x).parents

    def test_an_exception_within_comes_out_of_it(self, sg):
        @sg.no_grad
        def generator():
            yield 1
            raise RuntimeError("within")

        running = generator()
        next(running)
        with pytest.raises(RuntimeError, match="within"):
            next(running)
        assert (sg.Value(3.0) * 2.0).parents


class TestCoroutines:
    def test_while_one_waits_another_records(self, sg):
        x, recorded = sg.Value(3.0), []

        async def both():
            told, telling = asyncio.Event(), asyncio.Event()

            @sg.no_grad()
            async def quiet():
                recorded.append(bool((x * x).parents))
                telling.set()
                await told.wait()
                recorded.append(bool((x * x).parents))
                return x * x

            async def loud():
                await telling.wait()
                recorded.append(bool((x * x).parents))
                told.set()

            return await asyncio.gather(quiet(), loud())

        y, _ = asyncio.run(both())
        assert not y.parents
        assert recorded == [False, True, False]

    def test_cancelling_it_comes_through(self, sg):
        @sg.no_grad
        async def wait():
            await asyncio.sleep(10.0)

        async def cancel():
            task = asyncio.ensure_future(wait())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancel())
        assert (sg.Value(3.0) * 2.0).parents


def test_it_holds_for_its_own_thread_only(sg):
    x = sg.Value(3.0)
    inside, done = threading.Event(), threading.Event()
    recorded = []

    def other():
        with sg.no_grad():
            inside.set()
            done.wait(10)
            recorded.append(bool((x * x).parents))

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    recorded.append(bool((x * x).parents))
    done.set()
    thread.join()
    assert recorded == [True, False]


def test_a_thread_started_within_records(sg):
    x, recorded = sg.Value(3.0), []
    with sg.no_grad():
        thread = threading.Thread(target=lambda: recorded.append(bool((x * x).parents)))
        thread.start()
        thread.join()
    assert recorded == [True]
