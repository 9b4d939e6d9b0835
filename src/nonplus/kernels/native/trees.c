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
