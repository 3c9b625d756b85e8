/* SPDX-License-Identifier: Apache-2.0 */
/* A server of three lines stands behind opcua_call(): what it is asked is kept, and answered by the test. */
#include "drivers/opcua/data/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "drivers/opcua/data/decode.h"
#include "drivers/opcua/text/status.h"
#include "net/loop.h"

/* ---- the server ---- */

struct asked {
    bool read;
    UA_NodeId ids[128];
    uint32_t reference;
    size_t count;
    opcua_called_cb called;
    void *ctx;
    unsigned calls, canceled;
};

static struct asked asked;
static struct opcua_server_facts facts;
static bool link_up;

struct opcua_call *opcua_call(struct opcua_seat *seat, const void *request,
                              const UA_DataType *request_type, const UA_DataType *response_type,
                              int64_t timeout_us, opcua_called_cb called, void *ctx)
{
    (void)seat;
    assert_true(timeout_us > 0);
    asked.read = request_type == &UA_TYPES[UA_TYPES_READREQUEST];
    asked.called = called;
    asked.ctx = ctx;
    asked.calls++;
    if (asked.read) {
        const UA_ReadRequest *read = request;
        assert_ptr_equal(response_type, &UA_TYPES[UA_TYPES_READRESPONSE]);
        asked.count = read->nodesToReadSize;
        for (size_t i = 0; i < asked.count; i++) {
            asked.ids[i] = read->nodesToRead[i].nodeId;
            assert_int_equal(read->nodesToRead[i].attributeId, UA_ATTRIBUTEID_DATATYPEDEFINITION);
        }
    } else {
        const UA_BrowseRequest *browse = request;
        asked.count = browse->nodesToBrowseSize;
        for (size_t i = 0; i < asked.count; i++) {
            asked.ids[i] = browse->nodesToBrowse[i].nodeId;
            asked.reference = browse->nodesToBrowse[i].referenceTypeId.identifier.numeric;
            assert_int_equal(browse->nodesToBrowse[i].browseDirection, UA_BROWSEDIRECTION_INVERSE);
        }
    }
    return (struct opcua_call *)&asked;
}

void opcua_call_cancel(struct opcua_call *call)
{
    asked.canceled += call != NULL;
}

const struct opcua_server_facts *opcua_seat_facts(const struct opcua_seat *seat)
{
    (void)seat;
    return link_up ? &facts : NULL;
}

static void answer_trouble(int error)
{
    const struct opcua_trouble trouble = { .error = error };
    asked.called(asked.ctx, NULL, &trouble);
}

/* To each node asked for a reference to `targets`, 0: none. */
static void answer_browse(const uint32_t *targets, size_t count)
{
    UA_BrowseResult results[8];
    UA_ReferenceDescription references[8];
    UA_BrowseResponse response;
    memset(&response, 0, sizeof(response));
    memset(results, 0, sizeof(results));
    memset(references, 0, sizeof(references));
    for (size_t i = 0; i < count; i++) {
        bool standard = targets[i] < 1000;
        references[i].nodeId.nodeId = UA_NODEID_NUMERIC(standard ? 0 : 2, targets[i]);
        results[i].references = &references[i];
        results[i].referencesSize = targets[i] != 0;
    }
    response.results = results;
    response.resultsSize = count;
    asked.called(asked.ctx, &response, NULL);
}

static void answer_read(const UA_Variant *values, size_t count)
{
    UA_DataValue results[8];
    UA_ReadResponse response;
    memset(&response, 0, sizeof(response));
    memset(results, 0, sizeof(results));
    for (size_t i = 0; i < count; i++) {
        results[i].value = values[i];
        results[i].hasValue = values[i].type != NULL;
        results[i].hasStatus = values[i].type == NULL;
        results[i].status = UA_STATUSCODE_BADATTRIBUTEIDINVALID;
        if (results[i].hasValue) {
            results[i].status = UA_STATUSCODE_GOOD;
        }
    }
    response.results = results;
    response.resultsSize = count;
    asked.called(asked.ctx, &response, NULL);
}

/* ---- its types ---- */

