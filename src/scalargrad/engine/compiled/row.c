/* Rows of numbers, as the functions on rows take them: a part of a block, or Values that live
   elsewhere. */

#include "engine.h"

/* ---- Arguments ---- */

static PyObject *argument_name(Name name) {
    return name.index < 0 ? PyUnicode_FromString(name.argument)
                          : PyUnicode_FromFormat("%s[%zd]", name.argument, name.index);
}

/* What `values` holds, as a tuple or a list that nobody else changes. */
PyObject *as_sequence(PyObject *values, Name name) {
    if (PyTuple_CheckExact(values)) {
        Py_INCREF(values);
        return values;
    }
    if (PyList_CheckExact(values))
        return PyList_AsTuple(values);
    PyObject *iterator = iterator_of(values, name.function, argument_name(name));
    PyObject *items = iterator ? PySequence_List(iterator) : NULL;
    Py_XDECREF(iterator);
    return items;
}

Loose *new_loose(Py_ssize_t count) {
    if (count > (PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(Loose)) / (Py_ssize_t)sizeof(Value *)) {
        PyErr_NoMemory();
        return NULL;
    }
    Loose *loose = allocate((Py_ssize_t)sizeof(Loose) + count * (Py_ssize_t)sizeof(Value *));
    if (loose) {
        loose->refs = 1;
        loose->count = count;
        loose->computed = false;
        memset(loose->values, 0, count * sizeof(Value *));
    }
    return loose;
}

static void release_loose(Loose *loose) {
    if (--loose->refs)
        return;
    for (Py_ssize_t i = 0; i < loose->count; i++)
        Py_XDECREF(loose->values[i]);
    PyMem_Free(loose);
}

/* A number that can be read without running Python code: also that of a float written in C, as NumPy's. */
static bool is_plain_number(PyObject *x) {
    if (PyLong_CheckExact(x))
        return PyLong_AsDouble(x) != -1.0 || !PyErr_Occurred(); /* it may be too large */
    return PyFloat_Check(x) && !PyType_HasFeature(Py_TYPE(x), Py_TPFLAGS_HEAPTYPE);
}

static double number_of(PyObject *x) {
    return PyLong_CheckExact(x) ? PyLong_AsDouble(x) : PyFloat_AS_DOUBLE(x);
}

/* Whether they are Values and plain numbers. */
static bool are_plain(State *state, PyObject **items, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++)
        if (Py_TYPE(items[i]) != state->value_type && !is_plain_number(items[i]))
            return PyErr_Clear(), false;
    return true;
}

/* A block of plain numbers. */
static int row_of_numbers(State *state, PyObject **items, Py_ssize_t count, Row *row) {
    Block *block = new_block(state, count, 0);
    if (!block)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        buffer_numbers(&block->own)[i] = number_of(items[i]);
    *row = row_of_block(block);
    return 0;
}

/* Values, and leaves for plain numbers among them. */
static int row_of_values(State *state, PyObject **items, Py_ssize_t count, Row *row) {
    Loose *loose = new_loose(count);
    if (!loose)
        return -1;
    *row = (Row){.loose = loose, .count = count};
    for (Py_ssize_t i = 0; i < count; i++) {
        Value *v = is_plain_number(items[i]) ? new_leaf(state, number_of(items[i]))
                   : usable_value(items[i])  ? (Value *)Py_NewRef(items[i])
                                             : NULL;
        if (!v) {
            release_row(state, row);
            return -1;
        }
        loose->values[i] = v;
        loose->computed |= is_computed(v);
    }
    return 0;
}

static int row_of_items(State *state, PyObject *sequence, Row *row) {
    PyObject **items = PySequence_Fast_ITEMS(sequence);
    Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence), numbers = 0;
    while (numbers < count && is_plain_number(items[numbers]))
        numbers++;
    return count && numbers == count ? row_of_numbers(state, items, count, row)
                                     : row_of_values(state, items, count, row);
}

