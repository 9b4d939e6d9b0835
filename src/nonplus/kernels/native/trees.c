/* The tree of an n-gram model, walked along its levels.

   A level is an array of keys that rise: `history V + word`, the place of an n-gram's
   history on the level above, and its last word. So the histories of n-grams in order
   rise too, and the walk needs no division: on each level it goes forward only. */

#include <stdint.h>

#define MAX_ORDER 32

/* The words of n n-grams, those of the last of `order` levels. */
void nonplus_trees_ids(const int64_t *const *keys, int64_t order, int64_t vocabulary, int64_t n, int32_t *ids) {
    int64_t history[MAX_ORDER] = {0}, least[MAX_ORDER] = {0}; /* least = history V */
    for (int64_t i = 0; i < n; i++, ids += order) {
        int64_t place = i;
        for (int64_t level = order - 1; level >= 0; level--) {
            int64_t key = keys[level][place];
            for (; key - least[level] >= vocabulary; least[level] += vocabulary) history[level]++;
            ids[level] = (int32_t)(key - least[level]);
            place = history[level];
        }
    }
}

/* The number at a place of an array of 1, 2 or 4 bytes each. */
static inline int64_t number(const void *numbers, int64_t width, int64_t at) {
    if (width == 1) return ((const uint8_t *)numbers)[at];
    if (width == 2) return ((const uint16_t *)numbers)[at];
    return ((const uint32_t *)numbers)[at];
}

/* A level from its ranks. Each of `histories` n-grams of the level above begins `fanouts`
   of it. A rank, of which there is what it adds to the least that it can be, is that of a
   word among those that follow the history without its oldest word, `suffixes` where it
   is `known`: the keys from `firsts` on of the level above, as many as `followers`; or if
   it is higher, the word itself, counted from there.

   The arrays may be a file of anybody's, except that the fanouts are those of as many
   n-grams as there is room for, and that firsts, followers and suffixes are right. The
   result is a sum: 1 if the words do not rise below a history, 2 if one is none of the
   vocabulary. */
int64_t nonplus_trees_below(const int64_t *above, const int64_t *firsts, const int64_t *followers,
                            const int64_t *suffixes, const uint8_t *known, const int64_t *fanouts, int64_t histories,
                            const void *differences, int64_t width, int64_t vocabulary, int64_t *keys, int64_t *places,
                            uint8_t *there) {
    const int64_t mask = ((int64_t)1 << 8 * width) - 1;
    int64_t i = 0, falls = 0, outside = 0;
    for (int64_t history = 0; history < histories; history++) {
        const int64_t suffix = suffixes[history], first = firsts[suffix];
        const int64_t count = known[history] ? followers[suffix] : 0;
        int64_t rank = -1, before = -1;
        for (int64_t end = i + fanouts[history]; i < end; i++) {
            rank = (rank + 1 + number(differences, width, i)) & mask;
            there[i] = rank < count;
            places[i] = there[i] ? first + rank : 0;
            int64_t word = there[i] ? above[first + rank] - suffix * vocabulary : rank - count;
            falls |= word <= before;
            outside |= word >= vocabulary;
            keys[i] = history * vocabulary + word;
            before = word;
        }
    }
    return falls + 2 * outside;
}
