/* What the names of the engine are for. Written by tests/tools/docstrings.py from the
   docstrings of the reference engine: change them there. */


#define DOC_Value \
    "A number that remembers how it was computed.\n" \
    "\n" \
    "`+ - * / **`, `abs` and the methods below make new Values. Plain numbers may be on either side.\n" \
    "The result has the bits that Python's own operator gives, and where that raises an error, so\n" \
    "does this. `< <= > >=` compare the `data`, and so does `==` with anything but a Value. Between\n" \
    "two Values, `==` asks whether they are the same object, as `hash` does, so that they can be kept\n" \
    "in sets and dicts.\n" \
    "\n" \
    "Args:\n" \
    "    data: Any real number; it is stored as a float.\n" \
    "    parents: The Values it was made from. Leave them out for a leaf, such as a parameter.\n" \
    "    local_grads: The derivative with respect to each parent. Those given as Values can be\n" \
    "        differentiated again, see `grad`.\n" \
    "    op: The name of the operation, for pictures and messages only.\n" \
    "    label: The name of the number, for pictures and messages only.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If an argument is of the wrong kind.\n" \
    "    ValueError: If there are not as many local derivatives as parents.\n" \
    "    OverflowError: If `data` is an int that is too large for a float.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> x = Value(2.0, label=\"x\")\n" \
    "    >>> y = 3 * x**2 + 1\n" \
    "    >>> y\n" \
    "    Value(data=13.0, grad=0.0)\n" \
    "    >>> y.backward()\n" \
    "    >>> x                                # dy/dx = 6x\n" \
    "    Value(data=2.0, grad=12.0, label='x')"

#define DOC_Value_backward \
    "Compute the derivative of this Value with respect to every Value it was made from.\n" \
    "\n" \
    "In reverse topological order, each node hands each parent its contribution:\n" \
    "\n" \
    "    parent.grad += local_grad * node.grad\n" \
    "\n" \
    "Leaves accumulate: their `grad` grows by the derivative, so that several calls add up.\n" \
    "Every other node's `grad` becomes the derivative of this call. A node whose gradient is\n" \
    "exactly 0 hands nothing down, whatever the local derivative.\n" \
    "\n" \
    "It never raises because of a number: an overflow is inf, and nan stays nan.\n" \
    "(`torch.Tensor.backward`; Rumelhart, Hinton and Williams 1986, Learning Representations by\n" \
    "Back-propagating Errors.)\n" \
    "\n" \
    "Args:\n" \
    "    grad: What the derivatives are multiplied by: the derivative of something else with\n" \
    "        respect to this Value.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `grad` is not a real number.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> x, y = Value(3.0), Value(4.0)\n" \
    "    >>> z = x * y\n" \
    "    >>> z.backward()\n" \
    "    >>> x.grad, y.grad\n" \
    "    (4.0, 3.0)\n" \
    "    >>> z.backward(grad=0.5)\n" \
    "    >>> x.grad, y.grad, z.grad       # leaves add up, z does not\n" \
    "    (6.0, 4.5, 0.5)"

#define DOC_Value_detach \
    "A new leaf with the same data, through which no gradient flows.\n" \
    "\n" \
    "It has no label, and its gradient is 0. (`torch.Tensor.detach`)\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> x = Value(3.0)\n" \
    "    >>> (x * x.detach()).backward()\n" \
    "    >>> x.grad                       # not 6: one of the factors is a constant\n" \
    "    3.0"

#define DOC_Value_data \
    "The number itself, a float. Writing to it does not change graphs recorded before."

#define DOC_Value_grad \
    "The derivative of the output with respect to this, a float; 0.0 before `backward`."

#define DOC_Value_label \
    "A name, for pictures and messages; empty unless you give one."

#define DOC_Value_parents \
    "The Values this one was computed from, a tuple; empty for a leaf."

#define DOC_Value_local_grads \
    "The derivative with respect to each parent, a tuple of floats; as of the forward pass."

#define DOC_Value_op \
    "The operation that made this Value, such as \"+\" or \"tanh\"; empty for a leaf."

