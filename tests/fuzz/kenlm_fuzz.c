/* libFuzzer's entry: n-grams are looked up in a hash table of any bytes, whether it has a
   gap or not, without reading outside of it, as a search of all slots would find them. */

#include "../../src/nonplus/kernels/native/kenlm.c"

#include "input.h"

#define TOKENS 40

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
    if (size < TOKENS + 40) return 0;
    int weighted = bytes[0] % 2;
    int64_t stride = weighted ? 16 : 12, k = 1 + bytes[0] / 2 % 4, n = bytes[0] / 8 % TOKENS;
    int64_t slots = (int64_t)(size - TOKENS) / stride;
    uint8_t *entries = copied(bytes + TOKENS, (size_t)(slots * stride));
    uint64_t words[TOKENS], keys[TOKENS];
    int64_t places[TOKENS];
    uint8_t lengths[TOKENS];
    float probs[TOKENS] = {0}, backoffs[TOKENS] = {0};
    for (int64_t t = 0; t < n; t++) {
        words[t] = keys[t] = bytes[t] % 8;
        places[t] = t ? (places[t - 1] + 1) * (bytes[t] % 5 > 0) : 0;
        lengths[t] = (uint8_t)(bytes[t] / 8 % 3 ? k : 1);
        if (places[t] < k || bytes[t] % 3) continue; /* an entry where the search for it begins */
        uint64_t key = joined(keys[t], words[t - k]);
        memcpy(entries + (int64_t)(key % (uint64_t)slots) * stride, &key, sizeof key);
    }
    uint64_t *keys_n = copied(keys, (size_t)n * sizeof *keys);
    uint8_t *lengths_n = copied(lengths, (size_t)n);
    float *probs_n = copied(probs, (size_t)n * sizeof *probs), *backoffs_n = copied(backoffs, (size_t)n * sizeof *backoffs);
    nonplus_kenlm_extend(entries, stride, slots, words, places, n, k, keys_n, lengths_n, probs_n,
                         weighted ? backoffs_n : NULL);
    for (int64_t t = 0; t < n; t++) {
        int64_t slot = -1;
        if (lengths[t] == k && places[t] >= k) slot = slowly(entries, stride, slots, joined(keys[t], words[t - k]));
        check(lengths_n[t] == (slot < 0 ? lengths[t] : k + 1));
        check(keys_n[t] == (slot < 0 ? keys[t] : key_at(entries, stride, slot)));
        if (slot >= 0) check(!memcmp(probs_n + t, entries + slot * stride + 8, sizeof *probs_n));
    }
    free(entries);
    free(keys_n);
    free(lengths_n);
    free(probs_n);
    free(backoffs_n);
    return 0;
}
