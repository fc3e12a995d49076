/* How an element of a computed row came about: in the terms of a scalar node, its parents and its
   local derivatives; and for higher derivatives, the rows themselves. */

#include "engine.h"

static bool has_own_row(const Made *made) { /* depends on x and one row of w alone */
    return made->op == OP_LINEAR || made->op == OP_DOT;
}

/* ---- parents ---- */

static int append_elements(State *state, PyObject *tuple, Py_ssize_t *at, const Row *row,
                           Py_ssize_t start, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        Value *v = row_element(state, row, start + i);
        if (!v)
            return -1;
        PyTuple_SET_ITEM(tuple, (*at)++, (PyObject *)v);
    }
    return 0;
}

PyObject *element_parents(State *state, Value *v) {
    const Made *made = v->block->made;
    if (!made)
        return PyTuple_New(0);
    const Row *x = &made->x.row, *own = has_own_row(made) ? &made->w->inputs[v->index].row : NULL;
    Py_ssize_t at = 0;
    PyObject *parents = PyTuple_New(x->count + (own ? own->count : 0) + made->has_bias);
    if (parents && (append_elements(state, parents, &at, x, 0, x->count) ||
                    (own && append_elements(state, parents, &at, own, 0, own->count)) ||
                    (made->has_bias && append_elements(state, parents, &at, &made->b.row, v->index, 1))))
        Py_CLEAR(parents);
    return parents;
}

/* ---- local_grads: the shares of the inputs when the gradient of this result alone is 1 ---- */

static PyObject *as_tuple(const double *numbers, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number)
            PyTuple_SET_ITEM(tuple, i, number);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

PyObject *element_local_grads(Value *v) {
    Block *block = v->block;
    const Made *made = block->made;
    if (!made)
        return PyTuple_New(0);
    Py_ssize_t n = made->x.row.count, count = has_own_row(made) ? 2 * n + made->has_bias : n;
    double *shares = allocate((count + block->count) * (Py_ssize_t)sizeof(double));
    if (!shares)
        return NULL;
    if (has_own_row(made)) {
        const double *x = made->x.numbers, *row = made->w->inputs[v->index].numbers;
        for (Py_ssize_t j = 0; j < n; j++) {
            shares[j] = 0.0 + 1.0 * row[j];
            shares[n + j] = 1.0 * x[j];
        }
        if (made->has_bias)
            shares[2 * n] = 1.0;
    } else {
        double *one_hot = shares + count;
        for (Py_ssize_t i = 0; i < block->count; i++)
            one_hot[i] = i == v->index ? 1.0 : 0.0;
        fused_shares(made, one_hot, shares);
    }
    PyObject *tuple = as_tuple(shares, count);
    PyMem_Free(shares);
    return tuple;
}

/* ---- _origin: name, input rows, position among the results, how many these are, setting ---- */

static int append_row(State *state, PyObject *list, const Row *row, Py_ssize_t start,
                      Py_ssize_t count) {
    Row view = {row->block, row->loose, row->start + start, count};
    if (view.block)
        view.block->refs++;
    else
        view.loose->refs++;
    PyObject *vector = new_vector(state, &view);
    int failed = !vector || PyList_Append(list, vector);
    Py_XDECREF(vector);
    return failed ? -1 : 0;
}

PyObject *value_origin(PyObject *self, PyObject *unused) {
    (void)unused;
    Value *v = (Value *)self;
    if (v->kind != ELEMENT || !v->block->made)
        Py_RETURN_NONE;
    State *state = value_state(self);
    const Made *made = v->block->made;
    bool own_row = has_own_row(made);
    PyObject *rows = PyList_New(0);
    if (!rows || append_row(state, rows, &made->x.row, 0, made->x.row.count) ||
        (own_row && append_row(state, rows, &made->w->inputs[v->index].row, 0, made->w->width)) ||
        (made->has_bias && append_row(state, rows, &made->b.row, v->index, 1))) {
        Py_XDECREF(rows);
        return NULL;
    }
    PyObject *setting = made->op == OP_CROSS_ENTROPY ? PyLong_FromSsize_t(made->target)
                                                     : PyFloat_FromDouble(made->eps);
    return Py_BuildValue("ONnnN", state->names[made->op], rows, own_row ? 0 : v->index,
                         own_row ? 1 : v->block->count, setting);
}
