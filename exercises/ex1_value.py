"""Exercise 1: a number that remembers how it was computed.

A Value holds a number, the Values it was made from (`parents`), and for each of them the local
derivative: how much the result moves when that parent moves a little. That is enough to
differentiate anything: multiply the local derivatives along a path from the result to an input, and
add up over all paths. It is the chain rule, and this class is the whole of a deep learning library
in miniature.

Fill in the three gaps, then run `pytest exercises/test_ex1_value.py`.
"""


class Value:
    def __init__(self, data, parents=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.local_grads = local_grads

    def __add__(self, other):
        """A new Value. How much does a + b move when a moves by 1? When b does?"""
        raise NotImplementedError("add the data, and give the two local derivatives")

    def __mul__(self, other):
        """A new Value. How much does a * b move when a moves by 1? When b does?"""
        raise NotImplementedError("multiply the data, and give the two local derivatives")

    def backward(self, grad=1.0):
        """Add `grad` to self.grad, and hand every parent its share: local derivative times grad.

        A parent takes its share just as this Value took `grad`: by its own `backward`. (This
        walks every path on its own, which is right, and slow; exercise 2 does better.)
        """
        raise NotImplementedError("two or three lines")
