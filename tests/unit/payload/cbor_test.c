/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR: the examples of RFC 8949, appendix A; what is not well-formed, appendix F; and messages of another encoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/payload/cbor_vectors.h"
#include "unit/payload/tree_print.h"

struct row {
    const char *hex, *meant;
};

/* RFC 8949, table 6, in its order */
static const struct row examples[] = {
    { "00", "0" },
    { "0a", "10" },
    { "17", "23" },
    { "1818", "24" },
    { "1903e8", "1000" },
    { "1a000f4240", "1000000" },
    { "1b000000e8d4a51000", "1000000000000" },
    { "1bffffffffffffffff", "1.8446744073709552e+19" },
    { "c249010000000000000000", "1.8446744073709552e+19" },
    { "3bffffffffffffffff", "-1.8446744073709552e+19" },
    { "c349010000000000000000", "-1.8446744073709552e+19" },
    { "20", "-1" },
    { "3863", "-100" },
    { "3903e7", "-1000" },
    { "f90000", "0" },
    { "f98000", "-0" },
    { "f93c00", "1" },
    { "fb3ff199999999999a", "1.1" },
    { "f93e00", "1.5" },
    { "f97bff", "65504" },
    { "fa47c35000", "100000" },
    { "fa7f7fffff", "3.4028234663852886e+38" },
    { "fb7e37e43c8800759c", "1e+300" },
    { "f90001", "5.9604644775390625e-08" },
    { "f90400", "6.103515625e-05" },
    { "f9c400", "-4" },
    { "fbc010666666666666", "-4.1" },
    { "f97c00", "inf" },
    { "f97e00", "nan" },
    { "f9fc00", "-inf" },
    { "fa7f800000", "inf" },
    { "fb7ff8000000000000", "nan" },
    { "f4", "false" },
    { "f5", "true" },
    { "f6", "null" },
    { "f7", "null" }, /* undefined */
    { "f0", "null" }, /* simple(16): means nothing */
    { "f8ff", "null" },
    { "c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\"" },
    { "c11a514b67b0", "1363896240" },
    { "c1fb41d452d9ec200000", "1363896240.5" },
    { "d74401020304", "h'01020304'" },
    { "d818456449455446", "h'6449455446'" },
    { "d82076687474703a2f2f7777772e6578616d706c652e636f6d", "\"http://www.example.com\"" },
    { "40", "h''" },
    { "4401020304", "h'01020304'" },
    { "60", "\"\"" },
    { "6161", "\"a\"" },
    { "6449455446", "\"IETF\"" },
    { "62225c", "\"\\\"\\\\\"" },
    { "62c3bc", "\"\xc3\xbc\"" },
    { "64f0908591", "\"\xf0\x90\x85\x91\"" },
    { "80", "[]" },
    { "83010203", "[1,2,3]" },
    { "8301820203820405", "[1,[2,3],[4,5]]" },
    { "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
      "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]" },
    { "a0", "{}" },
    { "a201020304", "{\"1\":2,\"3\":4}" },
    { "a26161016162820203", "{\"a\":1,\"b\":[2,3]}" },
    { "826161a161626163", "[\"a\",{\"b\":\"c\"}]" },
    { "5f42010243030405ff", "h'0102030405'" },
    { "7f657374726561646d696e67ff", "\"streaming\"" },
    { "9fff", "[]" },
    { "9f018202039f0405ffff", "[1,[2,3],[4,5]]" },
    { "9f01820203820405ff", "[1,[2,3],[4,5]]" },
    { "83018202039f0405ff", "[1,[2,3],[4,5]]" },
    { "83019f0203ff820405", "[1,[2,3],[4,5]]" },
    { "bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}" },
    { "826161bf61626163ff", "[\"a\",{\"b\":\"c\"}]" },
    { "bf6346756ef563416d7421ff", "{\"Fun\":true,\"Amt\":-2}" },
    /* section 3.4.4 */
    { "c48221196ab3", "273.15" },
    { "c5822003", "1.5" },
    /* our own: the edges */
    { "1b7fffffffffffffff", "9223372036854775807" },
    { "3b7fffffffffffffff", "-9223372036854775808" },
    { "1b8000000000000000", "9.223372036854776e+18" },
    { "c2487fffffffffffffff", "9223372036854775807" },
    { "c3487fffffffffffffff", "-9223372036854775808" },
    { "c24a00000000000000000005", "5" },
    { "c240", "0" },
    { "c25f42010041ffff", "65791" },
    { "c48220c24105", "0.5" },
    { "c4821903e801", "inf" },
    { "d9d9f7a1616101", "{\"a\":1}" }, /* says of itself that it is CBOR */
    { "a1206161", "{\"-1\":\"a\"}" },  /* SenML */
    { "a1f501", "{\"true\":1}" },
    { "a1f93e0001", "{\"1.5\":1}" },
    { "a142abcd01", "{\"abcd\":1}" },
    { "a17f61616162ff01", "{\"ab\":1}" },
    { "c1c1c100", "0" },
};

static const struct {
    const char *hex, *says;
} wrongs[] = {
    { "", "byte 0: the CBOR ends" },
    { "1c", "begins like this" },
    { "1f", "begins like this" },
    { "3f", "begins like this" },
    { "df00", "begins like this" },
    { "ff", "an end where nothing" },
    { "81ff", "an end where nothing" },
    { "bf00ff", "an end where nothing" },
    { "a1ff01", "a key" },
    { "f801", "begins like this" },
    { "f818f6", "begins like this" },
    { "5f00ff", "no piece" },
    { "5f6161ff", "no piece" },
    { "5f5f4100ffff", "no piece" },
    { "7f7f6161ffff", "no piece" },
    { "0000", "1 bytes follow" },
    { "61ff", "not UTF-8" },
    { "7f61c361bcff", "not UTF-8" }, /* each piece must be */
    { "9b7fffffffffffffff", "ends in the middle" },
    { "9bffffffffffffffff00", "ends in the middle" },
    { "bb7fffffffffffffff", "ends in the middle" },
    { "bbffffffffffffffff00", "ends in the middle" },
    { "5bffffffffffffffff00", "ends in the middle" },
    { "a18001", "a key that is no text" },
    { "c201", "tag 2" },
    { "c401", "tag 4" },
    { "c4820161", "tag 4" },
    { "c48301010101", "tag 4" },
    { "c4821bffffffffffffffff01", "tag 4" },
};

static void examples_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        assert_decodes(payload_tree_cbor, examples[i].hex, examples[i].meant);
    }
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        assert_refuses(payload_tree_cbor, wrongs[i].hex, BUSBAR_EPROTO, wrongs[i].says);
    }
}

static void messages_of_cbor_x(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cbor_vectors) / sizeof(cbor_vectors[0]); i++) {
        assert_decodes(payload_tree_cbor, cbor_vectors[i].hex, cbor_vectors[i].meant);
    }
}

static void every_prefix_and_every_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        assert_robust(payload_tree_cbor, examples[i].hex);
    }
    for (size_t i = 0; i < sizeof(cbor_vectors) / sizeof(cbor_vectors[0]); i++) {
        assert_robust(payload_tree_cbor, cbor_vectors[i].hex);
    }
}

static void depth_is_limited(void **state)
{
    (void)state;
    assert_decodes(payload_tree_cbor, "8181818181818181818181818181818101",
                   "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]");
    assert_refuses(payload_tree_cbor, "818181818181818181818181818181818101", BUSBAR_ELIMIT,
                   "byte 16: nested more than 16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc), cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(messages_of_cbor_x),  cmocka_unit_test(every_prefix_and_every_bit),
        cmocka_unit_test(depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
