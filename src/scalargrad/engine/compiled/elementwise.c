/* Operations on rows, number by number: the table of operations.h, in loops.

   Each operation has a loop for its values, and for each operand a loop that gives what this gets of
   the gradients g of the result: local_grad * g. An operand is a row, or one Value that serves all.
   Where nothing can fail the compiler makes the loops work on several numbers at once. */

#include "engine.h"

/* The numbers of the operands, and of the result where the derivative needs it. */
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

#define BINARY_SHARES(function, OP, local_grad, with_y) \
    static inline int function##_loop(const Operands *o, Py_ssize_t step_a, Py_ssize_t step_b, \
                                      Py_ssize_t n, const double *g, double *restrict shares) { \
        for (Py_ssize_t i = 0; i < n; i++) { \
            double a = o->a[i * step_a], b = o->b[i * step_b], y = with_y ? o->y[i] : 0.0; \
            (void)a, (void)b, (void)y; \
            shares[i] = SHARE(local_grad, OP, g[i]); \
        } \
        return 0; \
    } \
    WIDE static void function(const Operands *o, Py_ssize_t n, const double *g, double *shares) { \
        WITH_STEPS(function##_loop, o, n, g, shares); \
    }

#define BINARY(name, OP, sign, value, failure_of, by_a, by_b, with_y) \
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
    BINARY_SHARES(name##_shares_of_a, OP, by_a, with_y) \
    BINARY_SHARES(name##_shares_of_b, OP, by_b, with_y)

BINARY_OPERATIONS(BINARY)

/* ---- One operand ---- */

#define UNARY(name, OP, sign, value, failure_of, by_x, with_y) \
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
            double x = o->a[i], y = with_y ? o->y[i] : 0.0; \
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
    bool with_y;
    const char *function; /* in an error about a sequence on the right */
} Elementwise;

#define OF_TWO(name, OP, sign, value, failure_of, by_a, by_b, with_y) \
    [OP_##OP] = {name##_values, name##_failure, name##_shares_of_a, name##_shares_of_b, with_y, \
                 "Vector " sign " other"},
#define OF_ONE(name, OP, sign, value, failure_of, by_x, with_y) \
    [OP_##OP] = {name##_values, name##_failure, name##_shares_of_a, NULL, with_y, NULL},

static const Elementwise elementwise[OP_COUNT] = {
    BINARY_OPERATIONS(OF_TWO)
    UNARY_OPERATIONS(OF_ONE)
};

static Operands operands_of(const Made *made, Py_ssize_t first) {
    return (Operands){
        made->single_x ? made->x.numbers : made->x.numbers + first,
        made->single_b || !made->b.numbers ? made->b.numbers : made->b.numbers + first,
        made->saved ? buffer_numbers(made->saved) + first : NULL,
        made->single_x,
        made->single_b,
    };
}

/* ---- The derivative ---- */

enum { SOME = 64 };

/* A row gets the shares one by one; a Value that serves all, their sum from left to right. */
static void hand_down_to(const Made *made, const Input *input, bool single, Shares *shares_of,
                         const double *g, Py_ssize_t n) {
    double shares[SOME], sum = 0.0;
    for (Py_ssize_t first = 0; first < n; first += SOME) {
        Py_ssize_t count = n - first < SOME ? n - first : SOME;
        Operands operands = operands_of(made, first);
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
    hand_down_to(made, &made->x, made->single_x, operation->shares_of_a, g, block->count);
    if (operation->shares_of_b)
        hand_down_to(made, &made->b, made->single_b, operation->shares_of_b, g, block->count);
}

void elementwise_local_grads(const Made *made, Py_ssize_t index, double *into) {
    const Elementwise *operation = &elementwise[made->op];
    const Operands operands = operands_of(made, index);
    const double one = 1.0;
    operation->shares_of_a(&operands, 1, &one, into);
    if (operation->shares_of_b)
        operation->shares_of_b(&operands, 1, &one, into + 1);
}

/* ---- Making the node ---- */

/* The error of the first element that has no value. */
static void raise_for_element(const Made *made, Py_ssize_t n) {
    Failure failure = FINE;
    Py_ssize_t i = -1;
    double a = 0.0, b = 0.0;
    while (failure == FINE && ++i < n) {
        Operands operands = operands_of(made, i);
        a = *operands.a;
        b = operands.b ? *operands.b : 0.0;
        failure = elementwise[made->op].failure(a, b);
    }
    char prefix[64];
    PyOS_snprintf(prefix, sizeof(prefix), "%s of element %zd: ", op_names[made->op], i);
    raise_failure(failure, made->op, prefix, a, b);
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
        raise_from_arguments("different_lengths", "(snn)", op_names[op], n, b->row.count);
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
    Operands operands = operands_of(made, 0);
    if (UNLIKELY(elementwise[op].values(&operands, n, buffer_numbers(&block->own)))) {
        raise_for_element(made, n);
        release_block(state, block);
        return NULL;
    }
    if (elementwise[op].with_y)
        save_result(block);
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
   argument is formatted, with the name of the operation. */
static int as_operand(State *state, PyObject *x, Op op, const char *argument, Operand *operand) {
    if (is_vector(state, x)) {
        *operand = (Operand){held(((Vector *)x)->row), false};
        return 0;
    }
    if (is_value(state, x)) {
        Py_INCREF(x);
        return single_operand((Value *)x, operand);
    }
    if (PyFloat_CheckExact(x))
        return single_operand(new_leaf(state, PyFloat_AS_DOUBLE(x)), operand);
    double number;
    int real = is_real(state, x);
    if (real <= 0)
        return real ? -1 : 1;
    if (as_double(state, x, &number, argument, op_names[op]))
        return -1;
    return single_operand(new_leaf(state, number), operand);
}

/* Whether x is a list, a tuple, or an array of one dimension: what may stand beside a row. */
static int is_sequence(PyObject *x) {
    if (PyList_Check(x) || PyTuple_Check(x))
        return 1;
    if (!strcmp(Py_TYPE(x)->tp_name, "array.array"))
        return 1;
    PyObject *shape = PyObject_GetAttrString(x, "shape");
    if (!shape) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    int one = PyTuple_Check(shape) && PyTuple_GET_SIZE(shape) == 1;
    Py_DECREF(shape);
    return one;
}

/* The same with sequences; 1 for what is none. */
static int as_operand_or_sequence(State *state, PyObject *x, Op op, const char *argument, Name name,
                                  Operand *operand) {
    int other = as_operand(state, x, op, argument, operand);
    if (other <= 0)
        return other;
    int sequence = is_sequence(x);
    if (sequence <= 0)
        return sequence ? -1 : 1;
    operand->single = false;
    return as_row(state, x, name, &operand->row);
}

/* a + b and the like, where at least one is a row. Sequences may stand only on the right, so that
   `values += row` makes a list longer. */
PyObject *rows_operator(State *state, Op op, PyObject *a, PyObject *b) {
    Operand x, y;
    Name name = {elementwise[op].function, "other", -1};
    int other = as_operand(state, a, op, "number %s Vector: the number", &x);
    if (!other) {
        other = as_operand_or_sequence(state, b, op, "Vector %s number: the number", name, &y);
        if (!other)
            return new_row(state, op, &x, &y);
        release_row(state, &x.row);
    }
    if (other < 0)
        return NULL;
    Py_RETURN_NOTIMPLEMENTED;
}

/* maximum(a, b) and the like, where at least one is a row. */
PyObject *rows_function(State *state, Op op, PyObject *a, PyObject *b) {
    Operand x, y;
    Name names[2] = {{op_names[op], "a", -1}, {op_names[op], "b", -1}};
    PyObject *wrong = a;
    int other = as_operand_or_sequence(state, a, op, "%s: a", names[0], &x);
    if (!other) {
        other = as_operand_or_sequence(state, wrong = b, op, "%s: b", names[1], &y);
        if (!other)
            return new_row(state, op, &x, &y);
        release_row(state, &x.row);
    }
    if (other > 0)
        raise_type(state, wrong, "a row, a Value or a real number", "%s: %s", op_names[op],
                   wrong == a ? "a" : "b");
    return NULL;
}
