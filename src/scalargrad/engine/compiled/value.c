/* The type Value: making one by hand, its attributes, and how it prints. */

#include "docstrings.h"
#include "engine.h"

/* ---- Making one: Value(data, parents, local_grads, op=, label=) ---- */

static PyObject *checked_parents(State *state, PyObject *parents) {
    if (PyTuple_CheckExact(parents)) {
        Py_INCREF(parents);
    } else {
        PyObject *iterator = iterator_of(parents, "Value", PyUnicode_FromString("parents"));
        parents = iterator ? PySequence_Tuple(iterator) : NULL;
        Py_XDECREF(iterator);
        if (!parents)
            return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parents); i++) {
        PyObject *parent = PyTuple_GET_ITEM(parents, i);
        if (!is_value(state, parent)) {
            raise_type(parent, "a Value", "Value: parents[%zd]", i);
            Py_DECREF(parents);
            return NULL;
        }
        if (!usable_value(parent)) { /* it could become its own parent */
            Py_DECREF(parents);
            return NULL;
        }
    }
    return parents;
}

/* The numbers that local_grads gives, as an array to be freed, and what they came from; NULL on
   failure. */
static double *checked_local_grads(State *state, PyObject *local_grads, PyObject **items) {
    PyObject *iterator = iterator_of(local_grads, "Value", PyUnicode_FromString("local_grads"));
    *items = iterator ? PySequence_Tuple(iterator) : NULL;
    Py_XDECREF(iterator);
    if (!*items)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(*items);
    double *numbers = allocate(count * (Py_ssize_t)sizeof(double));
    int failed = !numbers;
    for (Py_ssize_t i = 0; i < count && !failed; i++) { /* before converting runs Python code */
        PyObject *item = PyTuple_GET_ITEM(*items, i);
        if (is_value(state, item) && !(failed = !usable_value(item)))
            numbers[i] = data_of((Value *)item);
    }
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        PyObject *item = PyTuple_GET_ITEM(*items, i);
        if (!is_value(state, item))
            failed = as_double(item, &numbers[i], "Value: local_grads[%zd]", i);
    }
    if (!failed)
        return numbers;
    PyMem_Free(numbers);
    Py_CLEAR(*items);
    return NULL;
}

static bool has_values(State *state, PyObject *items) {
    for (Py_ssize_t i = 0; items && i < PyTuple_GET_SIZE(items); i++)
        if (is_value(state, PyTuple_GET_ITEM(items, i)))
            return true;
    return false;
}

/* What is said of how a Value came about; all NULL for a leaf. */
typedef struct {
    PyObject *parents, *derivatives; /* tuples */
    double *local_grads;             /* the numbers of the derivatives */
    PyObject *op;
} Origin;

static void release_origin(Origin *origin) {
    Py_XDECREF(origin->parents);
    Py_XDECREF(origin->derivatives);
    Py_XDECREF(origin->op);
    PyMem_Free(origin->local_grads);
}

static void fill(Edge *edges, const Origin *origin, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        Value *parent = (Value *)PyTuple_GET_ITEM(origin->parents, i);
        Py_INCREF(parent);
        edges[i] = (Edge){parent, origin->local_grads[i]};
    }
}

static Custom *new_custom(State *state, const Origin *origin, Py_ssize_t count) {
    Py_ssize_t each = (Py_ssize_t)(sizeof(Edge) + sizeof(Value *));
    Py_ssize_t most = (PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(Custom)) / each;
    Custom *custom = allocate(count > most ? -1 : (Py_ssize_t)sizeof(Custom) + count * each);
    if (!custom)
        return NULL;
    custom->op = origin->op;
    Py_XINCREF(custom->op);
    custom->count = count;
    fill(custom->edges, origin, count);
    custom->derivatives = NULL;
    if (!has_values(state, origin->derivatives))
        return custom;
    custom->derivatives = (Value **)&custom->edges[count];
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(origin->derivatives, i);
        custom->derivatives[i] = is_value(state, item) ? (Value *)Py_NewRef(item) : NULL;
    }
    return custom;
}

/* Give the blank node v its kind and edges, or a new node if v is NULL; NULL on failure. */
static Value *with_edges(State *state, Value *v, const Origin *origin) {
    Py_ssize_t count = origin->parents ? PyTuple_GET_SIZE(origin->parents) : 0;
    bool named = origin->op && PyUnicode_GET_LENGTH(origin->op) > 0;
    bool plain = !named && count <= 2 && !has_values(state, origin->derivatives);
    Custom *custom = plain ? NULL : new_custom(state, origin, count);
    if (!plain && !custom)
        return NULL;
    if (!v && !(v = allocate_node(state, plain ? (int)count : 1, LEAF, OP_NONE))) {
        if (custom)
            release_custom(custom);
        return NULL;
    }
    v->op = OP_NONE;
    v->kind = plain ? (Kind)count : CUSTOM;
    if (plain)
        fill(v->edges, origin, count);
    else
        v->custom = custom;
    return v;
}

