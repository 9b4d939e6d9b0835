/* libFuzzer's entry: any words under any pieces are cut as trying every piece at every place
   says; the pieces of a word tile it. */

#include "../../src/nonplus/kernels/native/unigram.c"

#include "input.h"

#define PIECES 12
#define LONGEST 6
#define WORDS 5

/* The best way to each place, by comparing bytes with every piece; of equal pieces the last
   counts. */
static void slowly(const uint8_t *text, const int64_t *stops, const float *scores, int pieces, float unknown,
                   const uint8_t *p, int n, int mark, Best *best) {
    for (int i = 0; i <= n; i++) best[i] = (Best){0, NONE, NONE};
    for (int begin = 0, width; begin < n; begin += width) {
        int single = 0;
        width = begin < mark ? mark : 1;
        for (int length = 1; begin + length <= n; length++) {
            int found = NONE;
            for (int i = 0; i < pieces; i++) {
                int64_t first = i ? stops[i - 1] : 0;
                if (stops[i] - first == length && !memcmp(text + first, p + begin, (size_t)length)) found = i;
            }
            if (found == NONE) continue;
            float score = scores[found] + best[begin].score;
            Best *to = best + begin + length;
            if (to->begin == NONE || score > to->score) *to = (Best){score, begin, found};
            single |= length == width;
        }
        float score = unknown + best[begin].score;
        Best *to = best + begin + width;
        if (!single && (to->begin == NONE || score > to->score)) *to = (Best){score, begin, NONE};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    uint8_t pieces_text[PIECES * LONGEST];
    int64_t ends[PIECES], n = 0;
    float scores[PIECES];
    int pieces = (int)between(&input, 0, PIECES);
    for (int i = 0; i < pieces; i++) {
        int length = (int)between(&input, 0, LONGEST);
        int with_sign = length >= MARK && between(&input, 0, 1);
        for (int k = 0; k < length; k++) pieces_text[n + k] = (uint8_t)between(&input, 'a', 'd');
        if (with_sign) memcpy(pieces_text + n, "\xe2\x96\x81", MARK);
        ends[i] = n += length;
        scores[i] = -(float)between(&input, 0, 40) / 4;
    }
    float unknown = -(float)between(&input, 0, 80) / 4;
    Edge edges[256];
    check(nonplus_unigram_trie(pieces_text, ends, scores, pieces, edges, 255) <= n);
    int64_t words = between(&input, 0, WORDS), stops[WORDS], whole = 0;
    for (int64_t w = 0; w < words; w++) stops[w] = whole += between(&input, 0, w ? 12 : 300);
    uint8_t *text = filled(&input, (size_t)whole);
    for (int64_t i = 0; i < whole; i++)
        if (text[i] % 16) text[i] = (uint8_t)('a' + text[i] % 5);
    int mark = MARK * (int)between(&input, 0, 1), allowed = (int)between(&input, 0, 1);
    int32_t *found = allocated((size_t)(whole + MARK * words) * sizeof *found);
    int64_t *rest = allocated((size_t)(whole + MARK * words) * sizeof *rest), counts[WORDS], t = 0;
    int64_t all = nonplus_unigram_cut(edges, 255, unknown, allowed, mark, text, stops, words, found, rest, counts);
    for (int64_t w = 0; w < words; w++) {
        uint8_t word[LONG + MARK];
        Best best[LONG + 1];
        int64_t begin = w ? stops[w - 1] : 0, own = stops[w] - begin;
        int length = marked(text + begin, own, mark, word), known = length != LEFT;
        if (known) slowly(pieces_text, ends, scores, pieces, unknown, word, length, mark, best);
        for (int at = length; known && at > 0; at = best[at].begin)
            if (best[at].piece == NONE) known = allowed && best[at].begin >= mark;
        check(known == (counts[w] != LEFT));
        if (!known) continue;
        t += counts[w];
        int64_t i = t;
        for (int at = length, later = 0; at > 0; later = best[at].piece, at = best[at].begin) {
            int64_t after = length - at;
            if (at < length && later == NONE && best[at].piece == NONE) continue; /* one with the piece after it */
            i--;
            check(found[i] == best[at].piece && rest[i] == (after < own ? after : own));
        }
        check(i == t - counts[w]);
    }
    check(t == all);
    free(rest), free(found), free(text);
    return 0;
}