#define DOC_Methods_exp \
    "e to this power, as `math.exp`; the derivative is exp(x).\n" \
    "\n" \
    "Raises OverflowError above about 709.78.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).exp().data\n" \
    "    1.0"

#define DOC_Methods_log \
    "The natural logarithm, as `math.log`; the derivative is 1 / x.\n" \
    "\n" \
    "Raises ValueError at and below 0.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(1.0).log().data\n" \
    "    0.0"

#define DOC_Methods_log2 \
    "The logarithm to base 2, as `math.log2`; the derivative is 1 / (x log(2)).\n" \
    "\n" \
    "Raises ValueError at and below 0.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(8.0).log2().data\n" \
    "    3.0"

#define DOC_Methods_log10 \
    "The logarithm to base 10, as `math.log10`; the derivative is 1 / (x log(10)).\n" \
    "\n" \
    "Raises ValueError at and below 0.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(1000.0).log10().data\n" \
    "    3.0"

#define DOC_Methods_log1p \
    "log(1 + x), exact near 0, as `math.log1p`; the derivative is 1 / (1 + x).\n" \
    "\n" \
    "Raises ValueError at and below -1.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(1e-20).log1p().data    # (1 + x).log() would be 0\n" \
    "    1e-20"

#define DOC_Methods_expm1 \
    "exp(x) - 1, exact near 0, as `math.expm1`; the derivative is exp(x).\n" \
    "\n" \
    "Raises OverflowError above about 709.78.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(1e-20).expm1().data    # x.exp() - 1 would be 0\n" \
    "    1e-20"

#define DOC_Methods_sqrt \
    "The square root, as `math.sqrt`; the derivative is 1 / (2 sqrt(x)), inf at 0.\n" \
    "\n" \
    "Raises ValueError below 0.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(9.0).sqrt().data\n" \
    "    3.0"

#define DOC_Methods_sin \
    "The sine of an angle in radians, as `math.sin`; the derivative is cos(x).\n" \
    "\n" \
    "Raises ValueError at +-inf.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).sin().data\n" \
    "    0.0"

#define DOC_Methods_cos \
    "The cosine of an angle in radians, as `math.cos`; the derivative is -sin(x).\n" \
    "\n" \
    "Raises ValueError at +-inf.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).cos().data\n" \
    "    1.0"

#define DOC_Methods_tan \
    "The tangent of an angle in radians, as `math.tan`; the derivative is 1 + tan(x)**2.\n" \
    "\n" \
    "Raises ValueError at +-inf.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).tan().data\n" \
    "    0.0"

#define DOC_Methods_asin \
    "The arc sine in radians, as `math.asin`; the derivative is 1 / sqrt(1 - x**2).\n" \
    "\n" \
    "It is inf at 1 and -1. Raises ValueError beyond.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).asin().data\n" \
    "    0.0"

#define DOC_Methods_acos \
    "The arc cosine in radians, as `math.acos`; the derivative is -1 / sqrt(1 - x**2).\n" \
    "\n" \
    "It is -inf at 1 and -1. Raises ValueError beyond.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(1.0).acos().data\n" \
    "    0.0"

#define DOC_Methods_atan \
    "The arc tangent in radians, as `math.atan`; the derivative is 1 / (1 + x**2).\n" \
    "\n" \
    "It never raises. (`torch.atan`)\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).atan().data\n" \
    "    0.0"

#define DOC_Methods_sinh \
    "The hyperbolic sine, as `math.sinh`; the derivative is cosh(x).\n" \
    "\n" \
    "Raises OverflowError beyond about 710.48.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).sinh().data\n" \
    "    0.0"

#define DOC_Methods_cosh \
    "The hyperbolic cosine, as `math.cosh`; the derivative is sinh(x).\n" \
    "\n" \
    "Raises OverflowError beyond about 710.48.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).cosh().data\n" \
    "    1.0"

#define DOC_Methods_tanh \
    "The hyperbolic tangent, between -1 and 1, as `math.tanh`; it never raises.\n" \
    "\n" \
    "The derivative is 1 - tanh(x)**2, computed in a form that does not cancel to 0.\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(1000.0).tanh().data\n" \
    "    1.0"

