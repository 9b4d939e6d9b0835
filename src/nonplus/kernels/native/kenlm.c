/* Look-up in the hash tables of KenLM's probing files: open addressing by the remainder
   of the key, upwards and around the end; key 0 is a gap. The key of an n-gram is made
   from its last word to its first. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define AHEAD 16 /* keys whose slots are on the way from memory */
#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t joined(uint64_t key, uint64_t word) {
    return key * 8978948897894561157ULL ^ (word + 1) * 17894857484156487943ULL;
}

INLINE uint64_t key_at(const uint8_t *entries, int64_t stride, int64_t slot) {
    uint64_t key; /* entries of 12 bytes are not aligned */
    memcpy(&key, entries + slot * stride, sizeof key);
    return key;
}

/* The slot of a key, -1 if it is not there, from the slot on that its remainder names. A
   table without a gap ends a search after all its slots. */
INLINE int64_t find(const uint8_t *entries, int64_t stride, int64_t slots, uint64_t wanted, int64_t slot) {
    for (int64_t left = slots; left; left--) {
        uint64_t key = key_at(entries, stride, slot);
        if (!key) return -1;
        if (key == wanted) return slot;
        if (++slot == slots) slot = 0;
    }
    return -1;
}

/* Look up the n-grams of one order, of `k` words before the last, that end at each of `n`
   tokens. `places` says how many words are before a token in its sentence; `keys` is the
   key of the longest n-gram found so far, and `lengths` how many words it has. Where
   there is a longer one, these, the logarithms of its probability and, unless `backoffs`
   is NULL, of its back-off weight are replaced. */
void nonplus_kenlm_extend(const uint8_t *entries, int64_t stride, int64_t slots, const uint64_t *words,
                          const int64_t *places, int64_t n, int64_t k, uint64_t *keys, uint8_t *lengths, float *probs,
                          float *backoffs) {
    uint64_t wanted[AHEAD];
    int64_t at[AHEAD], slot[AHEAD];
    for (int64_t t = 0; t < n;) {
        int some = 0;
        for (; t < n && some < AHEAD; t++) {
            if (lengths[t] != k || places[t] < k) continue;
            at[some] = t;
            wanted[some] = joined(keys[t], words[t - k]);
            slot[some] = (int64_t)(wanted[some] % (uint64_t)slots);
            __builtin_prefetch(entries + slot[some] * stride);
            some++;
        }
        for (int i = 0; i < some; i++) {
            int64_t found = find(entries, stride, slots, wanted[i], slot[i]), t = at[i];
            if (found < 0) continue;
            const uint8_t *values = entries + found * stride + sizeof(uint64_t);
            keys[t] = wanted[i];
            lengths[t] = (uint8_t)(k + 1);
            memcpy(probs + t, values, sizeof *probs);
            if (backoffs) memcpy(backoffs + t, values + sizeof *probs, sizeof *backoffs);
        }
    }
}
