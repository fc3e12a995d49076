/* sum and mean of a row, the weighted sum of rows, and rows joined to one. */

#include "engine.h"

/* ---- sum: x[j] gets g. mean: x[j] gets g / n ---- */

static double sum_of(const double *x, Py_ssize_t n) {
    double sum = 0.0;
    for (Py_ssize_t j = 0; j < n; j++)
        sum += x[j];
    return sum;
}

PyObject *vector_sum(PyObject *self, PyObject *unused) {
    (void)unused;
    State *state = usable_vector(self);
    if (!state)
        return NULL;
    Row x = held(((Vector *)self)->row);
    Block *block = new_computed(state, OP_SUM, 1, &x, NULL, NULL, 0);
    if (!block)
        return NULL;
    buffer_numbers(&block->own)[0] = sum_of(block->made->x.numbers, x.count);
    return finished_value(state, block);
}

PyObject *vector_mean(PyObject *self, PyObject *unused) {
    (void)unused;
    State *state = usable_vector(self);
    if (!state)
        return NULL;
    Row x = held(((Vector *)self)->row);
    if (!x.count) {
        release_row(state, &x);
        return raise_from_arguments("empty_row", "(s)", "mean");
    }
    Block *block = new_computed(state, OP_MEAN, 1, &x, NULL, NULL, 0);
    if (!block)
        return NULL;
    buffer_numbers(&block->own)[0] = sum_of(block->made->x.numbers, x.count) / (double)x.count;
    return finished_value(state, block);
}

/* ---- weighted_sum: weights[i] gets sum_j rows[i][j] g[j]; rows[i][j] gets weights[i] g[j] ---- */

enum { COLUMNS = 64 };

/* sum_i weights[i] rows[i][j] for some columns j, each from left to right. */
WIDE static void column_sums(const double *weights, const Matrix *rows, Py_ssize_t first,
                             Py_ssize_t columns, double *restrict sums) {
    Py_ssize_t i = 0;
    for (Py_ssize_t j = 0; j < columns; j++)
        sums[j] = 0.0;
    for (; i + 4 <= rows->count; i += 4) {
        const double *r0 = rows->inputs[i].numbers + first, w0 = weights[i];
        const double *r1 = rows->inputs[i + 1].numbers + first, w1 = weights[i + 1];
        const double *r2 = rows->inputs[i + 2].numbers + first, w2 = weights[i + 2];
        const double *r3 = rows->inputs[i + 3].numbers + first, w3 = weights[i + 3];
        for (Py_ssize_t j = 0; j < columns; j++)
            sums[j] = sums[j] + w0 * r0[j] + w1 * r1[j] + w2 * r2[j] + w3 * r3[j];
    }
    for (; i < rows->count; i++) {
        const double *row = rows->inputs[i].numbers + first, w = weights[i];
        for (Py_ssize_t j = 0; j < columns; j++)
            sums[j] += w * row[j];
    }
}

static bool sizes_fit(const Row *weights, const Matrix *rows) {
    if (!weights->count || weights->count != rows->count)
        return false;
    for (Py_ssize_t i = 1; i < rows->count && !(rows->captured && rows->width >= 0); i++)
        if (rows->inputs[i].row.count != rows->inputs[0].row.count)
            return false;
    return true;
}

PyObject *weighted_sum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"weights", "rows"};
    State *state = module_state(module);
    PyObject *given[2];
    Row weights = {0};
    Matrix *rows = NULL;
    if (parse("weighted_sum", names, 2, 2, 2, args, n, keywords, given))
        return NULL;
    if (as_row(state, given[0], (Name){"weighted_sum", "weights", -1}, &weights) ||
        !(rows = as_matrix(state, given[1], (Name){"weighted_sum", "rows", -1})))
        goto failed;
    if (!sizes_fit(&weights, rows)) {
        PyObject *widths = matrix_widths(rows);
        if (widths)
            raise_from_arguments("weighted_sum_sizes", "(nN)", weights.count, widths);
        goto failed;
    }
    Py_ssize_t width = rows->inputs[0].row.count;
    Block *block = new_computed(state, OP_WEIGHTED_SUM, width, &weights, rows, NULL, 0);
    if (!block)
        return NULL;
    double *y = buffer_numbers(&block->own);
    for (Py_ssize_t j = 0; j < width; j += COLUMNS)
        column_sums(block->made->x.numbers, rows, j, width - j < COLUMNS ? width - j : COLUMNS, y + j);
    return finished_row(state, block);
