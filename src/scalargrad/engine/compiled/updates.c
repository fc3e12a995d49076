/* What the optimisers do to all rows of parameters: one step of SGD or Adam, and clearing gradients.

   Every function makes sure that nothing can fail before it writes the first number. */

#include "engine.h"
#include "operations.h" /* power */

/* ---- Arguments ---- */

static bool check_rows(State *state, PyObject *rows, const char *function) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
        PyObject *row = PyTuple_GET_ITEM(rows, i);
        if (!is_vector(state, row)) {
            raise_type(state, row, "a Vector", "%s: rows[%zd]", function, i);
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

static int make_writable(State *state, PyObject *rows) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
        Row *row = row_of(rows, i);
        if (row->block) {
            if (!writable_numbers(state, row->block))
                return -1;
            continue;
        }
        for (Py_ssize_t j = 0; j < row->count; j++) {
            Value *v = row->loose->values[row->start + j];
            if (v->kind == ELEMENT && !writable_numbers(state, v->block))
                return -1;
        }
    }
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
        Row *row = row_of(rows, i);
        if (row->block) {
            memset(block_grads(row->block) + row->start, 0, row->count * sizeof(double));
            continue;
        }
        for (Py_ssize_t j = 0; j < row->count; j++)
            *grad_of(row->loose->values[row->start + j]) = 0.0;
    }
    Py_DECREF(rows);
    Py_RETURN_NONE;
}

/* ---- The steps, on the numbers of one row ---- */

typedef struct {
    double lr, momentum;
} SGD;

static void sgd_step(const SGD *s, Py_ssize_t n, double *p, const double *g, double *v) {
    for (Py_ssize_t i = 0; i < n; i++) {
        /* without momentum, 0 * inf must not spoil the velocity for good */
        v[i] = s->momentum != 0.0 ? s->momentum * v[i] + g[i] : g[i];
        p[i] = p[i] - s->lr * v[i];
    }
}

typedef struct {
    double lr, beta1, beta2, rest1, rest2, correction1, correction2, eps, weight_decay;
} Adam;

static inline double adam_gradient(const Adam *a, double p, double grad) {
    return a->weight_decay != 0.0 ? grad + a->weight_decay * p : grad;
}

static inline double adam_second(const Adam *a, double v, double g) {
    return a->beta2 * v + a->rest2 * (g * g);
}

WIDE static void adam_step(const Adam *a, Py_ssize_t n, double *restrict p,
                           const double *restrict grads, double *restrict m, double *restrict v) {
    const Adam s = *a; /* so that the compiler need not fear that it changes */
    for (Py_ssize_t i = 0; i < n; i++) {
        double g = adam_gradient(&s, p[i], grads[i]);
        m[i] = s.beta1 * m[i] + s.rest1 * g;
        v[i] = adam_second(&s, v[i], g);
        p[i] = p[i] - s.lr * (m[i] / s.correction1) / (sqrt(v[i] / s.correction2) + s.eps);
    }
}

/* Whether a step keeps every second moment defined under its square root, whatever the gradients:
   as always, unless settings or moments were loaded from elsewhere. */
WIDE static bool adam_is_safe(const Adam *a, Py_ssize_t n, const double *v) {
    int64_t negative = 0;
    for (Py_ssize_t i = 0; i < n; i++)
        negative |= v[i] < 0.0;
    return !negative && a->beta2 >= 0.0 && a->rest2 >= 0.0;
}

/* The same for these gradients. */
static bool adam_can_step(const Adam *a, Py_ssize_t n, const double *p, const double *grads,
                          const double *v) {
    for (Py_ssize_t i = 0; i < n; i++)
        if (adam_second(a, v[i], adam_gradient(a, p[i], grads[i])) / a->correction2 < 0.0)
            return false;
    return true;
}

/* ---- sgd_update ---- */

static void sgd_row(const SGD *sgd, Row *row, double *velocity) {
    if (row->block) {
        sgd_step(sgd, row->count, buffer_numbers(row->block->buffer) + row->start,
                 block_grads(row->block) + row->start, velocity);
        return;
    }
    for (Py_ssize_t j = 0; j < row->count; j++) {
        Value *v = row->loose->values[row->start + j];
        sgd_step(sgd, 1, data_address(v), grad_of(v), velocity + j);
    }
}

