/* How a Value came about. An element of a computed row: in the terms of a scalar node, its parents
   and its local derivatives. Any Value: what its whole node was made from. */

#include "engine.h"

/* ---- parents ---- */

static int append_elements(State *state, PyObject *list, const Row *row, Py_ssize_t start,
                           Py_ssize_t count) {
    int failed = 0;
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        Value *v = row_element(state, row, start + i);
        failed = !v || PyList_Append(list, (PyObject *)v);
        Py_XDECREF(v);
    }
    return failed ? -1 : 0;
}

/* The one number of the rows put one after the other that makes an element of `concatenate`. */
static const Row *source_of(const Made *made, Py_ssize_t *index) {
    const Input *input = made->w->inputs;
    for (; *index >= input->row.count; input++)
        *index -= input->row.count;
    return &input->row;
}

static int append_parents(State *state, PyObject *list, const Made *made, Py_ssize_t index) {
    const Row *x = &made->x.row, *b = &made->b.row;
    switch (made->op) {
    case OP_LINEAR:
    case OP_DOT: /* an element depends on x and one row of w alone */
        return append_elements(state, list, x, 0, x->count) ||
               append_elements(state, list, &made->w->inputs[index].row, 0, x->count) ||
               (made->b.numbers && append_elements(state, list, b, index, 1));
    case OP_WEIGHTED_SUM:
        if (append_elements(state, list, x, 0, x->count))
            return -1;
        for (Py_ssize_t i = 0; i < made->rows; i++)
            if (append_elements(state, list, &made->w->inputs[i].row, index, 1))
                return -1;
        return 0;
    case OP_CONCATENATE: {
        const Row *source = source_of(made, &index);
        return append_elements(state, list, source, index, 1);
    }
    case OP_SUM:
    case OP_MEAN:
    case OP_SOFTMAX:
    case OP_RMSNORM:
    case OP_LOGSUMEXP:
    case OP_CROSS_ENTROPY:
        return append_elements(state, list, x, 0, x->count);
    default:
        return append_elements(state, list, x, made->single_x ? 0 : index, 1) ||
               (made->b.numbers && append_elements(state, list, b, made->single_b ? 0 : index, 1));
    }
}

static PyObject *as_tuple(PyObject *list) {
    PyObject *tuple = PyList_AsTuple(list);
    Py_DECREF(list);
    return tuple;
}

PyObject *element_parents(State *state, Value *v) {
    PyObject *list = PyList_New(0);
    if (list && v->block->made && append_parents(state, list, v->block->made, v->index))
        Py_CLEAR(list);
    return list ? as_tuple(list) : NULL;
}

/* ---- local_grads: the shares of the parents when the gradient of this result alone is 1 ---- */

/* How many there are: at most two for each number of x, and two more; -1 on failure. */
static Py_ssize_t local_grads_into(double *into, const Block *block, Py_ssize_t index) {
    const Made *made = block->made;
    Py_ssize_t n = made->x.row.count;
    switch (made->op) {
    case OP_LINEAR:
    case OP_DOT:
        for (Py_ssize_t j = 0; j < n; j++) {
            into[j] = 0.0 + 1.0 * made->w->inputs[index].numbers[j];
            into[n + j] = 1.0 * made->x.numbers[j];
        }
        into[2 * n] = 1.0;
        return 2 * n + (made->b.numbers != NULL);
    case OP_WEIGHTED_SUM:
        for (Py_ssize_t i = 0; i < n; i++) {
            into[i] = 0.0 + made->w->inputs[i].numbers[index];
            into[n + i] = made->x.numbers[i];
        }
        return 2 * n;
    case OP_CONCATENATE:
        into[0] = 1.0;
        return 1;
    case OP_SUM:
    case OP_MEAN:
        for (Py_ssize_t j = 0; j < n; j++)
            into[j] = made->op == OP_SUM ? 1.0 : 1.0 / (double)n;
        return n;
    case OP_SOFTMAX:
    case OP_RMSNORM:
    case OP_LOGSUMEXP:
    case OP_CROSS_ENTROPY: {
        double *one_hot = allocate(block->count * (Py_ssize_t)sizeof(double));
        if (!one_hot)
            return -1;
        for (Py_ssize_t i = 0; i < block->count; i++)
            one_hot[i] = i == index ? 1.0 : 0.0;
        fused_shares(block, one_hot, into);
        PyMem_Free(one_hot);
        return n;
    }
    default:
        elementwise_local_grads(block, index, into);
        return 1 + (made->b.numbers != NULL);
    }
}

PyObject *element_local_grads(Value *v) {
    const Made *made = v->block->made;
    if (!made)
        return PyTuple_New(0);
    double *grads = allocate((2 * made->x.row.count + 2) * (Py_ssize_t)sizeof(double));
    Py_ssize_t count = grads ? local_grads_into(grads, v->block, v->index) : -1;
    PyObject *tuple = count < 0 ? NULL : PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++)
        put(&tuple, i, PyFloat_FromDouble(grads[i]));
    PyMem_Free(grads);
    return tuple;
}

