/* SPDX-License-Identifier: Apache-2.0 */
/* Why does a device say nothing? One step after the other, each a finding for people:
 *
 *   name          the broker's name is known
 *   tcp           something listens there
 *   tls           and its certificate is right
 *   connect       the broker takes us: version, user, session
 *   subscribe     it lets us hear each topic
 *   heard         what came since the start */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_driver.h"
#include "net/name.h"

enum { WORDS_MAX = 640, STEP_MAX = 320, WAIT_MS = 10000, LOOK_MS = 200, SHOWN_MAX = 20 };

struct mqtt_test {
    struct list link; /* device->tests */
    struct mqtt_device *device;
    struct driver_test *asked;
    struct name *lookup;
    struct stream *stream;
    struct tls_context *tls;
    bool secure; /* the stream is the second one, with TLS */
    bool failed, ending;
    struct timer timer;
    int64_t until_us;
};

static void next_stream(struct mqtt_test *test);

static const struct mqtt_url *url_of(const struct mqtt_test *test)
{
    return &test->device->broker->config.broker.url;
}

static void tell(struct mqtt_test *test, const char *step, int code, const char *seen,
                 const char *hint)
{
    driver_finding(test->asked, step, code == 0, code, seen, hint);
}

static void test_free(struct mqtt_test *test)
{
    timer_stop(&test->timer);
    name_cancel(test->lookup);
    tls_context_unref(test->tls);
    list_remove(&test->link);
    busbar_free(test);
}

/* Told at once; its memory waits for the stream. */
static void end(struct mqtt_test *test)
{
    struct driver_test *asked = test->asked;
    test->ending = true;
    timer_stop(&test->timer);
    list_remove(&test->link);
    if (test->stream != NULL) {
        stream_close(test->stream);
    } else {
        test_free(test);
    }
    driver_tested(asked);
}

/* ---- what came ---- */

static void tell_heard(struct mqtt_test *test)
{
    const struct device *dev = test->device->dev;
    char seen[WORDS_MAX];
    char ago[32];
    uint64_t values = 0;
    int64_t last_us = 0;
    for (size_t i = 0; i < dev->point_count; i++) {
        values += dev->points[i].received;
        if (dev->points[i].last.type != VALUE_NONE && dev->points[i].last.receive_us > last_us) {
            last_us = dev->points[i].last.receive_us;
        }
    }
    if (last_us == 0) {
        tell(test, "heard", BUSBAR_ETIMEOUT, "no value has come since the start",
             "wait for the device to speak; 'busbar device browse' shows what comes by its topics, "
             "'busbar discover mqtt BROKER' all there are");
        return;
    }
    int64_t age_us = clock_wall_us() - last_us;
    str_format_duration(ago, sizeof(ago), age_us / CLOCK_US_PER_S * CLOCK_US_PER_S);
    str_format(seen, sizeof(seen), "%llu values since the start, the last %s ago",
               (unsigned long long)values, ago);
    tell(test, "heard", 0, seen, "");
}

static void tell_subscriptions(struct mqtt_test *test)
{
    const struct mqtt_device *device = test->device;
    size_t shown = device->use_count < SHOWN_MAX ? device->use_count : SHOWN_MAX;
    if (device->broken.code != 0) {
        tell(test, "topics", device->broken.code, device->broken.message, device->broken.hint);
    }
    for (size_t i = 0; i < shown; i++) {
        const struct mqtt_filter *filter = device->uses[i].filter;
        const struct mqtt_filter *asked = mqtt_filter_asked(filter);
        char step[STEP_MAX];
        char seen[WORDS_MAX];
        bool granted = asked->state == MQTT_FILTER_GRANTED;
        bool refused = asked->state == MQTT_FILTER_REFUSED;
        str_format(step, sizeof(step), "subscribe %.200s", filter->text);
        if (granted) {
            str_format(seen, sizeof(seen), "granted with QoS %u%s%.200s", asked->code,
                       asked != filter ? ", as a part of " : "",
                       asked != filter ? asked->text : "");
        } else {
            str_format(seen, sizeof(seen), "%s",
                       !refused                ? "the broker has not answered"
                       : asked->reason != NULL ? asked->reason
                                               : "refused without a reason");
        }
        tell(test, step, granted ? 0 : BUSBAR_EREFUSED, seen,
             granted ? "" : "give the user the right to read this topic, in the broker");
    }
}

/* ---- the session ---- */

static void tell_connected(struct mqtt_test *test)
{
    const struct mqtt_broker *broker = test->device->broker;
    char seen[WORDS_MAX];
    str_format(seen, sizeof(seen), "MQTT %s, as %s%s%s%s",
               mqtt_client_version(broker->client) == 5 ? "5" : "3.1.1", broker->client_id,
               broker->config.broker.user != NULL ? ", user " : ", without a user",
               broker->config.broker.user != NULL ? broker->config.broker.user : "",
               broker->session ? ", session kept" : "");
    tell(test, "connect", 0, seen,
         url_of(test)->tls || address_is_loopback(url_of(test)->host.host)
             ? ""
             : "nothing is encrypted: use mqtts:// where the broker has it");
    tell_subscriptions(test);
    tell_heard(test);
    end(test);
}

