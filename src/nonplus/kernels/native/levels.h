/* Which level of x86-64 the processor has, where the build compiles one version of a file
   for each; it then defines X86_64_LEVELS. */

#if defined(X86_64_LEVELS)
static inline int has_v4(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
static inline int has_v3(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
