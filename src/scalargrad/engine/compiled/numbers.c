/* What counts as a number, what an error says it got instead, and reading arguments.

   What is rare here, such as telling whether an object of an unknown class is a number, is left to
   the Python functions of reference/value.py. */

#include "engine.h"

/* Whether x is a Value or a plain real number: 1 or 0, or -1 with an exception set. */
int is_real(State *state, PyObject *x) {
    if (PyFloat_Check(x) || PyLong_Check(x) || is_value(state, x))
        return 1;
    PyObject *answer = PyObject_CallOneArg(state->is_real, x);
    if (!answer)
        return -1;
    int real = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return real;
}

static PyObject *describe(State *state, PyObject *x) {
    return is_value(state, x) ? PyUnicode_FromString("a Value")
                              : PyObject_CallOneArg(state->describe, x);
}

static void raise_type_v(State *state, PyObject *got, const char *expected, const char *argument,
                         va_list values) {
    PyObject *name = PyUnicode_FromFormatV(argument, values);
    PyObject *description = name ? describe(state, got) : NULL;
    if (description)
        PyErr_Format(PyExc_TypeError, "%U must be %s, got %U", name, expected, description);
    Py_XDECREF(name);
    Py_XDECREF(description);
}

/* TypeError: `argument`, which is formatted, must be `expected`. */
void raise_type(State *state, PyObject *got, const char *expected, const char *argument, ...) {
    va_list values;
    va_start(values, argument);
    raise_type_v(state, got, expected, argument, values);
    va_end(values);
}

static int to_double(PyObject *x, double *number) {
    if (PyLong_CheckExact(x)) {
        *number = PyLong_AsDouble(x);
        return *number == -1.0 && PyErr_Occurred() ? -1 : 0;
    }
    PyObject *converted = PyNumber_Float(x);
    if (!converted)
        return -1;
    *number = PyFloat_AS_DOUBLE(converted);
    Py_DECREF(converted);
    return 0;
}

/* x as a double, or -1 with an exception that names the argument, which is formatted. */
int as_double(State *state, PyObject *x, double *number, const char *argument, ...) {
    if (PyFloat_CheckExact(x)) {
        *number = PyFloat_AS_DOUBLE(x);
        return 0;
    }
    int real = is_value(state, x) ? 0 : is_real(state, x);
    if (real > 0 && !to_double(x, number))
        return 0;
    va_list values;
    va_start(values, argument);
    if (!real && is_value(state, x)) {
        raise_type_v(state, x, "a real number", argument, values);
        PyObject *type, *message, *traceback;
        PyErr_Fetch(&type, &message, &traceback);
        if (PyErr_GivenExceptionMatches(type, PyExc_TypeError))
            PyErr_Format(type, "%S; use its .data, or .detach() for a leaf", message);
        else
            PyErr_Restore(type, message, traceback), type = message = traceback = NULL;
        Py_XDECREF(type);
        Py_XDECREF(message);
        Py_XDECREF(traceback);
    } else if (!real) {
        raise_type_v(state, x, "a real number", argument, values);
    } else if (real > 0 && PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        PyObject *name = PyUnicode_FromFormatV(argument, values);
        if (name)
            PyErr_Format(PyExc_OverflowError, "%U is too large for a float", name);
        Py_XDECREF(name);
    }
    va_end(values);
    return -1;
}

/* iter(x), or a TypeError that says it must be iterable. */
int iterator_of(State *state, PyObject *x, const char *argument, PyObject **iterator) {
    *iterator = PyObject_GetIter(x);
    if (*iterator)
        return 0;
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        raise_type(state, x, "an iterable", "%s", argument);
    }
    return -1;
}

/* ---- Arguments ---- */

static Py_ssize_t position_of(const char *const *names, int count, PyObject *name) {
    for (int i = 0; i < count; i++)
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0)
            return i;
    return -1;
}

/* The arguments of a call in the order of their names, NULL where there is none; borrowed. The
   first `required` must be there, and only the first `positional` may come without their names. */
int parse(const char *function, const char *const *names, int required, int positional, int count,
          PyObject *const *args, Py_ssize_t given, PyObject *keywords, PyObject **into) {
    if (given > positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional argument%s but %zd were given",
                     function, positional, positional == 1 ? "" : "s", given);
        return -1;
    }
    for (int i = 0; i < count; i++)
        into[i] = i < given ? args[i] : NULL;
    Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, i);
        Py_ssize_t position = position_of(names, count, name);
        if (position < 0 || into[position]) {
            PyErr_Format(PyExc_TypeError,
                         position < 0 ? "%s() got an unexpected keyword argument '%U'"
                                      : "%s() got multiple values for argument '%U'",
                         function, name);
            return -1;
        }
        into[position] = args[given + i];
    }
    for (int i = 0; i < required; i++) {
        if (!into[i]) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument: '%s'", function,
                         names[i]);
            return -1;
        }
    }
    return 0;
}
