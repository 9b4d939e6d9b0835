/* The functions of sums.c, in the version for the processor: the build defines
   X86_64_LEVELS if it compiled one for each level of x86-64. */

#include "levels.h"

#include <stdint.h>

#if defined(X86_64_LEVELS)
#define ENTRY(name, arguments, passed)                                                                                 \
    int name##_v4 arguments;                                                                                           \
    int name##_v3 arguments;                                                                                           \
    int name##_v1 arguments;                                                                                           \
    int name arguments { return has_v4() ? name##_v4 passed : has_v3() ? name##_v3 passed : name##_v1 passed; }
#else
#define ENTRY(name, arguments, passed)                                                                                 \
    int name##_v1 arguments;                                                                                           \
    int name arguments { return name##_v1 passed; }
#endif

ENTRY(nonplus_sums_of_runs,
      (const double *nats, const double *weight, const int64_t *offsets, int64_t runs, int64_t *sums),
      (nats, weight, offsets, runs, sums))
ENTRY(nonplus_sums_by_position,
      (const double *nats, const double *weight, const void *seen, int wide, int64_t tokens, int64_t *sums,
       int64_t *ranges),
      (nats, weight, seen, wide, tokens, sums, ranges))
