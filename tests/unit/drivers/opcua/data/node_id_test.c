/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/node_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const table[] = { "http://opcfoundation.org/UA/", "urn:server", "urn:acme;x" };
static const struct opcua_server_facts facts = { .namespaces = table, .namespace_count = 3 };

/* As a person writes it, to the server's, and back as busbar writes it. */
static void there_and_back(const char *text, uint16_t index, const char *back)
{
    struct arena arena;
    struct opcua_id id;
    UA_NodeId node;
    struct buf out;
    arena_init(&arena, 1 << 16);
    buf_init(&out, 1 << 12);
    assert_int_equal(opcua_id_parse(text, &arena, NULL, &id, NULL), 0);
    assert_int_equal(opcua_node_id(&id, &facts, &node), 0);
    assert_int_equal(node.namespaceIndex, index);
    opcua_node_id_print(&node, &facts, &out);
    assert_string_equal(buf_text(&out), back);
    buf_fini(&out);
    arena_fini(&arena);
}

static void by_the_table_of_the_server(void **state)
{
    (void)state;
    there_and_back("i=85", 0, "i=85");
    there_and_back("nsu=urn:server;i=7", 1, "nsu=urn:server;i=7");
    there_and_back("ns=1;i=7", 1, "nsu=urn:server;i=7");
    there_and_back("nsu=urn:acme%3Bx;s=Oil.Temp", 2, "nsu=urn:acme%3Bx;s=Oil.Temp");
    there_and_back("ns=9;s=far", 9, "ns=9;s=far");
    there_and_back("ns=2;g=09087e75-8e5e-499b-954f-f2a9603db28a", 2,
                   "nsu=urn:acme%3Bx;g=09087e75-8e5e-499b-954f-f2a9603db28a");
    there_and_back("ns=2;b=AAEC", 2, "nsu=urn:acme%3Bx;b=AAEC");
}

/* The same on the wire as the library writes it. */
static void as_the_library_reads_it(void **state)
{
    (void)state;
    static const char *const texts[] = { "ns=1;i=7", "ns=1;s=Oil.Temp",
                                         "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a",
                                         "ns=1;b=AAEC" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arena arena;
        struct opcua_id id;
        UA_NodeId ours;
        UA_NodeId theirs;
        arena_init(&arena, 1 << 16);
        assert_int_equal(opcua_id_parse(texts[i], &arena, NULL, &id, NULL), 0);
        assert_int_equal(opcua_node_id(&id, NULL, &ours), 0);
        assert_int_equal(UA_NodeId_parse(&theirs, UA_STRING((char *)(uintptr_t)texts[i])),
                         UA_STATUSCODE_GOOD);
        assert_true(UA_NodeId_equal(&ours, &theirs));
        UA_NodeId_clear(&theirs);
        arena_fini(&arena);
    }
}

static void unknown_namespaces(void **state)
{
    (void)state;
    struct arena arena;
    struct opcua_id id;
    UA_NodeId node;
    arena_init(&arena, 1 << 16);
    assert_int_equal(opcua_id_parse("nsu=urn:other;i=7", &arena, NULL, &id, NULL), 0);
    assert_int_equal(opcua_node_id(&id, &facts, &node), BUSBAR_ENOENT);
    assert_int_equal(opcua_node_id(&id, NULL, &node), BUSBAR_ENOENT);
    arena_fini(&arena);
}

static void ids_of_other_servers(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 12);
    UA_ExpandedNodeId id = UA_EXPANDEDNODEID_NUMERIC(1, 7);
    opcua_expanded_id_print(&id, &facts, &out);
    assert_string_equal(buf_text(&out), "nsu=urn:server;i=7");
    buf_clear(&out);
    id.serverIndex = 4;
    id.namespaceUri = UA_STRING("urn:far%");
    opcua_expanded_id_print(&id, &facts, &out);
    assert_string_equal(buf_text(&out), "svr=4;nsu=urn:far%25;i=7");
    buf_clear(&out);
    id = UA_EXPANDEDNODEID_NUMERIC(0, 7);
    id.namespaceUri = UA_STRING("http://opcfoundation.org/UA/");
    opcua_expanded_id_print(&id, NULL, &out);
    assert_string_equal(buf_text(&out), "i=7");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_table_of_the_server),
        cmocka_unit_test(as_the_library_reads_it),
        cmocka_unit_test(unknown_namespaces),
        cmocka_unit_test(ids_of_other_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
