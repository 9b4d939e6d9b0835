/* Exact sums over scored tokens, in whole units of 2**-40.

   A value becomes a whole number before it is added: rounded to nearest, ties to even,
   by itself. A function that cannot hold a value or a sum in 64 bits returns 1, and what
   it has written is void; else it returns 0. The build compiles this file once for each
   level of processor, with its own SUFFIX; sums_dispatch.c chooses at run time. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define UNIT 0x1p40
#define LARGE 0x1p22 /* times 2**40 this does not fit into 64 bits */
#define SMALL 2048   /* below, a value is rounded by adding 1.5 * 2**52; a block of them fits into 64 bits */
#define BLOCK 1024
#define AT_ONCE 0x1.8p52
#define JOIN(name, suffix) name##suffix
#define NAME(name, suffix) JOIN(name, suffix)

typedef struct {
    int64_t nats, weight, squares, weighted, zeros;
} Sums;

static const double ONES[BLOCK] = {[0 ... BLOCK - 1] = 1}; /* weights, where there are none */

/* Add the units of `value` to `sum`; 1 if that does not fit, or it is not a number. */
static int add(double value, int64_t *sum) {
    if (!(fabs(value) < LARGE)) return 1;
    return __builtin_add_overflow(*sum, (int64_t)llrint(value * UNIT), sum);
}

/* The units of a small value, as two's complement; of another, anything. */
static inline uint64_t units(double value) {
    double shifted = value * UNIT + AT_ONCE, none = AT_ONCE;
    uint64_t bits, none_bits;
    memcpy(&bits, &shifted, 8);
    memcpy(&none_bits, &none, 8);
    return bits - none_bits;
}

/* The sums of a block of tokens, a token of probability 0 having no nats; 0 if a value
   is not small. Without branches, so that compilers make vectors of it. */
static int small(const double *nats, const double *weight, int64_t tokens, Sums *sums) {
    uint64_t surprisal = 0, weights = 0, squares = 0;
    int64_t once = 0, finite = 0, fits = 0;
    for (int64_t s = 0; s < tokens; s++) {
        double w = weight[s], own = fabs(nats[s]) < INFINITY ? nats[s] : 0, product = own * w, square = product * own;
        surprisal += units(product);
        weights += units(w);
        squares += units(square);
        once += w == 1;
        finite += fabs(nats[s]) < INFINITY;
        fits += (fabs(product) < SMALL) & (fabs(w) < SMALL) & (fabs(square) < SMALL);
    }
    *sums = (Sums){(int64_t)surprisal, (int64_t)weights, (int64_t)squares, tokens - once, tokens - finite};
    return fits == tokens;
}

/* The same of values that may be large; 1 if they are too large. */
static int large(const double *nats, const double *weight, int64_t tokens, Sums *sums) {
    *sums = (Sums){0};
    for (int64_t s = 0; s < tokens; s++) {
        int finite = isfinite(nats[s]);
        double w = weight[s], own = finite ? nats[s] : 0, product = own * w;
        if (add(product, &sums->nats) | add(w, &sums->weight) | add(product * own, &sums->squares)) return 1;
        sums->weighted += w != 1;
        sums->zeros += !finite;
    }
    return 0;
}

static int run(const double *nats, const double *weight, int64_t tokens, Sums *sums) {
    *sums = (Sums){0};
    for (int64_t s = 0; s < tokens; s += BLOCK) {
        int64_t n = tokens - s < BLOCK ? tokens - s : BLOCK;
        const double *w = weight ? weight + s : ONES;
        Sums own;
        if (!small(nats + s, w, n, &own) && large(nats + s, w, n, &own)) return 1;
        if (__builtin_add_overflow(sums->nats, own.nats, &sums->nats) ||
            __builtin_add_overflow(sums->weight, own.weight, &sums->weight) ||
            __builtin_add_overflow(sums->squares, own.squares, &sums->squares))
            return 1;
        sums->weighted += own.weighted;
        sums->zeros += own.zeros;
    }
    return 0;
}

/* Run `r` has the tokens [offsets[r], offsets[r + 1]). Each of its sums has a row: of
   surprisals, of weights, of squares; then how many tokens do not count once, and how
   many have probability 0, whose surprisal is in no sum. Without `weight` each token
   counts once. */
int NAME(nonplus_sums_of_runs, SUFFIX)(const double *nats, const double *weight, const int64_t *offsets, int64_t runs,
                                       int64_t *sums) {
    for (int64_t r = 0; r < runs; r++) {
        Sums own;
        const double *w = weight ? weight + offsets[r] : NULL;
        if (run(nats + offsets[r], w, offsets[r + 1] - offsets[r], &own)) return 1;
        sums[r] = own.nats;
        sums[runs + r] = own.weight;
        sums[2 * runs + r] = own.squares;
        sums[3 * runs + r] = own.weighted;
        sums[4 * runs + r] = own.zeros;
    }
    return 0;
}

/* Of a run that has fitted, leave out the weight of tokens of probability 0. */
static void finite_weight(const double *nats, const double *weight, int64_t tokens, Sums *sums) {
    for (int64_t s = 0; s < tokens; s++)
        if (!isfinite(nats[s])) sums->weight -= (int64_t)llrint((weight ? weight[s] : 1) * UNIT);
}

static uint64_t at(const void *seen, int wide, int64_t s) {
    return wide ? (uint64_t)((const int64_t *)seen)[s] : (uint64_t)((const int32_t *)seen)[s];
}

/* Weights and surprisals by the bits of the number of tokens `seen`, one row of 64 each,
   of the tokens that have no probability 0, with weights as above. `ranges` gets how many of them are used. */
int NAME(nonplus_sums_by_position, SUFFIX)(const double *nats, const double *weight, const void *seen, int wide,
                                           int64_t tokens, int64_t *sums, int64_t *ranges) {
    *ranges = 0;
    for (int64_t s = 0, stop; s < tokens; s = stop) {
        uint64_t first = at(seen, wide, s);
        int bits = first ? 64 - __builtin_clzll(first) : 0;
        if (bits > 63) return 1;
        for (stop = s + 1; stop < tokens; stop++) { /* as long as they have as many bits */
            uint64_t own = at(seen, wide, stop);
            if ((own ^ first) > (own & first)) break;
        }
        const double *w = weight ? weight + s : NULL;
        Sums own;
        if (run(nats + s, w, stop - s, &own)) return 1;
        if (own.zeros) finite_weight(nats + s, w, stop - s, &own);
        if (own.zeros < stop - s && bits + 1 > *ranges) *ranges = bits + 1;
        if (__builtin_add_overflow(sums[bits], own.weight, &sums[bits]) ||
            __builtin_add_overflow(sums[64 + bits], own.nats, &sums[64 + bits]))
            return 1;
    }
    return 0;
}
