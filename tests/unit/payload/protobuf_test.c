/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf by descriptors: messages of another encoder, fields out of order, what is missing, what is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "payload/schemas.h"
#include "unit/payload/protobuf_vectors.h"
#include "unit/payload/tree_print.h"

/* The tables of both files. */
struct tables {
    struct prepared *acme, *old;
};

static const struct payload_schema *schema_of(const struct tables *tables, const char *name)
{
    const struct payload_schema *schema = NULL;
    const void *from = strstr(name, "old") != NULL ? tables->old : tables->acme;
    struct err err = { 0 };
    if (payload_schemas_find(from, name, &schema, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return schema;
}

static int set_up(void **state)
{
    struct tables *tables = calloc(1, sizeof(*tables));
    struct bytes acme = from_hex(acme_descriptors);
    struct bytes old = from_hex(old_descriptors);
    assert_int_equal(payload_schemas_read(acme, &tables->acme, NULL), 0);
    assert_int_equal(payload_schemas_read(old, &tables->old, NULL), 0);
    bytes_fini(&acme);
    bytes_fini(&old);
    *state = tables;
    return 0;
}

static int tear_down(void **state)
{
    struct tables *tables = *state;
    prepared_drop(tables->acme);
    prepared_drop(tables->old);
    free(tables);
    return 0;
}

static void assert_message(const struct tables *tables, const char *type, const char *hex,
                           const char *meant)
{
    struct payload_tree *tree = payload_tree_new();
    struct bytes in = from_hex(hex);
    struct err err = { 0 };
    if (payload_tree_protobuf(tree, schema_of(tables, type), in, &err) != 0) {
        fail_msg("%s: %s", hex, err.message);
    }
    assert_tree(tree, meant);
    bytes_fini(&in);
    payload_tree_free(tree);
}

#define NO_READING "\"id\":\"\",\"power\":0,\"delta\":0,\"energy\":0,\"ok\":false,\"state\":\"OFF\""
#define NO_REST    "\"raw\":h'',\"zig\":0,\"f32\":0,\"sf64\":0"

static void messages_of_protobufjs(void **state)
{
    static const char *const meant[] = {
        "{\"id\":\"m-1\",\"power\":1234.5,\"delta\":-5,\"energy\":7,\"ok\":true,\"state\":"
        "\"ON\"," NO_REST "}",
        "{" NO_READING "," NO_REST "}",
        "{" NO_READING
        ",\"phases\":[{\"name\":\"L1\",\"amps\":1.5,\"steps\":[-1,2,-300]},{\"name\":\"L2\","
        "\"amps\":0}],\"counts\":[1,-2,300000],\"raw\":h'',\"zig\":-9,\"f32\":0,\"sf64\":0}",
        "{" NO_READING ",\"extra\":{\"a\":1,\"b c\":2.5},\"by_number\":{\"5\":{\"name\":\"\","
        "\"amps\":0},\"-3\":{\"name\":\"x\",\"amps\":0}},\"channel\":9,\"level\":0,"
        "\"raw\":h'0102ff',\"zig\":0,\"f32\":0,\"sf64\":0}",
        "{" NO_READING ",\"meter\":\"m\",\"raw\":h'',\"zig\":0,\"f32\":4000000000,\"sf64\":-5,"
        "\"at\":\"2024-11-23T07:07:58.500000Z\",\"states\":[\"OFF\",\"FAULT\",3],\"inner\":{"
        "\"id\":\"in\",\"power\":0,\"delta\":0,\"energy\":0,\"ok\":false,\"state\":\"OFF\"," NO_REST
        ",\"inner\":{\"id\":\"inin\",\"power\":0,\"delta\":0,\"energy\":0,\"ok\":false,"
        "\"state\":\"OFF\"," NO_REST "}}}",
        "{\"id\":5,\"list\":[1.5,-2],\"after\":8}",
    };
    for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++) {
        assert_message(*state, protobuf_vectors[i].type, protobuf_vectors[i].hex, meant[i]);
    }
}

static void order_does_not_matter(void **state)
{
    /* counts 1, id "a", counts packed 2 3, phases L1, counts 4, id "b": the last one counts */
    assert_message(*state, "Reading",
                   "4001"
                   "0a0161"
                   "42020203"
                   "3a040a024c31"
                   "4004"
                   "0a0162",
                   "{\"id\":\"a\",\"id\":\"b\",\"power\":0,\"delta\":0,\"energy\":0,\"ok\":false,"
                   "\"state\":\"OFF\",\"phases\":[{\"name\":\"L1\",\"amps\":0}],"
                   "\"counts\":[1,2,3,4]," NO_REST "}");
    /* oneof: first the channel, then the meter; the other way round */
    assert_message(*state, "Reading", "60095a016d", "{" NO_READING ",\"meter\":\"m\"," NO_REST "}");
    assert_message(*state, "Reading", "5a016d6009", "{" NO_READING ",\"channel\":9," NO_REST "}");
    /* a map whose entries come apart; without key, without value */
    assert_message(
        *state, "Reading",
        "4a0c0a016111000000000000f03f2801"
        "4a09110000000000000040"
        "4a030a0162"
        "52020805",
        "{\"id\":\"\",\"power\":0,\"delta\":0,\"energy\":0,\"ok\":true,\"state\":\"OFF\","
        "\"extra\":{\"a\":1,\"\":2,\"b\":0},\"by_number\":{\"5\":{\"name\":\"\","
        "\"amps\":0}}," NO_REST "}");
}

static void unknown_fields_and_groups_are_left_out(void **state)
{
    /* proto2: the group 4 (n 7), an unknown group 9 with one inside, unknown 100 of each kind */
    assert_message(*state, "acme.old.Sample",
                   "0805"
                   "23080724"
                   "4b530801544c",
                   "{\"id\":5}");
    assert_message(*state, "acme.old.Sample", "a006010805a50600000000a1060000000000000000a2060161",
                   "{\"id\":5}");
    /* what proto2 does not send is not there, also when it has a default */
    assert_message(*state, "acme.old.Sample", "", "{}");
}

static void numbers_have_their_widths(void **state)
{
    /* delta as ten bytes, energy beyond int64, ok as 2, state beyond int32 */
    assert_message(*state, "Reading",
                   "18ffffffffffffffffff01"
                   "20ffffffffffffffffff01"
                   "2802"
                   "3063",
                   "{\"id\":\"\",\"power\":0,\"delta\":-1,\"energy\":1.8446744073709552e+19,"
                   "\"ok\":true,\"state\":99," NO_REST "}");
}

static void refuse(const struct tables *tables, const char *type, const char *hex, int code,
                   const char *says)
{
    struct payload_tree *tree = payload_tree_new();
    struct bytes in = from_hex(hex);
    struct err err = { 0 };
    int error = payload_tree_protobuf(tree, schema_of(tables, type), in, &err);
    if (error != code || strstr(err.message, says) == NULL) {
        fail_msg("%s: %d %s", hex, error, err.message);
    }
    assert_null(payload_tree_root(tree));
    bytes_fini(&in);
    payload_tree_free(tree);
}

static void what_is_wrong_is_said(void **state)
{
    refuse(*state, "Reading", "0a05616263", BUSBAR_EPROTO, "byte 0: this is no field");
    refuse(*state, "Reading", "28010a05616263", BUSBAR_EPROTO, "byte 2: this is no field");
    refuse(*state, "Reading", "2801090000000000000000", BUSBAR_EPROTO,
           "byte 2: id of acme.Reading is of another type");
    refuse(*state, "Reading", "0a02c328", BUSBAR_EPROTO, "id is a text that is not UTF-8");
    refuse(*state, "Reading", "42020180", BUSBAR_EPROTO, "the numbers of counts end too early");
    refuse(*state, "Reading", "00", BUSBAR_EPROTO, "no field");
    refuse(*state, "Reading", "0f", BUSBAR_EPROTO, "no field");
    refuse(*state, "Reading", "24", BUSBAR_EPROTO, "no field");
    refuse(*state, "Reading", "920109088080808080808040", BUSBAR_EPROTO, "byte");
    refuse(*state, "acme.old.Sample", "2b", BUSBAR_EPROTO, "no field");
    refuse(*state, "acme.old.Sample", "2b34", BUSBAR_EPROTO, "no field");
}

/* Readings in readings. */
static void depth_is_limited(void **state)
{
    struct buf hex;
    buf_init(&hex, 4096);
    for (int levels = 18; levels > 0; levels--) {
        (void)buf_printf(&hex, "a201%02x", 3 * (levels - 1));
    }
    refuse(*state, "Reading", buf_text(&hex), BUSBAR_ELIMIT, "nested more than 16");
    buf_fini(&hex);
}

static void every_prefix_and_every_bit(void **state)
{
    struct payload_tree *tree = payload_tree_new();
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof(protobuf_vectors) / sizeof(protobuf_vectors[0]); i++) {
        const struct payload_schema *schema = schema_of(*state, protobuf_vectors[i].type);
        struct bytes whole = from_hex(protobuf_vectors[i].hex);
        size_t size = bytes_left(&whole);
        for (size_t at = 0; at < size + 8 * size; at++) {
            struct bytes in = bytes_dup(whole.start, at < size ? at : size);
            struct err err = { 0 };
            if (at >= size) {
                ((uint8_t *)(uintptr_t)in.start)[(at - size) / 8] ^= (uint8_t)(1
                                                                               << (at - size) % 8);
            }
            buf_clear(&out);
            if (payload_tree_protobuf(tree, schema, in, &err) == 0) {
                (void)print_node(payload_tree_root(tree), &out);
            } else {
                assert_true(err.message[0] != '\0' && err.hint[0] != '\0');
                assert_null(payload_tree_root(tree));
            }
            bytes_fini(&in);
        }
        bytes_fini(&whole);
    }
    buf_fini(&out);
    payload_tree_free(tree);
}

