/* Look-ups in the tables of an n-gram model.

   An order of the model is an array of slots: a key, then values. The key of an n-gram
   is a bijection of `node V + word`: its last word, and where the words before it lie in
   the order below, counted from 1. Keys rise along the array, with gaps of key 0; the
   first 32 bits of a key say where a search begins.

   A block of positions is looked up order by order. The n-gram that ends at a position is
   the one that ends before it and a word, so the searches of one order do not wait for
   each other: all first slots are fetched, then all are read.

   The arrays may be a file of anybody's. Nothing that is read from them becomes an index
   except the codes of quantised values, which have as many bits as there are values. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 128     /* positions */
#define AHEAD 16      /* words that are on the way from memory */
#define MAX_ORDER 32
#define FEW 4         /* slots that are compared at once */
#define STEPS 64    /* most for an n-gram, on average, that is inserted: usually it is 2 */
#define NOWHERE 0x80000000u /* the bits of -0: an n-gram that no other one continues */
#define FACTOR_1 0x9E3779B97F4A7C15u
#define FACTOR_2 0xD6E8FEB86659FD93u
#define LN10 2.302585092994045684

typedef struct {
    const uint8_t *slots; /* and 8 bytes more */
    const float *probs, *backoffs; /* what codes stand for */
    uint64_t count;
    uint32_t homes, key_bytes, stride, bits, has_backoffs;
} Order;

typedef struct {
    const float *words; /* probability and back-off weight of each */
    const Order *orders;  /* from the second on */
    uint32_t vocabulary, order;
} Model;

/* The n-grams of one order that end at some positions: nodes, 0 for none, and back-off
   weights. */
typedef struct {
    uint32_t node[BLOCK];
    float backoff[BLOCK];
} Ends;

/* The longest n-gram found so far. */
typedef struct {
    double backoff[BLOCK]; /* of the longer histories */
    float prob[BLOCK];
    uint8_t length[BLOCK];
} Longest;

/* The ends of each order at the position before a block. */
typedef struct {
    uint32_t node[MAX_ORDER];
    float backoff[MAX_ORDER];
} Before;

#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t load64(const uint8_t *place) {
    uint64_t value;
    memcpy(&value, place, sizeof value);
    return value;
}

INLINE float load_float(const uint8_t *place) {
    float value;
    memcpy(&value, place, sizeof value);
    return value;
}

INLINE uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINE uint64_t key_mask(const Order *order) { return ~(uint64_t)0 >> (64 - 8 * order->key_bytes); }

INLINE uint64_t key_of(uint64_t node, uint32_t word, uint32_t vocabulary, uint32_t half, uint64_t mask) {
    uint64_t key = node * vocabulary + word;
    key = ((key ^ key >> half) * FACTOR_1) & mask;
    return ((key ^ key >> half) * FACTOR_2) & mask;
}

/* Words after nodes: the first slots are fetched, the keys kept. */
INLINE void begin(const Order *order, uint32_t vocabulary, const uint32_t *node, const int32_t *word, int n,
                  uint64_t *key, uint32_t *slot) {
    const uint64_t mask = key_mask(order);
    const uint32_t half = 4 * order->key_bytes, shift = 8 * order->key_bytes - 32;
    for (int i = 0; i < n; i++) {
        key[i] = key_of(node[i], (uint32_t)word[i], vocabulary, half, mask);
        slot[i] = (uint32_t)((key[i] >> shift) * order->homes >> 32);
        const uint8_t *first = order->slots + (size_t)slot[i] * order->stride;
        __builtin_prefetch(first);
        __builtin_prefetch(first + FEW * order->stride);
    }
}

/* The slot of a key, counted from 1; 0 if it is in none. Keys rise, so that as many of the
   next slots are passed over as have smaller ones: a few of them without a branch, which
   nothing could predict. */
INLINE uint32_t end(const Order *order, uint64_t mask, uint64_t key, uint64_t slot) {
    const uint8_t *place = order->slots + slot * order->stride;
    if (slot + FEW <= order->count) {
        uint64_t passed = 0;
        for (int i = 0; i < FEW; i++) passed += (load64(place + i * (size_t)order->stride) & mask) - 1 < key - 1;
        slot += passed, place += passed * order->stride;
        if (passed < FEW) return (load64(place) & mask) == key ? (uint32_t)slot + 1 : 0;
    }
    for (; slot < order->count; slot++, place += order->stride) {
        uint64_t stored = load64(place) & mask;
        if (stored - 1 >= key - 1) return stored == key ? (uint32_t)slot + 1 : 0; /* a gap becomes the largest number */
    }
    return 0;
}

