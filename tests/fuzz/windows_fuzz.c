/* libFuzzer's entry: the figures of any documents are those that a window after the other
   says, in numbers that take more room; in both widths. */

#include "../../src/nonplus/kernels/native/windows.c"

#include "input.h"

#define DOCUMENTS 5
#define TOKENS 700

static double drawn(Input *input) {
    static const double values[] = {0, 1e-13, 0.5, 7.25, 30, 2047, 2048, 1e6, 1e300, INFINITY};
    uint32_t which = between(input, 0, 40);
    return which < 10 ? values[which] : between(input, 0, 65535) / 4096.0;
}

static void check_figures(const double *nats, const int64_t *begins, const int64_t *ends, int64_t first, int64_t last,
                          double sum, int64_t bytes, double worst, int64_t begin, int64_t end, double error) {
    __int128 total = 0;
    int64_t covered = 0, n = last - first, zeros = 0, found = 0;
    for (int64_t i = first; i < last; i++) {
        covered += ends[i] - begins[i];
        if (isfinite(nats[i])) total += llrint(nats[i] * UNIT);
        else zeros++;
    }
    check(bytes == covered && sum == (zeros ? INFINITY : (double)(int64_t)total / UNIT));
    for (int64_t w = 0; w * WINDOW < n; w++) {
        int64_t from = first + w * WINDOW, to = w + 1 < n / WINDOW ? from + WINDOW : last, own = 0, none = 0;
        __int128 units = 0;
        if (w && w >= n / WINDOW) break;
        for (int64_t i = from; i < to; i++) {
            own += ends[i] - begins[i];
            if (isfinite(nats[i])) units += llrint(nats[i] * UNIT);
            else none++;
        }
        double bits = (none ? INFINITY : (double)(int64_t)units / UNIT) / own / LN2;
        if (own > 0) check(bits <= worst);
        if (own > 0 && bits == worst && !found++) check(begin == begins[from] && end == ends[to - 1]);
    }
    check(found || (isnan(worst) && !begin && !end));
    check(isnan(error) ? zeros || n < 2 : error >= 0 && !zeros && n > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Input input = {bytes, size};
    int64_t documents = between(&input, 0, DOCUMENTS), offsets[DOCUMENTS + 1] = {0}, n = 0;
    for (int64_t d = 0; d < documents; d++) {
        offsets[d] = n;
        n += between(&input, 0, 3) ? between(&input, 0, 40) : between(&input, 0, TOKENS);
    }
    offsets[documents] = n;
    double *nats = allocated((size_t)n * sizeof *nats), of[DOCUMENTS], error[DOCUMENTS], worst[DOCUMENTS];
    int64_t *begins = allocated((size_t)n * sizeof *begins), *ends = allocated((size_t)n * sizeof *ends);
    int32_t *begins_32 = allocated((size_t)n * sizeof *begins_32), *ends_32 = allocated((size_t)n * sizeof *ends_32);
    int64_t *room = allocated((size_t)(n / WINDOW + 1) * sizeof *room), covered[DOCUMENTS], begin[DOCUMENTS], end[DOCUMENTS];
    for (int64_t d = 0; d < documents; d++) {
        for (int64_t i = offsets[d], at = 0; i < offsets[d + 1]; i++) {
            nats[i] = drawn(&input);
            begins_32[i] = (int32_t)(begins[i] = at);
            ends_32[i] = (int32_t)(ends[i] = at += between(&input, 0, 6));
        }
    }
    for (int wide = 0; wide < 2; wide++) {
        const void *from = wide ? (void *)begins : begins_32, *to = wide ? (void *)ends : ends_32;
        if (nonplus_figures(nats, from, to, wide, offsets, documents, of, covered, error, worst, begin, end, room)) continue;
        for (int64_t d = 0; d < documents; d++)
            check_figures(nats, begins, ends, offsets[d], offsets[d + 1], of[d], covered[d], worst[d], begin[d], end[d], error[d]);
    }
    free(room), free(ends_32), free(begins_32), free(ends), free(begins), free(nats);
    return 0;
}
