/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out step by step why no values come. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/http/http_detail.h"
#include "drivers/http/http_driver.h"

enum { TEST_MS = 10000, SEEN_MAX = 400 };

/* ---- one that posts ---- */

static void look_at_key(const struct http_device *device, struct driver_test *test)
{
    const struct http_connector *connector = device->connector;
    struct keyring *ring = driver_keyring(device->drv);
    char seen[SEEN_MAX], hint[SEEN_MAX];
    size_t keys = (ring != NULL ? keyring_count(ring, connector->name) : 0) + connector->has_key;
    bool fine = keys > 0 || connector->config.open || connector->config.certificate_names != NULL;
    str_format(seen, sizeof(seen), "connector %s has %zu key%s%s%s", connector->name, keys,
               keys == 1 ? "" : "s", connector->config.open ? ", and is open to its networks" : "",
               connector->config.certificate_names != NULL ? ", and takes certificates" : "");
    str_format(hint, sizeof(hint), "busbar connector key add %s", connector->name);
    driver_finding(test, "key", fine, fine ? 0 : BUSBAR_EAUTH, seen, fine ? "" : hint);
}

static void look_at_messages(const struct http_device *device, struct driver_test *test)
{
    char seen[SEEN_MAX], hint[SEEN_MAX], when[STR_TIME_MAX];
    struct buf where;
    int64_t last_us = 0;
    const struct device *dev = device->dev;
    for (size_t i = 0; i < dev->point_count; i++) {
        int64_t at_us = dev->points[i].received > 0 ? dev->points[i].last.receive_us : 0;
        last_us = at_us > last_us ? at_us : last_us;
    }
    if (last_us > 0) {
        (void)str_format_time(when, sizeof(when), last_us, 0, true);
        str_format(seen, sizeof(seen), "the last value came at %s", when);
        driver_finding(test, "messages", true, 0, seen, "");
        return;
    }
    buf_init(&where, SEEN_MAX);
    http_listen_print(device->state, &where);
    size_t first = strcspn(buf_text(&where), ",");
    str_format(hint, sizeof(hint), "curl -H 'X-Api-Key: KEY' -d @message.json %.*s/%s", (int)first,
               buf_text(&where), device->named ? device->id : "");
    buf_fini(&where);
    driver_finding(test, "messages", false, BUSBAR_ETIMEOUT, "no message of it has come yet", hint);
}

static void test_posts(const struct http_device *device, struct driver_test *test)
{
    struct buf where;
    const struct err *trouble = http_listen_trouble(device->state);
    buf_init(&where, SEEN_MAX);
    http_listen_print(device->state, &where);
    driver_finding(test, "listening", trouble == NULL, trouble == NULL ? 0 : trouble->code,
                   trouble == NULL ? buf_text(&where) : trouble->message,
                   trouble == NULL ? "" : trouble->hint);
    buf_fini(&where);
    if (device->broken.code != 0) {
        driver_finding(test, "rules", false, device->broken.code, device->broken.message,
                       device->broken.hint);
    }
    if (device->connector != NULL) {
        look_at_key(device, test);
        look_at_messages(device, test);
    }
    driver_tested(test);
}

/* ---- one that is asked ---- */

struct tested {
    struct list link; /* device->tests */
    struct http_device *device;
    struct driver_test *test;
    struct http_fetch *fetch;
    struct loop_deferred begin;
};

static void finish(struct tested *tested)
{
    struct driver_test *test = tested->test;
    if (tested->fetch != NULL) {
        http_fetch_cancel(tested->fetch);
    }
    loop_defer_cancel(&tested->begin);
    list_remove(&tested->link);
    busbar_free(tested);
    driver_tested(test);
}

static void tell_answer(struct driver_test *test, const struct http_answer *answer)
{
    char seen[SEEN_MAX];
    bool fine = answer->status >= 200 && answer->status < 300;
    const char *words = http_explain((uint16_t)answer->status);
    str_format(seen, sizeof(seen), "%u, %zu bytes%s%s, %s in %lld ms", answer->status, answer->size,
               answer->type[0] != '\0' ? " of " : "", answer->type,
               answer->encrypted ? "TLS" : "plain", (long long)(answer->took_us / 1000));
    driver_finding(test, "answer", fine, fine ? 0 : BUSBAR_EREFUSED, seen,
                   fine || words == NULL ? "" : words);
}

static void on_fetched(void *ctx, const struct http_answer *answer)
{
    struct tested *tested = ctx;
    tested->fetch = NULL;
    if (answer->error != 0) {
        driver_finding(tested->test, "connection", false, answer->error, answer->err.message,
                       answer->err.hint);
    } else {
        driver_finding(tested->test, "connection", true, 0, answer->url, "");
        tell_answer(tested->test, answer);
    }
    finish(tested);
}

static void begin(void *ctx)
{
    struct tested *tested = ctx;
    struct http_device *device = tested->device;
    const char *headers[3];
    struct http_ask ask;
    http_ask_of(device, device->config.url, &ask, headers);
    ask.timeout_us = TEST_MS * CLOCK_US_PER_MS;
    tested->fetch = http_fetch(device->state->fetcher, &ask, on_fetched, tested);
}

void http_test(struct http_device *device, struct driver_test *asked)
{
    if (device->config.url == NULL) {
        test_posts(device, asked);
        return;
    }
    struct tested *tested = busbar_alloc(sizeof(*tested));
    tested->device = device;
    tested->test = asked;
    loop_deferred_init(&tested->begin, begin, tested);
    list_append(&device->tests, &tested->link);
    loop_defer(device->state->loop, &tested->begin);
}

void http_tests_stop(struct http_device *device)
{
    while (!list_empty(&device->tests)) {
        finish(list_entry(device->tests.next, struct tested, link));
    }
}
