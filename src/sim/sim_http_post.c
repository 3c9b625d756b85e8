/* SPDX-License-Identifier: Apache-2.0 */
/* A device has one message on its way. Where there is no answer, or one of 5xx or 429, the same message with the same
 * Idempotency-Key is sent again; one that is refused is thrown away. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/http/http_options.h"
#include "sim/sim_http.h"

enum {
    RETRY_MS = 2000,
    STATUS_FAILED = 500,
    STATUS_TOO_MANY = 429,
    STATUS_DONE_LEAST = 200,
    STATUS_DONE_MOST = 299
};
#define TIMEOUT_US (10 * CLOCK_US_PER_S)

static void post(struct sim_http_device *device);

static void answered(void *ctx, const struct http_answer *answer)
{
    struct sim_http_device *device = ctx;
    device->fetch = NULL;
    if (answer->error != 0 || answer->status >= STATUS_FAILED ||
        answer->status == STATUS_TOO_MANY) {
        device->again++;
        timer_start(&device->retry, RETRY_MS, 0);
        return;
    }
    bool done = answer->status >= STATUS_DONE_LEAST && answer->status <= STATUS_DONE_MOST;
    device->taken += done ? 1 : 0;
    device->refused += done ? 0 : 1;
    buf_clear(&device->body);
    if (device->next < device->talk.say_count) {
        post(device);
    }
}

static void send_body(struct sim_http_device *device)
{
    char repeat[SIM_HTTP_KEY_MAX + 32];
    const char *headers[4] = { repeat, NULL, NULL, NULL };
    str_format(repeat, sizeof(repeat), "Idempotency-Key: %s", device->key);
    headers[1] = device->header;
    const struct http_ask ask = {
        .method = "POST",
        .url = device->url,
        .headers = headers,
        .body = device->body.data,
        .body_size = device->body.size,
        .tls = { .unverified = true }, /* the gateway's own certificate */
        .timeout_us = TIMEOUT_US,
    };
    device->fetch = http_fetch(device->state->fetcher, &ask, answered, device);
}

static void again(struct timer *timer, void *ctx)
{
    struct sim_http_device *device = ctx;
    (void)timer;
    if (device->body.size > 0 && device->fetch == NULL) {
        send_body(device);
    }
}

static void new_key(struct sim_http_device *device)
{
    str_format(device->key, sizeof(device->key), "%016llx%016llx",
               (unsigned long long)hash_entropy(), (unsigned long long)hash_entropy());
}

static void begin_body(struct sim_http_device *device)
{
    enum sim_fault_kind kind = sim_request(device->sd);
    if (device->body.size == 0 || kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_DOWN) {
        buf_clear(&device->body);
        return;
    }
    sim_talk_spoil(kind, &device->state->random, 0, &device->body);
    if (kind !=
        SIM_FAULT_DUPLICATE) { /* else the same key as before: it is thought to be the same */
        new_key(device);
    }
    device->told++;
    if (kind == SIM_FAULT_SLOW) {
        timer_start_us(&device->retry, device->sd->fault.argument, 0);
    } else {
        send_body(device);
    }
}

/* The next of its messages. */
static void post(struct sim_http_device *device)
{
    const struct sim_say *what = &device->talk.says[device->next++];
    buf_clear(&device->body);
    if (sim_talk_make(&device->talk, what, clock_wall_us(), &device->body, NULL) == 0) {
        begin_body(device);
    }
}

static void due(struct timer *timer, void *ctx)
{
    struct sim_http_device *device = ctx;
    (void)timer;
    if (device->fetch == NULL && device->body.size == 0 && device->talk.say_count > 0) {
        device->next = 0;
        post(device);
    }
}

void sim_http_post_event(struct sim_http_device *device, const struct buf *body)
{
    if (device->fetch == NULL && device->body.size == 0) {
        (void)buf_append(&device->body, body->data, body->size);
        device->next = device->talk.say_count;
        begin_body(device);
    }
}

/* Of the first address it listens on; with TLS as the gateway does it. */
static int set_url(struct sim_http_device *device, const struct setup *setup,
                   const struct http_device_config *config, struct err *err)
{
    struct http_setup own;
    char place[ADDRESS_TEXT_MAX];
    struct buf url;
    int error = http_config_setup(setup, &own, err);
    if (error != 0) {
        return error;
    }
    struct address at = own.listen[0];
    bool any = strcmp(at.host, "0.0.0.0") == 0 || strcmp(at.host, "::") == 0;
    bool local = address_is_loopback(at.host);
    if (!any && !local) {
        err_set(err, BUSBAR_EINVAL, "'%s' is not of this machine", at.host);
        err_hint(err, "in a site to be simulated the gateway listens at 127.0.0.1 or 0.0.0.0");
        return BUSBAR_EINVAL;
    }
    bool tls = !own.plain && (own.certificate != NULL || own.client_ca != NULL || !local);
    if (any) {
        (void)str_copy(at.host, sizeof(at.host), "127.0.0.1");
    }
    (void)address_format(place, sizeof(place), &at);
    buf_init(&url, SIM_HTTP_URL_MAX);
    (void)buf_printf(&url, "http%s://%s/%s", tls ? "s" : "", place,
                     config->id != NULL ? config->id : device->sd->dev->name);
    device->url = busbar_strdup(buf_text(&url));
    buf_fini(&url);
    return 0;
}

static void set_key(struct sim_http_device *device, const struct setup *setup,
                    const struct http_device_config *config)
{
    struct http_connector_config connector;
    const struct setup_part *part = config->connector != NULL ? setup_part(setup, config->connector)
                                                              : NULL;
    if (part == NULL || http_config_connector(part, &connector, NULL) != 0 ||
        connector.key == NULL) {
        return;
    }
    const char *key = sim_secret(device->sd->sim, connector.key);
    size_t size = strlen(key) + sizeof("X-Api-Key: ");
    device->header = busbar_alloc(size);
    str_format(device->header, size, "X-Api-Key: %s", key);
}

int sim_http_post_open(struct sim_http_device *device, const struct setup *setup,
                       const struct http_device_config *config, struct err *err)
{
    struct sim_device *sd = device->sd;
    int error = set_url(device, setup, config, err);
    if (error != 0) {
        return error;
    }
    if (device->state->fetcher == NULL) {
        device->state->fetcher = http_fetcher_new(sd->sim->loop);
    }
    set_key(device, setup, config);
    new_key(device);
    int64_t period_us = sim_talk_period_us(sd->dev);
    timer_init(&device->timer, sd->sim->loop, due, device);
    timer_init(&device->retry, sd->sim->loop, again, device);
    timer_start_us(&device->timer, (int64_t)(hash_text(sd->dev->name) % (uint64_t)period_us),
                   period_us);
    return 0;
}

void sim_http_post_close(struct sim_http_device *device)
{
    timer_stop(&device->timer);
    timer_stop(&device->retry);
    if (device->fetch != NULL) {
        http_fetch_cancel(device->fetch);
    }
}
