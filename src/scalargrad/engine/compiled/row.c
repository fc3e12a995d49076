/* Rows of numbers, as the functions on rows take them: a part of a block, or Values that live
   elsewhere. */

#include "engine.h"

/* ---- Arguments ---- */

static PyObject *argument_name(Name name) {
    return name.index < 0 ? PyUnicode_FromString(name.argument)
                          : PyUnicode_FromFormat("%s[%zd]", name.argument, name.index);
}

static void raise_for_item(PyObject *got, Name name, Py_ssize_t i) {
    PyObject *argument = argument_name(name);
    if (argument)
        raise_type(got, "a Value or a real number", "%s: %U[%zd]", name.function, argument, i);
    Py_XDECREF(argument);
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

static int number_in(PyObject *item, Name name, Py_ssize_t i, double *number) {
    if (PyFloat_CheckExact(item)) {
        *number = PyFloat_AS_DOUBLE(item);
        return 0;
    }
    if (name.index < 0)
        return as_double(item, number, "%s: %s[%zd]", name.function, name.argument, i);
    return as_double(item, number, "%s: %s[%zd][%zd]", name.function, name.argument,
                     name.index, i);
}

/* A block of numbers. Converting them may run Python code, so nobody knows of it meanwhile. */
static int row_of_numbers(State *state, PyObject **items, Py_ssize_t count, Name name, Row *row) {
    Block *block = new_block(state, count, 0);
    if (!block)
        return -1;
    *row = row_of_block(block);
    for (Py_ssize_t i = 0; i < count; i++)
        if (number_in(items[i], name, i, &buffer_numbers(&block->own)[i]))
            return -1;
    return 0;
}

/* Values, and leaves for numbers among them. */
static int row_of_values(State *state, PyObject **items, Py_ssize_t count, Name name, Row *row) {
    Loose *loose = new_loose(count);
    if (!loose)
        return -1;
    *row = (Row){.loose = loose, .count = count};
    for (Py_ssize_t i = 0; i < count; i++) {
        double number;
        if (is_value(state, items[i]))
            loose->values[i] = (Value *)Py_NewRef(items[i]);
        else if (number_in(items[i], name, i, &number) || !(loose->values[i] = new_leaf(state, number)))
            return -1;
        loose->computed |= is_computed(loose->values[i]);
    }
    return 0;
}

static int row_of_items(State *state, PyObject **items, Py_ssize_t count, Name name, Row *row) {
    bool values = !count;
    for (Py_ssize_t i = 0; i < count; i++) {
        int real = is_real(state, items[i]);
        if (real == 0)
            raise_for_item(items[i], name, i);
        if (real <= 0)
            return -1;
        if (is_value(state, items[i])) {
            if (!usable_value(items[i]))
                return -1;
            values = true;
        }
    }
    *row = (Row){0};
    int failed = values ? row_of_values(state, items, count, name, row)
                        : row_of_numbers(state, items, count, name, row);
    if (failed)
        release_row(state, row);
    return failed;
}

/* Whether they are Values and floats, so that no Python code runs when they are looked at. */
static bool are_plain(State *state, PyObject **items, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++)
        if (Py_TYPE(items[i]) != state->value_type && !PyFloat_CheckExact(items[i]))
            return false;
    return true;
}

/* `values` as a row, which the caller releases: itself if it is a Vector; otherwise its Values,
   numbers made leaves. */
int as_row(State *state, PyObject *values, Name name, Row *row) {
    if (is_vector(state, values)) {
        if (!usable_vector(values))
            return -1;
        *row = held(((Vector *)values)->row);
        return 0;
    }
    bool plain = (PyList_CheckExact(values) || PyTuple_CheckExact(values)) &&
                 are_plain(state, PySequence_Fast_ITEMS(values), PySequence_Fast_GET_SIZE(values));
    PyObject *items = plain ? Py_NewRef(values) : as_sequence(values, name);
    if (!items)
        return -1;
    int failed = row_of_items(state, PySequence_Fast_ITEMS(items), PySequence_Fast_GET_SIZE(items),
                              name, row);
    Py_DECREF(items);
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
