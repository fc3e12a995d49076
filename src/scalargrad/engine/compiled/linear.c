/* linear and dot: y[i] = w[i][0]*x[0] + w[i][1]*x[1] + ... + b[i], each sum from left to right. */

#include "engine.h"

/* ---- The products ----

   One sum is a chain of additions, each waiting for the one before. Eight rows side by side are
   eight chains, which the processor works on at once. Each still adds from left to right. */

static double product(const double *row, const double *x, Py_ssize_t n) {
    double sum = 0.0;
    for (Py_ssize_t j = 0; j < n; j++)
        sum += row[j] * x[j];
    return sum;
}

static void eight_products(const Input *rows, const double *x, Py_ssize_t n, double *y) {
    const double *r0 = rows[0].numbers, *r1 = rows[1].numbers, *r2 = rows[2].numbers;
    const double *r3 = rows[3].numbers, *r4 = rows[4].numbers, *r5 = rows[5].numbers;
    const double *r6 = rows[6].numbers, *r7 = rows[7].numbers;
    double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0, s4 = 0.0, s5 = 0.0, s6 = 0.0, s7 = 0.0;
    for (Py_ssize_t j = 0; j < n; j++) {
        double xj = x[j];
        s0 += r0[j] * xj;
        s1 += r1[j] * xj;
        s2 += r2[j] * xj;
        s3 += r3[j] * xj;
        s4 += r4[j] * xj;
        s5 += r5[j] * xj;
        s6 += r6[j] * xj;
        s7 += r7[j] * xj;
    }
    y[0] = s0;
    y[1] = s1;
    y[2] = s2;
    y[3] = s3;
    y[4] = s4;
    y[5] = s5;
    y[6] = s6;
    y[7] = s7;
}

/* Fails only when Ctrl-C was pressed. */
static int products(const Matrix *w, const double *x, double *y) {
    Py_ssize_t m = w->count, n = w->width, i = 0, unchecked = 0;
    while (i < m) {
        Py_ssize_t rows = m - i >= 8 ? 8 : 1;
        if (rows == 8)
            eight_products(w->inputs + i, x, n, y + i);
        else
            y[i] = product(w->inputs[i].numbers, x, n);
        i += rows;
        unchecked += rows * n;
        if (unchecked > 10000000) {
            if (PyErr_CheckSignals())
                return -1;
            unchecked = 0;
        }
    }
    return 0;
}

/* ---- Making the node ---- */

/* A block that is computed from x, w and perhaps b, which it takes over. */
static Block *linear_block(State *state, Op op, Row *x, Matrix *w, Row *b) {
    Block *block = new_computed(state, op, w->count, x, w, b, 0);
    if (!block)
        return NULL;
    const Made *made = block->made;
    double *y = buffer_numbers(&block->own);
    if (products(w, made->x.numbers, y)) {
        release_block(state, block);
        return NULL;
    }
    for (Py_ssize_t i = 0; b && i < block->count; i++)
        y[i] += made->b.numbers[i];
    return block;
}

static bool sizes_fit(const Row *x, const Matrix *w, const Row *b) {
    if (!x->count || !w->count || (b && b->count != w->count))
        return false;
    for (Py_ssize_t i = 0; i < w->count && !(w->captured && w->width == x->count); i++)
        if (w->inputs[i].row.count != x->count)
            return false;
    return true;
}

static void raise_sizes(const Row *x, const Matrix *w, const Row *b) {
    PyObject *widths = matrix_widths(w);
    if (widths && b)
        raise_from_arguments("linear_sizes", "(nNn)", x->count, widths, b->count);
    else if (widths)
        raise_from_arguments("linear_sizes", "(nNO)", x->count, widths, Py_None);
}

PyObject *linear(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"x", "w", "b"};
    State *state = module_state(module);
    PyObject *given[3];
    Row x = {0}, b = {0};
    Matrix *w = NULL;
    if (parse("linear", names, 2, 3, 3, args, n, keywords, given))
        return NULL;
    bool biased = given[2] && given[2] != Py_None;
    if (as_row(state, given[0], (Name){"linear", "x", -1}, &x) ||
        !(w = as_matrix(state, given[1], (Name){"linear", "w", -1})) ||
        (biased && as_row(state, given[2], (Name){"linear", "b", -1}, &b)))
        goto failed;
    if (!sizes_fit(&x, w, biased ? &b : NULL)) {
        raise_sizes(&x, w, biased ? &b : NULL);
        goto failed;
    }
    Block *block = linear_block(state, OP_LINEAR, &x, w, biased ? &b : NULL);
    return block ? finished_row(state, block) : NULL;
