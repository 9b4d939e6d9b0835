/* What scored tokens cover of their texts: bytes, and the characters and words that begin
   there. Tokens tile their text, so those that follow each other cover all between the
   beginning of the first and the end of the last. */

#include <stdint.h>

/* 1: an ASCII character that str.split takes for a blank; 2: not the first byte of its
   character; 3: the first byte of all characters beyond ASCII that are blanks, and of
   others. */
static const uint8_t CLASS[256] = {
    [9 ... 13] = 1, [28 ... 32] = 1, [0x80 ... 0xBF] = 2, [0xC2] = 3, [0xE1 ... 0xE3] = 3,
};

/* How many bytes the blank has that begins at `c`, which is valid UTF-8; 0 if it is none. */
static int blank(const uint8_t *c) {
    switch (CLASS[c[0]]) {
    case 1:
        return 1;
    case 3:
        if (c[0] == 0xC2) return c[1] == 0x85 || c[1] == 0xA0 ? 2 : 0;
        int code = (c[0] & 15) << 12 | (c[1] & 63) << 6 | (c[2] & 63);
        int is = code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
                 code == 0x202F || code == 0x205F || code == 0x3000;
        return is ? 3 : 0;
    default:
        return 0;
    }
}

#define BLOCK 64 /* bytes */

/* Whether a block has only ASCII characters. */
static inline int is_ascii(const uint8_t *block) {
    uint8_t all = 0;
    for (int i = 0; i < BLOCK; i++) all |= block[i];
    return all < 0x80;
}

/* The words that begin in an ASCII block after its first byte. */
static inline int words_after_first(const uint8_t *block) {
    uint8_t blanks[BLOCK], words = 0;
    for (int i = 0; i < BLOCK; i++) blanks[i] = (uint8_t)(block[i] - 9) < 5 || (uint8_t)(block[i] - 28) < 5;
    for (int i = 1; i < BLOCK; i++) words += blanks[i - 1] & !blanks[i];
    return words;
}

/* Count what begins in the bytes [start, stop) of a text. */
static void count(const uint8_t *text, int64_t start, int64_t stop, int inside_word, int64_t *chars, int64_t *words) {
    int64_t i = start;
    int gap = !inside_word; /* whether a word may begin */
    if (start > 0) {        /* it may after the character that the byte before belongs to, if that is a blank */
        do i--;
        while (i > 0 && CLASS[text[i]] == 2);
        gap = blank(text + i) > 0;
        i = gap ? i + blank(text + i) : start;
    }
    while (i < stop) {
        if (stop - i >= BLOCK && is_ascii(text + i)) {
            *words += (gap & !blank(text + i)) + words_after_first(text + i);
            *chars += BLOCK;
            i += BLOCK;
            gap = blank(text + i - 1) > 0;
            continue;
        }
        int class = CLASS[text[i]], bytes = class & 1 ? blank(text + i) : 0;
        *words += gap & !bytes;
        *chars += class != 2;
        gap = bytes > 0;
        i += bytes ? bytes : 1;
    }
}

static int64_t at(const void *column, int wide, int64_t place) {
    return wide ? ((const int64_t *)column)[place] : ((const int32_t *)column)[place];
}

static int64_t within(int64_t place, int64_t bytes) { return place < 0 ? 0 : place > bytes ? bytes : place; }

/* Text `d` is [begins[d], begins[d + 1]) of `data` and has the tokens [tokens[d],
   tokens[d + 1]), each with its end in the text in `ends`; [scored[d], scored[d + 1]) of
   `index` are those that are scored. `covered` gets a row of bytes, of characters, of
   words. The first word of a text that begins inside one began before. */
void nonplus_covered(const uint8_t *data, const int64_t *begins, int64_t texts, const int64_t *tokens, const void *ends,
                     int wide_ends, const int64_t *scored, const void *index, int wide_index, int inside_word,
                     int64_t *covered) {
    for (int64_t d = 0; d < texts; d++) {
        int64_t bytes = 0, chars = 0, words = 0, length = begins[d + 1] - begins[d];
        for (int64_t s = scored[d]; s < scored[d + 1]; s++) {
            int64_t first = at(index, wide_index, s), last = first;
            while (s + 1 < scored[d + 1] && at(index, wide_index, s + 1) == last + 1) s++, last++;
            int64_t start = first == tokens[d] ? 0 : within(at(ends, wide_ends, first - 1), length);
            int64_t stop = within(at(ends, wide_ends, last), length);
            bytes += stop - start;
            count(data + begins[d], start, stop, inside_word, &chars, &words);
        }
        covered[d] = bytes;
        covered[texts + d] = chars;
        covered[2 * texts + d] = words;
    }
}
