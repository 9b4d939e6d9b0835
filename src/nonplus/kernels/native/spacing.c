/* One separator for each gap between the words of a text, and none at its ends.

   `classes` says what each byte is: a blank, a newline, or itself. A gap is a run of
   blanks and newlines; its separator is a newline if it has one, else a blank. Nothing
   branches on what is a gap, for words are too short to guess it. */

#include <stdint.h>

#define BLANK 32
#define NEWLINE 10

/* Text `d` is [starts[d], starts[d + 1]) of `data`. `kept` and `origins` get what stays
   and where it was, with room for all bytes, and then how many there are; `kept_starts`
   (texts + 1) where each text begins in them. The origin of the first byte of a gap is
   that of its separator. */
#define SPACED(name, place)                                                                                            \
    void nonplus_spaced_##name(const uint8_t *data, const int64_t *starts, int64_t texts, const uint8_t *classes,      \
                               uint8_t *kept, place *origins, int64_t *kept_starts) {                                  \
        int64_t k = 0;                                                                                                 \
        for (int64_t d = 0; d < texts; d++) {                                                                          \
            int64_t first = k;                                                                                         \
            int after_gap = 1;                                                                                         \
            kept_starts[d] = k;                                                                                        \
            for (int64_t i = starts[d]; i < starts[d + 1]; i++) {                                                      \
                uint8_t c = classes[data[i]];                                                                          \
                int gap = c == BLANK || c == NEWLINE;                                                                  \
                if (c == NEWLINE && after_gap && k > first) kept[k - 1] = NEWLINE;                                     \
                kept[k] = c;                                                                                           \
                origins[k] = (place)i;                                                                                 \
                k += !(gap & after_gap);                                                                               \
                after_gap = gap;                                                                                       \
            }                                                                                                          \
            k -= k > first && after_gap; /* the separator at the end */                                                \
        }                                                                                                              \
        kept_starts[texts] = k;                                                                                        \
        origins[k] = (place)starts[texts];                                                                             \
    }

SPACED(32, int32_t)
SPACED(64, int64_t)
