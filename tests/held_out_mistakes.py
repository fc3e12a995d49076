"""Mistakes that were written before gradcheck learnt to name any, and not used to teach it.

They are those of student_mistakes.py in other hands: other classes, other names of attributes,
other ways to walk. gradcheck must find each. It need not know a cause, but if it names one, then
one of those given here, which are ways to put the mistake into words. They came in three lots; two
wrong causes among the first two, and an untrue word about an operand, were cured after a look.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class HeldOut(NamedTuple):
    name: str
    f: Callable[..., Any]
    inputs: Any
    at: str  # the first input whose gradient is wrong
    should_be: float
    causes: tuple[str, ...]  # each a word of a right explanation


HELD_OUT: list[HeldOut] = []


def held_out(inputs: Any, at: str, should_be: float, *causes: str) -> Callable[[Any], Any]:
    def add(f: Any) -> Any:
        HELD_OUT.append(HeldOut(f.__name__, f, inputs, at, should_be, causes))
        return f

    return add


# Three ways to write a Value, right but for what each subclass puts in.


class Rows:
    """A row of parents and, beside it, a row of derivatives."""

    def __init__(self, data, children=(), slopes=()):
        self.data, self.grad = data, 0
        self.children, self.slopes = children, slopes

    def __add__(self, other):
        return type(self)(self.data + other.data, (self, other), (1, 1))

    def __sub__(self, other):
        return type(self)(self.data - other.data, (self, other), (1, -1))

    def __mul__(self, other):
        return type(self)(self.data * other.data, (self, other), (other.data, self.data))

    def __truediv__(self, other):
        slopes = (1 / other.data, -self.data / other.data**2)
        return type(self)(self.data / other.data, (self, other), slopes)

    def __pow__(self, n):
        return type(self)(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self):
        return type(self)(math.exp(self.data), (self,), (math.exp(self.data),))

    def tanh(self):
        t = math.tanh(self.data)
        return type(self)(t, (self,), (1 - t**2,))

    def sorted(self):
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                for child in v.children:
                    visit(child)
                order.append(v)

        visit(self)
        return order

    def hand_down(self):
        for child, slope in zip(self.children, self.slopes):
            child.grad += slope * self.grad

    def backward(self):
        self.grad = 1
        for v in reversed(self.sorted()):
            v.hand_down()


@dataclass
class Cell:
    """A dataclass, and so without a hash; what hands down is made with each result."""

    data: float
    _children: list = field(default_factory=list)
    grad: float = 0.0
    pull: Any = None

    def __add__(self, other):
        def pull(g):
            self.grad += g
            other.grad += g

        return type(self)(self.data + other.data, [self, other], pull=pull)

    def __mul__(self, other):
        def pull(g):
            self.grad += g * other.data
            other.grad += g * self.data

        return type(self)(self.data * other.data, [self, other], pull=pull)

    def tanh(self):
        t = math.tanh(self.data)

        def pull(g):
            self.grad += g * (1 - t * t)

        return type(self)(t, [self], pull=pull)

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            v, done = stack.pop()
            if done:
                order.append(v)
            elif id(v) not in seen:
                seen.add(id(v))
                stack.append((v, True))
                stack += [(child, False) for child in v._children]
        self.grad = 1.0
        for v in reversed(order):
            if v.pull:
                v.pull(v.grad)


class Recursive:
    """backward calls itself on what the number was made from, along every path."""

    def __init__(self, value, prev=(), op=""):
        self.data, self.grad, self.prev, self.op = value, 0.0, prev, op

    def __add__(self, other):
        return type(self)(self.data + other.data, ((self, 1.0), (other, 1.0)), "add")

    def __mul__(self, other):
        prev = ((self, other.data), (other, self.data))
        return type(self)(self.data * other.data, prev, "mul")

    def sin(self):
        return type(self)(math.sin(self.data), ((self, math.cos(self.data)),), "sin")

    def backward(self, upstream=1.0):
        self.grad += upstream
        for parent, slope in self.prev:
            parent.backward(upstream * slope)


# In the walk.


class CellForwards(Cell):
    def backward(self):
        order, stack = [], [self]
        while stack:
            v = stack.pop()
            if all(v is not other for other in order):
                order.append(v)
                stack += v._children
        self.grad = 1.0
        for v in reversed(order):
            if v.pull:
                v.pull(v.grad)


@held_out(
    [CellForwards(0.5), CellForwards(1.5)], "inputs[0]", 1.342318, "reversed", "order", "early"
)
def cells_from_the_inputs_on(x, y):
    return (x * y).tanh() * y


class RowsUnreversed(Rows):
    def backward(self):
        self.grad = 1
        for v in self.sorted():
            v.hand_down()


@held_out([RowsUnreversed(2.0)], "inputs[0]", 16.0, "reversed", "order", "early")
def rows_in_order_instead_of_reversed(x):
    y = x * x
    return y * x + y


class RowsBeforeParents(Rows):
    def backward(self):
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                order.append(v)
                for child in v.children:
                    visit(child)

        visit(self)
        self.grad = 1
        for v in order:
            v.hand_down()


@held_out([RowsBeforeParents(1.5)], "inputs[0]", 14.0, "order", "early")
def rows_that_are_listed_before_their_parents(x):
    h = x + x
    return h + h * h


class RowsOnlyDirect(Rows):
    def backward(self):
        self.grad = 1
        self.hand_down()


@held_out([RowsOnlyDirect(3.0), RowsOnlyDirect(2.0)], "inputs[0]", 2.0, "never", "only", "further")
def rows_that_go_one_step(a, b):
    return a * b + b


class CellBreadth(Cell):
    def backward(self):
        self.grad = 1.0
        queue, seen = deque([self]), {id(self)}
        while queue:
            v = queue.popleft()
            if v.pull:
                v.pull(v.grad)
            for child in v._children:
                if id(child) not in seen:
                    seen.add(id(child))
                    queue.append(child)


@held_out([CellBreadth(0.7)], "inputs[0]", 2.772, "order", "early")
def cells_breadth_first(x):
    h = x * x
    return h + (h * x) * x


class RowsAgain(Rows):
    def backward(self):
        self.grad = 1
        stack = [self]
        while stack:
            v = stack.pop()
            v.hand_down()
            stack += v.children


@held_out([RowsAgain(1.5)], "inputs[0]", 14.0, "twice", "times", "order", "again")
def rows_that_are_met_again(x):
    h = x + x
    return h + h * h


class CellStops(Cell):
    """`break` where it should be `continue`."""

    def backward(self):
        order = []

        def visit(v):
            if all(v is not other for other in order):
                for child in v._children:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            if not v.pull:
                break
            v.pull(v.grad)


@held_out([CellStops(0.5), CellStops(1.5), CellStops(2.0)], "inputs[0]", 1.5, "never", "stops")
def cells_until_the_first_leaf(x, y, z):
    return x * y + z


class RowsUnseeded(Rows):
    def backward(self):
        for v in reversed(self.sorted()):
            v.hand_down()


@held_out([RowsUnseeded(3.0)], "inputs[0]", 6.0, "begin")
def rows_without_the_first_one(x):
    return x * x


class RowsAllOnes(Rows):
    def backward(self):
        order = self.sorted()
        for v in order:
            v.grad = 1
        for v in reversed(order):
            v.hand_down()


@held_out([RowsAllOnes(3.0), RowsAllOnes(2.0)], "inputs[0]", 4.0, "1", "start")
def rows_that_all_start_with_one(x, y):
    return x * y * y


# What is remembered.


class CellTanhAlone(Cell):
    def tanh(self):
        t = math.tanh(self.data)

        def pull(g):
            self.grad += g * (1 - t * t)

        return type(self)(t, pull=pull)


@held_out([CellTanhAlone(0.5), CellTanhAlone(-2.0)], "inputs[0]", -4.199743, "parents")
def cells_tanh_that_forgets_its_child(x, w):
    return (x * w).tanh() * Cell(5.0)


class CellProductOfOne(Cell):
    def __mul__(self, other):
        def pull(g):
            self.grad += g * other.data
            other.grad += g * self.data

        return type(self)(self.data * other.data, [self], pull=pull)


@held_out([CellProductOfOne(0.5), CellProductOfOne(-2.0)], "inputs[0]", 2.0, "parent left out")
def cells_product_that_forgets_the_other(x, w):
    return w * (x + x * w) * Cell(1.0)


class RowsWithoutParents(Rows):
    def exp(self):
        return type(self)(math.exp(self.data))


@held_out([RowsWithoutParents(0.5)], "inputs[0]", 2.473082, "parents", "detached")
def rows_exp_that_remembers_nothing(x):
    return x.exp() * x


@held_out([Rows(2.0), Rows(0.5)], "inputs[0]", 0.5, "detached")
def rows_with_a_float_between(x, y):
    return Rows(float(x.data * y.data)) + y


class ClosedTooSoon(Cell):
    """The gradient of the result is taken when it is made, and then it is 0."""

    def __mul__(self, other):
        out = type(self)(self.data * other.data, [self, other])
        g = out.grad

        def pull(_):
            self.grad += g * other.data
            other.grad += g * self.data

        out.pull = pull
        return out


@held_out([ClosedTooSoon(3.0), ClosedTooSoon(2.0)], "inputs[0]", 2.0, "0")
def cells_that_read_the_gradient_too_soon(x, y):
    return x * y


# In operations.


class RecursiveOverwriting(Recursive):
    def backward(self, upstream=1.0):
        self.grad = upstream
        for parent, slope in self.prev:
            parent.backward(upstream * slope)


@held_out([RecursiveOverwriting(3.0), RecursiveOverwriting(0.5)], "inputs[0]", 1.5, "overwr", "+=")
def recursion_that_overwrites(x, y):
    return x * y + x


class RecursiveUnchained(Recursive):
    def backward(self, upstream=1.0):
        self.grad += upstream
        for parent, slope in self.prev:
            parent.backward(slope)


@held_out([RecursiveUnchained(0.4)], "inputs[0]", 2.763183, "multipl", "chain")
def recursion_that_forgets_upstream(x):
    return x.sin() * Recursive(3.0)


class CellUnchained(Cell):
    def __mul__(self, other):
        def pull(g):
            self.grad += g * other.data
            other.grad += self.data

        return type(self)(self.data * other.data, [self, other], pull=pull)


@held_out([CellUnchained(0.5), CellUnchained(1.5)], "inputs[1]", 0.298293, "multipl", "chain")
def cells_half_chained(x, y):
    return (x * y).tanh()


class CellOtherOverwritten(Cell):
    def __add__(self, other):
        def pull(g):
            self.grad += g
            other.grad = g

        return type(self)(self.data + other.data, [self, other], pull=pull)


@held_out([CellOtherOverwritten(0.5), CellOtherOverwritten(1.5)], "inputs[1]", 4.5, "overwr", "+=")
def cells_overwrite_the_other(x, y):
    return x * y + (y * y + y)


class RowsDifference(Rows):
    def __sub__(self, other):
        return type(self)(self.data - other.data, (self, other), (1, 1))


@held_out([RowsDifference(0.5), RowsDifference(3.0)], "inputs[1]", 5.0, "sign")
def rows_difference_with_a_plus(x, y):
    return (x - y) ** 2


class RowsQuotient(Rows):
    def __truediv__(self, other):
        slopes = (1 / other.data, -self.data / other.data)
        return type(self)(self.data / other.data, (self, other), slopes)


@held_out([RowsQuotient(0.5), RowsQuotient(3.0)], "inputs[1]", -1 / 18, "factor", "inputs[1]")
def rows_quotient_without_the_square(x, y):
    return x / y


class RowsPower(Rows):
    def __pow__(self, n):
        return type(self)(self.data**n, (self,), (n * self.data**n,))


@held_out([RowsPower(0.5)], "inputs[0]", 0.75, "factor", "exponent")
def rows_power_too_high(x):
    return x**3


class RowsTanh(Rows):
    def tanh(self):
        return type(self)(math.tanh(self.data), (self,), (1 - self.data**2,))


@held_out([RowsTanh(0.5)], "inputs[0]", 0.786448, "result", "tanh")
def rows_tanh_of_the_operand(x):
    return x.tanh()


@held_out([[0.2, 0.5, -1.0]], "inputs[0][0]", 1 / 3, "factor", "times")
def mean_divided_twice(x):
    n = len(x)
    return type(x[0])(sum(v.data for v in x) / n, x, [1 / n**2] * n, op="mean")


@held_out([[0.2, 0.5, -1.0]], "inputs[0][1]", -0.192066, "missing", "parents", "0")
def softmax_of_its_diagonal_alone(x):
    exponentials = [math.exp(v.data) for v in x]
    p = exponentials[0] / sum(exponentials)
    return type(x[0])(p, x, [p * (1 - p), 0.0, 0.0], op="softmax")


class Books(Recursive):
    """Gradients are kept in a dict until the end; the sign of the sine's is wrong."""

    def sin(self):
        return type(self)(math.sin(self.data), ((self, -math.cos(self.data)),), "sin")

    def backward(self):
        order = []

        def visit(v):
            if v not in order:
                for parent, _ in v.prev:
                    visit(parent)
                order.append(v)

        visit(self)
        grads = dict.fromkeys(order, 0.0) | {self: 1.0}
        for v in reversed(order):
            for parent, slope in v.prev:
                grads[parent] += slope * grads[v]
        for v in order:
            v.grad = grads[v]


