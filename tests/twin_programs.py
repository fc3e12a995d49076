"""Programs of Values that run on any engine, step by step, for comparing engines.

An instruction is a name, a few choices and a number. Which Values, rows and sizes it means follows
from the choices and from what the program has made so far, so that any sequence of instructions is
a program. Small sizes and few Values make sure that things meet: the same Value twice in a row, a
row that is also a weight.
"""

import copy
import operator
import pickle
import struct
from array import array
from contextlib import nullcontext

UNARY = [
    *("exp", "log", "log1p", "log2", "log10", "expm1", "sqrt", "sin", "cos", "tan", "asin", "acos"),
    *("atan", "sinh", "cosh", "tanh", "sigmoid", "softplus", "erf", "relu", "abs"),
]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
ORDER = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
BUILT_IN = [operator.neg, operator.pos, abs, bool, repr, float, hash, format, int, round]


def bits(number):
    """A float exactly; every nan counts as the same."""
    return "nan" if number != number else struct.pack("<d", number).hex()


class Ufunc:
    """A function of NumPy, as far as a row looks at it."""

    def __init__(self, name):
        self.__name__ = name


# Methods of a program that are no instructions.
NO_INSTRUCTIONS = {
    *("__init__", "outcome", "value", "operand", "row", "row_operand", "keep", "described"),
}