/* Look up order k at n positions: each word after its history. */
INLINE void extend(const Model *model, uint32_t k, const Ends *history, const int32_t *word, int n, Longest *longest,
                   Ends *ends) {
    const Order *order = &model->orders[k - 2];
    const uint64_t mask = key_mask(order), code_mask = ((uint64_t)1 << order->bits) - 1;
    uint32_t node[BLOCK], slot[BLOCK];
    int32_t next[BLOCK];
    uint8_t position[BLOCK];
    uint64_t key[BLOCK];
    int found = 0;
    for (int i = 0; i < n; i++) {
        longest->backoff[i] += history->backoff[i];
        ends->node[i] = 0;
        ends->backoff[i] = 0;
        node[found] = history->node[i];
        next[found] = word[i];
        position[found] = (uint8_t)i;
        found += history->node[i] != 0;
    }
    begin(order, model->vocabulary, node, next, found, key, slot);
    int hits = 0;
    for (int j = 0; j < found; j++) {
        uint32_t here = end(order, mask, key[j], slot[j]);
        slot[hits] = here;
        position[hits] = position[j];
        hits += here != 0;
    }
    for (int j = 0; j < hits; j++) {
        uint32_t here = slot[j];
        const uint8_t *values = order->slots + (size_t)(here - 1) * order->stride + order->key_bytes;
        float prob, backoff = 0;
        if (order->bits) {
            uint64_t codes = load64(values);
            prob = order->probs[codes & code_mask];
            if (order->has_backoffs) backoff = order->backoffs[codes >> order->bits & code_mask];
        } else {
            prob = load_float(values);
            if (order->has_backoffs) backoff = load_float(values + 4);
        }
        int i = position[j];
        ends->node[i] = bits_of(backoff) == NOWHERE ? 0 : here;
        ends->backoff[i] = backoff;
        if (prob == prob) { /* else it is only the beginning of n-grams */
            longest->prob[i] = prob;
            longest->length[i] = (uint8_t)k;
            longest->backoff[i] = 0;
        }
    }
}

/* The first order at n positions. */
INLINE void unigrams(const Model *model, const int32_t *word, int n, Longest *longest, Ends *ends) {
    for (int i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(model->words + 2 * (size_t)word[i + AHEAD]);
        const float *values = model->words + 2 * (size_t)word[i];
        longest->prob[i] = values[0];
        longest->length[i] = 1;
        longest->backoff[i] = 0;
        ends->node[i] = bits_of(values[1]) == NOWHERE ? 0 : (uint32_t)word[i] + 1;
        ends->backoff[i] = values[1];
    }
}

/* One block; `begins` marks the first position of each sentence. */
static void block(const Model *model, const int32_t *word, const uint8_t *begins, int n, Before *before,
                  Longest *longest) {
    Ends ends[2], history;
    unigrams(model, word, n, longest, &ends[0]);
    for (uint32_t k = 2; k <= model->order; k++) {
        const Ends *below = &ends[k & 1];
        history.node[0] = before->node[k - 2];
        history.backoff[0] = before->backoff[k - 2];
        memcpy(history.node + 1, below->node, (size_t)(n - 1) * sizeof *below->node);
        memcpy(history.backoff + 1, below->backoff, (size_t)(n - 1) * sizeof *below->backoff);
        before->node[k - 2] = below->node[n - 1];
        before->backoff[k - 2] = below->backoff[n - 1];
        for (int i = 0; i < n; i++) {
            if (begins[i]) history.node[i] = 0, history.backoff[i] = 0;
        }
        extend(model, k, &history, word, n, longest, &ends[~k & 1]);
    }
}

/* Tokens [first, last) of sentences laid end to end, of which `starts` has the first
   positions, rising, and the end of the last. What follows depends on at most order - 1
   tokens before it, so scoring begins that many earlier. */
void nonplus_ngrams_score(const Model *model, const int32_t *ids, const int64_t *starts, int64_t sentences,
                          int64_t first, int64_t last, double *nats, uint8_t *length, float *backoff) {
    Before before;
    Longest longest;
    uint8_t begins[BLOCK];
    int64_t position = first - (model->order - 1), sentence = 0, above = sentences;
    memset(&before, 0, sizeof before);
    if (position < 0) position = 0;
    while (sentence < above) { /* the first sentence that starts at the position or later */
        int64_t middle = sentence + (above - sentence) / 2;
        if (starts[middle] < position) sentence = middle + 1;
        else above = middle;
    }
    while (position < last) {
        int n = last - position < BLOCK ? (int)(last - position) : BLOCK;
        memset(begins, 0, sizeof begins);
        for (; sentence < sentences && starts[sentence] < position + n; sentence++)
            begins[starts[sentence] - position] = 1;
        block(model, ids + position, begins, n, &before, &longest);
        for (int i = position < first ? (int)(first - position) : 0; i < n; i++) {
            nats[position + i] = 0.0 - (longest.prob[i] + longest.backoff[i]) * LN10;
            length[position + i] = longest.length[i];
            backoff[position + i] = (float)(longest.backoff[i] * LN10);
        }
        position += n;
    }
}

