"""Names that people bring from elsewhere, and what to write here.

Whoever types `v.item()`, `v._prev`, `row.shape` or `nn.relu` has learnt it with PyTorch or with
another small engine. They are not there: `hasattr` is False. But the error says what is.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, NoReturn

_OF_BOTH = {
    "numpy": "write .data for the numbers",
    "tolist": "write list(row.data), or v.data of a Value",
    "requires_grad": "everything has a gradient; a constant is a plain number, or v.detach()",
    "requires_grad_": "everything has a gradient; a constant is a plain number, or v.detach()",
    "retain_grad": "every .grad is kept",
    "clone": "nothing is changed in place: the same Value may be used again",
    "cpu": "there is only the CPU",
    "cuda": "there is only the CPU",
    "to": "there is only the CPU, and only float",
    "softmax": "write nn.softmax(row)",
    "pow": "write v ** n",
    "item": "write .data",
}
_OF_VALUE = _OF_BOTH | {
    "zero_grad": "write v.grad = 0.0, or zero_grad() of an optimiser",
    "value": "write v.data",
    "shape": "a Value is one number",
    "_prev": "write v.parents",
    "_children": "write v.parents",
    "children": "write v.parents",
    "prev": "write v.parents",
    "_op": "write v.op",
    "grad_fn": "write v.op and v.parents",
    "_backward": "an operation of your own is Value(data, parents, local_grads)",
}
_OF_VECTOR = _OF_BOTH | {
    "zero_grad": "write row.grad = [0.0] * len(row), or zero_grad() of an optimiser",
    "item": "write row[0].data, or row.data for all numbers",
    "shape": "write len(row); a matrix is a tuple of rows",
    "size": "write len(row); a matrix is a tuple of rows",
    "ndim": "a row has one dimension; a matrix is a tuple of rows",
    "T": "nn.weighted_sum(x, w) multiplies x by the columns of w",
    "max": "write max(row), or nn.logsumexp(row) for a smooth one",
    "min": "write min(row)",
    "argmax": "write row.data.index(max(row.data))",
    "dot": "write nn.dot(a, b)",
    "append": "a row cannot be changed: write [*row, v], or nn.concatenate",
    "backward": "take .sum() or .mean() of the row first, which is one Value",
    "parents": "write row[i].parents",
    "local_grads": "write row[i].local_grads",
    "op": "write row[i].op",
    "detach": "write Vector([x.detach() for x in row]), or nn.vector(row.data)",
}
_OF_MODULES = {
    "scalargrad": {
        "tensor": "write Value(number), or nn.vector(numbers) for a row",
        "Tensor": "write Value for a number, Vector for a row",
        "Parameter": "write Value, or nn.vector and nn.matrix",
        "exp": "write v.exp()",
        "log": "write v.log()",
        "tanh": "write v.tanh()",
        "relu": "write v.relu()",
        "sigmoid": "write v.sigmoid()",
        "backward": "write v.backward()",
        "autograd": "write sg.grad",
        "sum": "write sum(values), or row.sum()",
        "draw_dot": "write sg.graph.save(v, 'graph.svg')",
        "make_dot": "write sg.graph.save(v, 'graph.svg')",
    },
    "scalargrad.graph": {
        "draw_dot": "write graph.save(v, 'graph.svg')",
        "make_dot": "write graph.save(v, 'graph.svg')",
        "draw": "write graph.save(v, 'graph.svg')",
        "trace": "write graph.ledger(v), which has the edges",
    },
    "scalargrad.nn": {
        "relu": "write v.relu() or row.relu()",
        "ReLU": "write v.relu() or row.relu()",
        "tanh": "write v.tanh() or row.tanh()",
        "Tanh": "write v.tanh() or row.tanh()",
        "sigmoid": "write v.sigmoid() or row.sigmoid()",
        "Linear": "write w = nn.matrix(nout, nin), and nn.linear(x, w)",
        "Module": "a model is functions and matrices; see `If you like classes` in the docs",
        "Parameter": "write Value, nn.vector or nn.matrix",
        "Embedding": "write w = nn.matrix(count, width), and w[i]",
        "mse_loss": "write ((a - b) ** 2).mean() of two rows",
        "MSELoss": "write ((a - b) ** 2).mean() of two rows",
        "CrossEntropyLoss": "write nn.cross_entropy(logits, target)",
        "log_softmax": "write x - nn.logsumexp(x)",
        "LayerNorm": "write nn.rmsnorm(x)",
        "functional": "the functions are in nn itself",
    },
    "scalargrad.optim": {
        "clip_grad_norm_": "write optim.clip_grad_norm",
        "lr_scheduler": "write to optimizer.lr before each step",
        "RMSprop": "there are SGD, Adam and AdamW",
        "Adagrad": "there are SGD, Adam and AdamW",
    },
}


class Missing:
    """An attribute that is not there, and says so. Subclasses may have one of that name."""

    __slots__ = ("advice",)

    def __init__(self, advice: str) -> None:
        self.advice = advice

    def __get__(self, thing: Any, kind: type) -> NoReturn:
        raise AttributeError(f"{kind.__name__} {self.advice}")


# What Python and its libraries ask a number for, and would silently lose the gradient.
_LOSING = {
    "__int__": "int(Value)",
    "__trunc__": "math.trunc(Value)",
    "__round__": "round(Value)",
    "__floor__": "math.floor(Value)",
    "__ceil__": "math.ceil(Value)",
    "__floordiv__": "Value // other",
    "__rfloordiv__": "other // Value",
    "__mod__": "Value % other",
    "__rmod__": "other % Value",
    "__divmod__": "divmod(Value, other)",
    "__rdivmod__": "divmod(other, Value)",
    "as_integer_ratio": "an exact fraction of a Value",
}


def _losing(expression: str) -> Any:
    def refuse(*arguments: Any) -> NoReturn:
        raise TypeError(f"{expression} would lose the gradient: write v.data for the number")

    refuse.__doc__ = f"Raises TypeError: {expression} would lose the gradient."
    return refuse


def _listed(thing: Any) -> list[str]:
    """What `dir` lists: not what is missing."""
    own = getattr(thing, "__dict__", {})
    classes = {name: x for base in type(thing).__mro__[::-1] for name, x in vars(base).items()}
    return [n for n in object.__dir__(thing) if n in own or type(classes.get(n)) is not Missing]


def install(value_kind: type, vector_kind: type) -> None:
    """Let the classes say what to write instead of each of the names."""
    for kind, advice in ((value_kind, _OF_VALUE), (vector_kind, _OF_VECTOR)):
        for name in advice.keys() - vars(kind).keys():
            setattr(kind, name, Missing(f"has no {name}: {advice[name]}"))
        kind.__dir__ = _listed  # type: ignore[method-assign, assignment]
    for name, expression in _LOSING.items():
        setattr(value_kind, name, _losing(expression))
    for name in ("asin", "acos", "atan"):  # np.arcsin of an array of Values calls v.arcsin()
        setattr(value_kind, name.replace("a", "arc", 1), getattr(value_kind, name))


def missing(module: str, name: str) -> NoReturn:
    """What a module says of a name that it does not have."""
    advice = _OF_MODULES[module].get(name, "")
    raise AttributeError(
        f"module {module!r} has no attribute {name!r}" + (f"; {advice}" if advice else "")
    )
