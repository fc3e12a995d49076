/* Operations on rows, number by number: the table of operations.h, in loops.

   Each operation has a loop for its values, and for each operand a loop that gives what this gets of
   the gradients g of the result: local_grad * g. An operand is a row, or one Value that serves all.
   Where nothing can fail the compiler makes the loops work on several numbers at once. */

#include "engine.h"

/* The numbers of the operands and of the result. */
typedef struct {
    const double *a, *b, *y;
    bool single_a, single_b;
} Operands;

/* local_grad * g; but a gradient of 0 hands nothing down, nor does a branch that was not taken. */
#define SHARE(local_grad, OP, g) \
    ((g) == 0.0 || (has_branches(OP_##OP) && (local_grad) == 0.0) ? 0.0 : (local_grad) * (g))

/* ---- Two operands. The steps from one number to the next, 1 or 0, are constants, as each loop is
   made for each pair of them. ---- */

/* Call a loop with the steps that the operands need. */
#define WITH_STEPS(loop, o, ...) \
    ((o)->single_a   ? loop((o), 0, 1, __VA_ARGS__) \
     : (o)->single_b ? loop((o), 1, 0, __VA_ARGS__) \
                     : loop((o), 1, 1, __VA_ARGS__))

#define BINARY_SHARES(function, OP, local_grad) \
    static inline int function##_loop(const Operands *o, Py_ssize_t step_a, Py_ssize_t step_b, \
                                      Py_ssize_t n, const double *g, double *restrict shares) { \
        for (Py_ssize_t i = 0; i < n; i++) { \
            double a = o->a[i * step_a], b = o->b[i * step_b], y = o->y[i]; \
            (void)a, (void)b, (void)y; \
            shares[i] = SHARE(local_grad, OP, g[i]); \
        } \
        return 0; \
    } \
    WIDE static void function(const Operands *o, Py_ssize_t n, const double *g, double *shares) { \
        WITH_STEPS(function##_loop, o, n, g, shares); \
    }

#define BINARY(name, OP, sign, value, failure_of, by_a, by_b) \
    static inline int name##_loop(const Operands *o, Py_ssize_t step_a, Py_ssize_t step_b, \
                                  Py_ssize_t n, double *restrict ys) { \
        int failed = 0; \
        for (Py_ssize_t i = 0; i < n; i++) { \
            double a = o->a[i * step_a], b = o->b[i * step_b]; \
            double y = value; \
            failed |= (failure_of) != FINE; \
            ys[i] = y; \
        } \
        return failed; \
    } \
    WIDE static int name##_values(const Operands *o, Py_ssize_t n, double *ys) { \
        return WITH_STEPS(name##_loop, o, n, ys); \
    } \
    static Failure name##_failure(double a, double b) { \
        double y = value; \
        (void)a, (void)b, (void)y; \
        return failure_of; \
    } \
    BINARY_SHARES(name##_shares_of_a, OP, by_a) \
    BINARY_SHARES(name##_shares_of_b, OP, by_b)

BINARY_OPERATIONS(BINARY)

/* ---- One operand ---- */

#define UNARY(name, OP, sign, value, failure_of, by_x) \
    WIDE static int name##_values(const Operands *o, Py_ssize_t n, double *restrict ys) { \
        int failed = 0; \
        for (Py_ssize_t i = 0; i < n; i++) { \
            double x = o->a[i]; \
            double y = value; \
            failed |= (failure_of) != FINE; \
            ys[i] = y; \
        } \
        return failed; \
    } \
    static Failure name##_failure(double x, double unused) { \
        (void)unused; \
        double y = value; \
        (void)y; \
        return failure_of; \
    } \
    WIDE static void name##_shares_of_a(const Operands *o, Py_ssize_t n, const double *g, \
                                        double *restrict shares) { \
        for (Py_ssize_t i = 0; i < n; i++) { \
            double x = o->a[i], y = o->y[i]; \
            (void)x, (void)y; \
            shares[i] = SHARE(by_x, OP, g[i]); \
        } \
    }

UNARY_OPERATIONS(UNARY)

