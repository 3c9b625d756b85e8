/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of Sparkplug: there and back, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "drivers/mqtt/sparkplug/topic.h"

static bool read_topic(const char *text, struct sparkplug_topic *out)
{
    struct bytes copy = bytes_dup(text, strlen(text));
    bool fine = sparkplug_topic_read((const char *)copy.start, strlen(text), out);
    bytes_fini(&copy);
    return fine;
}

static void topics_there_and_back(void **state)
{
    static const struct {
        const char *text;
        enum sparkplug_type type;
        const char *group, *node, *device;
    } rows[] = {
        { "spBv1.0/Plant/NBIRTH/Edge1", SPARKPLUG_NBIRTH, "Plant", "Edge1", "" },
        { "spBv1.0/Plant/NDEATH/Edge1", SPARKPLUG_NDEATH, "Plant", "Edge1", "" },
        { "spBv1.0/Plant/NDATA/Edge1", SPARKPLUG_NDATA, "Plant", "Edge1", "" },
        { "spBv1.0/Plant/NCMD/Edge1", SPARKPLUG_NCMD, "Plant", "Edge1", "" },
        { "spBv1.0/Plant/DBIRTH/Edge1/boiler 7", SPARKPLUG_DBIRTH, "Plant", "Edge1", "boiler 7" },
        { "spBv1.0/Plant/DDEATH/Edge1/b", SPARKPLUG_DDEATH, "Plant", "Edge1", "b" },
        { "spBv1.0/Plant/DDATA/Edge1/b", SPARKPLUG_DDATA, "Plant", "Edge1", "b" },
        { "spBv1.0/Plant/DCMD/Edge1/b", SPARKPLUG_DCMD, "Plant", "Edge1", "b" },
        { "spBv1.0/STATE/busbar-hq", SPARKPLUG_STATE, "", "busbar-hq", "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sparkplug_topic topic;
        struct buf out;
        buf_init(&out, 1000);
        assert_true(read_topic(rows[i].text, &topic));
        assert_int_equal(topic.type, rows[i].type);
        assert_string_equal(topic.group, rows[i].group);
        assert_string_equal(topic.node, rows[i].node);
        assert_string_equal(topic.device, rows[i].device);
        assert_int_equal(
            sparkplug_topic_put(&out, topic.type, topic.group, topic.node, topic.device), 0);
        assert_string_equal(buf_text(&out), rows[i].text);
        for (size_t size = 0; size < strlen(rows[i].text) - strlen(rows[i].device) - 1; size++) {
            struct bytes copy = bytes_dup(rows[i].text, size);
            if (sparkplug_topic_read((const char *)copy.start, size, &topic)) {
                assert_true(topic.device[0] == '\0'); /* a shorter id is one, too */
            }
            bytes_fini(&copy);
        }
        buf_fini(&out);
    }
}

static void others_are_no_topics(void **state)
{
    static const char *const texts[] = {
        "",
        "spBv1.0",
        "spBv1.0/",
        "spBv1.0/Plant",
        "spBv1.0/Plant/NBIRTH",
        "spBv1.0/Plant/NBIRTH/",
        "spBv1.0//NBIRTH/Edge1",
        "spBv1.0/Plant/NBIRTH/Edge1/b",
        "spBv1.0/Plant/DBIRTH/Edge1",
        "spBv1.0/Plant/DBIRTH/Edge1/b/c",
        "spBv1.0/Plant/DBIRTH/Edge1/b/",
        "spBv1.0/Plant/STATE/Edge1",
        "spBv1.0/Plant/birth/Edge1",
        "spBv1.0/+/NBIRTH/Edge1",
        "spBv1.0/Plant/NBIRTH/#",
        "spBv1.0/STATE/a/b",
        "spBv1.0/STATE",
        "spAv1.0/Plant/NBIRTH/Edge1",
        "a/spBv1.0/Plant/NBIRTH/Edge1",
    };
    (void)state;
    struct sparkplug_topic topic;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (read_topic(texts[i], &topic)) {
            fail_msg("%s is a topic", texts[i]);
        }
    }
    char text[400] = "spBv1.0/Plant/NBIRTH/";
    size_t size = strlen(text);
    memset(text + size, 'x', SPARKPLUG_ID_MAX + 1);
    assert_false(sparkplug_topic_read(text, size + SPARKPLUG_ID_MAX + 1, &topic));
    assert_true(sparkplug_topic_read(text, size + SPARKPLUG_ID_MAX, &topic));
    assert_false(sparkplug_topic_read("spBv1.0/P\0/NBIRTH/a", 19, &topic));
}

static void places_of_devices(void **state)
{
    (void)state;
    struct sparkplug_topic topic;
    assert_true(sparkplug_place_read("Plant/Edge1", &topic));
    assert_string_equal(topic.node, "Edge1");
    assert_string_equal(topic.device, "");
    assert_true(sparkplug_place_read("Plant/Edge1/boiler-7", &topic));
    assert_string_equal(topic.device, "boiler-7");
    assert_false(sparkplug_place_read("Plant", &topic));
    assert_false(sparkplug_place_read("Plant/", &topic));
    assert_false(sparkplug_place_read("Plant/Edge1/a/b", &topic));
    assert_false(sparkplug_place_read("Plant/Edge1/", &topic));
    assert_false(sparkplug_place_read("STATE/Edge1", &topic));
    assert_false(sparkplug_place_read("", &topic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_there_and_back),
        cmocka_unit_test(others_are_no_topics),
        cmocka_unit_test(places_of_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
