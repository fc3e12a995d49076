/* sum and mean of a row, the weighted sum of rows, and rows joined to one. */

#include "engine.h"

/* ---- sum: x[j] gets g. mean: x[j] gets g / n ---- */

static double sum_of(const double *x, Py_ssize_t n) {
    double sum = 0.0;
    for (Py_ssize_t j = 0; j < n; j++)
        sum += x[j];
    return sum;
}

static PyObject *summed(PyObject *self, Op op) {
    State *state = usable_vector(self);
    if (!state)
        return NULL;
    Row x = held(((Vector *)self)->row);
    Block *block = new_computed(state, op, 1, &x, NULL, NULL, 0);
    if (!block)
        return NULL;
    double sum = sum_of(block->made->x.numbers, x.count);
    buffer_numbers(&block->own)[0] = op == OP_SUM ? sum : sum / (double)x.count;
    return finished_value(state, block);
}

PyObject *vector_sum(PyObject *self, PyObject *unused) {
    (void)unused;
    return summed(self, OP_SUM);
}

PyObject *vector_mean(PyObject *self, PyObject *unused) {
    (void)unused;
    bool empty = usable_vector(self) && !((Vector *)self)->row.count;
    return empty ? from_arguments("empty_row", "(s)", "mean") : summed(self, OP_MEAN);
}

/* ---- weighted_sum: weights[i] gets sum_j rows[i][j] g[j]; rows[i][j] gets weights[i] g[j] ---- */

static bool sizes_fit(const Row *weights, const Matrix *rows, Py_ssize_t count) {
    if (!weights->count || weights->count != count)
        return false;
    for (Py_ssize_t i = 1; i < count && !rows->captured; i++)
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
    Py_ssize_t count;
    if (parse("weighted_sum", names, 2, 2, 2, args, n, keywords, given))
        return NULL;
    if (as_row(state, given[0], (Name){"weighted_sum", "weights", -1}, &weights) ||
        !(rows = as_matrix(state, given[1], (Name){"weighted_sum", "rows", -1}, &count)))
        goto failed;
    if (!sizes_fit(&weights, rows, count)) {
        PyObject *widths = matrix_widths(rows, count);
        if (widths)
            from_arguments("weighted_sum_sizes", "(nN)", weights.count, widths);
        goto failed;
    }
    Py_ssize_t width = rows->inputs[0].row.count;
    Block *block = new_computed(state, OP_WEIGHTED_SUM, width, &weights, rows, NULL, 0);
    if (!block)
        return NULL;
    Made *made = block->made;
    double *y = buffer_numbers(&block->own);
    made->rows = count;
    for (Py_ssize_t j = 0; j < width; j += COLUMNS)
        column_sums(made->x.numbers, made->w->inputs, count, j,
                    width - j < COLUMNS ? width - j : COLUMNS, y + j);
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

/* Add to the gradients of a row its multiple of g, where g[j] = 0 hands nothing down. */
static void contribute_live_multiples(const Row *row, double factor, const double *g) {
    for (Py_ssize_t j = 0; j < row->count; j++) {
        double share = factor * g[j];
        if (g[j] != 0.0)
            contribute(row, j, 1, &share);
    }
}

static void hand_down_weighted_sum(const Made *made, const double *g, Py_ssize_t n) {
    const Input *rows = made->w->inputs;
    const double *weights = made->x.numbers;
    if (is_all_zero(g, n))
        return;
    bool all = true;
    for (Py_ssize_t j = 0; j < n; j++)
        all &= g[j] != 0.0;
    for (Py_ssize_t i = 0; i < made->rows; i += COLUMNS) {
        double shares[COLUMNS];
        Py_ssize_t some = made->rows - i < COLUMNS ? made->rows - i : COLUMNS;
        if (all)
            products(rows + i, some, g, n, shares);
        for (Py_ssize_t k = 0; !all && k < some; k++)
            shares[k] = live_product(rows[i + k].numbers, g, n);
        contribute(&made->x.row, i, some, shares);
    }
    bool finite = true; /* then they are 0 times 0 */
    for (Py_ssize_t i = 0; i < made->rows; i++)
        finite &= isfinite(weights[i]) != 0;
    if (finite)
        contribute_multiples(rows, made->rows, weights, false, g);
    for (Py_ssize_t i = 0; !finite && i < made->rows; i++)
        contribute_live_multiples(&rows[i].row, weights[i], g);
}

/* ---- concatenate: each number gets the g of its place ---- */

PyObject *concatenate(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"rows"};
    State *state = module_state(module);
    PyObject *given[1];
    if (parse("concatenate", names, 1, 1, 1, args, n, keywords, given))
        return NULL;
    Py_ssize_t items, count = 0; /* no overflow: each row takes memory already */
    Matrix *rows = as_matrix(state, given[0], (Name){"concatenate", "rows", -1}, &items);
    if (!rows)
        return NULL;
    if (!items) {
        release_matrix(state, rows);
        PyErr_SetString(PyExc_ValueError, "concatenate: rows is empty; it needs at least one row");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < items; i++)
        count += rows->inputs[i].row.count;
    Block *block = new_computed(state, OP_CONCATENATE, count, NULL, rows, NULL, 0);
    if (!block)
        return NULL;
    Made *made = block->made;
    double *y = buffer_numbers(&block->own);
    made->rows = items;
    for (const Input *row = made->w->inputs; row < made->w->inputs + items; row++) {
        memcpy(y, row->numbers, row->row.count * sizeof(double));
        y += row->row.count;
    }
    return finished_row(state, block);
}

/* ---- Their derivatives ---- */

static void contribute_to_all(const Row *row, double share) {
    for (Span span = span_at(row, 0); span.count; span = next_span(row, span))
        for (Py_ssize_t j = 0; j < span.count; j++)
            span.grads[j] += share;
}

void hand_down_sums(Block *block) {
    const Made *made = block->made;
    const double *g = block_grads(block);
    if (made->op == OP_WEIGHTED_SUM) {
        hand_down_weighted_sum(made, g, block->count);
    } else if (made->op == OP_CONCATENATE) {
        for (Py_ssize_t i = 0; i < made->rows; i++) {
            const Row *row = &made->w->inputs[i].row;
            contribute(row, 0, row->count, g);
            g += row->count;
        }
    } else if (g[0] != 0.0) {
        contribute_to_all(&made->x.row,
                          made->op == OP_SUM ? g[0] : 1.0 / (double)made->x.row.count * g[0]);
    }
}