/* ---- All of them, by their number ---- */

typedef void Shares(const Operands *o, Py_ssize_t n, const double *g, double *shares);

typedef struct {
    int (*values)(const Operands *o, Py_ssize_t n, double *ys); /* whether one of them failed */
    Failure (*failure)(double a, double b);
    Shares *shares_of_a, *shares_of_b;
    const char *function; /* in an error about a sequence on the right */
} Elementwise;

#define OF_TWO(name, OP, sign, value, failure_of, by_a, by_b) \
    [OP_##OP] = {name##_values, name##_failure, name##_shares_of_a, name##_shares_of_b, \
                 "Vector " sign " other"},
#define OF_ONE(name, OP, sign, value, failure_of, by_x) \
    [OP_##OP] = {name##_values, name##_failure, name##_shares_of_a, NULL, NULL},

static const Elementwise elementwise[OP_COUNT] = {
    BINARY_OPERATIONS(OF_TWO)
    UNARY_OPERATIONS(OF_ONE)
};

static Operands operands_of(const Block *block, Py_ssize_t first) {
    const Made *made = block->made;
    return (Operands){
        made->single_x ? made->x.numbers : made->x.numbers + first,
        made->single_b || !made->b.numbers ? made->b.numbers : made->b.numbers + first,
        computed_numbers(block) + first,
        made->single_x,
        made->single_b,
    };
}

/* ---- The derivative ---- */

enum { SOME = 64 };

/* A row gets the shares one by one; a Value that serves all, their sum from left to right. */
static void hand_down_to(const Input *input, bool single, Shares *shares_of, const Block *block,
                         const double *g) {
    Py_ssize_t n = block->count;
    double shares[SOME], sum = 0.0;
    for (Py_ssize_t first = 0; first < n; first += SOME) {
        Py_ssize_t count = n - first < SOME ? n - first : SOME;
        Operands operands = operands_of(block, first);
        shares_of(&operands, count, g + first, shares);
        if (!single)
            contribute(&input->row, first, count, shares);
        else
            for (Py_ssize_t i = 0; i < count; i++)
                sum += shares[i];
    }
    if (single)
        contribute(&input->row, 0, 1, &sum);
}

void hand_down_elementwise(Block *block) {
    const Made *made = block->made;
    const Elementwise *operation = &elementwise[made->op];
    const double *g = block_grads(block);
    if (is_all_zero(g, block->count))
        return;
    hand_down_to(&made->x, made->single_x, operation->shares_of_a, block, g);
    if (operation->shares_of_b)
        hand_down_to(&made->b, made->single_b, operation->shares_of_b, block, g);
}

void elementwise_local_grads(const Block *block, Py_ssize_t index, double *into) {
    const Elementwise *operation = &elementwise[block->made->op];
    const Operands operands = operands_of(block, index);
    const double one = 1.0;
    operation->shares_of_a(&operands, 1, &one, into);
    if (operation->shares_of_b)
        operation->shares_of_b(&operands, 1, &one, into + 1);
}

/* ---- Making the node ---- */

/* The error of the first element that has no value. */
static void raise_for_element(const Block *block) {
    Op op = block->made->op;
    Failure failure = FINE;
    Py_ssize_t i = -1;
    double a = 0.0, b = 0.0;
    while (failure == FINE && ++i < block->count) {
        Operands operands = operands_of(block, i);
        a = *operands.a;
        b = operands.b ? *operands.b : 0.0;
        failure = elementwise[op].failure(a, b);
    }
    char prefix[64];
    PyOS_snprintf(prefix, sizeof(prefix), "%s of element %zd: ", op_names[op], i);
    raise_failure(failure, op, prefix, a, b);
}

/* An operand: a row, or one Value. */
typedef struct {
    Row row;
    bool single;
} Operand;

/* The operation on operands that it takes over; a unary one has no b. */
static PyObject *new_row(State *state, Op op, Operand *a, Operand *b) {
    Py_ssize_t n = a->single ? b->row.count : a->row.count;
    if (b && !a->single && !b->single && b->row.count != n) {
        from_arguments("different_lengths", "(snn)", op_names[op], n, b->row.count);
        release_row(state, &a->row);
        release_row(state, &b->row);
        return NULL;
    }
    Block *block = new_computed(state, op, n, &a->row, NULL, b ? &b->row : NULL, 0);
    if (!block)
        return NULL;
    Made *made = block->made;
    made->single_x = a->single;
    made->single_b = b && b->single;
    Operands operands = operands_of(block, 0);
    if (UNLIKELY(elementwise[op].values(&operands, n, buffer_numbers(&block->own)))) {
        raise_for_element(block);
        release_block(state, block);
        return NULL;
    }
    return finished_row(state, block);
}

PyObject *row_method(State *state, Op op, PyObject *a) {
    Operand x = {held(((Vector *)a)->row), false};
    return new_row(state, op, &x, NULL);
}

static int single_operand(Value *v, Operand *operand) {
    if (!v)
        return -1;
    *operand = (Operand){row_of_one(v), true};
    return 0;
}

/* What numbers and Values and rows are as operands. Returns 1 for anything else, -1 on failure; the
   argument is formatted, with the name of the operation and then its own. */
static int as_operand(State *state, PyObject *x, const char *argument, Op op, const char *name,
                      Operand *operand) {
    if (is_vector(state, x)) {
        if (!usable_vector(x))
            return -1;
        *operand = (Operand){held(((Vector *)x)->row), false};
        return 0;
    }
    if (is_value(state, x)) {
        if (!usable_value(x))
            return -1;
        Py_INCREF(x);
        return single_operand((Value *)x, operand);
    }
    if (PyFloat_CheckExact(x))
        return single_operand(new_leaf(state, PyFloat_AS_DOUBLE(x)), operand);
    double number;
    int real = is_real(state, x);
    if (real <= 0)
        return real ? -1 : 1;
    if (as_double(x, &number, argument, op_names[op], name))
        return -1;
    return single_operand(new_leaf(state, number), operand);
}

/* Whether x is a list, a tuple, or an array of one dimension: what may stand beside a row. */
int is_sequence(PyObject *x) {
    if (PyList_Check(x) || PyTuple_Check(x))
        return 1;
    return asked_of_arguments("is_sequence", x);
}

static int sequence_operand(State *state, PyObject *x, Name name, Operand *operand) {
    operand->single = false;
    return as_row(state, x, name, &operand->row);
}

/* a + b and the like, where at least one is a row. Sequences may stand only on the right, so that
   `values += row` makes a list longer. */
PyObject *rows_operator(State *state, Op op, PyObject *a, PyObject *b) {
    Operand x, y;
    int other = as_operand(state, a, "number %s Vector: the number", op, NULL, &x);
    if (!other) {
        other = as_operand(state, b, "Vector %s number: the number", op, NULL, &y);
        if (other > 0 && (other = is_sequence(b)) >= 0)
            other = other ? sequence_operand(state, b, (Name){elementwise[op].function, "other", -1}, &y)
                          : 1;
        if (!other)
            return new_row(state, op, &x, &y);
        release_row(state, &x.row);
    }
    if (other < 0)
        return NULL;
    Py_RETURN_NOTIMPLEMENTED;
}

/* maximum(a, b) and the like, where at least one is a row. */
PyObject *rows_function(State *state, Op op, const char *const *names, PyObject *const *operands) {
    Operand x[2];
    for (int i = 0; i < 2; i++) {
        int other = as_operand(state, operands[i], "%s: %s", op, names[i], &x[i]);
        if (other > 0 && (other = is_sequence(operands[i])) == 0) {
            from_arguments("no_operand", "(ssO)", op_names[op], names[i], operands[i]);
            other = -1;
        } else if (other > 0) {
            other = sequence_operand(state, operands[i], (Name){op_names[op], names[i], -1}, &x[i]);
        }
        if (other) {
            if (i)
                release_row(state, &x[0].row);
            return NULL;
        }
    }
    return new_row(state, op, &x[0], &x[1]);
}
