"""Classes of one's own: a subclass of Value, of Vector or of no_grad is one, and ends well.

A subclass calls `super().__init__(data)` as every Python class does, with attributes and arguments
of its own. Then it is a Value wherever one is; what is computed from it is a plain Value.
"""

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
import weakref
from abc import ABC, abstractmethod
from pathlib import Path

import pytest
from effort import cpython, long_in_python
from endings import PROGRAMS

ENDINGS = Path(__file__).parent / "endings.py"


@pytest.fixture
def parameter(sg):
    """A class with arguments and attributes of its own."""

    class Parameter(sg.Value):
        count = 0

        def __init__(self, data, *, trainable=True):
            self.before = data  # an own attribute may be set at any time
            super().__init__(data, label="w")
            self.trainable = trainable
            type(self).count += 1

        def step(self, lr):
            self.data -= lr * self.grad

    return Parameter


class TestASubclassIsAValue:
    def test_it_has_its_own_arguments_attributes_and_methods(self, sg, parameter):
        p = parameter(2.0, trainable=False)
        assert (p.data, p.grad, p.label, p.parents, p.local_grads, p.op) == (2, 0, "w", (), (), "")
        assert (p.before, p.trainable, parameter.count) == (2.0, False, 1)
        p.grad = 0.5
        p.step(lr=1.0)
        assert p.data == 1.5

    def test_operators_and_methods_make_plain_values(self, sg, parameter):
        p, v = parameter(2.0), sg.Value(3.0)
        results = [p + v, v - p, p * p, 2.0 / p, p**2, -p, abs(p), p.exp(), p.detach()]
        results += [sg.maximum(p, v), sg.minimum(1.0, p), sum([p, p])]
        assert all(isinstance(y, sg.Value) and not isinstance(y, parameter) for y in results)
        assert [y.data for y in results[:5]] == [5.0, 1.0, 4.0, 1.0, 4.0]
        assert (p < v, p > 1, bool(p), p == p, p != v, p in {p}) == (True,) * 6

    def test_backward_and_grad_reach_it(self, sg, parameter):
        p = parameter(3.0)
        y = p * p + 2.0 * p
        assert y.parents[0].parents == (p, p)
        y.backward()
        assert p.grad == 8.0
        assert tuple(sg.grad(y, [p])) == (8.0,)

    def test_it_stands_in_rows(self, sg, parameter):
        p = parameter(3.0)
        row = sg.Vector([p, 1.0])
        assert row[0] is p
        y = sg.nn.dot(sg.nn.linear(row, [[p, p], row]), sg.nn.softmax([p, p]))
        y.backward()  # (3p + p + p p + 1) / 2 and what softmax adds, which cancels
        assert isinstance(y, sg.Value)
        assert not isinstance(y, parameter)
        assert p.grad > 0.0

    def test_an_optimizer_moves_it(self, sg, parameter):
        p = parameter(3.0)
        for optimizer in (sg.optim.SGD([p], lr=0.5), sg.optim.Adam([p], lr=0.5)):
            p.data = 3.0
            optimizer.zero_grad()
            (p * 2.0).backward()
            optimizer.step()
            assert p.data < 3.0

    def test_it_stands_in_pictures(self, sg, parameter):
        assert "w" in sg.graph.to_mermaid(parameter(3.0) * 2.0)

    def test_copies_have_its_class_and_attributes(self, sg, parameter, monkeypatch):
        monkeypatch.setitem(globals(), "Parameter", parameter)  # where pickle looks for it
        parameter.__qualname__, parameter.__module__ = "Parameter", __name__
        p = parameter(3.0, trainable=False)
        for other in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
            assert type(other) is parameter
            assert other is not p
            assert (other.data, other.label, other.trainable) == (3.0, "w", False)

    def test_it_may_be_an_operation(self, sg, parameter):
        class Square(sg.Value):
            def __init__(self, x):
                super().__init__(x.data**2, (x,), (2.0 * x.data,), op="square")

        x = sg.Value(3.0)
        y = Square(Square(x))
        y.backward()
        assert (y.data, x.grad, y.op) == (81.0, 108.0, "square")  # 4 x**3

    def test_slots_mixins_and_abstract_bases(self, sg):
        class Named:
            def name(self):
                return type(self).__name__

        class Base(sg.Value, ABC):
            @abstractmethod
            def decay(self): ...

        class Slotted(Named, Base):
            __slots__ = ("rate",)

            def decay(self):
                return self.data * self.rate

        p = Slotted(2.0)
        p.rate = 0.5
        assert (p.name(), p.decay(), (p + 1).data) == ("Slotted", 1.0, 3.0)
        with pytest.raises(TypeError, match="abstract"):
            Base(1.0)

    def test_its_methods_may_call_ours(self, sg):
        class Louder(sg.Value):
            def __mul__(self, other):
                return super().__mul__(other) + 1.0

            def __repr__(self):
                return "louder " + super().__repr__()

        assert (Louder(2.0) * 3.0).data == 7.0
        assert repr(Louder(2.0)) == "louder Value(data=2.0, grad=0.0)"


