/* libFuzzer's entry: the gaps between the words of any texts become one separator each, as
   collecting these words says, whatever is called a blank. */

#include "../../src/nonplus/kernels/native/spacing.c"

#include "input.h"

#define TEXTS 8

/* The words of a text with one separator between two; the place of a gap is that of its
   first byte. */
static int64_t slowly(const uint8_t *data, int64_t begin, int64_t stop, const uint8_t *classes, uint8_t *kept,
                      int64_t *origins) {
    int64_t k = 0, gap = -1;
    int newline = 0;
    for (int64_t i = begin; i < stop; i++) {
        uint8_t c = classes[data[i]];
        if (c == BLANK || c == NEWLINE) {
            newline = (gap >= 0 && newline) || c == NEWLINE;
            gap = gap < 0 ? i : gap;
            continue;
        }
        if (gap >= 0 && k) kept[k] = newline ? NEWLINE : BLANK, origins[k++] = gap;
        kept[k] = c, origins[k++] = i;
        gap = -1;
    }
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    uint8_t classes[256];
    for (int c = 0; c < 256; c++) classes[c] = (uint8_t)c;
    for (uint32_t odd = between(&input, 0, 4); odd; odd--) classes[between(&input, 0, 255)] = between(&input, 0, 1) ? BLANK : NEWLINE;
    int64_t texts = between(&input, 0, TEXTS), n = texts ? between(&input, 0, 300) : 0, starts[TEXTS + 1] = {0}, kept_starts[TEXTS + 1];
    for (int64_t d = 1; d < texts; d++) starts[d] = between(&input, (uint32_t)starts[d - 1], (uint32_t)n);
    starts[texts] = n;
    uint8_t *data = filled(&input, (size_t)n), *kept = allocated((size_t)n), *expected = allocated((size_t)n);
    int64_t *origins = allocated((size_t)(n + 1) * sizeof *origins), *from = allocated((size_t)n * sizeof *from);
    nonplus_spaced_64(data, starts, texts, classes, kept, origins, kept_starts);
    check(origins[kept_starts[texts]] == n);
    for (int64_t d = 0; d < texts; d++) {
        int64_t k = slowly(data, starts[d], starts[d + 1], classes, expected, from);
        check(kept_starts[d + 1] - kept_starts[d] == k && !memcmp(kept + kept_starts[d], expected, (size_t)k));
        check(!memcmp(origins + kept_starts[d], from, (size_t)k * sizeof *from));
    }
    free(from), free(origins), free(expected), free(kept), free(data);
    return 0;
}
