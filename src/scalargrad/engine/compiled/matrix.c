/* The rows of a matrix as a forward pass found them.

   A model uses the same matrix again and again before a number in it changes. So graphs share what
   they keep of it: the same tuple of Vectors, with no buffer replaced in between, is the same
   Matrix. It lives as long as a graph needs it. */

#include "engine.h"

static Matrix **place_of(State *state, PyObject *source) {
    return &state->matrices[((uintptr_t)source >> 5) % MATRICES];
}

void release_matrix(State *state, Matrix *matrix) {
    if (--matrix->refs)
        return;
    if (matrix->source) {
        if (state->matrices && *place_of(state, matrix->source) == matrix)
            *place_of(state, matrix->source) = NULL;
        Py_DECREF(matrix->source);
    }
    for (Py_ssize_t i = 0; i < matrix->count; i++)
        release_input(state, &matrix->inputs[i]);
    PyMem_Free(matrix->copies);
    PyMem_Free(matrix);
}

/* Room for that many rows, all empty. */
Matrix *new_matrix(Py_ssize_t count) {
    if (count > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(Input) - 2) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_ssize_t size = (Py_ssize_t)sizeof(Matrix) + count * (Py_ssize_t)sizeof(Input);
    Matrix *matrix = allocate(size);
    if (matrix) {
        memset(matrix, 0, size);
        matrix->refs = 1;
        matrix->count = count;
    }
    return matrix;
}

static bool is_row_of_block(State *state, PyObject *x) {
    return Py_TYPE(x) == state->vector_type && ((Vector *)x)->row.block;
}

/* The rows of `w`, each as it comes; not yet captured unless it is shared. */
Matrix *as_matrix(State *state, PyObject *w, Name name) {
    bool shareable = PyTuple_CheckExact(w);
    if (shareable) {
        Matrix *known = *place_of(state, w);
        if (known && known->source == w && known->replaced == state->replaced) {
            known->refs++;
            return known;
        }
    }
    PyObject *items = as_sequence(state, w, name);
    if (!items)
        return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    Matrix *matrix = new_matrix(count);
    for (Py_ssize_t i = 0; matrix && i < count; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        Row *row = &matrix->inputs[i].row;
        shareable = shareable && is_row_of_block(state, item);
        if (as_row(state, item, (Name){name.function, name.argument, i}, row)) {
            release_matrix(state, matrix);
            matrix = NULL;
            break;
        }
        matrix->computed |= row_is_computed(row);
    }
    if (matrix && shareable) {
        Py_INCREF(w);
        matrix->source = w;
    }
    Py_DECREF(items);
    return matrix;
}

/* How long the rows are, as a list, for an error. */
PyObject *matrix_widths(const Matrix *matrix) {
    PyObject *widths = PyList_New(matrix->count);
    for (Py_ssize_t i = 0; widths && i < matrix->count; i++) {
        PyObject *width = PyLong_FromSsize_t(matrix->inputs[i].row.count);
        if (width)
            PyList_SET_ITEM(widths, i, width);
        else
            Py_CLEAR(widths);
    }
    return widths;
}

/* Keep the numbers of all rows as they are now. */
int capture_matrix(State *state, Matrix *matrix) {
    if (matrix->captured)
        return 0;
    Py_ssize_t copied = 0; /* no overflow: each of these takes memory already */
    bool any = false;
    matrix->width = matrix->count ? matrix->inputs[0].row.count : 0;
    for (Py_ssize_t i = 0; i < matrix->count; i++) {
        const Row *row = &matrix->inputs[i].row;
        if (row->count != matrix->width)
            matrix->width = -1;
        any |= !row->block;
        copied += row->block ? 0 : row->count;
    }
    double *space = any ? allocate(copied * (Py_ssize_t)sizeof(double)) : NULL;
    if (any && !space)
        return -1;
    matrix->copies = space;
    for (Py_ssize_t i = 0; i < matrix->count; i++) {
        capture(&matrix->inputs[i], space);
        if (!matrix->inputs[i].row.block)
            space += matrix->inputs[i].row.count;
    }
    matrix->captured = true;
    matrix->replaced = state->replaced;
    if (matrix->source)
        *place_of(state, matrix->source) = matrix;
    return 0;
}
