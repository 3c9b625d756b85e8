/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of the standard in both directions, every prefix, single flipped bits, random round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "drivers/modbus/modbus_codec.h"

struct vector {
    const char *origin; /* section of the Modbus Application Protocol V1.1b3 */
    const char *ask, *reply;
    size_t ask_size, reply_size;
};

#define VECTOR(origin_, ask_, reply_)                                                        \
    {                                                                                        \
        .origin = (origin_), .ask = (ask_), .reply = (reply_), .ask_size = sizeof(ask_) - 1, \
        .reply_size = sizeof(reply_) - 1                                                     \
    }

static const struct vector vectors[] = {
    VECTOR("6.1 Read Coils", "\x01\x00\x13\x00\x13", "\x01\x03\xcd\x6b\x05"),
    VECTOR("6.2 Read Discrete Inputs", "\x02\x00\xc4\x00\x16", "\x02\x03\xac\xdb\x35"),
    VECTOR("6.3 Read Holding Registers", "\x03\x00\x6b\x00\x03",
           "\x03\x06\x02\x2b\x00\x00\x00\x64"),
    VECTOR("6.4 Read Input Registers", "\x04\x00\x08\x00\x01", "\x04\x02\x00\x0a"),
    VECTOR("6.5 Write Single Coil", "\x05\x00\xac\xff\x00", "\x05\x00\xac\xff\x00"),
    VECTOR("6.6 Write Single Register", "\x06\x00\x01\x00\x03", "\x06\x00\x01\x00\x03"),
    VECTOR("6.11 Write Multiple Coils", "\x0f\x00\x13\x00\x0a\x02\xcd\x01", "\x0f\x00\x13\x00\x0a"),
    VECTOR("6.12 Write Multiple Registers", "\x10\x00\x01\x00\x02\x04\x00\x0a\x01\x02",
           "\x10\x00\x01\x00\x02"),
    VECTOR("6.16 Mask Write Register", "\x16\x00\x04\x00\xf2\x00\x25",
           "\x16\x00\x04\x00\xf2\x00\x25"),
    VECTOR("6.17 Read/Write Multiple Registers",
           "\x17\x00\x03\x00\x06\x00\x0e\x00\x03\x06\x00\xff\x00\xff\x00\xff",
           "\x17\x0c\x00\xfe\x0a\xcd\x00\x01\x00\x03\x00\x0d\x00\xff"),
    VECTOR("6.21 Read Device Identification (texts of our own)", "\x2b\x0e\x01\x00",
           "\x2b\x0e\x01\x01\x00\x00\x03\x00\x04"
           "Acme"
           "\x01\x02"
           "M1"
           "\x02\x03"
           "2.0"),
};

enum { VECTOR_COUNT = sizeof(vectors) / sizeof(vectors[0]) };

static void get_ask(const struct vector *vector, struct modbus_ask *ask)
{
    struct bytes in = bytes_of(vector->ask, vector->ask_size);
    assert_int_equal(modbus_get_ask(&in, ask), 0);
}

static void vectors_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *vector = &vectors[i];
        uint8_t memory[MODBUS_PDU_MAX];
        struct modbus_ask ask;
        struct modbus_reply reply;
        get_ask(vector, &ask);
        struct bytes_out out = bytes_out_of(memory, sizeof(memory));
        modbus_put_ask(&out, &ask);
        assert_int_equal(bytes_out_size(&out), vector->ask_size);
        assert_memory_equal(memory, vector->ask, vector->ask_size);
        struct bytes in = bytes_of(vector->reply, vector->reply_size);
        assert_int_equal(modbus_get_reply(&in, &ask, &reply), 0);
        assert_int_equal(reply.exception, 0);
        out = bytes_out_of(memory, sizeof(memory));
        modbus_put_reply(&out, &reply);
        assert_int_equal(bytes_out_size(&out), vector->reply_size);
        assert_memory_equal(memory, vector->reply, vector->reply_size);
    }
}

static void fields_are_those_of_the_standard(void **state)
{
    (void)state;
    struct modbus_ask ask;
    struct modbus_reply reply;
    get_ask(&vectors[2], &ask);
    assert_int_equal(ask.address, 0x6b);
    assert_int_equal(ask.count, 3);
    struct bytes in = bytes_of(vectors[2].reply, vectors[2].reply_size);
    assert_int_equal(modbus_get_reply(&in, &ask, &reply), 0);
    assert_int_equal(reply.size, 6);
    assert_int_equal(reply.data[5], 0x64);
    get_ask(&vectors[8], &ask);
    assert_int_equal(ask.and_mask, 0x00f2);
    assert_int_equal(ask.or_mask, 0x0025);
    get_ask(&vectors[9], &ask);
    assert_int_equal(ask.write_address, 14);
    assert_int_equal(ask.write_count, 3);
    get_ask(&vectors[10], &ask);
    in = bytes_of(vectors[10].reply, vectors[10].reply_size);
    assert_int_equal(modbus_get_reply(&in, &ask, &reply), 0);
    struct bytes objects = bytes_of(reply.data, reply.size);
    struct modbus_object object;
    assert_int_equal(modbus_get_object(&objects, &object), 0);
    assert_int_equal(modbus_get_object(&objects, &object), 0);
    assert_int_equal(object.id, 1);
    assert_memory_equal(object.text, "M1", 2);
}

