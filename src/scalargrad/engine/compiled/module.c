/* The module scalargrad.engine.compiled: the names of scalargrad.engine.reference, in C. */

#include "engine.h"

#define FUNCTION(name, function, doc) \
    {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS, PyDoc_STR(doc)}

static PyMethodDef functions[] = {
    FUNCTION("maximum", maximum,
             "maximum(a, b)\n--\n\n"
             "The larger of two numbers, as one node; nan if either is.\n\n"
             "The gradient goes to the larger one, and half to each at a tie."),
    FUNCTION("minimum", minimum,
             "minimum(a, b)\n--\n\n"
             "The smaller of two numbers, as one node; nan if either is.\n\n"
             "The gradient goes to the smaller one, and half to each at a tie."),
    FUNCTION("vector", vector_function,
             "vector(numbers)\n--\n\n"
             "A row of parameters: one leaf Value per number.\n\n"
             "Raises TypeError if `numbers` is not a sequence of real numbers, ValueError if it is "
             "empty."),
    FUNCTION("linear", linear,
             "linear(x, w, b=None)\n--\n\n"
             "The matrix-vector product w x, plus b: "
             "y[i] = w[i][0]*x[0] + w[i][1]*x[1] + ... + b[i].\n\n"
             "`x` has n numbers, `w` m rows of n, `b` m numbers; the result has m. Raises ValueError\n"
             "if the sizes do not fit or one of them is 0, TypeError if an argument is not a sequence\n"
             "of Values and real numbers."),
    FUNCTION("dot", dot,
             "dot(a, b)\n--\n\n"
             "The dot product a[0]*b[0] + a[1]*b[1] + ..., as one node.\n\n"
             "Raises ValueError if the lengths differ or are 0, TypeError if an argument is not a\n"
             "sequence of Values and real numbers."),
    FUNCTION("softmax", softmax,
             "softmax(x)\n--\n\n"
             "Turn logits into probabilities: p[i] = exp(x[i]) / sum_j exp(x[j]).\n\n"
             "The largest logit is subtracted first, which changes no probability and prevents\n"
             "overflow. Raises ValueError if `x` is empty, TypeError if it is not a sequence of\n"
             "Values and real numbers."),
    FUNCTION("rmsnorm", rmsnorm,
             "rmsnorm(x, eps=1e-05)\n--\n\n"
             "Scale a row to root mean square 1: y[i] = x[i] / sqrt(mean_j x[j]**2 + eps).\n\n"
             "`eps` keeps a row of zeros from dividing by zero. Raises ValueError if `x` is empty or\n"
             "`eps` is negative or nan, ZeroDivisionError for a row of zeros with eps=0, TypeError if\n"
             "`x` is not a sequence of Values and real numbers."),
    FUNCTION("cross_entropy", cross_entropy,
             "cross_entropy(logits, target)\n--\n\n"
             "The loss -log(softmax(logits)[target]), in nats: how surprising the target was.\n\n"
             "Computed as log(sum_j exp(x[j])) - x[target], which is exact where the probability\n"
             "underflows to 0 or rounds to 1. Raises ValueError if `logits` is empty, IndexError if\n"
             "`target` is not one of their indices, TypeError if `logits` is not a sequence of Values\n"
             "and real numbers or `target` not an integer."),
    FUNCTION("zero_grads", zero_grads, "zero_grads(rows)\n--\n\nSet every gradient to 0."),
    FUNCTION("sgd_update", sgd_update,
             "sgd_update(rows, velocity, lr, momentum)\n--\n\n"
             "velocity = momentum * velocity + grad; parameter -= lr * velocity."),
    FUNCTION("adam_update", adam_update,
             "adam_update(rows, first_moment, second_moment, lr, betas, eps, weight_decay, step)\n"
             "--\n\n"
             "Algorithm 1 of Kingma and Ba 2015, Adam: A Method for Stochastic Optimization."),
    {0},
};

/* ---- What the module has of its own, for each interpreter that imports it ---- */

static PyObject *import_from(const char *module, const char *name) {
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *object = imported ? PyObject_GetAttrString(imported, name) : NULL;
    Py_XDECREF(imported);
    return object;
}

/* Copying is the same in both engines. Imported late, because that file needs the engine. */
PyObject *copying(const char *function, PyObject *thing) {
    PyObject *found = import_from("scalargrad.engine.copying", function);
    PyObject *result = found ? PyObject_CallOneArg(found, thing) : NULL;
    Py_XDECREF(found);
    return result;
}

static int import_helpers(State *state) {
    const char *const reference = "scalargrad.engine.reference.value";
    PyObject *no_grad = NULL;
    if (!(state->is_real = import_from(reference, "is_real")) ||
        !(state->describe = import_from(reference, "describe")) ||
        !(state->iterable = import_from(reference, "iterable")) ||
        !(no_grad = import_from(reference, "no_grad")))
        return -1;
    state->decorate = PyObject_GetAttrString(no_grad, "__call__");
    Py_DECREF(no_grad);
    return state->decorate ? 0 : -1;
}

static PyTypeObject *new_type(PyObject *module, PyType_Spec *spec) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type) /* errors shall say "Value", as they do for a class written in Python */
        type->tp_name = strrchr(spec->name, '.') + 1;
    return type;
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec) {
    PyTypeObject *type = new_type(module, spec);
    if (type && PyModule_AddType(module, type))
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
    State *state = PyModule_GetState(module);
    for (int op = 0; op < OP_COUNT; op++)
        if (!(state->names[op] = PyUnicode_InternFromString(op_names[op])))
            return -1;
    if (import_helpers(state) || !(state->value_type = add_type(module, &value_spec)) ||
        !(state->vector_type = add_type(module, &vector_spec)) ||
        !(state->no_grad_type = add_type(module, &no_grad_spec)) ||
        !(state->iterator_type = new_type(module, &iterator_spec)))
        return -1;
    state->value_type->tp_vectorcall = value_vectorcall;
    state->vector_type->tp_vectorcall = vector_vectorcall;
    return register_sequence(state);
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    State *state = PyModule_GetState(module);
    Py_VISIT(state->value_type);
    Py_VISIT(state->vector_type);
    Py_VISIT(state->iterator_type);
    Py_VISIT(state->no_grad_type);
    Py_VISIT(state->is_real);
    Py_VISIT(state->describe);
    Py_VISIT(state->iterable);
    Py_VISIT(state->decorate);
    return 0;
}

static int clear(PyObject *module) {
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->value_type);
    Py_CLEAR(state->vector_type);
    Py_CLEAR(state->iterator_type);
    Py_CLEAR(state->no_grad_type);
    Py_CLEAR(state->is_real);
    Py_CLEAR(state->describe);
    Py_CLEAR(state->iterable);
    Py_CLEAR(state->decorate);
    for (int op = 0; op < OP_COUNT; op++)
        Py_CLEAR(state->names[op]);
    return 0;
}

static void free_state(void *module) {
    clear(module);
    free_lists(PyModule_GetState(module));
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
    .m_size = sizeof(State),
    .m_methods = functions,
    .m_slots = module_slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = free_state,
};

PyMODINIT_FUNC PyInit_compiled(void) {
    return PyModuleDef_Init(&definition);
}
