/* The pieces of words of printable ASCII under a unigram model, as SentencePiece cuts them.

   Of all ways to cut a word into pieces that the model has, the best is the one with the
   largest sum of their scores, added up from the left in float32; of equal ones, for each
   place in the word, the one whose last piece begins first. A character that is no piece by
   itself may be an unknown one; neighbours of that kind are one unknown piece. */

#include <stdint.h>
#include <string.h>

#define LONG 255 /* bytes of a word: a longer one is left to others, for the time here grows with its square */
#define LEFT (-1)
#define NONE (-1) /* no node, no piece; as the piece of a word, an unknown one */
#define EMPTY (~(uint32_t)0)
#define MARK 3 /* bytes of the sign that stands before a word */

typedef struct {
    uint32_t key; /* a node and the byte that leads on from it */
    int32_t node;
    int32_t piece; /* NONE if the way from the root is none */
    float score;
} Edge;

typedef struct {
    const Edge *edges;
    uint64_t mask;
    float unknown;
} Trie;

static inline uint64_t home(uint32_t key) { return ((uint64_t)key * 0x9e3779b97f4a7c15u) >> 32; }

static inline const Edge *next(const Trie *trie, int32_t node, uint8_t byte) {
    uint32_t key = (uint32_t)node << 8 | byte;
    for (uint64_t at = home(key);; at++) {
        const Edge *edge = trie->edges + (at & trie->mask);
        if (edge->key == key || edge->key == EMPTY) return edge;
    }
}

/* Put `n` pieces of less than 2^24 bytes, which lie end to end, into `mask` + 1 slots, more
   than there are edges. Returns how many edges. */
int64_t nonplus_unigram_trie(const uint8_t *text, const int64_t *stops, const float *scores, int64_t n, Edge *edges,
                             uint64_t mask) {
    int32_t used = 0;
    for (uint64_t i = 0; i <= mask; i++) edges[i] = (Edge){EMPTY, NONE, NONE, 0};
    for (int64_t i = 0, at = 0; i < n; i++) {
        Edge *edge = NULL;
        for (int32_t node = 0; at < stops[i]; at++, node = edge->node) {
            uint32_t key = (uint32_t)node << 8 | text[at];
            uint64_t slot = home(key);
            while (edges[slot & mask].key != EMPTY && edges[slot & mask].key != key) slot++;
            edge = edges + (slot & mask);
            if (edge->key == EMPTY) *edge = (Edge){key, ++used, NONE, 0};
        }
        if (edge) edge->piece = (int32_t)i, edge->score = scores[i];
    }
    return used;
}

typedef struct {
    float score;
    int32_t begin, piece; /* of the last piece on the best way here; begin is NONE before there is one */
} Best;

static inline void better(Best *best, float score, int begin, int32_t piece) {
    if (best->begin == NONE || score > best->score) *best = (Best){score, begin, piece};
}

/* The best way to each place of `n` bytes, of which the first `mark` are one character. */
static void viterbi(const Trie *trie, const uint8_t *p, int n, int mark, Best *best) {
    for (int i = 0; i <= n; i++) best[i] = (Best){0, NONE, NONE};
    for (int begin = 0, width; begin < n; begin += width) {
        float before = best[begin].score;
        int32_t node = 0;
        int single = 0;
        width = begin < mark ? mark : 1;
        for (int at = begin; at < n;) {
            const Edge *edge = next(trie, node, p[at++]);
            if (edge->key == EMPTY) break;
            node = edge->node;
            if (edge->piece == NONE) continue;
            better(best + at, edge->score + before, begin, edge->piece);
            single |= at - begin == width;
        }
        if (!single) better(best + begin + width, trie->unknown + before, begin, NONE);
    }
}

/* A word after the `mark` bytes of the sign; its bytes, LEFT where they are too many or one is
   not printable ASCII. */
static int marked(const uint8_t *p, int64_t n, int mark, uint8_t *word) {
    if (n + mark > LONG) return LEFT;
    memcpy(word, "\xe2\x96\x81", MARK);
    for (int64_t i = 0; i < n; i++) {
        if ((uint8_t)(p[i] - 0x21) > 0x7e - 0x21) return LEFT;
        word[i + mark] = p[i];
    }
    return n ? (int)n + mark : LEFT;
}

/* Where the last piece before `at` begins: unknown ones are one. */
static inline int begin_of(const Best *best, int at) {
    int32_t piece = best[at].piece;
    do at = best[at].begin;
    while (piece == NONE && at > 0 && best[at].piece == NONE);
    return at;
}

/* The pieces of words that lie end to end and have the ends `stops`, with a sign before each
   if it has `mark` bytes, not 0; and how many bytes of its word follow each piece. `counts`
   has how many are of each word, LEFT for one that is left to others: also one with what is
   unknown, if that is not `allowed` or the sign is. Room for a piece for each byte and MARK
   more for each word is enough. Returns how many. */
int64_t nonplus_unigram_cut(const Edge *edges, uint64_t mask, float unknown, int allowed, int mark, const uint8_t *text,
                            const int64_t *stops, int64_t words, int32_t *pieces, int64_t *rest, int64_t *counts) {
    const Trie trie = {edges, mask, unknown};
    uint8_t word[LONG + MARK];
    Best best[LONG + 1];
    int64_t t = 0;
    for (int64_t w = 0; w < words; w++) {
        int64_t begin = w ? stops[w - 1] : 0, own = stops[w] - begin, count = 0;
        int n = marked(text + begin, own, mark, word);
        counts[w] = LEFT;
        if (n == LEFT) continue;
        viterbi(&trie, word, n, mark, best);
        int left = 0;
        for (int at = n; at > 0; at = begin_of(best, at), count++)
            left |= best[at].piece == NONE && (!allowed || begin_of(best, at) < mark);
        if (left) continue;
        counts[w] = count;
        for (int at = n; at > 0; at = begin_of(best, at)) {
            int64_t after = n - at;
            pieces[t + --count] = best[at].piece;
            rest[t + count] = after < own ? after : own; /* the sign is not of the word */
        }
        t += counts[w];
    }
    return t;
}
