/* The bytes of libFuzzer as numbers and arrays, and a check that ends a run.

   Arrays are allocated to the byte, so that AddressSanitizer sees one too many. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { const uint8_t *bytes; size_t left; } Input;

static inline void check(int holds) { if (!holds) abort(); }

/* The next bytes, zeros after the end. */
static inline void take(Input *input, void *target, size_t size) {
    size_t some = size < input->left ? size : input->left;
    memcpy(target, input->bytes, some);
    memset((uint8_t *)target + some, 0, size - some);
    input->bytes += some;
    input->left -= some;
}

static inline uint32_t between(Input *input, uint32_t least, uint32_t most) {
    uint16_t value;
    take(input, &value, sizeof value);
    return least + value % (most - least + 1);
}

static inline void *allocated(size_t size) {
    void *target = malloc(size ? size : 1);
    check(target != NULL);
    return target;
}

static inline void *filled(Input *input, size_t size) {
    void *target = allocated(size);
    take(input, target, size);
    return target;
}

static inline void *copied(const void *from, size_t size) {
    void *target = allocated(size);
    memcpy(target, from, size);
    return target;
}
