/* SPDX-License-Identifier: Apache-2.0 */
/* ReadRange and the records of both kinds of trend logs: annex F.3.8, every kind of datum (clause 21), every
 * prefix, every flipped bit. */
#include "codec_rig.h"

#include "drivers/bacnet/service/log_record.h"
#include "drivers/bacnet/service/read_range.h"
#include "drivers/bacnet/service/reference.h"

static const struct bacnet_read_range trend_1 = { .object = { BACNET_TREND_LOG, 1 },
                                                  .property = 131,
                                                  .index = BACNET_INDEX_ALL };

static int again_ask(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_range ask;
    int error = bacnet_get_read_range(in, &ask);
    if (error == 0) {
        bacnet_put_read_range(out, &ask);
    }
    return error;
}

static int again_items(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_range_items answer;
    int error = bacnet_get_range_items(in, &trend_1, &answer);
    if (error == 0) {
        bacnet_put_range_items(out, &answer);
    }
    return error;
}

static int again_record(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_log_record record;
    int error = bacnet_get_log_record(in, &record);
    if (error == 0 && bytes_left(in) > 0) {
        return BUSBAR_EPROTO;
    }
    if (error == 0) {
        bacnet_put_log_record(out, &record);
    }
    return error;
}

static int again_multiple(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_log_multiple record;
    uint8_t memory[CODEC_MAX];
    struct bytes_out data = bytes_out_of(memory, sizeof(memory));
    if (bacnet_get_log_multiple(in, &record) != 0 || bytes_left(in) > 0) {
        return BUSBAR_EPROTO;
    }
    while (bytes_left(&record.data) > 0) {
        struct bacnet_datum datum;
        if (bacnet_get_log_datum(&record.data, &datum) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_log_datum(&data, &datum);
    }
    record.data = bytes_of(memory, bytes_out_size(&data));
    bacnet_put_log_multiple(out, &record);
    return 0;
}

static int again_reference(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_reference reference;
    int error = bacnet_get_reference(in, &reference);
    if (error == 0 && bytes_left(in) > 0) {
        return BUSBAR_EPROTO;
    }
    if (error == 0) {
        bacnet_put_reference(out, &reference);
    }
    return error;
}

#define AT "0E A4 62031701 B4 13361B00 0F "

static const struct codec_vector vectors[] = {
    { "F.3.8 ReadRange by time", "0C 05000001 19 83 7E A4 62031701 B4 13342200 31 04 7F", again_ask,
      7 },
    { "15.8 by position", "0C 05000001 19 83 3E 21 01 31 9C 3F", again_ask, 7 },
    { "15.8 all of an element", "0C 05000001 19 83 29 02", again_ask, 7 },
    { "15.8 by sequence number", "0C 05000001 19 83 6E 23 010000 32 0100 6F", again_ask, 7 },
    { "15.8 all of it", "0C 05000001 19 83", again_ask, CODEC_WHOLE },
    { "F.3.8 ReadRange-ACK",
      "0C 05000001 19 83 3A 05 C0 49 02 5E " AT "1E 2C 41900000 1F 2A 04 00 0E A4 62031701 B4 "
      "13381B00 0F 1E 2C 4190CCCD 1F 2A 04 00 5F",
      again_items, CODEC_WHOLE },
    { "15.8 with the first sequence number",
      "0C 05000001 19 83 3A 05 20 49 01 5E " AT "1E 2C 41900000 1F 5F 6B 013561", again_items, 33 },
    { "15.8 nothing", "0C 05000001 19 83 3A 05 00 49 00 5E 5F", again_items, CODEC_WHOLE },
    { "log-status", AT "1E 0A 0580 1F", again_record, CODEC_WHOLE },
    { "boolean", AT "1E 19 01 1F 2A 0400", again_record, 16 },
    { "real", AT "1E 2C 41900000 1F 2A 0480", again_record, 19 },
    { "enumerated", AT "1E 39 03 1F", again_record, CODEC_WHOLE },
    { "unsigned", AT "1E 4B 010000 1F", again_record, CODEC_WHOLE },
    { "signed", AT "1E 59 9C 1F", again_record, CODEC_WHOLE },
    { "bit string", AT "1E 6A 04C0 1F", again_record, CODEC_WHOLE },
    { "null", AT "1E 78 1F", again_record, CODEC_WHOLE },
    { "failure", AT "1E 8E 91 02 91 1F 8F 1F", again_record, CODEC_WHOLE },
    { "time-change", AT "1E 9C 42700000 1F", again_record, CODEC_WHOLE },
    { "any value", AT "1E AE 55 08 4054066666666666 AF 1F", again_record, CODEC_WHOLE },
    { "multiple, all kinds",
      AT "1E 1E 09 01 1C 41900000 29 03 3B 010000 49 9C 5A 04C0 68 7E 91 02 91 1F 7F 8E 55 08 "
         "4054066666666666 8F 1F 1F",
      again_multiple, CODEC_WHOLE },
    { "multiple, log-status", AT "1E 0A 0540 1F", again_multiple, CODEC_WHOLE },
    { "multiple, time-change", AT "1E 2C C2700000 1F", again_multiple, CODEC_WHOLE },
    { "a reference", "0C 00000001 19 55", again_reference, CODEC_WHOLE },
    { "a reference elsewhere", "0C 00000001 19 57 29 08 3C 02000004", again_reference, 9 },
};

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        codec_flips(&vectors[i]);
        if (vectors[i].again != again_reference || vectors[i].fine == CODEC_WHOLE) {
            codec_vector_holds(&vectors[i]);
        }
    }
}