/* Descriptors with a bit flipped, or cut off: read or refused; messages read by what came out do no harm. */
static void broken_descriptors_do_no_harm(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    struct bytes whole = from_hex(acme_descriptors);
    struct bytes in = from_hex(protobuf_vectors[3].hex);
    size_t size = bytes_left(&whole);
    int refused = 0;
    for (size_t at = 0; at < size + 8 * size; at++) {
        struct bytes copy = bytes_dup(whole.start, at < size ? at : size);
        struct prepared *made = NULL;
        struct err err = { 0 };
        const struct payload_schema *schema = NULL;
        if (at >= size) {
            ((uint8_t *)(uintptr_t)copy.start)[(at - size) / 8] ^= (uint8_t)(1 << (at - size) % 8);
        }
        if (payload_schemas_read(copy, &made, &err) == 0) {
            if (payload_schemas_find((const void *)made, "Reading", &schema, NULL) == 0) {
                (void)payload_tree_protobuf(tree, schema, in, NULL);
            }
            prepared_drop(made);
        } else {
            assert_true(err.message[0] != '\0');
            refused++;
        }
        bytes_fini(&copy);
    }
    assert_true(refused > 100);
    bytes_fini(&in);
    bytes_fini(&whole);
    payload_tree_free(tree);
}

