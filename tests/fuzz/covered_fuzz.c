/* libFuzzer's entry: what tokens cover of texts of any characters is what reading these
   one after the other finds, wherever tokens are said to end. */

#include "../../src/nonplus/kernels/native/covered.c"

#include "input.h"

#define TEXTS 5
#define BYTES 120
#define TOKENS 60

/* A character in UTF-8: blanks and those beside them, else any. */
static int64_t character(Input *input, uint8_t *to) {
    static const uint16_t odd[] = {0x20, 0x0A, 0x1C, 0x1B, 0x21, 0x85, 0x84, 0xA0, 0xE9, 0x1680, 0x1681, 0x180E, 0x2000,
                                   0x200A, 0x200B, 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0x3001, 0x0800, 0};
    uint32_t kind = between(input, 0, 255), code = odd[kind % 24];
    if (kind >= 192) code = kind < 224 ? 'a' : 0x10000 + between(input, 0, 65535);
    if (kind >= 250) code = between(input, 0, 0xD7FF);
    if (code < 0x80) return to[0] = (uint8_t)code, 1;
    if (code < 0x800) return to[0] = (uint8_t)(0xC0 | code >> 6), to[1] = (uint8_t)(0x80 | (code & 63)), 2;
    int wide = code >= 0x10000;
    if (wide) *to++ = (uint8_t)(0xF0 | code >> 18);
    to[0] = (uint8_t)(wide ? 0x80 | (code >> 12 & 63) : 0xE0 | code >> 12);
    to[1] = (uint8_t)(0x80 | (code >> 6 & 63)), to[2] = (uint8_t)(0x80 | (code & 63));
    return 3 + wide;
}

static int is_space(uint32_t code) {
    return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000;
}

/* Of each byte of a text: whether a character, and whether a word begins there. */
static void read_text(const uint8_t *text, int64_t length, int inside_word, uint8_t *chars, uint8_t *words) {
    int space = !inside_word;
    memset(chars, 0, (size_t)length), memset(words, 0, (size_t)length);
    for (int64_t i = 0; i < length;) {
        uint8_t c = text[i];
        int more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
        uint32_t code = more ? c & (63 >> more) : c;
        for (int b = 1; b <= more; b++) code = code << 6 | (text[i + b] & 63);
        chars[i] = 1, words[i] = space && !is_space(code);
        space = is_space(code);
        i += 1 + more;
    }
}

static int64_t inside(int64_t place, int64_t length) {
    if (place > length) place = length;
    return place < 0 ? 0 : place;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    int64_t texts = between(&input, 0, TEXTS), begins[TEXTS + 1] = {0}, tokens[TEXTS + 1] = {0}, scored[TEXTS + 1] = {0};
    uint8_t buffer[TEXTS * BYTES];
    int64_t ends[TEXTS * TOKENS], index[TEXTS * TOKENS];
    int64_t n_tokens = 0, n_scored = 0, at = 0;
    int wild = between(&input, 0, 3) == 0, inside_word = (int)between(&input, 0, 1);
    for (int64_t d = 0; d < texts; d++) {
        for (uint32_t c = between(&input, 0, BYTES / 4); c; c--) at += character(&input, buffer + at);
        begins[d + 1] = at;
        uint32_t length = (uint32_t)(at - begins[d]), before = 0;
        for (uint32_t t = between(&input, 0, TOKENS); t; t--, n_tokens++) {
            if (between(&input, 0, 2)) index[n_scored++] = n_tokens;
            before = wild ? between(&input, 0, 200) : between(&input, before, length);
            ends[n_tokens] = wild ? (int64_t)before - 40 : before;
        }
        tokens[d + 1] = n_tokens, scored[d + 1] = n_scored;
    }
    uint8_t *data = copied(buffer, (size_t)at + 1); /* Python ends its bytes with a zero */
    data[at] = 0;
    int32_t narrow[TEXTS * TOKENS];
    for (int64_t t = 0; t < n_tokens; t++) narrow[t] = (int32_t)ends[t];
    int64_t *covered = allocated(3 * (size_t)texts * sizeof *covered), *again = allocated(3 * (size_t)texts * sizeof *again);
    nonplus_covered(data, begins, texts, tokens, ends, 1, scored, index, 1, inside_word, covered);
    nonplus_covered(data, begins, texts, tokens, narrow, 0, scored, index, 1, inside_word, again);
    check(!memcmp(covered, again, 3 * (size_t)texts * sizeof *covered));
    for (int64_t d = 0; d < texts; d++) {
        uint8_t chars[BYTES], words[BYTES];
        int64_t length = begins[d + 1] - begins[d], n_bytes = 0, n_chars = 0, n_words = 0;
        read_text(data + begins[d], length, inside_word, chars, words);
        for (int64_t s = scored[d], stop; s < scored[d + 1]; s = stop) {
            for (stop = s + 1; stop < scored[d + 1] && index[stop] == index[stop - 1] + 1;) stop++;
            int64_t from = index[s] == tokens[d] ? 0 : inside(ends[index[s] - 1], length);
            int64_t to = inside(ends[index[stop - 1]], length);
            n_bytes += to - from;
            for (int64_t i = from; i < to; i++) n_chars += chars[i], n_words += words[i];
        }
        check(covered[d] == n_bytes && covered[texts + d] == n_chars && covered[2 * texts + d] == n_words);
    }
    free(again), free(covered), free(data);
    return 0;
}
