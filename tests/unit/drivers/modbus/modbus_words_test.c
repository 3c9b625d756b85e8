/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in words, whole, cut and random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "drivers/modbus/modbus_device.h"

static void says(bool rtu, bool sent, const char *bytes, size_t size, const char *words)
{
    struct buf out;
    buf_init(&out, 1024);
    modbus_describe(rtu, sent, bytes, size, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
}

#define SAYS(rtu, sent, bytes, words) says(rtu, sent, bytes, sizeof(bytes) - 1, words)

static void frames_in_words(void **state)
{
    (void)state;
    SAYS(false, true, "\0\x11\0\0\0\6\3\3\0\x64\0\x19",
         "read holding 100..124, unit 3, transaction 17");
    SAYS(false, true, "\0\x12\0\0\0\6\3\4\0\x64\0\1", "read input 100, unit 3, transaction 18");
    SAYS(false, false, "\0\x11\0\0\0\7\3\3\4\0\1\xff\xff",
         "read holding: 2 registers: 0001 ffff, unit 3, transaction 17");
    SAYS(false, false, "\0\x11\0\0\0\3\3\x83\2",
         "exception 2 illegal data address to read holding, unit 3, transaction 17");
    SAYS(false, true, "\0\1\0\0\0\6\1\5\0\7\xff\0", "write coil 7 on, unit 1, transaction 1");
    SAYS(false, true, "\0\1\0\0\0\6\1\6\0\7\0\x2a", "write holding 7: 002a, unit 1, transaction 1");
    SAYS(true, true, "\5\3\0\0\0\x0a\xc5\xcd", "read holding 0..9, unit 5");
    SAYS(false, false, "\0\1\0\1\0\3\1\x83\2", "9 bytes that are no Modbus TCP frame");
    SAYS(false, false, "\0\1", "2 bytes, too few for a frame");
}

static void anything_can_be_described(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (int round = 0; round < 20000; round++) {
        size_t size = hash_random(&random) % 64;
        uint8_t *frame = malloc(size + 1);
        for (size_t i = 0; i < size; i++) {
            frame[i] = (uint8_t)(hash_random(&random) % (i < 8 ? 48 : 256));
        }
        uint8_t *exact = size > 0 ? malloc(size) : NULL;
        if (exact != NULL) {
            memcpy(exact, frame, size);
            exact[2 < size ? 2 : 0] = 0;
            exact[3 < size ? 3 : 0] = 0;
            exact[4 < size ? 4 : 0] = 0;
        }
        struct buf out;
        buf_init(&out, 4096);
        modbus_describe(round % 2, round % 3 == 0, exact, size, &out);
        assert_true(out.size > 0 && !out.overflow);
        buf_fini(&out);
        free(exact);
        free(frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_in_words),
        cmocka_unit_test(anything_can_be_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