static void names_are_found(void **state)
{
    struct tables *tables = *state;
    const struct payload_schemas *acme = (const void *)tables->acme;
    const struct payload_schema *a = NULL;
    const struct payload_schema *b = NULL;
    struct err err = { 0 };
    assert_int_equal(payload_schemas_find(acme, "acme.Reading", &a, &err), 0);
    assert_int_equal(payload_schemas_find(acme, "Reading", &b, &err), 0);
    assert_ptr_equal(a, b);
    assert_int_equal(payload_schemas_find(acme, ".acme.Reading", &b, &err), 0);
    assert_int_equal(payload_schemas_find(acme, "Phase", &b, &err), 0);
    assert_int_equal(payload_schemas_find(acme, "Readin", &b, &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.hint, "'Reading'"));
    assert_int_equal(payload_schemas_find(NULL, "Reading", &b, &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.hint, "schemas:"));
}

/* ---- the folder ---- */

struct warnings {
    int count;
    char last[ERR_MESSAGE_MAX];
};

static void warn(void *ctx, const struct err *err)
{
    struct warnings *warnings = ctx;
    warnings->count++;
    (void)str_copy(warnings->last, sizeof(warnings->last), err->message);
}

static void write_file(const char *folder, const char *name, const void *data, size_t size)
{
    char path[512];
    assert_true(file_join(path, sizeof(path), folder, name));
    assert_int_equal(file_write(file_ops_real(), path, data, size, 0600, NULL), 0);
}

static void a_folder_is_read(void **state)
{
    (void)state;
    char folder[] = "/tmp/busbar-schemas-XXXXXX";
    struct bytes acme = from_hex(acme_descriptors);
    struct bytes old = from_hex(old_descriptors);
    struct warnings warnings = { 0 };
    struct prepare how = { .folder = "/tmp", .warn = warn, .ctx = &warnings };
    struct prepared *first = NULL;
    struct prepared *second = NULL;
    struct err err = { 0 };
    const struct payload_schema *schema = NULL;
    assert_non_null(mkdtemp(folder));
    write_file(folder, "acme.desc", acme.start, bytes_left(&acme));
    assert_int_equal(payload_schemas_load(folder + 5, &how, &first, &err), 0); /* below /tmp */
    assert_int_equal(warnings.count, 0);
    write_file(folder, "old.desc", old.start, bytes_left(&old));
    write_file(folder, "readme.txt", "hello", 5);
    write_file(folder, ".hidden", "hello", 5);
    assert_int_equal(payload_schemas_load(folder, &how, &second, &err), 0);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.last, "readme.txt: it is no set of descriptors"));
    assert_int_not_equal(first->hash, second->hash);
    assert_int_equal(payload_schemas_find((const void *)second, "Sample", &schema, &err), 0);
    assert_int_equal(payload_schemas_find((const void *)second, "Reading", &schema, &err), 0);
    prepared_drop(first);
    prepared_drop(second);
    assert_int_equal(payload_schemas_load("no-such-folder", &how, &first, &err), BUSBAR_ENOENT);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(payload_schemas_load(NULL, &how, &first, &err), 0);
    prepared_drop(first);
    char path[600];
    static const char *const names[] = { "acme.desc", "old.desc", "readme.txt", ".hidden" };
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    bytes_fini(&acme);
    bytes_fini(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_protobufjs),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(unknown_fields_and_groups_are_left_out),
        cmocka_unit_test(numbers_have_their_widths),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(every_prefix_and_every_bit),
        cmocka_unit_test(broken_descriptors_do_no_harm),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(a_folder_is_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
