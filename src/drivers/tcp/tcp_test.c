/* SPDX-License-Identifier: Apache-2.0 */
/* Why does nothing come of a device? One step after the other, each a finding for people: the listener or the
 * connection, what came last, and what was refused. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/tcp/tcp_connection.h"
#include "drivers/tcp/tcp_link.h"
#include "drivers/tcp/tcp_words.h"

enum { LOOK_MS = 100, WAIT_MS = 6000, TEXT_MAX = 480 };

struct tcp_test {
    struct list link; /* in the device */
    struct tcp_device *device;
    struct driver_test *test;
    struct timer timer;
    int64_t began_us;
};

static void end(struct tcp_test *self)
{
    struct driver_test *test = self->test;
    timer_stop(&self->timer);
    list_remove(&self->link);
    busbar_free(self);
    driver_tested(test);
}

static void tell_messages(struct tcp_test *self)
{
    const struct tcp_device *device = self->device;
    char text[TEXT_MAX];
    if (device->heard_us == 0) {
        (void)str_format(text, sizeof(text), "none of id '%s' since the start", device->id);
        driver_finding(self->test, "messages", false, BUSBAR_ETIMEOUT, text,
                       "'busbar drivers tcp --refused' shows what came and was not taken, "
                       "'--unknown' the ids that no device has");
        return;
    }
    char ago[32];
    (void)str_format_duration(
        ago, sizeof(ago), (clock_wall_us() - device->heard_us) / CLOCK_US_PER_S * CLOCK_US_PER_S);
    (void)str_format(text, sizeof(text), "the last one %s ago", ago);
    driver_finding(self->test, "messages", true, 0, text, "");
}

static void test_server(struct tcp_test *self)
{
    const struct tcp_server *server = self->device->server;
    char text[TEXT_MAX];
    struct buf address;
    buf_init(&address, TEXT_MAX);
    tcp_config_print(server->config, &address);
    bool open = tcp_server_is_open(server);
    (void)str_format(text, sizeof(text), "%s: %s", buf_text(&address),
                     open ? "listens" : server->trouble.message);
    buf_fini(&address);
    driver_finding(self->test, "listener", open, server->trouble.code, text,
                   open ? "" : "choose another port, or end the program that has it");
    if (server->listener != NULL) {
        bool some = listener_streams(server->listener) > 0;
        bool came = self->device->heard_us != 0; /* many come, tell and go */
        (void)str_format(text, sizeof(text), "%zu connected%s", listener_streams(server->listener),
                         !some && came ? " now; it came and went" : "");
        driver_finding(self->test, "connections", some || came, some || came ? 0 : BUSBAR_ENOTCONN,
                       text,
                       some || came ? ""
                                    : "nothing is connected: is the device set to this address and "
                                      "port, and does a firewall let it through?");
    }
    tell_messages(self);
}

/* False: it is not known yet. */
static bool test_link(struct tcp_test *self)
{
    const struct tcp_link *link = self->device->link;
    int64_t waited_us = loop_now_us(link->state->loop) - self->began_us;
    bool under_way = link->stream != NULL || link->finding != NULL || link->tried_us == 0;
    if (!link->up && under_way && waited_us < WAIT_MS * CLOCK_US_PER_MS) {
        return false;
    }
    char text[TEXT_MAX];
    struct buf address;
    buf_init(&address, TEXT_MAX);
    tcp_config_print(link->config, &address);
    (void)str_format(text, sizeof(text), "%s: %s", buf_text(&address),
                     link->up ? "connected" : link->trouble.message);
    buf_fini(&address);
    driver_finding(self->test, "connection", link->up, link->up ? 0 : link->trouble.code, text,
                   link->up ? ""
                            : "is it on, is the port right, and does nobody else hold its "
                              "only connection?");
    if (link->up) {
        tell_messages(self);
    }
    return true;
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct tcp_test *self = ctx;
    const struct tcp_device *device = self->device;
    if (device->server != NULL) {
        test_server(self);
    } else if (device->link == NULL) {
        driver_finding(self->test, "device", false, BUSBAR_ENOTCONN, "it is not started",
                       "'busbar device resume' starts it");
    } else if (!test_link(self)) {
        timer_start(timer, LOOK_MS, 0);
        return;
    }
    end(self);
}

void tcp_test_begin(struct tcp_device *device, struct driver_test *test)
{
    struct tcp_test *self = busbar_alloc(sizeof(*self));
    self->device = device;
    self->test = test;
    self->began_us = loop_now_us(device->state->loop);
    list_append(&device->tests, &self->link);
    timer_init(&self->timer, device->state->loop, on_timer, self);
    timer_start(&self->timer, 0, 0);
    if (device->link != NULL) {
        tcp_link_wake(device->link);
    }
}

void tcp_test_stop_all(struct tcp_device *device)
{
    while (!list_empty(&device->tests)) {
        end(list_entry(device->tests.next, struct tcp_test, link));
    }
}
