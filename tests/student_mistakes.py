"""A zoo of mistakes in backpropagation, each a small program as a student might write it.

Every one computes the right value and a wrong gradient. Each says at which input gradcheck must
catch it, what the gradient should have been, which words its message must have (those that would
lead the student to the line), and which one the cause has that it must name: none if it cannot
prove one. held_out_mistakes.py has more of them, from which nothing here was learnt.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from student_values import Closures, Pairs


class Mistake(NamedTuple):
    name: str
    f: Callable[..., Any]
    inputs: Any
    at: str  # the first input whose gradient is wrong
    should_be: float
    words: tuple[str, ...]
    cause: str


MISTAKES: list[Mistake] = []


def mistake(
    inputs: Any, at: str, should_be: float, *words: str, cause: str = ""
) -> Callable[[Any], Any]:
    def add(f: Any) -> Any:
        MISTAKES.append(Mistake(f.__name__, f, inputs, at, should_be, words, cause))
        return f

    return add


# In operations.


class Overwriting(Closures):
    def __mul__(self, other):
        other = self.of(other)
        out = Overwriting(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad = other.data * out.grad
            other.grad = self.data * out.grad

        out._backward = _backward
        return out


@mistake([Overwriting(3.0)], "inputs[0]", 6.0, "* of 3", "+=", cause="overwritten")
def forgotten_accumulation_in_a_square(x):
    return x * x


@mistake([Overwriting(3.0), Overwriting(2.0)], "inputs[0]", 7.0, "+=", cause="overwritten")
def forgotten_accumulation_in_a_number_used_twice(x, y):
    return x * y + x * 5.0


@mistake(
    [Overwriting(3.0), Overwriting(2.0)],
    "inputs[0]",
    5.0,
    "+ of 10 and 15",
    "+=",
    cause="overwritten",
)
def forgotten_accumulation_in_a_number_on_the_way(x, y):
    h = x + y
    return h * 2.0 + h * 3.0


class Subtracting(Closures):
    def __sub__(self, other):
        out = Subtracting(self.data - other.data, (self, other), "-")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out


@mistake(
    [Subtracting(3.0), Subtracting(5.0)],
    "inputs[1]",
    4.0,
    "- of 3 and 5",
    "hands 1 instead of -1 to inputs[1]",
)
def wrong_sign(prediction, target):
    return (prediction - target) ** 2


class Selfish(Closures):
    def __mul__(self, other):
        out = Selfish(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += self.data * out.grad
            other.grad += other.data * out.grad

        out._backward = _backward
        return out


@mistake(
    [Selfish(2.0), Selfish(5.0)],
    "inputs[0]",
    5.0,
    "* of 2 and 5",
    "2 instead of 5 to inputs[0], and 5 instead of 2 to inputs[1]",
)
def derivatives_of_the_wrong_operands(x, w):
    return x * w


@mistake([2.0, 2.0], "inputs[1]", 8.0, "made from 2 and 2", "4 instead of 8 to inputs[1]")
def derivative_of_one_wrong_operand(x, w):
    """At a point where 2 + 2 is 2 * 2."""
    return type(x)(x.data * w.data * w.data, (x, w), (w.data * w.data, w.data * w.data))


class Unchained(Closures):
    def tanh(self):
        t = math.tanh(self.data)
        out = Unchained(t, (self,), "tanh")

        def _backward():
            self.grad += 1.0 - t * t

        out._backward = _backward
        return out


@mistake(
    [Unchained(0.5), Unchained(-2.0)],
    "inputs[0]",
    -4.199743,
    "tanh of -1",
    "out.grad",
    cause="chain rule",
)
def missing_factor_of_the_chain_rule(x, w):
    return (x * w).tanh() * 5.0


class PowerOfN(Closures):
    def __pow__(self, n):
        out = PowerOfN(self.data**n, (self,), f"**{n}")

        def _backward():
            self.grad += n * self.data**n * out.grad

        out._backward = _backward
        return out


@mistake([PowerOfN(2.0)], "inputs[0]", 24.0, "**3 of 2", "24 instead of 12")
def power_with_the_wrong_exponent(x):
    return x**3 * 2.0


class PowerWithoutN(Closures):
    def __pow__(self, n):
        out = PowerWithoutN(self.data**n, (self,), f"**{n}")

        def _backward():
            self.grad += self.data ** (n - 1) * out.grad

        out._backward = _backward
        return out


@mistake([PowerWithoutN(2.0)], "inputs[0]", 12.0, "**3 of 2 = 8", "4 instead of 12")
def power_without_its_factor(x):
    return x**3


class TanhOfX(Closures):
    def tanh(self):
        out = TanhOfX(math.tanh(self.data), (self,), "tanh")

        def _backward():
            self.grad += (1.0 - self.data**2) * out.grad

        out._backward = _backward
        return out


@mistake(
    [TanhOfX(0.5)],
    "inputs[0]",
    1.259923,
    "tanh of 1 = 0.761594",
    "0 instead of 0.419974 to operand 1",
)
def tanh_derivative_from_x_instead_of_y(x):
    return (x * 2.0).tanh() * 1.5


class LeakyByAccident(Closures):
    def relu(self):
        out = LeakyByAccident(max(0.0, self.data), (self,), "relu")

        def _backward():
            self.grad += (out.data >= 0.0) * out.grad

        out._backward = _backward
        return out


@mistake([LeakyByAccident(-1.5)], "inputs[0]", 0.0, "relu of -1.5 = 0", "1 instead of 0")
def relu_that_passes_the_gradient_of_negative_numbers(x):
    return x.relu() * 3.0


@mistake(
    [Pairs(2.0), Pairs(4.0)],
    "inputs[1]",
    -0.125,
    "/ of 2 and 4",
    "0.125 instead of -0.125 to inputs[1]",
)
def division_with_a_sign_missing(a, b):
    y = a.data / b.data
    return Pairs(y, [(a, 1.0 / b.data), (b, y / b.data)], "/")


@mistake(
    [Pairs(2.0), Pairs(4.0)],
    "inputs[1]",
    -0.125,
    "/ of 2 and 4",
    "-0.5 instead of -0.125 to inputs[1]",
)
def division_with_the_square_missing(a, b):
    return Pairs(a.data / b.data, [(a, 1.0 / b.data), (b, -a.data / b.data)], "/")


@mistake([3.0], "inputs[0]", 1 / 3, "log of 3", "3 instead of 0.333333")
def logarithm_upside_down(x):
    return type(x)(math.log(x.data), (x,), (x.data,), op="log")


@mistake([0.0, 1.0], "inputs[0]", 0.0, "square of 0", "nan instead of 0")
def square_root_of_a_square_that_divides_by_zero(x, y):
    """The square itself is fine at 0; its derivative is taken by way of the logarithm."""
    infinite = math.inf if x.data == 0.0 else 1.0 / x.data
    return type(x)(x.data**2, (x,), (x.data**2 * 2.0 * infinite,), op="square") * y


class SigmoidOfX(Pairs):
    def sigmoid(self):
        s = 1.0 / (1.0 + math.exp(-self.data))
        return SigmoidOfX(s, [(self, self.data * (1.0 - self.data))], "sigmoid")


@mistake([SigmoidOfX(0.25)], "inputs[0]", 0.470007, "sigmoid of 0.5", "0.25 instead of 0.235004")
def sigmoid_derivative_from_x_instead_of_y(x):
    return (x + x).sigmoid()


class MaximumToBoth(Pairs):
    def maximum(self, other):
        return MaximumToBoth(max(self.data, other.data), [(self, 1.0), (other, 1.0)], "maximum")


@mistake(
    [MaximumToBoth(2.0), MaximumToBoth(5.0)],
    "inputs[0]",
    0.0,
    "maximum of 2 and 5",
    "1 instead of 0 to inputs[0]",
)
def maximum_that_passes_the_gradient_to_both(x, y):
    return x.maximum(y)


# In functions of rows.


@mistake([[1.0, 2.0, 3.0, 4.0]], "inputs[0][0]", 0.25, "mean of 1 and", "1 instead of 0.25")
def mean_without_its_divisor(x):
    return type(x[0])(sum(v.data for v in x) / len(x), x, [1.0] * len(x), op="mean")


@mistake(
    [[1.0, -1.0, 0.5]], "inputs[0][2]", -0.651793, "cross_entropy", "0.348207 instead of -0.651793"
)
def cross_entropy_without_the_minus_one_at_the_target(logits, target=2):
    exponentials = [math.exp(x.data) for x in logits]
    p = [e / sum(exponentials) for e in exponentials]
    return type(logits[0])(-math.log(p[target]), logits, p, op="cross_entropy")


@mistake(
    [[1.0, 2.0, 3.0], [5.0, 7.0, 11.0]],
    "inputs[0][0]",
    5.0,
    "7 instead of 5 to inputs[0][0], and 11 instead of 7 to inputs[0][1]",
)
def index_off_by_one(x, w):
    shifted = [w[(i + 1) % len(w)].data for i in range(len(w))]
    return type(x[0])(
        sum(a.data * b.data for a, b in zip(x, w)), (*x, *w), (*shifted, *(a.data for a in x))
    )


@mistake(
    [[1.0, 2.0, 3.0], [5.0, 7.0, 11.0]], "inputs[0][2]", 11.0, "0 instead of 11 to inputs[0][2]"
)
def last_index_missed(x, w):
    """range(len(x) - 1)."""
    slopes = [w[i].data if i < len(x) - 1 else 0.0 for i in range(len(x))]
    total = sum(a.data * b.data for a, b in zip(x, w))
    return type(x[0])(total, (*x, *w), (*slopes, *(a.data for a in x)), op="dot")


class LateBinding(Closures):
    @staticmethod
    def dot(xs, ws):
        out = LateBinding(sum(x.data * w for x, w in zip(xs, ws)), xs, "dot")
        steps = []
        for x, w in zip(xs, ws):
            steps.append(lambda: x._gain(w * out.grad))  # noqa: B023 - the mistake
        out._backward = lambda: [step() for step in steps]
        return out

    def _gain(self, grad):
        self.grad += grad


@mistake(
    [[LateBinding(1.0), LateBinding(2.0), LateBinding(3.0)]],
    *("inputs[0][0]", 5.0, "dot of 1 and 2 and 3", "0 instead of 5 to inputs[0][0]"),
)
def closures_made_in_a_loop(xs):
    return LateBinding.dot(xs, [5.0, 7.0, 11.0])


# In functions of Values: what is detached never comes back.


@mistake([3.0, 2.0], "inputs[1]", 3.0, "inputs[1]", ".data", cause="detached")
def detached_number(x, w):
    return x * w.data


@mistake([3.0], "inputs[0]", 6.0, "inputs[0]", ".data", cause="detached")
def detached_branch(x):
    return x * x.data


@mistake([Closures(0.5), Closures(2.0)], "inputs[0]", 1.572895, "0.462117", cause="detached")
def activation_computed_with_math(x, w):
    return w * Closures(math.tanh(x.data))


@mistake([[0.5, -1.0]], "inputs[0][0]", 0.149146, "no parents", cause="detached")
def softmax_that_divides_by_a_float(x):
    exponentials = [v.exp() for v in x]
    return exponentials[0] / sum(e.data for e in exponentials)


# In the walk.


class Preorder(Pairs):
    def backward(self):
        self.grad = 1.0
        self._visit(set())

    def _visit(self, seen):
        if self not in seen:
            seen.add(self)
            for parent, local_grad in self.links:
                parent.grad += local_grad * self.grad
            for parent, _ in self.links:
                parent._visit(seen)


@mistake([Preorder(1.5)], "inputs[0]", 14.0, "+ of 3 and 9", "topological", cause="wrong order")
def walk_without_topological_order(x):
    h = x * 2.0
    return h + h * h


class Repeating(Closures):
    def backward(self):
        self.grad = 1.0
        self._hand_down()

    def _hand_down(self):
        self._backward()
        for parent in self._prev:
            parent._hand_down()


@mistake([Repeating(1.5)], "inputs[0]", 14.0, "* of 1.5 and 2 = 3", cause="down 2 times")
def walk_that_visits_shared_numbers_again(x):
    h = x * 2.0
    return h + h * h


class Forwards(Closures):
    """`order`, where it should be `reversed(order)`."""

    def backward(self):
        self.grad = 1.0
        for node in self.sorted():
            node._backward()

    def sorted(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node._prev:
                    visit(parent)
                order.append(node)

        visit(self)
        return order


@mistake([Forwards(2.0), Forwards(3.0)], "inputs[0]", 6.0, "reverse", cause="wrong order")
def walk_from_the_inputs_on(x, y):
    return (x * y + y) * 2.0


@mistake([Forwards(0.5), Forwards(-2.0)], "inputs[0]", -0.839949, "reverse", cause="wrong order")
def walk_from_the_inputs_on_through_tanh(x, y):
    return (x * y).tanh()


class Stingy(Closures):
    """Nobody but the result hands anything down."""

    def backward(self):
        self.grad = 1.0
        self._backward()


@mistake(
    [Stingy(2.0), Stingy(3.0)], "inputs[0]", 3.0, "* of 2 and 3 = 6", cause="never hands it on"
)
def walk_to_the_direct_parents_only(x, y):
    return x * y + y


class ParentsLater(Forwards):
    """A number is appended before its parents."""

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                order.append(node)
                for parent in sorted(node._prev, key=lambda parent: parent.data):
                    visit(parent)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


@mistake([ParentsLater(1.5)], "inputs[0]", 14.0, "reverse", cause="wrong order")
def walk_in_an_order_of_parents_last(x):
    h = x * 2.0
    return h + h * h


class TanhForgets(Closures):
    def tanh(self):
        t = math.tanh(self.data)
        out = TanhForgets(t, (), "tanh")

        def _backward():
            self.grad += (1.0 - t * t) * out.grad

        out._backward = _backward
        return out


@mistake([TanhForgets(0.5), TanhForgets(-2.0)], "inputs[0]", -4.199743, "parents", cause="never")
def tanh_that_forgets_its_children(x, w):
    return (x * w).tanh() * 5.0


class ProductForgets(Closures):
    def __mul__(self, other):
        other = self.of(other)
        out = ProductForgets(self.data * other.data, (self,), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out


@mistake([ProductForgets(2.0), ProductForgets(3.0)], "inputs[0]", 3.0, "parent", cause="left out")
def product_that_forgets_the_other_one(x, y):
    return y * (x + 1.0)


class PairsOverwritten(Pairs):
    def backward(self, grad=1.0):
        self.grad = grad
        for parent, local_grad in self.links:
            parent.backward(grad * local_grad)


@mistake([PairsOverwritten(3.0)], "inputs[0]", 6.0, "* of 3 and 3", cause="overwritten")
def recursion_that_overwrites(x):
    return x * x


class PairsUnchained(Pairs):
    def backward(self, grad=1.0):
        self.grad += grad
        for parent, local_grad in self.links:
            parent.backward(local_grad)


@mistake([PairsUnchained(0.5), PairsUnchained(2.0)], "inputs[0]", 2 * math.cos(0.5), cause="chain")
def recursion_that_forgets_its_own_gradient(x, y):
    return x.sin() * y


class PairsLoop(Pairs):
    """Down all paths, with what has been gathered: a share is handed down again and again."""

    def backward(self):
        self.grad = 1.0
        stack = [self]
        while stack:
            node = stack.pop()
            for parent, local_grad in node.links:
                parent.grad += local_grad * node.grad
                stack.append(parent)


@mistake([PairsLoop(1.5)], "inputs[0]", 14.0, "* of 3 and 3", cause="times")
def loop_along_every_path(x):
    h = x + x
    return h + h * h


class Twice(Closures):
    """The result hands down before the walk, in which it does so again."""

    def backward(self):
        self.grad = 1.0
        self._backward()
        super().backward()


@mistake([Twice(2.0), Twice(3.0)], "inputs[0]", 3.0, "* of 2 and 3", "6 instead of 3")
def result_that_hands_down_twice(x, y):
    return x * y


class Unseeded(Closures):
    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node._prev:
                    visit(parent)
                order.append(node)

        visit(self)
        for node in reversed(order):
            node._backward()


@mistake([Unseeded(2.0), Unseeded(3.0)], "inputs[0]", 3.0, "set to 1", cause="does not begin")
def backward_that_does_not_start_with_one(x, y):
    return x * y


# In training.


@mistake([Closures(2.0)], "inputs[0]", 12.0, "24.0", cause="zero_grad")
def training_without_zero_grad(w):
    for _ in range(2):
        loss = (w * 3.0) ** 2 * (1 / 3)
        loss.backward()
    return loss


@mistake([Closures(2.0)], "inputs[0]", 8.0, "* of 1.9 = 4", "3.8 instead of 4")
def step_inside_the_function(w):
    loss = w * w
    w.data = w.data - 0.1
    return loss * 2.0