failed:
    release_row(state, &weights);
    if (rows)
        release_matrix(state, rows);
    return NULL;
}

/* sum_j row[j] g[j], where g[j] = 0 hands nothing down. */
static double live_product(const double *row, const double *g, Py_ssize_t n) {
    double sum = 0.0;
    for (Py_ssize_t j = 0; j < n; j++)
        if (g[j] != 0.0)
            sum += row[j] * g[j];
    return sum;
}

/* The same as contribute_multiples, where g[j] = 0 hands nothing down. */
static void contribute_live_multiples(const Row *row, double factor, const double *g) {
    for (Py_ssize_t j = 0; j < row->count; j++) {
        double share = factor * g[j];
        if (g[j] != 0.0)
            contribute(row, j, 1, &share);
    }
}

static void hand_down_weighted_sum(const Made *made, const double *g, Py_ssize_t n) {
    const Matrix *rows = made->w;
    const double *weights = made->x.numbers;
    if (is_all_zero(g, n))
        return;
    for (Py_ssize_t i = 0; i < rows->count; i++) {
        double share = live_product(rows->inputs[i].numbers, g, n);
        contribute(&made->x.row, i, 1, &share);
    }
    for (Py_ssize_t i = 0; i < rows->count; i++) {
        if (isfinite(weights[i])) /* times 0 it is 0 */
            contribute_multiples(&rows->inputs[i].row, weights[i], g);
        else
            contribute_live_multiples(&rows->inputs[i].row, weights[i], g);
    }
}

/* ---- concatenate: each number gets the g of its place ---- */

PyObject *concatenate(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"rows"};
    State *state = module_state(module);
    PyObject *given[1];
    if (parse("concatenate", names, 1, 1, 1, args, n, keywords, given))
        return NULL;
    Matrix *rows = as_matrix(state, given[0], (Name){"concatenate", "rows", -1});
    if (!rows)
        return NULL;
    if (!rows->count) {
        release_matrix(state, rows);
        PyErr_SetString(PyExc_ValueError, "concatenate: rows is empty; it needs at least one row");
        return NULL;
    }
    Py_ssize_t count = 0; /* no overflow: each of them takes memory already */
    for (Py_ssize_t i = 0; i < rows->count; i++)
        count += rows->inputs[i].row.count;
    Block *block = new_computed(state, OP_CONCATENATE, count, NULL, rows, NULL, 0);
    if (!block)
        return NULL;
    double *y = buffer_numbers(&block->own);
    for (Py_ssize_t i = 0; i < rows->count; y += rows->inputs[i++].row.count)
        memcpy(y, rows->inputs[i].numbers, rows->inputs[i].row.count * sizeof(double));
    return finished_row(state, block);
}

/* ---- Their derivatives ---- */

static void contribute_to_all(const Row *row, double share) {
    for (Py_ssize_t at = 0; at < row->count;) {
        Span span = span_of(row, at, row->count - at);
        for (Py_ssize_t j = 0; j < span.count; j++)
            span.grads[j] += share;
        at += span.count;
    }
}

void hand_down_sums(Block *block) {
    const Made *made = block->made;
    const double *g = block_grads(block);
    if (made->op == OP_WEIGHTED_SUM) {
        hand_down_weighted_sum(made, g, block->count);
    } else if (made->op == OP_CONCATENATE) {
        for (Py_ssize_t i = 0; i < made->w->count; i++) {
            const Row *row = &made->w->inputs[i].row;
            contribute(row, 0, row->count, g);
            g += row->count;
        }
    } else if (g[0] != 0.0) {
        contribute_to_all(&made->x.row,
                          made->op == OP_SUM ? g[0] : 1.0 / (double)made->x.row.count * g[0]);
    }
}