/* Make the blank node v what the arguments say, or a new node if v is NULL; NULL on failure. */
static Value *initialise(State *state, Value *v, PyObject *const *given) {
    Origin origin = {0};
    PyObject *label = NULL;
    double data;
    Value *made = NULL;
    if (as_double(given[0], &data, "Value: data"))
        return NULL;
    if ((given[1] && !(origin.parents = checked_parents(state, given[1]))) ||
        (given[2] &&
         !(origin.local_grads = checked_local_grads(state, given[2], &origin.derivatives))))
        goto done;
    Py_ssize_t count = origin.parents ? PyTuple_GET_SIZE(origin.parents) : 0;
    Py_ssize_t grads = origin.derivatives ? PyTuple_GET_SIZE(origin.derivatives) : 0;
    if (count != grads) {
        PyErr_Format(PyExc_ValueError,
                     "Value: parents has length %zd but local_grads has length %zd; "
                     "give one local derivative per parent",
                     count, grads);
        goto done;
    }
    if ((given[3] && !(origin.op = as_text(given[3], "Value: op"))) ||
        (given[4] && !(label = as_text(given[4], "Value: label"))))
        goto done;
    if (v && v->op != OP_BLANK) {
        PyErr_SetString(PyExc_TypeError,
                        "Value: a node is made once; write to its data, or make a new Value");
        goto done;
    }
    made = with_edges(state, v, recording(state) ? &origin : &(Origin){0});
    if (!made)
        goto done;
    made->data = data;
    if (label && PyUnicode_GET_LENGTH(label)) {
        made->label = label;
        label = NULL;
    }
done:
    release_origin(&origin);
    Py_XDECREF(label);
    return made;
}

static const char *const parameters[] = {"data", "parents", "local_grads", "op", "label"};

PyObject *value_vectorcall(PyObject *type, PyObject *const *args, size_t n, PyObject *keywords) {
    State *state = state_of_type((PyTypeObject *)type);
    PyObject *given[5];
    if (PyVectorcall_NARGS(n) == 1 && !keywords && PyFloat_CheckExact(args[0]))
        return (PyObject *)new_leaf(state, PyFloat_AS_DOUBLE(args[0]));
    if (parse("Value.__init__", parameters, 1, 3, 5, args, PyVectorcall_NARGS(n), keywords, given))
        return NULL;
    return (PyObject *)initialise(state, NULL, given);
}

static PyObject *value_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    (void)args, (void)keywords; /* subclasses may take others; __init__ checks its own */
    if (type->tp_dealloc == value_dealloc) {
        PyErr_SetString(PyExc_TypeError, "Value.__new__ is for subclasses; write Value(data)");
        return NULL;
    }
    Value *v = (Value *)new_object(type); /* with room for two edges */
    if (v) {
        v->kind = LEAF;
        v->op = OP_BLANK;
    }
    return (PyObject *)v;
}

static int value_init(PyObject *self, PyObject *args, PyObject *keywords) {
    PyObject *given[5];
    if (parse_call("Value.__init__", parameters, 1, 3, 5, args, keywords, given))
        return -1;
    return initialise(value_state(self), (Value *)self, given) ? 0 : -1;
}

/* A node of an operation of the table, with a result that the operation itself would raise for. */
PyObject *ieee_node(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"name", "data", "parents", "local_grads"};
    State *state = module_state(module);
    PyObject *given[4];
    Origin origin = {0};
    double data;
    Value *made = NULL;
    if (parse("ieee_node", names, 4, 4, 4, args, n, keywords, given) ||
        as_double(given[1], &data, "ieee_node: data"))
        return NULL;
    Op op = OP_ADD;
    while (op < OP_COUNT && PyUnicode_Compare(state->names[op], given[0]))
        op++;
    if ((origin.parents = checked_parents(state, given[2])) &&
        (origin.local_grads = checked_local_grads(state, given[3], &origin.derivatives))) {
        Py_ssize_t count = PyTuple_GET_SIZE(origin.parents);
        if (op == OP_COUNT || count != PyTuple_GET_SIZE(origin.derivatives) || count < 1 || count > 2)
            PyErr_SetString(PyExc_ValueError, "ieee_node: no such operation");
        else if (!recording(state))
            made = new_leaf(state, data);
        else if ((made = with_edges(state, NULL, &origin)))
            made->op = op, made->data = data;
    }
    release_origin(&origin);
    return (PyObject *)made;
}

