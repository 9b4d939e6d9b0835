/* Words of texts as numbers: a hash table of strings, and the splitting at blanks.

   A word is a run of bytes that are no ASCII blanks (9 to 13 and 32); a byte 0 is as
   any other. A led word has the blanks before it, too. Strings are given by pointer and
   length, never by an end mark. A slot of the table holds a string of up to 8 bytes
   itself, of a longer one a hash; then the bytes are compared, so no two words are ever
   taken for one. The numbers count words by first appearance, so they do not depend on
   the hash or its seed. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef struct {
    uint64_t key; /* the bytes of a short string, else a hash */
    uint32_t length;
    int32_t number; /* ABSENT in an empty slot */
} Slot;

typedef struct {
    Slot *slots;
    uint64_t mask; /* number of slots - 1 */
    uint8_t *text; /* all strings end to end */
    int64_t *stops; /* where each ends in it */
    int64_t n, n_room, text_room;
    uint64_t seed;
} Words;

#define ABSENT (-1)
#define FAILED (-2)
#define MOST 0x7fffffffLL

/* --- bytes of a word in an integer, the first in the lowest byte ----------------- */

INLINE uint64_t eight(const uint8_t *p) {
    uint64_t value;
    memcpy(&value, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

INLINE uint64_t few(const uint8_t *p, int64_t length) { /* of at most 8 */
    uint64_t value = 0;
    for (int64_t i = 0; i < length; i++) value |= (uint64_t)p[i] << 8 * i;
    return value;
}

INLINE uint64_t mixed(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

INLINE uint64_t spread(uint64_t key, uint64_t length, uint64_t seed) {
    return mixed(key ^ seed ^ 0x9e3779b97f4a7c15ULL, (length << 1 | 1) * 0xd6e8feb86659fd93ULL ^ seed);
}

static uint64_t hash(const uint8_t *p, int64_t length, uint64_t seed) { /* of more than 8 */
    uint64_t value = seed ^ (uint64_t)length;
    const uint8_t *last = p + length - 8;
    for (; p < last; p += 8) value = mixed(value ^ eight(p) ^ 0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL ^ seed);
    return mixed(value ^ eight(last) ^ 0x8ebc6af09c88c6e3ULL, 0x589965cc75374cc3ULL ^ seed);
}

INLINE uint64_t key_of(const uint8_t *p, int64_t length, uint64_t seed) {
    return length <= 8 ? few(p, length) : hash(p, length, seed);
}

/* --- the table -------------------------------------------------------------------- */

INLINE int64_t begin_of(const Words *w, int64_t number) { return number ? w->stops[number - 1] : 0; }

INLINE Slot *slot_of(const Words *w, const uint8_t *p, int64_t length, uint64_t key) {
    for (uint64_t at = spread(key, (uint64_t)length, w->seed);; at++) {
        Slot *slot = w->slots + (at & w->mask);
        if (slot->number == ABSENT) return slot;
        if (slot->key != key || (int64_t)slot->length != length) continue;
        if (length <= 8 || !memcmp(w->text + begin_of(w, slot->number), p, (size_t)length)) return slot;
    }
}

static Slot *empty_slots(uint64_t n) {
    Slot *slots = malloc(n * sizeof(Slot));
    for (uint64_t i = 0; slots && i < n; i++) slots[i] = (Slot){0, 0, ABSENT};
    return slots;
}

static int doubled(Words *w) {
    uint64_t mask = w->mask * 2 + 1;
    Slot *slots = empty_slots(mask + 1);
    if (!slots) return 0;
    for (uint64_t i = 0; i <= w->mask; i++) {
        if (w->slots[i].number == ABSENT) continue;
        uint64_t at = spread(w->slots[i].key, w->slots[i].length, w->seed);
        while (slots[at & mask].number != ABSENT) at++;
        slots[at & mask] = w->slots[i];
    }
    free(w->slots);
    w->slots = slots;
    w->mask = mask;
    return 1;
}

/* Room for one more string of that length. */
static int roomy(Words *w, int64_t length) {
    if (w->n == MOST || length > MOST) return 0;
    if ((uint64_t)w->n * 2 > w->mask && !doubled(w)) return 0;
    if (w->n == w->n_room) {
        int64_t *stops = realloc(w->stops, (size_t)w->n_room * 2 * sizeof *stops);
        if (!stops) return 0;
        w->stops = stops;
        w->n_room *= 2;
    }
    int64_t used = begin_of(w, w->n);
    if (used + length > w->text_room) {
        int64_t room = 2 * w->text_room > used + length ? 2 * w->text_room : used + length;
        uint8_t *text = realloc(w->text, (size_t)room);
        if (!text) return 0;
        w->text = text;
        w->text_room = room;
    }
    return 1;
}

static int32_t appended(Words *w, const uint8_t *p, int64_t length) {
    int64_t begin = begin_of(w, w->n);
    memcpy(w->text + begin, p, (size_t)length);
    w->stops[w->n] = begin + length;
    return (int32_t)w->n++;
}

/* The number of a string, which is added if it is new; FAILED without memory. */
static int32_t number_added(Words *w, const uint8_t *p, int64_t length, uint64_t key) {
    Slot *slot = slot_of(w, p, length, key);
    if (slot->number != ABSENT) return slot->number;
    if (!roomy(w, length)) return FAILED;
    slot = slot_of(w, p, length, key);
    *slot = (Slot){key, (uint32_t)length, appended(w, p, length)};
    return slot->number;
}

void nonplus_words_free(Words *w) {
    if (!w) return;
    free(w->slots);
    free(w->text);
    free(w->stops);
    free(w);
}

/* NULL without memory. */
Words *nonplus_words_new(uint64_t seed) {
    Words *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    *w = (Words){empty_slots(1024), 1023, malloc(8192), malloc(1024 * sizeof(int64_t)), 0, 1024, 8192, seed};
    if (w->slots && w->text && w->stops) return w;
    nonplus_words_free(w);
    return NULL;
}

int64_t nonplus_words_count(const Words *w) { return w->n; }
int64_t nonplus_words_bytes(const Words *w) { return begin_of(w, w->n); }

/* The strings from number `first` on: their bytes, and where each ends in them. */
void nonplus_words_read(const Words *w, int64_t first, uint8_t *text, int64_t *stops) {
    int64_t begin = begin_of(w, first);
    memcpy(text, w->text + begin, (size_t)(begin_of(w, w->n) - begin));
    for (int64_t i = first; i < w->n; i++) stops[i - first] = w->stops[i] - begin;
}

/* Give each of `n` strings, whatever is in it, the next number. One that is there
   already takes a number, too, and keeps its first. Returns 0 without memory. */
int64_t nonplus_words_extend(Words *w, const uint8_t *text, const int64_t *stops, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        int64_t begin = i ? stops[i - 1] : 0, length = stops[i] - begin;
        if (!roomy(w, length)) return 0;
        uint64_t key = key_of(text + begin, length, w->seed);
        Slot *slot = slot_of(w, text + begin, length, key);
        int32_t number = appended(w, text + begin, length);
        if (slot->number == ABSENT) *slot = (Slot){key, (uint32_t)length, number};
    }
    return 1;
}

/* The number of each of `n` strings, ABSENT if it is not there. */
void nonplus_words_numbers(const Words *w, const uint8_t *text, const int64_t *stops, int64_t n, int32_t *numbers) {
    for (int64_t i = 0; i < n; i++) {
        int64_t begin = i ? stops[i - 1] : 0, length = stops[i] - begin;
        numbers[i] = slot_of(w, text + begin, length, key_of(text + begin, length, w->seed))->number;
    }
}

/* The same, and a string that is not there is added. Returns 0 without memory. */
int64_t nonplus_words_intern(Words *w, const uint8_t *text, const int64_t *stops, int64_t n, int32_t *numbers) {
    for (int64_t i = 0; i < n; i++) {
        int64_t begin = i ? stops[i - 1] : 0, length = stops[i] - begin;
        numbers[i] = number_added(w, text + begin, length, key_of(text + begin, length, w->seed));
        if (numbers[i] == FAILED) return 0;
    }
    return 1;
}

/* --- splitting -------------------------------------------------------------------- */

#define ALL(byte) (0x0101010101010101ULL * (byte))

/* The high bit of each byte that is a space, exactly: no carry crosses a byte. */
INLINE uint64_t spaces_of(uint64_t x) {
    uint64_t other = x ^ ALL(32);
    return ~(((other & ALL(0x7f)) + ALL(0x7f)) | other) & ALL(0x80);
}

/* The same of each byte that is a blank. */
INLINE uint64_t blanks_of(uint64_t x) {
    uint64_t low = x & ALL(0x7f);
    uint64_t control = (low + ALL(0x80 - 9)) & ~(low + ALL(0x80 - 14)) & ~x;
    return (control & ALL(0x80)) | spaces_of(x);
}

INLINE int is_blank(uint8_t c) { return c == 32 || (uint8_t)(c - 9) < 5; }

/* Where a word of at most `most` bytes ends at the latest: between two characters. */
INLINE int64_t latest(const uint8_t *data, int64_t begin, int64_t stop, int64_t most) {
    if (stop - begin <= most) return stop;
    stop = begin + most;
    for (int i = 0; i < 3 && (data[stop] & 0xc0) == 0x80; i++) stop--;
    return stop;
}

typedef struct {
    int64_t begin, length;
    uint64_t key;
} Word;

/* The first word that begins at `at` or after it, before `stop`; 0 if there is none. */
INLINE int next_word(const uint8_t *data, int64_t at, int64_t stop, int64_t most, uint64_t seed, Word *word) {
    while (at < stop && is_blank(data[at])) at++;
    if (at == stop) return 0;
    word->begin = at;
    stop = latest(data, at, stop, most);
    if (stop - at >= 8) {
        uint64_t bytes = eight(data + at), blanks = blanks_of(bytes);
        if (blanks) {
            int bits = __builtin_ctzll(blanks) & ~7; /* at least 8: the first is no blank */
            word->length = bits / 8;
            word->key = bytes & ((1ULL << bits) - 1);
            return 1;
        }
        at += 8;
        while (stop - at >= 8 && !(blanks = blanks_of(eight(data + at)))) at += 8;
    }
    while (at < stop && !is_blank(data[at])) at++;
    word->length = at - word->begin;
    word->key = key_of(data + word->begin, word->length, seed);
    return 1;
}

/* Whether the character before `at` is whitespace of Unicode. */
INLINE int is_after_whitespace(const uint8_t *data, int64_t begin, int64_t at) {
    uint8_t c = data[at - 1];
    if (c < 0x80) return is_blank(c) || (uint8_t)(c - 28) < 4;
    if (at - begin < 2) return 0;
    if (data[at - 2] == 0xc2) return c == 0x85 || c == 0xa0;
    if (at - begin < 3) return 0;
    switch (data[at - 3] << 8 | data[at - 2]) {
    case 0xe19a: /* U+1680 */
    case 0xe380: /* U+3000 */
        return c == 0x80;
    case 0xe280: /* U+2000 to U+200A, U+2028, U+2029, U+202F */
        return c <= 0x8a || c == 0xa8 || c == 0xa9 || c == 0xaf;
    case 0xe281: /* U+205F */
        return c == 0x9f;
    default:
        return 0;
    }
}

/* The led word that begins at `at`: up to the next space that does not follow
   whitespace. So led words tile a part, and runs of whitespace are never cut. */
INLINE int next_led_word(const uint8_t *data, int64_t at, int64_t stop, int64_t most, uint64_t seed, Word *word) {
    if (at == stop) return 0;
    stop = latest(data, at, stop, most);
    word->begin = at++;
    for (;; at++) {
        uint64_t spaces = 0;
        while (stop - at >= 8 && !(spaces = spaces_of(eight(data + at)))) at += 8;
        if (spaces) at += __builtin_ctzll(spaces) / 8;
        while (at < stop && data[at] != 32) at++;
        if (at == stop || !is_after_whitespace(data, word->begin, at)) break;
    }
    word->length = at - word->begin;
    if (word->length < 8 && stop - word->begin >= 8)
        word->key = eight(data + word->begin) & ((1ULL << 8 * word->length) - 1);
    else
        word->key = key_of(data + word->begin, word->length, seed);
    return 1;
}

#define AHEAD 16 /* words whose slots are on the way from memory */

typedef int Next(const uint8_t *data, int64_t at, int64_t stop, int64_t most, uint64_t seed, Word *word);
typedef int32_t Number(Words *w, const uint8_t *p, int64_t length, uint64_t key);

static int32_t number_found(Words *w, const uint8_t *p, int64_t length, uint64_t key) {
    return slot_of(w, p, length, key)->number;
}

INLINE int64_t numbered(Words *w, Next next, Number number, int64_t most, const uint8_t *data, const int64_t *begins,
                        const int64_t *stops, int64_t spans, int32_t *numbers, int64_t *ends, int64_t *counts) {
    int64_t t = 0;
    Word words[AHEAD];
    for (int64_t s = 0; s < spans; s++) {
        int64_t at = begins[s], first = t;
        for (int n = AHEAD; n == AHEAD;) {
            for (n = 0; n < AHEAD && next(data, at, stops[s], most, w->seed, words + n); n++) {
                at = words[n].begin + words[n].length;
                __builtin_prefetch(w->slots + (spread(words[n].key, (uint64_t)words[n].length, w->seed) & w->mask));
            }
            for (int i = 0; i < n; i++, t++) {
                numbers[t] = number(w, data + words[i].begin, words[i].length, words[i].key);
                if (numbers[t] == FAILED) return FAILED;
                ends[t] = words[i].begin + words[i].length;
            }
        }
        counts[s] = t - first;
    }
    return t;
}

/* The words of `spans` parts of `data`: their numbers, ABSENT for a string that is not
   there, and where each ends; `counts` has how many are in each part. Room for half of
   the bytes and one more for each part is enough. Returns how many. */
int64_t nonplus_words_find(Words *w, const uint8_t *data, const int64_t *begins, const int64_t *stops, int64_t spans,
                           int32_t *numbers, int64_t *ends, int64_t *counts) {
    return numbered(w, next_word, number_found, INT64_MAX, data, begins, stops, spans, numbers, ends, counts);
}

/* The same, and a string that is not there is added; one of more than `most` bytes, at least
   4, is cut into such as have no more. Returns FAILED without memory; what was added by then
   stays. */
int64_t nonplus_words_learn(Words *w, const uint8_t *data, const int64_t *begins, const int64_t *stops, int64_t spans,
                            int64_t most, int32_t *numbers, int64_t *ends, int64_t *counts) {
    return numbered(w, next_word, number_added, most, data, begins, stops, spans, numbers, ends, counts);
}

/* The same for led words, of parts in UTF-8. */
int64_t nonplus_words_learn_led(Words *w, const uint8_t *data, const int64_t *begins, const int64_t *stops,
                                int64_t spans, int64_t most, int32_t *numbers, int64_t *ends, int64_t *counts) {
    return numbered(w, next_led_word, number_added, most, data, begins, stops, spans, numbers, ends, counts);
}

/* How many pieces are in each of `spans` parts, which have the next `words[s]` words. Word
   `number` has the pieces [firsts[number], firsts[number + 1]). Returns how many in all. */
int64_t nonplus_words_count_pieces(const int32_t *numbers, const int64_t *words, int64_t spans, const int64_t *firsts,
                                   int64_t *counts) {
    int64_t total = 0;
    for (int64_t s = 0; s < spans; numbers += words[s++]) {
        counts[s] = 0;
        for (int64_t i = 0; i < words[s]; i++) counts[s] += firsts[numbers[i] + 1] - firsts[numbers[i]];
        total += counts[s];
    }
    return total;
}

/* The pieces of words that end at `ends`: piece `p` is `pieces[p]` and ends `before_end[p]` bytes
   before its word does. For all pieces, these and where each ends. */
void nonplus_words_pieces(const int32_t *numbers, int64_t words, const int64_t *firsts, const int64_t *ends,
                          const int32_t *pieces, const int64_t *before_end, int32_t *ids, int64_t *stops) {
    int64_t t = 0;
    for (int64_t i = 0; i < words; i++) {
        if (i + AHEAD < words) {
            __builtin_prefetch(pieces + firsts[numbers[i + AHEAD]]);
            __builtin_prefetch(before_end + firsts[numbers[i + AHEAD]]);
        }
        for (int64_t p = firsts[numbers[i]]; p < firsts[numbers[i] + 1]; p++, t++) {
            ids[t] = pieces[p];
            stops[t] = ends[i] - before_end[p];
        }
    }
}
