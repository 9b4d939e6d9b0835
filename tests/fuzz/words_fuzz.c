/* libFuzzer's entry: any bytes are split into words, numbered and found again, as a slow
   reading byte by byte says. */

#include "../../src/nonplus/kernels/native/words.c"

#include "input.h"

#define MOST_PARTS 20

/* The words of a part as a slow reader finds them are those that were given. */
static int64_t check_part(const Words *w, const uint8_t *data, int64_t begin, int64_t stop, const int32_t *numbers,
                          const int64_t *ends) {
    int64_t t = 0;
    for (int64_t at = begin; at < stop;) {
        if (is_blank(data[at])) { at++; continue; }
        int64_t first = at;
        while (at < stop && !is_blank(data[at])) at++;
        check(ends[t] == at);
        int64_t length = at - first, from = begin_of(w, numbers[t]);
        check(numbers[t] >= 0 && numbers[t] < w->n && w->stops[numbers[t]] - from == length);
        check(!memcmp(w->text + from, data + first, (size_t)length));
        t++;
    }
    return t;
}

static void check_words(const uint8_t *data, const int64_t *starts, int64_t parts, uint64_t seed) {
    int64_t size = starts[parts], room = size / 2 + parts + 1;
    int32_t *numbers = malloc((size_t)room * sizeof *numbers), *again = malloc((size_t)room * sizeof *again);
    int64_t *ends = malloc((size_t)room * sizeof *ends), *counts = malloc((size_t)parts * sizeof *counts);
    Words *w = nonplus_words_new(seed);
    int64_t n = nonplus_words_find(w, data, starts, starts + 1, parts, numbers, ends, counts);
    for (int64_t t = 0; t < n; t++) check(numbers[t] == ABSENT);
    check(nonplus_words_learn(w, data, starts, starts + 1, parts, INT64_MAX, numbers, ends, counts) == n);
    check(nonplus_words_find(w, data, starts, starts + 1, parts, again, ends, counts) == n);
    check(!memcmp(numbers, again, (size_t)n * sizeof *numbers));
    int64_t t = 0, highest = -1;
    for (int64_t s = 0; s < parts; s++) {
        check(check_part(w, data, starts[s], starts[s + 1], numbers + t, ends + t) == counts[s]);
        t += counts[s];
    }
    check(t == n);
    for (t = 0; t < n; t++) { /* as they appear */
        check(numbers[t] <= highest + 1);
        highest = numbers[t] > highest ? numbers[t] : highest;
    }
    check(highest + 1 == nonplus_words_count(w));

    /* led words of at most `most` bytes tile the parts */
    int64_t most = 4 + (int64_t)(seed % 9);
    Words *led = nonplus_words_new(seed);
    int32_t *led_numbers = malloc((size_t)(size + parts) * sizeof *led_numbers); /* what is no UTF-8 may be cut anywhere */
    int64_t *led_ends = malloc((size_t)(size + parts) * sizeof *led_ends);
    n = nonplus_words_learn_led(led, data, starts, starts + 1, parts, most, led_numbers, led_ends, counts);
    check(n >= 0 && n <= size);
    for (int64_t s = 0, at = 0, k = 0; s < parts; s++) {
        for (int64_t i = 0; i < counts[s]; i++, at = led_ends[k++]) check(led_ends[k] > at && led_ends[k] - at <= most);
        check(at == starts[s + 1]);
    }
    nonplus_words_free(led);
    free(led_ends), free(led_numbers);

    /* whole parts as strings, and all strings read into another table */
    int32_t *whole = malloc((size_t)parts * sizeof *whole), *known = malloc((size_t)parts * sizeof *known);
    check(nonplus_words_intern(w, data, starts + 1, parts, whole));
    nonplus_words_numbers(w, data, starts + 1, parts, known);
    check(!memcmp(whole, known, (size_t)parts * sizeof *whole));
    int64_t all = nonplus_words_count(w);
    uint8_t *text = malloc((size_t)nonplus_words_bytes(w) + 1);
    int64_t *stops = malloc((size_t)(all + 1) * sizeof *stops);
    nonplus_words_read(w, 0, text, stops);
    Words *copy = nonplus_words_new(~seed);
    check(nonplus_words_extend(copy, text, stops, all) && nonplus_words_count(copy) == all);
    nonplus_words_numbers(copy, data, starts + 1, parts, known);
    check(!memcmp(whole, known, (size_t)parts * sizeof *whole));
    nonplus_words_free(copy), nonplus_words_free(w);
    free(stops), free(text), free(known), free(whole), free(counts), free(ends), free(again), free(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 10) return 0;
    uint64_t seed;
    memcpy(&seed, bytes, 8);
    int64_t parts = 1 + bytes[8] % MOST_PARTS;
    uint8_t step = bytes[9];
    bytes += 10, size -= 10;
    int64_t starts[MOST_PARTS + 1] = {0};
    for (int64_t s = 1; s < parts; s++) {
        int64_t next = starts[s - 1] + (step * s) % 97;
        starts[s] = next < (int64_t)size ? next : (int64_t)size;
    }
    starts[parts] = (int64_t)size;
    uint8_t *data = copied(bytes, size);
    check_words(data, starts, parts, seed);
    free(data);
    return 0;
}