/* ---- Attributes ---- */

static PyObject *get_data(PyObject *self, void *unused) {
    (void)unused;
    return usable_value(self) ? PyFloat_FromDouble(data_of((Value *)self)) : NULL;
}

static int set_data(PyObject *self, PyObject *value, void *unused) {
    (void)unused;
    Value *v = (Value *)self;
    State *state = usable_value(self);
    double number;
    if (!state || check_not_deleted(self, value, "data") || as_double(value, &number, "Value.data"))
        return -1;
    if (v->kind == ELEMENT) {
        double *numbers = writable_numbers(state, v->block);
        if (!numbers)
            return -1;
        numbers[v->index] = number;
    } else {
        v->data = number;
    }
    return 0;
}

static PyObject *get_grad(PyObject *self, void *unused) {
    (void)unused;
    return usable_value(self) ? PyFloat_FromDouble(*grad_of((Value *)self)) : NULL;
}

static int set_grad(PyObject *self, PyObject *value, void *unused) {
    (void)unused;
    State *state = usable_value(self);
    double number;
    if (!state || check_not_deleted(self, value, "grad") || as_double(value, &number, "Value.grad"))
        return -1;
    *grad_of((Value *)self) = number;
    return 0;
}

static PyObject *get_label(PyObject *self, void *unused) {
    (void)unused;
    Value *v = (Value *)self;
    State *state = usable_value(self);
    if (!state)
        return NULL;
    PyObject *label = v->kind != ELEMENT   ? v->label
                      : v->block->labels ? v->block->labels[v->index]
                                         : NULL;
    Py_XINCREF(label);
    return label ? label : name_of(state, OP_NONE);
}

static int set_label(PyObject *self, PyObject *value, void *unused) {
    (void)unused;
    Value *v = (Value *)self;
    State *state = usable_value(self);
    PyObject *label;
    if (!state || check_not_deleted(self, value, "label") ||
        !(label = as_text(value, "Value.label")))
        return -1;
    if (v->kind == ELEMENT) {
        int failed = set_element_label(v, label);
        Py_DECREF(label);
        return failed;
    }
    Py_XSETREF(v->label, label);
    return 0;
}

static PyObject *get_parents(PyObject *self, void *unused) {
    (void)unused;
    Value *v = (Value *)self;
    State *state = usable_value(self);
    if (!state)
        return NULL;
    if (v->kind == ELEMENT)
        return element_parents(state, v);
    Py_ssize_t count;
    const Edge *edges = edges_of(v, &count);
    PyObject *parents = PyTuple_New(count);
    for (Py_ssize_t i = 0; parents && i < count; i++)
        put(&parents, i, Py_NewRef(edges[i].parent));
    return parents;
}

static PyObject *get_local_grads(PyObject *self, void *unused) {
    (void)unused;
    Value *v = (Value *)self;
    if (!usable_value(self))
        return NULL;
    if (v->kind == ELEMENT)
        return element_local_grads(v);
    Py_ssize_t count;
    const Edge *edges = edges_of(v, &count);
    PyObject *grads = PyTuple_New(count);
    for (Py_ssize_t i = 0; grads && i < count; i++)
        put(&grads, i, PyFloat_FromDouble(edges[i].local_grad));
    return grads;
}

static PyObject *get_op(PyObject *self, void *unused) {
    (void)unused;
    Value *v = (Value *)self;
    State *state = usable_value(self);
    if (!state)
        return NULL;
    if (v->kind == CUSTOM && v->custom->op) {
        Py_INCREF(v->custom->op);
        return v->custom->op;
    }
    return name_of(state, v->kind == ELEMENT && v->block->made ? v->block->made->op : v->op);
}

static PyGetSetDef attributes[] = {
    {"data", get_data, set_data, DOC_Value_data, NULL},
    {"grad", get_grad, set_grad, DOC_Value_grad, NULL},
    {"label", get_label, set_label, DOC_Value_label, NULL},
    {"parents", get_parents, refuse_to_write, DOC_Value_parents, "parents"},
    {"local_grads", get_local_grads, refuse_to_write, DOC_Value_local_grads, "local_grads"},
    {"op", get_op, refuse_to_write, DOC_Value_op, "op"},
    {0},
};

/* ---- Behaving like a number, except where that would silently lose the gradient ---- */

static int value_bool(PyObject *self) {
    return usable_value(self) ? data_of((Value *)self) != 0.0 : -1;
}

