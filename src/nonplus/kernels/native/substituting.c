/* Normalising character by character: ASCII by a table, runs of other characters by what they
   become, and where in the text each byte of the result is from. */

#include <stdint.h>
#include <string.h>

typedef struct {
    const int32_t *which;  /* the number of each run, in the order of the texts */
    const uint8_t *made;   /* what runs become, end to end */
    const int32_t *origin; /* for each byte of that, its place in the run */
    const int64_t *stops;  /* where that of each run ends */
} Runs;

static inline int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

/* Where a whole number ends that begins at `p`: digits, and a fraction after a point or comma. */
static inline const uint8_t *number_end(const uint8_t *p, const uint8_t *end) {
    while (p < end && is_digit(*p)) p++;
    if (p + 1 < end && (*p == '.' || *p == ',') && is_digit(p[1]))
        for (p++; p < end && is_digit(*p); p++);
    return p;
}

/* The parts `[begins, stops)` of `given`: a byte of ASCII becomes that of `table`, or nothing if
   that is 0; with `numbers`, a whole number becomes one 0. `made` and `origins` have room for all;
   `ends` are those of the results. Returns how many bytes they have. */
int64_t nonplus_substituted(const uint8_t *given, const int64_t *begins, const int64_t *stops, int64_t n,
                            const uint8_t *table, int numbers, const int32_t *which, const uint8_t *runs_made,
                            const int32_t *runs_origin, const int64_t *runs_stops, uint8_t *made, int32_t *origins,
                            int64_t *ends) {
    const Runs runs = {which, runs_made, runs_origin, runs_stops};
    int64_t done = 0, run = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *p = given + begins[i], *end = given + stops[i];
        while (p < end) {
            int32_t at = (int32_t)(p - given);
            if (*p < 0x80) {
                uint8_t c = table[*p];
                made[done] = c, origins[done] = at, done += c != 0;
                p = numbers && is_digit(*p) ? number_end(p, end) : p + 1;
                continue;
            }
            int32_t own = runs.which[run++];
            int64_t first = own ? runs.stops[own - 1] : 0, size = runs.stops[own] - first;
            for (int64_t k = 0; k < size; k++) made[done + k] = runs.made[first + k], origins[done + k] = at + runs.origin[first + k];
            done += size;
            while (p < end && *p >= 0x80) p++;
        }
        ends[i] = done;
    }
    return done;
}
