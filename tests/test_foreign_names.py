"""Names that people bring from elsewhere: they are not there, and the error says what to write."""

import inspect

import pytest

from scalargrad.engine import foreign

MODULES = {"scalargrad": lambda sg: sg, "scalargrad.nn": lambda sg: sg.nn}
MODULES["scalargrad.optim"] = lambda sg: sg.optim
MODULES["scalargrad.graph"] = lambda sg: sg.graph


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("v.item()", "Value has no item: write .data"),
        ("v._prev", "Value has no _prev: write v.parents"),
        ("v.zero_grad()", "Value has no zero_grad: write v.grad = 0.0, or zero_grad() of an "),
        ("v.numpy()", "Value has no numpy: write .data for the numbers"),
        ("row.shape", "Vector has no shape: write len(row); a matrix is a tuple of rows"),
        ("row.item()", "Vector has no item: write row[0].data, or row.data for all numbers"),
        ("row.backward()", "Vector has no backward: take .sum() or .mean() of the row first"),
        ("row.append(1.0)", "Vector has no append: a row cannot be changed: write [*row, v]"),
        ("sg.tensor", "module 'scalargrad' has no attribute 'tensor'; write Value(number), or "),
        ("sg.nn.relu", "module 'scalargrad.nn' has no attribute 'relu'; write v.relu() or "),
        ("sg.optim.RMSprop", "module 'scalargrad.optim' has no attribute 'RMSprop'; there are "),
        ("sg.draw_dot", "module 'scalargrad' has no attribute 'draw_dot'; write sg.graph.save(v"),
        (
            "sg.graph.draw_dot",
            "module 'scalargrad.graph' has no attribute 'draw_dot'; write ",
        ),
        ("sg.nn.nonsense", "module 'scalargrad.nn' has no attribute 'nonsense'"),
    ],
)
def test_the_error_says_what_to_write(sg, expression, message):
    names = {"sg": sg, "v": sg.Value(1.0), "row": sg.nn.vector([1.0])}
    with pytest.raises(AttributeError) as raised:
        eval(expression, names)
    assert str(raised.value).startswith(message)


def names_of(sg):
    for kind, advice in ((sg.Value, foreign._OF_VALUE), (sg.Vector, foreign._OF_VECTOR)):
        yield from ((kind, name) for name in advice)


def test_none_of_them_is_there(sg):
    """Neither for hasattr, which other libraries ask, nor in dir, which completion asks."""
    things = {sg.Value: [sg.Value(1.0), sg.nn.vector([1.0])[0]], sg.Vector: [sg.nn.vector([1.0])]}
    for kind, name in names_of(sg):
        for thing in things[kind]:
            assert not hasattr(thing, name), name
            assert name not in dir(thing)
            assert getattr(thing, name, "nothing") == "nothing"
    assert {"data", "exp", "backward", "abs"} <= set(dir(sg.Value(1.0)))
    assert {"data", "sum", "index"} <= set(dir(sg.nn.vector([1.0])))


def test_what_is_advised_for_a_name_that_is_there_would_be_wrong(sg):
    """A name that the library has one day must leave the list."""
    for module, names in foreign._OF_MODULES.items():
        for name in names:
            assert not hasattr(MODULES[module](sg), name), name
    for kind, name in names_of(sg):
        assert type(inspect.getattr_static(kind, name)).__name__ == "Missing", name


def test_writing_to_one_is_an_error_as_for_any_other(sg):
    for thing, name in ((sg.Value(1.0), "value"), (sg.nn.vector([1.0]), "shape")):
        with pytest.raises(AttributeError, match=name):
            setattr(thing, name, 1.0)


class TestSubclasses:
    def test_may_have_an_attribute_of_that_name(self, sg):
        class Item(sg.Value):
            def __init__(self, data):
                super().__init__(data)
                self.item = 4

        class Row(sg.Vector):
            def __init__(self, values):
                super().__init__(values)
                self.shape = (2,)

        assert Item(1.0).item == 4
        assert "item" in dir(Item(1.0))
        assert Row([1.0, 2.0]).shape == (2,)

    def test_may_have_a_method_a_property_or_a_slot_of_that_name(self, sg):
        class Named(sg.Value):
            __slots__ = ("clone",)

            def item(self):
                return self.data

            @property
            def shape(self):
                return ()

        named = Named(1.0)
        named.clone = "mine"
        assert (named.item(), named.shape, named.clone) == (1.0, (), "mine")
        assert {"item", "shape", "clone"} <= set(dir(named))

    def test_have_the_advice_otherwise(self, sg):
        class Parameter(sg.Value):
            pass

        with pytest.raises(AttributeError, match=r"Parameter has no item: write \.data"):
            Parameter(1.0).item()
        with pytest.raises(AttributeError, match="'Parameter' object has no attribute 'nonsense'"):
            Parameter(1.0).nonsense  # noqa: B018

    def test_may_define_what_would_lose_the_gradient(self, sg):
        class Rounded(sg.Value):
            def __int__(self):
                return round(self.data)

        assert int(Rounded(2.6)) == 3
