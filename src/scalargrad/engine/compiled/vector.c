/* The type Vector: an immutable row of Values, which become Values only when asked for. */

#include "docstrings.h"
#include "engine.h"

/* Memory for a Vector that is no subclass: that of one that was freed, if there is some. */
static Vector *vector_memory(State *state) {
    Vector *vector = state->free_vectors;
    if (!vector)
        return state->vector_type ? PyObject_New(Vector, state->vector_type)
                                  : (Vector *)raise_closed();
    state->free_vectors = (Vector *)vector->row.loose;
    state->free_vector_count--;
    return (Vector *)PyObject_Init((PyObject *)vector, state->vector_type);
}

static void free_vector_memory(State *state, Vector *vector) {
    PyTypeObject *type = Py_TYPE(vector);
#ifndef SCALARGRAD_NO_FREE_LIST
    if (type == state->vector_type && state->free_vector_count < FREE_LIST / 4) {
        vector->row.loose = (Loose *)state->free_vectors;
        state->free_vectors = vector;
        state->free_vector_count++;
    } else
#else
    (void)state;
#endif
        type->tp_free(vector);
    Py_DECREF(type);
}

/* A Vector that takes over the row; NULL, with the row released, on failure. */
PyObject *new_vector(State *state, Row *row) {
    Vector *vector = vector_memory(state);
    if (!vector) {
        release_row(state, row);
        return NULL;
    }
    vector->row = *row;
    vector->label = NULL;
    vector->blank = false;
    return (PyObject *)vector;
}

static PyObject *part(State *state, const Row *row, Py_ssize_t start, Py_ssize_t count) {
    Row view = part_of(held(*row), start, count);
    return new_vector(state, &view);
}

/* ---- Making one ---- */

static const Name constructor = {"Vector", "values", -1};
static const char *const parameters[] = {"values"};

PyObject *vector_vectorcall(PyObject *type, PyObject *const *args, size_t n, PyObject *keywords) {
    State *state = state_of_type((PyTypeObject *)type);
    PyObject *values;
    Row row;
    if (parse("Vector.__init__", parameters, 1, 1, 1, args, PyVectorcall_NARGS(n), keywords, &values) ||
        as_row(state, values, constructor, &row))
        return NULL;
    return new_vector(state, &row);
}

static PyObject *vector_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    (void)args, (void)keywords; /* subclasses may take others; __init__ checks its own */
    if (type->tp_dealloc == vector_dealloc) {
        PyErr_SetString(PyExc_TypeError, "Vector.__new__ is for subclasses; write Vector(values)");
        return NULL;
    }
    Loose *loose = new_loose(0);
    Vector *vector = loose ? (Vector *)new_object(type) : NULL;
    if (!vector) {
        PyMem_Free(loose);
        return NULL;
    }
    vector->row = (Row){.loose = loose};
    vector->blank = true;
    return (PyObject *)vector;
}

static int vector_init(PyObject *self, PyObject *args, PyObject *keywords) {
    Vector *vector = (Vector *)self;
    State *state = vector_state(self);
    PyObject *values;
    Row row;
    if (parse_call("Vector.__init__", parameters, 1, 1, 1, args, keywords, &values) ||
        as_row(state, values, constructor, &row))
        return -1;
    if (!vector->blank) {
        release_row(state, &row);
        PyErr_SetString(PyExc_TypeError, "Vector: a row is made once; make a new Vector");
        return -1;
    }
    release_row(state, &vector->row);
    vector->row = row;
    vector->blank = false;
    return 0;
}

void vector_dealloc(PyObject *self) {
    Vector *vector = (Vector *)self;
    State *state = vector_state(self);
    Py_XDECREF(vector->label);
    release_row(state, &vector->row);
    free_vector_memory(state, vector);
}

/* The function `vector`: a row of parameters. */
PyObject *vector_function(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"numbers"};
    State *state = module_state(module);
    PyObject *numbers;
    if (parse("vector", names, 1, 1, 1, args, n, keywords, &numbers))
        return NULL;
    Block *copied = block_of_doubles(state, numbers);
    if (copied) {
        Row row = row_of_block(copied);
        return new_vector(state, &row);
    }
    PyObject *items = PyErr_Occurred() ? NULL : as_sequence(numbers, (Name){"vector", "numbers", -1});
    if (!items)
        return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    Block *block = new_block(state, count, 0);
    for (Py_ssize_t i = 0; block && i < count; i++) {
        double number; /* converted before the block is looked at again */
        if (as_double(PySequence_Fast_GET_ITEM(items, i), &number, "vector: numbers[%zd]", i)) {
            release_block(state, block);
            block = NULL;
        } else {
            buffer_numbers(block->buffer)[i] = number;
        }
    }
    Py_DECREF(items);
    if (!block)
        return NULL;
    if (!count) {
        release_block(state, block);
        PyErr_SetString(PyExc_ValueError,
                        "vector: numbers is empty; a row needs at least one number");
        return NULL;
    }
    Row row = row_of_block(block);
    return new_vector(state, &row);
}

