/* libFuzzer's entry: runs of numbers are copied and counted up as one number after the
   other says, and a run outside of its array is refused before anything is touched. */

#include "../../src/nonplus/kernels/native/runs.c"

#include "input.h"

#define RUNS 12
#define NUMBERS 200

typedef struct {
    int64_t begins[RUNS], places[RUNS], counts[RUNS];
    int64_t runs, length, room;
} Runs;

static Runs drawn(Input *input) {
    Runs r = {.runs = between(input, 0, RUNS), .length = between(input, 0, NUMBERS), .room = between(input, 0, NUMBERS)};
    int64_t below = between(input, 0, 3) ? 0 : 20; /* seldom a place below 0 */
    for (int64_t i = 0; i < r.runs; i++) {
        r.begins[i] = between(input, 0, NUMBERS) - below;
        r.places[i] = between(input, 0, NUMBERS) - below;
        r.counts[i] = between(input, 0, 30) - below / 4;
    }
    return r;
}

/* The number that place `to` of the result has, from the last run that has one for it. */
static int64_t expected(const Runs *r, const int64_t *firsts, int64_t to) {
    int64_t found = -1;
    for (int64_t i = 0; i < r->runs; i++)
        if (to >= r->places[i] && to < r->places[i] + r->counts[i]) found = firsts[i] + to - r->places[i];
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    Runs r = drawn(&input);
    int fits = 1, fits_out = 1;
    for (int64_t i = 0; i < r.runs; i++) {
        fits_out &= r.counts[i] >= 0 && r.places[i] >= 0 && r.places[i] + r.counts[i] <= r.room;
        fits &= r.counts[i] >= 0 && r.begins[i] >= 0 && r.begins[i] + r.counts[i] <= r.length;
    }
    int32_t *narrow = allocated((size_t)r.length * sizeof *narrow);
    for (int64_t i = 0; i < r.length; i++) narrow[i] = (int32_t)i;
    size_t wide_bytes = (size_t)r.room * sizeof(int64_t), narrow_bytes = (size_t)r.room * sizeof(int32_t);
    int64_t *widened = allocated(wide_bytes), *counted = allocated(wide_bytes);
    int32_t *copied_ = allocated(narrow_bytes), *short_ = allocated(narrow_bytes);
    memset(widened, 255, wide_bytes), memset(counted, 255, wide_bytes);
    memset(copied_, 255, narrow_bytes), memset(short_, 255, narrow_bytes);
    int failed = nonplus_runs_copied((const char *)narrow, r.length, r.begins, (char *)copied_, r.room, r.places, r.counts,
                                     r.runs, sizeof *narrow);
    check(failed == !(fits && fits_out));
    check(failed == nonplus_runs_widened(narrow, r.length, r.begins, widened, r.room, r.places, r.counts, r.runs));
    check(nonplus_runs_counted(r.begins, counted, 1, r.room, r.places, r.counts, r.runs) == !fits_out);
    check(nonplus_runs_counted(r.begins, short_, 0, r.room, r.places, r.counts, r.runs) == !fits_out);
    for (int64_t to = 0; to < r.room; to++) {
        int64_t own = expected(&r, r.begins, to);
        if (!failed) check(copied_[to] == own && widened[to] == own);
        if (fits_out) check(counted[to] == own && short_[to] == own);
    }
    free(narrow), free(widened), free(counted), free(copied_), free(short_);
    return 0;
}
