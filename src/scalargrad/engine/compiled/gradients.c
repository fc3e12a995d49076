/* Backpropagation that touches no `.grad`: what scalargrad.grad calls.

   The same walk as backward, the same rules and the same order of additions, so the same bits. While
   it hands down, the nodes and leaves of the graph have their gradients in memory of this call.
   Before any Python code may run they have their own again, and what can fail has succeeded. */

#include "engine.h"

typedef struct {
    PyObject *outputs; /* a tuple of Values and Vectors */
    PyObject *inputs;  /* Values and Vectors, in tuples however deep */
    Nodes wanted;      /* the addresses of those in the inputs, in order */
    double *upstreams; /* the numbers that the gradients of the outputs begin with */
    Py_ssize_t numbers; /* how many numbers these have */
    double *results;   /* their gradients */
} Task;

/* ---- Outputs and upstreams ---- */

static int check_outputs(State *state, PyObject *outputs) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); i++) {
        PyObject *output = PyTuple_GET_ITEM(outputs, i);
        if (is_value(state, output) ? !usable_value(output)
                                    : is_vector(state, output) && !usable_vector(output))
            return -1;
        if (!is_value(state, output) && !is_vector(state, output)) {
            raise_type(state, output, "a Value or a row", "gradients: outputs[%zd]", i);
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
        return as_double(state, upstream, into, "gradients: upstreams[%zd]", i);
    PyObject *numbers = PySequence_Tuple(upstream);
    if (!numbers)
        return -1;
    Py_ssize_t count = numbers_in(state, output);
    int failed = PyTuple_GET_SIZE(numbers) != count;
    if (failed)
        PyErr_Format(PyExc_ValueError, "gradients: upstreams[%zd] must have %zd numbers", i, count);
    for (Py_ssize_t j = 0; !failed && j < count; j++)
        failed = as_double(state, PyTuple_GET_ITEM(numbers, j), &into[j],
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

/* Where an input stands, such as inputs[2][0]; NULL is `inputs`. */
typedef struct Path {
    const struct Path *before;
    Py_ssize_t index;
} Path;

static PyObject *path_text(const Path *path) {
    if (!path)
        return PyUnicode_FromString("inputs");
    PyObject *before = path_text(path->before);
    PyObject *text = before ? PyUnicode_FromFormat("%U[%zd]", before, path->index) : NULL;
    Py_XDECREF(before);
    return text;
}

static PyObject *nested(State *state, Task *task, PyObject *inputs, const Path *path);

/* What is neither a Value nor a row nor a tuple nor a list, Python reads, or says what is wrong. */
static PyObject *nested_in_python(State *state, Task *task, PyObject *inputs, const Path *path) {
    PyObject *reads = import_from("scalargrad.engine.arguments", "nested");
    PyObject *text = reads ? path_text(path) : NULL;
    PyObject *tuple = text ? PyObject_CallFunction(reads, "O(OO)O", inputs, state->value_type,
                                                   state->vector_type, text)
                           : NULL;
    PyObject *result = tuple ? nested(state, task, tuple, path) : NULL;
    Py_XDECREF(reads);
    Py_XDECREF(text);
    Py_XDECREF(tuple);
    return result;
}

static PyObject *nested_tuple(State *state, Task *task, PyObject *inputs, const Path *path) {
    PyObject *items = PySequence_Tuple(inputs); /* a list could change meanwhile */
    PyObject *result = items ? PyTuple_New(PyTuple_GET_SIZE(items)) : NULL;
    for (Py_ssize_t i = 0; result && i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = nested(state, task, PyTuple_GET_ITEM(items, i), &(Path){path, i});
        if (item)
            PyTuple_SET_ITEM(result, i, item);
        else
            Py_CLEAR(result);
    }
    Py_XDECREF(items);
    return result;
}

/* Values and rows as they are, which are listed; anything else that holds some as a tuple. */
static PyObject *nested(State *state, Task *task, PyObject *inputs, const Path *path) {
    bool row = is_vector(state, inputs);
    if (row || is_value(state, inputs)) {
        if (!(row ? usable_vector(inputs) : usable_value(inputs)) || reserve(&task->wanted, 1))
            return NULL;
        task->wanted.nodes[task->wanted.count++] = (Node)inputs;
        task->numbers += row ? ((Vector *)inputs)->row.count : 1;
        Py_INCREF(inputs);
        return inputs;
    }
    if (Py_EnterRecursiveCall(" in grad, whose inputs are nested too deep"))
        return NULL;
    bool plain = PyTuple_CheckExact(inputs) || PyList_CheckExact(inputs);
    PyObject *result = plain ? nested_tuple(state, task, inputs, path)
                             : nested_in_python(state, task, inputs, path);
    Py_LeaveRecursiveCall();
    return result;
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

static void copy_results(State *state, const Task *task) {
    double *into = task->results;
    for (Py_ssize_t i = 0; i < task->wanted.count; i++) {
        Row one;
        const Row *row = row_of_object(state, wanted_at(task, i), &one);
        for (Py_ssize_t at = 0; at < row->count;) {
            Span span = span_of(row, at, row->count - at);
            memcpy(into + at, span.grads, span.count * sizeof(double));
            at += span.count;
        }
        into += row->count;
    }
}

static int run(State *state, const Task *task) {
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
        copy_results(state, task);
        exchange(&walk, false);
    }
    PyMem_Free(walk.hidden);
    end_walk(state, &walk);
    return failed ? -1 : 0;
}

/* ---- Results, in the form of the inputs ---- */

static PyObject *new_row(State *state, const double *numbers, Py_ssize_t count) {
    Block *block = new_block(state, count, 0);
    if (!block)
        return NULL;
    memcpy(buffer_numbers(block->buffer), numbers, count * sizeof(double));
    Row row = row_of_block(block);
    return new_vector(state, &row);
}

/* No recursion can be too deep here that was not when the inputs were listed. */
static PyObject *built(State *state, PyObject *inputs, const double **next) {
    if (!PyTuple_Check(inputs)) {
        const double *numbers = *next;
        Py_ssize_t count = numbers_in(state, inputs);
        *next += count;
        return is_vector(state, inputs) ? new_row(state, numbers, count)
                                        : PyFloat_FromDouble(*numbers);
    }
    PyObject *tuple = PyTuple_New(PyTuple_GET_SIZE(inputs));
    for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(inputs); i++) {
        PyObject *item = built(state, PyTuple_GET_ITEM(inputs, i), next);
        if (item)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

/* ---- The function ---- */

PyObject *gradients(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"outputs", "upstreams", "inputs"};
    State *state = module_state(module);
    PyObject *given[3], *results = NULL;
    Task task = {0};
    if (parse("gradients", names, 3, 3, 3, args, n, keywords, given))
        return NULL;
    if ((task.inputs = nested(state, &task, given[2], NULL)) &&
        (task.results = allocate(task.numbers * (Py_ssize_t)sizeof(double))) &&
        !read_outputs(state, &task, given[0], given[1]) && !run(state, &task)) {
        const double *next = task.results;
        results = built(state, task.inputs, &next);
    }
    Py_XDECREF(task.outputs);
    Py_XDECREF(task.inputs);
    PyMem_Free(task.wanted.nodes);
    PyMem_Free(task.upstreams);
    PyMem_Free(task.results);
    return results;
}
