/* The checksum, in the version for the processor: the build defines X86_64_LEVELS if it
   compiled one for each level of x86-64. */

#include "levels.h"

#include <stdint.h>

int64_t nonplus_checksum_v1(const uint8_t *bytes, int64_t n);

#if defined(X86_64_LEVELS)
int64_t nonplus_checksum_v3(const uint8_t *bytes, int64_t n);
int64_t nonplus_checksum_v4(const uint8_t *bytes, int64_t n);

int64_t nonplus_checksum(const uint8_t *bytes, int64_t n) {
    return has_v4() ? nonplus_checksum_v4(bytes, n) : has_v3() ? nonplus_checksum_v3(bytes, n) : nonplus_checksum_v1(bytes, n);
}
#else
int64_t nonplus_checksum(const uint8_t *bytes, int64_t n) { return nonplus_checksum_v1(bytes, n); }
#endif
