/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/hash.h"

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *text;
} vectors[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
};

static void vectors_of_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct buf out;
        uint8_t back[16];
        size_t size = 99;
        buf_init(&out, 64);
        assert_int_equal(base64_encode(&out, vectors[i].plain, strlen(vectors[i].plain)), 0);
        assert_string_equal(buf_text(&out), vectors[i].text);
        assert_int_equal(base64_decode(vectors[i].text, strlen(vectors[i].text), back,
                                       strlen(vectors[i].plain), &size),
                         0);
        assert_int_equal(size, strlen(vectors[i].plain));
        assert_memory_equal(back, vectors[i].plain, size);
        buf_fini(&out);
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "Z",    "Zg",   "Zg=",       "Zh==", "Zm9=", "====",
                                         "Z===", "Zg=a", "Zm9v Zm9v", "Zm-v", "=Zg=", "Zg==Zg==" };
    uint8_t back[16];
    size_t size;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(base64_decode(wrong[i], strlen(wrong[i]), back, sizeof(back), &size),
                         BUSBAR_EINVAL);
    }
    assert_int_equal(base64_decode("Zm9v", 4, back, 2, &size), BUSBAR_ELIMIT);
    struct buf small;
    buf_init(&small, 3);
    assert_int_equal(base64_encode(&small, "f", 1), BUSBAR_ELIMIT);
    buf_fini(&small);
}

static void round_trips(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (size_t size = 0; size < 200; size++) {
        uint8_t data[200];
        uint8_t back[200];
        size_t written;
        struct buf out;
        for (size_t i = 0; i < size; i++) {
            data[i] = (uint8_t)hash_random(&seed);
        }
        buf_init(&out, 1024);
        assert_int_equal(base64_encode(&out, data, size), 0);
        assert_int_equal(
            base64_decode((const char *)out.data, out.size, back, sizeof(back), &written), 0);
        assert_int_equal(written, size);
        assert_memory_equal(back, data, size);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_standard),
        cmocka_unit_test(refused),
        cmocka_unit_test(round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
