/* The pieces of words of printable ASCII under a unigram model, as SentencePiece cuts them.

   Of all ways to cut a word into pieces that the model has, the best is the one with the
   largest sum of their scores, added up from the left in float32; of equal ones, for each
   place in the word, the one whose last piece begins first. A character that is no piece by
   itself may be an unknown one: a word that is best cut so is left to others. */

#include <stdint.h>
#include <string.h>

#define LONG 255 /* bytes of a word: a longer one is left to others, for the time here grows with its square */
#define LEFT (-1)
#define NONE (-1)
#define EMPTY (~(uint64_t)0)
#define MARK 3 /* bytes of the sign that stands before a word */

typedef struct {
    uint64_t key; /* a node and the byte that leads on from it */
    int64_t node;
} Edge;

typedef struct {
    int32_t piece; /* NONE if the way from the root is none */
    float score;
} Node;

typedef struct {
    const Edge *edges;
    uint64_t mask;
    const Node *nodes;
    float unknown;
} Trie;

static inline uint64_t home(uint64_t key) { return (key * 0x9e3779b97f4a7c15u) >> 32; }

static inline int64_t next(const Trie *trie, int64_t node, uint8_t byte) {
    uint64_t key = (uint64_t)node << 8 | byte;
    for (uint64_t at = home(key);; at++) {
        const Edge *edge = trie->edges + (at & trie->mask);
        if (edge->key == key) return edge->node;
        if (edge->key == EMPTY) return NONE;
    }
}

/* Put `n` pieces, which lie end to end, into `nodes`, room for one more than they have bytes,
   and into `mask` + 1 slots of edges, at least twice as many. Returns how many nodes. */
int64_t nonplus_unigram_trie(const uint8_t *text, const int64_t *stops, const float *scores, int64_t n, Edge *edges,
                             uint64_t mask, Node *nodes) {
    int64_t used = 1;
    for (uint64_t i = 0; i <= mask; i++) edges[i] = (Edge){EMPTY, NONE};
    nodes[0] = (Node){NONE, 0};
    for (int64_t i = 0, at = 0; i < n; i++) {
        int64_t node = 0;
        for (; at < stops[i]; at++) {
            uint64_t key = (uint64_t)node << 8 | text[at], slot = home(key);
            while (edges[slot & mask].key != EMPTY && edges[slot & mask].key != key) slot++;
            if (edges[slot & mask].key == EMPTY) {
                nodes[used] = (Node){NONE, 0};
                edges[slot & mask] = (Edge){key, used++};
            }
            node = edges[slot & mask].node;
        }
        if (node) nodes[node] = (Node){(int32_t)i, scores[i]};
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
        int64_t node = 0;
        int single = 0;
        width = begin < mark ? mark : 1;
        for (int at = begin; at < n && (node = next(trie, node, p[at])) != NONE;) {
            at++;
            if (trie->nodes[node].piece == NONE) continue;
            better(best + at, trie->nodes[node].score + before, begin, trie->nodes[node].piece);
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

/* The pieces of words that lie end to end and have the ends `stops`, with a sign before each
   if it has `mark` bytes, not 0; and how many bytes of its word follow each piece. `counts`
   has how many are of each word, LEFT for one that is left to others. Room for a piece for
   each byte and MARK more for each word is enough. Returns how many. */
int64_t nonplus_unigram_cut(const Edge *edges, uint64_t mask, const Node *nodes, float unknown, int mark,
                            const uint8_t *text, const int64_t *stops, int64_t words, int32_t *pieces, int64_t *rest,
                            int64_t *counts) {
    const Trie trie = {edges, mask, nodes, unknown};
    uint8_t word[LONG + MARK];
    Best best[LONG + 1];
    int64_t t = 0;
    for (int64_t w = 0; w < words; w++) {
        int64_t begin = w ? stops[w - 1] : 0, own = stops[w] - begin, count = 0;
        int n = marked(text + begin, own, mark, word);
        counts[w] = LEFT;
        if (n == LEFT) continue;
        viterbi(&trie, word, n, mark, best);
        int at = n;
        for (; at > 0 && best[at].piece != NONE; at = best[at].begin) count++;
        if (at > 0) continue;
        counts[w] = count;
        for (at = n; at > 0; at = best[at].begin) {
            int64_t after = n - at;
            pieces[t + --count] = best[at].piece;
            rest[t + count] = after < own ? after : own; /* the sign is not of the word */
        }
        t += counts[w];
    }
    return t;
}
