/* What counts as a number, what an error says it got instead, and reading arguments.

   What is rare here, such as telling whether an object of an unknown class is a number, is left to
   the Python functions of engine/arguments.py. */

#include "engine.h"

/* What a function of a Python module says; NULL if it raises. */
static PyObject *call_v(const char *module, const char *function, const char *format, va_list values) {
    PyObject *arguments = Py_VaBuildValue(format, values);
    PyObject *found = arguments ? import_from(module, function) : NULL;
    PyObject *result = found ? PyObject_CallObject(found, arguments) : NULL;
    Py_XDECREF(arguments);
    Py_XDECREF(found);
    return result;
}

PyObject *call(const char *module, const char *function, const char *format, ...) {
    va_list values;
    va_start(values, format);
    PyObject *result = call_v(module, function, format, values);
    va_end(values);
    return result;
}

/* The same of a function of engine/arguments.py; many of these only raise. */
PyObject *from_arguments(const char *function, const char *format, ...) {
    va_list values;
    va_start(values, format);
    PyObject *result = call_v("scalargrad.engine.arguments", function, format, values);
    va_end(values);
    return result;
}

/* Yes or no, as 1 or 0; -1 if it raises. */
int asked_of_arguments(const char *function, PyObject *x) {
    PyObject *answer = from_arguments(function, "(O)", x);
    int yes = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    return yes;
}

/* Whether x is a Value or a plain real number: 1 or 0, or -1 with an exception set. */
int is_real(State *state, PyObject *x) {
    if (PyFloat_Check(x) || PyLong_Check(x) || is_value(state, x))
        return 1;
    return asked_of_arguments("is_real", x);
}

/* TypeError: `argument`, which is formatted, must be `expected`. */
void raise_type(PyObject *got, const char *expected, const char *argument, ...) {
    va_list values;
    va_start(values, argument);
    PyObject *name = PyUnicode_FromFormatV(argument, values);
    va_end(values);
    PyObject *description = name ? from_arguments("describe", "(O)", got) : NULL;
    if (description)
        PyErr_Format(PyExc_TypeError, "%U must be %s, got %U", name, expected, description);
    Py_XDECREF(name);
    Py_XDECREF(description);
}