/* ---- _history: operation, inputs, what it is part of, setting ---- */

static PyObject *input_of(State *state, const Row *row, bool single) {
    if (single)
        return (PyObject *)row_element(state, row, 0);
    Row other = held(*row);
    return new_vector(state, &other);
}

static PyObject *matrix_of(State *state, const Matrix *matrix, Py_ssize_t count) {
    if (matrix->tuple)
        return Py_NewRef(matrix->tuple);
    PyObject *rows = PyTuple_New(count);
    for (Py_ssize_t i = 0; rows && i < count; i++)
        put(&rows, i, input_of(state, &matrix->inputs[i].row, false));
    return rows;
}

static int append_new(PyObject *list, PyObject *item) {
    int failed = !item || PyList_Append(list, item);
    Py_XDECREF(item);
    return failed;
}

static int append_inputs(State *state, PyObject *list, const Made *made) {
    return (made->x.numbers && append_new(list, input_of(state, &made->x.row, made->single_x))) ||
           (made->w && append_new(list, matrix_of(state, made->w, made->rows))) ||
           (made->b.numbers && append_new(list, input_of(state, &made->b.row, made->single_b)));
}

static PyObject *setting_of(const Made *made) {
    if (made && made->op == OP_CROSS_ENTROPY)
        return PyLong_FromSsize_t(made->target);
    if (made && made->op == OP_RMSNORM)
        return PyFloat_FromDouble(made->eps);
    Py_RETURN_NONE;
}

static PyObject *history_of_block(State *state, Block *block) {
    const Made *made = block->made;
    PyObject *inputs = PyList_New(0);
    if (inputs && made && append_inputs(state, inputs, made))
        Py_CLEAR(inputs);
    if (!inputs)
        return NULL;
    Row whole = held(row_of_block(block));
    return Py_BuildValue("(NNNN)", name_of(state, made ? made->op : OP_NONE), as_tuple(inputs),
                         new_vector(state, &whole), setting_of(made));
}

/* The local derivatives of a node made by hand, as they were given; () if all were plain numbers. */
static PyObject *derivatives_of(Value *v) {
    const Custom *custom = v->kind == CUSTOM ? v->custom : NULL;
    bool any = custom && custom->derivatives;
    PyObject *tuple = PyTuple_New(any ? custom->count : 0);
    for (Py_ssize_t i = 0; any && tuple && i < custom->count; i++) {
        Value *given = custom->derivatives[i];
        PyObject *item = given ? Py_NewRef(given) : PyFloat_FromDouble(custom->edges[i].local_grad);
        if (item)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

PyObject *value_history(PyObject *self, PyObject *unused) {
    (void)unused;
    Value *v = (Value *)self;
    State *state = usable_value(self);
    if (!state)
        return NULL;
    if (v->kind == ELEMENT)
        return history_of_block(state, v->block);
    PyObject *inputs = PyObject_GetAttrString(self, "parents");
    if (!inputs)
        return NULL;
    Op op = is_computed(v) ? v->op : OP_NONE;
    bool by_hand = is_computed(v) && op == OP_NONE;
    PyObject *name = by_hand ? Py_NewRef(Py_None) : name_of(state, op);
    PyObject *setting = by_hand ? derivatives_of(v) : Py_NewRef(Py_None);
    return Py_BuildValue("(NNON)", name, inputs, self, setting);
}

PyObject *vector_history(PyObject *self, PyObject *unused) {
    (void)unused;
    State *state = usable_vector(self);
    if (!state)
        return NULL;
    Block *block = ((Vector *)self)->row.block;
    if (block)
        return history_of_block(state, block);
    Py_RETURN_NONE;
}

/* ---- _unchanged ---- */

static bool is_unchanged(const Block *block) {
    const Made *made = block->made;
    if (!made)
        return true;
    if (!row_is_unchanged(&made->x) || !row_is_unchanged(&made->b))
        return false;
    for (Py_ssize_t i = 0; i < made->rows; i++)
        if (!row_is_unchanged(&made->w->inputs[i]))
            return false;
    Input result = {.row = row_of_block((Block *)block), .numbers = computed_numbers(block)};
    return row_is_unchanged(&result);
}

PyObject *value_unchanged(PyObject *self, PyObject *unused) {
    (void)unused;
    Value *v = (Value *)self;
    return PyBool_FromLong(v->kind != ELEMENT || is_unchanged(v->block));
}

PyObject *vector_unchanged(PyObject *self, PyObject *unused) {
    (void)unused;
    Block *block = ((Vector *)self)->row.block;
    return PyBool_FromLong(!block || is_unchanged(block));
}
