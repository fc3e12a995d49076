"""Runs the compiled engine out of memory, at each allocation in turn.

    python tests/tools/no_memory.py

Every step of a session is repeated with its first allocation failing, then its second, and so on,
until it needs no more of them. Each time it must raise MemoryError and leave every Value as it was.
"""

import _testcapi
import gc
import sys
import tracemalloc

from scalargrad import engine

ENOUGH = 8  # times in a row that a step succeeded: then it had all the memory it wanted


class Session:
    """Something of everything, and functions that use it."""

    def __init__(self):
        self.x, self.y = engine.Value(0.5, label="x"), engine.Value(1.5)
        self.w = tuple(engine.vector([0.1 * i, 0.2, -0.3]) for i in range(9))
        self.wide = engine.vector([0.01 * i for i in range(70)])
        self.loose = engine.Vector([self.x, self.y, self.w[1][2]])
        self.linear = engine.linear(self.loose, self.w, [self.x] * 9)
        self.added = self.w[0] + self.w[1]
        self.loss = engine.cross_entropy(engine.softmax(engine.rmsnorm(self.linear)), 2)
        self.chain = self.x
        for _ in range(1000):
            self.chain = self.chain * self.y + 0.001
        self.all = [self.x, self.y, self.loss, self.chain, *self.loose, *self.linear, *self.wide]
        self.all += [v for row in self.w for v in row]
        self.buffers = [engine.vector([0.0] * 30), engine.vector([0.0] * 30)]
        self.rows = [*self.w, engine.Vector([self.x, self.y, self.x * 1.0])]

    def seen(self):
        numbers = [(v.data, v.grad, v.label) for v in (*self.all, *self.buffers[0])]
        return numbers, [(len(v.parents), v.local_grads, v.op) for v in self.all]


def write(s):
    s.w[2][1].data = 7.0


STEPS = {
    "gradients": lambda s: engine.gradients(
        [s.loss, s.linear, s.chain],
        [1.0, [0.5] * 9, 2.0],
        [s.x, [s.w, (s.loose, s.wide)], s.wide[::2], s.loss],
    ),
    "value": lambda s: engine.Value(1.0, (s.x, s.y, s.x), [1.0] * 3, op="mine", label="it"),
    "many local_grads": lambda s: engine.Value(1.0, [s.x] * 9, [1.0] * 9),
    "binary": lambda s: s.x * s.y,
    "number": lambda s: 2.5**s.x,
    "unary": lambda s: s.x.tanh(),
    "maximum": lambda s: engine.maximum(2, s.x),
    "repr": lambda s: repr(s.x),
    "format": lambda s: f"{s.x:.3f}",
    "compare": lambda s: s.x < 3,
    "label": lambda s: setattr(s.w[0][0], "label", "new"),
    "data": write,
    "parents": lambda s: (s.linear[3].parents, s.loss.parents, s.chain.parents),
    "local_grads": lambda s: (s.linear[3].local_grads, s.loss.local_grads, s.chain.local_grads),
    "history": lambda s: (s.linear[3]._history(), s.loss._history(), s.loss._place()),
    "history of a sum": lambda s: s.added[0]._history(),
    "vector": lambda s: engine.vector(range(50)),
    "Vector": lambda s: engine.Vector([s.x, 1, s.y]),
    "Vector of numbers": lambda s: engine.Vector([1, 2.0]),
    "element": lambda s: engine.vector([1.0] * 40)[35],
    "part": lambda s: (s.wide[3:50], s.wide[::3], s.loose[1:], s.wide[-1]),
    "list": lambda s: list(engine.vector([1.0] * 40)),
    "add": lambda s: s.w[0] + [1.0, s.x, 2],
    "times a number": lambda s: (s.wide * 2, 2.5 * s.wide, s.wide * s.x),
    "method of a row": lambda s: s.wide.exp(),
    "maximum of rows": lambda s: engine.maximum([1, 2, 3], s.w[0]),
    "sum": lambda s: (s.wide.sum(), s.loose.mean()),
    "weighted_sum": lambda s: engine.weighted_sum([1.0, s.x], [s.w[0], s.loose]),
    "concatenate": lambda s: engine.concatenate([s.wide, [1.0, s.x], s.w[0]]),
    "data of a row": lambda s: setattr(s.w[2], "data", [1, 2.0, 3]),
    "data of Values": lambda s: setattr(s.loose, "data", (1, 2.0, 3)),
    "numbers": lambda s: (s.wide.data, s.loose.grad),
    "label of a row": lambda s: setattr(s.wide, "label", "new"),
    "unchanged": lambda s: s.added[0]._unchanged(),
    "repr of a row": lambda s: repr(s.wide),
    "linear": lambda s: engine.linear(s.loose, s.w, s.linear),
    "linear of lists": lambda s: engine.linear([1, 2.0, s.x], [[s.x, s.y, 1.0], s.w[0]]),
    "dot": lambda s: engine.dot(s.loose, [1.0, 2.0, 3.0]),
    "softmax": lambda s: engine.softmax([s.x, 1.0, s.y]),
    "rmsnorm": lambda s: engine.rmsnorm(s.wide, 0.5),
    "cross_entropy": lambda s: engine.cross_entropy(s.wide, 69),
    "no_grad": lambda s: in_no_grad(s),
    "backward": lambda s: s.chain.backward(),
    "backward of rows": lambda s: s.loss.backward(),
    "zero_grads": lambda s: engine.zero_grads(s.rows),
    "sgd": lambda s: engine.sgd_update(s.rows, s.buffers[0], 0.1, 0.9, 0.1, True),
    "adam": lambda s: engine.adam_update(s.rows, *s.buffers, 0.1, (0.9, 0.99), 1e-8, 0.1, True, 1),
    "subclass": lambda s: Noted(1.0, (s.x,), local_grads=(1.0,), op="mine"),
    "wrong": lambda s: wrong(s),
    "free": lambda s: s.__dict__.clear(),
}


