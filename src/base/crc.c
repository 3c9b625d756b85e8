/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both checksums are reflected: the low bit goes first. crc32c: polynomial 0x1EDC6F41 (reflected 0x82F63B78), start and
 * end inverted. crc16_modbus: polynomial 0x8005 (reflected 0xA001), start 0xFFFF, not inverted.
 * The tables are made once, by the definition.
 */
#include "base/crc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static uint32_t table32[8][256];
static uint16_t table16[256];
static bool has_instruction;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        uint32_t crc16 = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
            crc16 = crc16 >> 1 ^ ((crc16 & 1) != 0 ? 0xa001u : 0);
        }
        table32[0][i] = crc;
        table16[i] = (uint16_t)crc16;
    }
    for (size_t slice = 1; slice < 8; slice++) {
        for (size_t i = 0; i < 256; i++) {
            uint32_t below = table32[slice - 1][i];
            table32[slice][i] = below >> 8 ^ table32[0][below & 0xff];
        }
    }
#if defined(__x86_64__)
    has_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif
}

static void prepare(void)
{
    (void)pthread_once(&once, make_tables);
}

uint32_t crc32c_table(uint32_t crc, const void *data, size_t size)
{
    prepare();
    const uint8_t *at = data;
    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
        crc = table32[7][low & 0xff] ^ table32[6][low >> 8 & 0xff] ^ table32[5][low >> 16 & 0xff] ^
              table32[4][low >> 24] ^ table32[3][at[4]] ^ table32[2][at[5]] ^ table32[1][at[6]] ^
              table32[0][at[7]];
    }
    for (; size > 0; size--, at++) {
        crc = crc >> 8 ^ table32[0][(crc ^ *at) & 0xff];
    }
    return ~crc;
}

#if defined(__x86_64__)
static uint32_t __attribute__((target("sse4.2")))
crc32c_instruction(uint32_t crc, const uint8_t *at, size_t size)
{
    uint64_t wide = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, at++) {
        crc = _mm_crc32_u8(crc, *at);
    }
    return ~crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    prepare();
#if defined(__x86_64__)
    if (has_instruction) {
        return crc32c_instruction(crc, data, size);
    }
#endif
    return crc32c_table(crc, data, size);
}

uint16_t crc16_modbus(const void *data, size_t size)
{
    prepare();
    const uint8_t *at = data;
    unsigned crc = 0xffff;
    for (; size > 0; size--, at++) {
        crc = crc >> 8 ^ table16[(crc ^ *at) & 0xff];
    }
    return (uint16_t)crc;
}
