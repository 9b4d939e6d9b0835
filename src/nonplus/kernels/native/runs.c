/* Runs of numbers, copied from place to place or counted up.

   Run `r` has `counts[r]` numbers. A function returns 1, and what it has written is void,
   if a run lies outside of its array; else 0. */

#include <stdint.h>
#include <string.h>

static int outside(int64_t begin, int64_t count, int64_t length) {
    return begin < 0 || count < 0 || begin > length - count;
}

/* Copy each run of `values` from `begins[r]` on, of numbers of so many `bytes`, to
   `places[r]` of `out`. */
int nonplus_runs_copied(const char *values, int64_t length, const int64_t *begins, char *out, int64_t room,
                        const int64_t *places, const int64_t *counts, int64_t runs, int64_t bytes) {
    for (int64_t r = 0; r < runs; r++) {
        if (outside(begins[r], counts[r], length) | outside(places[r], counts[r], room)) return 1;
        memcpy(out + places[r] * bytes, values + begins[r] * bytes, counts[r] * bytes);
    }
    return 0;
}

/* The same, from 32 bits to 64. */
int nonplus_runs_widened(const int32_t *values, int64_t length, const int64_t *begins, int64_t *out, int64_t room,
                         const int64_t *places, const int64_t *counts, int64_t runs) {
    for (int64_t r = 0; r < runs; r++) {
        if (outside(begins[r], counts[r], length) | outside(places[r], counts[r], room)) return 1;
        const int32_t *from = values + begins[r];
        int64_t *to = out + places[r];
        for (int64_t i = 0; i < counts[r]; i++) to[i] = from[i];
    }
    return 0;
}

/* Write the whole numbers from `firsts[r]` on to `places[r]` of `out`, as 64 bits if it
   is `wide`, else as 32. */
int nonplus_runs_counted(const int64_t *firsts, void *out, int wide, int64_t room, const int64_t *places,
                         const int64_t *counts, int64_t runs) {
    for (int64_t r = 0; r < runs; r++) {
        if (outside(places[r], counts[r], room)) return 1;
        if (wide)
            for (int64_t i = 0; i < counts[r]; i++) ((int64_t *)out)[places[r] + i] = firsts[r] + i;
        else
            for (int64_t i = 0; i < counts[r]; i++) ((int32_t *)out)[places[r] + i] = (int32_t)(firsts[r] + i);
    }
    return 0;
}
