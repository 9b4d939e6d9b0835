/* Byte pair encoding of words, as a byte-level tokenizer of the package tokenizers cuts
   them.

   A word is cut by the rule of GPT-2: 's, 't, 're, 've, 'm, 'll and 'd; runs of letters, of
   digits and of signs, each with a space before it; whitespace, of which the last before
   anything else stands alone. What a character is, a table says, which ends before CJK's. A
   part is its bytes, of which neighbours are joined as long as there is a rule for some: the
   first rule first, from the left. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LONG (1 << 16) /* bytes of a word, with a space before it: a longer one is left to others */
#define APART 64       /* so that no two of these begin at the same place of a page, which would delay loads */
#define SHORT 64       /* bytes of a part that is joined pair by pair, for the time that takes grows with its square */
#define LEFT (-1)
#define FAILED (-1)
#define NEVER 0x7fffffff

typedef struct {
    uint64_t pair; /* the tokens on the left and on the right */
    int32_t rank, made; /* NEVER in an empty slot */
} Rule;

typedef struct {
    const Rule *rules;
    uint64_t mask;
    const int32_t *of_byte;
} Rules;

/* A word: its bytes, and at the first of each character what that is; and for its tokens, how
   many bytes each has, and by which rule it is joined to the next, and to what. */
typedef struct {
    uint8_t bytes[LONG + APART], kind[LONG + APART];
    int32_t width[LONG + APART], rank[LONG + APART], made[LONG + APART];
} Word;

static inline uint64_t home(uint64_t pair) { return (pair * 0x9e3779b97f4a7c15u) >> 32; }

static inline uint64_t pair_of(int32_t left, int32_t right) { return (uint64_t)(uint32_t)left << 32 | (uint32_t)right; }

static inline const Rule *rule_of(const Rules *rules, int32_t left, int32_t right) {
    uint64_t pair = pair_of(left, right);
    for (uint64_t at = home(pair);; at++) {
        const Rule *rule = rules->rules + (at & rules->mask);
        if (rule->pair == pair || rule->rank == NEVER) return rule;
    }
}

/* Put `n` rules into `mask` + 1 slots, at least twice as many, the last of equal ones. */
void nonplus_bpe_rules(const int32_t *left, const int32_t *right, const int32_t *made, int64_t n, Rule *rules, uint64_t mask) {
    for (uint64_t i = 0; i <= mask; i++) rules[i] = (Rule){~(uint64_t)0, NEVER, 0};
    for (int64_t i = 0; i < n; i++) {
        uint64_t pair = pair_of(left[i], right[i]), at = home(pair);
        while (rules[at & mask].rank != NEVER && rules[at & mask].pair != pair) at++;
        rules[at & mask] = (Rule){pair, (int32_t)i, made[i]};
    }
}

enum { LETTER, DIGIT, SIGN, WHITESPACE, INSIDE, OTHER }; /* INSIDE a character, OTHER than is known */

#define TAIL(c) (((c) & 0xc0) == 0x80)

/* What the character at `p` is, of at most `n` bytes, by the table for those before U+3000;
   and in `width` its bytes. */
static inline int kind_at(const uint8_t *kinds, const uint8_t *p, int64_t n, int *width) {
    *width = 1;
    if (p[0] < 0x80) return kinds[p[0]];
    if (p[0] < 0xe0 && n > 1 && TAIL(p[1])) return *width = 2, kinds[(p[0] & 0x1f) << 6 | (p[1] & 0x3f)];
    if (p[0] < 0xe0 || p[0] > 0xe2 || n < 3 || !TAIL(p[1]) || !TAIL(p[2])) return OTHER;
    return *width = 3, kinds[(p[0] & 0xf) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f)];
}

/* The bytes of a short form, such as 're, at the beginning of `n` bytes; 0 for none. */
static inline int64_t short_form(const uint8_t *p, int64_t n) {
    if (n < 2 || p[0] != '\'') return 0;
    if (p[1] == 's' || p[1] == 't' || p[1] == 'm' || p[1] == 'd') return 2;
    if (n < 3) return 0;
    return (p[1] == 'r' && p[2] == 'e') || (p[1] == 'v' && p[2] == 'e') || (p[1] == 'l' && p[2] == 'l') ? 3 : 0;
}

/* The bytes of the first part of the `n` bytes from `from` on, at least one. */
static inline int64_t part(const Word *word, int64_t from, int64_t n) {
    const uint8_t *p = word->bytes + from, *kind = word->kind + from;
    int64_t length = short_form(p, n);
    if (length) return length;
    int64_t at = p[0] == ' ' && n > 1 && kind[1] != WHITESPACE;
    int own = kind[at++];
    while (at < n && (kind[at] == own || kind[at] == INSIDE)) at++;
    if (own != WHITESPACE || at == n) return at;
    int64_t last = at - 1;
    while (kind[last] == INSIDE) last--;
    return last ? last : at;
}