class TestARowOfOnesOwn:
    def test_it_is_a_row(self, sg):
        class Embedding(sg.Vector):
            def __init__(self, token, numbers):
                self.token = token
                super().__init__(numbers)

        row = Embedding("a", [1.0, sg.Value(2.0)])
        assert (row.token, len(row), row[1].data, row[0] is row[0]) == ("a", 2, 2.0, True)
        assert type(sg.nn.softmax(row)) is type(row[:1]) is sg.Vector
        sg.nn.dot(row, row).backward()
        assert [v.grad for v in row] == [2.0, 4.0]
        assert copy.deepcopy(row).token == "a"

    def test_it_can_be_made_of_parameters(self, sg):
        class Parameters(sg.Vector):
            pass

        numbers = sg.nn.vector([1.0, 2.0])
        row = Parameters(numbers)
        assert row[1] is numbers[1]
        sg.optim.SGD([row], lr=1.0).zero_grad()


# What uses a Value p, with a Value v and a row.
USES = {
    "data": lambda sg, p, v: p.data,
    "grad": lambda sg, p, v: p.grad,
    "label": lambda sg, p, v: p.label,
    "parents": lambda sg, p, v: p.parents,
    "local_grads": lambda sg, p, v: p.local_grads,
    "op": lambda sg, p, v: p.op,
    "set data": lambda sg, p, v: setattr(p, "data", 1.0),
    "set data to no number": lambda sg, p, v: setattr(p, "data", "x"),
    "set grad": lambda sg, p, v: setattr(p, "grad", 1.0),
    "set label": lambda sg, p, v: setattr(p, "label", "p"),
    "p + v": lambda sg, p, v: p + v,
    "v * p": lambda sg, p, v: v * p,
    "p - p": lambda sg, p, v: p - p,
    "2 / p": lambda sg, p, v: 2 / p,
    "p ** 2": lambda sg, p, v: p**2,
    "-p": lambda sg, p, v: -p,
    "abs": lambda sg, p, v: abs(p),
    "exp": lambda sg, p, v: p.exp(),
    "relu": lambda sg, p, v: p.relu(),
    "detach": lambda sg, p, v: p.detach(),
    "backward": lambda sg, p, v: p.backward(),
    "p < v": lambda sg, p, v: p < v,
    "v < p": lambda sg, p, v: v < p,
    "p > 1": lambda sg, p, v: p > 1,
    "bool": lambda sg, p, v: bool(p),
    "repr": lambda sg, p, v: repr(p),
    "format": lambda sg, p, v: f"{p:.2f}",
    "maximum": lambda sg, p, v: sg.maximum(v, p),
    "minimum": lambda sg, p, v: sg.minimum(p, 1.0),
    "parent": lambda sg, p, v: sg.Value(1.0, (v, p), (1.0, 1.0)),
    "parent of itself": lambda sg, p, v: sg.Value.__init__(p, 1.0, (p,), (1.0,)),
    "linear": lambda sg, p, v: sg.nn.linear([v, p], [[1.0, 2.0]]),
    "weights": lambda sg, p, v: sg.nn.linear([1.0, 2.0], [[p, v]]),
    "bias": lambda sg, p, v: sg.nn.linear([1.0, 2.0], [[1.0, 2.0]], [p]),
    "dot": lambda sg, p, v: sg.nn.dot([p], [v]),
    "softmax": lambda sg, p, v: sg.nn.softmax([v, p]),
    "cross_entropy": lambda sg, p, v: sg.nn.cross_entropy([p, v], 0),
    "rmsnorm": lambda sg, p, v: sg.nn.rmsnorm([p]),
    "grad of": lambda sg, p, v: sg.grad(p, [v]),
    "optimizer": lambda sg, p, v: sg.optim.SGD([p], lr=0.1).step(),
    "copy": lambda sg, p, v: copy.copy(p),
    "deepcopy": lambda sg, p, v: copy.deepcopy(p),
    "picture": lambda sg, p, v: sg.graph.to_dot(p),
}