#define DOC_Methods_sigmoid \
    "1 / (1 + exp(-x)), between 0 and 1, without overflow; it never raises.\n" \
    "\n" \
    "The derivative is sigmoid(x) * sigmoid(-x). (`torch.sigmoid`)\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).sigmoid().data, Value(-1000.0).sigmoid().data\n" \
    "    (0.5, 0.0)"

#define DOC_Methods_softplus \
    "log(1 + exp(x)), a smooth relu, without overflow; it never raises.\n" \
    "\n" \
    "The derivative is sigmoid(x). (`torch.nn.functional.softplus`)\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(1000.0).softplus().data\n" \
    "    1000.0"

#define DOC_Methods_erf \
    "The error function, as `math.erf`; the derivative is 2 / sqrt(pi) exp(-x**2).\n" \
    "\n" \
    "It never raises. (`torch.erf`)\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(0.0).erf().data\n" \
    "    0.0"

#define DOC_Methods_relu \
    "max(0, x), nan for nan; it never raises.\n" \
    "\n" \
    "The derivative is 1 above 0 and 0 elsewhere, at 0 too. (`torch.relu`)\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(2.0).relu().data, Value(-2.0).relu().data\n" \
    "    (2.0, 0.0)"

#define DOC_Methods_abs \
    "The absolute value, as the builtin `abs`; the derivative is -1, 0 or 1.\n" \
    "\n" \
    "It never raises. (`torch.abs`)\n" \
    "\n" \
    "    >>> from scalargrad import Value\n" \
    "    >>> Value(-3.0).abs().data\n" \
    "    3.0"

#define DOC_Methods_conjugate \
    "The same, as it is real. NumPy asks for it when it computes `var` and `std`."

#define DOC_Vector \
    "An immutable row of Values that computes number by number.\n" \
    "\n" \
    "`row[i]` is the same Value each time, and `row[a:b]` a Vector of the same Values. `==` and\n" \
    "`hash` are identity.\n" \
    "\n" \
    "`+ - * / **`, `abs` and the methods of Value give a row of the same length, each number with the\n" \
    "bits that the operation on Values gives. The other operand may be a row or a NumPy array of the\n" \
    "same length, or a Value or a number, which then serves the whole row; on the right, it may also\n" \
    "be a list or a tuple. To join rows, write `[*a, *b]` or `nn.concatenate([a, b])`. To name a row\n" \
    "in pictures, set `row.label`.\n" \
    "\n" \
    "Operators raise ValueError if the lengths differ. They also raise what the operation on numbers\n" \
    "raises, and say at which element.\n" \
    "\n" \
    "Args:\n" \
    "    values: The Values, in order. Plain numbers among them become leaves.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `values` is not a sequence of Values and real numbers.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import Value, Vector\n" \
    "    >>> x = Value(1.0)\n" \
    "    >>> row = Vector([x, 2.0, 3.0])\n" \
    "    >>> row[0] is x, len(row), row[1:] * 10\n" \
    "    (True, 3, Vector([20.0, 30.0]))"

#define DOC_Vector_sum \
    "The sum of the row from left to right, as one node: the bits of the builtin `sum(row)`.\n" \
    "\n" \
    "An empty row has the sum 0. (`torch.sum`)\n" \
    "\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.vector([1.0, 2.0, 4.0]).sum().data\n" \
    "    7.0"

#define DOC_Vector_mean \
    "The sum of the row, from left to right, divided by its length, as one node.\n" \
    "\n" \
    "Raises ValueError if the row is empty. (`torch.mean`)\n" \
    "\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.vector([1.0, 2.0, 6.0]).mean().data\n" \
    "    3.0"

#define DOC_Vector_data \
    "The numbers, a tuple of floats. Assign any sequence of the same length.\n" \
    "\n" \
    "Writing does not change graphs that were recorded before. Raises ValueError if the lengths\n" \
    "differ, and TypeError if it is not a sequence of real numbers; then nothing changes.\n" \
    "\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> row = nn.vector([1.0, 2.0])\n" \
    "    >>> row.data = [3, 4]\n" \
    "    >>> row.data, row[1].data\n" \
    "    ((3.0, 4.0), 4.0)"