/* ---- A sequence ---- */

static Py_ssize_t vector_length(PyObject *self) {
    return usable_vector(self) ? ((Vector *)self)->row.count : -1;
}

static PyObject *vector_item(PyObject *self, Py_ssize_t index) {
    State *state = usable_vector(self);
    const Row *row = &((Vector *)self)->row;
    if (!state)
        return NULL;
    if (index < 0 || index >= row->count) {
        PyErr_Format(PyExc_IndexError, "Vector: index %zd is out of range for %zd", index, row->count);
        return NULL;
    }
    return (PyObject *)row_element(state, row, index);
}

static PyObject *as_list(State *state, const Row *row) {
    PyObject *list = PyList_New(row->count);
    for (Py_ssize_t i = 0; list && i < row->count; i++) {
        Value *v = row_element(state, row, i);
        if (v)
            PyList_SET_ITEM(list, i, (PyObject *)v);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* Over all elements, which are made at once. */
static PyObject *vector_iterate(PyObject *self) {
    State *state = usable_vector(self);
    PyObject *list = state ? as_list(state, &((Vector *)self)->row) : NULL;
    PyObject *iterator = list ? PyObject_GetIter(list) : NULL;
    Py_XDECREF(list);
    return iterator;
}

static PyObject *sliced(State *state, const Row *row, PyObject *slice) {
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(slice, &start, &stop, &step))
        return NULL;
    Py_ssize_t count = PySlice_AdjustIndices(row->count, &start, &stop, step);
    if (step == 1)
        return part(state, row, start, count);
    Loose *loose = new_loose(count);
    if (!loose)
        return NULL;
    Row picked = {.loose = loose, .count = count};
    for (Py_ssize_t i = 0; i < count; i++) {
        loose->values[i] = row_element(state, row, start + i * step);
        if (!loose->values[i]) {
            release_row(state, &picked);
            return NULL;
        }
        loose->computed |= is_computed(loose->values[i]);
    }
    return new_vector(state, &picked);
}

static PyObject *vector_subscript(PyObject *self, PyObject *index) {
    const Row *row = &((Vector *)self)->row;
    State *state = usable_vector(self);
    if (!state)
        return NULL;
    if (PySlice_Check(index))
        return sliced(state, row, index);
    Py_ssize_t i = PyNumber_AsSsize_t(index, PyExc_IndexError);
    if (i == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            raise_type(index, "an int or a slice", "Vector: index");
            return NULL;
        }
        if (!PyErr_ExceptionMatches(PyExc_IndexError))
            return NULL;
        PyErr_Clear();
        i = row->count;
    }
    if (i < 0)
        i += row->count;
    if (i < 0 || i >= row->count) {
        PyErr_Format(PyExc_IndexError, "Vector: index %S is out of range for %zd", index, row->count);
        return NULL;
    }
    return (PyObject *)row_element(state, row, i);
}

/* What the method of a list says, given the first so many arguments. */
static PyObject *list_method(PyObject *self, const char *name, PyObject *const *args, int count) {
    State *state = usable_vector(self);
    PyObject *list = state ? as_list(state, &((Vector *)self)->row) : NULL;
    PyObject *known = PyUnicode_InternFromString(name);
    PyObject *method = list && known ? PyObject_GetAttr(list, known) : NULL;
    PyObject *result = method ? PyObject_Vectorcall(method, args, count, NULL) : NULL;
    Py_XDECREF(list);
    Py_XDECREF(known);
    Py_XDECREF(method);
    return result;
}

static PyObject *vector_index(PyObject *self, PyObject *const *args, Py_ssize_t n,
                              PyObject *keywords) {
    static const char *const names[] = {"value", "start", "stop"};
    PyObject *given[3];
    if (parse("Vector.index", names, 1, 3, 3, args, n, keywords, given))
        return NULL;
    PyObject *start = given[1] ? Py_NewRef(given[1]) : PyLong_FromLong(0);
    PyObject *stop = given[2] ? Py_NewRef(given[2]) : PyLong_FromSsize_t(PY_SSIZE_T_MAX);
    PyObject *index = start && stop
                          ? list_method(self, "index", (PyObject *[]){given[0], start, stop}, 3)
                          : NULL;
    Py_XDECREF(start);
    Py_XDECREF(stop);
    if (!index && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        PyObject *got = from_arguments("describe", "(O)", given[0]);
        if (got)
            PyErr_Format(PyExc_ValueError, "Vector.index: %U is not in the row", got);
        Py_XDECREF(got);
    }
    return index;
}

