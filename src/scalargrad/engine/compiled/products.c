/* Products of a matrix with a row, from either side. Each sum adds from left to right.

   One sum is a chain of additions, each waiting for the one before; so many sums are worked on side
   by side. Those of columns lie side by side in memory, too, which suits the processor best. */

#include "engine.h"

/* ---- y[i] = rows[i][0]*x[0] + rows[i][1]*x[1] + ... ---- */

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

void products(const Input *rows, Py_ssize_t m, const double *x, Py_ssize_t n, double *y) {
    Py_ssize_t i = 0;
    for (; i + 8 <= m; i += 8)
        eight_products(rows + i, x, n, y + i);
    for (; i < m; i++)
        y[i] = product(rows[i].numbers, x, n);
}

/* ---- sums[j] = factors[0]*rows[0][j] + factors[1]*rows[1][j] + ... ---- */

/* The indices of the next up to four rows, from `*next` on; those that count. */
static inline int next_rows(const double *factors, bool skip_zeros, Py_ssize_t count,
                            Py_ssize_t *next, Py_ssize_t *found) {
    int some = 0;
    Py_ssize_t i = *next;
    for (; i < count && some < 4; i++)
        if (!skip_zeros || factors[i] != 0.0)
            found[some++] = i;
    *next = i;
    return some;
}

static inline void sum_rows(const double *factors, bool skip_zeros, const Input *rows,
                            Py_ssize_t count, Py_ssize_t first, Py_ssize_t columns,
                            double *restrict sums) {
    Py_ssize_t next = 0, i[4];
    int some;
    for (Py_ssize_t j = 0; j < columns; j++)
        sums[j] = 0.0;
    while ((some = next_rows(factors, skip_zeros, count, &next, i)) == 4) {
        const double *r0 = rows[i[0]].numbers + first, f0 = factors[i[0]];
        const double *r1 = rows[i[1]].numbers + first, f1 = factors[i[1]];
        const double *r2 = rows[i[2]].numbers + first, f2 = factors[i[2]];
        const double *r3 = rows[i[3]].numbers + first, f3 = factors[i[3]];
        for (Py_ssize_t j = 0; j < columns; j++)
            sums[j] = sums[j] + f0 * r0[j] + f1 * r1[j] + f2 * r2[j] + f3 * r3[j];
    }
    for (int k = 0; k < some; k++) {
        const double *row = rows[i[k]].numbers + first, factor = factors[i[k]];
        for (Py_ssize_t j = 0; j < columns; j++)
            sums[j] += factor * row[j];
    }
}

/* Some columns, at most COLUMNS, of a sum of rows. */
WIDE void column_sums(const double *factors, const Input *rows, Py_ssize_t count, Py_ssize_t first,
                      Py_ssize_t columns, double *sums) {
    sum_rows(factors, false, rows, count, first, columns, sums);
}

/* The same, where a factor of 0 adds nothing, not even 0 * inf. */
WIDE void live_column_sums(const double *factors, const Input *rows, Py_ssize_t count,
                           Py_ssize_t first, Py_ssize_t columns, double *sums) {
    sum_rows(factors, true, rows, count, first, columns, sums);
}
