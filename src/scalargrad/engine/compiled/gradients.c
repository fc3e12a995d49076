/* Backpropagation that touches no `.grad`: what scalargrad.grad calls.

   The same walk as backward, the same rules and the same order of additions, so the same bits. While
   it hands down, the nodes and leaves of the graph have their gradients in memory of this call.
   Before any Python code may run they have their own again, and what can fail has succeeded. */

#include "engine.h"

typedef struct {
    PyObject *outputs; /* a tuple of Values and Vectors */
    PyObject *inputs;  /* Values and Vectors, in tuples of ours however deep; then their gradients */
    Nodes wanted;      /* the addresses of these Values and Vectors, which are held, in order */
    double *upstreams; /* the numbers that the gradients of the outputs begin with */
} Task;

/* ---- Outputs and upstreams ---- */

static int check_outputs(State *state, PyObject *outputs) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); i++) {
        PyObject *output = PyTuple_GET_ITEM(outputs, i);
        if (is_value(state, output) ? !usable_value(output)
                                    : is_vector(state, output) && !usable_vector(output))
            return -1;
        if (!is_value(state, output) && !is_vector(state, output)) {
            raise_type(output, "a Value or a row", "gradients: outputs[%zd]", i);
            return -1;
        }
    }
    return 0;
}

static Py_ssize_t numbers_in(State *state, PyObject *x) {
    return is_vector(state, x) ? ((Vector *)x)->row.count : 1;
}

static int read_upstream(State *state, PyObject *output, PyObject *upstream, Py_ssize_t i,
                         double *into) {
    if (!is_vector(state, output))
        return as_double(upstream, into, "gradients: upstreams[%zd]", i);
    PyObject *numbers = PySequence_Tuple(upstream);
    if (!numbers)
        return -1;
    Py_ssize_t count = numbers_in(state, output);
    int failed = PyTuple_GET_SIZE(numbers) != count;
    if (failed)
        PyErr_Format(PyExc_ValueError, "gradients: upstreams[%zd] must have %zd numbers", i, count);
    for (Py_ssize_t j = 0; !failed && j < count; j++)
        failed = as_double(PyTuple_GET_ITEM(numbers, j), &into[j],
                           "gradients: upstreams[%zd][%zd]", i, j);
    Py_DECREF(numbers);
    return failed;
}

static int read_upstreams(State *state, Task *task, PyObject *upstreams) {
    Py_ssize_t count = PyTuple_GET_SIZE(task->outputs), numbers = 0;
    if (PyTuple_GET_SIZE(upstreams) != count) {
        PyErr_Format(PyExc_ValueError, "gradients: upstreams must have %zd items", count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        numbers += numbers_in(state, PyTuple_GET_ITEM(task->outputs, i));
    double *into = task->upstreams = allocate(numbers * (Py_ssize_t)sizeof(double));
    for (Py_ssize_t i = 0; i < count && into; i++) {
        PyObject *output = PyTuple_GET_ITEM(task->outputs, i);
        if (read_upstream(state, output, PyTuple_GET_ITEM(upstreams, i), i, into))
            return -1;
        into += numbers_in(state, output);
    }
    return into ? 0 : -1;
}

static int read_outputs(State *state, Task *task, PyObject *outputs, PyObject *upstreams) {
    if (!(task->outputs = PySequence_Tuple(outputs)) || check_outputs(state, task->outputs))
        return -1;
    PyObject *items = PySequence_Tuple(upstreams);
    int failed = items ? read_upstreams(state, task, items) : -1;
    Py_XDECREF(items);
    return failed;
}

/* ---- Inputs ---- */

enum { MOST_NESTED = 100 }; /* as engine/arguments.py has it */

/* Values and rows as they are, which are listed; tuples and lists as tuples. NULL for anything else,
   or on failure. */
static PyObject *nested(State *state, Task *task, PyObject *inputs, int depth) {
    bool row = is_vector(state, inputs);
    if (row || is_value(state, inputs)) {
        if (!(row ? usable_vector(inputs) : usable_value(inputs)) || reserve(&task->wanted, 1))
            return NULL;
        task->wanted.nodes[task->wanted.count++] = (Node)Py_NewRef(inputs);
        return Py_NewRef(inputs);
    }
    if (!PyTuple_CheckExact(inputs) && !PyList_CheckExact(inputs))
        return NULL;
    if (depth == MOST_NESTED)
        return from_arguments("nested_too_deep", "()");
    PyObject *tuple = PyTuple_New(PySequence_Fast_GET_SIZE(inputs));
    for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); i++)
        put(&tuple, i, nested(state, task, PySequence_Fast_GET_ITEM(inputs, i), depth + 1));
    return tuple;
}

static void forget_wanted(Task *task) {
    while (task->wanted.count)
        Py_DECREF((PyObject *)task->wanted.nodes[--task->wanted.count]);
}

static int read_inputs(State *state, Task *task, PyObject *inputs) {
    task->inputs = nested(state, task, inputs, 0);
    if (task->inputs || PyErr_Occurred())
        return task->inputs ? 0 : -1;
    PyObject *tuples = from_arguments("nested", "(O(OO))", inputs, state->value_type,
                                      state->vector_type);
    forget_wanted(task);
    task->inputs = tuples ? nested(state, task, tuples, 0) : NULL;
    Py_XDECREF(tuples);
    return task->inputs ? 0 : -1;
}

