/* Lines of n-grams in an ARPA file: numbers to float32 and back, and where the words
   are. Only what is plain is done here; at a line that is not, both functions stop, and
   the caller reads or writes that line in Python. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define EXACT 22            /* the largest power of 10 that is a double */
#define MOST (1LL << 53)    /* integers up to here are doubles */
#define SMALLEST 0x1p-126   /* normal float32 numbers */
#define LARGEST 0x1.fffffep127

INLINE int is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }
INLINE int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

/* Halfway between two float32 numbers: rounded itself, it does not say which is nearer. */
INLINE int is_halfway(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x1fffffff) == 0x10000000;
}

/* The float32 nearest to the number that begins at `p`, and where it ends; NULL if that
   takes more than one rounding to a double, or is no finite number. */
INLINE const uint8_t *number(const uint8_t *p, float *to) {
    int negative = *p == '-', digits = 0, power = 0;
    int64_t integer = 0;
    p += negative || *p == '+';
    for (; is_digit(*p); p++, digits++) {
        if (integer >= MOST / 10) return NULL;
        integer = integer * 10 + (*p - '0');
    }
    if (*p == '.') {
        for (p++; is_digit(*p); p++, digits++, power--) {
            if (integer >= MOST / 10) return NULL;
            integer = integer * 10 + (*p - '0');
        }
    }
    if (!digits) return NULL;
    if (*p == 'e' || *p == 'E') {
        int down = *++p == '-', exponent = 0;
        p += down || *p == '+';
        if (!is_digit(*p)) return NULL;
        for (; is_digit(*p); p++) {
            if (exponent > 99) return NULL;
            exponent = exponent * 10 + (*p - '0');
        }
        power += down ? -exponent : exponent;
    }
    if (power < -EXACT || power > EXACT) return NULL;
    double value = power < 0 ? (double)integer / POWERS[-power] : (double)integer * POWERS[power];
    if (integer && (value < SMALLEST || value > LARGEST || is_halfway(value))) return NULL;
    *to = (float)(negative ? -value : value);
    return p;
}

/* Read lines from `text`, of which each has an end, as n-grams of `order` words: where
   the first word begins, where the last one stops and where the line ends, the logarithms
   of the probability and of the back-off weight, 0 if there is none. Returns how many
   lines were read, at most `room`. */
int64_t nonplus_arpa_read(const uint8_t *text, int64_t size, int64_t order, int64_t highest, int64_t room,
                          int64_t *begins, int64_t *stops, int64_t *ends, float *probs, float *backoffs) {
    const uint8_t *p = text, *end = text + size;
    int64_t n = 0;
    for (; n < room && p < end; n++) {
        while (is_blank(*p)) p++;
        if (!(p = number(p, probs + n)) || !is_blank(*p) || !(probs[n] <= 0)) break;
        int64_t words = 0;
        for (; words < order; words++) {
            while (is_blank(*p)) p++;
            if (*p == '\n') break;
            if (!words) begins[n] = p - text;
            while (!is_blank(*p) && *p != '\n') p++;
        }
        if (words < order) break;
        stops[n] = p - text;
        backoffs[n] = 0;
        while (is_blank(*p)) p++;
        if (*p != '\n' && (!(p = number(p, backoffs + n)) || (highest && backoffs[n] != 0))) break;
        while (is_blank(*p)) p++;
        if (*p++ != '\n') break;
        ends[n] = p - text;
    }
    return n;
}

/* An integer with that many places after the point, as lmplz prints it: 0.000001, but
   1e-7. */
INLINE uint8_t *printed(int64_t integer, int places, uint8_t *to) {
    uint8_t digits[24];
    int used = 0, exponent = 0;
    for (; places > 0 && integer % 10 == 0; places--) integer /= 10;
    for (int64_t rest = integer; rest; rest /= 10) used++;
    if (used - 1 - places < -6) {
        exponent = places - (used - 1);
        places = used - 1;
    }
    used = 0;
    for (; places > 0; places--, integer /= 10) digits[used++] = (uint8_t)('0' + integer % 10);
    if (used) digits[used++] = '.';
    do digits[used++] = (uint8_t)('0' + integer % 10);
    while (integer /= 10);
    while (used) *to++ = digits[--used];
    if (!exponent) return to;
    memcpy(to, "e-", 2);
    to += 2;
    if (exponent > 9) *to++ = (uint8_t)('0' + exponent / 10);
    *to++ = (uint8_t)('0' + exponent % 10);
    return to;
}

/* The shortest decimal that reads back as the same float32; the result is where it ends,
   NULL if that takes more than one rounding to a double. */
INLINE uint8_t *decimal(float number, uint8_t *to) {
    double value = fabs((double)number), digits = 0;
    if (signbit(number)) *to++ = '-';
    if (value == 0) {
        *to++ = '0';
        return to;
    }
    if (!(value >= 1e-14 && value < 1e7)) return NULL;
    int places = EXACT - 8; /* after the point, of the first digit */
    while (places > -6 && value * 1e14 >= POWERS[EXACT - 7 - places]) places--;
    for (int last = places + 8;; places++) { /* nine digits always suffice */
        digits = places < 0 ? rint(value / POWERS[-places]) : rint(value * POWERS[places]);
        double back = places < 0 ? digits * POWERS[-places] : digits / POWERS[places];
        if (places == last || ((float)back == (float)value && !is_halfway(back))) break;
    }
    int64_t integer = (int64_t)digits;
    for (; places < 0; places++) integer *= 10;
    return printed(integer, places, to);
}

/* Write lines to `to`, which has room for the words and 64 bytes more for each line;
   `backoffs` is NULL for the highest order. `*size` becomes how many bytes were
   written. Returns how many lines were. */
int64_t nonplus_arpa_write(const int32_t *ids, int64_t n, int64_t order, const float *probs, const float *backoffs,
                           const uint8_t *words, const int64_t *stops, uint8_t *to, int64_t *size) {
    uint8_t *line = to;
    int64_t done = 0;
    for (; done < n; done++) {
        uint8_t *p = decimal(probs[done], line);
        if (!p) break;
        for (int64_t k = 0; k < order; k++) {
            int32_t id = ids[done * order + k];
            int64_t begin = id ? stops[id - 1] : 0;
            *p++ = k ? ' ' : '\t';
            memcpy(p, words + begin, (size_t)(stops[id] - begin));
            p += stops[id] - begin;
        }
        if (backoffs) {
            *p++ = '\t';
            if (!(p = decimal(backoffs[done], p))) break;
        }
        *p++ = '\n';
        line = p;
    }
    *size = line - to;
    return done;
}
