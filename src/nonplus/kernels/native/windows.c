/* The figures of documents from the surprisals of their tokens: sums, the worst window,
   the standard error of the mean.

   A document is cut into windows of WINDOW tokens; a rest that is shorter belongs to the
   last one. Sums are exact, in whole units of 2**-40, as in sums.c. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define WINDOW 32
#define STRETCHES 8 /* of a document, in whole windows; if there are not as many, its tokens */
#define UNIT 0x1p40
#define LARGE 0x1p22 /* times 2**40 this does not fit into 64 bits */
#define SMALL 2048   /* below, a value is rounded by adding 1.5 * 2**52 */
#define AT_ONCE 0x1.8p52
#define LN2 0.693147180559945309417

typedef struct {
    int64_t units, zeros, bytes;
} Window;

typedef struct {
    const double *nats;
    const void *begins, *ends;
    int wide; /* whether these are of 64 bits */
} Tokens;

static inline int64_t begin_of(const Tokens *t, int64_t i) {
    return t->wide ? ((const int64_t *)t->begins)[i] : ((const int32_t *)t->begins)[i];
}

static inline int64_t end_of(const Tokens *t, int64_t i) {
    return t->wide ? ((const int64_t *)t->ends)[i] : ((const int32_t *)t->ends)[i];
}

/* Add the units of `value` to `sum`; 1 if that does not fit. */
static int add(double value, int64_t *sum) {
    if (!(fabs(value) < LARGE)) return 1;
    return __builtin_add_overflow(*sum, (int64_t)llrint(value * UNIT), sum);
}

static int large(const double *nats, int64_t n, int64_t *units) {
    *units = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(nats[i]) && add(nats[i], units)) return 1;
    return 0;
}

/* Tokens [first, last), of which a token of probability 0 has no units; 1 if a sum does not
   fit. */
static int window(const Tokens *t, int64_t first, int64_t last, Window *sums) {
    const double *nats = t->nats + first;
    uint64_t units = 0, none_bits;
    double none = AT_ONCE;
    int64_t n = last - first, finite = 0, fits = 0, bytes = 0;
    memcpy(&none_bits, &none, 8);
    for (int64_t i = 0; i < n; i++) {
        double own = fabs(nats[i]) < INFINITY ? nats[i] : 0, shifted = own * UNIT + AT_ONCE;
        uint64_t bits;
        memcpy(&bits, &shifted, 8);
        units += bits - none_bits;
        finite += fabs(nats[i]) < INFINITY;
        fits += own < SMALL;
    }
    for (int64_t i = first; i < last; i++) bytes += end_of(t, i) - begin_of(t, i);
    *sums = (Window){(int64_t)units, n - finite, bytes};
    return fits < n ? large(nats, n, &sums->units) : 0;
}

/* The square of how far a piece of `tokens` is off the mean, as if it had `size` of them, in
   units; 1 if it does not fit. The product is rounded by itself, also where processors add
   to it at once. */
static int add_square(double nats, double mean, int64_t tokens, double size, int64_t *sum) {
    volatile double expected = mean * tokens;
    double off = (nats - expected) / size;
    return add(off * off, sum);
}

/* The surprisal of windows [first, last). */
static double nats_of(const int64_t *units_of, int64_t first, int64_t last) {
    int64_t units = 0;
    for (int64_t w = first; w < last; w++) units += units_of[w]; /* the sum of all fits */
    return units / UNIT;
}

/* The figures of document `d`, which has the tokens [offsets[d], offsets[d + 1]): surprisal;
   bytes; standard error, NAN if there is none; the bits per byte of its worst window, NAN
   if there is none, and the bytes at which that begins and ends. 1 if a sum does not fit. */
static int figures(const Tokens *t, int64_t begin, int64_t end, double *nats, int64_t *bytes, double *error,
                   double *worst, int64_t *worst_begin, int64_t *worst_end, int64_t *units_of) {
    int64_t tokens = end - begin, windows = tokens / WINDOW ? tokens / WINDOW : tokens > 0;
    int64_t units = 0, zeros = 0, squares = 0, pieces = windows >= STRETCHES ? STRETCHES : tokens;
    Window own;
    *bytes = *worst_begin = *worst_end = 0;
    *worst = *error = NAN;
    for (int64_t w = 0; w < windows; w++) {
        int64_t first = begin + w * WINDOW, last = w == windows - 1 ? end : first + WINDOW;
        if (window(t, first, last, &own) || __builtin_add_overflow(units, own.units, &units)) return 1;
        units_of[w] = own.units;
        zeros += own.zeros;
        *bytes += own.bytes;
        double bits = (own.zeros ? INFINITY : own.units / UNIT) / own.bytes / LN2;
        if (own.bytes <= 0 || bits <= *worst) continue;
        *worst = bits;
        *worst_begin = begin_of(t, first);
        *worst_end = end_of(t, last - 1);
    }
    *nats = zeros ? INFINITY : units / UNIT;
    if (zeros || pieces < 2) return 0;
    double mean = *nats / tokens, size = (double)tokens / pieces;
    for (int64_t p = 0; p < pieces; p++) {
        int64_t first = p * windows / STRETCHES, last = (p + 1) * windows / STRETCHES;
        int64_t own_tokens = (last == windows ? tokens : last * WINDOW) - first * WINDOW;
        if (windows < STRETCHES ? add_square(t->nats[begin + p], mean, 1, size, &squares)
                                : add_square(nats_of(units_of, first, last), mean, own_tokens, size, &squares))
            return 1;
    }
    *error = sqrt(squares / UNIT / ((double)pieces * (pieces - 1)));
    return 0;
}

/* `units_of` has room for a number for each 32 tokens of a document, and one more. */
int nonplus_figures(const double *nats, const void *begins, const void *ends, int wide, const int64_t *offsets,
                    int64_t documents, double *total, int64_t *bytes, double *error, double *worst,
                    int64_t *worst_begin, int64_t *worst_end, int64_t *units_of) {
    const Tokens t = {nats, begins, ends, wide};
    for (int64_t d = 0; d < documents; d++)
        if (figures(&t, offsets[d], offsets[d + 1], total + d, bytes + d, error + d, worst + d, worst_begin + d,
                    worst_end + d, units_of))
            return 1;
    return 0;
}
