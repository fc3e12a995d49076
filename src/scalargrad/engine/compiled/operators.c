/* The operators and methods of Value, maximum and minimum: each makes one node.

   Those of Vector are the same functions, which leave rows to elementwise.c. */

#include "engine.h"

#define OF_NUMBERS(name, OP, sign, ...) sign,
#define OF_ROWS(OP, sign) sign,
const char *const op_names[OP_COUNT] = {
    "",
    BINARY_OPERATIONS(OF_NUMBERS)
    UNARY_OPERATIONS(OF_NUMBERS)
    ROW_OPERATIONS(OF_ROWS)
};

/* What Python raises, saying which computation it was. Without a second operand, b is not looked at. */
PyObject *raise_failure(Failure failure, Op op, const char *prefix, double a, double b) {
    PyObject *kind = failure == DIVISION_BY_ZERO ? PyExc_ZeroDivisionError
                     : failure == TOO_LARGE      ? PyExc_OverflowError
                                                 : PyExc_ValueError;
    const char *format = op < OP_NEG ? "(Ossdd)" : "(Ossd)";
    return from_arguments("failure", format, kind, prefix, op_names[op], a, b);
}

/* ---- Operands that are plain numbers ---- */

typedef PyObject *OfValues(State *state, Value *a, Value *b);

static Value *leaf_of(State *state, PyObject *x, Op op, bool right) {
    double number;
    if (as_double(x, &number, right ? "Value %s number: the number" : "number %s Value: the number",
                  op_names[op]))
        return NULL;
    return new_leaf(state, number);
}

/* The operator where one operand is a row or a number, or not what we know: then Python asks the
   other. */
static PyObject *with_others(PyObject *a, PyObject *b, Op op, OfValues *compute) {
    State *state = state_of_either(a, b);
    if (!state->value_type)
        return raise_closed();
    if (is_vector(state, a) || is_vector(state, b))
        return rows_operator(state, op, a, b);
    bool right = is_value(state, a); /* the side of the number, if there is one */
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

#define BINARY(name, OP, sign, value, failure_of, by_a, by_b) \
    static inline PyObject *name##_of_values(State *state, Value *first, Value *second) { \
        double a = data_of(first), b = data_of(second); \
        double y = value; \
        Failure failure = failure_of; \
        if (UNLIKELY(failure != FINE)) \
            return raise_failure(failure, OP_##OP, "", a, b); \
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
        return with_others(a, b, OP_##OP, name##_of_values); \
    }

BINARY_OPERATIONS(BINARY)

PyObject *operator_power(PyObject *a, PyObject *b, PyObject *modulus) {
    if (modulus != Py_None)
        Py_RETURN_NOTIMPLEMENTED;
    return operator_pow(a, b);
}

static PyObject *of_two(PyObject *module, Op op, OfValues *compute, const char *const *names,
                        PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    State *state = module_state(module);
    PyObject *operands[2];
    Value *values[2] = {NULL, NULL};
    if (parse(op_names[op], names, 2, 2, 2, args, n, keywords, operands))
        return NULL;
    if (is_vector(state, operands[0]) || is_vector(state, operands[1]))
        return rows_function(state, op, names, operands);
    for (int i = 0; i < 2; i++) {
        int real = is_real(state, operands[i]);
        if (real == 0)
            raise_type(operands[i], "a Value or a real number", "%s: %s", op_names[op],
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
        } else if (as_double(operands[i], &number, "%s: %s", op_names[op], names[i])) {
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

static const char *const a_and_b[] = {"a", "b"}, *const y_and_x[] = {"y", "x"};

PyObject *maximum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    return of_two(module, OP_MAXIMUM, maximum_of_values, a_and_b, args, n, keywords);
}

PyObject *minimum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    return of_two(module, OP_MINIMUM, minimum_of_values, a_and_b, args, n, keywords);
}

PyObject *arc_tangent(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    return of_two(module, OP_ATAN2, atan2_of_values, y_and_x, args, n, keywords);
}

/* ---- One operand ---- */

#define UNARY(name, OP, sign, value, failure_of, by_x) \
    PyObject *operator_##name(PyObject *self, PyObject *unused) { \
        (void)unused; \
        State *state = value_state(self); \
        if (!state) \
            return usable_vector(self) ? row_method(vector_state(self), OP_##OP, self) : NULL; \
        if (UNLIKELY(!usable_value(self))) \
            return NULL; \
        Value *operand = (Value *)self; \
        double x = data_of(operand); \
        double y = value; \
        Failure failure = failure_of; \
        if (UNLIKELY(failure != FINE)) \
            return raise_failure(failure, OP_##OP, "", x, 0.0); \
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

PyObject *operator_negative(PyObject *a) {
    return operator_neg(a, NULL);
}

PyObject *operator_positive(PyObject *a) {
    Py_INCREF(a);
    return a;
}

PyObject *operator_absolute(PyObject *a) {
    return operator_abs(a, NULL);
}

/* ---- Order by data; equality with anything but Values, too. Between Values that is identity. ---- */

static PyObject *compare_float(double a, PyObject *other, int comparison) {
    PyObject *number = PyFloat_FromDouble(a);
    PyObject *result = number ? PyObject_RichCompare(number, other, comparison) : NULL;
    Py_XDECREF(number);
    return result;
}

PyObject *value_compare(PyObject *self, PyObject *other, int comparison) {
    bool equality = comparison == Py_EQ || comparison == Py_NE;
    if (equality && is_value(value_state(self), other))
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
        int real = equality ? 1 : is_real(state, other);
        if (real < 0)
            return NULL;
        if (!real)
            Py_RETURN_NOTIMPLEMENTED;
        return compare_float(a, other, comparison);
    }
    Py_RETURN_RICHCOMPARE(a, b, comparison);
}
