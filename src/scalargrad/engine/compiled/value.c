/* The type Value: making one by hand, its attributes, and how it prints. */

#include "docstrings.h"
#include "engine.h"

/* ---- Making one: Value(data, parents, local_grads, op=, label=) ---- */

static PyObject *checked_parents(State *state, PyObject *parents) {
    if (PyTuple_CheckExact(parents)) {
        Py_INCREF(parents);
    } else {
        PyObject *iterator = iterator_of(state, parents, "Value", PyUnicode_FromString("parents"));
        parents = iterator ? PySequence_Tuple(iterator) : NULL;
        Py_XDECREF(iterator);
        if (!parents)
            return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parents); i++) {
        PyObject *parent = PyTuple_GET_ITEM(parents, i);
        if (!is_value(state, parent)) {
            raise_type(state, parent, "a Value", "Value: parents[%zd]", i);
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

/* The numbers that local_grads gives, as an array of at least one; NULL on failure. */
static double *checked_local_grads(State *state, PyObject *local_grads, Py_ssize_t *count) {
    PyObject *iterator = iterator_of(state, local_grads, "Value", PyUnicode_FromString("local_grads"));
    PyObject *item = NULL;
    if (!iterator)
        return NULL;
    Py_ssize_t size = 4;
    double *numbers = allocate(size * (Py_ssize_t)sizeof(double));
    *count = 0;
    while (numbers && (item = PyIter_Next(iterator))) {
        double number;
        int failed = as_double(state, item, &number, "Value: local_grads[%zd]", *count);
        Py_DECREF(item);
        if (!failed && *count == size) {
            double *larger = PyMem_Realloc(numbers, (size *= 2) * sizeof(double));
            if (larger)
                numbers = larger;
            else
                PyErr_NoMemory(), failed = -1;
        }
        if (failed)
            break;
        numbers[(*count)++] = number;
    }
    Py_DECREF(iterator);
    if (numbers && PyErr_Occurred()) {
        PyMem_Free(numbers);
        return NULL;
    }
    return numbers;
}

/* Give the blank node v its kind and edges, or a new node if v is NULL; NULL on failure. */
static Value *with_edges(State *state, Value *v, PyObject *parents, const double *local_grads,
                         PyObject *op) {
    Py_ssize_t count = parents ? PyTuple_GET_SIZE(parents) : 0;
    bool named = op && PyUnicode_GET_LENGTH(op) > 0;
    Custom *custom = NULL;
    if (named || count > 2) {
        Py_ssize_t most = (PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(Custom)) / (Py_ssize_t)sizeof(Edge);
        custom = allocate(count > most ? -1 : (Py_ssize_t)(sizeof(Custom) + count * sizeof(Edge)));
        if (!custom)
            return NULL;
    }
    if (!v && !(v = allocate_node(state, custom ? 1 : (int)count, LEAF, OP_NONE))) {
        PyMem_Free(custom);
        return NULL;
    }
    Edge *edges = custom ? custom->edges : v->edges;
    for (Py_ssize_t i = 0; i < count; i++) {
        Value *parent = (Value *)PyTuple_GET_ITEM(parents, i);
        Py_INCREF(parent);
        edges[i] = (Edge){parent, local_grads[i]};
    }
    v->op = OP_NONE;
    v->kind = custom ? CUSTOM : (Kind)count;
    if (custom) {
        custom->op = named ? op : NULL;
        Py_XINCREF(custom->op);
        custom->count = count;
        v->custom = custom;
    }
    return v;
}

/* Make the blank node v what the arguments say, or a new node if v is NULL; NULL on failure. */
static Value *initialise(State *state, Value *v, PyObject *const *given) {
    PyObject *parents = NULL, *op = NULL, *label = NULL;
    double *local_grads = NULL, data;
    Py_ssize_t count = 0, grads = 0;
    Value *made = NULL;
    if (as_double(state, given[0], &data, "Value: data"))
        return NULL;
    if (given[1]) {
        if (!(parents = checked_parents(state, given[1])))
            return NULL;
        count = PyTuple_GET_SIZE(parents);
    }
    if (given[2] && !(local_grads = checked_local_grads(state, given[2], &grads)))
        goto done;
    if (count != grads) {
        PyErr_Format(PyExc_ValueError,
                     "Value: parents has length %zd but local_grads has length %zd; "
                     "give one local derivative per parent",
                     count, grads);
        goto done;
    }
    if ((given[3] && !(op = as_text(state, given[3], "Value: op"))) ||
        (given[4] && !(label = as_text(state, given[4], "Value: label"))))
        goto done;
    if (v && v->op != OP_BLANK) {
        PyErr_SetString(PyExc_TypeError,
                        "Value: a node is made once; write to its data, or make a new Value");
        goto done;
    }
    made = recording(state) ? with_edges(state, v, parents, local_grads, op)
                            : with_edges(state, v, NULL, NULL, NULL);
    if (!made)
        goto done;
    made->data = data;
    if (label && PyUnicode_GET_LENGTH(label)) {
        made->label = label;
        label = NULL;
    }
done:
    Py_XDECREF(parents);
    Py_XDECREF(op);
    Py_XDECREF(label);
    PyMem_Free(local_grads);
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
    PyObject *given[4], *parents = NULL;
    double data, *local_grads = NULL;
    Py_ssize_t count;
    Value *made = NULL;
    if (parse("ieee_node", names, 4, 4, 4, args, n, keywords, given) ||
        as_double(state, given[1], &data, "ieee_node: data"))
        return NULL;
    Op op = OP_ADD;
    while (op < OP_COUNT && PyUnicode_Compare(state->names[op], given[0]))
        op++;
    if ((parents = checked_parents(state, given[2])) &&
        (local_grads = checked_local_grads(state, given[3], &count))) {
        if (op == OP_COUNT || count != PyTuple_GET_SIZE(parents) || count < 1 || count > 2)
            PyErr_SetString(PyExc_ValueError, "ieee_node: no such operation");
        else if (!recording(state))
            made = new_leaf(state, data);
        else if ((made = with_edges(state, NULL, parents, local_grads, NULL)))
            made->op = op, made->data = data;
    }
    Py_XDECREF(parents);
    PyMem_Free(local_grads);
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
    if (!state || check_not_deleted(value, "data") || as_double(state, value, &number, "Value.data"))
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
    if (!state || check_not_deleted(value, "grad") || as_double(state, value, &number, "Value.grad"))
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
    PyObject *label = v->kind == ELEMENT ? element_label(v) : v->label;
    Py_XINCREF(label);
    return label ? label : name_of(state, OP_NONE);
}

static int set_label(PyObject *self, PyObject *value, void *unused) {
    (void)unused;
    Value *v = (Value *)self;
    State *state = usable_value(self);
    PyObject *label;
    if (!state || check_not_deleted(value, "label") ||
        !(label = as_text(state, value, "Value.label")))
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
    for (Py_ssize_t i = 0; parents && i < count; i++) {
        Py_INCREF(edges[i].parent);
        PyTuple_SET_ITEM(parents, i, (PyObject *)edges[i].parent);
    }
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
    for (Py_ssize_t i = 0; grads && i < count; i++) {
        PyObject *grad = PyFloat_FromDouble(edges[i].local_grad);
        if (!grad) {
            Py_CLEAR(grads);
            break;
        }
        PyTuple_SET_ITEM(grads, i, grad);
    }
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
    {"parents", get_parents, NULL, DOC_Value_parents, NULL},
    {"local_grads", get_local_grads, NULL, DOC_Value_local_grads, NULL},
    {"op", get_op, NULL, DOC_Value_op, NULL},
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
    return copying("reduced_value", self);
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

static PyObject *value_mime_bundle(PyObject *self, PyObject *args, PyObject *keywords) {
    PyObject *graph = PyImport_ImportModule("scalargrad.graph");
    PyObject *mime_bundle = graph ? PyObject_GetAttrString(graph, "mime_bundle") : NULL;
    PyObject *bound = mime_bundle ? PyMethod_New(mime_bundle, self) : NULL;
    PyObject *bundle = bound ? PyObject_Call(bound, args, keywords) : NULL;
    Py_XDECREF(graph);
    Py_XDECREF(mime_bundle);
    Py_XDECREF(bound);
    return bundle;
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
    {"conjugate", value_conjugate, METH_NOARGS, "conjugate" SELF DOC_Methods_conjugate},
    {"_history", value_history, METH_NOARGS,
     "_history" SELF "How it came about: the operation, the inputs, what it is part of, a setting."},
    {"_unchanged", value_unchanged, METH_NOARGS,
     "_unchanged" SELF "Whether what its row was computed with is still the data."},
    {"_place", value_place, METH_NOARGS,
     "_place" SELF "For an element of a row: a number that tells live rows apart, its index, the length."},
    {"_repr_mimebundle_", (PyCFunction)(void (*)(void))value_mime_bundle,
     METH_VARARGS | METH_KEYWORDS,
     "_repr_mimebundle_($self, include=None, exclude=None)\n--\n\n"
     "How a notebook shows this Value: see scalargrad.graph.mime_bundle."},
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
