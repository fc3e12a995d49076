/* The module scalargrad.engine.compiled: the names of scalargrad.engine.reference, in C. */

#include "docstrings.h"
#include "engine.h"

#define FUNCTION(name, function, signature) \
    {#name, (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS, \
     PyDoc_STR(#name signature "\n--\n\n" DOC_##name)}

static PyMethodDef functions[] = {
    FUNCTION(maximum, maximum, "(a, b)"),
    FUNCTION(minimum, minimum, "(a, b)"),
    FUNCTION(atan2, arc_tangent, "(y, x)"),
    FUNCTION(vector, vector_function, "(numbers)"),
    FUNCTION(linear, linear, "(x, w, b=None)"),
    FUNCTION(dot, dot, "(a, b)"),
    FUNCTION(weighted_sum, weighted_sum, "(weights, rows)"),
    FUNCTION(concatenate, concatenate, "(rows)"),
    FUNCTION(softmax, softmax, "(x)"),
    FUNCTION(rmsnorm, rmsnorm, "(x, eps=1e-05)"),
    FUNCTION(logsumexp, logsumexp, "(x)"),
    FUNCTION(cross_entropy, cross_entropy, "(logits, target)"),
    {"pause_recording", pause_recording, METH_NOARGS,
     PyDoc_STR("pause_recording()\n--\n\n" DOC_pause_recording)},
    {"resume_recording", resume_recording, METH_VARARGS,
     PyDoc_STR("resume_recording(*exception)\n--\n\n" DOC_resume_recording)},
    FUNCTION(gradients, gradients, "(outputs, upstreams, inputs)"),
    FUNCTION(ieee_node, ieee_node, "(name, data, parents, local_grads)"),
    FUNCTION(zero_grads, zero_grads, "(rows)"),
    FUNCTION(sgd_update, sgd_update, "(rows, velocity, lr, momentum, weight_decay, nesterov)"),
    FUNCTION(adam_update, adam_update,
             "(rows, first_moment, second_moment, lr, betas, eps, weight_decay, decoupled, step)"),
    {0},
};

/* ---- What the module has of its own, for each interpreter that imports it ---- */

PyObject *import_from(const char *module, const char *name) {
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *known = PyUnicode_InternFromString(name); /* or Python's cache would keep many of it */
    PyObject *object = imported && known ? PyObject_GetAttr(imported, known) : NULL;
    Py_XDECREF(imported);
    Py_XDECREF(known);
    return object;
}

PyObject *mime_bundle(PyObject *self, PyObject *args, PyObject *keywords) {
    PyObject *function = import_from("scalargrad.graph", "mime_bundle");
    PyObject *bound = function ? PyMethod_New(function, self) : NULL;
    PyObject *bundle = bound ? PyObject_Call(bound, args, keywords) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(bound);
    return bundle;
}

/* AttributeError: a Value or a Vector whose class forgot, or did not yet come to, its base's. */
void raise_not_initialised(PyObject *thing) {
    from_arguments("not_initialised", "(s)", Py_TYPE(thing)->tp_name);
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (!type)
        return NULL;
    type->tp_name = strrchr(spec->name, '.') + 1; /* in errors, as for a class written in Python */
    *state_in_type(type) = module_state(module);
    if (PyModule_AddType(module, type))
        Py_CLEAR(type);
    return type;
}

static int register_sequence(State *state) {
    PyObject *sequence = import_from("collections.abc", "Sequence");
    PyObject *result = sequence ? PyObject_CallMethod(sequence, "register", "O", state->vector_type)
                                : NULL;
    Py_XDECREF(sequence);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static int execute(PyObject *module) {
    State *state = new_state();
    if (!state)
        return -1;
    *(State **)PyModule_GetState(module) = state;
    for (int op = 0; op < OP_COUNT; op++)
        if (!(state->names[op] = PyUnicode_InternFromString(op_names[op])))
            return -1;
    if (!(state->matrices = PyMem_Calloc(MATRICES, sizeof(Matrix *))))
        return PyErr_NoMemory(), -1;
    if (!(state->pause_key = PyLong_FromVoidPtr(state)) ||
        !(state->value_type = add_type(module, &value_spec)) ||
        PyObject_SetAttrString((PyObject *)state->value_type, "_is_scalargrad_value", Py_True) ||
        !(state->vector_type = add_type(module, &vector_spec)) ||
        PyModule_AddIntConstant(module, "INTERFACE", INTERFACE))
        return -1;
    state->value_type->tp_vectorcall = value_vectorcall;
    state->vector_type->tp_vectorcall = vector_vectorcall;
    return register_sequence(state);
}

/* There is no function to clear it: types break their cycles with the module, which then is freed. */
static int traverse(PyObject *module, visitproc visit, void *arg) {
    State *state = module_state(module);
    if (!state)
        return 0;
    Py_VISIT(state->value_type);
    Py_VISIT(state->vector_type);
    return 0;
}

static void free_module(void *module) {
    State *state = module_state(module);
    if (state)
        close_state(state);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scalargrad.engine.compiled",
    .m_doc = "The engine in C: the same names and the same bits as scalargrad.engine.reference.",
    .m_size = sizeof(State *),
    .m_methods = functions,
    .m_slots = module_slots,
    .m_traverse = traverse,
    .m_free = free_module,
};

PyMODINIT_FUNC PyInit_compiled(void) {
    return PyModuleDef_Init(&definition);
}