static UA_StructureField field(char *name, uint16_t index, uint32_t type, int32_t rank,
                               bool optional)
{
    UA_StructureField out;
    UA_StructureField_init(&out);
    out.name = UA_STRING(name);
    out.dataType = UA_NODEID_NUMERIC(index, type);
    out.valueRank = rank;
    out.isOptional = optional;
    return out;
}

static UA_StructureDefinition definition(UA_StructureType type, UA_StructureField *fields,
                                         size_t count)
{
    UA_StructureDefinition out;
    UA_StructureDefinition_init(&out);
    out.structureType = type;
    out.fields = fields;
    out.fieldsSize = count;
    return out;
}

static UA_Variant variant_of(void *value, unsigned type)
{
    UA_Variant out;
    UA_Variant_setScalar(&out, value, &UA_TYPES[type]);
    return out;
}

struct rig {
    struct opcua_types *types;
    struct arena texts;
    struct loop *loop;
    unsigned loaded;
};

static void loaded(void *ctx)
{
    ((struct rig *)ctx)->loaded++;
}

static int begin(void **state)
{
    static struct rig rig;
    memset(&asked, 0, sizeof(asked));
    memset(&facts, 0, sizeof(facts));
    link_up = true;
    rig.loaded = 0;
    clock_fake_set(1000000, INT64_C(1795000000000000));
    rig.loop = loop_new();
    rig.types = opcua_types_new((struct opcua_seat *)&facts, rig.loop, loaded, &rig);
    opcua_types_up(rig.types, false);
    arena_init(&rig.texts, 1 << 20);
    *state = &rig;
    return 0;
}

static int end(void **state)
{
    struct rig *rig = *state;
    opcua_types_free(rig->types);
    arena_fini(&rig->texts);
    loop_free(rig->loop);
    clock_fake_off();
    return 0;
}

/* A Variant with an ExtensionObject of this encoding and body. */
static struct bytes object(uint32_t encoding, const void *body, size_t size)
{
    static uint8_t data[512];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bytes_put_u8(&out, OPCUA_EXTENSION_OBJECT);
    bytes_put_u8(&out, 2); /* numeric node id */
    bytes_put_u16le(&out, 2);
    bytes_put_u32le(&out, encoding);
    bytes_put_u8(&out, 1);
    bytes_put_u32le(&out, (uint32_t)size);
    bytes_put_block(&out, body, size);
    return bytes_of(data, bytes_out_size(&out));
}

static uint16_t decode(struct rig *rig, struct bytes in, const char *member, struct sample *out)
{
    bool raw;
    return opcua_decode(in, member, false, rig->types, &rig->texts, out, &raw);
}

static void is_text(struct rig *rig, struct bytes in, const char *member, const char *want)
{
    struct sample sample;
    assert_int_equal(decode(rig, in, member, &sample), 0);
    assert_int_equal(sample.type, VALUE_TEXT);
    assert_string_equal(sample.value.text->bytes, want);
}

static void is_int(struct rig *rig, struct bytes in, const char *member, int64_t want)
{
    struct sample sample;
    assert_int_equal(decode(rig, in, member, &sample), 0);
    assert_int_equal(sample.type, VALUE_INT);
    assert_true(sample.value.i == want);
}

/* struct Axis { Int16 Speed; Mode mode; }   struct Machine { Axis Main; Axis[] Axes; String Name; Int32[][] Table }
 * encodings 5001 (Machine), data types 3001 (Machine), 3002 (Axis), 3003 (Mode, an enumeration), 3004 (a kind of Int16) */
