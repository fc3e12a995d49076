# Three logits become probabilities; the loss is how surprising the first one is.
# nn.cross_entropy(logits, 0) gives the same loss in one operation.
from scalargrad import nn

logits = nn.vector([2.0, 1.0, -1.0])
probabilities = nn.softmax(logits)
loss = -probabilities[0].log()
