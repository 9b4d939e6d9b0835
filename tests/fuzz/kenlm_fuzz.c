/* libFuzzer's entry: keys are looked up in a hash table of any bytes, whether it has a gap
   or not, without reading outside of it, as a search of all slots would find them. */

#include "../../src/nonplus/kernels/native/kenlm.c"

#include <stdlib.h>

static void check(int holds) { if (!holds) abort(); }

/* The first slot with that key, from its own on, before a gap. */
static int64_t slowly(const uint8_t *entries, int64_t stride, int64_t slots, uint64_t key) {
    for (int64_t i = 0; i < slots; i++) {
        int64_t slot = (int64_t)((key % (uint64_t)slots + (uint64_t)i) % (uint64_t)slots);
        uint64_t there = key_at(entries, stride, slot);
        if (!there) return -1;
        if (there == key) return slot;
    }
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 40) return 0;
    int64_t stride = bytes[0] % 2 ? 16 : 12, n = 1 + bytes[0] / 2 % 20, slots = (int64_t)(size - 1) / stride;
    uint8_t *entries = malloc((size_t)(slots * stride));
    memcpy(entries, bytes + 1, (size_t)(slots * stride));
    uint64_t *keys = malloc((size_t)n * sizeof *keys);
    for (int64_t i = 0; i < n; i++) {
        if (bytes[1 + i] % 2) memcpy(keys + i, bytes + 1 + i, sizeof *keys);
        else keys[i] = key_at(entries, stride, bytes[1 + i] % slots);
    }
    int64_t *found = malloc((size_t)n * sizeof *found);
    nonplus_kenlm_find(entries, stride, slots, keys, n, found);
    for (int64_t i = 0; i < n; i++) check(found[i] == slowly(entries, stride, slots, keys[i]));
    free(entries);
    free(keys);
    free(found);
    return 0;
}
