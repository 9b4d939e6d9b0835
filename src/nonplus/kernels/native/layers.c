/* What a layer of a transformer does between its products of matrices.

   Plain loops that a compiler can vectorize, compiled once for each level of processor
   (lse.c says why). */

#include "exponential.h"

#include <math.h>
#include <stdint.h>

#define PASTE(a, b) a##b
#define NAME(base, suffix) PASTE(base, suffix)
#define RUN 256 /* exponentials that are summed in float32 */

/* Replaces the n scores of a row by exp(score - largest) and returns their sum, NaN if
   one of them is NaN or +inf. */
INLINE float exponentials(float *x, int64_t n) {
    float largest = -INFINITY;
    _Pragma("omp simd reduction(max : largest)")
    for (int64_t i = 0; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    double all = 0;
    int broken = 0;
    for (int64_t start = 0; start < n; start += RUN) {
        int64_t stop = start + RUN < n ? start + RUN : n;
        float total = 0;
        _Pragma("omp simd reduction(+ : total) reduction(| : broken)")
        for (int64_t i = start; i < stop; i++) {
            float distance = x[i] - largest;
            broken |= distance != distance;
            x[i] = exp_f32(distance);
            total += x[i];
        }
        all += total;
    }
    return broken ? NAN : (float)all;
}

/* Row after row of `width` scores, of `queries` tokens again and again: token q sees
   the scores from first[q] to the one of its own place, which is `queries - q` before
   the end. Those become exponentials, the others 0. */
void NAME(nonplus_causal_exponentials, SUFFIX)(float *scores, int64_t rows, int64_t width, const int64_t *first,
                                               int64_t queries, float *sums) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t q = row % queries, begin = first[q], end = width - queries + q + 1;
        float *x = scores + row * width;
        for (int64_t i = 0; i < begin; i++) x[i] = 0;
        sums[row] = exponentials(x + begin, end - begin);
        for (int64_t i = end; i < width; i++) x[i] = 0;
    }
}

/* gate * sigmoid(gate) * up of rows in which both lie side by side. Beyond 88 the
   exponential would not fit, and the quotient is as good as 0. */
void NAME(nonplus_swiglu, SUFFIX)(const float *both, int64_t rows, int64_t half, float *mixed) {
    for (int64_t row = 0; row < rows; row++) {
        const float *gate = both + row * 2 * half, *up = gate + half;
        float *out = mixed + row * half;
        _Pragma("omp simd")
        for (int64_t i = 0; i < half; i++) {
            float turned = -gate[i];
            turned = turned > 88.0f ? 88.0f : turned;
            out[i] = gate[i] / (1 + exp_f32(turned)) * up[i];
        }
    }
}
