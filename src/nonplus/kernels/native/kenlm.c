/* Look-up in the hash tables of KenLM's probing files: open addressing by the remainder
   of the key, upwards and around the end; key 0 is a gap. */

#include <stdint.h>
#include <string.h>

#define AHEAD 16 /* keys whose slots are on the way from memory */

static inline uint64_t key_at(const uint8_t *entries, int64_t stride, int64_t slot) {
    uint64_t key; /* entries of 12 bytes are not aligned */
    memcpy(&key, entries + slot * stride, sizeof key);
    return key;
}

/* The slot of each of `n` keys, -1 for one that is not there. A table without a gap ends
   a search after all its slots. */
void nonplus_kenlm_find(const uint8_t *entries, int64_t stride, int64_t slots, const uint64_t *keys, int64_t n,
                        int64_t *found) {
    for (int64_t first = 0; first < n; first += AHEAD) {
        int64_t last = first + AHEAD < n ? first + AHEAD : n;
        for (int64_t i = first; i < last; i++) {
            found[i] = (int64_t)(keys[i] % (uint64_t)slots);
            __builtin_prefetch(entries + found[i] * stride);
        }
        for (int64_t i = first; i < last; i++) {
            int64_t slot = found[i], left = slots;
            found[i] = -1;
            for (; left; left--) {
                uint64_t key = key_at(entries, stride, slot);
                if (key == keys[i]) {
                    found[i] = key ? slot : -1;
                    break;
                }
                if (!key) break;
                if (++slot == slots) slot = 0;
            }
        }
    }
}
