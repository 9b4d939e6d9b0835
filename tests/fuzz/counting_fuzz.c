/* libFuzzer's entry: the n-grams of any text, cut into any parts, are counted as sorting
   all of them says. */

#include "../../src/nonplus/kernels/native/counting.c"

#include "input.h"

#define MOST_ORDER 6
#define LENGTH 150
#define WORDS 12 /* digits from 0, the edge, to `WORDS - 1` */

/* One n-gram: the digits of its context from the last one back, then the word after it. */
typedef struct { uint32_t digit[MOST_ORDER]; } Row;

static int32_t compared; /* digits of a context, and then the word */

static int by_digits(const void *a, const void *b) {
    const uint32_t *one = ((const Row *)a)->digit, *other = ((const Row *)b)->digit;
    for (int32_t d = 0; d <= compared; d++) {
        int32_t at = d < compared ? d : MOST_ORDER - 1;
        if (one[at] != other[at]) return one[at] < other[at] ? -1 : 1;
    }
    return 0;
}

static int same(const Row *a, const Row *b, int32_t depth) { return !memcmp(a, b, (size_t)depth * sizeof a->digit[0]); }

static uint32_t word(const Row *row) { return row->digit[MOST_ORDER - 1]; }

/* The n-grams of a part of the text, each as often as it occurs. */
static int64_t rows_of(const uint32_t *digits, int64_t n, int32_t order, const uint32_t *suffix, int32_t known, uint32_t low,
                       uint32_t high, Row *rows) {
    int64_t found = 0;
    for (int64_t i = 1; i < n; i++) {
        Row row = {{0}};
        for (int32_t d = 1; d < order && i - d >= 0 && digits[i - d]; d++) row.digit[d - 1] = digits[i - d];
        row.digit[MOST_ORDER - 1] = digits[i];
        uint32_t last = i > known ? digits[i - 1 - known] : 0;
        if (!memcmp(row.digit, suffix, (size_t)known * sizeof *suffix) && last >= low && last < high && last != END &&
            digits[i] != BEGIN)
            rows[found++] = row;
    }
    return found;
}

/* The n-grams of one length of a text, of which the first of each group of equal ones is
   marked, compared with what was counted: `out`, and the level above it. */
static void check_level(Row *rows, int64_t n, int32_t depth, int32_t order, const struct columns *out) {
    const struct columns *level = &out[depth], *above = &out[depth - 1];
    int64_t entry = 0, context = 0, first = 0;
    compared = depth;
    qsort(rows, (size_t)n, sizeof *rows, by_digits);
    for (int64_t i = 0, stop; i < n; i = stop) {
        uint32_t actual, extensions = 0, before[WORDS] = {0}, oldest = rows[i].digit[depth - 1];
        for (stop = i; stop < n && !by_digits(&rows[i], &rows[stop]); stop++)
            if (depth < order - 1) extensions += !before[rows[stop].digit[depth]]++;
        actual = (uint32_t)(stop - i);
        if (!oldest) continue; /* it begins beyond an edge */
        if (!i || !same(&rows[i - 1], &rows[i], depth)) {
            check(!context || level->sizes[context - 1] == (uint32_t)(entry - first));
            check(level->oldest[context] == (int32_t)oldest - 1);
            if (depth > 1) check(level->uppers[context] < above->contexts);
            if (depth > 1) check(above->oldest[level->uppers[context]] == (int32_t)rows[i].digit[depth - 2] - 1);
            first = entry;
            context++;
        }
        if (!word(&rows[i])) continue; /* a context at the end of a sentence */
        check(level->words[entry] == (int32_t)word(&rows[i]) - 1);
        check(level->counts[entry] == (depth == order - 1 || oldest == BEGIN ? actual : extensions));
        if (level->actual) check(level->actual[entry] == actual);
        if (depth > 1) {
            uint32_t parent = level->parents[entry], start = 0;
            check(parent < above->entries && above->words[parent] == level->words[entry]);
            for (uint32_t c = 0; c < level->uppers[context - 1]; c++) start += above->sizes[c];
            check(parent >= start && parent < start + above->sizes[level->uppers[context - 1]]);
        }
        entry++;
    }
    check(entry == level->entries && context == level->contexts);
    check(!context || level->sizes[context - 1] == (uint32_t)(entry - first));
}

static void check_gather(const struct columns *bigrams) {
    int64_t places[WORDS + 1] = {0};
    int64_t n = bigrams->entries;
    float *values = allocated((size_t)n * sizeof *values), *out = allocated((size_t)n * sizeof *out);
    for (int64_t i = 0; i < n; i++) values[i] = (float)i;
    for (int64_t i = 0; i < n; i++) places[bigrams->words[i] + 1]++;
    for (int32_t w = 0; w < WORDS; w++) places[w + 1] += places[w];
    nonplus_ngram_gather(bigrams->words, n, END - 1, places, values, out);
    for (int64_t i = 0, seen[WORDS] = {0}; i < n; i++) {
        int32_t own = bigrams->words[i];
        int64_t start = own ? places[own - 1] : 0; /* which has moved to the end of its word's */
        if (own == END - 1) check(out[i] == 0);
        else if (own != END) check(out[i] == (float)(start + seen[own]));
        seen[own]++;
    }
    free(out), free(values);
}

static struct columns columns_for(int64_t n, int actual) {
    struct columns c = {.words = allocated((size_t)n * 4), .counts = allocated((size_t)n * 4), .parents = allocated((size_t)n * 4)};
    c.actual = actual ? allocated((size_t)n * 4) : NULL;
    c.oldest = allocated((size_t)n * 4), c.sizes = allocated((size_t)n * 4), c.uppers = allocated((size_t)n * 4);
    return c;
}