static void load_machine(struct rig *rig, struct bytes in)
{
    struct sample sample;
    assert_int_equal(decode(rig, in, NULL, &sample), OPCUA_FOUND_LOADING);
    assert_false(asked.read);
    assert_int_equal(asked.reference, 38);
    assert_int_equal(asked.ids[0].identifier.numeric, 5001);
    answer_browse((uint32_t[]){ 3001 }, 1);
    assert_true(asked.read);
    assert_int_equal(asked.ids[0].identifier.numeric, 3001);
    UA_StructureField fields[] = { field("Main", 2, 3002, -1, false),
                                   field("Axes", 2, 3002, 1, false),
                                   field("Name", 0, 12, -1, false),
                                   field("Table", 0, 6, 2, false) };
    UA_StructureDefinition machine = definition(UA_STRUCTURETYPE_STRUCTURE, fields, 4);
    answer_read((UA_Variant[]){ variant_of(&machine, UA_TYPES_STRUCTUREDEFINITION) }, 1);
    assert_true(asked.read);
    assert_int_equal(asked.count, 1);
    assert_int_equal(asked.ids[0].identifier.numeric, 3002);
    UA_StructureField axis_fields[] = { field("Speed", 2, 3004, -1, false),
                                        field("Mode", 2, 3003, -1, false) };
    UA_StructureDefinition axis = definition(UA_STRUCTURETYPE_STRUCTURE, axis_fields, 2);
    answer_read((UA_Variant[]){ variant_of(&axis, UA_TYPES_STRUCTUREDEFINITION) }, 1);
    assert_int_equal(asked.count, 2);
    UA_EnumField names[2];
    memset(names, 0, sizeof(names));
    names[0].name = UA_STRING("Hand");
    names[1].name = UA_STRING("Auto");
    names[1].value = 1;
    UA_EnumDefinition mode = { .fieldsSize = 2, .fields = names };
    UA_Variant nothing;
    UA_Variant_init(&nothing);
    bool enum_first = asked.ids[0].identifier.numeric == 3003;
    UA_Variant told = variant_of(&mode, UA_TYPES_ENUMDEFINITION);
    answer_read(enum_first ? (UA_Variant[]){ told, nothing } : (UA_Variant[]){ nothing, told }, 2);
    assert_false(asked.read);
    assert_int_equal(asked.reference, 45);
    assert_int_equal(asked.ids[0].identifier.numeric, 3004);
    assert_int_equal(rig->loaded, 0);
    answer_browse((uint32_t[]){ OPCUA_INT16 }, 1);
    assert_int_equal(rig->loaded, 1);
}

static const uint8_t machine_body[] = {
    7,    0,   1, 0, 0,   0,                     /* Main: Speed 7, Mode 1 */
    2,    0,   0, 0,                             /* two axes */
    0xfe, 255, 0, 0, 0,   0,                     /* -2, 0 */
    9,    0,   1, 0, 0,   0,                     /* 9, 1 */
    2,    0,   0, 0, 'a', 'b',                   /* Name */
    2,    0,   0, 0, 1,   0,   0, 0, 2, 0, 0, 0, /* Table: 1 x 2 */
    5,    0,   0, 0, 6,   0,   0, 0,
};

static void structures_by_their_definition(void **state)
{
    struct rig *rig = *state;
    struct bytes in = object(5001, machine_body, sizeof(machine_body));
    struct sample sample;
    load_machine(rig, in);
    is_text(rig, in, NULL,
            "{\"Main\":{\"Speed\":7,\"Mode\":1},\"Axes\":[{\"Speed\":-2,\"Mode\":0},"
            "{\"Speed\":9,\"Mode\":1}],\"Name\":\"ab\",\"Table\":[[5,6]]}");
    is_int(rig, in, "Main.Speed", 7);
    is_int(rig, in, "Axes[0].Speed", -2);
    is_int(rig, in, "Axes[1].Mode", 1);
    is_text(rig, in, "Axes[1]", "{\"Speed\":9,\"Mode\":1}");
    is_text(rig, in, "Axes", "[{\"Speed\":-2,\"Mode\":0},{\"Speed\":9,\"Mode\":1}]");
    is_text(rig, in, "Name", "ab");
    is_text(rig, in, "Table", "[[5,6]]");
    is_int(rig, in, "Table[1]", 6);
    assert_int_equal(decode(rig, in, "Axes[2].Speed", &sample), OPCUA_FOUND_ABSENT);
    assert_int_equal(decode(rig, in, "Axes.Speed", &sample), OPCUA_FOUND_NOT_A_STRUCTURE);
    assert_int_equal(decode(rig, in, "Main.Torque", &sample), OPCUA_FOUND_NO_MEMBER);
    assert_int_equal(decode(rig, in, "Mai", &sample), OPCUA_FOUND_NO_MEMBER);
    assert_int_equal(decode(rig, in, "Main.Speed.X", &sample), OPCUA_FOUND_NOT_A_STRUCTURE);
    const UA_NodeId mode = UA_NODEID_NUMERIC(2, 3003);
    const struct opcua_definition *type = opcua_types_of_data_type(rig->types, &mode);
    assert_int_equal(type->shape, OPCUA_SHAPE_ENUMERATION);
    assert_int_equal(type->enum_count, 2);
    assert_string_equal(type->enums[1].name, "Auto");
    const UA_NodeId kind = UA_NODEID_NUMERIC(2, 3004);
    type = opcua_types_of_data_type(rig->types, &kind);
    assert_int_equal(type->shape, OPCUA_SHAPE_SIMPLE);
    assert_int_equal(type->builtin, OPCUA_INT16);
}

