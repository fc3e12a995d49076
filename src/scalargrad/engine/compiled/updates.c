/* What the optimisers do to all rows of parameters: one step of SGD or Adam, and clearing gradients.

   Every function makes sure that nothing can fail before it writes the first number. */

#include "engine.h"

/* ---- Arguments ---- */

static bool check_rows(State *state, PyObject *rows, const char *function) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
        PyObject *row = PyTuple_GET_ITEM(rows, i);
        if (!is_vector(state, row)) {
            raise_type(row, "a Vector", "%s: rows[%zd]", function, i);
            return false;
        }
    }
    return true;
}

/* The rows as a tuple of Vectors; NULL on failure. */
static PyObject *as_rows(State *state, PyObject *rows, const char *function) {
    PyObject *tuple = PySequence_Tuple(rows);
    if (tuple && !check_rows(state, tuple, function))
        Py_CLEAR(tuple);
    return tuple;
}

static Row *row_of(PyObject *rows, Py_ssize_t i) {
    return &((Vector *)PyTuple_GET_ITEM(rows, i))->row;
}

/* The numbers of an optimiser's buffer, for writing; it must be a block as long as the rows. */
static double *buffer_of(State *state, PyObject *buffer, PyObject *rows, const char *function) {
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++)
        count += row_of(rows, i)->count;
    Row *row = is_vector(state, buffer) ? &((Vector *)buffer)->row : NULL;
    if (!row || !row->block || row->count != count) {
        PyErr_Format(PyExc_ValueError,
                     "%s: a buffer must be a Vector of %zd numbers, one per parameter", function,
                     count);
        return NULL;
    }
    double *numbers = writable_numbers(state, row->block);
    return numbers ? numbers + row->start : NULL;
}

static int as_flag(PyObject *x, bool *flag) {
    int truth = PyObject_IsTrue(x);
    *flag = truth > 0;
    return truth < 0;
}

static int make_all_writable(State *state, PyObject *rows) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++)
        if (make_writable(state, row_of(rows, i)))
            return -1;
    return 0;
}

/* ---- zero_grads ---- */

PyObject *zero_grads(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"rows"};
    State *state = module_state(module);
    PyObject *given[1], *rows;
    if (parse("zero_grads", names, 1, 1, 1, args, n, keywords, given) ||
        !(rows = as_rows(state, given[0], "zero_grads")))
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
        const Row *row = row_of(rows, i);
        for (Span span = span_at(row, 0); span.count; span = next_span(row, span))
            memset(span.grads, 0, span.count * sizeof(double));
    }
    Py_DECREF(rows);
    Py_RETURN_NONE;
}

/* ---- The steps, on the numbers of one row ---- */

typedef struct {
    double lr, momentum, weight_decay;
    bool nesterov;
} SGD;

static void sgd_step(const SGD *s, Py_ssize_t n, double *p, const double *grads, double *v) {
    for (Py_ssize_t i = 0; i < n; i++) {
        double g = s->weight_decay != 0.0 ? grads[i] + s->weight_decay * p[i] : grads[i];
        /* without momentum, 0 * inf must not spoil the velocity for good */
        v[i] = s->momentum != 0.0 ? s->momentum * v[i] + g : g;
        p[i] = p[i] - s->lr * (s->nesterov ? g + s->momentum * v[i] : v[i]);
    }
}

typedef struct {
    double lr, beta1, beta2, rest1, rest2, correction1, correction2, eps;
    double weight_decay; /* of the gradients */
    double kept;         /* how much of the parameters */
} Adam;

WIDE static void adam_step(const Adam *a, Py_ssize_t n, double *restrict p,
                           const double *restrict grads, double *restrict m, double *restrict v) {
    const Adam s = *a; /* so that the compiler need not fear that it changes */
    for (Py_ssize_t i = 0; i < n; i++) {
        double q = p[i] * s.kept, g = s.weight_decay != 0.0 ? grads[i] + s.weight_decay * q : grads[i];
        m[i] = s.beta1 * m[i] + s.rest1 * g;
        v[i] = s.beta2 * v[i] + s.rest2 * (g * g);
        p[i] = q - s.lr * (m[i] / s.correction1) / (sqrt(v[i] / s.correction2) + s.eps);
    }
}

