// SPDX-License-Identifier: GPL-3.0-or-later
// Loops compiled for several instruction sets, all with the same operations in the same order.
#ifndef CLONES_H
#define CLONES_H

#pragma clang fp contract(off)

// ThreadSanitizer instruments the functions that choose a clone, which the loader calls before the
// sanitizer is ready: the program would end in a segmentation fault before it begins.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_CLONES
#endif
#endif

#if defined(__x86_64__) && !defined(NO_CLONES)
#define CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))
#define LANES 8

#endif