#define DOC_Vector_grad \
    "The gradients, a tuple of floats; assign to them as to `data`."

#define DOC_Vector_label \
    "A name, for pictures; empty unless you give one.\n" \
    "\n" \
    "The label of a whole row belongs to its numbers, that of a slice only to this Vector."

#define DOC_Vector_index \
    "The position of this very Value, or of a number, from `start` up to `stop`.\n" \
    "\n" \
    "Raises ValueError if it is not there.\n" \
    "\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> row = nn.vector([5.0, 6.0])\n" \
    "    >>> row.index(row[1]), row.index(6.0)\n" \
    "    (1, 1)"

#define DOC_Vector_count \
    "How often this very Value, or a number, is in the row.\n" \
    "\n" \
    "Another Value with the same data does not count.\n" \
    "\n" \
    "    >>> from scalargrad import Value, Vector\n" \
    "    >>> x = Value(1.0)\n" \
    "    >>> row = Vector([x, x, 1.0])\n" \
    "    >>> row.count(x), row.count(1.0)\n" \
    "    (2, 3)"

#define DOC_adam_update \
    "Algorithm 1 of Kingma and Ba 2015, Adam: A Method for Stochastic Optimization.\n" \
    "\n" \
    "With g = grad + weight_decay * parameter, and `step` counting from 1:\n" \
    "\n" \
    "    m = beta1 * m + (1 - beta1) * g\n" \
    "    v = beta2 * v + (1 - beta2) * g**2\n" \
    "    parameter -= lr * (m / (1 - beta1**step)) / (sqrt(v / (1 - beta2**step)) + eps)\n" \
    "\n" \
    "If the decay is decoupled, g = grad, and first of all parameter *= 1 - lr * weight_decay."

#define DOC_atan2 \
    "The angle of the point (x, y) in radians, as `math.atan2`, of numbers or of rows.\n" \
    "\n" \
    "The derivatives are x / (x**2 + y**2) with respect to y and -y / (x**2 + y**2) with\n" \
    "respect to x. (`torch.atan2`)\n" \
    "\n" \
    "Args:\n" \
    "    y: A Value, a real number or a row. Beside a row, a list or a tuple will do as well.\n" \
    "    x: The same; if both are rows, they must have the same length.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `y` or `x` is none of these.\n" \
    "    ValueError: If rows are not equally long.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import Value, atan2\n" \
    "    >>> atan2(Value(0.0), -1.0).data\n" \
    "    3.141592653589793"

#define DOC_concatenate \
    "The rows one after the other, as one row and one node.\n" \
    "\n" \
    "(`torch.cat`)\n" \
    "\n" \
    "Args:\n" \
    "    rows: At least one row; their lengths may differ.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `rows` is not a sequence of sequences of Values and real numbers.\n" \
    "    ValueError: If there is no row.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.concatenate([[1.0, 2.0], [3.0]])\n" \
    "    Vector([1.0, 2.0, 3.0])"

#define DOC_cross_entropy \
    "The loss -log(softmax(logits)[target]), in nats: how surprising the target was.\n" \
    "\n" \
    "    loss = log(sum_j exp(x[j])) - x[target]\n" \
    "    dloss/dx[j] = softmax(x)[j] - (j == target)\n" \
    "\n" \
    "Both are computed so that they are exact where the probability underflows to 0 or rounds to 1.\n" \
    "A nat is 1 / log(2) = 1.44 bits. (`torch.nn.functional.cross_entropy`, for one row of logits.)\n" \
    "\n" \
    "Args:\n" \
    "    logits: One number for each class.\n" \
    "    target: The index of the right class, counted from 0; or a row of probabilities, one per\n" \
    "        logit. The loss is then the sum of the losses of all targets, each times its\n" \
    "        probability.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `logits` is not a sequence of Values and real numbers, or `target` neither\n" \
    "        that nor an integer.\n" \
    "    ValueError: If `logits` is empty or the rows are not equally long.\n" \
    "    IndexError: If `target` is not one of the indices.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.cross_entropy([0.0, -800.0], target=1).data\n" \
    "    800.0"