@held_out([Books(0.4), Books(3.0)], "inputs[0]", 2.763183, "sign")
def gradients_in_a_dict(x, y):
    return x.sin() * y


# In training.


@held_out([Rows(2.0)], "inputs[0]", 4.0, "zero_grad")
def epochs_without_zero_grad(w):
    for _ in range(3):
        loss = w * w
        loss.backward()
    return loss


# A second lot, written after a look at the first, to lead the diagnosis astray.


class BooksForwards(Books):
    """Right in its operations, wrong in its order, and nothing of that can be watched."""

    def sin(self):
        return Recursive.sin(self)

    def backward(self):
        order = []

        def visit(v):
            if v not in order:
                for parent, _ in v.prev:
                    visit(parent)
                order.append(v)

        visit(self)
        grads = dict.fromkeys(order, 0.0) | {self: 1.0}
        for v in order:
            for parent, slope in v.prev:
                grads[parent] += slope * grads[v]
        for v in order:
            v.grad = grads[v]


@held_out([BooksForwards(0.4), BooksForwards(3.0)], "inputs[0]", 2.763183, "order", "early")
def gradients_in_a_dict_forwards(x, y):
    return x.sin() * y


class RowsProductOfOne(Rows):
    def __mul__(self, other):
        return type(self)(self.data * other.data, (self,), (other.data,))


