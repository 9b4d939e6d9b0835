/* libFuzzer's entry: sums of any numbers are those that adding whole units of 2**-40 one
   after the other gives, or are said not to fit. */

#define SUFFIX _own
#include "../../src/nonplus/kernels/native/sums.c"

#include "input.h"

#define TOKENS 1200
#define RUNS 12

/* A number of any bits, or one that surprisals and weights are like. */
static double drawn(Input *input) {
    static const double special[] = {0.0, -0.0, 1.0, 0.5, INFINITY, -INFINITY, NAN, 0x1p-41, 0x3p-41, 0x1p22, 2048.0, -2048.0};
    uint8_t kind;
    double value;
    take(input, &kind, 1);
    if (kind % 8 == 0) return special[kind / 8 % 12];
    if (kind % 8 == 1) {
        take(input, &value, sizeof value);
        return value;
    }
    if (kind % 8 == 2) return between(input, 0, 65535) * 100.0;
    return between(input, 0, 65535) / 4096.0;
}

/* The units of a value, if they fit. */
static int units_of(double value, __int128 *units) {
    if (!(fabs(value) < 0x1p22)) return 0;
    *units = (__int128)nearbyint(value * 0x1p40); /* exact: a power of two */
    return 1;
}

typedef struct { __int128 nats, weight, finite_weight, squares; int64_t weighted, zeros; int fits; } Slow;

static Slow slowly(const double *nats, const double *weight, int64_t tokens) {
    Slow sums = {.fits = 1};
    for (int64_t s = 0; s < tokens; s++) {
        double own = isfinite(nats[s]) ? nats[s] : 0, product = own * weight[s];
        __int128 units = 0, weights = 0, squares = 0;
        if (!(units_of(product, &units) & units_of(weight[s], &weights) & units_of(product * own, &squares))) sums.fits = 0;
        sums.nats += units, sums.weight += weights, sums.squares += squares;
        if (isfinite(nats[s])) sums.finite_weight += weights;
        sums.weighted += weight[s] != 1;
        sums.zeros += !isfinite(nats[s]);
    }
    return sums;
}

static int fits(__int128 sum) { return sum == (int64_t)sum; }

/* Where all weights are 1 the sums are those without weights, and fail alike. */
static void check_without_weights(const double *nats, const double *weight, const int64_t *offsets, int64_t runs,
                                  const int64_t *sums) {
    for (int64_t s = 0; s < offsets[runs]; s++)
        if (weight[s] != 1) return;
    int64_t *own = allocated(5 * (size_t)runs * sizeof *own), ranges[2], by_position[2][128] = {{0}};
    check(nonplus_sums_of_runs_own(nats, NULL, offsets, runs, own) == !sums);
    if (sums) check(!memcmp(own, sums, 5 * (size_t)runs * sizeof *own));
    free(own);
    int64_t *seen = allocated((size_t)offsets[runs] * sizeof *seen);
    for (int64_t s = 0; s < offsets[runs]; s++) seen[s] = s;
    int failed = nonplus_sums_by_position_own(nats, NULL, seen, 1, offsets[runs], by_position[0], ranges);
    check(failed == nonplus_sums_by_position_own(nats, weight, seen, 1, offsets[runs], by_position[1], ranges + 1));
    if (!failed) check(ranges[0] == ranges[1] && !memcmp(by_position[0], by_position[1], sizeof by_position[0]));
    free(seen);
}

static void check_runs(const double *nats, const double *weight, const int64_t *offsets, int64_t runs) {
    int64_t *sums = allocated(5 * (size_t)runs * sizeof *sums);
    int failed = nonplus_sums_of_runs_own(nats, weight, offsets, runs, sums);
    check_without_weights(nats, weight, offsets, runs, failed ? NULL : sums);
    for (int64_t r = 0; r < runs; r++) {
        Slow own = slowly(nats + offsets[r], weight + offsets[r], offsets[r + 1] - offsets[r]);
        if (failed) continue;
        check(own.fits && fits(own.nats) && fits(own.weight) && fits(own.squares));
        check(sums[r] == own.nats && sums[runs + r] == own.weight && sums[2 * runs + r] == own.squares);
        check(sums[3 * runs + r] == own.weighted && sums[4 * runs + r] == own.zeros);
    }
    free(sums);
}

static void check_positions(const double *nats, const double *weight, const int64_t *seen, int64_t tokens) {
    int64_t sums[128] = {0}, narrow_sums[128] = {0}, ranges, narrow_ranges, most = 0;
    int32_t *narrow = allocated((size_t)tokens * sizeof *narrow);
    for (int64_t s = 0; s < tokens; s++) narrow[s] = (int32_t)seen[s];
    int failed = nonplus_sums_by_position_own(nats, weight, seen, 1, tokens, sums, &ranges);
    check(failed == nonplus_sums_by_position_own(nats, weight, narrow, 0, tokens, narrow_sums, &narrow_ranges));
    free(narrow);
    if (failed) return;
    check(ranges == narrow_ranges && !memcmp(sums, narrow_sums, sizeof sums));
    __int128 expected[128] = {0};
    for (int64_t s = 0; s < tokens; s++) {
        Slow own = slowly(nats + s, weight + s, 1);
        int bits = 0;
        while (seen[s] >> bits) bits++;
        expected[bits] += own.finite_weight, expected[64 + bits] += own.nats;
        if (!own.zeros && bits + 1 > most) most = bits + 1;
    }
    check(most == ranges);
    for (int i = 0; i < 128; i++) check(sums[i] == expected[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    int64_t runs = between(&input, 0, RUNS), tokens = runs ? between(&input, 0, TOKENS) : 0;
    int64_t *offsets = allocated((size_t)(runs + 1) * sizeof *offsets);
    offsets[0] = 0;
    for (int64_t r = 1; r < runs; r++) offsets[r] = between(&input, (uint32_t)offsets[r - 1], (uint32_t)tokens);
    offsets[runs] = tokens;
    int once = (int)between(&input, 0, 3), rising = (int)between(&input, 0, 1);
    int64_t *seen = allocated((size_t)tokens * sizeof *seen);
    double *nats = allocated((size_t)tokens * sizeof *nats), *weight = allocated((size_t)tokens * sizeof *weight);
    for (int64_t s = 0; s < tokens; s++) {
        nats[s] = drawn(&input);
        weight[s] = once ? 1 : drawn(&input);
        seen[s] = rising ? s : between(&input, 0, 65535) * (int64_t)between(&input, 0, 30000);
    }
    check_runs(nats, weight, offsets, runs);
    check_positions(nats, weight, seen, tokens);
    free(weight), free(nats), free(seen), free(offsets);
    return 0;
}
