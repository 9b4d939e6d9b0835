/* libFuzzer's entry: an n-gram table of any bytes is looked up without reading outside of
   it, and tokens score the same all together and in two parts.

   Only what the reader in Python checks holds here: sizes, and words and starts within
   them. */

#include "../../src/nonplus/kernels/native/ngrams.c"

#include "input.h"

#define MOST_TOKENS 400

/* Keys that are there, written where a search for them begins, so that many are found. */
static void plant(Input *input, Order *order, uint8_t *slots, uint32_t vocabulary, uint32_t nodes) {
    uint64_t key;
    for (uint32_t i = between(input, 0, 40); i; i--) {
        uint32_t node = between(input, 1, nodes), slot;
        int32_t word = (int32_t)between(input, 0, vocabulary - 1);
        begin(order, vocabulary, &node, &word, 1, &key, &slot);
        memcpy(slots + (size_t)slot * order->stride, &key, order->key_bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    Order orders[4];
    uint32_t most_words = between(&input, 0, 3) ? 8 : 300; /* few, so that n-grams are found */
    Model model = {.orders = orders, .vocabulary = between(&input, 3, most_words), .order = between(&input, 1, 5)};
    uint32_t bits = between(&input, 1, 16), below = model.vocabulary;
    if (bits == 1) bits = 0;
    model.words = filled(&input, 8 * (size_t)model.vocabulary);
    for (uint32_t k = 2; k <= model.order; k++) {
        Order *order = &orders[k - 2];
        order->count = between(&input, 1, 24);
        order->homes = between(&input, 1, (uint32_t)order->count);
        order->key_bytes = between(&input, 4, 8);
        order->bits = bits;
        order->has_backoffs = k < model.order;
        order->stride = order->key_bytes + (bits ? ((1 + order->has_backoffs) * bits + 7) / 8 : 4 + 4 * order->has_backoffs);
        uint8_t *slots = filled(&input, order->count * order->stride + 8);
        order->slots = slots;
        plant(&input, order, slots, model.vocabulary, below);
        order->probs = bits ? filled(&input, (size_t)4 << bits) : NULL;
        order->backoffs = bits && order->has_backoffs ? filled(&input, (size_t)4 << bits) : NULL;
        below = (uint32_t)order->count;
    }
    int64_t n = between(&input, 0, MOST_TOKENS), sentences = between(&input, 1, 20);
    int32_t *ids = malloc((size_t)n * sizeof *ids);
    for (int64_t i = 0; i < n; i++) ids[i] = (int32_t)between(&input, 0, model.vocabulary - 1);
    int64_t *starts = malloc((size_t)(sentences + 1) * sizeof *starts);
    starts[0] = 0;
    for (int64_t s = 1; s < sentences; s++) starts[s] = between(&input, (uint32_t)starts[s - 1], (uint32_t)n);
    starts[sentences] = n;

    double *nats = malloc(2 * (size_t)n * sizeof *nats);
    uint8_t *length = malloc(2 * (size_t)n);
    float *backoff = malloc(2 * (size_t)n * sizeof *backoff);
    int64_t cut = between(&input, 0, (uint32_t)n);
    nonplus_ngrams_score(&model, ids, starts, sentences, 0, n, nats, length, backoff);
    nonplus_ngrams_score(&model, ids, starts, sentences, 0, cut, nats + n, length + n, backoff + n);
    nonplus_ngrams_score(&model, ids, starts, sentences, cut, n, nats + n, length + n, backoff + n);
    check(!memcmp(nats, nats + n, (size_t)n * sizeof *nats));
    check(!memcmp(length, length + n, (size_t)n));
    check(!memcmp(backoff, backoff + n, (size_t)n * sizeof *backoff));
    for (int64_t i = 0; i < n; i++) check(length[i] >= 1 && length[i] <= model.order);

    int64_t history = n < model.order - 1 ? n : model.order - 1;
    double *logprobs = malloc(model.vocabulary * sizeof *logprobs);
    nonplus_ngrams_distribution(&model, ids, history, logprobs);
    if (n > history && starts[1] > history) {
        double direct = 0.0 - logprobs[ids[history]];
        check(direct == nats[history] || (direct != direct && nats[history] != nats[history]));
    }

    free(logprobs), free(backoff), free(length), free(nats), free(starts), free(ids), free((void *)model.words);
    for (uint32_t k = 2; k <= model.order; k++) {
        free((void *)orders[k - 2].slots), free((void *)orders[k - 2].probs), free((void *)orders[k - 2].backoffs);
    }
    return 0;
}