@held_out([RowsProductOfOne(3.0)], "inputs[0]", 7.0, "parent left out")
def rows_product_that_forgets_the_other(x):
    return x * (x + RowsProductOfOne(1.0))


class RowsClipped(Rows):
    def hand_down(self):
        self.grad = max(-1, min(1, self.grad))
        super().hand_down()


@held_out([RowsClipped(3.0), RowsClipped(2.0)], "inputs[0]", 12.0, "clip")
def rows_that_clip_on_the_way(x, y):
    return x * y * x


class RowsMeans(Rows):
    def hand_down(self):
        for child, slope in zip(self.children, self.slopes):
            child.grad = (child.grad + slope * self.grad) / 2


@held_out([RowsMeans(3.0), RowsMeans(2.0)], "inputs[0]", 3.0, "half", "/ 2")
def rows_that_take_the_mean_of_shares(x, y):
    return x * y + x


class CellCleared(Cell):
    """Whatever is visited has its gradient cleared, and so have its children."""

    def __mul__(self, other):
        def pull(g):
            self.grad = 0.0
            self.grad += g * other.data
            other.grad = 0.0
            other.grad += g * self.data

        return type(self)(self.data * other.data, [self, other], pull=pull)


@held_out([CellCleared(3.0), CellCleared(2.0)], "inputs[0]", 5.0, "overwr")
def cells_cleared_before_they_are_added_to(x, y):
    return x * y + x * CellCleared(3.0)


