/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for the next separator, 16 bytes a step where the processor has SSE2 (every x86-64 has),
 * else a byte. Never reads outside [at, end); gives `end` when there is none. */
#ifndef BUSBAR_SERVER_INGEST_SCAN_H
#define BUSBAR_SERVER_INGEST_SCAN_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first of three characters (two alike: the first of two). */
static inline const char *ingest_scan(const char *at, const char *end, char a, char b, char c)
{
#ifdef __SSE2__
    const __m128i all_a = _mm_set1_epi8(a);
    const __m128i all_b = _mm_set1_epi8(b);
    const __m128i all_c = _mm_set1_epi8(c);
    while (end - at >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, all_a), _mm_cmpeq_epi8(block, all_b)),
            _mm_cmpeq_epi8(block, all_c));
        unsigned mask = (unsigned)_mm_movemask_epi8(found);
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
        at += 16;
    }
#endif
    while (at < end && *at != a && *at != b && *at != c) {
        at++;
    }
    return at;
}

#endif
