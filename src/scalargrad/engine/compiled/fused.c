/* softmax, rmsnorm, logsumexp and cross_entropy, each with its derivative: the shares of the inputs,
   given the gradients g of the results. */

#include "engine.h"

/* a[0]*b[0] + a[1]*b[1] + ..., from left to right. */
static double sum_of_products(const double *a, const double *b, Py_ssize_t n) {
    double sum = 0.0;
    for (Py_ssize_t j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

/* The index of the largest number; the first one, and 0 if that is nan. */
static Py_ssize_t index_of_largest(const double *x, Py_ssize_t n) {
    Py_ssize_t top = 0;
    for (Py_ssize_t j = 1; j < n; j++)
        if (x[j] > x[top])
            top = j;
    return top;
}

/* p[j] = exp(x[j] - top) / sum_i exp(x[i] - top); returns the sum without that of the top itself. */
static double probabilities(const double *x, Py_ssize_t n, Py_ssize_t top, double *p) {
    double total = 0.0, others = 0.0;
    for (Py_ssize_t j = 0; j < n; j++) {
        p[j] = exp(x[j] - x[top]);
        total += p[j];
        if (j != top)
            others += p[j];
    }
    for (Py_ssize_t j = 0; j < n; j++)
        p[j] = p[j] / total;
    return others;
}

/* ---- softmax: x[j] gets p[j] (g[j] - sum_i g[i] p[i]), all g less that of the largest p ---- */

PyObject *softmax(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"x"};
    State *state = module_state(module);
    PyObject *given[1];
    Row x;
    if (parse("softmax", names, 1, 1, 1, args, n, keywords, given) ||
        as_filled_row(state, given[0], (Name){"softmax", "x", -1}, &x))
        return NULL;
    Block *block = new_computed(state, OP_SOFTMAX, x.count, &x, NULL, NULL, 0);
    if (!block)
        return NULL;
    const double *numbers = block->made->x.numbers;
    probabilities(numbers, block->count, index_of_largest(numbers, block->count),
                  buffer_numbers(&block->own));
    return finished_row(state, block);
}

/* ---- rmsnorm: x[j] gets scale (g[j] - y[j] mean_i g[i] y[i]) ---- */

/* The power of two that brings the numbers to about 1, or 1 if there is none. */
static double unit_for(const double *x, Py_ssize_t n, double eps) {
    double largest = sqrt(eps);
    for (Py_ssize_t j = 0; j < n; j++)
        if (fabs(x[j]) > largest)
            largest = fabs(x[j]);
    if (!(0.0 < largest && largest < INFINITY))
        return 1.0;
    int exponent;
    frexp(largest, &exponent);
    return ldexp(1.0, -(exponent < -1023 ? -1023 : exponent > 1022 ? 1022 : exponent));
}

/* y[j] = x[j] / sqrt(mean_i x[i]**2 + eps); returns what x is multiplied by, or inf for a row of
   zeros. Where the squares would overflow or underflow, the numbers are brought to about 1 first. */
static double normalize(const double *x, Py_ssize_t n, double eps, double *y) {
    double unit = 1.0, mean_square = sum_of_products(x, x, n) / (double)n + eps;
    if (!(1e-290 < mean_square && mean_square < INFINITY) && (unit = unit_for(x, n, eps)) != 1.0) {
        for (Py_ssize_t j = 0; j < n; j++)
            y[j] = x[j] * unit;
        mean_square = sum_of_products(y, y, n) / (double)n + eps * unit * unit;
    }
    double scale = power(mean_square, -0.5);
    for (Py_ssize_t j = 0; j < n; j++)
        y[j] = x[j] * unit * scale;
    return unit * scale;
}

PyObject *rmsnorm(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"x", "eps"};
    State *state = module_state(module);
    PyObject *given[2];
    double eps = 1e-5;
    Row x;
    if (parse("rmsnorm", names, 1, 2, 2, args, n, keywords, given) ||
        as_filled_row(state, given[0], (Name){"rmsnorm", "x", -1}, &x))
        return NULL;
    if (given[1] && as_double(given[1], &eps, "rmsnorm: eps")) {
        release_row(state, &x);
        return NULL;
    }
    if (!(eps >= 0.0)) {
        PyObject *number = PyFloat_FromDouble(eps);
        if (number)
            PyErr_Format(PyExc_ValueError, "rmsnorm: eps must be at least 0, got %R", number);
        Py_XDECREF(number);
        release_row(state, &x);
        return NULL;
    }
    Block *block = new_computed(state, OP_RMSNORM, x.count, &x, NULL, NULL, 0);
    if (!block)
        return NULL;
    Made *made = block->made;
    made->eps = eps;
    made->scale = normalize(made->x.numbers, block->count, eps, buffer_numbers(&block->own));
    if (eps == 0.0 && is_all_zero(made->x.numbers, block->count)) {
        PyErr_Format(PyExc_ZeroDivisionError,
                     "rmsnorm of %zd number%s, all 0.0, with eps=0.0: division by zero",
                     block->count, block->count == 1 ? "" : "s");
        release_block(state, block);
        return NULL;
    }
    return finished_row(state, block);
}

/* ---- logsumexp: x[j] gets g p[j] ---- */

/* log(sum_j exp(x[j])) less the largest of them, and the probabilities. */
static double log_of_sum(Made *made, Py_ssize_t count, Py_ssize_t *top) {
    made->probabilities = made_room(made);
    *top = index_of_largest(made->x.numbers, count);
    double others = probabilities(made->x.numbers, count, *top, made->probabilities);
    return others == 0.0 ? others : log1p(others);
}