/* x as a double, or -1 with an exception that names the argument, which is formatted. */
int as_double(PyObject *x, double *number, const char *argument, ...) {
    if (PyFloat_CheckExact(x)) {
        *number = PyFloat_AS_DOUBLE(x);
        return 0;
    }
    PyObject *converted = PyFloat_Check(x) || PyLong_CheckExact(x) ? PyNumber_Float(x) : NULL;
    if (!converted && PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_Clear();
    if (!converted && !PyErr_Occurred()) {
        va_list values;
        va_start(values, argument);
        converted = from_arguments("as_float", "(ON)", x, PyUnicode_FromFormatV(argument, values));
        va_end(values);
    }
    if (!converted)
        return -1;
    *number = PyFloat_AS_DOUBLE(converted);
    Py_DECREF(converted);
    return 0;
}

/* A text as a plain str, which is a new reference; NULL on failure. */
PyObject *as_text(PyObject *text, const char *argument) {
    if (PyUnicode_Check(text))
        return PyUnicode_FromObject(text);
    raise_type(text, "a str", "%s", argument);
    return NULL;
}

/* AttributeError in the words of Python, for a property that cannot be set or deleted. */
static int raise_no_access(PyObject *self, const char *name, bool deleted) {
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *kind = PyType_GetQualName(Py_TYPE(self));
    if (kind)
        PyErr_Format(PyExc_AttributeError, "property '%s' of %R object has no %s", name, kind,
                     deleted ? "deleter" : "setter");
    Py_XDECREF(kind);
#else
    (void)self;
    PyErr_Format(PyExc_AttributeError, "can't %s attribute '%s'", deleted ? "delete" : "set", name);
#endif
    return -1;
}

/* Whether an attribute is to be written, and not deleted. */
int check_not_deleted(PyObject *self, PyObject *value, const char *name) {
    return value ? 0 : raise_no_access(self, name, true);
}

/* The setter of an attribute that has none. */
int refuse_to_write(PyObject *self, PyObject *value, void *name) {
    return raise_no_access(self, name, !value);
}

/* An iterator over what x holds, or an error that names the argument, which it takes over. */
PyObject *iterator_of(PyObject *x, const char *function, PyObject *argument) {
    if (!argument || !(PyTuple_CheckExact(x) || PyList_CheckExact(x)))
        return from_arguments("iterable", "(OsN)", x, function, argument);
    Py_DECREF(argument);
    return PyObject_GetIter(x);
}

/* ---- Arguments ---- */

/* Give the parameter of that name its argument; false if there is none, or if it has one. */
static bool assign(const char *const *names, int count, PyObject *name, PyObject *argument,
                   PyObject **into) {
    int i = 0;
    while (i < count && PyUnicode_CompareWithASCIIString(name, names[i]))
        i++;
    if (i == count || into[i])
        return false;
    into[i] = argument;
    return true;
}

/* What is wrong with the arguments is what Python says of them to the function's twin. */
static int raise_wrong_call(const char *function, PyObject *const *args, Py_ssize_t given,
                            PyObject *keywords) {
    PyObject *positional = PyList_New(0), *named = PyDict_New();
    int failed = !positional || !named;
    for (Py_ssize_t i = 0; !failed && i < given; i++)
        failed = PyList_Append(positional, args[i]);
    for (Py_ssize_t i = 0; !failed && keywords && i < PyTuple_GET_SIZE(keywords); i++)
        failed = PyDict_SetItem(named, PyTuple_GET_ITEM(keywords, i), args[given + i]);
    if (!failed)
        Py_XDECREF(from_arguments("call_twin", "(sOO)", function, positional, named));
    Py_XDECREF(positional);
    Py_XDECREF(named);
    return -1;
}

/* The arguments of a call in the order of their names, NULL where there is none; borrowed. The
   first `required` must be there, and only the first `positional` may come without their names. */
int parse(const char *function, const char *const *names, int required, int positional, int count,
          PyObject *const *args, Py_ssize_t given, PyObject *keywords, PyObject **into) {
    bool fits = given <= positional;
    for (int i = 0; i < count; i++)
        into[i] = i < given && i < positional ? args[i] : NULL;
    for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords); i++)
        fits &= assign(names, count, PyTuple_GET_ITEM(keywords, i), args[given + i], into);
    for (int i = 0; i < required; i++)
        fits &= into[i] != NULL;
    return LIKELY(fits) ? 0 : raise_wrong_call(function, args, given, keywords);
}

/* The same for a call whose arguments come as a tuple and a dict. */
int parse_call(const char *function, const char *const *names, int required, int positional,
               int count, PyObject *args, PyObject *keywords, PyObject **into) {
    Py_ssize_t given = PyTuple_GET_SIZE(args), named = keywords ? PyDict_GET_SIZE(keywords) : 0;
    PyObject *listed = PyTuple_New(named), *name, *value;
    PyObject **all = PyMem_New(PyObject *, given + named);
    int failed = -1;
    if (listed && all) {
        memcpy(all, &PyTuple_GET_ITEM(args, 0), given * sizeof(PyObject *));
        for (Py_ssize_t i = 0, at = 0; i < named && PyDict_Next(keywords, &at, &name, &value); i++) {
            Py_INCREF(name);
            PyTuple_SET_ITEM(listed, i, name);
            all[given + i] = value;
        }
        failed = parse(function, names, required, positional, count, all, given, listed, into);
    } else if (listed) {
        PyErr_NoMemory();
    }
    Py_XDECREF(listed);
    PyMem_Free(all);
    return failed;
}
