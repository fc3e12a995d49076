"""Exercise 6: the two formulas at the heart of a GPT.

A language model gives every possible next character a score, a logit. Cross-entropy turns the
logits into a loss: the logarithm of 1 / p, where p is the probability of the character that came.

Attention decides which earlier places to look at. Each place asks with a query and answers with a
key and a value. The better a key fits the query (their dot product), the more of its value is
taken; softmax makes weights of these scores. The first place sees only itself, the second two
places, and so on: a place must not see the future, which it is to predict.

Fill in the two gaps, then run `pytest exercises/test_ex6_attention.py`.
"""

from scalargrad import nn  # noqa: F401 - for you


def cross_entropy(logits, target):
    """-log(softmax(logits)[target]) = log(sum_j exp(x[j])) - x[target], from operators of Value.

    exp(1000.0) is an error. But the formula gives the same if one number is subtracted from all
    logits; take the largest, as a plain float, and no exponential is above 1.
    """
    raise NotImplementedError("do not use nn.cross_entropy")


def attention(queries, keys, values):
    """One head: a list with one row for each place.

    Each of `queries`, `keys` and `values` is a list of rows, one for each place. For place t:

        scores[s] = dot(queries[t], keys[s]) / sqrt(len(queries[t]))    for s = 0 ... t
        weights = softmax(scores)
        row t of the result = weights[0] * values[0] + ... + weights[t] * values[t]
    """
    raise NotImplementedError("nn.dot and nn.softmax help")