static void released(struct columns *c) {
    free(c->words), free(c->counts), free(c->actual), free(c->parents), free(c->oldest), free(c->sizes), free(c->uppers);
}

/* Keys that are sorted, with how often each occurs, count as the keys themselves. */
static void check_times(packed *keys, const int64_t *starts, int64_t sections, uint32_t low, int32_t order, int32_t bits,
                        const struct columns *out) {
    int64_t n = 0, *distinct = allocated((size_t)(sections + 1) * sizeof *distinct);
    packed *spare = allocated((size_t)starts[sections] * sizeof *spare);
    uint32_t *times = allocated((size_t)starts[sections] * sizeof *times);
    for (int64_t s = 0; s < sections; s++) {
        int64_t size = starts[s + 1] - starts[s];
        packed *own = keys + starts[s];
        sort_keys(own, spare, size);
        distinct[s] = n;
        int64_t kept = unique(own, times + n, size);
        memmove(keys + n, own, (size_t)kept * sizeof *own);
        n += kept;
    }
    distinct[sections] = n;
    struct columns again[MOST_ORDER];
    for (int32_t d = 0; d < order; d++) again[d] = columns_for(n, 0);
    check(!nonplus_ngram_count(keys, times, distinct, sections, low, order, bits, WORDS, again));
    for (int32_t d = 1; d < order; d++) {
        const struct columns *one = &out[d], *other = &again[d];
        check(one->entries == other->entries && one->contexts == other->contexts);
        check(!memcmp(one->words, other->words, (size_t)one->entries * 4));
        check(!memcmp(one->counts, other->counts, (size_t)one->entries * 4));
        check(!memcmp(one->sizes, other->sizes, (size_t)one->contexts * 4));
        if (d > 1) check(!memcmp(one->parents, other->parents, (size_t)one->entries * 4));
    }
    for (int32_t d = 0; d < order; d++) released(&again[d]);
    free(times), free(spare), free(distinct);
}

/* Sentences of words with an edge before and after each, with marks or without. */
static int64_t text_of(Input *input, uint32_t *digits) {
    int64_t n = 0;
    digits[n++] = 0;
    int begins = between(input, 0, 3) > 0, ends = between(input, 0, 3) > 0;
    uint32_t few = between(input, 0, 1) ? 2 : WORDS - 5;
    while (n < LENGTH - 20 && input->left) {
        if (begins) digits[n++] = BEGIN;
        for (uint32_t words = between(input, 0, 14); words; words--) digits[n++] = between(input, 0, few) ? 3 + between(input, 1, few) : 1;
        if (ends) digits[n++] = END;
        digits[n++] = 0;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    uint32_t buffer[LENGTH], suffix[MOST_ORDER] = {0};
    int32_t order = (int32_t)between(&input, 2, MOST_ORDER), bits = (int32_t)between(&input, 4, 25);
    int32_t known = (int32_t)between(&input, 0, (uint32_t)order - 2);
    if (between(&input, 0, 1)) known = 0;
    for (int32_t d = 0; d < known; d++) suffix[d] = between(&input, 1, 4) % 4 ? 4 + between(&input, 0, 1) : 1;
    uint32_t low = between(&input, known ? 0 : 1, WORDS - 1), high = between(&input, low + 1, WORDS);
    int actual = (int)between(&input, 0, 1);
    int64_t n = text_of(&input, buffer), sections = known ? 1 : high - low;
    uint32_t *digits = copied(buffer, (size_t)n * sizeof *digits);

    Row *rows = allocated((size_t)n * sizeof *rows);
    int64_t found = rows_of(digits, n, order, suffix, known, low, high, rows);
    int64_t *starts = allocated((size_t)(sections + 1) * sizeof *starts), *places = allocated((size_t)sections * sizeof *places);
    memset(starts, 0, (size_t)(sections + 1) * sizeof *starts);
    for (int64_t i = 0; i < found; i++) starts[known ? 1 : rows[i].digit[0] - low + 1]++;
    for (int64_t s = 0; s < sections; s++) starts[s + 1] += starts[s];
    memcpy(places, starts, (size_t)sections * sizeof *places);
    packed *keys = allocated((size_t)found * sizeof *keys);
    int64_t cut = between(&input, 0, (uint32_t)n); /* the text may come in two stretches */
    if (cut >= order) {
        nonplus_ngram_keys(digits, 0, cut, order, bits, suffix, known, low, high, places, keys);
        nonplus_ngram_keys(digits + cut - order, order, n - cut + order, order, bits, suffix, known, low, high, places, keys);
    } else {
        nonplus_ngram_keys(digits, 0, n, order, bits, suffix, known, low, high, places, keys);
    }
    for (int64_t s = 0; s < sections; s++) check(places[s] == starts[s + 1]);
    packed *kept = copied(keys, (size_t)found * sizeof *keys);
    struct columns out[MOST_ORDER];
    for (int32_t d = 0; d < order; d++) out[d] = columns_for(found, actual);
    check(!nonplus_ngram_count(keys, NULL, starts, sections, known ? suffix[0] : low, order, bits, WORDS, out));
    for (int32_t d = 1; d < order; d++) check_level(rows, found, d, order, out);
    check_times(kept, starts, sections, known ? suffix[0] : low, order, bits, out);
    check_gather(&out[1]);

    for (int32_t d = 0; d < order; d++) released(&out[d]);
    free(kept), free(keys), free(places), free(starts), free(rows), free(digits);
    return 0;
}
