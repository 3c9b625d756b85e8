/* SPDX-License-Identifier: Apache-2.0 */
/* Topics and URLs as they are written in a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "drivers/mqtt/mqtt_topics.h"
#include "drivers/mqtt/mqtt_url.h"

static int put(void *ctx, const char *filter)
{
    return buf_printf(ctx, "[%s]", filter);
}

static int stop_at_once(void *ctx, const char *filter)
{
    (void)filter;
    ++*(int *)ctx;
    return BUSBAR_ECANCELED;
}

static const struct mqtt_topic_names names = { .id = "room-12", .device = "co2", .base = "tele/p" };

static void lists_are_filled_in(void **state)
{
    (void)state;
    static const struct {
        const char *list, *topics; /* NULL: refused */
    } rows[] = {
        { NULL, "" },
        { "", "" },
        { " , ", "" },
        { "a", "[a]" },
        { "zigbee/{id}, tele/+/#,x", "[zigbee/room-12][tele/+/#][x]" },
        { "{device}/{id}", "[co2/room-12]" },
        { "~/SENSOR", "[tele/p/SENSOR]" },
        { "~", "[tele/p]" },
        { "a/~", "[a/~]" },
        { "a/{name}", NULL },
        { "a/#/b", NULL },
        { "a+", NULL },
        { "$share/g/a", NULL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;
        struct err err = { 0 };
        buf_init(&out, 4096);
        int error = mqtt_topics_each(rows[i].list, &names, put, &out, &err);
        if (rows[i].topics == NULL) {
            assert_int_equal(error, BUSBAR_EINVAL);
            assert_true(err.message[0] != '\0' && err.hint[0] != '\0');
        } else {
            assert_int_equal(error, 0);
            assert_string_equal(buf_text(&out), rows[i].topics);
        }
        buf_fini(&out);
    }
}

static void the_first_refusal_ends_it(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(mqtt_topics_each("a, b, c", &names, stop_at_once, &calls, NULL),
                     BUSBAR_ECANCELED);
    assert_int_equal(calls, 1);
}

static void names_that_no_topic_can_have(void **state)
{
    (void)state;
    static const char *const ids[] = { "a/b", "+", "x#" };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const struct mqtt_topic_names odd = { .id = ids[i] };
        struct err err = { 0 };
        assert_int_equal(mqtt_topics_each("z/{id}", &odd, put, NULL, &err), BUSBAR_EINVAL);
        assert_non_null(strstr(err.hint, "id:"));
    }
    const struct mqtt_topic_names none = { .id = "x" };
    struct err err = { 0 };
    assert_int_equal(mqtt_topics_each("~/a", &none, put, NULL, &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.message, "~"));
}

static void limits_of_lists(void **state)
{
    (void)state;
    char list[3 * MQTT_TOPICS_MAX + 8];
    char deep[MQTT_TOPIC_TEXT_MAX + 64];
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i <= MQTT_TOPICS_MAX; i++) {
        memcpy(list + 2 * i, "a,", 3);
    }
    assert_int_equal(mqtt_topics_each(list, &names, put, &out, NULL), BUSBAR_EINVAL);
    memset(deep, 'a', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    memcpy(deep, "{id}", 4);
    struct err err = { 0 };
    assert_int_equal(mqtt_topics_each(deep, &names, put, &out, &err), BUSBAR_EINVAL);
    buf_fini(&out);
}

static void one_topic_to_send_to(void **state)
{
    (void)state;
    char topic[MQTT_TOPIC_TEXT_MAX + 1];
    struct err err = { 0 };
    assert_int_equal(mqtt_topics_one("~/set", &names, topic, &err), 0);
    assert_string_equal(topic, "tele/p/set");
    assert_int_equal(mqtt_topics_one("cmnd/+/x", &names, topic, &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.hint, "wildcard"));
}

static void what_a_tilde_stands_for(void **state)
{
    (void)state;
    static const struct {
        const char *list, *base; /* NULL: nothing */
    } rows[] = {
        { "tele/plug-1/#", "tele/plug-1" },
        { "zigbee/{id}", "zigbee/room-12" },
        { "a/+/b, c", "a" },
        { "+/a", NULL },
        { "#", NULL },
        { NULL, NULL },
        { "~/x", NULL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char base[MQTT_TOPIC_TEXT_MAX + 1];
        bool found = mqtt_topics_base(rows[i].list, &names, base);
        assert_int_equal(found, rows[i].base != NULL);
        if (found) {
            assert_string_equal(base, rows[i].base);
        }
    }
}

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* NULL: refused */
    } rows[] = {
        { "mqtt://10.0.5.1", "mqtt://10.0.5.1:1883" },
        { "10.0.5.1:1884", "mqtt://10.0.5.1:1884" },
        { "mqtts://mq.example.org/", "mqtts://mq.example.org:8883" },
        { "ssl://mq.example.org:8884", "mqtts://mq.example.org:8884" },
        { "tcp://[2001:db8::7]:1883", "mqtt://[2001:db8::7]:1883" },
        { "ws://h", "ws://h:80/mqtt" },
        { "wss://h/broker?x=1", "wss://h:443/broker?x=1" },
        { "http://h", NULL },
        { "mqtt://", NULL },
        { "mqtt://user:pw@h", NULL },
        { "mqtt://h/path", NULL },
        { "mqtt://h:0", NULL },
        { "ws://h/a b", NULL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mqtt_url url;
        struct err err = { 0 };
        int error = mqtt_url_parse(rows[i].text, &url, &err);
        if (rows[i].shown == NULL) {
            assert_int_equal(error, BUSBAR_EINVAL);
            assert_non_null(strstr(err.hint, "mqtt://"));
            continue;
        }
        struct buf out;
        struct mqtt_url again;
        assert_int_equal(error, 0);
        buf_init(&out, 1024);
        mqtt_url_print(&url, &out);
        assert_string_equal(buf_text(&out), rows[i].shown);
        assert_int_equal(mqtt_url_parse(buf_text(&out), &again, NULL), 0);
        assert_int_equal(again.tls, url.tls);
        assert_string_equal(again.path, url.path);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_filled_in),
        cmocka_unit_test(the_first_refusal_ends_it),
        cmocka_unit_test(names_that_no_topic_can_have),
        cmocka_unit_test(limits_of_lists),
        cmocka_unit_test(one_topic_to_send_to),
        cmocka_unit_test(what_a_tilde_stands_for),
        cmocka_unit_test(urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