/* Each prefix, and each with one bit flipped, from an exact-size copy. */
static void damaged_bodies(void **state)
{
    struct rig *rig = *state;
    struct bytes in = object(5001, machine_body, sizeof(machine_body));
    load_machine(rig, in);
    size_t head = bytes_left(&in) - sizeof(machine_body);
    for (size_t size = 0; size < sizeof(machine_body); size++) {
        struct sample sample;
        struct bytes whole = object(5001, machine_body, size);
        struct bytes copy = bytes_dup(whole.start, head + size);
        assert_int_equal(decode(rig, copy, NULL, &sample), OPCUA_FOUND_BROKEN);
        assert_int_equal(sample.type, VALUE_NONE);
        (void)decode(rig, copy, "Axes[1].Mode", &sample);
        bytes_fini(&copy);
        struct bytes cut = bytes_dup(whole.start, head + size - 1);
        assert_int_equal(decode(rig, cut, NULL, &sample), OPCUA_FOUND_BROKEN);
        bytes_fini(&cut);
    }
    in = object(5001, machine_body, sizeof(machine_body));
    for (size_t bit = 0; bit < bytes_left(&in) * 8; bit++) {
        struct sample sample;
        struct bytes copy = bytes_dup(in.start, bytes_left(&in));
        ((uint8_t *)(uintptr_t)copy.start)[bit / 8] ^= (uint8_t)(1U << bit % 8);
        uint16_t finding = decode(rig, copy, NULL, &sample);
        assert_int_equal(finding != 0, sample.type == VALUE_NONE);
        (void)decode(rig, copy, "Axes[1].Mode", &sample);
        bytes_fini(&copy);
    }
}

static void load(struct rig *rig, struct bytes in, const UA_StructureDefinition *told)
{
    struct sample sample;
    assert_int_equal(decode(rig, in, NULL, &sample), OPCUA_FOUND_LOADING);
    answer_browse((uint32_t[]){ 3001 }, 1);
    UA_StructureDefinition copy = *told;
    answer_read((UA_Variant[]){ variant_of(&copy, UA_TYPES_STRUCTUREDEFINITION) }, 1);
    assert_int_equal(rig->loaded, 1);
}

static void optional_fields(void **state)
{
    struct rig *rig = *state;
    static const uint8_t body[] = { 2, 0, 0, 0, 7, 9 }; /* the second optional one */
    struct bytes in = object(5001, body, sizeof(body));
    UA_StructureField fields[] = { field("A", 0, OPCUA_BYTE, -1, false),
                                   field("B", 0, OPCUA_INT32, -1, true),
                                   field("C", 0, OPCUA_BYTE, -1, true) };
    UA_StructureDefinition told = definition(UA_STRUCTURETYPE_STRUCTUREWITHOPTIONALFIELDS, fields,
                                             3);
    struct sample sample;
    load(rig, in, &told);
    is_text(rig, in, NULL, "{\"A\":7,\"C\":9}");
    is_int(rig, in, "C", 9);
    assert_int_equal(decode(rig, in, "B", &sample), OPCUA_FOUND_ABSENT);
}