PyObject *sgd_update(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"rows", "velocity", "lr", "momentum"};
    State *state = module_state(module);
    PyObject *given[4], *rows;
    SGD sgd;
    if (parse("sgd_update", names, 4, 4, 4, args, n, keywords, given) ||
        as_double(state, given[2], &sgd.lr, "sgd_update: lr") ||
        as_double(state, given[3], &sgd.momentum, "sgd_update: momentum") ||
        !(rows = as_rows(state, given[0], "sgd_update")))
        return NULL;
    double *velocity = buffer_of(state, given[1], rows, "sgd_update");
    if (!velocity || make_writable(state, rows)) {
        Py_DECREF(rows);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
        sgd_row(&sgd, row_of(rows, i), velocity);
        velocity += row_of(rows, i)->count;
    }
    Py_DECREF(rows);
    Py_RETURN_NONE;
}

/* ---- adam_update ---- */

static bool adam_can_step_row(const Adam *adam, Row *row, const double *second) {
    if (row->block)
        return adam_can_step(adam, row->count, buffer_numbers(row->block->buffer) + row->start,
                             block_grads(row->block) + row->start, second);
    bool can = true;
    for (Py_ssize_t j = 0; j < row->count; j++) {
        Value *v = row->loose->values[row->start + j];
        can &= adam_can_step(adam, 1, data_address(v), grad_of(v), second + j);
    }
    return can;
}

static bool adam_can_step_rows(const Adam *adam, PyObject *rows, const double *second) {
    Py_ssize_t numbers = 0;
    bool can = true;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); numbers += row_of(rows, i++)->count)
        can &= adam_can_step_row(adam, row_of(rows, i), second + numbers);
    return can;
}

static void adam_row(const Adam *adam, Row *row, double *first, double *second) {
    if (row->block) {
        adam_step(adam, row->count, buffer_numbers(row->block->buffer) + row->start,
                  block_grads(row->block) + row->start, first, second);
        return;
    }
    for (Py_ssize_t j = 0; j < row->count; j++) {
        Value *v = row->loose->values[row->start + j];
        adam_step(adam, 1, data_address(v), grad_of(v), first + j, second + j);
    }
}

static int adam_settings(State *state, PyObject *const *given, Adam *adam) {
    double step;
    PyObject *betas = PySequence_Tuple(given[4]);
    if (!betas)
        return -1;
    int failed = PyTuple_GET_SIZE(betas) != 2;
    if (failed)
        PyErr_SetString(PyExc_ValueError, "adam_update: betas must be two numbers");
    failed = failed ||
             as_double(state, PyTuple_GET_ITEM(betas, 0), &adam->beta1, "adam_update: betas[0]") ||
             as_double(state, PyTuple_GET_ITEM(betas, 1), &adam->beta2, "adam_update: betas[1]") ||
             as_double(state, given[3], &adam->lr, "adam_update: lr") ||
             as_double(state, given[5], &adam->eps, "adam_update: eps") ||
             as_double(state, given[6], &adam->weight_decay, "adam_update: weight_decay") ||
             as_double(state, given[7], &step, "adam_update: step");
    Py_DECREF(betas);
    if (failed)
        return -1;
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
                                        "weight_decay", "step"};
    State *state = module_state(module);
    PyObject *given[8], *rows;
    Adam adam;
    if (parse("adam_update", names, 8, 8, 8, args, n, keywords, given) ||
        adam_settings(state, given, &adam) || !(rows = as_rows(state, given[0], "adam_update")))
        return NULL;
    double *first = buffer_of(state, given[1], rows, "adam_update");
    double *second = first ? buffer_of(state, given[2], rows, "adam_update") : NULL;
    bool can = second && !make_writable(state, rows);
    if (can && !adam_is_safe(&adam, ((Vector *)given[2])->row.count, second) &&
        !adam_can_step_rows(&adam, rows, second)) {
        PyErr_SetString(PyExc_ValueError, "math domain error");
        can = false;
    }
    for (Py_ssize_t i = 0, at = 0; can && i < PyTuple_GET_SIZE(rows); at += row_of(rows, i++)->count)
        adam_row(&adam, row_of(rows, i), first + at, second + at);
    Py_DECREF(rows);
    if (!can)
        return NULL;
    Py_RETURN_NONE;
}
