/* Numbers that already lie in memory as doubles, one after the other, as in array('d') and in an
   array of NumPy: copied at once, which gives the same as going through them. */

#include "engine.h"

enum { MOST_COPIED = 100000000 }; /* more than that is the error that going through them raises */

/* Whose buffer and whose items are known to agree; a subclass may show others. */
static bool is_known_array(PyObject *x) {
    const char *name = Py_TYPE(x)->tp_name; /* with its module: only types written in C have it */
    return PyMemoryView_Check(x) || !strcmp(name, "array.array") || !strcmp(name, "numpy.ndarray");
}

/* A view of the doubles in x, which the caller releases; false if it holds anything else. */
bool view_of_doubles(PyObject *x, Py_buffer *view) {
    if (!PyObject_CheckBuffer(x) || !is_known_array(x))
        return false;
    if (PyObject_GetBuffer(x, view, PyBUF_ND | PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)) {
        PyErr_Clear(); /* going through it raises what there is to raise */
        return false;
    }
    if (view->ndim == 1 && view->shape[0] <= MOST_COPIED && view->format &&
        !strcmp(view->format, "d"))
        return true;
    PyBuffer_Release(view);
    return false;
}

/* A new block of the doubles in x, or NULL: with an error, or because it holds anything else. */
Block *block_of_doubles(State *state, PyObject *x) {
    Py_buffer view;
    if (!view_of_doubles(x, &view))
        return NULL;
    Block *block = view.shape[0] ? new_block(state, view.shape[0], 0) : NULL;
    if (block)
        memcpy(buffer_numbers(block->buffer), view.buf, view.len);
    PyBuffer_Release(&view);
    return block;
}
