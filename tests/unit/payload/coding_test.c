/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies: what comes out, the limit on it, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "payload/coding.h"
#include "support/random.h"

enum { PLAIN = 700000, MAX = 1 << 20 };

static uint8_t plain[PLAIN];

static void fill(void)
{
    struct random random = { 21 };
    for (size_t i = 0; i < PLAIN; i++) {
        plain[i] = (uint8_t)(random_below(&random, 4) == 0 ? random_below(&random, 256) : i / 100);
    }
}

static void gzip(struct buf *out, const void *data, size_t size, int window)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *to = buf_reserve(out, deflateBound(&stream, size) + 32);
    stream.next_out = to;
    stream.avail_out = (uInt)(deflateBound(&stream, size) + 32);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buf_commit(out, stream.total_out);
    (void)deflateEnd(&stream);
}

static void zstd(struct buf *out, const void *data, size_t size)
{
    size_t bound = ZSTD_compressBound(size);
    uint8_t *to = buf_reserve(out, bound);
    size_t packed = ZSTD_compress(to, bound, data, size, 3);
    assert_false(ZSTD_isError(packed));
    buf_commit(out, packed);
}

static void pack(enum payload_coding coding, struct buf *out, const void *data, size_t size)
{
    switch (coding) {
    case PAYLOAD_GZIP: gzip(out, data, size, 31); break;
    case PAYLOAD_ZSTD: zstd(out, data, size); break;
    default: assert_int_equal(payload_snappy(data, size, out), 0);
    }
}

static int unpack(enum payload_coding coding, const void *data, size_t size, struct buf *out)
{
    struct err err = { 0 };
    struct bytes copy = bytes_dup(data, size);
    buf_clear(out);
    int error = payload_decode(coding, copy.start, size, out, &err);
    assert_int_equal(err.code, error);
    bytes_fini(&copy);
    return error;
}

static const enum payload_coding codings[] = { PAYLOAD_GZIP, PAYLOAD_ZSTD, PAYLOAD_SNAPPY };

static void all_of_it_comes_back(void **state)
{
    static const size_t sizes[] = { 0, 1, 100, 65536, 262144, 262145, PLAIN };
    struct buf packed, out;
    (void)state;
    buf_init(&packed, 4 * MAX);
    buf_init(&out, MAX);
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            buf_clear(&packed);
            pack(codings[c], &packed, plain, sizes[i]);
            assert_int_equal(unpack(codings[c], packed.data, packed.size, &out), 0);
            assert_int_equal(out.size, sizes[i]);
            assert_true(sizes[i] == 0 || memcmp(out.data, plain, sizes[i]) == 0);
        }
    }
    buf_clear(&packed);
    gzip(&packed, plain, 1000, 15); /* "deflate" */
    assert_int_equal(unpack(PAYLOAD_GZIP, packed.data, packed.size, &out), 0);
    assert_int_equal(out.size, 1000);
    for (int window = -15; window <= 15; window += 30) { /* without and with its head */
        buf_clear(&packed);
        gzip(&packed, plain, 1000, window);
        assert_int_equal(unpack(PAYLOAD_DEFLATE, packed.data, packed.size, &out), 0);
        assert_int_equal(out.size, 1000);
        assert_int_equal(unpack(PAYLOAD_DEFLATE, packed.data, packed.size / 2, &out),
                         BUSBAR_EPROTO);
    }
    for (size_t c = 0; c < 2; c++) { /* two members, two frames */
        buf_clear(&packed);
        pack(codings[c], &packed, plain, 1000);
        pack(codings[c], &packed, plain + 1000, 500);
        assert_int_equal(unpack(codings[c], packed.data, packed.size, &out), 0);
        assert_int_equal(out.size, 1500);
        assert_memory_equal(out.data, plain, 1500);
    }
    buf_fini(&packed);
    buf_fini(&out);
}

static void bombs_end_at_the_limit(void **state)
{
    struct buf packed, out;
    uint8_t *zeros = calloc(1, 16 * MAX);
    (void)state;
    buf_init(&packed, 32 * MAX);
    buf_init(&out, MAX);
    for (size_t c = 0; c < 3; c++) {
        buf_clear(&packed);
        pack(codings[c], &packed, zeros, 16 * MAX);
        assert_true(packed.size < MAX);
        assert_int_equal(unpack(codings[c], packed.data, packed.size, &out), BUSBAR_ELIMIT);
    }
    /* snappy that only says that it is big */
    assert_int_equal(unpack(PAYLOAD_SNAPPY, "\xff\xff\xff\xff\x0f", 5, &out), BUSBAR_ELIMIT);
    free(zeros);
    buf_fini(&packed);
    buf_fini(&out);
}

static void broken_ones_are_refused(void **state)
{
    struct buf packed, out;
    struct random random = { 22 };
    (void)state;
    buf_init(&packed, 4 * MAX);
    buf_init(&out, MAX);
    for (size_t c = 0; c < 3; c++) {
        buf_clear(&packed);
        pack(codings[c], &packed, plain, 3000);
        for (size_t size = codings[c] == PAYLOAD_SNAPPY ? 1 : 1; size < packed.size; size += 7) {
            assert_int_equal(unpack(codings[c], packed.data, size, &out), BUSBAR_EPROTO);
        }
        for (int i = 0; i < 3000; i++) {
            uint8_t *copy = malloc(packed.size);
            memcpy(copy, packed.data, packed.size);
            copy[random_below(&random, packed.size)] ^= (uint8_t)(1u << random_below(&random, 8));
            (void)unpack(codings[c], copy, packed.size, &out); /* ASan looks */
            free(copy);
        }
    }
    assert_int_equal(unpack(PAYLOAD_SNAPPY, "", 0, &out), BUSBAR_EPROTO);
    assert_int_equal(unpack(PAYLOAD_GZIP, "hello", 5, &out), BUSBAR_EPROTO);
    assert_int_equal(unpack(PAYLOAD_ZSTD, "hello", 5, &out), BUSBAR_EPROTO);
    buf_fini(&packed);
    buf_fini(&out);
}

static void words_name_codings(void **state)
{
    enum payload_coding coding = PAYLOAD_ZSTD;
    (void)state;
    assert_true(payload_coding_find(NULL, &coding) && coding == PAYLOAD_IDENTITY);
    assert_true(payload_coding_find("GZip", &coding) && coding == PAYLOAD_GZIP);
    assert_true(payload_coding_find("deflate", &coding) && coding == PAYLOAD_DEFLATE);
    assert_true(payload_coding_find("zstd", &coding) && coding == PAYLOAD_ZSTD);
    assert_true(payload_coding_find("snappy", &coding) && coding == PAYLOAD_SNAPPY);
    assert_false(payload_coding_find("br", &coding));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_comes_back),
        cmocka_unit_test(bombs_end_at_the_limit),
        cmocka_unit_test(broken_ones_are_refused),
        cmocka_unit_test(words_name_codings),
    };
    fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
