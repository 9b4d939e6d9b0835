/* Log-sum-exp of rows of scores, which are read once.

   Plain loops that a compiler can vectorize, but for AVX-512: lse_avx512.h has fewer
   operations for each score. The build compiles this file once for each level of
   processor, with its own SUFFIX, because GCC takes 512-bit vectors on the command line
   only; lse_dispatch.c chooses at run time. It takes pointers and strides, returns
   doubles, and includes nothing of Python or torch.

   The state of a row is a `level`, one of its larger scores, and the sum of exp(score -
   level). Start with -inf and 0; a vocabulary may come in chunks, each of which updates
   both. The exponentials of a run are summed in the precision of the scores (in float32
   for narrower ones), runs in double precision. The sum is NaN if a score is NaN or
   +inf, and stays 0 if all are -inf. */

#include "exponential.h"

#include <math.h>
#include <stdint.h>

#define BLOCK 2048 /* scores: 4 to 16 kB stay in the L1 cache for a second pass */
#define HEADROOM 8 /* above the level: the error of an exponential grows with the distance */

#define PASTE(a, b) a##b
#define NAME(base, suffix) PASTE(base, suffix)

INLINE double double_of_bits(uint64_t bits) {
    union { uint64_t bits; double value; } both = {bits};
    return both.value;
}

INLINE uint64_t bits_of_double(double value) {
    union { double value; uint64_t bits; } both = {value};
    return both.bits;
}

INLINE float from_f32(float x) { return x; }
INLINE double from_f64(double x) { return x; }
INLINE float from_bf16(uint16_t x) { return float_of_bits((uint32_t)x << 16); }

/* A product corrects the exponent, also of subnormal numbers; that of infinity and NaN
   is set. */
INLINE float from_f16(uint16_t x) {
    float size = float_of_bits((uint32_t)(x & 0x7fff) << 13) * 0x1p112f;
    float special = float_of_bits((uint32_t)(x & 0x7fff) << 13 | 0x7f800000);
    size = (x & 0x7c00) == 0x7c00 ? special : size;
    return x & 0x8000 ? -size : size;
}

/* As exp_f32, in double precision, with the series of exp(r) for |r| <= ln 2 / 2. */
INLINE double exp_f64(double x) {
    x = x < -700.0 ? -700.0 : x;
    double shifted = x * 0x1.71547652b82fep+0 + 0x1.8p+52;
    double n = shifted - 0x1.8p+52;
    double r = x - n * 0x1.62e42feep-1; /* ln 2 in two parts: n times the first is exact */
    r = r - n * 0x1.a39ef35793c76p-33;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return double_of_bits(bits_of_double(p) + (bits_of_double(shifted) << 52));
}

/* The sum of exp(score - level) over a block, INFINITY if one may be HEADROOM above it.

   `stored` is the type of a score in memory, `wide` that of the arithmetic, `run` the
   number of exponentials that are summed in it: near 1, a float32 absorbs little of
   small addends. Shorter runs take 10% more time, with bfloat16 and float16 25%, where
   the scores themselves are less exact than that. A maximum ignores NaN, so `broken`
   records it. */
#define TOTAL(name, stored, wide, run, load, exponential)                                                              \
    INLINE double total_##name(const stored *x, int64_t n, wide level) {                                               \
        double all = 0;                                                                                                \
        wide most = -INFINITY;                                                                                         \
        int broken = 0;                                                                                                \
        for (int64_t start = 0; start < n; start += run) {                                                             \
            int64_t stop = start + run < n ? start + run : n;                                                          \
            wide total = 0;                                                                                            \
            _Pragma("omp simd reduction(+ : total) reduction(max : most) reduction(| : broken)")                       \
            for (int64_t i = start; i < stop; i++) {                                                                   \
                wide distance = load(x[i]) - level;                                                                    \
                broken |= distance != distance;                                                                        \
                most = distance > most ? distance : most;                                                              \
                total += exponential(distance);                                                                        \
            }                                                                                                          \
            all += total;                                                                                              \
        }                                                                                                              \
        return broken ? NAN : most > HEADROOM ? INFINITY : all;                                                        \
    }

TOTAL(f64, double, double, BLOCK, from_f64, exp_f64)
#if defined(__AVX512DQ__) && defined(__AVX512BW__)
#include "lse_avx512.h"
#else
TOTAL(f32, float, float, 256, from_f32, exp_f32)
TOTAL(bf16, uint16_t, float, BLOCK, from_bf16, exp_f32)
TOTAL(f16, uint16_t, float, BLOCK, from_f16, exp_f32)
#endif

#define KERNEL(name, stored, wide, load)                                                                               \
    INLINE wide largest_##name(const stored *x, int64_t n) {                                                           \
        wide largest = -INFINITY;                                                                                      \
        _Pragma("omp simd reduction(max : largest)") for (int64_t i = 0; i < n; i++) {                                 \
            largest = load(x[i]) > largest ? load(x[i]) : largest;                                                     \
        }                                                                                                              \
        return largest;                                                                                                \
    }                                                                                                                  \
                                                                                                                       \
    void NAME(nonplus_lse_##name, SUFFIX)(const stored *scores, const uint8_t *kept, int64_t rows, int64_t vocabulary, \
                                          int64_t stride, double *level, double *sum) {                                \
        for (int64_t row = 0; row < rows; row++) {                                                                     \
            if (!kept[row]) continue;                                                                                  \
            for (int64_t start = 0; start < vocabulary; start += BLOCK) {                                              \
                const stored *x = scores + row * stride + start;                                                       \
                int64_t n = vocabulary - start < BLOCK ? vocabulary - start : BLOCK;                                   \
                double total = INFINITY;                                                                               \
                if (level[row] > -INFINITY) total = total_##name(x, n, level[row]);                                    \
                if (!(total < INFINITY)) {                                                                             \
                    wide largest = largest_##name(x, n);                                                               \
                    if (largest > level[row]) {                                                                        \
                        sum[row] *= sum[row] > 0 ? exp(level[row] - largest) : 1;                                      \
                        level[row] = largest;                                                                          \
                    }                                                                                                  \
                    total = total_##name(x, n, level[row] > -INFINITY ? level[row] : 0);                               \
                    if (level[row] == -INFINITY && total == total) total = 0;                                          \
                }                                                                                                      \
                sum[row] += total;                                                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }

KERNEL(f32, float, float, from_f32)
KERNEL(f64, double, double, from_f64)
KERNEL(bf16, uint16_t, float, from_bf16)
KERNEL(f16, uint16_t, float, from_f16)
