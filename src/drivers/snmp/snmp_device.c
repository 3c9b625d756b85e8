/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_device.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/snmp/snmp_browse.h"
#include "drivers/snmp/snmp_read.h"
#include "drivers/snmp/snmp_rows.h"
#include "drivers/snmp/snmp_test.h"
#include "drivers/snmp/snmp_traps.h"
#include "drivers/snmp/snmp_value.h"
#include "drivers/snmp/snmp_write.h"

enum { WORDS_MAX = 1024, TICKS_PER_S = 100 /* of sysUpTime */ };

/* A request that came before the agent could be made. */
struct snmp_waiting {
    struct list link;
    struct request *req;
    bool write;
    int error;
};

/* ---- words ---- */

void snmp_device_where(const struct snmp_device *device, struct buf *out)
{
    char text[ADDRESS_TEXT_MAX];
    (void)address_format(text, sizeof(text), &device->config.host);
    (void)buf_append_text(out, text);
    if (device->address.family != 0 && !address_is_ip(device->config.host.host)) {
        (void)endpoint_format(text, sizeof(text), &device->address);
        (void)buf_printf(out, " (%s)", text);
    }
}

static void say_silence(const struct snmp_device *device, struct buf *out)
{
    char wait[32];
    (void)str_format_duration(wait, sizeof(wait), device->config.timeout_us);
    (void)buf_append_text(out, "no answer from ");
    snmp_device_where(device, out);
    (void)buf_printf(out, " by UDP in %s", wait);
    if (device->config.retries > 0) {
        (void)buf_printf(out, " (%d times)", device->config.retries + 1);
    }
    if (device->login != NULL && device->login->version != SNMP_V3) {
        (void)buf_printf(out,
                         ": wrong address, a firewall, or the community is wrong: SNMP %s devices "
                         "stay silent then",
                         device->login->version == SNMP_V1 ? "v1" : "v2c");
    } else {
        (void)buf_append_text(out, ": wrong address, a firewall, or no SNMP agent runs there");
    }
}

void snmp_device_words(const struct snmp_device *device, int error, enum usm_trouble trouble,
                       struct buf *out)
{
    switch (error) {
    case BUSBAR_ETIMEOUT: say_silence(device, out); break;
    case BUSBAR_EAUTH:
        snmp_device_where(device, out);
        (void)buf_printf(out, " refuses the login: %s", usm_trouble_words(trouble));
        break;
    case BUSBAR_ECONNREFUSED:
        (void)buf_append_text(out, "nothing listens at ");
        snmp_device_where(device, out);
        (void)buf_append_text(out, ": no SNMP agent runs there, or it has another port");
        break;
    case BUSBAR_EHOST:
        (void)buf_printf(out,
                         "the name '%s' is not known: check its spelling and this machine's name "
                         "server, or write the address",
                         device->config.host.host);
        break;
    default:
        (void)buf_append_text(out, "cannot ask ");
        snmp_device_where(device, out);
        (void)buf_printf(out, ": %s", err_text(error));
    }
}

/* ---- requests that wait ---- */

static void refuse_now(void *ctx)
{
    struct snmp_device *device = ctx;
    struct list *at;
    while ((at = list_shift(&device->refused)) != NULL) {
        struct snmp_waiting *waiting = list_entry(at, struct snmp_waiting, link);
        struct request *req = waiting->req;
        int error = waiting->error;
        busbar_free(waiting);
        driver_done(device->dev, req, error);
    }
}

static void refuse_all(struct snmp_device *device, int error)
{
    list_each(at, &device->waiting) {
        list_entry(at, struct snmp_waiting, link)->error = error;
    }
    list_move_all(&device->refused, &device->waiting);
    if (!list_empty(&device->refused)) {
        loop_defer(device->state->loop, &device->refusing);
    }
}

static void begin(struct snmp_device *device, struct request *req, bool write)
{
    if (write) {
        snmp_write_begin(device, req);
    } else {
        snmp_read_begin(device, req);
    }
}

static void begin_all(struct snmp_device *device)
{
    struct list *at;
    while (device->agent != NULL && (at = list_shift(&device->waiting)) != NULL) {
        struct snmp_waiting *waiting = list_entry(at, struct snmp_waiting, link);
        struct request *req = waiting->req;
        bool write = waiting->write;
        busbar_free(waiting);
        begin(device, req, write);
    }
}

