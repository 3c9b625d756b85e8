/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; one round a word, three at the end),
 * FNV-1a with a final mix, and a 64-bit mixer that also drives the small generator.
 */
#include "base/hash.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static uint64_t word_le(const uint8_t *data, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, data, size);
    return le64toh(word);
}

uint64_t hash_siphash(uint64_t key0, uint64_t key1, const void *data, size_t size)
{
    const uint8_t *at = data;
    struct sip s = { key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d,
                     key0 ^ 0x6c7967656e657261, key1 ^ 0x7465646279746573 };
    size_t left = size;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word = word_le(at, 8);
        s.v3 ^= word;
        sip_round(&s);
        s.v0 ^= word;
    }
    uint64_t last = (left > 0 ? word_le(at, left) : 0) | (uint64_t)size << 56;
    s.v3 ^= last;
    sip_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static uint64_t process_key[2];
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void draw_process_key(void)
{
    process_key[0] = hash_entropy();
    process_key[1] = hash_entropy();
}

uint64_t hash_keyed(const void *data, size_t size)
{
    (void)pthread_once(&process_key_once, draw_process_key);
    return hash_siphash(process_key[0], process_key[1], data, size);
}

uint64_t hash_u64(uint64_t value)
{
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9;
    value ^= value >> 27;
    value *= 0x94d049bb133111eb;
    value ^= value >> 31;
    return value;
}

uint64_t hash_bytes(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * 0x100000001b3;
    }
    return hash_u64(hash);
}

uint64_t hash_text(const char *text)
{
    return hash_bytes(text, strlen(text));
}

uint64_t hash_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15;
    return hash_u64(*state);
}

uint64_t hash_entropy(void)
{
    uint64_t value;
    if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) {
        value = hash_u64((uint64_t)clock_wall_us() ^ (uint64_t)(uintptr_t)&value << 20);
    }
    return value;
}
