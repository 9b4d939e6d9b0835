/* Sums of exponentials for lse.c, where the processor has AVX-512.

   exp(x) = 2^n 2^(j/32) 2^f, where n + j/32 is the nearest number to x / ln 2 of that form.
   Two registers hold the 32 powers 2^(j/32), so that degree 2 is enough for 2^f, |f| <= 1/64:
   the minimax polynomial that is 1 at 0, with a relative error of at most 5.4e-8. That is ten
   operations for sixteen scores, of which one takes the level off. A score that is too far
   above the level makes the sum large or infinite, so no maximum is taken, and NaN stays NaN
   to the end. */

#include <immintrin.h>

#define STRIP 128  /* scores, each in a lane of its own: near 1, a float32 absorbs little of small addends */
#define LIMIT 2980 /* of a sum: between exp(HEADROOM), which one score adds, and BLOCK, which equal ones add */
#define AHEAD 1024 /* bytes: the processor's own prefetching stops at the end of a page */

typedef struct { __m512 low, high; } Pair;

static const float POWERS[32] = {
    0x1.000000p+0f, 0x1.059b0ep+0f, 0x1.0b5586p+0f, 0x1.11301ep+0f, 0x1.172b84p+0f, 0x1.1d4874p+0f, 0x1.2387a6p+0f,
    0x1.29e9e0p+0f, 0x1.306fe0p+0f, 0x1.371a74p+0f, 0x1.3dea64p+0f, 0x1.44e086p+0f, 0x1.4bfdaep+0f, 0x1.5342b6p+0f,
    0x1.5ab07ep+0f, 0x1.6247ecp+0f, 0x1.6a09e6p+0f, 0x1.71f75ep+0f, 0x1.7a1148p+0f, 0x1.82589ap+0f, 0x1.8ace54p+0f,
    0x1.93737cp+0f, 0x1.9c4918p+0f, 0x1.a5503cp+0f, 0x1.ae89fap+0f, 0x1.b7f770p+0f, 0x1.c199bep+0f, 0x1.cb720ep+0f,
    0x1.d5818ep+0f, 0x1.dfc974p+0f, 0x1.ea4afap+0f, 0x1.f50766p+0f,
};

/* Adding 1.5 2^18 rounds x / ln 2 to n + j/32 and leaves j in the lowest five bits, which are
   all that a permutation reads; scaling rounds n + j/32 down to n. */
INLINE __m512 plus_exp(__m512 total, __m512 x, Pair powers) {
    __m512 per_ln2 = _mm512_set1_ps(0x1.715476p+0f), shift = _mm512_set1_ps(0x1.8p+18f);
    x = _mm512_max_ps(_mm512_set1_ps(-87), x); /* in this order NaN stays; subnormal powers take long */
    __m512 shifted = _mm512_fmadd_ps(x, per_ln2, shift);
    __m512 rounded = _mm512_sub_ps(shifted, shift);
    __m512 f = _mm512_fmsub_ps(x, per_ln2, rounded);
    __m512 power = _mm512_permutex2var_ps(powers.low, _mm512_castps_si512(shifted), powers.high);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0x1.ebfbdep-3f), f, _mm512_set1_ps(0x1.62e584p-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1));
    return _mm512_fmadd_ps(p, _mm512_scalef_ps(power, rounded), total);
}

/* A mask of the first `n` of 32; the others read as -inf. */
INLINE uint32_t first(int64_t n) { return n >= 32 ? 0xffffffff : n > 0 ? (1u << n) - 1 : 0; }

INLINE Pair pair_f32(const float *x, int64_t n) {
    __m512 none = _mm512_set1_ps(-INFINITY);
    return (Pair){_mm512_mask_loadu_ps(none, (__mmask16)first(n), x),
                  _mm512_mask_loadu_ps(none, (__mmask16)(first(n) >> 16), x + 16)};
}

/* Scores 0, 2, 4 and so on, and the others: their order does not matter. */
INLINE Pair pair_bf16(const uint16_t *x, int64_t n) {
    __m512i both = _mm512_mask_loadu_epi16(_mm512_set1_epi16((short)0xff80), first(n), x);
    return (Pair){_mm512_castsi512_ps(_mm512_slli_epi32(both, 16)),
                  _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)))};
}

INLINE Pair pair_f16(const uint16_t *x, int64_t n) {
    __m512i both = _mm512_mask_loadu_epi16(_mm512_set1_epi16((short)0xfc00), first(n), x);
    return (Pair){_mm512_cvtph_ps(_mm512_castsi512_si256(both)), _mm512_cvtph_ps(_mm512_extracti64x4_epi64(both, 1))};
}

INLINE __m512d wide_sum(__m512 x) {
    return _mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(x)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)));
}

#define STRIPS(name, stored)                                                                                           \
    INLINE void add_strip_##name(const stored *x, int64_t n, __m512 level, Pair powers, __m512 *totals) {              \
        for (int i = 0; i < STRIP / 32; i++) {                                                                         \
            for (int64_t byte = 0; byte < 32 * (int64_t)sizeof *x; byte += 64)                                         \
                __builtin_prefetch((const char *)(x + 32 * i) + AHEAD + byte);                                         \
            Pair pair = pair_##name(x + 32 * i, n - 32 * i);                                                           \
            totals[2 * i] = plus_exp(totals[2 * i], _mm512_sub_ps(pair.low, level), powers);                           \
            totals[2 * i + 1] = plus_exp(totals[2 * i + 1], _mm512_sub_ps(pair.high, level), powers);                  \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    INLINE double total_##name(const stored *x, int64_t n, float level) {                                              \
        Pair powers = {_mm512_loadu_ps(POWERS), _mm512_loadu_ps(POWERS + 16)};                                         \
        __m512 totals[STRIP / 16] = {0}, levels = _mm512_set1_ps(level);                                               \
        for (; n >= STRIP; n -= STRIP, x += STRIP) add_strip_##name(x, STRIP, levels, powers, totals);                 \
        if (n) add_strip_##name(x, n, levels, powers, totals);                                                         \
        __m512d all = _mm512_setzero_pd();                                                                             \
        for (int i = 0; i < STRIP / 16; i++) all = _mm512_add_pd(all, wide_sum(totals[i]));                            \
        double sum = _mm512_reduce_add_pd(all);                                                                        \
        return sum > LIMIT ? INFINITY : sum;                                                                           \
    }

STRIPS(f32, float)
STRIPS(bf16, uint16_t)
STRIPS(f16, uint16_t)