static struct snmp_waiting *find_waiting(struct list *list, const struct request *req)
{
    list_each(at, list) {
        struct snmp_waiting *waiting = list_entry(at, struct snmp_waiting, link);
        if (waiting->req == req) {
            return waiting;
        }
    }
    return NULL;
}

/* ---- up and down ---- */

static void go_down(struct snmp_device *device, int error, const char *words)
{
    device->up = false;
    driver_link(device->dev, false, error, words);
    refuse_all(device, error);
}

void snmp_reason(const struct err *err, char to[SNMP_REASON_MAX])
{
    (void)str_format(to, SNMP_REASON_MAX, "%s%s%s", err->message, err->hint[0] != '\0' ? "; " : "",
                     err->hint);
}

static void go_down_err(struct snmp_device *device, const struct err *err)
{
    char words[SNMP_REASON_MAX];
    snmp_reason(err, words);
    go_down(device, err->code, words);
}

static void go_down_trouble(struct snmp_device *device, int error, enum usm_trouble trouble)
{
    struct buf words;
    buf_init(&words, WORDS_MAX);
    snmp_device_words(device, error, trouble, &words);
    go_down(device, error, buf_text(&words));
    buf_fini(&words);
}

void snmp_device_answered(struct snmp_device *device)
{
    if (!device->up) {
        device->up = true;
        driver_link(device->dev, true, 0, NULL);
    }
}

/* ---- the agent ---- */

void snmp_device_frame(struct snmp_device *device, bool sent, struct bytes datagram,
                       struct bytes clear)
{
    size_t size = bytes_left(&datagram);
    size_t more = bytes_left(&clear);
    if (more == 0) {
        driver_frame(device->dev, sent, datagram.at, size);
        return;
    }
    /* What was encrypted stands behind it, for people. */
    uint8_t *both = device->state->frame;
    assert(size + more <= sizeof(device->state->frame));
    memcpy(both, datagram.at, size);
    memcpy(both + size, clear.at, more);
    driver_frame(device->dev, sent, both, size + more);
}

static void on_frame(void *ctx, bool sent, struct bytes datagram, struct bytes clear)
{
    snmp_device_frame(ctx, sent, datagram, clear);
}

static void on_bad(void *ctx, struct bytes datagram, const char *why)
{
    struct snmp_device *device = ctx;
    driver_bad_frame(device->dev, datagram.at, bytes_left(&datagram), why);
}

static void on_retried(void *ctx)
{
    struct snmp_device *device = ctx;
    driver_retried(device->dev);
}

static void engine_text(const struct usm_engine *engine, char *to, size_t size)
{
    (void)str_hex(to, size, engine->id, engine->size, '\0');
}

static void on_engine(void *ctx, bool changed)
{
    struct snmp_device *device = ctx;
    const struct usm_engine *engine = snmp_agent_engine(device->agent);
    char id[2 * USM_ENGINE_MAX + 1];
    snmp_traps_engine(device->state->traps, device, engine);
    if (!changed) {
        return;
    }
    engine_text(engine, id, sizeof(id));
    struct text *text = text_new(id, strlen(id));
    const struct event_argument argument = { .name = "engine-id",
                                             .type = VALUE_TEXT,
                                             .value.text = text };
    const struct event event = {
        .kind = "engine-changed",
        .text =
            "another SNMP engine answers at this address: the device was exchanged, or its SNMP "
            "settings were made anew",
        .severity = EVENT_MEDIUM,
        .arguments = &argument,
        .argument_count = 1,
    };
    (void)driver_event(device->drv, device->dev, &event, NULL, NULL);
    busbar_free(text);
}

static const struct snmp_agent_ops agent_ops = {
    .frame = on_frame,
    .bad = on_bad,
    .retried = on_retried,
    .engine = on_engine,
};