# What uses a Vector r.
USES_OF_A_ROW = {
    "len": lambda sg, r: len(r),
    "item": lambda sg, r: r[0],
    "slice": lambda sg, r: r[:1],
    "iter": lambda sg, r: list(r),
    "index": lambda sg, r: r.index(1.0),
    "count": lambda sg, r: r.count(1.0),
    "repr": lambda sg, r: repr(r),
    "dot": lambda sg, r: sg.nn.dot(r, [1.0]),
    "linear": lambda sg, r: sg.nn.linear([1.0], [r]),
    "softmax": lambda sg, r: sg.nn.softmax(r),
    "Vector": lambda sg, r: sg.Vector(r),
    "optimizer": lambda sg, r: sg.optim.SGD([r], lr=0.1),
    "copy": lambda sg, r: copy.copy(r),
    "pickle": lambda sg, r: pickle.dumps(r),
}


class TestBeforeInit:
    """Whatever is used too early, or because `super().__init__` was forgotten, says so."""

    @pytest.mark.parametrize("use", USES)
    def test_a_value_cannot_be_used(self, sg, use):
        class Param(sg.Value):
            def __init__(self):
                self.mine = 3

        p, v = Param(), sg.Value(2.0)
        message = r"^Param: its __init__ must call super\(\).__init__\(...\) before it is used$"
        with pytest.raises(AttributeError, match=message):
            USES[use](sg, p, v)
        assert (p.mine, v.data, v.grad) == (3, 2.0, 0.0)
        sg.Value.__init__(p, 4.0)  # and nothing happened to it
        assert (p.data, p.grad, p.label) == (4.0, 0.0, "")

    @pytest.mark.parametrize("use", USES_OF_A_ROW)
    def test_a_row_cannot_be_used(self, sg, use):
        class Row(sg.Vector):
            def __init__(self):
                self.mine = 3

        r = Row()
        message = r"^Row: its __init__ must call super\(\).__init__\(...\) before it is used$"
        with pytest.raises(AttributeError, match=message):
            USES_OF_A_ROW[use](sg, r)
        sg.Vector.__init__(r, [1.0])
        assert (r.mine, len(r)) == (3, 1)

    def test_what_needs_no_number_works(self, sg):
        class Param(sg.Value):
            def __init__(self):
                pass

        p = Param()
        assert p == p
        assert p != sg.Value(1.0)
        assert p in {p}
        assert isinstance(p, sg.Value)
        with pytest.raises(TypeError, match="lose the gradient"):
            float(p)

    def test_attributes_of_nobody_are_missing_as_ever(self, sg):
        class Param(sg.Value):
            pass

        class Row(sg.Vector):
            pass

        for thing in (Param(1.0), Row([1.0]), Param.__new__(Param), Row.__new__(Row)):
            with pytest.raises(
                AttributeError, match=f"'{type(thing).__name__}' object has no attr"
            ):
                thing.missing  # noqa: B018

    def test_an_error_in_a_property_of_its_own_comes_through(self, sg):
        class Param(sg.Value):
            @property
            def rate(self):
                return self.optimizer.lr

            @property
            def double(self):
                return self.data * 2.0

        with pytest.raises(AttributeError, match="'Param' object has no attribute 'optimizer'"):
            Param(1.0).rate  # noqa: B018
        with pytest.raises(AttributeError, match="Param: its __init__ must call"):
            Param.__new__(Param).double  # noqa: B018

    def test_a_getattr_of_its_own_counts(self, sg):
        class Param(sg.Value):
            def __getattr__(self, name):
                if name == "double":
                    return self.data * 2.0
                return super().__getattribute__(name)

        assert (Param(1.5).double, Param(1.5).data) == (3.0, 1.5)

    def test_an_init_that_failed_can_be_called_again(self, sg):
        class Param(sg.Value):
            pass

        p = Param.__new__(Param)
        with pytest.raises(TypeError, match="Value: data must be a real number"):
            p.__init__("x")
        with pytest.raises(AttributeError, match="Param: its __init__"):
            p.data  # noqa: B018
        p.__init__(1.0)
        assert p.data == 1.0

    def test_a_second_init_is_refused(self, sg):
        class Param(sg.Value):
            def __init__(self, data):
                super().__init__(data)
                super().__init__(data + 1.0)

        with pytest.raises(TypeError, match="Value: a node is made once"):
            Param(1.0)