def in_no_grad(s):
    with engine.no_grad():
        return engine.linear(s.loose, s.w)


class Noted(engine.Value):
    """Made in the general way."""


WRONG = (
    lambda s: engine.Value("text"),
    lambda s: engine.Value(1.0, (s.x,), ()),
    lambda s: engine.linear(s.loose, [[1.0]]),
    lambda s: engine.vector([s.x]),
    lambda s: s.x / 0.0,
    lambda s: (s.x - 9.0).log(),
    lambda s: (s.wide - 9.0).log(),
    lambda s: s.wide + s.loose,
    lambda s: s.wide + 10**400,
    lambda s: s.w[0] / [1.0, 2.0, "x"],
    lambda s: setattr(s.wide, "data", [1.0]),
    lambda s: engine.maximum(s.wide, "text"),
    lambda s: engine.weighted_sum([1.0], s.w),
    lambda s: engine.concatenate([]),
    lambda s: engine.Vector([]).mean(),
    lambda s: s.wide[99],
    lambda s: s.wide.index(3.0),
    lambda s: engine.linear(),
    lambda s: engine.dot(1.0, 2.0, 3.0),
    lambda s: engine.Value(1.0, (), (), "op", label="x"),
    lambda s: Noted(1.0, note="wrong"),
    lambda s: engine.softmax(range(10**9)),
    lambda s: engine.softmax({1.0}),
)


def wrong(s):
    for call in WRONG:
        try:
            call(s)
        except (TypeError, ValueError, ArithmeticError, IndexError):
            continue
        except SystemError as error:  # so says Python itself without memory for an exception
            raise MemoryError from error
        raise AssertionError(f"nothing was wrong: {WRONG.index(call)}")


def hoard():
    """All the memory that the engine keeps for new Values, so that it must ask for more."""
    leaves = [engine.Value(1.0) for _ in range(2100)]
    return leaves, [x.exp() for x in leaves], [x * x for x in leaves]


def check(name, step):
    """Returns how many allocations of the step failed, one at a time."""
    failures = successes = 0
    start = -1
    while successes < ENOUGH:
        session = Session()
        before, hoarded = session.seen(), hoard()
        start += 1
        failed = False
        _testcapi.set_nomemory(start, start + 1)
        try:
            step(session)
        except MemoryError:
            failed = True
        finally:
            _testcapi.remove_mem_hooks()
        if failed:
            failures, successes = failures + 1, 0
            if session.seen() != before:
                sys.exit(f"{name}: allocation {start + 1} failed, and something was changed")
        else:
            successes += 1
        del hoarded
    return failures


def main():
    if engine.ENGINE != "compiled":
        sys.exit("the compiled engine is not there")
    tracemalloc.start()
    held = []
    for _ in range(3):
        failures = {name: check(name, step) for name, step in STEPS.items()}
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    print(failures)
    if held[2] - held[1] > 1000:
        sys.exit(f"bytes held after each time through: {held}; something is not freed")
    print(f"{sum(failures.values())} allocations failed, each with MemoryError and no change")


if __name__ == "__main__":
    main()