static PyObject *vector_count(PyObject *self, PyObject *const *args, Py_ssize_t n,
                              PyObject *keywords) {
    static const char *const names[] = {"value"};
    PyObject *given[1];
    if (parse("Vector.count", names, 1, 1, 1, args, n, keywords, given))
        return NULL;
    return list_method(self, "count", given, 1);
}

static PyObject *vector_conjugate(PyObject *self, PyObject *unused) {
    (void)unused;
    return operator_positive(self);
}

static PyObject *vector_copy(PyObject *self, PyObject *unused) {
    (void)unused;
    return call("scalargrad.engine.copying", "copied_row", "(O)", self);
}

static PyObject *vector_reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    return call("scalargrad.engine.copying", "reduced_row", "(O)", self);
}

/* ---- Printing ---- */

static PyObject *vector_repr(PyObject *self) {
    if (!usable_vector(self))
        return NULL;
    const Row *row = &((Vector *)self)->row;
    Py_ssize_t skipped = row->count > 12 ? row->count - 6 : 0;
    PyObject *parts = PyList_New(0), *comma = PyUnicode_FromString(", "), *text = NULL;
    for (Py_ssize_t i = 0; parts && i < row->count; i++) {
        PyObject *one;
        if (skipped && i == 3) {
            one = PyUnicode_FromFormat("... %zd more ...", skipped);
            i += skipped - 1;
        } else {
            PyObject *as_object = PyFloat_FromDouble(*span_at(row, i).numbers);
            one = as_object ? PyObject_Repr(as_object) : NULL;
            Py_XDECREF(as_object);
        }
        if (!one || PyList_Append(parts, one))
            Py_CLEAR(parts);
        Py_XDECREF(one);
    }
    PyObject *all = parts && comma ? PyUnicode_Join(comma, parts) : NULL;
    if (all)
        text = PyUnicode_FromFormat("Vector([%U])", all);
    Py_XDECREF(parts);
    Py_XDECREF(comma);
    Py_XDECREF(all);
    return text;
}

/* ---- The type ---- */

#define SELF "($self)\n--\n\n"
#define OPERATOR(name, ...) {#name, operator_##name, METH_NOARGS, #name SELF DOC_Methods_##name},

static PyMethodDef methods[] = {
    METHODS(OPERATOR)
    {"abs", operator_abs, METH_NOARGS, "abs" SELF DOC_Methods_abs},
    {"conjugate", vector_conjugate, METH_NOARGS, "conjugate" SELF DOC_Methods_conjugate},
    {"sum", vector_sum, METH_NOARGS, "sum" SELF DOC_Vector_sum},
    {"mean", vector_mean, METH_NOARGS, "mean" SELF DOC_Vector_mean},
    {"_place", vector_place, METH_NOARGS, NULL},
    {"_history", vector_history, METH_NOARGS, NULL},
    {"_unchanged", vector_unchanged, METH_NOARGS, NULL},
    {"__array_ufunc__", (PyCFunction)(void (*)(void))vector_array_ufunc, METH_VARARGS | METH_KEYWORDS, NULL},
    {"index", (PyCFunction)(void (*)(void))vector_index, METH_FASTCALL | METH_KEYWORDS,
     "index($self, value, start=0, stop=sys.maxsize)\n--\n\n" DOC_Vector_index},
    {"count", (PyCFunction)(void (*)(void))vector_count, METH_FASTCALL | METH_KEYWORDS,
     "count($self, value)\n--\n\n" DOC_Vector_count},
    MIME_BUNDLE("row"),
    {"__copy__", vector_copy, METH_NOARGS, NULL},
    {"__reduce__", vector_reduce, METH_NOARGS, NULL},
    {0},
};

PyDoc_STRVAR(doc, "Vector(values)\n--\n\n" DOC_Vector);

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_new, vector_new},
    {Py_tp_init, vector_init},
    {Py_tp_dealloc, vector_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_repr, vector_repr},
    {Py_tp_iter, vector_iterate},
    {Py_sq_length, vector_length},
    {Py_sq_item, vector_item},
    {Py_mp_length, vector_length},
    {Py_mp_subscript, vector_subscript},
    {Py_tp_getset, vector_attributes},
    {Py_nb_add, operator_add},
    {Py_nb_subtract, operator_sub},
    {Py_nb_multiply, operator_mul},
    {Py_nb_true_divide, operator_div},
    {Py_nb_power, operator_power},
    {Py_nb_negative, operator_negative},
    {Py_nb_positive, operator_positive},
    {Py_nb_absolute, operator_absolute},
    {0},
};

PyType_Spec vector_spec = {
    .name = "scalargrad.engine.compiled.Vector",
    .basicsize = sizeof(Vector),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_SEQUENCE,
    .slots = slots,
};