/* Each proper prefix of a good PDU ends too early, from an exact-size copy. */
static void every_prefix_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *vector = &vectors[i];
        struct modbus_ask ask;
        struct modbus_reply reply;
        for (size_t size = 0; size < vector->ask_size; size++) {
            struct bytes in = bytes_dup(vector->ask, size);
            assert_int_equal(modbus_get_ask(&in, &ask), BUSBAR_ESHORT);
            bytes_fini(&in);
        }
        get_ask(vector, &ask);
        for (size_t size = 0; size < vector->reply_size; size++) {
            struct bytes in = bytes_dup(vector->reply, size);
            assert_int_equal(modbus_get_reply(&in, &ask, &reply), BUSBAR_ESHORT);
            bytes_fini(&in);
        }
    }
}

static void a_byte_too_many_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        uint8_t longer[MODBUS_PDU_MAX + 1] = { 0 };
        struct modbus_ask ask;
        struct modbus_reply reply;
        get_ask(&vectors[i], &ask);
        memcpy(longer, vectors[i].reply, vectors[i].reply_size);
        struct bytes in = bytes_dup(longer, vectors[i].reply_size + 1);
        assert_int_equal(modbus_get_reply(&in, &ask, &reply), BUSBAR_EPROTO);
        bytes_fini(&in);
        struct modbus_ask again;
        memcpy(longer, vectors[i].ask, vectors[i].ask_size);
        in = bytes_dup(longer, vectors[i].ask_size + 1);
        assert_int_equal(modbus_get_ask(&in, &again), BUSBAR_EPROTO);
        bytes_fini(&in);
    }
}

/* One flipped bit: refused, or decoded to something that encodes to just these bytes. */
static void a_flipped_bit_is_seen_or_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        struct modbus_ask ask;
        get_ask(&vectors[i], &ask);
        for (size_t bit = 0; bit < vectors[i].reply_size * 8; bit++) {
            uint8_t memory[MODBUS_PDU_MAX];
            struct modbus_reply reply;
            struct bytes in = bytes_dup(vectors[i].reply, vectors[i].reply_size);
            ((uint8_t *)(uintptr_t)in.start)[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (modbus_get_reply(&in, &ask, &reply) == 0) {
                struct bytes_out out = bytes_out_of(memory, sizeof(memory));
                modbus_put_reply(&out, &reply);
                assert_int_equal(bytes_out_size(&out), vectors[i].reply_size);
                assert_memory_equal(memory, in.start, vectors[i].reply_size);
            }
            bytes_fini(&in);
        }
    }
}

static void an_answer_to_another_question_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        for (size_t j = 0; j < VECTOR_COUNT; j++) {
            struct modbus_ask ask;
            struct modbus_reply reply;
            get_ask(&vectors[i], &ask);
            struct bytes in = bytes_of(vectors[j].reply, vectors[j].reply_size);
            int error = modbus_get_reply(&in, &ask, &reply);
            assert_true(i == j ? error == 0 : error == BUSBAR_EPROTO);
        }
    }
    struct modbus_ask five = { .function = MODBUS_READ_HOLDING, .address = 0, .count = 5 };
    struct modbus_reply reply;
    struct bytes in = bytes_of(vectors[2].reply, vectors[2].reply_size); /* three registers */
    assert_int_equal(modbus_get_reply(&in, &five, &reply), BUSBAR_EPROTO);
    uint8_t other[] = { 6, 0, 2, 0, 3 }; /* echo of another address */
    struct modbus_ask write;
    get_ask(&vectors[5], &write);
    in = bytes_of(other, sizeof(other));
    assert_int_equal(modbus_get_reply(&in, &write, &reply), BUSBAR_EPROTO);
}

