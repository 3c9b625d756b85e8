/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash against a slow twin written from its definition, stable hashes against fixed values, the generator's spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

/* One byte at a time, words as arrays: only the definition is shared with the code under test. */
static uint64_t slow_siphash13(const uint64_t key[2], const uint8_t *data, size_t size)
{
    uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                      key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
    size_t words = size / 8 + 1;
    for (size_t w = 0; w < words + 3; w++) {
        uint64_t m = 0;
        for (size_t i = 0; w < words && i < 8; i++) {
            size_t at = w * 8 + i;
            uint64_t byte = at < size ? data[at] : i == 7 ? size & 0xff : 0;
            m |= byte << (8 * i);
        }
        if (w == words) {
            v[2] ^= 0xff;
        }
        v[3] ^= m;
        v[0] += v[1];
        v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0];
        v[0] = v[0] << 32 | v[0] >> 32;
        v[2] += v[3];
        v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2];
        v[0] += v[3];
        v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0];
        v[2] += v[1];
        v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2];
        v[2] = v[2] << 32 | v[2] >> 32;
        v[0] ^= m;
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void siphash_matches_its_definition(void **state)
{
    (void)state;
    uint8_t data[64];
    uint64_t seed = 11;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)hash_random(&seed);
    }
    const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    for (size_t size = 0; size < sizeof(data); size++) {
        assert_true(hash_siphash(key[0], key[1], data, size) == slow_siphash13(key, data, size));
    }
    assert_true(hash_keyed("a", 1) == hash_keyed("a", 1));
    assert_true(hash_keyed("a", 1) != hash_keyed("b", 1));
}

static void stable_hashes_never_change(void **state)
{
    (void)state;
    /* FNV-1a of the empty text and of "a" (their published values), mixed */
    assert_true(hash_bytes("", 0) == hash_u64(0xcbf29ce484222325));
    assert_true(hash_text("a") == hash_u64(0xaf63dc4c8601ec8c));
    assert_true(hash_u64(0) == 0);
    assert_true(hash_u64(1) != hash_u64(2));
}

static void the_generator_spreads(void **state)
{
    (void)state;
    uint64_t seed = 1;
    size_t counts[16] = { 0 };
    for (int i = 0; i < 16000; i++) {
        counts[hash_random(&seed) % 16]++;
    }
    for (size_t i = 0; i < 16; i++) {
        assert_in_range(counts[i], 850, 1150);
    }
    uint64_t again = 1;
    uint64_t first = hash_random(&again);
    again = 1;
    assert_true(hash_random(&again) == first);
    assert_true(hash_entropy() != hash_entropy());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_matches_its_definition),
        cmocka_unit_test(stable_hashes_never_change),
        cmocka_unit_test(the_generator_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
