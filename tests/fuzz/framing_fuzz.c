/* libFuzzer's entry: tokens of any texts get their marks, and tile their text, as adding
   them one after the other says; in both widths. */

#include "../../src/nonplus/kernels/native/framing.c"

#include "input.h"

#define TEXTS 6
#define SENTENCES 24
#define TOKENS 120
#define BYTES 200

typedef struct {
    int32_t own[TOKENS];
    int64_t stops[TOKENS], counts[SENTENCES], covers[SENTENCES], documents[TEXTS + 1], given[TEXTS + 1];
    int64_t texts, sentences, tokens, bytes;
} Texts;

static Texts drawn(Input *input) {
    Texts t = {.texts = between(input, 0, TEXTS), .bytes = between(input, 0, BYTES)};
    int64_t at = 0, bytes = 0; /* in the normalised texts, and in the given ones */
    for (int64_t d = 0; d < t.texts; d++) {
        t.documents[d] = t.sentences;
        t.given[d] = bytes;
        for (uint32_t s = between(input, 0, SENTENCES / TEXTS); s; s--) {
            int64_t count = t.counts[t.sentences] = between(input, 0, TOKENS / SENTENCES);
            for (; count; count--) {
                at = between(input, (uint32_t)at, (uint32_t)t.bytes);
                t.own[t.tokens] = (int32_t)between(input, 0, 9);
                t.stops[t.tokens++] = at;
            }
            at = t.covers[t.sentences++] = between(input, (uint32_t)at, (uint32_t)t.bytes);
        }
        bytes += between(input, 0, 60);
    }
    t.documents[t.texts] = t.sentences;
    t.given[t.texts] = bytes;
    return t;
}

/* Where a token ends in its text: not before the one before it. */
static int64_t end_of(const Texts *t, int64_t d, int64_t origin, int64_t before) {
    int64_t length = t->given[d + 1] - t->given[d], end = origin - t->given[d];
    end = end > length ? length : end;
    return end > before ? end : before;
}

static void check_framed(const Texts *t, const int64_t *origins, int32_t begin, int32_t end, const int32_t *ids,
                         const int64_t *ends, const int64_t *starts) {
    int64_t expected[TOKENS + 2 * SENTENCES], out = 0, token = 0;
    for (int64_t d = 0; d < t->texts; d++) {
        int64_t length = t->given[d + 1] - t->given[d], first = out, before = 0;
        for (int64_t s = t->documents[d]; s < t->documents[d + 1]; s++) {
            check(starts[s] == out);
            if (begin >= 0) check(ids[out] == begin), expected[out++] = before;
            for (int64_t i = 0; i < t->counts[s]; i++, token++) {
                check(ids[out] == t->own[token]);
                expected[out++] = before = end_of(t, d, origins[t->stops[token]], before);
            }
            if (end >= 0) check(ids[out] == end), expected[out++] = before = end_of(t, d, origins[t->covers[s]], before);
        }
        if (out > first) expected[out - 1] = length;
        for (int64_t i = first; i < out; i++) check(ends[i] == expected[i] && ends[i] >= 0 && ends[i] <= length);
    }
    check(starts[t->sentences] == out && token == t->tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    Texts t = drawn(&input);
    int32_t begin = between(&input, 0, 1) ? 1 : -1, end = between(&input, 0, 1) ? 2 : -1;
    size_t places = (size_t)t.bytes + 1, n = (size_t)(t.tokens + t.sentences * ((begin >= 0) + (end >= 0)));
    int64_t *wide = allocated(places * sizeof *wide), *ends = allocated(n * sizeof *ends);
    int32_t *narrow = allocated(places * sizeof *narrow), *narrow_ends = allocated(n * sizeof *narrow_ends);
    for (size_t i = 0; i < places; i++) narrow[i] = (int32_t)(wide[i] = between(&input, 0, 400));
    int32_t *ids = allocated(n * sizeof *ids), *own = copied(t.own, (size_t)t.tokens * sizeof *own);
    int64_t *stops = copied(t.stops, (size_t)t.tokens * sizeof *stops);
    int64_t *starts = allocated((size_t)(t.sentences + 1) * sizeof *starts);
    nonplus_framed_64(own, stops, t.counts, t.covers, t.documents, t.texts, wide, t.given, begin, end, ids, ends, starts);
    check_framed(&t, wide, begin, end, ids, ends, starts);
    nonplus_framed_32(own, stops, t.counts, t.covers, t.documents, t.texts, narrow, t.given, begin, end, ids, narrow_ends, starts);
    for (size_t i = 0; i < n; i++) check(narrow_ends[i] == ends[i]);
    check_framed(&t, wide, begin, end, ids, ends, starts);
    free(starts), free(stops), free(own), free(ids), free(narrow_ends), free(narrow), free(ends), free(wide);
    return 0;
}
