# relu has a kink at 0: its slope is 0 on the left and 1 on the right. Move x across it.
from scalargrad import Value

x = Value(0.0)
a = x.relu()
y = 3.0 * a