failed:
    release_row(state, &x);
    release_row(state, &b);
    if (w)
        release_matrix(state, w);
    return NULL;
}

PyObject *dot(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"a", "b"};
    State *state = module_state(module);
    PyObject *given[2];
    Row a = {0}, b = {0};
    Matrix *w = NULL;
    if (parse("dot", names, 2, 2, 2, args, n, keywords, given))
        return NULL;
    if (as_row(state, given[0], (Name){"dot", "a", -1}, &a) ||
        as_row(state, given[1], (Name){"dot", "b", -1}, &b))
        goto failed;
    if (a.count != b.count || !a.count) {
        raise_from_arguments("dot_sizes", "(nn)", a.count, b.count);
        goto failed;
    }
    if (!(w = new_matrix(1)))
        goto failed;
    w->computed = row_is_computed(&b);
    w->inputs[0].row = b;
    Block *block = linear_block(state, OP_DOT, &a, w, NULL);
    return block ? finished_value(state, block) : NULL;
failed:
    release_row(state, &a);
    release_row(state, &b);
    return NULL;
}

/* ---- Their derivative: x[j] gets sum_i g[i] w[i][j]; w[i][j] gets g[i] x[j]; b[i] gets g[i] ----

   A result that nothing depends on, with g[i] = 0, contributes nothing, not even 0 * inf. */

enum { COLUMNS = 64 };

/* The indices of the next up to four rows i, from `*next` on, with g[i] != 0. */
static inline int live_rows(const double *g, Py_ssize_t m, Py_ssize_t *next, Py_ssize_t *live) {
    int count = 0;
    Py_ssize_t i = *next;
    for (; i < m && count < 4; i++)
        if (g[i] != 0.0)
            live[count++] = i;
    *next = i;
    return count;
}

/* sum_i g[i] w[i][j] for some columns j, each from left to right; false if there is no such i. */
WIDE static bool column_sums(const double *g, const Matrix *w, Py_ssize_t first, Py_ssize_t columns,
                             double *restrict sums) {
    Py_ssize_t i = 0, live[4];
    int count;
    bool any = false;
    for (Py_ssize_t j = 0; j < columns; j++)
        sums[j] = 0.0;
    while ((count = live_rows(g, w->count, &i, live)) == 4) {
        const double *r0 = w->inputs[live[0]].numbers + first, g0 = g[live[0]];
        const double *r1 = w->inputs[live[1]].numbers + first, g1 = g[live[1]];
        const double *r2 = w->inputs[live[2]].numbers + first, g2 = g[live[2]];
        const double *r3 = w->inputs[live[3]].numbers + first, g3 = g[live[3]];
        for (Py_ssize_t j = 0; j < columns; j++)
            sums[j] = sums[j] + g0 * r0[j] + g1 * r1[j] + g2 * r2[j] + g3 * r3[j];
        any = true;
    }
    for (int k = 0; k < count; k++) {
        const double *row = w->inputs[live[k]].numbers + first, gk = g[live[k]];
        for (Py_ssize_t j = 0; j < columns; j++)
            sums[j] += gk * row[j];
        any = true;
    }
    return any;
}

void hand_down_linear(Block *block) {
    const Made *made = block->made;
    const Matrix *w = made->w;
    const double *g = block_grads(block), *x = made->x.numbers;
    double sums[COLUMNS];
    for (Py_ssize_t j = 0; j < w->width; j += COLUMNS) {
        Py_ssize_t columns = w->width - j < COLUMNS ? w->width - j : COLUMNS;
        if (!column_sums(g, w, j, columns, sums))
            return;
        contribute(&made->x.row, j, columns, sums);
    }
    for (Py_ssize_t i = 0; i < w->count; i++)
        if (g[i] != 0.0)
            contribute_multiples(&w->inputs[i].row, g[i], x);
    if (made->b.numbers)
        contribute(&made->b.row, 0, block->count, g);
}