static void exceptions(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        for (unsigned code = 0; code < 256; code++) {
            struct modbus_ask ask;
            struct modbus_reply reply;
            get_ask(&vectors[i], &ask);
            uint8_t pdu[] = { (uint8_t)(ask.function | 0x80), (uint8_t)code };
            struct bytes in = bytes_dup(pdu, sizeof(pdu));
            int error = modbus_get_reply(&in, &ask, &reply);
            assert_int_equal(error, code == 0 ? BUSBAR_EPROTO : 0);
            assert_int_equal(reply.exception, code);
            bytes_fini(&in);
            in = bytes_dup(pdu, 1);
            assert_int_equal(modbus_get_reply(&in, &ask, &reply), BUSBAR_ESHORT);
            bytes_fini(&in);
        }
    }
    assert_string_equal(modbus_exception_text(2), "illegal data address");
    assert_string_equal(modbus_exception_text(11), "gateway target device failed to respond");
    assert_null(modbus_exception_text(9));
}

static void questions_with_counts_out_of_bounds(void **state)
{
    (void)state;
    static const struct {
        uint8_t pdu[8];
        size_t size;
        int error;
    } rows[] = {
        { { 3, 0, 0, 0, 0 }, 5, BUSBAR_ERANGE },
        { { 3, 0, 0, 0, 125 }, 5, 0 },
        { { 3, 0, 0, 0, 126 }, 5, BUSBAR_ERANGE },
        { { 1, 0, 0, 0x07, 0xd0 }, 5, 0 },
        { { 1, 0, 0, 0x07, 0xd1 }, 5, BUSBAR_ERANGE },
        { { 5, 0, 0, 0x12, 0x34 }, 5, BUSBAR_ERANGE },
        { { 16, 0, 0, 0, 1, 4, 0, 0 }, 8, BUSBAR_ESHORT },
        { { 77, 0 }, 2, BUSBAR_EUNSUPPORTED },
        { { 0x83, 2 }, 2, BUSBAR_EUNSUPPORTED },
        { { 43, 13, 1, 0 }, 4, BUSBAR_EUNSUPPORTED },
        { { 43, 14, 5, 0 }, 4, BUSBAR_ERANGE },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct modbus_ask ask;
        struct bytes in = bytes_dup(rows[i].pdu, rows[i].size);
        assert_int_equal(modbus_get_ask(&in, &ask), rows[i].error);
        assert_int_equal(ask.function, rows[i].pdu[0]);
        bytes_fini(&in);
    }
}

static void headers(void **state)
{
    (void)state;
    /* Modbus Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3 */
    static const uint8_t good[] = { 0x15, 0x01, 0x00, 0x00, 0x00, 0x06, 0xff };
    struct modbus_header header;
    for (size_t size = 0; size < sizeof(good); size++) {
        struct bytes in = bytes_dup(good, size);
        assert_int_equal(modbus_get_header(&in, &header), BUSBAR_ESHORT);
        bytes_fini(&in);
    }
    struct bytes in = bytes_of(good, sizeof(good));
    assert_int_equal(modbus_get_header(&in, &header), 0);
    assert_int_equal(header.transaction, 0x1501);
    assert_int_equal(header.length, 6);
    assert_int_equal(header.unit, 0xff);
    static const uint8_t bad[][7] = { { 0, 1, 0, 1, 0, 6, 1 }, /* protocol */
                                      { 0, 1, 0, 0, 0, 1, 1 }, /* no PDU */
                                      { 0, 1, 0, 0, 0, 255, 1 } /* too long */ };
    for (size_t i = 0; i < 3; i++) {
        in = bytes_of(bad[i], sizeof(bad[i]));
        assert_int_equal(modbus_get_header(&in, &header), BUSBAR_EPROTO);
    }
}

static void rtu_frames(void **state)
{
    (void)state;
    /* the checksum of the often printed request for ten registers of unit 1 */
    static const uint8_t known[] = { 0x01, 0x03, 0x00, 0x00, 0x00, 0x0a, 0xc5, 0xcd };
    uint8_t unit;
    struct bytes pdu;
    struct bytes in = bytes_dup(known, sizeof(known));
    assert_int_equal(modbus_rtu_ask_size(in), sizeof(known));
    assert_int_equal(modbus_get_rtu(&in, &unit, &pdu), 0);
    assert_int_equal(unit, 1);
    assert_int_equal(bytes_left(&pdu), 5);
    bytes_fini(&in);
    for (size_t bit = 0; bit < sizeof(known) * 8; bit++) {
        uint8_t flipped[sizeof(known)];
        memcpy(flipped, known, sizeof(known));
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        in = bytes_dup(flipped, sizeof(flipped));
        assert_int_equal(modbus_get_rtu(&in, &unit, &pdu), BUSBAR_EPROTO);
        bytes_fini(&in);
    }
}

