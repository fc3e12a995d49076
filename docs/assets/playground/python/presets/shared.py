# The number a is used twice: what comes back on the two ways is added.
from scalargrad import Value

x = Value(3.0)
a = x * x
b = a * 2.0
y = a + b
