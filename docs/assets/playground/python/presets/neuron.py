# A neuron: inputs times weights, a bias, and tanh.
from scalargrad import Value

x1, x2 = Value(2.0), Value(-1.0)
w1, w2 = Value(0.5), Value(1.5)
bias = Value(0.2)

total = x1 * w1 + x2 * w2 + bias
y = total.tanh()