class RowsPositive(Rows):
    def hand_down(self):
        if self.grad > 0:
            super().hand_down()


@held_out([RowsPositive(3.0), RowsPositive(2.0)], "inputs[0]", -6.0, "positive")
def rows_that_hand_down_only_what_is_positive(x, y):
    return y - x * x


class RowsByNumber(Rows):
    """What was seen is known by its number, and two numbers may be equal."""

    def sorted(self):
        order, seen = [], set()

        def visit(v):
            if v.data not in seen:
                seen.add(v.data)
                for child in v.children:
                    visit(child)
                order.append(v)

        visit(self)
        return order


@held_out([RowsByNumber(3.0), RowsByNumber(2.0)], "inputs[0]", 4.0, "never", "not find")
def rows_that_are_told_apart_by_their_numbers(x, y):
    return (x * y) + (y * x)


class RowsSeededWithData(Rows):
    def backward(self):
        self.grad = self.data
        for v in reversed(self.sorted()):
            v.hand_down()


@held_out([RowsSeededWithData(3.0), RowsSeededWithData(2.0)], "inputs[0]", 2.0, "1", "begin")
def rows_that_begin_with_their_number(x, y):
    return x * y


class CellParentsGradient(Cell):
    def __mul__(self, other):
        def pull(_):
            self.grad += self.grad * other.data
            other.grad += other.grad * self.data

        return type(self)(self.data * other.data, [self, other], pull=pull)


@held_out([CellParentsGradient(3.0), CellParentsGradient(2.0)], "inputs[0]", 2.0, "out.grad", "0")
def cells_that_take_the_gradient_of_the_operand(x, y):
    return x * y


class RowsTwoSteps(Rows):
    def backward(self):
        self.grad = 1
        self.hand_down()
        for child in self.children:
            child.hand_down()


@held_out([RowsTwoSteps(3.0), RowsTwoSteps(2.0)], "inputs[0]", 8.0, "never")
def rows_that_go_two_steps(x, y):
    return (x * y) * y * y


