/* Every operation: of numbers, its value and beside it its derivative; of rows, its name.

   One row per operation, in the order of reference/operations.py, which explains them. A row has
   the name, the value y of the operands, what is wrong if it has none (as Python sees it), and the
   derivative with respect to each operand. Included where the operations on numbers, and those on
   rows number by number, are made from it. */

#ifndef SCALARGRAD_OPERATIONS_H
#define SCALARGRAD_OPERATIONS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>

static const double LOG2_E = 1.4426950408889634, LOG10_E = 0.4342944819032518;
static const double TWO_OVER_ROOT_PI = 1.1283791670955126;

typedef enum { FINE, DIVISION_BY_ZERO, TOO_LARGE, UNDEFINED } Failure;

/*      name              sign       value of a and b      failure                      by a                   by b */
#define BINARY_OPERATORS(ROW) \
    ROW(add,     ADD,     "+",       a + b,             FINE,                  1.0,                   1.0) \
    ROW(sub,     SUB,     "-",       a - b,             FINE,                  1.0,                   -1.0) \
    ROW(mul,     MUL,     "*",       a * b,             FINE,                  b,                     a) \
    ROW(div,     DIV,     "/",       a / b,             zero_division(b),      ieee_divide(1.0, b),   quotient_by_divisor(y, a, b)) \
    ROW(pow,     POW,     "**",      power(a, b),       power_failure(a, b, y), power_by_base(y, a, b), power_by_exponent(y, a, b))
#define BINARY_FUNCTIONS(ROW) \
    ROW(maximum, MAXIMUM, "maximum", larger(a, b),      FINE,                  share(a, b),           share(b, a)) \
    ROW(minimum, MINIMUM, "minimum", smaller(a, b),     FINE,                  share(b, a),           share(a, b)) \
    ROW(atan2,   ATAN2,   "atan2",   atan2(a, b),       FINE,                  atan2_by_y(a, b),      atan2_by_x(a, b))

/*      name              sign       value of x            failure                      by x */
#define UNARY_OPERATORS(ROW) \
    ROW(neg,     NEG,     "neg",     -x,                FINE,                  -1.0) \
    ROW(abs,     ABS,     "abs",     fabs(x),           FINE,                  sign(x))
#define METHODS(ROW) \
    ROW(exp,     EXP,     "exp",     exp(x),            overflow(x, y),        y) \
    ROW(log,     LOG,     "log",     log(x),            singularity(x, y),     ieee_divide(1.0, x)) \
    ROW(log1p,   LOG1P,   "log1p",   x == 0.0 ? x : log1p(x), singularity(x, y), 1.0 / (1.0 + x)) \
    ROW(log2,    LOG2,    "log2",    log2(x),           singularity(x, y),     ieee_divide(LOG2_E, x)) \
    ROW(log10,   LOG10,   "log10",   log10(x),          singularity(x, y),     ieee_divide(LOG10_E, x)) \
    ROW(expm1,   EXPM1,   "expm1",   expm1(x),          overflow(x, y),        exp(x)) \
    ROW(sqrt,    SQRT,    "sqrt",    sqrt(x),           singularity(x, y),     ieee_divide(0.5, y)) \
    ROW(sin,     SIN,     "sin",     sin(x),            singularity(x, y),     cos(x)) \
    ROW(cos,     COS,     "cos",     cos(x),            singularity(x, y),     -sin(x)) \
    ROW(tan,     TAN,     "tan",     tan(x),            singularity(x, y),     1.0 + y * y) \
    ROW(asin,    ASIN,    "asin",    asin(x),           singularity(x, y),     asin_slope(x)) \
    ROW(acos,    ACOS,    "acos",    acos(x),           singularity(x, y),     -asin_slope(x)) \
    ROW(atan,    ATAN,    "atan",    atan(x),           FINE,                  atan_slope(x)) \
    ROW(sinh,    SINH,    "sinh",    sinh(x),           overflow(x, y),        cosh(x)) \
    ROW(cosh,    COSH,    "cosh",    cosh(x),           overflow(x, y),        sinh(x)) \
    ROW(tanh,    TANH,    "tanh",    tanh(x),           FINE,                  tanh_slope(y, x)) \
    ROW(sigmoid, SIGMOID, "sigmoid", sigmoid(x),        FINE,                  sigmoid_slope(y, x)) \
    ROW(softplus, SOFTPLUS, "softplus", softplus(x),    FINE,                  sigmoid(x)) \
    ROW(erf,     ERF,     "erf",     erf(x),            FINE,                  erf_slope(x)) \
    ROW(relu,    RELU,    "relu",    x <= 0.0 ? 0.0 : x, FINE,                 x <= 0.0 ? 0.0 : 1.0)