PyObject *logsumexp(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"x"};
    State *state = module_state(module);
    PyObject *given[1];
    Py_ssize_t top;
    Row x;
    if (parse("logsumexp", names, 1, 1, 1, args, n, keywords, given) ||
        as_filled_row(state, given[0], (Name){"logsumexp", "x", -1}, &x))
        return NULL;
    Py_ssize_t count = x.count;
    Block *block = new_computed(state, OP_LOGSUMEXP, 1, &x, NULL, NULL, count);
    if (!block)
        return NULL;
    double log_sum = log_of_sum(block->made, count, &top);
    block->made->target = -1;
    buffer_numbers(&block->own)[0] = block->made->x.numbers[top] + log_sum;
    return finished_value(state, block);
}

/* ---- cross_entropy: x[j] gets g p[j], less g for the target ---- */

static int as_target(PyObject *x, Py_ssize_t count, Py_ssize_t *target) {
    PyObject *index = PyNumber_Index(x);
    if (!index) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            raise_type(x, "an int or a row", "cross_entropy: target");
        }
        return -1;
    }
    *target = PyLong_AsSsize_t(index);
    if (*target == -1)
        PyErr_Clear(); /* too large, or -1: out of range in either case */
    int failed = *target < 0 || *target >= count;
    if (failed)
        from_arguments("target_range", "(On)", index, count);
    Py_DECREF(index);
    return failed ? -1 : 0;
}

/* Against a row of probabilities: the same in both engines. It takes over x. */
static PyObject *cross_entropy_of_row(State *state, Row *x, PyObject *target) {
    return call("scalargrad.engine.targets", "cross_entropy_of_row", "(NO)", new_vector(state, x),
                target);
}

static int is_target_row(State *state, PyObject *x) {
    return PyLong_CheckExact(x) ? 0 : is_vector(state, x) ? 1 : is_sequence(x);
}

PyObject *cross_entropy(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"logits", "target"};
    State *state = module_state(module);
    PyObject *given[2];
    Py_ssize_t target, top;
    Row x;
    if (parse("cross_entropy", names, 2, 2, 2, args, n, keywords, given) ||
        as_filled_row(state, given[0], (Name){"cross_entropy", "logits", -1}, &x))
        return NULL;
    Py_ssize_t count = x.count;
    int row = is_target_row(state, given[1]);
    if (row > 0)
        return cross_entropy_of_row(state, &x, given[1]);
    if (row < 0 || as_target(given[1], count, &target)) {
        release_row(state, &x);
        return NULL;
    }
    Block *block = new_computed(state, OP_CROSS_ENTROPY, 1, &x, NULL, NULL, count);
    if (!block)
        return NULL;
    Made *made = block->made;
    double log_sum = log_of_sum(made, count, &top);
    made->target = target;
    buffer_numbers(&block->own)[0] = (made->x.numbers[top] - made->x.numbers[target]) + log_sum;
    return finished_value(state, block);
}

/* ---- The derivatives, in two steps: what all shares have in common, and each share ---- */

typedef struct {
    double base; /* softmax: what is subtracted from all g */
    double sum;
} Common;

static Common common_part(const Block *block, const double *g) {
    const Made *made = block->made;
    const double *y = computed_numbers(block);
    Py_ssize_t n = made->x.row.count;
    if (made->op == OP_SOFTMAX) {
        Common common = {g[index_of_largest(y, n)], 0.0};
        for (Py_ssize_t j = 0; j < n; j++)
            common.sum += (g[j] - common.base) * y[j];
        return common;
    }
    if (made->op == OP_RMSNORM)
        return (Common){0.0, sum_of_products(g, y, n) / (double)n};
    if (made->op == OP_LOGSUMEXP)
        return (Common){0.0, 0.0};
    if (n == 1)
        return (Common){0.0, g[0] * (made->probabilities[0] - 1.0)};
    double others = 0.0; /* the share of the target is p - 1: minus the sum of the others */
    for (Py_ssize_t j = 0; j < n; j++)
        if (j != made->target)
            others += made->probabilities[j];
    return (Common){0.0, -g[0] * others};
}

static void some_shares(const Block *block, const double *g, Common common, Py_ssize_t first,
                        Py_ssize_t end, double *into) {
    const Made *made = block->made;
    const double *y = computed_numbers(block);
    if (made->op == OP_SOFTMAX) {
        for (Py_ssize_t j = first; j < end; j++)
            *into++ = y[j] * ((g[j] - common.base) - common.sum);
    } else if (made->op == OP_RMSNORM) {
        for (Py_ssize_t j = first; j < end; j++)
            *into++ = made->scale * (g[j] - y[j] * common.sum);
    } else {
        for (Py_ssize_t j = first; j < end; j++)
            *into++ = j == made->target ? common.sum : g[0] * made->probabilities[j];
    }
}

/* The shares of the inputs, given the gradients g of the results. */
void fused_shares(const Block *block, const double *g, double *into) {
    some_shares(block, g, common_part(block, g), 0, block->made->x.row.count, into);
}

/* The same, added to the gradients of the inputs; backward has no memory to fail for. */
void hand_down_fused(Block *block) {
    enum { SOME = 64 };
    const Made *made = block->made;
    const double *g = block_grads(block);
    if (is_all_zero(g, block->count))
        return;
    Common common = common_part(block, g);
    double shares[SOME];
    for (Py_ssize_t first = 0; first < made->x.row.count; first += SOME) {
        Py_ssize_t rest = made->x.row.count - first, count = rest < SOME ? rest : SOME;
        some_shares(block, g, common, first, first + count, shares);
        contribute(&made->x.row, first, count, shares);
    }
}
