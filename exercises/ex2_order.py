"""Exercise 2: visit every number once, in the right order.

Exercise 1 walked every path on its own. With y = y + y, forty times over, there are 2**40 paths: it
would take hours. The cure is to let every number first gather all of its gradient, and then hand it
down, once. For that it must wait until everything that was made from it has handed down: such an
order is called topological.

Fill in the two gaps, then run `pytest exercises/test_ex2_order.py`. One of the tests has a chain of
100,000 numbers, and Python gives up on functions that call themselves after about 1,000 calls. So
keep the Values that are still to be looked at in a list. A hint for that: put a Value on the list a
second time, marked, underneath its parents; when the mark comes up again, all of them are done.
"""


class Value:
    def __init__(self, data, parents=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.local_grads = local_grads

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def backward(self):
        """Set the gradient of this Value to 1, and let all hand down theirs, results first.

        Leaves (Values without parents) keep what they had and add to it. All others start from 0,
        so that a second `backward` is not spoilt by the first.
        """
        raise NotImplementedError("use topological_order")


def topological_order(output):
    """A list of `output` and all it was made from: each once, and after all of its own parents."""
    raise NotImplementedError("a loop, a list of what to look at, and a set of what was seen")