/* Find the rule that joins tokens `i` and `i + 1` of `n`. */
static inline void look_up(const Rules *rules, Word *word, const int32_t *id, int i, int n) {
    word->rank[i] = NEVER;
    if (i < 0 || i + 1 >= n) return;
    const Rule *rule = rule_of(rules, id[i], id[i + 1]);
    word->rank[i] = rule->rank, word->made[i] = rule->made;
}

static inline int32_t first_rule(const Word *word, int n) {
    int32_t best = NEVER;
    for (int i = 0; i < n; i++) best = word->rank[i] < best ? word->rank[i] : best;
    return best;
}

static int joined_one_by_one(const Rules *rules, Word *word, int n, int32_t *id) {
    for (;;) {
        int32_t best = NEVER;
        int at = 0;
        for (int i = 0; i < n; i++)
            if (word->rank[i] < best) best = word->rank[i], at = i;
        if (best == NEVER) return n;
        id[at] = word->made[at];
        word->width[at] += word->width[at + 1];
        n--;
        size_t after = (size_t)(n - at - 1) * sizeof *id;
        memmove(id + at + 1, id + at + 2, after);
        memmove(word->width + at + 1, word->width + at + 2, after);
        memmove(word->rank + at + 1, word->rank + at + 2, after);
        memmove(word->made + at + 1, word->made + at + 2, after);
        look_up(rules, word, id, at, n);
        if (at) look_up(rules, word, id, at - 1, n);
    }
}

/* The same: all that the first rule joins in one pass, unless that makes way for a rule that
   is not behind it. */
static int joined_in_passes(const Rules *rules, Word *word, int n, int32_t *id) {
    for (;;) {
        int32_t best = first_rule(word, n);
        if (best == NEVER) return n;
        int kept = 0, again = 0;
        for (int i = 0; i < n; kept++) {
            int joins = !again && word->rank[i] == best;
            id[kept] = joins ? word->made[i] : id[i];
            word->width[kept] = word->width[i] + (joins ? word->width[i + 1] : 0);
            word->rank[kept] = word->rank[i], word->made[kept] = word->made[i];
            i += 1 + joins;
            if (!joins) continue;
            word->rank[kept] = NEVER;
            if (kept) look_up(rules, word, id, kept - 1, n), again |= word->rank[kept - 1] <= best;
            if (i == n) continue;
            const Rule *rule = rule_of(rules, id[kept], id[i]);
            word->rank[kept] = rule->rank, word->made[kept] = rule->made;
            again |= rule->rank <= best;
        }
        n = kept;
    }
}

/* The tokens of the part of `n` bytes that begins at `from`; how many. */
static int joined(const Rules *rules, Word *word, int64_t from, int n, int32_t *id) {
    for (int i = 0; i < n; i++) id[i] = rules->of_byte[word->bytes[from + i]], word->width[i] = 1;
    for (int i = 0; i < n; i++) look_up(rules, word, id, i, n);
    return n > SHORT ? joined_in_passes(rules, word, n, id) : joined_one_by_one(rules, word, n, id);
}

/* A word, after a space where one is to stand before it and does not; its bytes, LEFT where
   they are too many or some are OTHER. */
static int64_t spaced(const uint8_t *kinds, const uint8_t *p, int64_t n, int space, Word *word) {
    space = space && n && p[0] != ' ';
    if (n + space > LONG) return LEFT;
    if (space) word->bytes[0] = ' ', word->kind[0] = WHITESPACE;
    memcpy(word->bytes + space, p, (size_t)n);
    for (int64_t i = 0; i < n;) {
        int width, kind = kind_at(kinds, p + i, n - i, &width);
        if (kind == OTHER) return LEFT;
        word->kind[space + i++] = (uint8_t)kind;
        while (--width) word->kind[space + i++] = INSIDE;
    }
    return n + space;
}

/* The tokens of words that lie end to end and have the ends `stops`, with a `space` before
   each that has none; and how many bytes of its word follow each token. `kinds` tells what each
   character before U+3000 is. `counts` has how many are of each word, LEFT for one that is left
   to others. Room for a token for each byte and one more for each word is enough. Returns how
   many, FAILED without memory. */
int64_t nonplus_bpe_cut(const Rule *slots, uint64_t mask, const int32_t *of_byte, const uint8_t *kinds, int space,
                        const uint8_t *text, const int64_t *stops, int64_t words, int32_t *ids, int64_t *rest,
                        int64_t *counts) {
    const Rules rules = {slots, mask, of_byte};
    Word *word = malloc(sizeof *word);
    int64_t t = 0;
    if (!word) return FAILED;
    for (int64_t w = 0; w < words; w++) {
        int64_t begin = w ? stops[w - 1] : 0, own = stops[w] - begin, first = t;
        int64_t n = spaced(kinds, text + begin, own, space, word), length;
        counts[w] = n;
        if (n == LEFT) continue;
        for (int64_t at = 0; at < n; at += length) {
            length = part(word, at, n - at);
            int count = joined(&rules, word, at, (int)length, ids + t);
            for (int64_t i = 0, after = n - at; i < count; i++, t++) {
                after -= word->width[i];
                rest[t] = after < own ? after : own; /* the space is not of the word */
            }
        }
        counts[w] = t - first;
    }
    free(word);
    return t;
}
