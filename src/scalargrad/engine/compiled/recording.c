/* no_grad: within it, a thread records no graphs. */

#include "docstrings.h"
#include "engine.h"

static Paused *find(State *state, uint64_t thread) {
    for (Py_ssize_t i = 0; i < state->paused_count; i++)
        if (state->paused[i].thread == thread)
            return &state->paused[i];
    return NULL;
}

/* Whether this thread is inside no_grad. Asked only while some thread is. */
bool is_paused(State *state) {
    return find(state, PyThreadState_GetID(PyThreadState_Get())) != NULL;
}

/* A thread is listed while it is inside no_grad, with how deep. */
static PyObject *change_depth(PyObject *self, int change) {
    State *state = state_of_type(Py_TYPE(self));
    uint64_t thread = PyThreadState_GetID(PyThreadState_Get());
    Paused *entry = find(state, thread);
    if (!entry && change < 0) {
        PyErr_SetString(PyExc_RuntimeError, "no_grad: left in a thread that is not inside it");
        return NULL;
    }
    if (!entry) {
        Paused *list = PyMem_Realloc(state->paused, (state->paused_count + 1) * sizeof(Paused));
        if (!list)
            return PyErr_NoMemory();
        state->paused = list;
        entry = &list[state->paused_count++];
        *entry = (Paused){thread, 0};
    }
    entry->depth += change;
    if (!entry->depth)
        *entry = state->paused[--state->paused_count];
    Py_RETURN_NONE;
}

static PyObject *no_grad_enter(PyObject *self, PyObject *unused) {
    (void)unused;
    return change_depth(self, 1);
}

static PyObject *no_grad_exit(PyObject *self, PyObject *exception) {
    (void)exception;
    return change_depth(self, -1);
}

/* As a decorator it is the same in both engines, so it stands in the reference engine alone. */
static PyObject *no_grad_call(PyObject *self, PyObject *args, PyObject *keywords) {
    State *state = state_of_type(Py_TYPE(self));
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    PyObject *all = PyTuple_New(n + 1);
    if (!all)
        return NULL;
    Py_INCREF(self);
    PyTuple_SET_ITEM(all, 0, self);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(args, i);
        Py_INCREF(item);
        PyTuple_SET_ITEM(all, i + 1, item);
    }
    PyObject *decorated = PyObject_Call(state->decorate, all, keywords);
    Py_DECREF(all);
    return decorated;
}

static PyMethodDef methods[] = {
    {"__enter__", no_grad_enter, METH_NOARGS, NULL},
    {"__exit__", no_grad_exit, METH_VARARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)DOC_no_grad},
    {Py_tp_methods, methods},
    {Py_tp_call, no_grad_call},
    {0},
};

PyType_Spec no_grad_spec = {
    .name = "scalargrad.engine.compiled.no_grad",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