static void references_have_two_optional_parts(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    uint8_t again[2 * CODEC_MAX];
    size_t again_size;
    size_t size = codec_hex("0C 00000001 19 57 29 08 3C 02000004", data);
    for (size_t cut = 0; cut <= size; cut++) {
        int error = codec_run(again_reference, data, cut, again, &again_size);
        assert_int_equal(error, cut == 7 || cut == 9 || cut == size ? 0 : BUSBAR_EPROTO);
    }
    struct bytes in = bytes_of(data, size);
    struct bacnet_reference reference;
    assert_int_equal(bacnet_get_reference(&in, &reference), 0);
    assert_int_equal(reference.index, 8);
    assert_int_equal(reference.device, 4);
    in = bytes_of(data, 7);
    assert_int_equal(bacnet_get_reference(&in, &reference), 0);
    assert_int_equal(reference.index, BACNET_INDEX_ALL);
    assert_int_equal(reference.device, BACNET_INSTANCE_MAX);
}

static void the_records_of_the_annex_are_read(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bytes in = bytes_of(data, codec_hex(vectors[5].hex, data));
    struct bacnet_range_items answer;
    struct bacnet_log_record record;
    int64_t first_us;
    int64_t second_us;
    assert_int_equal(bacnet_get_range_items(&in, &trend_1, &answer), 0);
    assert_true(answer.first && answer.last && !answer.more && !answer.has_sequence);
    assert_int_equal(answer.count, 2);
    assert_int_equal(bacnet_get_log_record(&answer.items, &record), 0);
    assert_int_equal(record.datum.kind, BACNET_DATUM_VALUE);
    assert_true(record.datum.value.as.real == 18.0F);
    assert_true(record.has_flags && record.flags == 0);
    assert_int_equal(bacnet_datetime_us(&record.at, 0, &first_us), 0);
    assert_int_equal(bacnet_get_log_record(&answer.items, &record), 0);
    assert_true(record.datum.value.as.real == 18.1F);
    assert_int_equal(bacnet_datetime_us(&record.at, 0, &second_us), 0);
    assert_int_equal(second_us - first_us, 120 * 1000000LL);
    assert_int_equal(bytes_left(&answer.items), 0);
}