class Program:
    """What a program has made so far in one engine, and how to go on."""

    def __init__(self, engine):
        self.engine = engine
        self.values = [engine.Value(1.5), engine.Value(-0.5)]
        self.rows = [engine.vector([0.25, -2.0])]
        self.matrices = []

    def outcome(self, name, choices, number):
        """Run one instruction; what it gave, or how it failed."""
        self.choices, self.number = choices, number
        quiet = self.engine.no_grad() if choices[4] % 10 == 0 else nullcontext()
        try:
            with quiet:
                result = getattr(self, name)()
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            return type(error).__name__, str(error)
        # Gradients change with backward, and data with writes: look at all there is, each time.
        values = [(bits(v.data), bits(v.grad)) for v in self.values]
        rows = [([*map(bits, row.data)], [*map(bits, row.grad)]) for row in self.rows]
        return result, values, rows, repr(self.rows)

    # Choosing.

    def value(self, choice):
        return self.values[self.choices[choice] % len(self.values)]

    def operand(self, choice):
        """A Value or the number."""
        return self.number if self.choices[choice] % 4 == 0 else self.value(choice)

    def row(self, choice, size):
        """A row of that size: one of the Vectors, or a list of Values, perhaps with numbers."""
        number = self.choices[choice]
        rows = [row for row in self.rows if len(row) == size]
        if rows and number % 3:
            return rows[number % len(rows)]
        items = [self.values[(number + i * (number % 3)) % len(self.values)] for i in range(size)]
        if number % 5 == 0:
            items[number % max(size, 1) : 1] = [self.number]
        return tuple(items) if number % 2 else items

    def keep(self, result):
        if isinstance(result, self.engine.Value):
            self.values.append(result)
            assert type(result) is self.engine.Value or self.engine.ENGINE == "reference"
        else:
            assert type(result) is self.engine.Vector
            self.rows.append(result)

    def described(self, derivatives):
        """What `grad` gave, to be compared."""
        if isinstance(derivatives, tuple):
            return [self.described(x) for x in derivatives]
        if isinstance(derivatives, float):
            return bits(derivatives)
        return type(derivatives).__name__, [*map(bits, derivatives.data)]

    # Instructions.

    def number_(self):
        self.keep(self.engine.Value(self.number))

    def binary(self):
        self.keep(BINARY[self.choices[2] % len(BINARY)](self.operand(0), self.value(1)))

    def binary_other_side(self):
        self.keep(BINARY[self.choices[2] % len(BINARY)](self.value(0), self.operand(1)))

    def unary(self):
        self.keep(getattr(self.value(0), UNARY[self.choices[1] % len(UNARY)])())

    def extremum(self):
        name = ["maximum", "minimum", "atan2"][self.choices[2] % 3]
        self.keep(getattr(self.engine, name)(self.operand(0), self.operand(1)))

    def built_in(self):
        function = BUILT_IN[self.choices[1] % len(BUILT_IN)]
        result = function(self.value(0))
        if isinstance(result, self.engine.Value):
            self.keep(result)
            return None
        return None if function is hash else result

    def compare(self):
        return bool(ORDER[self.choices[2] % len(ORDER)](self.value(0), self.operand(1)))

    def power_with_a_modulus(self):
        self.keep(pow(self.value(0), self.operand(1), 5))

    def format(self):
        return format(self.value(0), [".3f", "10.2e", "", "d"][self.choices[1] % 4])

    def detach(self):
        self.keep(self.value(0).detach())

    def shallow_copy(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        self.keep(copy.copy(row if self.choices[1] % 2 else self.value(0)))

    def deep_copy(self):
        """Of a row and a Value at once, which may be part of it."""
        things = [self.rows[self.choices[0] % len(self.rows)], self.value(1)]
        if self.choices[2] % 2:
            things.reverse()
        through_pickle = self.choices[3] % 2
        for thing in (
            pickle.loads(pickle.dumps(things)) if through_pickle else copy.deepcopy(things)
        ):
            self.keep(thing)

    def custom(self):
        parents = [self.value(i) for i in range(self.choices[3] % 4)]
        grads = [self.operand(0), 0.5, self.operand(2)]
        grads = grads[: self.choices[3] % 4 - (self.choices[2] % 7 == 0)]
        named = {"op": ["", "atan", "+", 3][self.choices[2] % 4]} if self.choices[1] % 2 else {}
        self.keep(self.engine.Value(0.75, parents, grads, **named))

    def wrong_custom(self):
        wrong = [self.number, self.values, [self.number], self.rows[0]][self.choices[0] % 4]
        grads = [wrong, (), (self.number, 1.0), [self.value(1)]][self.choices[1] % 4]
        self.keep(self.engine.Value(self.number, wrong, grads, label=self.choices[2] % 3 and "x"))

    def write_data(self):
        self.value(0).data = self.number

    def write_grad(self):
        self.value(0).grad = self.number

    def write_label(self):
        self.value(0).label = ["a", "", "b c"][self.choices[1] % 3]

    def backward(self):
        if self.choices[1] % 3:
            self.value(0).backward()
        else:
            self.value(0).backward(self.number)

    def forget_value(self):
        if len(self.values) > 2:
            del self.values[self.choices[0] % len(self.values)]

    def forget_row(self):
        if len(self.rows) > 1:
            del self.rows[self.choices[0] % len(self.rows)]

    def vector(self):
        numbers = [self.number, 0.5, -1.25, 3.0][: self.choices[0] % 5]
        self.keep(self.engine.vector(numbers if self.choices[1] % 4 else self.number))

    def row_of_values(self):
        self.keep(self.engine.Vector(self.row(0, self.choices[1] % 4)))

    def row_of_anything(self):
        self.keep(self.engine.Vector(self.number if self.choices[0] % 3 else [self.number]))

    def element(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        self.keep(row[self.choices[1] % 5 - 2])

    def elements(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        self.values.extend(reversed(row) if self.choices[1] % 2 else row)

    def part(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        bounds = [None, 0, 1, 2, -1, 5]
        start, stop = (bounds[self.choices[i] % 6] for i in (1, 2))
        self.keep(row[start : stop : [None, 1, 2, -1][self.choices[3] % 4]])

    def row_operand(self, choice, size):
        """What may stand beside a row of that size, or may not."""
        kind = self.choices[choice] % 8
        if kind < 3:
            return self.row(choice, size)
        if kind == 3:
            return array("d", [0.5, -1.0, 2.0, 0.0][: size - (self.choices[3] % 5 == 0)])
        return [self.operand(choice), self.number, self.row(choice, size + 1), "text"][kind - 4]

    def binary_of_rows(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        other = self.row_operand(1, len(row))
        operation = BINARY[self.choices[2] % len(BINARY)]
        self.keep(operation(row, other) if self.choices[3] % 3 else operation(other, row))

    def extremum_of_rows(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        other = self.row_operand(1, len(row))
        name = ["maximum", "minimum", "atan2"][self.choices[2] % 3]
        function = getattr(self.engine, name)
        self.keep(function(row, other) if self.choices[3] % 2 else function(other, row))

    def unary_of_rows(self):
        self.keep(
            getattr(
                self.rows[self.choices[0] % len(self.rows)], UNARY[self.choices[1] % len(UNARY)]
            )()
        )

    def sign_of_rows(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        self.keep([operator.neg, operator.pos, abs][self.choices[1] % 3](row))

    def sum_and_mean(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        self.keep(row.sum() if self.choices[1] % 2 else row.mean())

    def weighted_sum(self):
        n, width = 1 + self.choices[0] % 4, self.choices[1] % 4
        rows = [self.row((2 + i) % 4, width) for i in range(n + (self.choices[3] % 9 == 0))]
        self.keep(self.engine.weighted_sum(self.row(1, n), rows))

    def concatenate(self):
        sizes = [self.choices[i] % 4 for i in range(self.choices[0] % 4)]
        self.keep(self.engine.concatenate([self.row(i, size) for i, size in enumerate(sizes)]))

    def columns_of_matrix(self):
        if self.matrices:
            matrix = self.matrices[self.choices[0] % len(self.matrices)]
            size = len(matrix) + (self.choices[3] % 9 == 0)
            self.keep(self.engine.weighted_sum(self.row(1, size), matrix))

    def matrix_as_row(self):
        if self.matrices:
            row = self.engine.concatenate(self.matrices[self.choices[0] % len(self.matrices)])
            self.keep(row[: 1 + self.choices[1] % 6])

    def array_function(self):
        """As NumPy asks."""
        row = self.rows[self.choices[0] % len(self.rows)]
        inputs = [row] if self.choices[1] % 2 else [self.number, row]
        ufunc = Ufunc(["exp", "add", "maximum", "square", "arctan"][self.choices[2] % 5])
        method = "reduce" if self.choices[3] % 9 == 0 else "__call__"
        self.keep(row.__array_ufunc__(ufunc, method, *inputs))

    def grad(self):
        from scalargrad import grad

        row = self.rows[self.choices[2] % len(self.rows)]
        inputs = [self.value(1), row, [row[1:], self.value(3)], self.row(3, 2)]
        if self.choices[0] % 3:
            return self.described(grad(self.value(0), inputs))
        output = self.rows[self.choices[0] % len(self.rows)]
        upstreams = [[self.number, 0.0, -2.0, 1e16][: len(output)], self.number]
        return self.described(grad([output, self.value(1)], inputs, grad_outputs=upstreams))

    def grad_with_a_graph(self):
        from scalargrad import grad

        by = self.value(1) if self.choices[3] % 2 else self.rows[self.choices[2] % len(self.rows)]
        (slope,) = grad(self.value(0), by, create_graph=True)
        self.keep(slope)

    def write_row(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        numbers = [self.number, 0.5, -1.25, 3.0, 2.0][: len(row) - (self.choices[1] % 7 == 0)]
        setattr(row, "grad" if self.choices[2] % 3 == 0 else "data", numbers)

    def label_of_a_row(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        row.label = ["a", "", "b c", self.number][self.choices[1] % 4]

    def look_up(self):
        row = self.rows[self.choices[0] % len(self.rows)]
        value = self.operand(1)
        return row.count(value), len(row), row.index(value) if value in row else value in [*row]

    def linear(self):
        n, m = 1 + self.choices[0] % 3, 1 + self.choices[1] % 9
        rows = [self.row((2 + i) % 4, n) for i in range(m)]
        bias = [self.row(3, m)] if self.choices[3] % 2 else []
        self.keep(self.engine.linear(self.row(1, n), rows, *bias))

    def matrix(self):
        """Rows to be used again and again, which the compiled engine notices."""
        size = 1 + self.choices[0] % 3
        rows = [row for row in self.rows if len(row) == size] * (1 + self.choices[1] % 3)
        self.matrices.append(rows if self.choices[2] % 2 else tuple(rows))

    def change_of_matrix(self):
        """A list of rows grows, as one of keys does, or is changed in another way."""
        matrices = [matrix for matrix in self.matrices if isinstance(matrix, list)]
        if matrices:
            matrix = matrices[self.choices[0] % len(matrices)]
            row = self.row(1, len(matrix[0]) if matrix else 1)
            place = self.choices[3] % (len(matrix) + 1)
            matrix[[len(matrix), len(matrix), place][self.choices[2] % 3] :] = [row]

    def linear_with_matrix(self):
        if self.matrices:
            matrix = self.matrices[self.choices[0] % len(self.matrices)]
            size = len(matrix[0]) if matrix else 1
            bias = [self.row(3, len(matrix))] if self.choices[3] % 4 == 0 else []
            self.keep(self.engine.linear(self.row(1, size), matrix, *bias))

    def wrong_linear(self):
        some = [self.number, self.rows[0], self.rows, [self.number], [[self.number]], []]
        x, w, b = (some[self.choices[i] % len(some)] for i in range(3))
        self.keep(self.engine.linear(x, w, b))

    def dot(self):
        n = self.choices[2] % 5
        self.keep(self.engine.dot(self.row(0, n), self.row(1, n + (self.choices[3] % 9 == 0))))

    def softmax(self):
        self.keep(self.engine.softmax(self.row(0, self.choices[1] % 4)))

    def rmsnorm(self):
        eps = [[], [0.0], [0.5], [self.number]][self.choices[2] % 4]
        self.keep(self.engine.rmsnorm(self.row(0, self.choices[1] % 4), *eps))

    def logsumexp(self):
        self.keep(self.engine.logsumexp(self.row(0, self.choices[1] % 4)))

    def cross_entropy(self):
        target = self.number if self.choices[3] % 5 == 0 else self.choices[2] % 4
        if self.choices[3] % 5 == 1:
            target = self.row(2, self.choices[1] % 5 + (self.choices[2] % 7 == 0))
        self.keep(self.engine.cross_entropy(self.row(0, self.choices[1] % 5), target))

    INSTRUCTIONS = tuple(
        name
        for name, function in list(vars().items())
        if callable(function) and name not in NO_INSTRUCTIONS
    )

    # Looking at it all.

    def everything(self):
        """All that can be seen of the Values and of what they were made from, in a fixed order."""
        numbering = {}
        stack = [*self.values, *(v for row in self.rows for v in row)][::-1]
        while stack:
            value = stack.pop()
            if value not in numbering:
                numbering[value] = len(numbering)
                stack += value.parents
        places = {}
        values = [self.seen(value, numbering, places) for value in numbering]
        return values, [self.seen_of_row(row, places) for row in self.rows]

    def seen(self, value, numbering, places):
        block, index, length = value._place() or (id(value), 0, 0)
        operation, inputs, _, setting = value._history()
        return {
            "repr": repr(value),
            "data": bits(value.data),
            "grad": bits(value.grad),
            "op": value.op,
            "label": value.label,
            "parents": [numbering[parent] for parent in value.parents],
            "local_grads": [bits(g) for g in value.local_grads],
            "history": (operation, self.numbered(inputs, numbering), self.plain(setting)),
            "unchanged": value._unchanged(),
            "place": (places.setdefault(block, len(places)), index, length),
        }

    def numbered(self, inputs, numbering):
        if isinstance(inputs, self.engine.Value):
            return numbering.get(inputs)
        return [self.numbered(x, numbering) for x in inputs]

    def plain(self, setting):
        """A setting, with the numbers of the Values in it."""
        if isinstance(setting, tuple):
            return [(type(x) is float, bits(x if type(x) is float else x.data)) for x in setting]
        return setting

    def seen_of_row(self, row, places):
        block, *where = row._place() or (None,)
        return places.get(block), where, row.label, row._unchanged()
