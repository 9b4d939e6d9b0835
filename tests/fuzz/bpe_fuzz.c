/* libFuzzer's entry: any words under any rules are joined as trying all rules, one after
   the other, says; the parts of a word tile it. */

#include "../../src/nonplus/kernels/native/bpe.c"

#include "input.h"

#define RULES 12
#define WORDS 6
#define LONGEST 300

/* As long as there is a rule for neighbours: the first rule, from the left. */
static int slowly(const int32_t (*rules)[3], int n_rules, const uint8_t *p, int n, const int32_t *of_byte, int32_t *id) {
    for (int i = 0; i < n; i++) id[i] = of_byte[p[i]];
    for (int again = 1; again;) {
        again = 0;
        for (int r = 0; r < n_rules && !again; r++) {
            int later = 0; /* the last of equal rules counts */
            for (int other = r + 1; other < n_rules; other++) later |= rules[other][0] == rules[r][0] && rules[other][1] == rules[r][1];
            for (int i = 0; !later && i + 1 < n && !again; i++) {
                if (id[i] != rules[r][0] || id[i + 1] != rules[r][1]) continue;
                id[i] = rules[r][2];
                for (int j = i + 1; j + 1 < n; j++) id[j] = id[j + 1];
                n--, again = 1;
            }
        }
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    int32_t of_byte[256], rules[RULES][3], columns[3][RULES];
    for (int c = 0; c < 256; c++) of_byte[c] = c % 8;
    int n_rules = (int)between(&input, 0, RULES);
    for (int r = 0; r < n_rules; r++)
        for (int k = 0; k < 3; k++) columns[k][r] = rules[r][k] = (int32_t)between(&input, 0, 15);
    Rule slots[32];
    nonplus_bpe_rules(columns[0], columns[1], columns[2], n_rules, slots, 31);
    int64_t words = between(&input, 0, WORDS), stops[WORDS], n = 0;
    for (int64_t w = 0; w < words; w++) stops[w] = n += between(&input, 0, w ? 40 : LONGEST);
    uint8_t *text = filled(&input, (size_t)n);
    int space = (int)between(&input, 0, 1);
    int32_t *ids = allocated((size_t)(n + words) * sizeof *ids), expected[LONGEST + 1];
    int64_t *rest = allocated((size_t)(n + words) * sizeof *rest), counts[WORDS], t = 0;
    static uint8_t kinds[0x3000];
    for (int c = 0; c < 0x3000; c++) kinds[c] = (uint8_t)(c < 0x80 ? c % 4 : c % 5 == 4 ? OTHER : c % 5);
    int64_t found = nonplus_bpe_cut(slots, 31, of_byte, kinds, space, text, stops, words, ids, rest, counts);
    for (int64_t w = 0; w < words; w++) {
        static Word word;
        int64_t begin = w ? stops[w - 1] : 0, own = stops[w] - begin;
        int64_t length = spaced(kinds, text + begin, own, space, &word);
        check((counts[w] == LEFT) == (length == LEFT));
        if (counts[w] == LEFT) continue;
        int64_t last = t + counts[w];
        for (int64_t at = 0; at < length;) {
            int64_t one = part(&word, at, length - at);
            check(one > 0 && one <= length - at);
            int count = slowly(rules, n_rules, word.bytes + at, (int)one, of_byte, expected);
            check(t + count <= last && !memcmp(ids + t, expected, (size_t)count * sizeof *ids));
            t += count, at += one;
            check(rest[t - 1] == (length - at < own ? length - at : own));
        }
        check(t == last);
    }
    check(t == found);
    free(rest), free(ids), free(text);
    return 0;
}