#define BINARY_OPERATIONS(ROW) BINARY_OPERATORS(ROW) BINARY_FUNCTIONS(ROW)
#define UNARY_OPERATIONS(ROW) UNARY_OPERATORS(ROW) METHODS(ROW)

/* Operations on whole rows: how they compute stands in linear.c, sums.c and fused.c. */
#define ROW_OPERATIONS(ROW) \
    ROW(LINEAR, "linear") \
    ROW(DOT, "dot") \
    ROW(WEIGHTED_SUM, "weighted_sum") \
    ROW(CONCATENATE, "concatenate") \
    ROW(SUM, "sum") \
    ROW(MEAN, "mean") \
    ROW(SOFTMAX, "softmax") \
    ROW(RMSNORM, "rmsnorm") \
    ROW(LOGSUMEXP, "logsumexp") \
    ROW(CROSS_ENTROPY, "cross_entropy")

#define OF_NUMBERS(name, OP, ...) OP_##OP,
#define OF_ROWS(OP, sign) OP_##OP,
typedef enum {
    OP_NONE,
    BINARY_OPERATIONS(OF_NUMBERS)
    UNARY_OPERATIONS(OF_NUMBERS)
    ROW_OPERATIONS(OF_ROWS)
    OP_COUNT,
    OP_BLANK, /* a Value that was not initialised yet */
} Op;
#undef OF_NUMBERS
#undef OF_ROWS

/* Whether an operation takes one of several branches: the others get no gradient at all. */
static inline bool has_branches(Op op) {
    return op == OP_RELU || op == OP_MAXIMUM || op == OP_MINIMUM;
}

/* ---- When Python raises ---- */

static inline Failure zero_division(double b) {
    return b == 0.0 ? DIVISION_BY_ZERO : FINE;
}

static inline Failure singularity(double x, double y) {
    return (isnan(y) && !isnan(x)) || (isinf(y) && isfinite(x)) ? UNDEFINED : FINE;
}

static inline Failure overflow(double x, double y) {
    return isinf(y) && isfinite(x) ? TOO_LARGE : FINE;
}

/* ---- Poles ----

   C's own division, logarithm and power give the same there, but they also raise the processor's
   flags, of which NumPy then warns. */

/* Where b is 0, a is neither 0 nor nan. */
static inline double ieee_divide(double a, double b) {
    return b != 0.0 ? a / b : copysign(INFINITY, a) * copysign(1.0, b);
}

static inline double ieee_log(double x) {
    return x > 0.0 ? log(x) : x == 0.0 ? -INFINITY : NAN;
}

/* ---- Division ---- */

/* Whether a number is 0 or so small that a double has few digits left for it. */
static inline bool is_coarse(double y) {
    return fabs(y) < DBL_MIN;
}

static inline double quotient_by_divisor(double y, double a, double b) {
    return y != 0.0 && is_coarse(y) ? -(a / (b * b)) : -(y / b);
}

/* ---- Powers ---- */

static inline bool is_odd(double n) {
    return isfinite(n) && fmod(fabs(n), 2.0) == 1.0;
}

/* x ** n as Python's floats have it; where that raises, or is complex, see power_failure. */
static inline double power(double x, double n) {
    if (n != n && x != 1.0) /* C says that (-1) ** nan is 1 */
        return n;
    double y = x == 0.0 && n < 0.0 ? INFINITY : pow(fabs(x), n);
    return signbit(x) && is_odd(n) ? -y : y;
}

static inline Failure power_failure(double x, double n, double y) {
    if (!isfinite(x) || !isfinite(n))
        return FINE;
    if (x == 0.0)
        return n < 0.0 ? DIVISION_BY_ZERO : FINE;
    if (isinf(y))
        return TOO_LARGE;
    return x < 0.0 && n != floor(n) ? UNDEFINED : FINE;
}