#define DOC_dot \
    "The dot product of two rows of the same length, as one node.\n" \
    "\n" \
    "    y = a[0]*b[0] + a[1]*b[1] + ...\n" \
    "    dy/da[j] = b[j], dy/db[j] = a[j]\n" \
    "\n" \
    "The sum runs from left to right. (`torch.dot`)\n" \
    "\n" \
    "Args:\n" \
    "    a: A row, at least one number long.\n" \
    "    b: Another row of the same length.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If an argument is not a sequence of Values and real numbers.\n" \
    "    ValueError: If the lengths differ or are 0.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.dot([1.0, 2.0], [3.0, 4.0]).data\n" \
    "    11.0"

#define DOC_gradients \
    "What `backward` from all of `outputs` at once adds to the gradients of `inputs`.\n" \
    "\n" \
    "`upstreams` has the gradient that each output starts with, a float or a sequence of floats. The\n" \
    "result has the form of `inputs`: a float for a Value, a row for a row, a tuple for what holds\n" \
    "some of these."

#define DOC_ieee_node \
    "A node of that operation with a result that the operation itself would raise for."

#define DOC_linear \
    "The matrix-vector product w x, plus b, as one node.\n" \
    "\n" \
    "    y[i] = w[i][0]*x[0] + w[i][1]*x[1] + ... + b[i]\n" \
    "    dy[i]/dx[j] = w[i][j], dy[i]/dw[i][j] = x[j], dy[i]/db[i] = 1\n" \
    "\n" \
    "The result is a row of m numbers. Each sum runs from left to right, and `b` is added last.\n" \
    "(`torch.nn.functional.linear`)\n" \
    "\n" \
    "Args:\n" \
    "    x: A row of n numbers.\n" \
    "    w: m rows of n numbers.\n" \
    "    b: m numbers, or None for no bias.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If an argument is not a sequence of Values and real numbers.\n" \
    "    ValueError: If the sizes do not fit or one of them is 0.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.linear([1.0, 2.0], w=[[3.0, 4.0], [5.0, 6.0]], b=[0.5, 0.5])\n" \
    "    Vector([11.5, 17.5])"

#define DOC_logsumexp \
    "log(sum_j exp(x[j])), a smooth maximum, as one node and without overflow.\n" \
    "\n" \
    "    y = max(x) + log(sum_j exp(x[j] - max(x)))\n" \
    "    dy/dx[j] = softmax(x)[j]\n" \
    "\n" \
    "`x - nn.logsumexp(x)` is log(softmax(x)). (`torch.logsumexp`)\n" \
    "\n" \
    "Args:\n" \
    "    x: A row, at least one number long.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `x` is not a sequence of Values and real numbers.\n" \
    "    ValueError: If `x` is empty.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.logsumexp([-1000.0, 0.0]).data\n" \
    "    0.0"

#define DOC_maximum \
    "The larger of two numbers, as one node, or of two rows number by number; nan if either is.\n" \
    "\n" \
    "The gradient goes to the larger one, and half to each at a tie. (`torch.maximum`)\n" \
    "\n" \
    "Args:\n" \
    "    a: A Value, a real number or a row. Beside a row, a list or a tuple will do as well.\n" \
    "    b: The same; if both are rows, they must have the same length.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `a` or `b` is none of these.\n" \
    "    ValueError: If rows are not equally long.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import Value, maximum\n" \
    "    >>> a, b = Value(1.0), Value(2.0)\n" \
    "    >>> maximum(a, b).backward()\n" \
    "    >>> a.grad, b.grad\n" \
    "    (0.0, 1.0)"

#define DOC_minimum \
    "The smaller of two numbers, as one node, or of two rows number by number; nan if either is.\n" \
    "\n" \
    "The gradient goes to the smaller one, and half to each at a tie. (`torch.minimum`)\n" \
    "\n" \
    "Args:\n" \
    "    a: A Value, a real number or a row. Beside a row, a list or a tuple will do as well.\n" \
    "    b: The same; if both are rows, they must have the same length.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `a` or `b` is none of these.\n" \
    "    ValueError: If rows are not equally long.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import Value, minimum\n" \
    "    >>> a, b = Value(2.0), Value(2.0)\n" \
    "    >>> minimum(a, b).backward()\n" \
    "    >>> a.grad, b.grad\n" \
    "    (0.5, 0.5)"

