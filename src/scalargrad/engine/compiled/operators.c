/* The operators and methods of Value, maximum and minimum: each makes one node. */

#include "engine.h"
#include "operations.h"

/* ---- Errors: the kind that Python raises, saying which computation it was ---- */

static void raise_named(Failure failure, PyObject *expression) {
    if (!expression)
        return;
    if (failure == DIVISION_BY_ZERO)
        PyErr_Format(PyExc_ZeroDivisionError, "%U: division by zero", expression);
    else if (failure == TOO_LARGE)
        PyErr_Format(PyExc_OverflowError, "%U: the result is too large for a float", expression);
    else
        PyErr_Format(PyExc_ValueError, "%U: not defined for real numbers", expression);
    Py_DECREF(expression);
}

static PyObject *raise_unary(Failure failure, const char *name, double x) {
    PyObject *number = PyFloat_FromDouble(x);
    if (number)
        raise_named(failure, PyUnicode_FromFormat("%s(%R)", name, number));
    Py_XDECREF(number);
    return NULL;
}

static PyObject *raise_binary(Failure failure, const char *name, double x, double y) {
    PyObject *a = PyFloat_FromDouble(x), *b = a ? PyFloat_FromDouble(y) : NULL;
    if (b)
        raise_named(failure, PyUnicode_FromFormat("%s%R%s %s %s%R%s", x < 0.0 ? "(" : "", a,
                                                  x < 0.0 ? ")" : "", name, y < 0.0 ? "(" : "", b,
                                                  y < 0.0 ? ")" : ""));
    Py_XDECREF(a);
    Py_XDECREF(b);
    return NULL;
}

/* ---- Operands that are plain numbers ---- */

typedef PyObject *OfValues(State *state, Value *a, Value *b);

static Value *leaf_of(State *state, PyObject *x, Op op, bool right) {
    double number;
    if (as_double(state, x, &number, right ? "Value %s number: the number" : "number %s Value: the number",
                  op_names[op]))
        return NULL;
    return new_leaf(state, number);
}

/* The operator where one operand is a number, or not what we know: then Python asks the other. */
static PyObject *with_number(PyObject *a, PyObject *b, Op op, OfValues *compute) {
    State *state = value_state(a);
    bool right = state != NULL; /* the side of the number, if there is one */
    if (!right)
        state = value_state(b);
    PyObject *number = right ? b : a;
    if (right && is_value(state, b))
        return usable_value(a) && usable_value(b) ? compute(state, (Value *)a, (Value *)b) : NULL;
    if (!PyFloat_CheckExact(number)) {
        int real = is_real(state, number);
        if (real < 0)
            return NULL;
        if (!real)
            Py_RETURN_NOTIMPLEMENTED;
    }
    Value *leaf = usable_value(right ? a : b) ? leaf_of(state, number, op, right) : NULL;
    if (!leaf)
        return NULL;
    PyObject *result = right ? compute(state, (Value *)a, leaf) : compute(state, leaf, (Value *)b);
    Py_DECREF(leaf);
    return result;
}

/* ---- Two operands ---- */