class CellAtOnce(Cell):
    """Each share is handed on as soon as it comes, whatever was handed on before."""

    def backward(self, first=True):
        if first:
            self.grad = 1.0
        if self.pull:
            self.pull(self.grad)
        for child in self._children:
            child.backward(False)


@held_out([CellAtOnce(1.5)], "inputs[0]", 14.0, "times", "order", "again")
def cells_that_hand_on_at_once(x):
    h = x + x
    return h * h + h


class RowsLosingMemory(Rows):
    """A gradient is set back to 0 when it has been handed down, also that of a leaf."""

    def backward(self):
        self.grad = 1
        for v in reversed(self.sorted()):
            v.hand_down()
            v.grad = 0


@held_out([RowsLosingMemory(3.0)], "inputs[0]", 6.0, "0")
def rows_set_back_to_zero_at_the_end(x):
    return x * x


# A third lot, in programs of some size.


def network(x, w1, w2):
    hidden = [row[0] * x[0] + row[1] * x[1] + row[2] for row in w1]
    hidden = [h.tanh() for h in hidden]
    return hidden[0] * w2[0] + hidden[1] * w2[1] + hidden[0] * hidden[1]


def parameters(kind):
    return [
        [kind(0.5), kind(-1.0)],
        [[kind(0.25), kind(0.5), kind(-0.125)], [kind(-0.75), kind(1.0), kind(0.375)]],
        [kind(2.0), kind(-1.5)],
    ]


class CellTanhUnchained(Cell):
    def tanh(self):
        t = math.tanh(self.data)

        def pull(_):
            self.grad += 1 - t * t

        return type(self)(t, [self], pull=pull)


@held_out(parameters(CellTanhUnchained), "inputs[0][0]", 0.861515, "chain", "multipl")
def network_of_unchained_cells(x, w1, w2):
    return network(x, w1, w2)


@held_out(parameters(RowsUnreversed), "inputs[0][0]", 0.861515, "order", "early", "revers")
def network_of_rows_forwards(x, w1, w2):
    return network(x, w1, w2)


class CellTanhGradient(Cell):
    """Wrong for negative gradients alone."""

    def tanh(self):
        t = math.tanh(self.data)

        def pull(g):
            self.grad += (g > 0) * g * (1 - t * t)

        return type(self)(t, [self], pull=pull)


@held_out(parameters(CellTanhGradient), "inputs[0][0]", 0.861515, "positive")
def network_that_is_deaf_to_negative_gradients(x, w1, w2):
    return network(x, w1, w2)


class RowsUnshared(Rows):
    """What was seen is forgotten from one parent to the next."""

    def sorted(self):
        order = []

        def visit(v, seen):
            if id(v) not in seen:
                for child in v.children:
                    visit(child, seen | {id(v)})
                order.append(v)

        visit(self, set())
        return order


@held_out(parameters(RowsUnshared), "inputs[0][0]", 0.861515, "times", "again", "order")
def network_that_forgets_what_it_saw(x, w1, w2):
    return network(x, w1, w2)


class RowsNegated(Rows):
    def __neg__(self):
        return type(self)(-self.data, (self,), (1,))

    def __sub__(self, other):
        return self + -other


@held_out([RowsNegated(3.0), RowsNegated(2.0)], "inputs[1]", 5.0, "sign")
def rows_negated_with_a_plus(x, y):
    return x * y - y * -y * RowsNegated(0.5)


class CellNegatedAlone(Cell):
    def __neg__(self):
        return type(self)(-self.data)


@held_out([CellNegatedAlone(3.0), CellNegatedAlone(2.0)], "inputs[1]", 2.0, "detached")
def cells_negated_by_their_number(x, y):
    return x * y + -y


class RowsFirstOfTwo(Rows):
    """`return` within the loop."""

    def hand_down(self):
        for child, slope in zip(self.children, self.slopes):
            child.grad += slope * self.grad
            return


@held_out([RowsFirstOfTwo(3.0), RowsFirstOfTwo(2.0)], "inputs[1]", 3.0, "second", "first")
def rows_that_serve_only_the_first(x, y):
    return x * y


class RecursiveOnce(Recursive):
    """Whoever was visited once gets nothing any more."""

    def backward(self, upstream=1.0):
        if not self.grad:
            self.grad += upstream
            for parent, slope in self.prev:
                parent.backward(upstream * slope)


@held_out([RecursiveOnce(3.0), RecursiveOnce(2.0)], "inputs[0]", 7.0, "second", "once", "+=")
def recursion_that_visits_once(x, y):
    return x * y + x * Recursive(5.0)