static void unions(void **state)
{
    struct rig *rig = *state;
    UA_StructureField fields[] = { field("Number", 0, OPCUA_INT32, -1, false),
                                   field("Flag", 0, OPCUA_BOOLEAN, -1, false) };
    UA_StructureDefinition told = definition(UA_STRUCTURETYPE_UNION, fields, 2);
    struct sample sample;
    load(rig, object(5001, "\2\0\0\0\1", 5), &told);
    is_text(rig, object(5001, "\2\0\0\0\1", 5), NULL, "{\"Flag\":true}");
    is_text(rig, object(5001, "\0\0\0\0", 4), NULL, "{}");
    is_int(rig, object(5001, "\1\0\0\0\5\0\0\0", 8), "Number", 5);
    assert_int_equal(decode(rig, object(5001, "\2\0\0\0\1", 5), "Number", &sample),
                     OPCUA_FOUND_ABSENT);
    assert_int_equal(decode(rig, object(5001, "\3\0\0\0\1", 5), NULL, &sample), OPCUA_FOUND_BROKEN);
}

/* struct Tree { Tree[] Branches }: deeper than anybody follows. */
static void recursion_ends(void **state)
{
    struct rig *rig = *state;
    uint8_t body[400];
    UA_StructureField fields[] = { field("Branches", 2, 3001, 1, false) };
    UA_StructureDefinition told = definition(UA_STRUCTURETYPE_STRUCTURE, fields, 1);
    struct sample sample;
    struct bytes_out out = bytes_out_of(body, sizeof(body));
    for (size_t i = 0; i < sizeof(body) / 4; i++) {
        bytes_put_u32le(&out, 1);
    }
    load(rig, object(5001, "\0\0\0\0", 4), &told);
    is_text(rig, object(5001, "\1\0\0\0\0\0\0\0", 8), NULL, "{\"Branches\":[{\"Branches\":[]}]}");
    assert_int_equal(decode(rig, object(5001, body, sizeof(body)), NULL, &sample),
                     OPCUA_FOUND_TOO_DEEP);
    /* Nothing on the wire for each of a million elements. */
    UA_StructureDefinition empty = definition(UA_STRUCTURETYPE_STRUCTURE, NULL, 0);
    opcua_types_up(rig->types, false);
    rig->loaded = 0;
    UA_StructureField many[] = { field("Many", 2, 3002, 1, false) };
    told = definition(UA_STRUCTURETYPE_STRUCTURE, many, 1);
    assert_int_equal(decode(rig, object(5001, "\0\0\0\0", 4), NULL, &sample), OPCUA_FOUND_LOADING);
    answer_browse((uint32_t[]){ 3001 }, 1);
    answer_read((UA_Variant[]){ variant_of(&told, UA_TYPES_STRUCTUREDEFINITION) }, 1);
    answer_read((UA_Variant[]){ variant_of(&empty, UA_TYPES_STRUCTUREDEFINITION) }, 1);
    assert_int_equal(decode(rig, object(5001, "\0\0\xff\0", 4), NULL, &sample),
                     OPCUA_FOUND_TOO_LONG);
    assert_int_equal(decode(rig, object(5001, "\0\0\0\x70", 4), NULL, &sample),
                     OPCUA_FOUND_TOO_LONG);
}

static void servers_that_tell_nothing(void **state)
{
    struct rig *rig = *state;
    struct bytes in = object(5001, "abc", 3);
    struct sample sample;
    assert_int_equal(decode(rig, in, "X", &sample), OPCUA_FOUND_LOADING);
    answer_browse((uint32_t[]){ 3001 }, 1);
    UA_Variant nothing;
    UA_Variant_init(&nothing);
    answer_read(&nothing, 1);
    assert_int_equal(asked.reference, 45);
    answer_browse((uint32_t[]){ 22 }, 1); /* it is a structure, and that is all */
    assert_int_equal(rig->loaded, 1);
    is_text(rig, in, NULL, "{\"encoding\":\"ns=2;i=5001\",\"raw\":\"YWJj\"}");
    assert_int_equal(decode(rig, in, "X", &sample), OPCUA_FOUND_NO_DEFINITION);
    unsigned calls = asked.calls;
    (void)decode(rig, in, "X", &sample);
    assert_int_equal(asked.calls, calls);
}

