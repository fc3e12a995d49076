"""Values as students write them, in the four styles seen most: all of them right.

gradcheck must accept whatever is computed with these; student_mistakes.py breaks them, one at a
time.
"""

import math
from typing import ClassVar


class Closures:
    """Each result has a function that hands its gradient down, and a set of what it was made of."""

    def __init__(self, data, made_of=(), op=""):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(made_of)
        self._op = op

    @classmethod
    def of(cls, x):
        return x if isinstance(x, Closures) else cls(x)

    def __add__(self, other):
        other = self.of(other)
        out = type(self)(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = self.of(other)
        out = type(self)(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, n):
        out = type(self)(self.data**n, (self,), f"**{n}")

        def _backward():
            self.grad += n * self.data ** (n - 1) * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = type(self)(t, (self,), "tanh")

        def _backward():
            self.grad += (1.0 - t * t) * out.grad

        out._backward = _backward
        return out

    def exp(self):
        out = type(self)(math.exp(self.data), (self,), "exp")

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self):
        out = type(self)(math.log(self.data), (self,), "log")

        def _backward():
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    def relu(self):
        out = type(self)(max(0.0, self.data), (self,), "relu")

        def _backward():
            self.grad += (self.data > 0.0) * out.grad

        out._backward = _backward
        return out

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -self.of(other)

    def __truediv__(self, other):
        return self * self.of(other) ** -1.0

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return self.of(other) - self

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node._prev:
                    visit(parent)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


class Pairs:
    """Each result has a list of pairs: what it was made of, and the derivative by that."""

    __slots__ = ("data", "grad", "links", "op")

    def __init__(self, data, links=(), op=""):
        self.data, self.grad, self.links, self.op = float(data), 0.0, list(links), op

    def __add__(self, other):
        other = other if isinstance(other, Pairs) else type(self)(other)
        return type(self)(self.data + other.data, [(self, 1.0), (other, 1.0)], "+")

    def __sub__(self, other):
        return type(self)(self.data - other.data, [(self, 1.0), (other, -1.0)], "-")

    def __mul__(self, other):
        other = other if isinstance(other, Pairs) else type(self)(other)
        return type(self)(self.data * other.data, [(self, other.data), (other, self.data)], "*")

    def __truediv__(self, other):
        y = self.data / other.data
        return type(self)(y, [(self, 1.0 / other.data), (other, -y / other.data)], "/")

    def sqrt(self):
        y = math.sqrt(self.data)
        return type(self)(y, [(self, 0.5 / y)], "sqrt")

    def sin(self):
        return type(self)(math.sin(self.data), [(self, math.cos(self.data))], "sin")

    def sigmoid(self):
        s = 1.0 / (1.0 + math.exp(-self.data))
        return type(self)(s, [(self, s * (1.0 - s))], "sigmoid")

    def backward(self, grad=1.0):
        """Every path to a leaf on its own: slow, and right."""
        self.grad += grad
        for parent, local_grad in self.links:
            parent.backward(grad * local_grad)


class Taped:
    """Every result is written down on a tape, to be played backwards; grad is None until then."""

    tape: ClassVar[list] = []

    def __init__(self, data, name=None, *, requires_grad=False):
        self.data, self.name, self.requires_grad = data, name, requires_grad
        self.grad = None

    def _result(self, data, *shares):
        out = Taped(data)
        Taped.tape.append((out, shares))
        return out

    def __add__(self, other):
        return self._result(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        return self._result(self.data * other.data, (self, other.data), (other, self.data))

    def abs(self):
        return self._result(abs(self.data), (self, (self.data > 0) - (self.data < 0)))

    def backward(self):
        self.grad = 1.0
        for out, shares in reversed(Taped.tape):
            for x, share in shares if out.grad is not None else ():
                x.grad = (x.grad or 0.0) + share * out.grad
        Taped.tape.clear()


class Named:
    """A name first, and no way to leave it out; numbers are kept in single precision."""

    def __init__(self, name, data, parents=(), backward_fn=None):
        import numpy

        self.name, self.data, self.grad = name, numpy.float32(data), numpy.float32(0.0)
        self.parents, self.backward_fn = parents, backward_fn

    def __mul__(self, other):
        def backward_fn(grad):
            self.grad += grad * other.data
            other.grad += grad * self.data

        return Named("product", self.data * other.data, (self, other), backward_fn)

    def __add__(self, other):
        def backward_fn(grad):
            self.grad += grad
            other.grad += grad

        return Named("sum", self.data + other.data, (self, other), backward_fn)

    def backward(self):
        order = []
        stack = [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif all(node is not other for other in order):
                stack.append((node, True))
                stack += [(parent, False) for parent in node.parents]
        self.grad = self.grad + 1
        for node in reversed(order):
            if node.backward_fn:
                node.backward_fn(node.grad)
