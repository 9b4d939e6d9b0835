/* libFuzzer's entry: parts of any bytes become what each byte by itself says, and origins lie
   in their part and never fall. */

#include "../../src/nonplus/kernels/native/substituting.c"

#include "input.h"

#define PARTS 4
#define RUNS 3
#define MADE 4

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    uint8_t table[256] = {0}, made[RUNS * MADE];
    int32_t origin[RUNS * MADE];
    int64_t stops_of_runs[RUNS], n = 0, begins[PARTS], stops[PARTS], ends[PARTS], whole = 0, runs = 0;
    for (int c = 0; c < 128; c++) table[c] = is_digit((uint8_t)c) ? '0' : (uint8_t)(c % 5 ? c : 0);
    for (int r = 0; r < RUNS; r++) {
        int length = (int)between(&input, 0, MADE);
        for (int k = 0; k < length; k++) made[n + k] = (uint8_t)between(&input, 128, 255), origin[n + k] = k ? 1 : 0;
        stops_of_runs[r] = n += length;
    }
    int parts = (int)between(&input, 0, PARTS), numbers = (int)between(&input, 0, 1);
    for (int i = 0; i < parts; i++) {
        begins[i] = whole += between(&input, 0, 2);
        stops[i] = whole += between(&input, 0, 30);
    }
    uint8_t *given = filled(&input, (size_t)whole);
    for (int64_t i = 0; i < whole; i++)
        if (given[i] < 0x80 && given[i] % 3) given[i] = (uint8_t)"0123456789.,a "[given[i] % 14];
    for (int i = 0; i < parts; i++)
        for (int64_t at = begins[i]; at < stops[i]; at++) runs += given[at] >= 0x80 && (at == begins[i] || given[at - 1] < 0x80);
    int32_t *which = allocated((size_t)runs * sizeof *which);
    int64_t room = whole + 1;
    for (int64_t r = 0; r < runs; r++) which[r] = (int32_t)between(&input, 0, RUNS - 1), room += MADE;
    uint8_t *found = allocated((size_t)room);
    int32_t *origins = allocated((size_t)room * sizeof *origins);
    int64_t all = nonplus_substituted(given, begins, stops, parts, table, numbers, which, made, origin, stops_of_runs,
                                      found, origins, ends);
    int64_t t = 0, run = 0;
    for (int i = 0; i < parts; i++) {
        for (int64_t at = begins[i]; at < stops[i];) {
            int64_t begin = at;
            if (given[at] >= 0x80) {
                int32_t own = which[run++];
                int64_t first = own ? stops_of_runs[own - 1] : 0, length = stops_of_runs[own] - first;
                for (int64_t k = 0; k < length; k++, t++)
                    check(found[t] == made[first + k] && origins[t] == begin + origin[first + k]);
                while (at < stops[i] && given[at] >= 0x80) at++;
                continue;
            }
            at++;
            if (numbers && is_digit(given[begin])) {
                while (at < stops[i] && is_digit(given[at])) at++;
                int fraction = at + 1 < stops[i] && (given[at] == '.' || given[at] == ',') && is_digit(given[at + 1]);
                for (at += fraction; fraction && at < stops[i] && is_digit(given[at]); at++);
            }
            if (table[given[begin]]) check(found[t] == table[given[begin]] && origins[t] == begin), t++;
        }
        check(ends[i] == t);
    }
    check(t == all && t < room);
    free(origins), free(found), free(which), free(given);
    return 0;
}