class TestText:
    def test_labels_and_ops_are_stored_as_plain_str(self, sg):
        class Text(str):
            def __str__(self):
                return "something else"

        v = sg.Value(1.0, (), (), op=Text("mine"), label=Text("v"))
        row = sg.nn.vector([1.0, 2.0])
        row[0].label = Text("first")
        w = sg.Value(1.0)
        w.label = Text("w")
        for text, expected in (
            (v.op, "mine"),
            (v.label, "v"),
            (row[0].label, "first"),
            (w.label, "w"),
        ):
            assert type(text) is str
            assert text == expected


class TestTheClassesThemselves:
    """A course may add methods that are not there yet."""

    def test_methods_operators_and_attributes_can_be_added(self, sg, monkeypatch):
        monkeypatch.setattr(sg.Value, "cube", lambda v: v * v * v, raising=False)
        monkeypatch.setattr(sg.Value, "default", sg.Value(7.0), raising=False)
        monkeypatch.setattr(sg.Value, "__matmul__", lambda a, b: a * b + 1.0, raising=False)
        monkeypatch.setattr(sg.Vector, "first", property(lambda row: row[0]), raising=False)
        x = sg.Value(2.0)
        y = x.cube()
        y.backward()
        assert (y.data, x.grad, x.default.data, (x @ 3.0).data) == (8.0, 12.0, 7.0, 7.0)
        assert sg.nn.vector([5.0]).first.data == 5.0


class TestNoGrad:
    def test_it_can_be_a_base_class(self, sg):
        class Evaluation(sg.no_grad):
            def __init__(self, name):
                self.name = name
                self.entered = 0

            def __enter__(self):
                self.entered += 1
                super().__enter__()
                return self

        x = sg.Value(3.0)
        with Evaluation("test") as evaluation:
            assert (x * x).parents == ()
        assert (evaluation.name, evaluation.entered) == ("test", 1)
        assert (x * x).parents == (x, x)

    def test_what_a_thread_leaves_behind_goes_with_it(self, sg):
        """Also the memory, and the time that every operation takes to ask for the thread."""
        pause = sg.no_grad()
        x = sg.Value(3.0)
        recorded = []
        for _ in range(300):
            thread = threading.Thread(target=pause.__enter__)
            thread.start()
            thread.join()
            other = threading.Thread(target=lambda: recorded.append(bool((x * x).parents)))
            other.start()
            other.join()
        assert recorded == [True] * 300
        with pytest.raises(RuntimeError, match="not inside it"):
            pause.__exit__(None, None, None)

    def test_depth_is_counted_for_each_thread(self, sg):
        x, pause = sg.Value(3.0), sg.no_grad()
        turns = [threading.Event() for _ in range(3)]
        seen = []

        def other():
            pause.__enter__()
            pause.__enter__()
            turns[0].set()
            assert turns[1].wait(10)
            pause.__exit__()
            seen.append(bool((x * x).parents))
            pause.__exit__()
            seen.append(bool((x * x).parents))

        thread = threading.Thread(target=other)
        with pause:
            thread.start()
            assert turns[0].wait(10)
            assert not (x * x).parents
        assert (x * x).parents
        turns[1].set()
        thread.join()
        assert seen == [False, True]