/* ---- sgd_update ---- */

PyObject *sgd_update(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"rows", "velocity", "lr", "momentum", "weight_decay",
                                        "nesterov"};
    State *state = module_state(module);
    PyObject *given[6], *rows;
    SGD sgd;
    if (parse("sgd_update", names, 6, 6, 6, args, n, keywords, given) ||
        as_double(given[2], &sgd.lr, "sgd_update: lr") ||
        as_double(given[3], &sgd.momentum, "sgd_update: momentum") ||
        as_double(given[4], &sgd.weight_decay, "sgd_update: weight_decay") ||
        as_flag(given[5], &sgd.nesterov) || !(rows = as_rows(state, given[0], "sgd_update")))
        return NULL;
    double *velocity = buffer_of(state, given[1], rows, "sgd_update");
    if (!velocity || make_all_writable(state, rows)) {
        Py_DECREF(rows);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
        const Row *row = row_of(rows, i);
        for (Span span = span_at(row, 0); span.count; span = next_span(row, span)) {
            sgd_step(&sgd, span.count, span.numbers, span.grads, velocity);
            velocity += span.count;
        }
    }
    Py_DECREF(rows);
    Py_RETURN_NONE;
}

/* ---- adam_update ---- */

static int adam_settings(PyObject *const *given, Adam *adam) {
    double step;
    bool decoupled;
    PyObject *betas = PySequence_Tuple(given[4]);
    if (!betas)
        return -1;
    int failed = PyTuple_GET_SIZE(betas) != 2;
    if (failed)
        PyErr_SetString(PyExc_ValueError, "adam_update: betas must be two numbers");
    failed = failed ||
             as_double(PyTuple_GET_ITEM(betas, 0), &adam->beta1, "adam_update: betas[0]") ||
             as_double(PyTuple_GET_ITEM(betas, 1), &adam->beta2, "adam_update: betas[1]") ||
             as_double(given[3], &adam->lr, "adam_update: lr") ||
             as_double(given[5], &adam->eps, "adam_update: eps") ||
             as_double(given[6], &adam->weight_decay, "adam_update: weight_decay") ||
             as_flag(given[7], &decoupled) ||
             as_double(given[8], &step, "adam_update: step");
    Py_DECREF(betas);
    if (failed)
        return -1;
    bool shrinks = decoupled && adam->weight_decay != 0.0;
    adam->kept = shrinks ? 1.0 - adam->lr * adam->weight_decay : 1.0;
    if (shrinks)
        adam->weight_decay = 0.0;
    adam->rest1 = 1.0 - adam->beta1;
    adam->rest2 = 1.0 - adam->beta2;
    adam->correction1 = 1.0 - power(adam->beta1, step);
    adam->correction2 = 1.0 - power(adam->beta2, step);
    if (adam->correction1 == 0.0 || adam->correction2 == 0.0) {
        PyErr_SetString(PyExc_ZeroDivisionError, "float division by zero");
        return -1;
    }
    return 0;
}

PyObject *adam_update(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"rows", "first_moment", "second_moment", "lr", "betas", "eps",
                                        "weight_decay", "decoupled", "step"};
    State *state = module_state(module);
    PyObject *given[9], *rows;
    Adam adam;
    if (parse("adam_update", names, 9, 9, 9, args, n, keywords, given) ||
        adam_settings(given, &adam) || !(rows = as_rows(state, given[0], "adam_update")))
        return NULL;
    double *first = buffer_of(state, given[1], rows, "adam_update");
    double *second = first ? buffer_of(state, given[2], rows, "adam_update") : NULL;
    if (!second || make_all_writable(state, rows)) {
        Py_DECREF(rows);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
        const Row *row = row_of(rows, i);
        for (Span span = span_at(row, 0); span.count; span = next_span(row, span)) {
            adam_step(&adam, span.count, span.numbers, span.grads, first, second);
            first += span.count;
            second += span.count;
        }
    }
    Py_DECREF(rows);
    Py_RETURN_NONE;
}