/* The length of a frame is known from its beginning, never too small, and never before it can be. */
static void rtu_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        for (int side = 0; side < 2; side++) {
            uint8_t frame[MODBUS_RTU_MAX];
            struct bytes_out out = bytes_out_of(frame, sizeof(frame));
            bytes_put_u8(&out, 17);
            bytes_put_block(&out, side ? vectors[i].reply : vectors[i].ask,
                            side ? vectors[i].reply_size : vectors[i].ask_size);
            modbus_put_crc(&out, 0);
            size_t whole = bytes_out_size(&out);
            for (size_t size = 0; size <= whole; size++) {
                struct bytes in = bytes_dup(frame, size);
                size_t told = side ? modbus_rtu_reply_size(in) : modbus_rtu_ask_size(in);
                assert_true(told == whole || (told == 0 && size < whole));
                bytes_fini(&in);
            }
        }
    }
    static const uint8_t unknown[] = { 1, 77 };
    assert_int_equal(modbus_rtu_reply_size(bytes_of(unknown, 2)), SIZE_MAX);
    static const uint8_t huge[] = { 1, 3, 255 };
    assert_int_equal(modbus_rtu_reply_size(bytes_of(huge, 3)), SIZE_MAX);
    static const uint8_t exception[] = { 1, 0x83 };
    assert_int_equal(modbus_rtu_reply_size(bytes_of(exception, 2)), 5);
}

static void random_ask(uint64_t *random, struct modbus_ask *ask, uint8_t data[MODBUS_PDU_MAX])
{
    static const uint8_t codes[] = { 1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43 };
    static const uint16_t most[] = { 2000, 2000, 125, 125, 1, 1, 1968, 123, 1, 125, 1 };
    size_t row = hash_random(random) % sizeof(codes);
    for (size_t i = 0; i < MODBUS_PDU_MAX; i++) {
        data[i] = (uint8_t)hash_random(random);
    }
    *ask = (struct modbus_ask){ .function = codes[row],
                                .address = (uint16_t)hash_random(random),
                                .count = (uint16_t)(1 + hash_random(random) % most[row]),
                                .data = data };
    switch (ask->function) {
    case MODBUS_WRITE_COIL:
        data[0] = data[0] & 1 ? 0xff : 0;
        data[1] = 0;
        ask->size = 2;
        break;
    case MODBUS_WRITE_REGISTER: ask->size = 2; break;
    case MODBUS_WRITE_COILS: ask->size = (uint8_t)((ask->count + 7) / 8); break;
    case MODBUS_WRITE_REGISTERS: ask->size = (uint8_t)(ask->count * 2); break;
    case MODBUS_READ_WRITE:
        ask->write_address = (uint16_t)hash_random(random);
        ask->write_count = (uint16_t)(1 + hash_random(random) % MODBUS_READ_WRITE_MAX);
        ask->size = (uint8_t)(ask->write_count * 2);
        break;
    case MODBUS_MASK_WRITE:
        ask->and_mask = (uint16_t)hash_random(random);
        ask->or_mask = (uint16_t)hash_random(random);
        break;
    case MODBUS_IDENTIFY: ask->id_code = (uint8_t)(1 + hash_random(random) % 4); break;
    default: break;
    }
}

static void random_questions_come_back(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int round = 0; round < 20000; round++) {
        uint8_t data[MODBUS_PDU_MAX];
        uint8_t first[MODBUS_PDU_MAX];
        uint8_t second[MODBUS_PDU_MAX];
        struct modbus_ask ask;
        struct modbus_ask again;
        random_ask(&random, &ask, data);
        struct bytes_out out = bytes_out_of(first, sizeof(first));
        modbus_put_ask(&out, &ask);
        size_t size = bytes_out_size(&out);
        struct bytes in = bytes_of(first, size);
        assert_int_equal(modbus_get_ask(&in, &again), 0);
        out = bytes_out_of(second, sizeof(second));
        modbus_put_ask(&out, &again);
        assert_int_equal(bytes_out_size(&out), size);
        assert_memory_equal(first, second, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_round_trip),
        cmocka_unit_test(fields_are_those_of_the_standard),
        cmocka_unit_test(every_prefix_is_short),
        cmocka_unit_test(a_byte_too_many_is_refused),
        cmocka_unit_test(a_flipped_bit_is_seen_or_harmless),
        cmocka_unit_test(an_answer_to_another_question_is_refused),
        cmocka_unit_test(exceptions),
        cmocka_unit_test(questions_with_counts_out_of_bounds),
        cmocka_unit_test(headers),
        cmocka_unit_test(rtu_frames),
        cmocka_unit_test(rtu_sizes),
        cmocka_unit_test(random_questions_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
