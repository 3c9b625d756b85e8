/* SPDX-License-Identifier: Apache-2.0 */
/* The tree as decoders build it: what is wrong stays wrong until the next filling; memory that fails; memory given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "payload/schemas.h"
#include "unit/payload/protobuf_vectors.h"
#include "unit/payload/tree_print.h"

static void nodes_stand_in_their_order(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    for (int round = 0; round < 2; round++) {
        payload_tree_begin(tree);
        assert_null(payload_tree_root(tree));
        payload_tree_open(tree, PAYLOAD_OBJECT);
        payload_tree_key(tree, "a", 1);
        payload_tree_open(tree, PAYLOAD_ARRAY);
        payload_tree_null(tree);
        payload_tree_bool(tree, true);
        payload_tree_int(tree, -1);
        payload_tree_close(tree);
        payload_tree_key(tree, "b", 1);
        payload_tree_double(tree, 1.5);
        payload_tree_key(tree, "c", 1);
        payload_tree_text(tree, "text", 4);
        payload_tree_key(tree, "", 0);
        payload_tree_bytes(tree, "\x01", 1);
        payload_tree_close(tree);
        assert_int_equal(payload_tree_end(tree), 0);
        assert_tree(tree, "{\"a\":[null,true,-1],\"b\":1.5,\"c\":\"text\",\"\":h'01'}");
    }
    payload_tree_free(tree);
    payload_tree_free(NULL);
}

static void the_first_error_stays(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    payload_tree_begin(tree);
    for (int i = 0; i <= PAYLOAD_DEPTH_MAX; i++) {
        payload_tree_open(tree, PAYLOAD_ARRAY);
    }
    payload_tree_int(tree, 1);
    assert_null(payload_tree_room(tree, 10));
    payload_tree_close(tree);
    assert_int_equal(payload_tree_end(tree), BUSBAR_ELIMIT);
    assert_null(payload_tree_root(tree));
    payload_tree_begin(tree);
    payload_tree_int(tree, 1);
    assert_int_equal(payload_tree_end(tree), 0);
    assert_tree(tree, "1");
    payload_tree_free(tree);
}

static const struct payload_schema *schema;

static int decode_protobuf(struct payload_tree *tree, struct bytes in, struct err *err)
{
    return payload_tree_protobuf(tree, schema, in, err);
}

/* Whichever piece of memory is not there: an error that says so, and the next filling is whole again. */
static void memory_may_fail_anywhere(void **state)
{
    static const struct {
        decode_fn decode;
        const char *hex;
        int least; /* pieces that are asked for */
    } rows[] = {
        { payload_tree_cbor, "a2015f41014102ff7f61616162ff03", 2 },
        { payload_tree_msgpack, "8201d6ff0000000002c3", 2 },
        { decode_protobuf, "40010a01614202020352020805", 2 },
    };
    (void)state;
    struct bytes descriptors = from_hex(acme_descriptors);
    struct prepared *made = NULL;
    assert_int_equal(payload_schemas_read(descriptors, &made, NULL), 0);
    assert_int_equal(payload_schemas_find((const void *)made, "Reading", &schema, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes in = from_hex(rows[i].hex);
        int failed = 0;
        for (long nth = 1; nth <= rows[i].least + 2; nth++) {
            struct payload_tree *tree = payload_tree_new();
            struct err err = { 0 };
            alloc_fail_nth(nth);
            int error = rows[i].decode(tree, in, &err);
            alloc_fail_nth(0);
            failed += error == BUSBAR_ENOMEM;
            assert_true(error == 0 || (error == BUSBAR_ENOMEM && err.code == error));
            assert_int_equal(payload_tree_root(tree) == NULL, error != 0);
            assert_int_equal(rows[i].decode(tree, in, &err), 0);
            payload_tree_free(tree);
        }
        assert_int_equal(failed, rows[i].least);
        bytes_fini(&in);
    }
    prepared_drop(made);
    bytes_fini(&descriptors);
}

/* Each piece of a thousand rooms is as long as all before: they become one, and then none is asked for. */
static void rooms_grow_together(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    for (int round = 0; round < 3; round++) {
        alloc_fail_nth(0);
        payload_tree_begin(tree);
        for (int i = 0; i < 1000; i++) {
            memset(payload_tree_room(tree, 100), round, 100);
        }
        payload_tree_null(tree);
        assert_int_equal(payload_tree_end(tree), 0);
    }
    assert_int_equal(alloc_try_count(), 0);
    payload_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_stand_in_their_order),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(memory_may_fail_anywhere),
        cmocka_unit_test(rooms_grow_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