static void look(struct timer *timer, void *ctx)
{
    struct mqtt_test *test = ctx;
    const struct mqtt_broker *broker = test->device->broker;
    bool late = loop_now_us(test->device->state->loop) >= test->until_us;
    bool settled = broker->up && broker->unsettled_us == 0;
    if (settled && (test->device->up || late)) {
        tell_connected(test);
    } else if (late || broker->broken.code != 0) {
        tell(test, "connect", broker->broken.code != 0 ? broker->broken.code : broker->down_error,
             broker->broken.code != 0 ? broker->broken.message : broker->down_words,
             broker->broken.hint);
        end(test);
    } else {
        timer_start(timer, LOOK_MS, 0);
    }
}

static void try_session(struct mqtt_test *test)
{
    struct mqtt_broker *broker = test->device->broker;
    test->until_us = loop_now_us(test->device->state->loop) + WAIT_MS * CLOCK_US_PER_MS;
    if (broker->client != NULL && !broker->up) {
        mqtt_client_connect_now(broker->client);
    }
    timer_start(&test->timer, broker->up ? 0 : LOOK_MS, 0);
}

/* ---- tcp, tls ---- */

static void step_name(const struct mqtt_test *test, char to[STEP_MAX])
{
    str_format(to, STEP_MAX, "%s %u", test->secure ? "tls" : "tcp", url_of(test)->host.port);
}

static void on_opened(void *ctx)
{
    struct mqtt_test *test = ctx;
    char step[STEP_MAX];
    char seen[WORDS_MAX];
    step_name(test, step);
    str_format(seen, sizeof(seen), "%s %s", stream_peer(test->stream),
               test->secure ? "has a certificate that we trust" : "answers");
    tell(test, step, 0, seen, "");
    stream_close(test->stream);
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct mqtt_test *test = ctx;
    char step[STEP_MAX];
    test->stream = NULL;
    if (test->ending) {
        test_free(test);
        return;
    }
    if (error != 0) {
        step_name(test, step);
        tell(test, step, error, detail,
             test->secure
                 ? "'ca:' is the authority of its certificate, 'server_name:' the name in it"
                 : "check host and port, and that the broker listens there");
        end(test);
        return;
    }
    if (!test->secure && url_of(test)->tls) {
        test->secure = true;
        next_stream(test);
    } else {
        try_session(test);
    }
}

static const struct stream_events stream_events = { .opened = on_opened, .closed = on_closed };

static void next_stream(struct mqtt_test *test)
{
    struct mqtt_client_options options;
    struct err err = { 0 };
    const struct mqtt_broker *broker = test->device->broker;
    int error = mqtt_broker_client(test->device->state, &broker->config.broker, "", &options, &err);
    if (error == 0) {
        tls_context_unref(test->tls);
        test->tls = options.target.tls;
        options.target.kind = test->secure ? STREAM_TLS : STREAM_TCP;
        error = stream_open(test->device->state->loop, &options.target, &stream_events, test,
                            &test->stream);
    }
    if (error != 0) {
        tell(test, "settings", error, err.message[0] != '\0' ? err.message : err_text(error),
             err.hint);
        end(test);
    }
}

/* ---- name ---- */

static void on_name(void *ctx, int error, const struct endpoint *found, size_t count)
{
    struct mqtt_test *test = ctx;
    char seen[WORDS_MAX];
    char address[ADDRESS_TEXT_MAX];
    test->lookup = NULL;
    if (error != 0 || count == 0) {
        str_format(seen, sizeof(seen), "'%s' is not known", url_of(test)->host.host);
        tell(test, "name", BUSBAR_EHOST, seen,
             "check its spelling and this machine's name server, or write the address");
        end(test);
        return;
    }
    (void)endpoint_format(address, sizeof(address), &found[0]);
    str_format(seen, sizeof(seen), "%s is %s", url_of(test)->host.host, address);
    tell(test, "name", 0, seen, "");
    next_stream(test);
}

static void begin(struct timer *timer, void *ctx)
{
    struct mqtt_test *test = ctx;
    const struct address *host = &url_of(test)->host;
    (void)timer;
    timer_init(&test->timer, test->device->state->loop, look, test);
    if (address_is_ip(host->host)) {
        next_stream(test);
        return;
    }
    test->lookup = name_find(test->device->state->loop, host->host, host->port, on_name, test);
    if (test->lookup == NULL) {
        on_name(test, BUSBAR_EHOST, NULL, 0);
    }
}

/* ---- calls ---- */

void mqtt_test(struct mqtt_device *device, struct driver_test *asked)
{
    if (device->broker == NULL) {
        driver_finding(asked, "device", false, BUSBAR_ENOTCONN, "it is paused",
                       "busbar device resume");
        driver_tested(asked);
        return;
    }
    struct mqtt_test *test = busbar_alloc(sizeof(*test));
    test->device = device;
    test->asked = asked;
    timer_init(&test->timer, device->state->loop, begin, test);
    list_append(&device->tests, &test->link);
    timer_start(&test->timer, 0, 0);
}

void mqtt_tests_stop(struct mqtt_device *device)
{
    while (!list_empty(&device->tests)) {
        end(list_entry(device->tests.next, struct mqtt_test, link));
    }
}
