"""docs/how-to/activations-and-losses.md: each gives the values and gradients of PyTorch."""

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "activations-and-losses.md"
ROW = [-40.0, -3.0, -0.75, -1e-3, 1e-3, 0.5, 2.0, 37.0]
TARGETS = [0.0, 1.0, 0.25, 1.0, 0.0, 0.25, 1.0, 0.0]
SIGNS = [1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0]

THEIRS = {
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "silu": F.silu,
    "gelu": F.gelu,
    "mish": F.mish,
    "clamp": lambda x: torch.clamp(x, -1.0, 1.0),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(
        x, torch.tensor(TARGETS, dtype=torch.float64), reduction="none"
    ),
    "log_sigmoid": F.logsigmoid,
    "log_softmax": lambda x: F.log_softmax(x, 0),
    "mse_loss": lambda x: F.mse_loss(x, torch.tensor(TARGETS, dtype=torch.float64)),
    "l1_loss": lambda x: F.l1_loss(x, torch.tensor(TARGETS, dtype=torch.float64)),
    "huber_loss": lambda x: F.huber_loss(x, torch.tensor(TARGETS, dtype=torch.float64)),
    "hinge_loss": lambda x: torch.clamp(1 - x * torch.tensor(SIGNS, dtype=torch.float64), min=0),
}
MORE_ARGUMENTS = {
    "clamp": (-1.0, 1.0),
    "binary_cross_entropy_with_logits": (TARGETS,),
    "mse_loss": (TARGETS,),
    "l1_loss": (TARGETS,),
    "huber_loss": (TARGETS,),
    "hinge_loss": (SIGNS,),
}


def functions(sg):
    """The functions that the page shows."""
    namespace = {"sg": sg, "nn": sg.nn}
    exec("import math", namespace)
    for block in re.findall(
        r"```python\n(def .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    ):
        exec(block, namespace)
    return {name: x for name, x in namespace.items() if callable(x) and name[0] != "_"}


def near(expected):
    return pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_none_is_untested(sg):
    assert functions(sg).keys() == THEIRS.keys()


@pytest.mark.parametrize("name", THEIRS)
def test_of_a_row(sg, name):
    row, x = sg.nn.vector(ROW), torch.tensor(ROW, dtype=torch.float64, requires_grad=True)
    more = [sg.nn.vector(a) if isinstance(a, list) else a for a in MORE_ARGUMENTS.get(name, ())]
    ours, theirs = functions(sg)[name](row, *more), THEIRS[name](x)
    if isinstance(ours, sg.Vector):
        assert ours.data == near(tuple(theirs.tolist()))
        ours, theirs = ours.sum(), theirs.sum()
    assert ours.data == near(theirs.item())
    ours.backward()
    theirs.backward()
    assert row.grad == near(tuple(x.grad.tolist()))


@pytest.mark.parametrize(
    "name", ["leaky_relu", "elu", "silu", "gelu", "mish", "clamp", "log_sigmoid"]
)
def test_of_one_number(sg, name):
    for number in ROW:
        v, x = sg.Value(number), torch.tensor(number, dtype=torch.float64, requires_grad=True)
        ours, theirs = functions(sg)[name](v, *MORE_ARGUMENTS.get(name, ())), THEIRS[name](x)
        ours.backward()
        theirs.backward()
        assert (ours.data, v.grad) == near((theirs.item(), x.grad.item()))


@pytest.mark.parametrize("logit", [-1000.0, 1000.0, 0.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_loss_with_logits_does_not_overflow(sg, logit, target):
    loss = functions(sg)["binary_cross_entropy_with_logits"](sg.Value(logit), target)
    theirs = F.binary_cross_entropy_with_logits(
        torch.tensor(logit, dtype=torch.float64), torch.tensor(target, dtype=torch.float64)
    )
    assert loss.data == near(theirs.item())