/* `values` as a row, which the caller releases: itself if it is a Vector; otherwise its Values,
   numbers made leaves. What is in it, Python checks and converts where that is not plain to see. */
int as_row(State *state, PyObject *values, Name name, Row *row) {
    if (is_vector(state, values)) {
        if (!usable_vector(values))
            return -1;
        *row = held(((Vector *)values)->row);
        return 0;
    }
    Block *block = block_of_doubles(state, values);
    if (block) {
        *row = row_of_block(block);
        return 0;
    }
    PyObject *items = PyErr_Occurred() ? NULL : as_sequence(values, name);
    if (items && !are_plain(state, PySequence_Fast_ITEMS(items), PySequence_Fast_GET_SIZE(items)))
        Py_SETREF(items, from_arguments("values_and_floats", "(OOsN)", items, state->value_type,
                                        name.function, argument_name(name)));
    int failed = items ? row_of_items(state, items, row) : -1;
    Py_XDECREF(items);
    return failed;
}

/* The same, but an empty one is an error. */
int as_filled_row(State *state, PyObject *values, Name name, Row *row) {
    if (as_row(state, values, name, row))
        return -1;
    if (row->count)
        return 0;
    from_arguments("empty_row", "(ss)", name.function, name.argument);
    release_row(state, row);
    return -1;
}

/* ---- Using a row ---- */

/* The Value at an index, as a new reference. */
Value *row_element(State *state, const Row *row, Py_ssize_t index) {
    if (row->block)
        return block_element(state, row->block, row->start + index);
    Value *v = row_values(row)[index];
    Py_INCREF(v);
    return v;
}

/* The same row, to be released once more. */
Row held(Row row) {
    if (row.block)
        row.block->refs++;
    else if (row.loose)
        row.loose->refs++;
    else
        Py_XINCREF(row.value);
    return row;
}

void release_row(State *state, Row *row) {
    Row old = *row;
    *row = (Row){0};
    if (old.block)
        release_block(state, old.block);
    else if (old.loose)
        release_loose(old.loose);
    else
        Py_XDECREF(old.value);
}

/* Keep the numbers of `input->row` as they are now. Those of Values that live elsewhere are copied
   into `space`; those of a block are shared until somebody writes to them. */
void capture(Input *input, double *space) {
    const Row *row = &input->row;
    if (row->block) {
        input->buffer = row->block->buffer;
        input->buffer->refs++;
        input->numbers = buffer_numbers(input->buffer) + row->start;
    } else {
        Value **values = row_values(row);
        for (Py_ssize_t i = 0; i < row->count; i++)
            space[i] = data_of(values[i]);
        input->buffer = NULL;
        input->numbers = space;
    }
}

void release_input(State *state, Input *input) {
    if (input->buffer && !--input->buffer->refs && input->buffer != &input->row.block->own)
        PyMem_Free(input->buffer);
    input->buffer = NULL;
    if (input->item)
        Py_CLEAR(input->item);
    else
        release_row(state, &input->row);
}

static bool same(double a, double b) {
    return a == b || (a != a && b != b);
}

/* Whether the numbers are today what they were when they were captured. */
bool row_is_unchanged(const Input *input) {
    const Row *row = &input->row;
    for (Span span = span_at(row, 0); span.count; span = next_span(row, span))
        for (Py_ssize_t i = 0; i < span.count; i++)
            if (!same(span.numbers[i], input->numbers[span.at + i]))
                return false;
    return true;
}

/* Make sure that graphs keep their numbers when the row is written to; fails without memory. */
int make_writable(State *state, const Row *row) {
    if (row->block)
        return writable_numbers(state, row->block) ? 0 : -1;
    Value **values = row_values(row);
    for (Py_ssize_t i = 0; i < row->count; i++)
        if (values[i]->kind == ELEMENT && !writable_numbers(state, values[i]->block))
            return -1;
    return 0;
}