static void what_is_refused(void **state)
{
    struct rig *rig = *state;
    struct bytes in = object(5001, "abc", 3);
    struct sample sample;
    (void)decode(rig, in, NULL, &sample);
    answer_trouble(BUSBAR_EUNSUPPORTED);
    assert_int_equal(rig->loaded, 1);
    is_text(rig, in, NULL, "{\"encoding\":\"ns=2;i=5001\",\"raw\":\"YWJj\"}");
    /* A lost link is no refusal: asked again. */
    opcua_types_up(rig->types, false);
    assert_int_equal(decode(rig, in, NULL, &sample), OPCUA_FOUND_LOADING);
    answer_trouble(BUSBAR_ECLOSED);
    opcua_types_down(rig->types);
    assert_int_equal(rig->loaded, 1);
    unsigned calls = asked.calls;
    assert_int_equal(decode(rig, in, NULL, &sample), OPCUA_FOUND_LOADING);
    assert_int_equal(asked.calls, calls);
    opcua_types_up(rig->types, true);
    assert_int_equal(asked.calls, calls + 1);
    assert_int_equal(asked.ids[0].identifier.numeric, 5001);
    opcua_types_up(rig->types, false);
    assert_int_equal(asked.canceled, 1);
}

/* No answer in time is no refusal: asked again, later and later, and not for ever. */
static void what_is_not_answered(void **state)
{
    struct rig *rig = *state;
    struct bytes in = object(5001, "abc", 3);
    struct sample sample;
    int64_t wait_us = INT64_C(2000000);
    (void)decode(rig, in, NULL, &sample);
    for (unsigned tries = 1; tries < OPCUA_TYPES_TRIES; tries++, wait_us *= 2) {
        unsigned calls = asked.calls;
        answer_trouble(BUSBAR_ETIMEOUT);
        assert_int_equal(decode(rig, in, NULL, &sample), OPCUA_FOUND_LOADING);
        loop_advance_for_test(rig->loop, wait_us - 10000);
        assert_int_equal(asked.calls, calls);
        loop_advance_for_test(rig->loop, 20000);
        assert_int_equal(asked.calls, calls + 1);
        assert_int_equal(asked.ids[0].identifier.numeric, 5001);
    }
    assert_int_equal(rig->loaded, 0);
    answer_trouble(BUSBAR_ETIMEOUT);
    assert_int_equal(rig->loaded, 1);
    is_text(rig, in, NULL, "{\"encoding\":\"ns=2;i=5001\",\"raw\":\"YWJj\"}");
}

/* One lost answer does not make a structure raw. */
static void answered_at_the_second_try(void **state)
{
    struct rig *rig = *state;
    struct sample sample;
    struct bytes in = object(5001, machine_body, sizeof(machine_body));
    (void)decode(rig, in, NULL, &sample);
    answer_trouble(BUSBAR_ETIMEOUT);
    loop_advance_for_test(rig->loop, INT64_C(3000000));
    load_machine(rig, in);
    is_int(rig, in, "Main.Speed", 7);
}

/* The numbers of namespaces are others now: the same id may be of another type. */
static void namespaces_move(void **state)
{
    struct rig *rig = *state;
    static const char *const before[] = { "urn:standard", "urn:a", "urn:b" };
    static const char *const after[] = { "urn:standard", "urn:b", "urn:a" };
    struct bytes in = object(5001, machine_body, sizeof(machine_body));
    struct sample sample;
    facts.namespaces = before;
    facts.namespace_count = 3;
    opcua_types_up(rig->types, false);
    load_machine(rig, in);
    opcua_types_changed(rig->types); /* another fact */
    is_int(rig, in, "Main.Speed", 7);
    assert_int_equal(rig->loaded, 1);
    facts.namespaces = after;
    opcua_types_changed(rig->types);
    assert_int_equal(rig->loaded, 2);
    unsigned calls = asked.calls;
    assert_int_equal(decode(rig, in, NULL, &sample), OPCUA_FOUND_LOADING);
    assert_int_equal(asked.calls, calls + 1);
    /* Also when they moved while the link was down. */
    opcua_types_down(rig->types);
    facts.namespaces = before;
    opcua_types_up(rig->types, true);
    assert_int_equal(decode(rig, in, NULL, &sample), OPCUA_FOUND_LOADING);
    assert_int_equal(asked.calls, calls + 2);
}

