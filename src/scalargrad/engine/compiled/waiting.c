/* Contributions to weights that are put off.

   A model uses the same matrix at every position, and each time its rows get something. Added at
   once, that would read and write all gradients of the matrix each time; so it waits until there is
   more, and then each row is gone through once. What is added to a number, and in which order, stays
   the same: whoever adds to such a row meanwhile has what waits for it added first. */

#include "engine.h"

enum { MOST = 16 };

/* ---- Adding what waits ---- */

/* grads[j] += factors[k] * xs[k][j], for one k after the other. */
WIDE static void add_multiples(double *restrict grads, Py_ssize_t n, const double *const *xs,
                               const double *factors, int count) {
    int k = 0;
    for (; k + 4 <= count; k += 4) {
        const double *x0 = xs[k], *x1 = xs[k + 1], *x2 = xs[k + 2], *x3 = xs[k + 3];
        double f0 = factors[k], f1 = factors[k + 1], f2 = factors[k + 2], f3 = factors[k + 3];
        for (Py_ssize_t j = 0; j < n; j++)
            grads[j] = grads[j] + f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j];
    }
    for (; k < count; k++) {
        const double *x = xs[k], factor = factors[k];
        for (Py_ssize_t j = 0; j < n; j++)
            grads[j] += factor * x[j];
    }
}

static void add_what_waits(Matrix *matrix) {
    Waiting *waiting = &matrix->waiting;
    const double *g[MOST], *x[MOST];
    int count = 0;
    for (Block *block = waiting->first; count < waiting->count; block = block->made->next) {
        g[count] = block_grads(block);
        x[count++] = block->made->x.numbers;
    }
    for (Py_ssize_t i = 0; i < matrix->count; i++) {
        const double *live_x[MOST];
        double live_g[MOST];
        int live = 0;
        for (int k = 0; k < count; k++) {
            live_x[live] = x[k];
            live_g[live] = g[k][i];
            live += g[k][i] != 0.0;
        }
        const Row *row = &matrix->inputs[i].row;
        add_multiples(block_grads(row->block) + row->start, matrix->width, live_x, live_g, live);
    }
    waiting->count = 0;
}

/* ---- Waiting ---- */

static void expect_nothing(Matrix *matrix, Py_ssize_t rows) {
    for (Py_ssize_t i = 0; i < rows; i++)
        matrix->inputs[i].row.block->expects = NULL;
    matrix->waiting.expected = false;
}

static bool expect_something(Matrix *matrix) {
    for (Py_ssize_t i = 0; i < matrix->count; i++) {
        Block *block = matrix->inputs[i].row.block;
        if (block->expects == matrix) {
            expect_nothing(matrix, i);
            matrix->waiting.repeats = true;
            return false;
        }
        if (block->expects)
            catch_up(block->expects);
        block->expects = matrix;
    }
    return matrix->waiting.expected = true;
}

/* Whether what `block` contributes to its matrix now waits; not if others could notice. */
bool let_wait(Block *block, Matrix **list) {
    Made *made = block->made;
    Matrix *matrix = made->w;
    Waiting *waiting = &matrix->waiting;
    if (matrix->computed || !matrix->source || made->rows != matrix->count || waiting->repeats ||
        !(waiting->expected || expect_something(matrix)))
        return false;
    if (!waiting->is_listed) {
        waiting->is_listed = true;
        waiting->next = *list;
        *list = matrix;
    }
    if (waiting->count)
        waiting->last->made->next = block;
    else
        waiting->first = block;
    waiting->last = block;
    if (++waiting->count == MOST)
        add_what_waits(matrix);
    return true;
}

/* Add what waits for the rows of that matrix, so that others may add to them. */
void catch_up(Matrix *matrix) {
    add_what_waits(matrix);
    expect_nothing(matrix, matrix->count);
}

void catch_up_all(Matrix **list) {
    while (*list) {
        Matrix *matrix = *list;
        *list = matrix->waiting.next;
        matrix->waiting.is_listed = false;
        if (matrix->waiting.expected)
            catch_up(matrix);
    }
}
