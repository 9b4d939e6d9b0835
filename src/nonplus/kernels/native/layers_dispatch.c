/* The functions of layers.c, in the version for the processor: the build defines
   X86_64_LEVELS if it compiled one for each level of x86-64. */

#include "levels.h"

#include <stdint.h>

#if defined(X86_64_LEVELS)
#define ENTRY(name, arguments, passed)                                                                                 \
    void name##_v4 arguments;                                                                                          \
    void name##_v3 arguments;                                                                                          \
    void name##_v1 arguments;                                                                                          \
    void name arguments {                                                                                              \
        if (has_v4()) name##_v4 passed;                                                                                \
        else if (has_v3()) name##_v3 passed;                                                                           \
        else name##_v1 passed;                                                                                         \
    }
#else
#define ENTRY(name, arguments, passed)                                                                                 \
    void name##_v1 arguments;                                                                                          \
    void name arguments { name##_v1 passed; }
#endif

ENTRY(nonplus_causal_exponentials,
      (float *scores, int64_t rows, int64_t width, const int64_t *first, int64_t queries, float *sums),
      (scores, rows, width, first, queries, sums))
ENTRY(nonplus_swiglu, (const float *both, int64_t rows, int64_t half, float *mixed), (both, rows, half, mixed))
