/* The rows of a matrix as a forward pass found them.

   A model uses the same weights again and again before a number in them changes, and attention the
   same list of keys, which grows by one at each position. So graphs share what they keep of a tuple
   or a list of Vectors: each uses as many of the rows of a Matrix, from the first on, as there were
   then. It lives as long as a graph needs it. */

#include "engine.h"

/* Where the Matrix of that source is found. If it has none, a place for one: an empty one, or else
   that of another, which is then no longer found. */
static Matrix **place_of(State *state, PyObject *source) {
    enum { TRIES = 4 };
    size_t first = ((uintptr_t)source >> 4) % (MATRICES - TRIES);
    Matrix **place = &state->matrices[first], **empty = NULL;
    for (int i = 0; i < TRIES; i++) {
        if (!place[i])
            empty = &place[i];
        else if (place[i]->source == source)
            return &place[i];
    }
    return empty ? empty : place;
}

void release_matrix(State *state, Matrix *matrix) {
    if (--matrix->refs)
        return;
    if (state->matrices && matrix->source) {
        Matrix **place = place_of(state, matrix->source);
        if (*place == matrix)
            *place = NULL;
    }
    Py_XDECREF(matrix->tuple);
    for (Py_ssize_t i = 0; i < matrix->count; i++)
        release_input(state, &matrix->inputs[i]);
    PyMem_Free(matrix->copies);
    PyMem_Free(matrix);
}

/* No rows, and room for that many. */
static Matrix *empty_matrix(Py_ssize_t room) {
    if (room > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(Input) - 4) {
        PyErr_NoMemory();
        return NULL;
    }
    Matrix *matrix = allocate((Py_ssize_t)sizeof(Matrix) + room * (Py_ssize_t)sizeof(Input));
    if (matrix)
        *matrix = (Matrix){.refs = 1, .room = room};
    return matrix;
}

/* That many rows, all empty, to be captured later. */
Matrix *new_matrix(Py_ssize_t count) {
    Matrix *matrix = empty_matrix(count);
    if (matrix) {
        memset(matrix->inputs, 0, count * sizeof(Input));
        matrix->count = count;
    }
    return matrix;
}

/* ---- Shared ones: their rows are parts of blocks, all as long as the first ---- */

static bool can_be_shared(State *state, PyObject *const *items, Py_ssize_t count, Py_ssize_t width) {
    for (Py_ssize_t i = 0; i < count; i++)
        if (Py_TYPE(items[i]) != state->vector_type || !((Vector *)items[i])->row.block ||
            ((Vector *)items[i])->row.count != width)
            return false;
    return true;
}

/* Add rows, for which there is room, as they are now. */
static void append_rows(Matrix *matrix, PyObject *const *items, Py_ssize_t count) {
    Input *input = matrix->inputs + matrix->count;
    for (Py_ssize_t i = 0; i < count; i++, input++) {
        Py_INCREF(items[i]);
        *input = (Input){.item = items[i], .row = ((Vector *)items[i])->row};
        capture(input, NULL);
        matrix->computed |= input->row.block->made != NULL;
    }
    matrix->count += count;
}

/* Those rows, and room for more. */
static Matrix *shared_matrix(State *state, PyObject *const *items, Py_ssize_t count, Py_ssize_t room) {
    Matrix *matrix = empty_matrix(room);
    if (matrix) {
        matrix->captured = true;
        matrix->width = ((Vector *)items[0])->row.count;
        matrix->replaced = state->replaced;
        append_rows(matrix, items, count);
    }
    return matrix;
}

/* How many of the items are the rows of the matrix, from the first on. */
static Py_ssize_t common_rows(const Matrix *matrix, PyObject *const *items, Py_ssize_t count) {
    Py_ssize_t most = count < matrix->count ? count : matrix->count, i = 0;
    while (i < most && items[i] == matrix->inputs[i].item)
        i++;
    return i;
}

