"""Programs that leave something of scalargrad behind when they end, each in a way of its own.

`python tests/endings.py 0 3 7` runs those programs and ends; `--interpreter` runs each in an
interpreter of its own, which ends before this one does; `--reload` drops the package after each,
while what it left is still there, and imports it anew. All is well if the status is 0 and nothing
was written to stderr.
"""

import gc
import sys
import textwrap

PROGRAMS = [
    """
    class Param(sg.Value):
        pass
    Param.default = Param(0.0)
    """,
    """
    class Row(sg.Vector):
        pass
    Row.default = Row([1.0, sg.Value(2.0)])
    """,
    """
    class Param(sg.Value):
        instances = []
        def __init__(self, data):
            super().__init__(data)
            self.instances.append(self)
    total = Param(1.0) * Param(2.0) + Param(3.0)
    total.backward()
    """,
    """
    class Param(sg.Value):
        __slots__ = ("out",)
    p = Param(1.0)
    p.out = p * 2.0
    """,
    """
    class Param(sg.Value):
        pass
    p = Param(1.0)
    p.me = p
    Param.out = p.out = sg.nn.linear([p, 2.0], [[p, p]])
    """,
    """
    class Noisy(sg.Value):
        def __del__(self, sg=sg):
            y = self * 2.0 + self.exp()
            sg.nn.linear([y], [[1.0]])[0].backward()
    Noisy.default = Noisy(1.0)
    kept = [Noisy(2.0), {"more": Noisy(3.0)}]
    """,
    """
    class Noisy(sg.Value):
        __slots__ = ()
        def __del__(self, Value=sg.Value, Vector=sg.Vector):
            try:
                y = self * 2.0
                for z in (y + 1.0, 1.0 - y, y.exp(), -y, abs(y), y.detach(), Value(1.0)):
                    z.backward()
                    str((z.parents, z.op, z.label, z.data, z < y, z < 1, bool(z)))
                    z.label = "z"
                list(Vector([y, 1.0, z])[:2])
                Vector([y]) * [y]
                y * "text" if y is None else y == "text"
            except (RuntimeError, ImportError):
                pass
    cycle = [Noisy(1.0)]
    cycle.append(cycle)
    Noisy.default = [Noisy(2.0), cycle]
    """,
    """
    class Row(sg.Vector):
        __slots__ = ()
        def __del__(self):
            try:
                for x in self:
                    x.backward()
                self[0], self[:1], list(self), repr(self), len(self), self + list(self)
                self.index(self[0])
            except (RuntimeError, ImportError):
                pass
    Row.default = [Row(sg.nn.vector([1.0, 2.0])), Row([sg.Value(1.0)])]
    """,
    """
    sg.Value.square = lambda v: v * v
    sg.Value.default = sg.Value(0.0)
    sg.Value.__matmul__ = lambda a, b: a * b
    sg.Vector.default = sg.nn.vector([1.0, 2.0])
    assert (sg.Value(3.0).square().data, (sg.Value(3.0) @ 2.0).data) == (9.0, 6.0)
    """,
    """
    import threading
    inside = threading.Event()
    def stay():
        sg.no_grad().__enter__()
        inside.set()
    thread = threading.Thread(target=stay)
    try:
        thread.start()
    except RuntimeError:  # some interpreters of one's own have no threads
        pass
    else:
        thread.join()
    sg.no_grad().__enter__()
    """,
    """
    class Quiet(sg.no_grad):
        pass
    Quiet.default = Quiet()
    Quiet.default.__enter__()
    class Param(sg.Value):
        pass
    Param.default = Param(1.0) * 2.0
    """,
    """
    import copy, functools
    class Param(sg.Value):
        def __init__(self, data):
            self.before = functools.partial(type(self), data)
            super().__init__(data)
    p = Param(1.0)
    p.copy = copy.copy(p)
    p.copy.original = p
    class Forgetful(sg.Value):
        def __init__(self):
            pass
    Forgetful.default = Forgetful()
    """,
    """
    matrix = sg.nn.matrix(3, 2)
    class Holder:
        outputs = sg.nn.linear([1.0, 2.0], matrix)
        element = outputs[1]
        iterator = iter(outputs)
    Holder.iterator.__next__()
    Holder.holder = Holder()
    sg.optim.Adam([*matrix]).step()
    """,
    """
    import weakref
    class Param(sg.Value):
        pass
    p = Param(1.0)
    p.reference = weakref.ref(p, lambda reference: p * 2.0)
    weakref.finalize(p, lambda: sg.Value(2.0).exp().backward())
    Param.p = p
    """,
    """
    y = sg.Value(1.0)
    class Param(sg.Value):
        pass
    for i in range(20_000):
        y = Param(0.5, (y, y), (0.5, 0.5)) if i % 2 else y * 1.0
    Param.y = y
    sg.Value.chain = y
    """,
    """
    import builtins, sys
    class Param(sg.Value):
        pass
    builtins.kept_until_the_end = [Param(1.0), sg.nn.vector([1.0, 2.0]), sg.Value(1.0) * 2.0]
    sys.kept_until_the_end = Param(2.0) * builtins.kept_until_the_end[0]
    """,
]


def run(program: str) -> None:
    """Run it as the main program, so that Python clears its names as it does those of a script."""
    exec("import scalargrad as sg\n" + textwrap.dedent(program), globals())


def run_in_an_interpreter(program: str) -> None:
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    one = interpreters.create()
    failed = interpreters.run_string(one, "import scalargrad as sg\n" + textwrap.dedent(program))
    assert not failed, failed
    interpreters.destroy(one)


def drop_the_package() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "scalargrad"]:
        del sys.modules[name]
    gc.collect()


def main(arguments: list[str]) -> None:
    numbers = [int(x) for x in arguments if x.isdecimal()] or range(len(PROGRAMS))
    for number in numbers:
        if "--interpreter" in arguments:
            run_in_an_interpreter(PROGRAMS[number])
        else:
            run(PROGRAMS[number])
        if "--reload" in arguments:
            drop_the_package()


if __name__ == "__main__":
    main(sys.argv[1:])
