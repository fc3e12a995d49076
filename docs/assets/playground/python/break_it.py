"""Small mistakes in a small engine, and what becomes of the numbers.

small_value.py is the engine as it should be; its text comes from the page. A mistake is a line of
it, and what stands there instead. The right numbers come from scalargrad.
"""

import scalargrad as sg

MISTAKES = {
    "sort": ("for node in reversed(inputs_first(self)):", "for node in as_found(self):"),
    "add": (
        "parent.grad += local_grad * node.grad",
        "parent.grad = local_grad * node.grad",
    ),
    "zero": ("w.grad = 0.0", "# w.grad = 0.0"),
}


def look(engine, mistakes):
    """What the engine with these mistakes makes of the example and of the training."""
    wrong = engine
    for mistake in mistakes:
        wrong = wrong.replace(*MISTAKES[mistake])
    whole, broken = executed(engine), executed(wrong)
    return {
        "lines": compared(engine.splitlines(), wrong.splitlines()),
        "example": example(whole, broken),
        "gradcheck": checked(broken),
        "training": training(whole, broken),
    }


def executed(text):
    namespace = {}
    exec(compile(text, "small_value.py", "exec"), namespace)
    return namespace


def compared(right, wrong):
    """The lines of the engine: the same as in the right one, or taken out, or put in instead."""
    told = []
    for old, new in zip(right, wrong):
        if old == new:
            told.append({"kind": "same", "text": old})
        else:
            told += [{"kind": "old", "text": old}, {"kind": "new", "text": new}]
    return told


def example(whole, broken):
    """The gradient of each number of the example: as the engine has it, and as it should be."""
    given = [gradients(broken["Value"], broken["example"]), gradients(sg.Value, whole["example"])]
    return [
        {"name": name, "data": data, "grad": grad, "right": right}
        for (name, data, grad), (_, _, right) in zip(*given)
    ]


def gradients(value, function):
    x, two = value(3.0), value(2.0)
    y, b, a = function(x, two)
    y.backward()
    numbers = {"y = a + b": y, "b = a * 2": b, "a = x * x": a, "x": x}
    return [(name, number.data, number.grad) for name, number in numbers.items()]


def checked(broken):
    """What gradcheck says of the example; an empty text if it finds nothing."""
    inputs = [broken["Value"](3.0), broken["Value"](2.0)]
    try:
        sg.gradcheck(lambda x, two: broken["example"](x, two)[0], inputs)
    except AssertionError as error:
        return str(error)
    return ""


def training(whole, broken):
    """The loss and the gradient at each step: as they come, and as they should."""
    steps = zip(broken["descend"](broken["Value"]), whole["descend"](sg.Value))
    return [
        {"loss": loss, "grad": grad, "right_loss": right_loss, "right_grad": right_grad}
        for (loss, grad), (right_loss, right_grad) in steps
    ]