/* ---- Handing down ---- */

static inline PyObject *wanted_at(const Task *task, Py_ssize_t i) {
    return (PyObject *)task->wanted.nodes[i];
}

/* An input that the outputs do not depend on is exchanged, too; so its gradient is 0. */
static int list_others(State *state, Walk *walk, const Task *task) {
    for (Py_ssize_t i = 0; i < task->wanted.count; i++) {
        Row one;
        const Row *row = row_of_object(state, wanted_at(task, i), &one);
        if (row->block && row->block->epoch == walk->epoch)
            continue;
        if (reserve(&walk->leaves, row->block ? 1 : row->count))
            return -1;
        if (row->block)
            list_leaf(walk, (Node)row->block | IS_BLOCK);
        else
            for (Py_ssize_t j = 0; j < row->count; j++)
                list_leaf(walk, node_of(row_values(row)[j]));
    }
    return 0;
}

static Py_ssize_t numbers_of(const Nodes *nodes) {
    Py_ssize_t numbers = 0;
    for (Py_ssize_t i = 0; i < nodes->count; i++)
        numbers += nodes->nodes[i] & IS_BLOCK ? node_block(nodes->nodes[i])->count : 1;
    return numbers;
}

static int make_hidden(Walk *walk) {
    Py_ssize_t numbers = numbers_of(&walk->order) + numbers_of(&walk->leaves);
    walk->hidden = PyMem_Calloc(numbers, sizeof(double));
    return walk->hidden ? 0 : (PyErr_NoMemory(), -1);
}

static double *exchange_some(const Nodes *nodes, double *number, bool hide) {
    for (Py_ssize_t i = 0; i < nodes->count; i++) {
        Node node = nodes->nodes[i];
        if (node & IS_BLOCK) {
            Block *block = node_block(node);
            block->grads = hide ? number : own_grads(block);
            number += block->count;
        } else {
            Value *v = node_value(node);
            double grad = v->grad;
            v->grad = *number;
            *number++ = grad;
        }
    }
    return number;
}

/* Let all of them have the gradients of this call, or their own again. */
static void exchange(Walk *walk, bool hide) {
    exchange_some(&walk->leaves, exchange_some(&walk->order, walk->hidden, hide), hide);
}

static int check_signals(Walk *walk) {
    exchange(walk, false);
    if (PyErr_CheckSignals())
        return -1;
    exchange(walk, true);
    return 0;
}

static void add_upstreams(State *state, const Task *task) {
    const double *upstream = task->upstreams;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(task->outputs); i++) {
        Row one;
        const Row *row = row_of_object(state, PyTuple_GET_ITEM(task->outputs, i), &one);
        contribute(row, 0, row->count, upstream);
        upstream += row->count;
    }
}

/* ---- Results, in the form of the inputs ---- */

static PyObject *gradient_of(State *state, PyObject *input) {
    Row one;
    const Row *row = row_of_object(state, input, &one);
    if (!is_vector(state, input))
        return PyFloat_FromDouble(*span_at(row, 0).grads);
    Block *block = new_block(state, row->count, 0);
    if (!block)
        return NULL;
    for (Span span = span_at(row, 0); span.count; span = next_span(row, span))
        memcpy(buffer_numbers(&block->own) + span.at, span.grads, span.count * sizeof(double));
    Row result = row_of_block(block);
    return new_vector(state, &result);
}

/* The gradients take the place of the inputs in their tuples. This runs no Python code, as the inputs
   are held elsewhere, and floats and rows are nothing to the garbage collector. */
static int replace(State *state, PyObject **place) {
    PyObject *inputs = *place;
    if (!PyTuple_Check(inputs)) {
        PyObject *gradient = gradient_of(state, inputs);
        if (!gradient)
            return -1;
        Py_SETREF(*place, gradient);
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); i++)
        if (replace(state, &PyTuple_GET_ITEM(inputs, i)))
            return -1;
    return 0;
}

static int run(State *state, Task *task) {
    Walk walk = begin_walk(state);
    walk.with_leaves = true;
    int failed = sort_from(state, &walk, &PyTuple_GET_ITEM(task->outputs, 0),
                           PyTuple_GET_SIZE(task->outputs)) ||
                 list_others(state, &walk, task) || make_hidden(&walk);
    if (!failed) {
        exchange(&walk, true);
        add_upstreams(state, task);
        failed = hand_down(&walk, check_signals);
    }
    if (!failed) {
        failed = replace(state, &task->inputs);
        exchange(&walk, false);
    }
    PyMem_Free(walk.hidden);
    end_walk(state, &walk);
    return failed ? -1 : 0;
}

/* ---- The function ---- */

PyObject *gradients(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"outputs", "upstreams", "inputs"};
    State *state = module_state(module);
    PyObject *given[3];
    Task task = {0};
    if (parse("gradients", names, 3, 3, 3, args, n, keywords, given))
        return NULL;
    if (read_inputs(state, &task, given[2]) || read_outputs(state, &task, given[0], given[1]) ||
        run(state, &task))
        Py_CLEAR(task.inputs);
    forget_wanted(&task);
    Py_XDECREF(task.outputs);
    PyMem_Free(task.wanted.nodes);
    PyMem_Free(task.upstreams);
    return task.inputs;
}
