/* The exponential of a float32 in plain operations, for loops that a compiler
   vectorizes. */

#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

INLINE float float_of_bits(uint32_t bits) {
    union { uint32_t bits; float value; } both = {bits};
    return both.value;
}

INLINE uint32_t bits_of_float(float value) {
    union { float value; uint32_t bits; } both = {value};
    return both.bits;
}

/* exp(x) = 2^n 2^f. Adding 1.5 2^23 rounds x / ln 2 to the integer n and leaves it in
   the lowest bits, which are then shifted into the exponent. 2^f for |f| <= 1/2 is the
   minimax polynomial of degree 6 that is 1 at 0, with a relative error of at most
   1.6e-8. Below -87 the result is too small to change a sum that contains a 1. */
INLINE float exp_f32(float x) {
    x = x < -87.0f ? -87.0f : x;
    float shifted = x * 0x1.715476p+0f + 0x1.8p+23f;
    float f = x * 0x1.715476p+0f - (shifted - 0x1.8p+23f);
    float p = 0x1.41fbbcp-13f;
    p = p * f + 0x1.5f3e54p-10f;
    p = p * f + 0x1.3b2d4cp-7f;
    p = p * f + 0x1.c6aee8p-5f;
    p = p * f + 0x1.ebfbdcp-3f;
    p = p * f + 0x1.62e430p-1f;
    p = p * f + 1;
    return float_of_bits(bits_of_float(p) + (bits_of_float(shifted) << 23));
}
