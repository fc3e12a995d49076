/* Blocks that were computed: what an operation on rows leaves behind, and what its derivative adds
   to gradients. */

#include "engine.h"

static Py_ssize_t copied(const Row *row) {
    return row && !row->block ? row->count : 0;
}

/* A block of `count` numbers, which the caller sets, computed from x, w and b, which it takes over
   and captures, and each of which may be NULL; with room for other numbers, see made_room. */
Block *new_computed(State *state, Op op, Py_ssize_t count, Row *x, Matrix *w, Row *b,
                    Py_ssize_t room) {
    Py_ssize_t extra = copied(x) + copied(b) + room;
    Block *block = NULL;
    if (extra > PY_SSIZE_T_MAX / 64)
        PyErr_NoMemory();
    else if (!w || !capture_matrix(state, &w))
        block = new_block(state, count, (Py_ssize_t)sizeof(Made) + extra * (Py_ssize_t)sizeof(double));
    if (!block) {
        if (x)
            release_row(state, x);
        if (w)
            release_matrix(state, w);
        if (b)
            release_row(state, b);
        return NULL;
    }
    block->own.refs++; /* the derivative relies on the result, too */
    Made *made = block->made = block_extra(block);
    memset(made, 0, sizeof(Made));
    double *space = (double *)(made + 1) + room;
    made->op = op;
    made->w = w;
    if (x) {
        made->x.row = *x;
        capture(&made->x, space);
    }
    if (b) {
        made->b.row = *b;
        capture(&made->b, space + copied(x));
    }
    return block;
}

/* The room for other numbers. */
double *made_room(const Made *made) {
    return (double *)(made + 1);
}

/* The block as a row; inside no_grad, as one of leaves. */
PyObject *finished_row(State *state, Block *block) {
    if (!recording(state))
        forget_origin(state, block);
    Row row = row_of_block(block);
    return new_vector(state, &row);
}

/* The one number of the block. */
PyObject *finished_value(State *state, Block *block) {
    if (!recording(state))
        forget_origin(state, block);
    Value *result = block_element(state, block, 0);
    release_block(state, block);
    return (PyObject *)result;
}

/* ---- Contributions to gradients ---- */

/* Add shares to the gradients of a part of the row. */
WIDE void contribute(const Row *row, Py_ssize_t start, Py_ssize_t count, const double *shares) {
    const Row part = part_of(*row, start, count);
    for (Span span = span_at(&part, 0); span.count; span = next_span(&part, span))
        for (Py_ssize_t j = 0; j < span.count; j++)
            span.grads[j] += shares[span.at + j];
}

/* Add to the gradients of each row its multiple of the numbers; where `skip_zeros`, a factor of 0 adds
   nothing. */
WIDE void contribute_multiples(const Input *rows, Py_ssize_t count, const double *factors,
                               bool skip_zeros, const double *numbers) {
    for (Py_ssize_t i = 0; i < count; i++) {
        const Row *row = &rows[i].row;
        const double factor = factors[i];
        if (skip_zeros && factor == 0.0)
            continue;
        for (Span span = span_at(row, 0); span.count; span = next_span(row, span)) {
            double *restrict grads = span.grads;
            for (Py_ssize_t j = 0; j < span.count; j++)
                grads[j] += factor * numbers[span.at + j];
        }
    }
}