#define BINARY(name, OP, value, failure_of, by_a, by_b) \
    static inline PyObject *name##_of_values(State *state, Value *first, Value *second) { \
        double a = data_of(first), b = data_of(second); \
        double y = value; \
        Failure failure = failure_of; \
        if (UNLIKELY(failure != FINE)) \
            return raise_binary(failure, op_names[OP_##OP], a, b); \
        if (UNLIKELY(!recording(state))) \
            return (PyObject *)new_leaf(state, y); \
        Value *node = allocate_node(state, 2, BINARY, OP_##OP); \
        if (UNLIKELY(!node)) \
            return NULL; \
        node->data = y; \
        Py_INCREF(first); \
        Py_INCREF(second); \
        node->edges[0] = (Edge){first, by_a}; \
        node->edges[1] = (Edge){second, by_b}; \
        return (PyObject *)node; \
    } \
    PyObject *operator_##name(PyObject *a, PyObject *b) { \
        if (LIKELY(is_exact_value(a))) { \
            State *state = state_of_type(Py_TYPE(a)); \
            if (LIKELY(Py_TYPE(a) == Py_TYPE(b))) \
                return name##_of_values(state, (Value *)a, (Value *)b); \
            if (PyFloat_CheckExact(b)) { \
                Value *leaf = new_leaf(state, PyFloat_AS_DOUBLE(b)); \
                PyObject *result = leaf ? name##_of_values(state, (Value *)a, leaf) : NULL; \
                Py_XDECREF(leaf); \
                return result; \
            } \
        } \
        return with_number(a, b, OP_##OP, name##_of_values); \
    }

BINARY_OPERATIONS(BINARY)

static PyObject *of_two(PyObject *module, Op op, OfValues *compute, PyObject *const *args,
                        Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"a", "b"};
    State *state = module_state(module);
    PyObject *operands[2];
    Value *values[2] = {NULL, NULL};
    if (parse(op_names[op], names, 2, 2, 2, args, n, keywords, operands))
        return NULL;
    for (int i = 0; i < 2; i++) {
        int real = is_real(state, operands[i]);
        if (real == 0)
            raise_type(state, operands[i], "a Value or a real number", "%s: %s", op_names[op],
                       names[i]);
        if (real <= 0)
            return NULL;
    }
    PyObject *result = NULL;
    for (int i = 0; i < 2; i++) {
        double number;
        if (is_value(state, operands[i])) {
            if (!usable_value(operands[i]))
                goto done;
            Py_INCREF(operands[i]);
            values[i] = (Value *)operands[i];
        } else if (as_double(state, operands[i], &number, "%s: %s", op_names[op], names[i])) {
            goto done;
        } else if (!(values[i] = new_leaf(state, number))) {
            goto done;
        }
    }
    result = compute(state, values[0], values[1]);
done:
    Py_XDECREF(values[0]);
    Py_XDECREF(values[1]);
    return result;
}

PyObject *maximum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    return of_two(module, OP_MAXIMUM, maximum_of_values, args, n, keywords);
}

PyObject *minimum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    return of_two(module, OP_MINIMUM, minimum_of_values, args, n, keywords);
}

/* ---- One operand ---- */

#define UNARY(name, OP, value, failure_of, by_x) \
    PyObject *operator_##name(PyObject *self, PyObject *unused) { \
        (void)unused; \
        State *state = usable_value(self); \
        if (UNLIKELY(!state)) \
            return NULL; \
        Value *operand = (Value *)self; \
        double x = data_of(operand); \
        double y = value; \
        Failure failure = failure_of; \
        if (UNLIKELY(failure != FINE)) \
            return raise_unary(failure, op_names[OP_##OP], x); \
        if (UNLIKELY(!recording(state))) \
            return (PyObject *)new_leaf(state, y); \
        Value *node = allocate_node(state, 1, UNARY, OP_##OP); \
        if (UNLIKELY(!node)) \
            return NULL; \
        node->data = y; \
        Py_INCREF(operand); \
        node->edges[0] = (Edge){operand, by_x}; \
        return (PyObject *)node; \
    }

UNARY_OPERATIONS(UNARY)

/* ---- Order: by data, and against anything else as a float would compare ---- */

PyObject *value_compare(PyObject *self, PyObject *other, int comparison) {
    if (comparison == Py_EQ || comparison == Py_NE) /* identity */
        Py_RETURN_NOTIMPLEMENTED;
    State *state = usable_value(self);
    if (!state)
        return NULL;
    double a = data_of((Value *)self), b;
    if (is_value(state, other)) {
        if (!usable_value(other))
            return NULL;
        b = data_of((Value *)other);
    } else if (PyFloat_CheckExact(other)) {
        b = PyFloat_AS_DOUBLE(other);
    } else {
        int real = is_real(state, other);
        if (real < 0)
            return NULL;
        if (!real)
            Py_RETURN_NOTIMPLEMENTED;
        PyObject *number = PyFloat_FromDouble(a);
        PyObject *result = number ? PyObject_RichCompare(number, other, comparison) : NULL;
        Py_XDECREF(number);
        return result;
    }
    Py_RETURN_RICHCOMPARE(a, b, comparison);
}