class TestMemory:
    def test_cycles_through_own_attributes_are_collected(self, sg):
        class Param(sg.Value):
            pass

        class Row(sg.Vector):
            pass

        p, row = Param(1.0), Row([1.0, 2.0])
        p.me, p.row, row.p = [p], row, p
        gone = weakref.ref(p), weakref.ref(row)
        del p, row
        gc.collect()
        assert [reference() for reference in gone] == [None, None]

    def test_a_class_is_collected_with_its_instances(self, sg):
        class Param(sg.Value):
            pass

        Param.default = Param(1.0)
        Param.default.more = {"row": sg.nn.linear([1.0], [[2.0]])}
        gone = weakref.ref(Param)
        del Param
        gc.collect()
        assert gone() is None


def check_end(engine, *arguments, options=()):
    done = subprocess.run(
        [sys.executable, *options, ENDINGS, *map(str, arguments)],
        env=os.environ | {"SCALARGRAD_ENGINE": engine},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr[-3000:]) == (0, "")


WAYS = [
    "at once",
    pytest.param("--interpreter", marks=[cpython, long_in_python]),
    pytest.param("--reload", marks=long_in_python),
]


class TestEnds:
    """Whatever a program leaves behind, Python ends without a crash and without a word."""

    @pytest.mark.parametrize("way", WAYS)
    def test_all_together(self, engine, way):
        check_end(engine, way, options=("-X", "dev"))

    @pytest.mark.long
    @pytest.mark.parametrize("options", [(), ("-X", "dev")], ids=["plain", "dev"])
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("number", range(len(PROGRAMS)))
    def test_each_alone(self, engine, number, way, options):
        check_end(engine, number, way, options=options)


class TestHostileClasses:
    def test_values_that_compare_by_data_are_told_apart(self, sg):
        class ByData(sg.Value):
            def __eq__(self, other):
                return isinstance(other, sg.Value) and self.data == other.data

            def __hash__(self):
                return hash(self.data)

        p, q = ByData(2.0), ByData(2.0)
        y = p * 3.0 + q * 5.0
        assert sg.grad(y, [p, q]) == (3.0, 5.0)
        assert [g.data for g in sg.grad(y, [p, q], create_graph=True)] == [3.0, 5.0]
        y.backward()
        assert (p.grad, q.grad) == (3.0, 5.0)

    def test_values_that_compare_by_data_are_each_a_box_a_line_and_a_parameter(self, sg):
        class ByData(sg.Value):
            def __eq__(self, other):
                return isinstance(other, sg.Value) and self.data == other.data

            def __hash__(self):
                return hash(self.data)

        p, q = ByData(2.0, label="p"), ByData(2.0, label="q")
        y = p * 3.0 + q * 5.0
        received = {edge.parent: edge.grad for edge in sg.graph.ledger(y)}
        assert (received["p"], received["q"]) == (3.0, 5.0)
        assert all(f"<b>{name}</b>" in sg.graph.to_dot(y) for name in "pq")
        y.backward()
        sg.optim.SGD([p, q], lr=0.1).step()
        assert (p.data, q.data) == pytest.approx((1.7, 1.5))

    def test_values_without_a_hash_are_drawn_explained_and_trained(self, sg):
        class Unhashable(sg.Value):
            def __eq__(self, other):
                return self is other

        p = Unhashable(2.0, label="p")
        y = p * p
        y.backward()
        assert sg.graph.ledger(y)[-1].grad == 4.0
        assert "image/svg+xml" in y._repr_mimebundle_()
        assert sg.graph.first_nonfinite(y) is None
        sg.optim.SGD([p, p], lr=0.1).step()
        assert p.data == pytest.approx(1.6)

    def test_values_without_a_hash_take_part(self, sg):
        class Unhashable(sg.Value):
            def __eq__(self, other):
                return self is other

        p = Unhashable(2.0)
        (p * p).backward()
        assert p.grad == sg.grad(p * p, p)[0] == 4.0

    def test_a_class_that_answers_every_name_can_be_made(self, sg):
        class Answering(sg.Value):
            def __getattr__(self, name):
                return 1

        class AnsweringRow(sg.Vector):
            def __getattr__(self, name):
                return 1

        assert (Answering(2.0).data, Answering(2.0).anything) == (2.0, 1)
        assert AnsweringRow([2.0]).data == (2.0,)
