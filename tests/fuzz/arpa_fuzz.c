/* libFuzzer's entry: lines of any bytes are read as n-grams without reading outside of
   them, and what was read is read again from what is written. */

#include "../../src/nonplus/kernels/native/arpa.c"

#include "input.h"

#define LINES 64
#define PER_LINE 64 /* bytes that are no words, as the caller reckons */

static int same(float a, float b) { return !memcmp(&a, &b, sizeof a); }

/* The bytes as whole lines, of which the last gets its end; `likely` turns each into one
   that an ARPA file has. */
static uint8_t *lines_of(const uint8_t *bytes, size_t size, int likely) {
    static const char letters[] = "0123456789-.e+ \t\r\na\xf0";
    uint8_t *text = malloc(size + 1);
    for (size_t i = 0; i < size; i++) text[i] = likely ? (uint8_t)letters[bytes[i] % 20] : bytes[i];
    text[size] = '\n';
    return text;
}

static void read_again(const uint8_t *words, int64_t length, float prob, float backoff) {
    int32_t id = 0;
    int64_t stop = length, size, begin, end, room = length + PER_LINE + 1;
    float prob_again, backoff_again;
    uint8_t *to = malloc((size_t)room);
    int64_t written = nonplus_arpa_write(&id, 1, 1, &prob, &backoff, words, &stop, to, &size);
    check(written ? size <= room : size == 0);
    uint8_t *line = realloc(to, (size_t)(size ? size : 1));
    if (written && nonplus_arpa_read(line, size, 1, 0, 1, &begin, &stop, &end, &prob_again, &backoff_again)) {
        check(end == size && stop - begin == length && !memcmp(line + begin, words, (size_t)length));
        check(same(prob, prob_again) && same(backoff, backoff_again));
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (!size) return 0;
    int64_t order = bytes[0] % 6 + 1, highest = bytes[0] / 6 % 2, length = (int64_t)size;
    uint8_t *text = lines_of(bytes + 1, size - 1, bytes[0] / 12 % 2);
    int64_t begins[LINES], stops[LINES], ends[LINES];
    float probs[LINES], backoffs[LINES];
    int64_t n = nonplus_arpa_read(text, length, order, highest, LINES, begins, stops, ends, probs, backoffs);
    check(n >= 0 && n <= LINES);
    for (int64_t i = 0; i < n; i++) {
        check((i ? ends[i - 1] : 0) < begins[i] && begins[i] < stops[i] && stops[i] < ends[i] && ends[i] <= length);
        check(text[ends[i] - 1] == '\n' && probs[i] <= 0 && isfinite(probs[i]) && isfinite(backoffs[i]));
        check(!highest || backoffs[i] == 0);
        if (order == 1) read_again(text + begins[i], stops[i] - begins[i], probs[i], backoffs[i]);
    }
    free(text);
    return 0;
}