/* Whether m is exactly n - 1. */
static inline bool is_one_less(double m, double n) {
    return m + 1.0 == n && m - n == -1.0;
}

static inline double power_by_base(double y, double x, double n) {
    if (n == 0.0)
        return 0.0;
    double one_less = power(x, n - 1.0);
    if (x == 0.0 || !isfinite(x) || !isfinite(n))
        return n * one_less;
    if (is_coarse(one_less) && fabs(n) > 4.0) {
        double root = power(fabs(x), 0.5 * n);
        return copysign(1.0, y) * (n * root / x) * root;
    }
    if (isinf(one_less) || !is_one_less(n - 1.0, n))
        return n * y / x;
    return n * one_less;
}

static inline double power_by_exponent(double y, double x, double n) {
    if (x == 0.0 && n >= 0.0)
        return 0.0;
    bool small = is_coarse(y) || (n >= 2.0 && is_coarse(x * x));
    if (small && DBL_MIN <= x && x < 1.0)
        return power(x, n - 1.0) * (x * ieee_log(x));
    if (x < INFINITY && is_coarse(y)) {
        double root = power(x, 0.5 * n);
        return root * ieee_log(x) * root;
    }
    return y * ieee_log(x);
}

/* ---- Angles ---- */

static inline double asin_slope(double x) {
    double size = fabs(x);
    double square = 0.5 < size && size < 1.0 ? (1.0 - x) * (1.0 + x) : 1.0 - x * x;
    return ieee_divide(1.0, sqrt(square));
}

static inline double atan_slope(double x) {
    if ((-1.0 <= x && x <= 1.0) || !isfinite(x))
        return 1.0 / (1.0 + x * x);
    double r = 1.0 / x;
    return r * r / (1.0 + r * r);
}

/* The power of two that brings the point (x, y) to about 1, or 1 if there is none. */
static inline double unit_of_point(double y, double x) {
    double largest = fabs(y) > fabs(x) ? fabs(y) : fabs(x);
    int exponent;
    if (!(0.0 < largest && largest < INFINITY))
        return 1.0;
    frexp(largest, &exponent);
    return ldexp(1.0, -(exponent < -1021 ? -1021 : exponent > 1022 ? 1022 : exponent));
}

static inline double atan2_by_y(double y, double x) {
    double unit = unit_of_point(y, x);
    y *= unit, x *= unit;
    double square = y * y + x * x;
    return square == 0.0 ? 0.0 : x / square * unit;
}

static inline double atan2_by_x(double y, double x) {
    double unit = unit_of_point(y, x);
    y *= unit, x *= unit;
    double square = y * y + x * x;
    return square == 0.0 ? 0.0 : -y / square * unit;
}

/* ---- The rest ---- */

static inline double erf_slope(double x) {
    if (fabs(x) > 30.0)
        return 0.0;
    double coarse = x * 134217729.0; /* 2**27 + 1 */
    coarse = coarse - (coarse - x);
    return TWO_OVER_ROOT_PI * exp(-coarse * coarse) * exp((coarse - x) * (coarse + x));
}

static inline double sign(double x) {
    return (double)((x > 0.0) - (x < 0.0));
}

static inline double sigmoid(double x) {
    double t = exp(-fabs(x));
    return x < 0.0 ? t / (1.0 + t) : 1.0 / (1.0 + t);
}

static inline double sigmoid_slope(double y, double x) {
    if (-1.0 < x && x < 1.0) {
        double t = tanh(0.5 * x);
        return 0.25 * (1.0 - t * t);
    }
    double small = x <= 0.0 ? y : sigmoid(-x);
    return small * (1.0 - small);
}

static inline double softplus(double x) {
    return (0.0 > x ? 0.0 : x) + log1p(exp(-fabs(x)));
}

static inline double tanh_slope(double y, double x) {
    if (-0.5 < x && x < 0.5)
        return 1.0 - y * y;
    double small = sigmoid(x <= 0.0 ? x + x : -x - x);
    return 4.0 * small * (1.0 - small);
}

static inline double larger(double a, double b) {
    return a != a || b != b ? NAN : b > a ? b : a;
}

static inline double smaller(double a, double b) {
    return a != a || b != b ? NAN : b < a ? b : a;
}

static inline double share(double winner, double loser) {
    return winner == loser ? 0.5 : winner < loser ? 0.0 : 1.0;
}

#endif