/* What graphs share of a tuple or a list; NULL if they do not, or on failure. */
static Matrix *find_shared(State *state, PyObject *source) {
    PyObject *const *items = PySequence_Fast_ITEMS(source);
    Py_ssize_t count = PySequence_Fast_GET_SIZE(source), known = 0;
    Py_ssize_t room = PyTuple_CheckExact(source) ? count : count + 3; /* a list may grow */
    Matrix **place = place_of(state, source), *matrix = *place;
    if (matrix && matrix->source == source && matrix->replaced == state->replaced) {
        if (matrix->tuple) { /* nothing else can have its address */
            matrix->refs++;
            return matrix;
        }
        known = common_rows(matrix, items, count);
        if (known == count && count) {
            matrix->refs++;
            return matrix;
        }
        if (known == matrix->count && can_be_shared(state, items + known, count - known, matrix->width)) {
            if (count <= matrix->room) {
                append_rows(matrix, items + known, count - known);
                matrix->refs++;
                return matrix;
            }
            room = 2 * count; /* it grows: copied now and then, on the whole not often */
        }
    }
    if (!count || !is_vector(state, items[0]) ||
        !can_be_shared(state, items, count, ((Vector *)items[0])->row.count))
        return NULL;
    matrix = shared_matrix(state, items, count, room);
    if (matrix) {
        matrix->source = source;
        if (PyTuple_CheckExact(source)) {
            Py_INCREF(source);
            matrix->tuple = source;
        }
        *place = matrix;
    }
    return matrix;
}

/* ---- Any ---- */

/* The rows of `w`, each as it comes, and how many of those of the Matrix they are. They are not yet
   captured, unless they are shared. */
Matrix *as_matrix(State *state, PyObject *w, Name name, Py_ssize_t *count) {
    if (PyTuple_CheckExact(w) || PyList_CheckExact(w)) {
        *count = PySequence_Fast_GET_SIZE(w);
        Matrix *shared = find_shared(state, w);
        if (shared || PyErr_Occurred())
            return shared;
    }
    PyObject *items = as_sequence(w, name);
    if (!items)
        return NULL;
    *count = PySequence_Fast_GET_SIZE(items);
    Matrix *matrix = new_matrix(*count);
    for (Py_ssize_t i = 0; matrix && i < *count; i++) {
        Row *row = &matrix->inputs[i].row;
        if (as_row(state, PySequence_Fast_GET_ITEM(items, i), (Name){name.function, name.argument, i},
                   row)) {
            release_matrix(state, matrix);
            matrix = NULL;
            break;
        }
        matrix->computed |= row_is_computed(row);
    }
    Py_DECREF(items);
    return matrix;
}

/* How long the rows are, as a tuple, for an error. */
PyObject *matrix_widths(const Matrix *matrix, Py_ssize_t count) {
    PyObject *widths = PyTuple_New(count);
    for (Py_ssize_t i = 0; widths && i < count; i++)
        put(&widths, i, PyLong_FromSsize_t(matrix->inputs[i].row.count));
    return widths;
}

/* The same rows, with their numbers as they are now: Python code ran since they were captured. */
static Matrix *captured_again(State *state, const Matrix *matrix) {
    Matrix *fresh = empty_matrix(matrix->count);
    if (!fresh)
        return NULL;
    fresh->captured = true;
    fresh->width = matrix->width;
    fresh->replaced = state->replaced;
    for (Py_ssize_t i = 0; i < matrix->count; i++)
        append_rows(fresh, &matrix->inputs[i].item, 1);
    return fresh;
}

/* Keep the numbers of all rows as they are now. The Matrix may become another one. */
int capture_matrix(State *state, Matrix **place) {
    Matrix *matrix = *place;
    if (LIKELY(matrix->captured && matrix->replaced == state->replaced))
        return 0;
    if (matrix->captured) {
        Matrix *fresh = captured_again(state, matrix);
        if (!fresh)
            return -1;
        release_matrix(state, matrix);
        *place = fresh;
        return 0;
    }
    Py_ssize_t copied = 0; /* no overflow: each of these takes memory already */
    bool any = false;
    for (Py_ssize_t i = 0; i < matrix->count; i++) {
        const Row *row = &matrix->inputs[i].row;
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
    return 0;
}