static void make_agent(struct snmp_device *device, struct snmp_client *client)
{
    const struct snmp_config *config = &device->config;
    const struct snmp_agent_options options = {
        .address = device->address,
        .login = device->login,
        .timeout_us = config->timeout_us,
        .retries = config->retries,
        .in_flight = config->in_flight,
        .any_source = config->any_source,
        .ops = &agent_ops,
        .ctx = device,
    };
    device->agent = snmp_agent_new(client, &options);
    begin_all(device);
}

/* ---- its address ---- */

/* The first; of a device that is silent the one behind that which was asked: a name may stand for several. */
static const struct endpoint *next_address(const struct snmp_device *device,
                                           const struct endpoint *found, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (endpoint_equal(&device->address, &found[i])) {
            return &found[(i + 1) % count];
        }
    }
    return &found[0];
}

static void on_found(void *ctx, int error, const struct endpoint *found, size_t count)
{
    struct snmp_device *device = ctx;
    device->lookup = NULL;
    if (error != 0) {
        if (device->address.family == 0) {
            go_down_trouble(device, BUSBAR_EHOST, USM_FINE);
        }
        return;
    }
    const struct endpoint *next = next_address(device, found, count);
    if (endpoint_equal(&device->address, next)) {
        return;
    }
    device->address = *next;
    snmp_traps_addressed(device->state->traps, device);
    if (device->agent != NULL) {
        snmp_agent_move(device->agent, &device->address);
    } else {
        snmp_device_wake(device);
    }
}

static void look_up(struct snmp_device *device)
{
    const struct address *host = &device->config.host;
    if (device->lookup != NULL) {
        return;
    }
    device->looked_us = loop_now_us(device->state->loop);
    device->lookup = name_find(device->state->loop, host->host, host->port, on_found, device);
    if (device->lookup == NULL) {
        go_down_trouble(device, BUSBAR_EHOST, USM_FINE);
    }
}

/* It is silent: perhaps its name stands for another address now. */
static void look_again(struct snmp_device *device)
{
    int64_t due_us = device->looked_us + SNMP_LOOK_PAUSE_S * CLOCK_US_PER_S;
    if (!address_is_ip(device->config.host.host) && loop_now_us(device->state->loop) >= due_us) {
        look_up(device);
    }
}

void snmp_device_silent(struct snmp_device *device, const struct snmp_answer *answer)
{
    if (answer->error == BUSBAR_ECANCELED) {
        return;
    }
    go_down_trouble(device, answer->error, answer->trouble);
    if (answer->error == BUSBAR_ETIMEOUT || answer->error == BUSBAR_ECONNREFUSED ||
        answer->error == BUSBAR_EROUTE) {
        look_again(device);
    }
}

/* ---- beginning ---- */

/* The next step to an agent; what cannot be is told, and tried again with the next request. */
void snmp_device_wake(struct snmp_device *device)
{
    if (!device->started || device->agent != NULL) {
        return;
    }
    device->broken = snmp_login_use_broken(&device->use);
    if (device->broken != NULL) {
        go_down_err(device, device->broken);
        return;
    }
    device->login = snmp_login_used(&device->use);
    if (device->login == NULL) {
        return; /* on_login() */
    }
    if (device->address.family == 0) {
        look_up(device);
        return;
    }
    struct snmp_client *client = snmp_driver_client(device->state);
    if (client == NULL) {
        device->broken = &device->state->broken;
        go_down_err(device, device->broken);
        return;
    }
    make_agent(device, client);
}

static void on_login(void *ctx)
{
    struct snmp_device *device = ctx;
    device->login = snmp_login_used(&device->use);
    snmp_traps_addressed(device->state->traps, device);
    snmp_device_wake(device);
}

int snmp_device_add(struct snmp_device *device, struct err *err)
{
    const struct setup *setup = driver_setup(device->drv);
    struct snmp_identity identity;
    int error = snmp_config_read(setup, device->dev->settings, &device->config, err);
    if (error == 0) {
        error = snmp_config_identity(setup, &device->config, &identity, err);
    }
    if (error != 0) {
        return error;
    }
    list_init(&device->waiting);
    list_init(&device->refused);
    list_init(&device->writes);
    list_init(&device->tests);
    loop_deferred_init(&device->refusing, refuse_now, device);
    const struct address *host = &device->config.host;
    (void)endpoint_parse(host->host, host->port, &device->address);
    device->use.ready = on_login;
    device->use.ctx = device;
    snmp_login_use(device->state->logins, &identity,
                   device->config.credentials != NULL ? device->config.credentials : "",
                   &device->use);
    device->login = snmp_login_used(&device->use);
    device->rows = snmp_rows_new(device);
    device->reads = snmp_reads_new(device);
    snmp_traps_add(device->state->traps, device);
    return 0;
}