static PyObject *value_float(PyObject *self) {
    (void)self;
    PyErr_SetString(PyExc_TypeError,
                    "float(Value) would lose the gradient: write v.data for the number, "
                    "or use a method such as v.exp() instead of math.exp(v)");
    return NULL;
}

static Py_hash_t value_hash(PyObject *self) {
    return PyBaseObject_Type.tp_hash(self); /* identity */
}

static PyObject *value_repr(PyObject *self) {
    if (!usable_value(self))
        return NULL;
    PyObject *data = get_data(self, NULL), *grad = get_grad(self, NULL);
    PyObject *label = get_label(self, NULL), *text = NULL;
    if (data && grad && label)
        text = PyUnicode_GET_LENGTH(label)
                   ? PyUnicode_FromFormat("Value(data=%R, grad=%R, label=%R)", data, grad, label)
                   : PyUnicode_FromFormat("Value(data=%R, grad=%R)", data, grad);
    Py_XDECREF(data);
    Py_XDECREF(grad);
    Py_XDECREF(label);
    return text;
}

static PyObject *value_format(PyObject *self, PyObject *spec) {
    if (!PyUnicode_Check(spec))
        return PyErr_Format(PyExc_TypeError, "format() argument 2 must be str, not %s",
                            spec == Py_None ? "None" : Py_TYPE(spec)->tp_name);
    if (!PyUnicode_GET_LENGTH(spec))
        return PyObject_Repr(self);
    PyObject *data = get_data(self, NULL);
    PyObject *text = data ? PyObject_Format(data, spec) : NULL;
    Py_XDECREF(data);
    return text;
}

static PyObject *value_detach(PyObject *self, PyObject *unused) {
    (void)unused;
    State *state = usable_value(self);
    return state ? (PyObject *)new_leaf(state, data_of((Value *)self)) : NULL;
}

static PyObject *value_reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    return call("scalargrad.engine.copying", "reduced_value", "(O)", self);
}

static PyObject *value_conjugate(PyObject *self, PyObject *unused) {
    (void)unused;
    return operator_positive(self);
}

static PyObject *value_place(PyObject *self, PyObject *unused) {
    (void)unused;
    Value *v = (Value *)self;
    if (v->kind != ELEMENT)
        Py_RETURN_NONE;
    return Py_BuildValue("Nnn", PyLong_FromVoidPtr(v->block), v->index, v->block->count);
}

/* ---- The type ---- */

#define SELF "($self)\n--\n\n"
#define METHOD(name, function) {#name, function, METH_NOARGS, #name SELF DOC_Value_##name}
#define OPERATOR(name, ...) {#name, operator_##name, METH_NOARGS, #name SELF DOC_Methods_##name},

static PyMethodDef methods[] = {
    {"backward", (PyCFunction)(void (*)(void))value_backward, METH_FASTCALL | METH_KEYWORDS,
     "backward($self, grad=1.0)\n--\n\n" DOC_Value_backward},
    METHOD(detach, value_detach),
    METHODS(OPERATOR)
    {"abs", operator_abs, METH_NOARGS, "abs" SELF DOC_Methods_abs},
    {"conjugate", value_conjugate, METH_NOARGS, "conjugate" SELF DOC_Methods_conjugate},
    {"_history", value_history, METH_NOARGS,
     "_history" SELF "How it came about: the operation, the inputs, what it is part of, a setting."},
    {"_unchanged", value_unchanged, METH_NOARGS,
     "_unchanged" SELF "Whether what its row was computed with is still the data."},
    {"_place", value_place, METH_NOARGS,
     "_place" SELF "For an element of a row: a number that tells live rows apart, its index, the length."},
    MIME_BUNDLE("Value"),
    {"__format__", value_format, METH_O, NULL},
    {"__reduce__", value_reduce, METH_NOARGS, NULL},
    {0},
};

PyDoc_STRVAR(doc, "Value(data, parents=(), local_grads=(), *, op='', label='')\n--\n\n" DOC_Value);

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_new, value_new},
    {Py_tp_init, value_init},
    {Py_tp_dealloc, value_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_repr, value_repr},
    {Py_tp_hash, value_hash},
    {Py_tp_richcompare, value_compare},
    {Py_nb_add, operator_add},
    {Py_nb_subtract, operator_sub},
    {Py_nb_multiply, operator_mul},
    {Py_nb_true_divide, operator_div},
    {Py_nb_power, operator_power},
    {Py_nb_negative, operator_negative},
    {Py_nb_positive, operator_positive},
    {Py_nb_absolute, operator_absolute},
    {Py_nb_bool, value_bool},
    {Py_nb_float, value_float},
    {0},
};

PyType_Spec value_spec = {
    .name = "scalargrad.engine.compiled.Value",
    .basicsize = sizeof(Value),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};
