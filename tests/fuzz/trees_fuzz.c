/* libFuzzer's entry: the words of the n-grams of any tree are those by which it was made. */

#include "../../src/nonplus/kernels/native/trees.c"

#include "input.h"

#define MOST 60

/* The words of each n-gram of a level, after those of its history. */
static int32_t *below(const int32_t *above, int64_t order, const int64_t *histories, const int32_t *words, int64_t n) {
    int32_t *ids = allocated((size_t)(n * order) * sizeof *ids);
    for (int64_t i = 0; i < n; i++) {
        memcpy(ids + i * order, above + histories[i] * (order - 1), (size_t)(order - 1) * sizeof *ids);
        ids[i * order + order - 1] = words[i];
    }
    return ids;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    int64_t vocabulary = between(&input, 1, 20), orders = between(&input, 1, between(&input, 0, 3) ? 5 : MAX_ORDER), above = 1;
    const int64_t *keys[MAX_ORDER];
    int32_t *expected[MAX_ORDER + 1] = {allocated(0)};
    for (int64_t k = 1; k <= orders; k++) {
        int64_t n = 0, histories[MOST], own[MOST], densest = between(&input, 1, 30);
        int32_t words[MOST];
        for (int64_t history = 0; history < above; history++) { /* words that rise, of which some are left out */
            for (int64_t word = between(&input, 0, (uint32_t)densest); word < vocabulary && n < MOST;
                 word += between(&input, 1, (uint32_t)densest))
                histories[n] = history, words[n] = (int32_t)word, own[n++] = history * vocabulary + word;
        }
        keys[k - 1] = copied(own, (size_t)n * sizeof *own);
        expected[k] = below(expected[k - 1], k, histories, words, n);
        above = n;
    }
    int32_t *ids = allocated((size_t)(above * orders) * sizeof *ids);
    nonplus_trees_ids(keys, orders, vocabulary, above, ids);
    check(!memcmp(ids, expected[orders], (size_t)(above * orders) * sizeof *ids));
    free(ids);
    for (int64_t k = 0; k <= orders; k++) free(expected[k]);
    for (int64_t k = 0; k < orders; k++) free((void *)keys[k]);
    return 0;
}
