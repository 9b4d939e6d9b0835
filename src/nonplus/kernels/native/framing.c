/* Sentences with their marks, and the byte of its text at which each token ends; and back
   again, once the tokens are scored.

   Document `d` has the sentences [documents[d], documents[d + 1]), and its text the bytes
   [given[d], given[d + 1]) of all texts; sentence `s` has the next `counts[s]` tokens.
   `stops` and `covers` are places in the normalised texts, where a token ends and where a
   sentence does with its newline; `origins` are the places in the given texts that these
   came from, as narrow as they allow. `ids`, `ends` and `starts` are filled. */

#include <stdint.h>

#define FRAMED(name, place)                                                                                            \
    static inline place within_##name(place at, place last, int64_t begin, int64_t stop) {                             \
        place end = (place)((at < stop ? at : stop) - begin);                                                          \
        return end > last ? end : last;                                                                                \
    }                                                                                                                  \
                                                                                                                       \
    void nonplus_framed_##name(const int32_t *own, const int64_t *stops, const int64_t *counts, const int64_t *covers, \
                               const int64_t *documents, int64_t n, const place *origins, const int64_t *given,        \
                               int32_t begin_id, int32_t end_id, int32_t *ids, place *ends, int64_t *starts) {         \
        int64_t t = 0, out = 0;                                                                                        \
        for (int64_t d = 0; d < n; d++) {                                                                              \
            int64_t first = out;                                                                                       \
            place last = 0;                                                                                            \
            for (int64_t s = documents[d]; s < documents[d + 1]; s++) {                                                \
                starts[s] = out;                                                                                       \
                if (begin_id >= 0) ids[out] = begin_id, ends[out++] = last;                                            \
                for (int64_t stop = t + counts[s]; t < stop; t++) {                                                    \
                    ids[out] = own[t];                                                                                 \
                    ends[out++] = last = within_##name(origins[stops[t]], last, given[d], given[d + 1]);               \
                }                                                                                                      \
                if (end_id < 0) continue;                                                                              \
                ids[out] = end_id;                                                                                     \
                ends[out++] = last = within_##name(origins[covers[s]], last, given[d], given[d + 1]);                  \
            }                                                                                                          \
            if (out > first) ends[out - 1] = (place)(given[d + 1] - given[d]); /* tokens tile the text */              \
        }                                                                                                              \
        starts[documents[n]] = out;                                                                                    \
    }

FRAMED(32, int32_t)
FRAMED(64, int64_t)

/* The scored tokens of documents, which are all but a first `begin_id` of each sentence, and
   none of a document that has no token but marks: their surprisals, at least 0, and the
   bytes at which each begins and ends. `offsets` (n + 1) says where each document begins
   in them, `unknown` how many tokens of it are `unknown_id`. */
#define SCORED(name, place)                                                                                            \
    void nonplus_scored_##name(const int32_t *ids, const place *ends, const double *nats, const int64_t *starts,       \
                               const int64_t *documents, int64_t n, int32_t begin_id, int32_t end_id,                  \
                               int32_t unknown_id, double *own, place *begins, place *stops, int64_t *offsets,         \
                               int64_t *unknown) {                                                                     \
        int64_t out = 0;                                                                                               \
        for (int64_t d = 0; d < n; d++) {                                                                              \
            int64_t words = 0, first = out;                                                                            \
            place last = 0;                                                                                            \
            offsets[d] = out;                                                                                          \
            unknown[d] = 0;                                                                                            \
            for (int64_t s = documents[d]; s < documents[d + 1]; s++) {                                                \
                int64_t t = starts[s];                                                                                 \
                if (t < starts[s + 1] && ids[t] == begin_id) last = ends[t++];                                         \
                for (; t < starts[s + 1]; t++, out++) {                                                                \
                    own[out] = nats[t] < 0 ? 0 : nats[t];                                                              \
                    begins[out] = last;                                                                                \
                    stops[out] = last = ends[t];                                                                       \
                    words += ids[t] != end_id;                                                                         \
                    unknown[d] += ids[t] == unknown_id;                                                                \
                }                                                                                                      \
            }                                                                                                          \
            if (!words) out = first;                                                                                   \
        }                                                                                                              \
        offsets[n] = out;                                                                                              \
    }

SCORED(32, int32_t)
SCORED(64, int64_t)
