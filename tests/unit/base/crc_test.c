/* SPDX-License-Identifier: Apache-2.0 */
/* Check values of the standards, and the fast crc32c against the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/crc.h"
#include "base/hash.h"

static void crc32c_matches_rfc_3720(void **state)
{
    (void)state;
    uint8_t data[32] = { 0 };
    assert_int_equal(crc32c(0, data, 32), 0x8a9136aa); /* RFC 3720 B.4: 32 bytes of zeros */
    memset(data, 0xff, 32);
    assert_int_equal(crc32c(0, data, 32), 0x62a8ab43); /* 32 bytes of ones */
    for (size_t i = 0; i < 32; i++) {
        data[i] = (uint8_t)i;
    }
    assert_int_equal(crc32c(0, data, 32), 0x46dd794e); /* 0, 1 ... 31 */
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_table(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void both_versions_agree_in_any_pieces(void **state)
{
    (void)state;
    uint8_t data[300];
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)hash_random(&seed);
    }
    for (size_t size = 0; size <= sizeof(data); size++) {
        uint32_t whole = crc32c(0, data, size);
        assert_int_equal(crc32c_table(0, data, size), whole);
        size_t cut = size / 3;
        assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, size - cut), whole);
        assert_int_equal(crc32c_table(crc32c_table(0, data, cut), data + cut, size - cut), whole);
    }
}

static void crc16_matches_known_frames(void **state)
{
    (void)state;
    assert_int_equal(crc16_modbus("123456789", 9), 0x4b37); /* catalogue check value */
    /* serial line guide: 02 07 has CRC bytes 41 12 on the wire */
    static const uint8_t frame[] = { 0x02, 0x07 };
    assert_int_equal(crc16_modbus(frame, 2), 0x1241);
    assert_int_equal(crc16_modbus(NULL, 0), 0xffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_matches_rfc_3720),
        cmocka_unit_test(both_versions_agree_in_any_pieces),
        cmocka_unit_test(crc16_matches_known_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
