# A price times a count, plus delivery, and all of it times a tax.
from scalargrad import Value

price = Value(4.0)
count = Value(3.0)
delivery = Value(5.0)
tax = Value(1.5)

goods = price * count
net = goods + delivery
total = net * tax
