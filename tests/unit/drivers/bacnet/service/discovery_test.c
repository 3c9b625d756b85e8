/* SPDX-License-Identifier: Apache-2.0 */
/* Who-Is, I-Am, Who-Has, I-Have, time synchronization: annex F.4, every prefix, every flipped bit. */
#include "codec_rig.h"

#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"

static int again_who_is(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_who_is who;
    int error = bacnet_get_who_is(in, &who);
    if (error == 0 && who.low <= who.high) {
        bacnet_put_who_is(out, &who);
    }
    return error;
}

static int again_i_am(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_i_am i_am;
    int error = bacnet_get_i_am(in, &i_am);
    if (error == 0) {
        bacnet_put_i_am(out, &i_am);
    }
    return error;
}

static int again_who_has(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_who_has who;
    int error = bacnet_get_who_has(in, &who);
    if (error == 0) {
        bacnet_put_who_has(out, &who);
    }
    return error;
}

static int again_i_have(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_i_have i_have;
    int error = bacnet_get_i_have(in, &i_have);
    if (error == 0) {
        bacnet_put_i_have(out, &i_have);
    }
    return error;
}

static int again_time_sync(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_datetime at;
    int error = bacnet_get_time_sync(in, &at);
    if (error == 0) {
        bacnet_put_time_sync(out, &at);
    }
    return error;
}

static const struct codec_vector vectors[] = {
    { "F.4.9 Who-Is 3", "09 03 19 03", again_who_is, 0 },
    { "F.4.9 Who-Is all", "", again_who_is, CODEC_WHOLE },
    { "F.4.9 I-Am 3", "C4 02000003 22 0400 91 03 21 63", again_i_am, CODEC_WHOLE },
    { "F.4.9 I-Am 1", "C4 02000001 22 01E0 91 01 21 63", again_i_am, CODEC_WHOLE },
    { "F.4.9 I-Am 2", "C4 02000002 21 CE 91 02 21 21", again_i_am, CODEC_WHOLE },
    { "F.4.9 I-Am 4", "C4 02000004 21 80 91 00 21 42", again_i_am, CODEC_WHOLE },
    { "F.4.8 Who-Has name", "3D 07 00 4F4154656D70", again_who_has, CODEC_WHOLE },
    { "F.4.8 Who-Has object", "2C 00000003", again_who_has, CODEC_WHOLE },
    { "16.9.1 Who-Has in a range", "0A 0100 1B 3FFFFF 2C 00000003", again_who_has, CODEC_WHOLE },
    { "F.4.8 I-Have", "C4 02000008 C4 00000003 75 07 00 4F4154656D70", again_i_have, CODEC_WHOLE },
    { "F.4.7 TimeSynchronization", "A4 5C0B11FF B4 162D1E46", again_time_sync, CODEC_WHOLE },
};
enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        codec_vector_holds(&vectors[i]);
        codec_flips(&vectors[i]);
    }
}

static void fields_mean_what_the_standard_says(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bytes in = bytes_of(data, codec_hex(vectors[3].hex, data));
    struct bacnet_i_am i_am;
    assert_int_equal(bacnet_get_i_am(&in, &i_am), 0);
    assert_int_equal(i_am.instance, 1);
    assert_int_equal(i_am.max_apdu, 480);
    assert_int_equal(i_am.segmentation, 1);
    assert_int_equal(i_am.vendor, 99);
    struct bacnet_who_is who;
    in = bytes_of(data, codec_hex(vectors[0].hex, data));
    assert_int_equal(bacnet_get_who_is(&in, &who), 0);
    assert_true(bacnet_who_is_asks(&who, 3));
    assert_false(bacnet_who_is_asks(&who, 2));
    assert_false(bacnet_who_is_asks(&who, 4));
    in = bytes_of(data, 0);
    assert_int_equal(bacnet_get_who_is(&in, &who), 0);
    assert_true(bacnet_who_is_asks(&who, 0) && bacnet_who_is_asks(&who, BACNET_INSTANCE_MAX));
    struct bacnet_who_has has;
    in = bytes_of(data, codec_hex(vectors[6].hex, data));
    assert_int_equal(bacnet_get_who_has(&in, &has), 0);
    assert_true(has.by_name);
    assert_int_equal(has.name.as.block.size, 6);
    assert_memory_equal(has.name.as.block.data, "OATemp", 6);
    struct bacnet_datetime at;
    in = bytes_of(data, codec_hex(vectors[10].hex, data));
    assert_int_equal(bacnet_get_time_sync(&in, &at), 0);
    assert_int_equal(at.date.year, 92);
    assert_int_equal(at.time.hundredth, 70);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct codec_vector wrong[] = {
        { "one bound only", "09 03", again_who_is, 0 },
        { "instance over 22 bits", "09 00 1B 400000", again_who_is, 0 },
        { "I-Am of an analog input", "C4 00000003 22 0400 91 03 21 63", again_i_am, 0 },
        { "I-Am of nobody", "C4 023FFFFF 22 0400 91 03 21 63", again_i_am, 0 },
        { "segmentation 4", "C4 02000003 22 0400 91 04 21 63", again_i_am, 0 },
        { "vendor of 17 bits", "C4 02000003 22 0400 91 03 23 010000", again_i_am, 0 },
        { "Who-Has nothing", "", again_who_has, 0 },
        { "Who-Has both", "2C 00000003 3D 07 00 4F4154656D70", again_who_has, 0 },
        { "I-Have of no device", "C4 00000008 C4 00000003 75 02 00 41", again_i_have, 0 },
        { "30 February", "A4 5C021EFF B4 162D1E46", again_time_sync, 0 },
        { "any hour", "A4 5C0B11FF B4 FF2D1E46", again_time_sync, 0 },
        { "hour 24", "A4 5C0B11FF B4 182D1E46", again_time_sync, 0 },
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
    uint8_t data[64];
    struct bytes_out out = bytes_out_of(data, BACNET_WHO_IS_MAX);
    struct bacnet_who_is who = { .low = BACNET_INSTANCE_MAX - 1, .high = BACNET_INSTANCE_MAX };
    bacnet_put_who_is(&out, &who);
    assert_int_equal(bytes_out_left(&out), 0);
    out = bytes_out_of(data, BACNET_I_AM_MAX);
    struct bacnet_i_am i_am = { .instance = 1, .max_apdu = 1476, .vendor = 65535 };
    bacnet_put_i_am(&out, &i_am);
    out = bytes_out_of(data, BACNET_TIME_SYNC_MAX);
    struct bacnet_datetime at = { .date = { 126, 11, 22, 7 }, .time = { 10, 0, 0, 0 } };
    bacnet_put_time_sync(&out, &at);
    assert_int_equal(bytes_out_left(&out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(fields_mean_what_the_standard_says),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(sizes_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
