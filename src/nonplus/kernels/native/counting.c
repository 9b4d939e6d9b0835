/* Counts n-grams, integers only.

   A digit is the id of a word plus 1; 0 stands for what lies beyond an edge of a
   sentence. A key packs the words of one n-gram but the last of its context: first the
   word before that, then the one before it, ..., and in its lowest bits the word that
   follows the context. So the keys of one last word of a context, a section, have in
   sorted order each context's n-grams side by side, for contexts of every length.

   A level holds the contexts of one length, and the n-grams that begin with them. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 packed;

enum { BEGIN = 2, END = 3, SMALL = 32 };

static int highest_of_packed(packed x) {
    uint64_t high = (uint64_t)(x >> 64), low = (uint64_t)x;
    return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll(low);
}

static int highest_of_word(uint32_t x) { return 31 - __builtin_clz(x); }

/* Sort by the highest 8 bits in which values differ, then each group again. */
#define SORT(name, type, highest_bit)                                                                                  \
    static void name(type *values, type *spare, int64_t n) {                                                           \
        if (n <= SMALL) {                                                                                              \
            for (int64_t i = 1; i < n; i++) {                                                                          \
                type value = values[i];                                                                                \
                int64_t j = i;                                                                                         \
                for (; j && values[j - 1] > value; j--) values[j] = values[j - 1];                                     \
                values[j] = value;                                                                                     \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        type differing = 0;                                                                                            \
        for (int64_t i = 1; i < n; i++) differing |= values[i] ^ values[0];                                            \
        if (!differing) return;                                                                                        \
        int top = highest_bit(differing), shift = top > 7 ? top - 7 : 0;                                               \
        int64_t ends[256] = {0};                                                                                       \
        for (int64_t i = 0; i < n; i++) ends[(uint8_t)(values[i] >> shift)]++;                                         \
        for (int64_t digit = 0, sum = 0; digit < 256; digit++) {                                                       \
            int64_t size = ends[digit];                                                                                \
            ends[digit] = sum;                                                                                         \
            sum += size;                                                                                               \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) spare[ends[(uint8_t)(values[i] >> shift)]++] = values[i];                      \
        memcpy(values, spare, n * sizeof(type));                                                                       \
        if (!shift) return;                                                                                            \
        for (int64_t digit = 0, start = 0; digit < 256; digit++) {                                                     \
            if (ends[digit] - start > 1) name(values + start, spare + start, ends[digit] - start);                     \
            start = ends[digit];                                                                                       \
        }                                                                                                              \
    }

SORT(sort_keys, packed, highest_of_packed)
SORT(sort_words, uint32_t, highest_of_word)

/* The keys of the n-grams of digits[first .. n) whose context ends with the `known`
   digits of `suffix`, the last first, and before them with one of low <= v < high. That of
   v goes to keys[places[v - low]++], or to keys[places[0]++] after a suffix. The digits
   before `first` are context only; digits[0] is an edge, or there are `order` before
   `first`. A suffix has no edge. */
void nonplus_ngram_keys(const uint32_t *digits, int64_t first, int64_t n, int32_t order, int32_t bits,
                        const uint32_t *suffix, int32_t known, uint32_t low, uint32_t high, int64_t *places,
                        packed *keys) {
    for (int64_t i = first > 0 ? first : 1; i < n; i++) {
        int32_t same = 0;
        while (same < known && digits[i - 1 - same] == suffix[same]) same++;
        if (same < known) continue;
        uint32_t last = digits[i - 1 - known];
        if (last < low || last >= high || last == END || digits[i] == BEGIN) continue;
        packed key = 0;
        uint32_t inside = 1;
        for (int32_t d = 2; d < order; d++) {
            uint32_t digit = inside ? digits[i - d] : 0;
            inside = digit;
            key = key << bits | digit;
        }
        keys[places[known ? 0 : last - low]++] = key << bits | digits[i];
    }
}

/* What Python gets of a level; NULL where it asks for no actual counts. */
struct columns {
    int32_t *words;
    uint32_t *counts, *actual, *parents;
    int32_t *oldest;
    uint32_t *sizes, *uppers;
    int64_t entries, contexts;
};

/* A level of one section; `place` is where an entry or a context goes in the columns. */
struct level {
    uint32_t *word, *count, *actual, *parent, *place;
    int64_t *first, *record;
    uint32_t *upper, *context_place;
    uint8_t *beyond; /* the context begins beyond an edge: only counted */
    int64_t entries, contexts;
};

struct scratch {
    struct level levels[2]; /* of even and of odd depths: a level needs only its neighbours */
    packed *spare;
    uint32_t *times;   /* of each distinct key */
    uint32_t *touched, *touched_spare;
    uint32_t *extensions, *actual, *slot; /* by digit */
};

static uint32_t digit_at(packed key, int32_t bits, int32_t fields) {
    return (uint32_t)(key >> (bits * fields)) & (uint32_t)(((uint64_t)1 << bits) - 1);
}

static void *room(int64_t n, int64_t size) { return malloc((size_t)(n > 0 ? n : 1) * (size_t)size); }

/* Room for the largest section; -1 if some of it is missing, the rest still to release. */
static int allocate(struct scratch *s, int64_t n, int64_t digits) {
    memset(s, 0, sizeof *s);
    for (int32_t i = 0; i < 2; i++) {
        struct level *l = &s->levels[i];
        if (!(l->word = room(n, 4)) || !(l->count = room(n, 4)) || !(l->actual = room(n, 4))) return -1;
        if (!(l->parent = room(n, 4)) || !(l->place = room(n, 4))) return -1;
        if (!(l->first = room(n + 1, 8)) || !(l->record = room(n, 8))) return -1;
        if (!(l->upper = room(n, 4)) || !(l->context_place = room(n, 4)) || !(l->beyond = room(n, 1))) return -1;
    }
    if (!(s->spare = room(n, sizeof(packed))) || !(s->times = room(n, 4))) return -1;
    if (!(s->touched = room(digits, 4)) || !(s->touched_spare = room(digits, 4))) return -1;
    if (!(s->extensions = calloc(digits, 4)) || !(s->actual = calloc(digits, 4))) return -1;
    return (s->slot = room(digits, 4)) ? 0 : -1;
}

static void release(struct scratch *s) {
    for (int32_t i = 0; i < 2; i++) {
        struct level *l = &s->levels[i];
        free(l->word), free(l->count), free(l->actual), free(l->parent), free(l->place);
        free(l->first), free(l->record), free(l->upper), free(l->context_place), free(l->beyond);
    }
    free(s->spare), free(s->times), free(s->touched), free(s->touched_spare);
    free(s->extensions), free(s->actual), free(s->slot);
}

/* The longest contexts: one for each distinct key without its last word. */
static void deepest(struct level *l, const packed *keys, const uint32_t *times, int64_t n, int32_t order,
                    int32_t bits) {
    l->entries = l->contexts = 0;
    packed context = 0;
    for (int64_t i = 0; i < n; i++) {
        packed own = order > 2 ? keys[i] >> bits : 0;
        if (!i || own != context) {
            l->first[l->contexts] = l->entries;
            l->beyond[l->contexts] = order > 2 && !digit_at(keys[i], bits, 1);
            l->record[l->contexts++] = i;
            context = own;
        }
        uint32_t word = digit_at(keys[i], bits, 0);
        if (word) {
            l->word[l->entries] = word;
            l->count[l->entries] = l->actual[l->entries] = times[i];
            l->entries++;
        }
    }
    l->first[l->contexts] = l->entries;
}

/* Contexts of `depth` words, from those with one more word before them. */
static void shallower(struct scratch *s, const packed *keys, int32_t depth, int32_t order, int32_t bits,
                      uint32_t last) {
    struct level *l = &s->levels[depth & 1], *below = &s->levels[(depth + 1) & 1];
    l->entries = l->contexts = 0;
    for (int64_t child = 0, stop; child < below->contexts; child = stop) {
        packed own = keys[below->record[child]], mask = 0;
        if (depth > 1) mask = ~(packed)0 << (bits * (order - depth));
        for (stop = child + 1; stop < below->contexts && !((keys[below->record[stop]] ^ own) & mask); stop++) {}
        uint32_t oldest = depth > 1 ? digit_at(own, bits, order - depth) : last;
        int64_t start = l->entries, from = below->first[child], to = below->first[stop];
        for (int64_t c = child; c < stop; c++) below->upper[c] = (uint32_t)l->contexts;
        if (stop == child + 1) {
            for (int64_t e = from; e < to; e++) {
                below->parent[e] = (uint32_t)l->entries;
                l->word[l->entries] = below->word[e];
                l->actual[l->entries] = below->actual[e];
                l->count[l->entries++] = oldest == BEGIN ? below->actual[e] : 1;
            }
        } else {
            int64_t n = 0;
            for (int64_t e = from; e < to; e++) {
                uint32_t word = below->word[e];
                if (!s->extensions[word]++) s->touched[n++] = word;
                s->actual[word] += below->actual[e];
            }
            sort_words(s->touched, s->touched_spare, n);
            for (int64_t i = 0; i < n; i++) {
                uint32_t word = s->touched[i];
                s->slot[word] = (uint32_t)l->entries;
                l->word[l->entries] = word;
                l->actual[l->entries] = s->actual[word];
                l->count[l->entries++] = oldest == BEGIN ? s->actual[word] : s->extensions[word];
                s->extensions[word] = s->actual[word] = 0;
            }
            for (int64_t e = from; e < to; e++) below->parent[e] = s->slot[below->word[e]];
        }
        l->first[l->contexts] = start;
        l->beyond[l->contexts] = !oldest;
        l->record[l->contexts++] = below->record[child];
    }
    l->first[l->contexts] = l->entries;
}

/* Where the contexts and n-grams of a level go: after those of the sections before. */
static void place(struct level *l, const struct columns *out) {
    uint32_t entries = (uint32_t)out->entries, contexts = (uint32_t)out->contexts;
    for (int64_t c = 0; c < l->contexts; c++) {
        if (l->beyond[c]) continue;
        l->context_place[c] = contexts++;
        for (int64_t e = l->first[c]; e < l->first[c + 1]; e++) l->place[e] = entries++;
    }
}

/* Write a level; what it refers to in the one above, with shorter contexts, is placed. */
static void write_level(const struct level *l, const struct level *above, const packed *keys, int32_t depth,
                        int32_t order, int32_t bits, uint32_t last, struct columns *out) {
    for (int64_t c = 0; c < l->contexts; c++) {
        if (l->beyond[c]) continue;
        uint32_t oldest = depth > 1 ? digit_at(keys[l->record[c]], bits, order - depth) : last;
        out->oldest[out->contexts] = (int32_t)oldest - 1;
        out->sizes[out->contexts] = (uint32_t)(l->first[c + 1] - l->first[c]);
        if (depth > 1) out->uppers[out->contexts] = above->context_place[l->upper[c]];
        out->contexts++;
        for (int64_t e = l->first[c]; e < l->first[c + 1]; e++, out->entries++) {
            out->words[out->entries] = (int32_t)l->word[e] - 1;
            out->counts[out->entries] = l->count[e];
            if (out->actual) out->actual[out->entries] = l->actual[e];
            if (depth > 1) out->parents[out->entries] = above->place[l->parent[e]];
        }
    }
}

/* Each key of sorted ones once, and how often it was there. */
static int64_t unique(packed *keys, uint32_t *times, int64_t n) {
    int64_t distinct = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i && keys[i] == keys[distinct - 1]) {
            times[distinct - 1]++;
        } else {
            times[distinct] = 1;
            keys[distinct++] = keys[i];
        }
    }
    return distinct;
}

