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

static Py_ssize_t loose_count(const Row *row) {
    return row->block ? 0 : row->count;
}

/* A block that is computed from x, w and perhaps b, which it takes over. */
static Block *linear_block(State *state, Op op, Row *x, Matrix *w, Row *b) {
    Py_ssize_t m = w->count, extra = loose_count(x) + (b ? loose_count(b) : 0);
    Block *block = NULL;
    if (!capture_matrix(state, w, x->count))
        block = new_block(m, (Py_ssize_t)sizeof(Made) + extra * (Py_ssize_t)sizeof(double));
    if (!block) {
        release_row(state, x);
        release_matrix(state, w);
        if (b)
            release_row(state, b);
        return NULL;
    }
    Made *made = block_extra(block);
    memset(made, 0, sizeof(Made));
    made->op = op;
    made->w = w;
    made->x.row = *x;
    double *space = (double *)(made + 1);
    capture(&made->x, space);
    if (b) {
        made->has_bias = true;
        made->b.row = *b;
        capture(&made->b, space + loose_count(x));
    }
    block->made = made;
    double *y = buffer_numbers(&block->own);
    if (products(w, made->x.numbers, y)) {
        release_block(state, block);
        return NULL;
    }
    for (Py_ssize_t i = 0; b && i < m; i++)
        y[i] += made->b.numbers[i];
    if (!recording(state))
        forget_origin(state, block);
    return block;
}

static const char *plural(Py_ssize_t count) {
    return count == 1 ? "" : "s";
}

static int check_sizes(const Row *x, const Matrix *w, const Row *b) {
    Py_ssize_t n = x->count, m = w->count;
    if (!n || !m) {
        PyErr_Format(PyExc_ValueError,
                     "linear: x has %zd number%s and w has %zd row%s; neither may be empty", n,
                     plural(n), m, plural(m));
        return -1;
    }
    for (Py_ssize_t i = 0; i < m && !(w->captured && w->width == n); i++) {
        Py_ssize_t width = w->inputs[i].row.count;
        if (width != n) {
            PyErr_Format(PyExc_ValueError,
                         "linear: x has %zd number%s but w[%zd] has %zd number%s; "
                         "each row of w needs one weight per number in x",
                         n, plural(n), i, width, plural(width));
            return -1;
        }
    }
    if (b && b->count != m) {
        PyErr_Format(PyExc_ValueError,
                     "linear: w has %zd row%s but b has %zd number%s; b needs one number per row of w",
                     m, plural(m), b->count, plural(b->count));
        return -1;
    }
    return 0;
}

PyObject *linear(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"x", "w", "b"};
    State *state = module_state(module);
    PyObject *given[3];
    Row x, b = {0};
    Matrix *w = NULL;
    if (parse("linear", names, 2, 3, 3, args, n, keywords, given) ||
        as_row(state, given[0], (Name){"linear", "x", -1}, &x))
        return NULL;
    bool biased = given[2] && given[2] != Py_None;
    if (!(w = as_matrix(state, given[1], (Name){"linear", "w", -1})) ||
        (biased && as_row(state, given[2], (Name){"linear", "b", -1}, &b)) ||
        check_sizes(&x, w, biased ? &b : NULL)) {
        release_row(state, &x);
        release_row(state, &b);
        if (w)
            release_matrix(state, w);
        return NULL;
    }
    Block *block = linear_block(state, OP_LINEAR, &x, w, biased ? &b : NULL);
    if (!block)
        return NULL;
    Row row = {block, NULL, 0, block->count};
    return new_vector(state, &row);
}

PyObject *dot(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"a", "b"};
    State *state = module_state(module);
    PyObject *given[2];
    Row a, b = {0};
    Matrix *w = NULL;
    if (parse("dot", names, 2, 2, 2, args, n, keywords, given) ||
        as_row(state, given[0], (Name){"dot", "a", -1}, &a))
        return NULL;
    if (as_row(state, given[1], (Name){"dot", "b", -1}, &b))
        goto failed;
    if (a.count != b.count || !a.count) {
        PyErr_Format(PyExc_ValueError,
                     "dot: a has %zd number%s and b has %zd number%s; they must be equally long, "
                     "and not empty",
                     a.count, plural(a.count), b.count, plural(b.count));
        goto failed;
    }
    if (!(w = new_matrix(1)))
        goto failed;
    w->computed = b.block ? b.block->made != NULL : b.loose->computed;
    w->inputs[0].row = b;
    Block *block = linear_block(state, OP_DOT, &a, w, NULL);
    if (!block)
        return NULL;
    Value *result = block_element(state, block, 0);
    release_block(state, block);
    return (PyObject *)result;
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

/* Add g[i] x[j] to the gradients of the rows. */
WIDE static void add_multiples(const double *g, const Matrix *w, const double *restrict x) {
    Py_ssize_t n = w->width;
    for (Py_ssize_t i = 0; i < w->count; i++) {
        const Row *row = &w->inputs[i].row;
        double gi = g[i];
        if (gi == 0.0)
            continue;
        if (row->block) {
            double *restrict grads = block_grads(row->block) + row->start;
            for (Py_ssize_t j = 0; j < n; j++)
                grads[j] += gi * x[j];
        } else {
            Value **values = row->loose->values + row->start;
            for (Py_ssize_t j = 0; j < n; j++)
                *grad_of(values[j]) += gi * x[j];
        }
    }
}

/* Add shares to the gradients of a part of the row. */
void contribute(const Row *row, Py_ssize_t start, Py_ssize_t count, const double *shares) {
    if (row->block) {
        double *grads = block_grads(row->block) + row->start + start;
        for (Py_ssize_t j = 0; j < count; j++)
            grads[j] += shares[j];
    } else {
        Value **values = row->loose->values + row->start + start;
        for (Py_ssize_t j = 0; j < count; j++)
            *grad_of(values[j]) += shares[j];
    }
}

void hand_down_linear(Block *block) {
    const Made *made = block->made;
    const Matrix *w = made->w;
    const double *g = block_grads(block), *x = made->x.numbers;
    double sums[COLUMNS];
    for (Py_ssize_t j = 0; j < w->width; j += COLUMNS) {
        Py_ssize_t columns = w->width - j < COLUMNS ? w->width - j : COLUMNS;
        if (!column_sums(g, w, j, columns, sums))
            break;
        contribute(&made->x.row, j, columns, sums);
    }
    add_multiples(g, w, x);
    if (made->has_bias)
        contribute(&made->b.row, 0, block->count, g);
}
