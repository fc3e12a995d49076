/* linear and dot: y[i] = w[i][0]*x[0] + w[i][1]*x[1] + ... + b[i], each sum from left to right. */

#include "engine.h"

/* ---- The products ---- */

/* Fails only when Ctrl-C was pressed, for which it looks about every ten million numbers. */
static int all_products(const Made *made, double *y) {
    Py_ssize_t n = made->x.row.count, unchecked = 0;
    const double *x = made->x.numbers;
    for (Py_ssize_t i = 0; i < made->rows; i += COLUMNS) {
        Py_ssize_t some = made->rows - i < COLUMNS ? made->rows - i : COLUMNS;
        products(made->w->inputs + i, some, x, n, y + i);
        if ((unchecked += some * n) > 10000000) {
            if (PyErr_CheckSignals())
                return -1;
            unchecked = 0;
        }
    }
    return 0;
}

/* ---- Making the node ---- */

/* A block that is computed from x, w and perhaps b, which it takes over. */
static Block *linear_block(State *state, Op op, Row *x, Matrix *w, Py_ssize_t rows, Row *b) {
    Block *block = new_computed(state, op, rows, x, w, b, 0);
    if (!block)
        return NULL;
    Made *made = block->made;
    double *y = buffer_numbers(&block->own);
    made->rows = rows;
    if (all_products(made, y)) {
        release_block(state, block);
        return NULL;
    }
    for (Py_ssize_t i = 0; b && i < block->count; i++)
        y[i] += made->b.numbers[i];
    return block;
}

static bool sizes_fit(const Row *x, const Matrix *w, Py_ssize_t rows, const Row *b) {
    if (!x->count || !rows || (b && b->count != rows))
        return false;
    for (Py_ssize_t i = 0; i < rows && !(w->captured && w->width == x->count); i++)
        if (w->inputs[i].row.count != x->count)
            return false;
    return true;
}

static void raise_sizes(const Row *x, const Matrix *w, Py_ssize_t rows, const Row *b) {
    PyObject *widths = matrix_widths(w, rows);
    if (widths && b)
        from_arguments("linear_sizes", "(nNn)", x->count, widths, b->count);
    else if (widths)
        from_arguments("linear_sizes", "(nNO)", x->count, widths, Py_None);
}

PyObject *linear(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"x", "w", "b"};
    State *state = module_state(module);
    PyObject *given[3];
    Row x = {0}, b = {0};
    Matrix *w = NULL;
    Py_ssize_t rows;
    if (parse("linear", names, 2, 3, 3, args, n, keywords, given))
        return NULL;
    bool biased = given[2] && given[2] != Py_None;
    if (as_row(state, given[0], (Name){"linear", "x", -1}, &x) ||
        !(w = as_matrix(state, given[1], (Name){"linear", "w", -1}, &rows)) ||
        (biased && as_row(state, given[2], (Name){"linear", "b", -1}, &b)))
        goto failed;
    if (!sizes_fit(&x, w, rows, biased ? &b : NULL)) {
        raise_sizes(&x, w, rows, biased ? &b : NULL);
        goto failed;
    }
    Block *block = linear_block(state, OP_LINEAR, &x, w, rows, biased ? &b : NULL);
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
        from_arguments("dot_sizes", "(nn)", a.count, b.count);
        goto failed;
    }
    if (!(w = new_matrix(1)))
        goto failed;
    w->computed = row_is_computed(&b);
    w->inputs[0].row = b;
    Block *block = linear_block(state, OP_DOT, &a, w, 1, NULL);
    return block ? finished_value(state, block) : NULL;
failed:
    release_row(state, &a);
    release_row(state, &b);
    return NULL;
}

/* ---- Their derivative: x[j] gets sum_i g[i] w[i][j]; w[i][j] gets g[i] x[j]; b[i] gets g[i] ----

   A result that nothing depends on, with g[i] = 0, contributes nothing, not even 0 * inf. */

void hand_down_linear(Block *block) {
    const Made *made = block->made;
    const Input *w = made->w->inputs;
    const double *g = block_grads(block), *x = made->x.numbers;
    Py_ssize_t width = made->x.row.count;
    double sums[COLUMNS];
    if (is_all_zero(g, block->count))
        return;
    for (Py_ssize_t j = 0; j < width; j += COLUMNS) {
        Py_ssize_t columns = width - j < COLUMNS ? width - j : COLUMNS;
        live_column_sums(g, w, made->rows, j, columns, sums);
        contribute(&made->x.row, j, columns, sums);
    }
    contribute_multiples(w, made->rows, g, true, x);
    if (made->b.numbers)
        contribute(&made->b.row, 0, block->count, g);
}