void snmp_device_start(struct snmp_device *device)
{
    device->started = true;
    snmp_device_wake(device);
}

void snmp_device_request(struct snmp_device *device, struct request *req, bool write)
{
    if (device->agent != NULL) {
        begin(device, req, write);
        return;
    }
    struct snmp_waiting *waiting = busbar_alloc(sizeof(*waiting));
    waiting->req = req;
    waiting->write = write;
    waiting->error = BUSBAR_ENOTCONN;
    list_append(&device->waiting, &waiting->link);
    snmp_device_wake(device);
}

/* ---- end ---- */

void snmp_device_cancel(struct snmp_device *device, struct request *req)
{
    if (!device->up && device->agent != NULL) { /* the last transmission was still waited for */
        go_down_trouble(device, BUSBAR_ETIMEOUT, USM_FINE);
    }
    if (snmp_write_cancel(device, req) || snmp_read_cancel(device, req)) {
        return;
    }
    struct snmp_waiting *waiting = find_waiting(&device->waiting, req);
    if (waiting == NULL) {
        waiting = find_waiting(&device->refused, req);
    }
    if (waiting != NULL) {
        list_remove(&waiting->link);
        busbar_free(waiting);
        driver_done(device->dev, req, BUSBAR_ETIMEOUT);
    }
}

void snmp_device_stop(struct snmp_device *device)
{
    device->started = false;
    device->up = false;
    name_cancel(device->lookup);
    device->lookup = NULL;
    snmp_tests_stop(device);
    snmp_browse_stop_all(device);
    refuse_all(device, BUSBAR_ECANCELED);
    loop_defer_cancel(&device->refusing);
    refuse_now(device);
    snmp_writes_stop(device);
    snmp_reads_stop(device);
    if (device->rows != NULL) {
        snmp_rows_stop(device->rows);
    }
    snmp_agent_free(device->agent);
    device->agent = NULL;
    device->uptime_us = 0;
    driver_stopped(device->dev);
}

void snmp_device_remove(struct snmp_device *device)
{
    snmp_traps_remove(device->state->traps, device);
    snmp_reads_free(device->reads);
    snmp_rows_free(device->rows);
    snmp_login_unuse(&device->use);
}

/* ---- restarts ---- */

static void tell_restart(struct snmp_device *device, uint32_t uptime, uint32_t before)
{
    char up[32];
    char was[32];
    char words[160];
    int64_t up_s = uptime / TICKS_PER_S;
    int64_t was_s = before / TICKS_PER_S;
    (void)str_format_duration(up, sizeof(up), up_s * CLOCK_US_PER_S);
    (void)str_format_duration(was, sizeof(was), was_s * CLOCK_US_PER_S);
    (void)str_format(words, sizeof(words), "device restarted %s ago; it had been up for %s", up,
                     was);
    const struct event_argument arguments[] = {
        { .name = "uptime", .type = VALUE_INT, .value.i = up_s },
        { .name = "uptime-before", .type = VALUE_INT, .value.i = was_s },
    };
    const struct event event = {
        .kind = "restart",
        .text = words,
        .severity = EVENT_MEDIUM,
        .arguments = arguments,
        .argument_count = 2,
    };
    device->restarts++;
    busbar_log(LOG_LEVEL_INFO, "snmp", device->dev->name, "%s", words);
    (void)driver_event(device->drv, device->dev, &event, NULL, NULL);
}

void snmp_device_uptime(struct snmp_device *device, uint32_t uptime, int64_t at_us)
{
    if (device->uptime_us != 0 &&
        snmp_uptime_restarted(device->uptime, uptime, at_us - device->uptime_us)) {
        tell_restart(device, uptime, device->uptime);
    }
    device->uptime = uptime;
    device->uptime_us = at_us;
}