static void an_answer_about_something_else_is_refused(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_range_items answer;
    struct bacnet_read_range others[3] = { trend_1, trend_1, trend_1 };
    others[0].object.instance = 2;
    others[1].property = 85;
    others[2].index = 1;
    for (size_t i = 0; i < 3; i++) {
        struct bytes in = bytes_of(data, codec_hex(vectors[5].hex, data));
        assert_int_equal(bacnet_get_range_items(&in, &others[i], &answer), BUSBAR_EPROTO);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct codec_vector wrong[] = {
        { "a count of 0", "0C 05000001 19 83 6E 21 01 31 00 6F", again_ask, 0 },
        { "a count of 33 bits", "0C 05000001 19 83 6E 21 01 35 05 0100000000 6F", again_ask, 0 },
        { "a sequence of 33 bits", "0C 05000001 19 83 6E 25 05 0100000000 31 01 6F", again_ask, 0 },
        { "two ranges", "0C 05000001 19 83 6E 21 01 31 01 6F 3E 21 01 31 01 3F", again_ask, 0 },
        { "four result flags", "0C 05000001 19 83 3A 04 C0 49 00 5E 5F", again_items, 0 },
        { "choice 11 in a record", AT "1E B9 01 1F", again_record, 0 },
        { "two data in a record", AT "1E 19 01 19 01 1F", again_record, 0 },
        { "a boolean of 2", AT "1E 19 02 1F", again_record, 0 },
        { "choice 9 in a multiple record", AT "1E 1E 9C 42700000 1F 1F", again_multiple, 0 },
        { "no time", "0E A4 62031701 0F 1E 19 01 1F", again_record, 0 },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[2 * CODEC_MAX];
        size_t again_size;
        size_t size = codec_hex(wrong[i].hex, data);
        if (codec_run(wrong[i].again, data, size, again, &again_size) != BUSBAR_EPROTO) {
            fail_msg("%s was taken", wrong[i].origin);
        }
    }
}

static void sizes_are_enough(void **state)
{
    (void)state;
    uint8_t data[BACNET_LOG_RECORD_MAX];
    struct bacnet_read_range ask = { .object = { 1023, 1 },
                                     .property = UINT32_MAX,
                                     .index = UINT32_MAX - 1,
                                     .range = BACNET_RANGE_TIME,
                                     .count = INT32_MIN };
    struct bytes_out out = bytes_out_of(data, BACNET_READ_RANGE_MAX);
    bacnet_put_read_range(&out, &ask);
    struct bacnet_range_items answer = { .object = ask.object,
                                         .property = UINT32_MAX,
                                         .index = UINT32_MAX - 1,
                                         .count = UINT32_MAX,
                                         .has_sequence = true,
                                         .sequence = UINT32_MAX };
    out = bytes_out_of(data, BACNET_READ_RANGE_HEAD_MAX);
    bacnet_put_range_items(&out, &answer);
    struct bacnet_log_record record = { .has_flags = true };
    record.datum = (struct bacnet_datum){
        .kind = BACNET_DATUM_VALUE, .value = { .type = BACNET_UNSIGNED, .as.number = UINT32_MAX }
    };
    out = bytes_out_of(data, BACNET_LOG_RECORD_MAX);
    bacnet_put_log_record(&out, &record);
    record.datum = (struct bacnet_datum){ .kind = BACNET_DATUM_FAILURE,
                                          .error_class = UINT32_MAX,
                                          .error_code = UINT32_MAX };
    out = bytes_out_of(data, BACNET_LOG_RECORD_MAX);
    bacnet_put_log_record(&out, &record);
    out = bytes_out_of(data, BACNET_LOG_DATUM_MAX);
    bacnet_put_log_datum(&out, &record.datum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(references_have_two_optional_parts),
        cmocka_unit_test(the_records_of_the_annex_are_read),
        cmocka_unit_test(an_answer_about_something_else_is_refused),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(sizes_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
