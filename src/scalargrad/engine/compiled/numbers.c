/* What counts as a number, what an error says it got instead, and reading arguments.

   What is rare here, such as telling whether an object of an unknown class is a number, is left to
   the Python functions of engine/arguments.py. */

#include "engine.h"

/* What a function of engine/arguments.py says of x. */
static PyObject *ask(PyObject *function, PyObject *x) {
    return function ? PyObject_CallOneArg(function, x) : raise_closed();
}

/* Whether x is a Value or a plain real number: 1 or 0, or -1 with an exception set. */
int is_real(State *state, PyObject *x) {
    if (PyFloat_Check(x) || PyLong_Check(x) || is_value(state, x))
        return 1;
    PyObject *answer = ask(state->is_real, x);
    if (!answer)
        return -1;
    int real = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return real;
}

/* What an error says it got. */
PyObject *describe(State *state, PyObject *x) {
    return is_value(state, x) ? PyUnicode_FromString("a Value")
                              : ask(state->describe, x);
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

/* What is wrong with sizes is said by a function of engine/arguments.py, which raises. */
PyObject *raise_from_arguments(const char *function, const char *format, ...) {
    va_list values;
    va_start(values, format);
    PyObject *arguments = Py_VaBuildValue(format, values);
    va_end(values);
    PyObject *raises = arguments ? import_from("scalargrad.engine.arguments", function) : NULL;
    PyObject *result = raises ? PyObject_CallObject(raises, arguments) : NULL;
    Py_XDECREF(arguments);
    Py_XDECREF(raises);
    Py_XDECREF(result);
    return NULL;
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

/* A text as a plain str, which is a new reference; NULL on failure. */
PyObject *as_text(State *state, PyObject *text, const char *argument) {
    if (PyUnicode_Check(text))
        return PyUnicode_FromObject(text);
    raise_type(state, text, "a str", "%s", argument);
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
PyObject *iterator_of(State *state, PyObject *x, const char *function, PyObject *argument) {
    PyObject *iterator = NULL;
    if (argument && (PyTuple_CheckExact(x) || PyList_CheckExact(x)))
        iterator = PyObject_GetIter(x);
    else if (argument)
        iterator = state->iterable
                       ? PyObject_CallFunction(state->iterable, "OsO", x, function, argument)
                       : raise_closed();
    Py_XDECREF(argument);
    return iterator;
}

/* ---- Arguments: what is wrong with them is said in the words of Python ---- */

static Py_ssize_t position_of(const char *const *names, int count, PyObject *name) {
    for (int i = 0; i < count; i++)
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0)
            return i;
    return -1;
}

/* Python counts `self` among the arguments of a method, whose name is written with a dot. */
static int self_of(const char *function) {
    return strchr(function, '.') != NULL;
}

static void raise_too_many(const char *function, int required, int positional, int count,
                           Py_ssize_t given, PyObject *const *into) {
    int self = self_of(function), most = positional + self, by_keyword = 0;
    given += self;
    for (int i = positional; i < count; i++)
        by_keyword += into[i] != NULL;
    PyObject *takes = required < positional
                          ? PyUnicode_FromFormat("from %d to %d", required + self, most)
                          : PyUnicode_FromFormat("%d", most);
    PyObject *others = by_keyword ? PyUnicode_FromFormat(
                                        " positional argument%s (and %d keyword-only argument%s)",
                                        given == 1 ? "" : "s", by_keyword, by_keyword == 1 ? "" : "s")
                                  : PyUnicode_FromString("");
    if (takes && others)
        PyErr_Format(PyExc_TypeError, "%s() takes %U positional argument%s but %zd%U %s given", function,
                     takes, required < positional || most != 1 ? "s" : "", given, others,
                     given == 1 && !by_keyword ? "was" : "were");
    Py_XDECREF(takes);
    Py_XDECREF(others);
}

static void raise_missing(const char *function, const char *const *names, int required,
                          PyObject *const *into) {
    int missing = 0, listed = 0;
    for (int i = 0; i < required; i++)
        missing += !into[i];
    PyObject *list = PyUnicode_FromString("");
    for (int i = 0; list && i < required; i++) {
        if (into[i])
            continue;
        const char *before = !listed ? "" : missing == 2 ? " and " : listed == missing - 1 ? ", and " : ", ";
        PyObject *longer = PyUnicode_FromFormat("%U%s'%s'", list, before, names[i]);
        Py_DECREF(list);
        list = longer;
        listed++;
    }
    if (list)
        PyErr_Format(PyExc_TypeError, "%s() missing %d required positional argument%s: %U", function,
                     missing, missing == 1 ? "" : "s", list);
    Py_XDECREF(list);
}

/* The arguments of a call in the order of their names, NULL where there is none; borrowed. The
   first `required` must be there, and only the first `positional` may come without their names. */
int parse(const char *function, const char *const *names, int required, int positional, int count,
          PyObject *const *args, Py_ssize_t given, PyObject *keywords, PyObject **into) {
    if (LIKELY(!keywords && required <= given && given <= positional)) {
        for (int i = 0; i < count; i++)
            into[i] = i < given ? args[i] : NULL;
        return 0;
    }
    for (int i = 0; i < count; i++)
        into[i] = i < given && i < positional ? args[i] : NULL;
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
    if (given > positional) {
        raise_too_many(function, required, positional, count, given, into);
        return -1;
    }
    for (int i = 0; i < required; i++) {
        if (!into[i]) {
            raise_missing(function, names, required, into);
            return -1;
        }
    }
    return 0;
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