/* The natural log-probability of every word after `n` words, fewer than the order. */
void nonplus_ngrams_distribution(const Model *model, const int32_t *history, int64_t n, double *logprobs) {
    Before before;
    Longest longest;
    uint8_t begins[BLOCK] = {1};
    memset(&before, 0, sizeof before);
    if (n > 0) block(model, history, begins, (int)n, &before, &longest);
    for (uint32_t first = 0; first < model->vocabulary; first += BLOCK) {
        int size = model->vocabulary - first < BLOCK ? (int)(model->vocabulary - first) : BLOCK;
        int32_t word[BLOCK];
        Ends ends, last;
        for (int i = 0; i < size; i++) word[i] = (int32_t)first + i;
        unigrams(model, word, size, &longest, &ends);
        for (uint32_t k = 2; k <= n + 1; k++) {
            for (int i = 0; i < size; i++) {
                last.node[i] = before.node[k - 2];
                last.backoff[i] = before.backoff[k - 2];
            }
            extend(model, k, &last, word, size, &longest, &ends);
        }
        for (int i = 0; i < size; i++) logprobs[first + i] = (longest.prob[i] + longest.backoff[i]) * LN10;
    }
}

/* The node of each word after a node, 0 where the order does not have it. */
void nonplus_ngrams_find(const Order *order, uint32_t vocabulary, const uint32_t *node, const int32_t *word, int64_t n,
                         uint32_t *found) {
    const uint64_t mask = key_mask(order);
    uint64_t key[BLOCK];
    uint32_t slot[BLOCK];
    for (int64_t first = 0; first < n; first += BLOCK) {
        int size = n - first < BLOCK ? (int)(n - first) : BLOCK;
        begin(order, vocabulary, node + first, word + first, size, key, slot);
        for (int i = 0; i < size; i++) { /* n-grams often come one after another below the same history */
            int again = i > 0 && key[i] == key[i - 1];
            found[first + i] = again ? found[first + i - 1] : end(order, mask, key[i], slot[i]);
        }
    }
}

/* The key of each word after a node. */
void nonplus_ngrams_keys(uint32_t key_bytes, uint32_t vocabulary, const uint32_t *node, const int32_t *word, int64_t n,
                         uint64_t *key) {
    const uint64_t mask = ~(uint64_t)0 >> (64 - 8 * key_bytes);
    for (int64_t i = 0; i < n; i++) key[i] = key_of(node[i], (uint32_t)word[i], vocabulary, 4 * key_bytes, mask);
}

INLINE void put(uint8_t *place, uint64_t value, uint64_t mask) {
    uint64_t whole = (load64(place) & ~mask) | value;
    memcpy(place, &whole, sizeof whole);
}

/* Put n-grams into slots, of which `slots` has those from the number `first` on. Each goes
   before the larger keys of its run, which move up by one: so the slots become the same
   in whichever order they come. There must be a gap after the last home for each of them,
   and 8 bytes more. Keys and values lie `apart` numbers from each other.

   The result is where the last one ends, counted from `first`; or -1 if a key comes twice,
   or if runs are so long that it is faster to sort. */
int64_t nonplus_ngrams_insert(uint8_t *slots, int64_t first, uint32_t homes, uint32_t key_bytes, uint32_t value_bytes,
                              const uint64_t *key, int64_t key_apart, const uint64_t *value, int64_t value_apart,
                              int64_t n) {
    const uint64_t mask = ~(uint64_t)0 >> (64 - 8 * key_bytes), value_mask = ~(uint64_t)0 >> (64 - 8 * value_bytes);
    const uint32_t shift = 8 * key_bytes - 32;
    const ptrdiff_t stride = (ptrdiff_t)(key_bytes + value_bytes);
    int64_t steps = STEPS * (n + BLOCK) * stride; /* in bytes */
    uint8_t *last = slots, *home[BLOCK];
    for (int64_t from = 0; from < n; from += BLOCK) {
        int size = n - from < BLOCK ? (int)(n - from) : BLOCK;
        for (int i = 0; i < size; i++) {
            int64_t slot = (int64_t)((key[(from + i) * key_apart] >> shift) * homes >> 32) - first;
            home[i] = slots + (slot > 0 ? slot : 0) * stride;
            __builtin_prefetch(home[i], 1);
        }
        for (int i = 0; i < size; i++) {
            const uint64_t wanted = key[(from + i) * key_apart];
            uint8_t *place = home[i], *gap;
            uint64_t stored;
            while ((stored = load64(place) & mask) - 1 < wanted - 1) place += stride; /* a gap ends it */
            if (stored == wanted) return -1;
            for (gap = place; load64(gap) & mask;) gap += stride;
            steps -= gap - home[i];
            if (steps < 0) return -1;
            if (gap > place) memmove(place + stride, place, (size_t)(gap - place));
            put(place, wanted, mask);
            put(place + key_bytes, value[(from + i) * value_apart] & value_mask, value_mask);
            if (gap >= last) last = gap + stride;
        }
    }
    return (last - slots) / stride;
}
