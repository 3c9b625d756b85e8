/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are cut off or have a bit turned, of every format, and memory that runs out at every place: refused or taken,
 * never half, and the next message is taken as if nothing had been. */
#include "unit/payload/rules_rig.h"

struct sample_message {
    const char *device, *point, *message;
    size_t size;
    const char *taken;
};
#define MESSAGE(text_) text_, sizeof(text_) - 1
static const struct sample_message samples[] = {
    { "time=json $.ts", "json=$.l[*].v",
      MESSAGE("{\"ts\":1763808240,\"l\":[{\"v\":1},{\"v\":\"2\"}]}"),
      "0 int 1 @2025-11-22T10:44:00Z, 0 int 2 @2025-11-22T10:44:00Z" },
    { "each=json $.r[*]\nid_from=json $.id", "json=$.v\ntype=text",
      MESSAGE("{\"r\":[{\"id\":\"a\",\"v\":1.5}]}"), "[a], 0 text 1.5" },
    { "", "cbor=$.t", MESSAGE("\xa1\x61t\x42\x01\xff"), "0 text 01ff" },
    { "", "msgpack=$.t", MESSAGE("\x81\xa1t\x2a"), "0 int 42" },
    { "each=xml //row\nid_from=xml @id", "xml=t", MESSAGE("<d><row id='a'><t>2.5</t></row></d>"),
      "[a], 0 double 2.5" },
    { "each=csv\nheader=true\nid_from=csv id", "csv=t", MESSAGE("id,t\n\"a\"\"b\",21\n"),
      "[a\"b], 0 int 21" },
    { "encoding=latin-1", "key=t", MESSAGE("t=21.5\xb0 x='y z'"), "0 text 21.5\xc2\xb0" },
    { "", "match=^T=(\\S+) (\\d+)$", MESSAGE("T=21.5 7"), "0 double 21.5" },
    { "", "bytes=2\ntype=float32", MESSAGE("ab\x41\xac\x00\x00"), "0 double 21.5" },
    { "", "text=all", MESSAGE("21.5\n"), "0 double 21.5" },
};
enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void open_sample(struct rig *rig, const struct sample_message *sample)
{
    assert_int_equal(rig_device(rig, sample->device), 0);
    assert_int_equal(rig_point(rig, sample->point, NULL), 0);
    rig_compile(rig, "dev");
    assert_string_equal(rig_take(rig, sample->message, sample->size), sample->taken);
}

static void every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct rig rig;
        open_sample(&rig, &samples[i]);
        for (size_t size = 0; size < samples[i].size; size++) {
            (void)rig_take(&rig, samples[i].message, size);
        }
        assert_string_equal(rig_take(&rig, samples[i].message, samples[i].size), samples[i].taken);
        rig_fini(&rig);
    }
}

static void every_bit(void **state)
{
    (void)state;
    char copy[256];
    for (size_t i = 0; i < SAMPLES; i++) {
        struct rig rig;
        open_sample(&rig, &samples[i]);
        memcpy(copy, samples[i].message, samples[i].size);
        for (size_t bit = 0; bit < 8 * samples[i].size; bit++) {
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
            (void)rig_take(&rig, copy, samples[i].size);
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        }
        assert_string_equal(rig_take(&rig, samples[i].message, samples[i].size), samples[i].taken);
        rig_fini(&rig);
    }
}

/* The n-th allocation fails, for every n. */
static void no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (long n = 1; n < 60; n++) {
            struct rig rig;
            assert_int_equal(rig_device(&rig, samples[i].device), 0);
            assert_int_equal(rig_point(&rig, samples[i].point, NULL), 0);
            rig_compile(&rig, "dev");
            alloc_fail_nth(n);
            const char *taken = rig_take(&rig, samples[i].message, samples[i].size);
            bool failed = alloc_try_count() >= n;
            alloc_fail_nth(0);
            if (strcmp(taken, samples[i].taken) != 0) {
                if (!failed || rig.err.code != BUSBAR_ENOMEM) {
                    fail_msg("sample %zu, allocation %ld: %s", i, n, taken);
                }
            }
            assert_string_equal(rig_take(&rig, samples[i].message, samples[i].size),
                                samples[i].taken);
            rig_fini(&rig);
            if (!failed) {
                break;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