/* Count the n-grams of `sections` last words of contexts, which are low, low + 1, ...;
   that of keys[starts[s] .. starts[s + 1]), which are sorted here, is low + s. Where
   `times` is not NULL the keys are sorted and distinct, and it is how often each occurs.
   out[d] gets the contexts of d words, d = 1 .. order - 1, and sets how many there are.
   Returns 0, or -1 if the memory does not suffice. */
int32_t nonplus_ngram_count(packed *keys, const uint32_t *times, const int64_t *starts, int64_t sections, uint32_t low,
                            int32_t order, int32_t bits, int64_t digits, struct columns *out) {
    int64_t largest = 0;
    for (int64_t section = 0; section < sections; section++) {
        int64_t n = starts[section + 1] - starts[section];
        largest = n > largest ? n : largest;
    }
    struct scratch s;
    if (allocate(&s, largest, digits)) {
        release(&s);
        return -1;
    }
    for (int64_t section = 0; section < sections; section++) {
        packed *own = keys + starts[section];
        int64_t n = starts[section + 1] - starts[section], distinct = 0;
        if (!n) continue;
        uint32_t last = low + (uint32_t)section;
        if (times) {
            distinct = n;
            memcpy(s.times, times + starts[section], n * sizeof(uint32_t));
        } else {
            sort_keys(own, s.spare, n);
            distinct = unique(own, s.times, n);
        }
        struct level *levels = s.levels;
        deepest(&levels[(order - 1) & 1], own, s.times, distinct, order, bits);
        place(&levels[(order - 1) & 1], &out[order - 1]);
        for (int32_t depth = order - 1; depth > 1; depth--) {
            struct level *l = &levels[depth & 1], *above = &levels[(depth - 1) & 1];
            shallower(&s, own, depth - 1, order, bits, last);
            place(above, &out[depth - 1]);
            write_level(l, above, own, depth, order, bits, last, &out[depth]);
        }
        write_level(&levels[1], NULL, own, 1, order, bits, last, &out[1]);
    }
    release(&s);
    return 0;
}

/* Values that are sorted by word go to their n-grams: the next value of its word to each.
   places[w] is the first of the word w; n-grams that end with `without` have none. */
void nonplus_ngram_gather(const int32_t *words, int64_t n, int32_t without, int64_t *places, const float *values,
                          float *out) {
    for (int64_t i = 0; i < n; i++) out[i] = words[i] == without ? 0.0f : values[places[words[i]]++];
}
