class Value:
    def __init__(self, data, parents=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.local_grads = local_grads

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        local_grads = (other.data, self.data)
        return Value(self.data * other.data, (self, other), local_grads)

    def backward(self):
        self.grad = 1.0
        for node in reversed(inputs_first(self)):
            for parent, local_grad in zip(node.parents, node.local_grads):
                parent.grad += local_grad * node.grad


def inputs_first(node, seen=()):
    """The node and all it was made from, each after its own parents."""
    seen = seen or set()
    if node in seen:
        return []
    seen.add(node)
    order = []
    for parent in node.parents:
        order += inputs_first(parent, seen)
    return [*order, node]


def as_found(output):
    """The same nodes, in the order of a walk from the output."""
    found = [output]
    for node in found:
        for parent in node.parents:
            if parent not in found:
                found.append(parent)
    return found


def example(x, two):
    a = x * x
    b = a * two
    y = a + b
    return y, b, a


def descend(number, steps=12):
    """Twelve steps towards the w for which w * 2 - 6 is 0."""
    w = number(0.0)
    for _ in range(steps):
        error = w * number(2.0) + number(-6.0)
        loss = error * error
        w.grad = 0.0
        loss.backward()
        yield loss.data, w.grad
        w.data -= 0.05 * w.grad
