/* One function for each dtype of scores. It calls the version of lse.c for the
   processor: the build defines X86_64_LEVELS if it compiled one for each level of
   x86-64. */

#include "levels.h"

#include <stdint.h>

#define ARGUMENTS(stored)                                                                                              \
    (const stored *scores, const uint8_t *kept, int64_t rows, int64_t vocabulary, int64_t stride, double *level,       \
     double *sum)
#define PASSED (scores, kept, rows, vocabulary, stride, level, sum)

#if defined(X86_64_LEVELS)
#define ENTRY(name, stored)                                                                                            \
    void nonplus_lse_##name##_v4 ARGUMENTS(stored);                                                                    \
    void nonplus_lse_##name##_v3 ARGUMENTS(stored);                                                                    \
    void nonplus_lse_##name##_v1 ARGUMENTS(stored);                                                                    \
    void nonplus_lse_##name ARGUMENTS(stored) {                                                                        \
        if (has_v4()) nonplus_lse_##name##_v4 PASSED;                                                                  \
        else if (has_v3()) nonplus_lse_##name##_v3 PASSED;                                                             \
        else nonplus_lse_##name##_v1 PASSED;                                                                           \
    }
#else
#define ENTRY(name, stored)                                                                                            \
    void nonplus_lse_##name##_v1 ARGUMENTS(stored);                                                                    \
    void nonplus_lse_##name ARGUMENTS(stored) { nonplus_lse_##name##_v1 PASSED; }
#endif

ENTRY(f32, float)
ENTRY(f64, double)
ENTRY(bf16, uint16_t)
ENTRY(f16, uint16_t)
