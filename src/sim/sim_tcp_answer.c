/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that the gateway connects to. All of one address share its listener, and every connection. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "sim/sim_tcp.h"
#include "sim/sim_tls.h"

struct sim_tcp_place {
    struct list link; /* state->places */
    struct sim *sim;
    struct list devices; /* struct sim_tcp_device */
    struct list callers; /* struct caller */
    struct address address;
    struct listener *listener; /* NULL: down */
    struct datagram *datagram; /* UDP */
    struct endpoint from;      /* UDP: who asked last */
    struct tls_context *tls;
    bool udp, closed;
};

struct caller {
    struct list link;
    struct sim_tcp_place *place;
    struct stream *stream;
    struct buf in;
};

/* ---- what comes ---- */

static struct sim_tcp_device *first_device(const struct sim_tcp_place *place)
{
    return list_entry(place->devices.next, struct sim_tcp_device, link);
}

/* How much of it is one thing that was said: a question that is known, else a message in its frame. */
static size_t next_said(const struct sim_tcp_place *place, const uint8_t *data, size_t size)
{
    list_each(at, &place->devices) {
        size_t asked = sim_tcp_asked(list_entry(at, struct sim_tcp_device, link), data, size);
        if (asked > 0) {
            return asked;
        }
    }
    return sim_tcp_frame_end(&first_device(place)->config->frame, data, size);
}

static void hear_all(struct sim_tcp_place *place, const uint8_t *data, size_t size,
                     struct buf *answer)
{
    list_each(at, &place->devices) {
        sim_tcp_hear(list_entry(at, struct sim_tcp_device, link), data, size, answer);
    }
}

static void caller_data(void *ctx, const uint8_t *data, size_t size)
{
    struct caller *caller = ctx;
    struct buf answer;
    if (caller->place->closed || list_empty(&caller->place->devices) ||
        buf_append(&caller->in, data, size) != 0) {
        buf_clear(&caller->in);
        return;
    }
    buf_init(&answer, SIM_TCP_TEXT_MAX);
    for (size_t said; (said = next_said(caller->place, caller->in.data, caller->in.size)) > 0;) {
        hear_all(caller->place, caller->in.data, said, &answer);
        buf_consume(&caller->in, said);
    }
    if (answer.size > 0) {
        (void)stream_send(caller->stream, answer.data, answer.size);
    }
    buf_fini(&answer);
}

static void place_free(struct sim_tcp_place *place)
{
    tls_context_unref(place->tls);
    busbar_free(place);
}

static void caller_closed(void *ctx, int error, const char *detail)
{
    struct caller *caller = ctx;
    struct sim_tcp_place *place = caller->place;
    (void)error;
    (void)detail;
    list_remove(&caller->link);
    buf_fini(&caller->in);
    busbar_free(caller);
    if (place->closed && list_empty(&place->callers)) {
        place_free(place);
    }
}

static void accepted(void *ctx, struct stream *stream)
{
    static const struct stream_events events = { .data = caller_data, .closed = caller_closed };
    struct sim_tcp_place *place = ctx;
    struct caller *caller = busbar_alloc(sizeof(*caller));
    caller->place = place;
    caller->stream = stream;
    buf_init(&caller->in, SIM_TCP_TEXT_MAX);
    list_append(&place->callers, &caller->link);
    stream_take(stream, &events, caller);
}

static void datagram_data(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct sim_tcp_place *place = ctx;
    struct buf answer;
    place->from = *from;
    buf_init(&answer, SIM_TCP_TEXT_MAX);
    hear_all(place, data, size, &answer);
    if (answer.size > 0) {
        (void)datagram_send(place->datagram, from, answer.data, answer.size);
    }
    buf_fini(&answer);
}

/* ---- places ---- */

static int open_place(struct sim_tcp_place *place, struct err *err)
{
    static const struct listener_events events = { .accepted = accepted };
    const char *host = strcmp(place->address.host, "localhost") == 0 ? "127.0.0.1"
                                                                     : place->address.host;
    const struct datagram_options datagram = { .host = host, .port = place->address.port };
    const struct listener_target target = { .host = host,
                                            .port = place->address.port,
                                            .tls = place->tls };
    return place->udp
               ? datagram_open(place->sim->loop, &datagram, datagram_data, place, &place->datagram,
                               err)
               : listener_open(place->sim->loop, &target, &events, place, &place->listener, err);
}

struct list *sim_tcp_place_devices(struct sim_tcp_place *place)
{
    return &place->devices;
}

int sim_tcp_place_get(struct sim_tcp_device *device, struct err *err)
{
    const struct tcp_config *config = device->config;
    list_each(at, &device->state->places) {
        struct sim_tcp_place *place = list_entry(at, struct sim_tcp_place, link);
        if (place->udp == config->udp && place->address.port == config->address.port &&
            strcmp(place->address.host, config->address.host) == 0) {
            device->place = place;
            list_append(&place->devices, &device->link);
            return 0;
        }
    }
    struct sim_tcp_place *place = busbar_alloc(sizeof(*place));
    place->sim = device->sd->sim;
    place->address = config->address;
    place->udp = config->udp;
    list_init(&place->devices);
    list_init(&place->callers);
    int error = config->tls ? sim_tls_server(config->address.host, config->ca, config->certificate,
                                             config->key, &place->tls, err)
                            : 0;
    error = error == 0 ? open_place(place, err) : error;
    if (error != 0) {
        place_free(place);
        return error;
    }
    list_append(&device->state->places, &place->link);
    list_append(&place->devices, &device->link);
    device->place = place;
    return 0;
}

void sim_tcp_place_cut(struct sim_tcp_place *place)
{
    list_each(at, &place->callers) {
        stream_close(list_entry(at, struct caller, link)->stream);
    }
}

static void close_place(struct sim_tcp_place *place)
{
    listener_close(place->listener);
    datagram_close(place->datagram);
    place->listener = NULL;
    place->datagram = NULL;
    sim_tcp_place_cut(place);
}

void sim_tcp_place_drop(struct sim_tcp_place *place)
{
    if (place == NULL || !list_empty(&place->devices)) {
        return;
    }
    list_remove(&place->link);
    close_place(place);
    place->closed = true;
    if (list_empty(&place->callers)) {
        place_free(place);
    }
}

void sim_tcp_place_send(struct sim_tcp_place *place, const struct buf *frame)
{
    if (place->datagram != NULL && place->from.family != 0) {
        (void)datagram_send(place->datagram, &place->from, frame->data, frame->size);
    }
    list_each(at, &place->callers) {
        (void)stream_send(list_entry(at, struct caller, link)->stream, frame->data, frame->size);
    }
}

void sim_tcp_place_down(struct sim_tcp_place *place, bool down)
{
    struct err err = { 0 };
    if (down) {
        close_place(place);
    } else if (place->listener == NULL && place->datagram == NULL && open_place(place, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sim", place->address.host, "%s", err.message);
    }
}
