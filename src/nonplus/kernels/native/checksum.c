/* The checksum of models/hf/checksum.py. Compiled once for each level of processor, with
   its own SUFFIX; checksum_dispatch.c chooses at run time. */

#include <stdint.h>
#include <string.h>

#define BLOCK (1 << 20)
#define FIRST 0x9E3779B97F4A7C15u /* 2**64 divided by the golden ratio */
#define SECOND 0x94D049BB133111EBu /* of splitmix64 */

static inline uint64_t folded(uint64_t word) { return word ^ word >> 32; }

static inline uint64_t mixed(uint64_t word, uint64_t odd) { return folded(folded(folded(word) * odd) * SECOND); }

/* The last word of bytes whose number is not divisible by 8 ends with zeros. */
#define JOIN(name, suffix) name##suffix
#define NAME(name, suffix) JOIN(name, suffix)

int64_t NAME(nonplus_checksum, SUFFIX)(const uint8_t *bytes, int64_t n) {
    uint64_t total = 0;
    for (int64_t start = 0; start < n; start += 8 * (int64_t)BLOCK) {
        int64_t size = n - start < 8 * (int64_t)BLOCK ? n - start : 8 * (int64_t)BLOCK;
        uint64_t sum = 0, odd = FIRST;
        for (int64_t i = 0; i < size / 8; i++, odd += 2 * FIRST) {
            uint64_t word;
            memcpy(&word, bytes + start + 8 * i, 8);
            sum += mixed(word, odd);
        }
        if (size % 8) {
            uint64_t word = 0;
            memcpy(&word, bytes + start + size / 8 * 8, size % 8);
            sum += mixed(word, odd);
        }
        total = 31 * total + sum;
    }
    return (int64_t)total;
}
