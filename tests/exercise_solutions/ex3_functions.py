import math

from scalargrad import Value


def softplus(x):
    t = math.exp(-abs(x.data))
    sigmoid = 1.0 / (1.0 + t) if x.data >= 0.0 else t / (1.0 + t)
    return Value(max(x.data, 0.0) + math.log1p(t), (x,), (sigmoid,), op="softplus")


def hypot(x, y):
    r = math.hypot(x.data, y.data)
    slopes = (x.data / r, y.data / r) if r else (0.0, 0.0)
    return Value(r, (x, y), slopes, op="hypot")


def swish(x):
    return x * x.sigmoid()