/* As many at once as the server says, and fewer when it refuses that. */
static void limits(void **state)
{
    struct rig *rig = *state;
    struct sample sample;
    facts.limits.nodes_per_browse = 3;
    for (uint32_t i = 0; i < 6; i++) {
        (void)decode(rig, object(5001 + i, "", 0), NULL, &sample);
    }
    assert_int_equal(asked.count, 1); /* the others came while it was under way */
    answer_browse((uint32_t[]){ 3001 }, 1);
    assert_int_equal(asked.count, 3);
    answer_trouble(BUSBAR_ETOOBIG);
    assert_int_equal(asked.count, 1);
    /* No room for more types than a server may have. */
    for (uint32_t i = 0; i < OPCUA_TYPES_MAX + 10; i++) {
        const UA_NodeId id = UA_NODEID_NUMERIC(2, 100000 + i);
        (void)opcua_types_of_data_type(rig->types, &id);
    }
    const UA_NodeId last = UA_NODEID_NUMERIC(2, 100000 + OPCUA_TYPES_MAX + 9);
    assert_int_equal(opcua_types_of_data_type(rig->types, &last)->shape, OPCUA_SHAPE_UNKNOWN);
    /* More fields than a structure may have. */
    static UA_StructureField many[OPCUA_FIELDS_MAX + 1];
    for (size_t i = 0; i <= OPCUA_FIELDS_MAX; i++) {
        many[i] = field("x", 0, OPCUA_BYTE, -1, false);
    }
    UA_StructureDefinition told = definition(UA_STRUCTURETYPE_STRUCTURE, many,
                                             OPCUA_FIELDS_MAX + 1);
    opcua_types_up(rig->types, false);
    rig->loaded = 0;
    load(rig, object(5001, "", 0), &told);
    is_text(rig, object(5001, "", 0), NULL, "{\"encoding\":\"ns=2;i=5001\",\"raw\":\"\"}");
}

/* A type that says it is derived of one that is derived of it. */
static void circles(void **state)
{
    struct rig *rig = *state;
    const UA_NodeId id = UA_NODEID_NUMERIC(2, 3001);
    UA_Variant nothing;
    UA_Variant_init(&nothing);
    assert_int_equal(opcua_types_of_data_type(rig->types, &id)->shape, OPCUA_SHAPE_PENDING);
    answer_read(&nothing, 1);
    answer_browse((uint32_t[]){ 3002 }, 1);
    answer_read(&nothing, 1);
    answer_browse((uint32_t[]){ 3001 }, 1);
    assert_int_equal(rig->loaded, 1);
    assert_int_equal(opcua_types_of_data_type(rig->types, &id)->shape, OPCUA_SHAPE_UNKNOWN);
}

static void members_as_written(void **state)
{
    (void)state;
    static const char *const fine[] = { "X", "Position.X", "[3]", "[0].Name", "A[1].B[2][3].C" };
    static const char *const wrong[] = {
        "",    ".",  ".X",  "X.",    "X..Y",  "[",         "[]",
        "[x]", "[1", "X[1", "X[1]Y", "X.[1]", "[1048576]", "X[-1]"
    };
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        assert_true(opcua_member_valid(fine[i]));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (opcua_member_valid(wrong[i])) {
            fail_msg("'%s' was taken", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(structures_by_their_definition, begin, end),
        cmocka_unit_test_setup_teardown(damaged_bodies, begin, end),
        cmocka_unit_test_setup_teardown(optional_fields, begin, end),
        cmocka_unit_test_setup_teardown(unions, begin, end),
        cmocka_unit_test_setup_teardown(recursion_ends, begin, end),
        cmocka_unit_test_setup_teardown(servers_that_tell_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_answered, begin, end),
        cmocka_unit_test_setup_teardown(answered_at_the_second_try, begin, end),
        cmocka_unit_test_setup_teardown(namespaces_move, begin, end),
        cmocka_unit_test_setup_teardown(limits, begin, end),
        cmocka_unit_test_setup_teardown(circles, begin, end),
        cmocka_unit_test(members_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