#define DOC_pause_recording \
    "Record no graphs in this thread, until `resume_recording` was called as often."

#define DOC_resume_recording \
    "Undo one `pause_recording`; what was raised in between, as `__exit__` gets it, is no matter.\n" \
    "\n" \
    "Raises RuntimeError if there is none to undo in this thread."

#define DOC_rmsnorm \
    "Scale a row to root mean square 1, keeping its length and its direction.\n" \
    "\n" \
    "    y[i] = x[i] / sqrt(mean_j x[j]**2 + eps)\n" \
    "    dy[i]/dx[j] = ((i == j) - y[i] * y[j] / n) / sqrt(mean_k x[k]**2 + eps)\n" \
    "\n" \
    "(Zhang and Sennrich 2019, Root Mean Square Layer Normalization; `torch.nn.functional.rms_norm`.)\n" \
    "\n" \
    "Args:\n" \
    "    x: A row, at least one number long.\n" \
    "    eps: Prevents a division by zero for a row of zeros; 0 or more.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `x` is not a sequence of Values and real numbers.\n" \
    "    ValueError: If `x` is empty or `eps` is negative or nan.\n" \
    "    ZeroDivisionError: For a row of zeros with eps=0.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.rmsnorm([3.0, -3.0], eps=0.0)\n" \
    "    Vector([1.0, -1.0])"

#define DOC_sgd_update \
    "With g = grad + weight_decay * parameter:\n" \
    "\n" \
    "velocity = momentum * velocity + g\n" \
    "parameter -= lr * velocity, or with nesterov, lr * (g + momentum * velocity)"

#define DOC_softmax \
    "Turn logits into probabilities: as many as there are, each from 0 to 1, with the sum 1.\n" \
    "\n" \
    "    p[i] = exp(x[i]) / sum_j exp(x[j])\n" \
    "    dp[i]/dx[j] = p[i] * ((i == j) - p[j])\n" \
    "\n" \
    "The largest logit is subtracted first, which changes no probability and prevents overflow.\n" \
    "(`torch.nn.functional.softmax`)\n" \
    "\n" \
    "Args:\n" \
    "    x: The logits, a row, at least one number long.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `x` is not a sequence of Values and real numbers.\n" \
    "    ValueError: If `x` is empty.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.softmax([1000.0, 1000.0])\n" \
    "    Vector([0.5, 0.5])"

#define DOC_vector \
    "A row of parameters: one leaf Value per number.\n" \
    "\n" \
    "Args:\n" \
    "    numbers: The numbers, in order, at least one.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If `numbers` is not a sequence of real numbers.\n" \
    "    ValueError: If `numbers` is empty.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.vector([0.5, 2])\n" \
    "    Vector([0.5, 2.0])"

#define DOC_weighted_sum \
    "The sum of rows, each times its weight, as one node: what attention does.\n" \
    "\n" \
    "    y[j] = weights[0]*rows[0][j] + weights[1]*rows[1][j] + ...\n" \
    "    dy[j]/dweights[i] = rows[i][j], dy[j]/drows[i][j] = weights[i]\n" \
    "\n" \
    "The result is as long as each of the rows. Each sum runs from left to right. It is the twin of\n" \
    "`linear`: `linear(x, w)` goes through the rows of w, this through its columns.\n" \
    "\n" \
    "Args:\n" \
    "    weights: One number per row, at least one.\n" \
    "    rows: Rows of the same length.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: If an argument is not a sequence of Values and real numbers.\n" \
    "    ValueError: If the sizes do not fit.\n" \
    "\n" \
    "Examples:\n" \
    "    >>> from scalargrad import nn\n" \
    "    >>> nn.weighted_sum([0.25, 0.75], [[4.0, 8.0], [0.0, 4.0]])\n" \
    "    Vector([1.0, 5.0])"

#define DOC_zero_grads \
    "Set every gradient to 0."
