/* The attributes of a Vector: its numbers and gradients as tuples of floats, and its label. */

#include "docstrings.h"
#include "engine.h"

/* ---- data and grad ---- */

static PyObject *get_numbers(PyObject *self, bool grads) {
    if (!usable_vector(self))
        return NULL;
    const Row *row = &((Vector *)self)->row;
    PyObject *tuple = PyTuple_New(row->count);
    for (Py_ssize_t i = 0; tuple && i < row->count; i++) {
        Span span = span_at(row, i);
        put(&tuple, i, PyFloat_FromDouble(grads ? *span.grads : *span.numbers));
    }
    return tuple;
}

static PyObject *get_data(PyObject *self, void *unused) {
    (void)unused;
    return get_numbers(self, false);
}

static PyObject *get_grad(PyObject *self, void *unused) {
    (void)unused;
    return get_numbers(self, true);
}

static int convert(PyObject *const *items, Py_ssize_t count, const char *name,
                   double *numbers) {
    for (Py_ssize_t i = 0; i < count; i++)
        if (as_double(items[i], &numbers[i], "Vector.%s[%zd]", name, i))
            return -1;
    return 0;
}

static int check_length(Py_ssize_t length, Py_ssize_t count, const char *name) {
    if (length == count)
        return 0;
    PyObject *attribute = PyUnicode_FromFormat("Vector.%s", name);
    if (attribute)
        from_arguments("given_length", "(Nnn)", attribute, length, count);
    return -1;
}

/* As many numbers as the row has, to be freed; NULL on failure. */
static double *numbers_for(const Row *row, PyObject *values, const char *name) {
    Py_buffer view;
    if (view_of_doubles(values, &view)) {
        double *copy = check_length(row->count, view.shape[0], name) ? NULL : allocate(view.len);
        if (copy)
            memcpy(copy, view.buf, view.len);
        PyBuffer_Release(&view);
        return copy;
    }
    PyObject *items = as_sequence(values, (Name){"Vector", name, -1});
    if (!items)
        return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    double *numbers = allocate(count * (Py_ssize_t)sizeof(double));
    if (numbers && (convert(PySequence_Fast_ITEMS(items), count, name, numbers) ||
                    check_length(row->count, count, name))) {
        PyMem_Free(numbers);
        numbers = NULL;
    }
    Py_DECREF(items);
    return numbers;
}

static int set_numbers(PyObject *self, PyObject *values, const char *name, bool grads) {
    State *state = usable_vector(self);
    if (!state || check_not_deleted(self, values, name))
        return -1;
    Row row = held(((Vector *)self)->row);
    double *numbers = numbers_for(&row, values, name);
    int failed = !numbers || (!grads && make_writable(state, &row));
    for (Span span = span_at(&row, 0); !failed && span.count; span = next_span(&row, span))
        memcpy(grads ? span.grads : span.numbers, numbers + span.at, span.count * sizeof(double));
    PyMem_Free(numbers);
    release_row(state, &row);
    return failed ? -1 : 0;
}

static int set_data(PyObject *self, PyObject *value, void *unused) {
    (void)unused;
    return set_numbers(self, value, "data", false);
}

static int set_grad(PyObject *self, PyObject *value, void *unused) {
    (void)unused;
    return set_numbers(self, value, "grad", true);
}

/* ---- label: of a whole block it belongs to the block, otherwise to this object ---- */

static PyObject **label_of(Vector *vector) {
    Block *block = vector->row.block;
    return block && block->count == vector->row.count ? &block->label : &vector->label;
}

static PyObject *get_label(PyObject *self, void *unused) {
    (void)unused;
    State *state = usable_vector(self);
    if (!state)
        return NULL;
    PyObject *label = *label_of((Vector *)self);
    Py_XINCREF(label);
    return label ? label : name_of(state, OP_NONE);
}

static int set_label(PyObject *self, PyObject *value, void *unused) {
    (void)unused;
    State *state = usable_vector(self);
    if (!state || check_not_deleted(self, value, "label"))
        return -1;
    PyObject *text = as_text(value, "Vector.label");
    if (!text)
        return -1;
    PyObject **label = label_of((Vector *)self);
    Py_XSETREF(*label, text);
    return 0;
}

PyGetSetDef vector_attributes[] = {
    {"data", get_data, set_data, DOC_Vector_data, NULL},
    {"grad", get_grad, set_grad, DOC_Vector_grad, NULL},
    {"label", get_label, set_label, DOC_Vector_label, NULL},
    {0},
};

/* ---- For Python code of this package ---- */

PyObject *vector_place(PyObject *self, PyObject *unused) {
    (void)unused;
    const Row *row = &((Vector *)self)->row;
    if (!row->block)
        Py_RETURN_NONE;
    return Py_BuildValue("Nnn", PyLong_FromVoidPtr(row->block), row->start, row->start + row->count);
}

/* What NumPy asks for: the same in both engines. */
PyObject *vector_array_ufunc(PyObject *self, PyObject *args, PyObject *keywords) {
    if (PyTuple_GET_SIZE(args) < 2) {
        PyErr_SetString(PyExc_TypeError, "__array_ufunc__() takes a ufunc, a method and its inputs");
        return NULL;
    }
    return call("scalargrad.engine.arrays", "array_ufunc", "(OOONN)", self, PyTuple_GET_ITEM(args, 0),
                PyTuple_GET_ITEM(args, 1), PyTuple_GetSlice(args, 2, PyTuple_GET_SIZE(args)),
                keywords ? PyDict_Copy(keywords) : PyDict_New());
}
