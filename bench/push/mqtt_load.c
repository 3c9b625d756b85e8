/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of MQTT 3.1.1, as fast as they are taken or at a rate, to topics bench/0000 ... one after another:
 *
 *   bench_push_mqtt client HOST PORT QOS READINGS DEVICES RATE SECONDS    publishes into a broker
 *   bench_push_mqtt broker PORT QOS READINGS DEVICES RATE SECONDS         is the broker of the one client that connects
 *
 * As a broker it measures from the PUBLISH to its PUBACK. Of QoS 1 so many wait at a time: */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum {
    WINDOW = 1000,
    OUT_BYTES = 64 * 1024,
    MESSAGE_MOST = LOAD_BODY_MAX + 64,
    IN_BYTES = 64 * 1024,
    TICK_US = 500,
    FILTERS_MOST = 16000
};
enum { CONNECT = 1, CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBSCRIBE = 8, SUBACK = 9, PINGREQ = 12 };

struct load {
    int fd;
    bool is_broker;
    int qos;
    uint32_t devices;
    double rate;
    struct load_body body;
    uint8_t out[OUT_BYTES + MESSAGE_MOST];
    size_t out_size;
    uint8_t in[IN_BYTES];
    size_t in_size;
    int64_t sent_us[65536]; /* by packet id */
    uint64_t sent, acknowledged;
    bool subscribed;
    struct load_latencies latencies;
};

/* ---- packets ---- */

static void flush(struct load *load)
{
    load_write(load->fd, load->out, load->out_size);
    load->out_size = 0;
}

static void put(struct load *load, const void *data, size_t size)
{
    memcpy(load->out + load->out_size, data, size);
    load->out_size += size;
}

static uint16_t next_id(uint64_t sent)
{
    return (uint16_t)(sent % 65535 + 1);
}

static void put_publish(struct load *load, int64_t now_us)
{
    char topic[] = "bench/0000";
    size_t topic_size = sizeof(topic) - 1;
    size_t size = 2 + topic_size + (load->qos > 0 ? 2 : 0) + load->body.size;
    uint8_t head[8];
    size_t at = 0;
    uint16_t id = next_id(load->sent);
    load_put_digits(topic + 6, (uint32_t)(load->sent % load->devices));
    load_body_next(&load->body);
    head[at++] = (uint8_t)(PUBLISH << 4 | load->qos << 1);
    for (size_t rest = size;; rest >>= 7) {
        head[at++] = (uint8_t)((rest & 127) | (rest > 127 ? 128 : 0));
        if (rest <= 127) {
            break;
        }
    }
    head[at++] = 0;
    head[at++] = (uint8_t)topic_size;
    put(load, head, at);
    put(load, topic, topic_size);
    if (load->qos > 0) {
        const uint8_t bytes[] = { (uint8_t)(id >> 8), (uint8_t)id };
        put(load, bytes, sizeof(bytes));
        load->sent_us[id] = now_us;
    }
    put(load, load->body.text, load->body.size);
    load->sent++;
}

/* Every filter is granted. */
static void put_suback(struct load *load, const uint8_t *body, size_t size)
{
    size_t filters = 0;
    for (size_t at = 2; at + 2 < size && filters < FILTERS_MOST; filters++) {
        at += 2 + ((size_t)body[at] << 8 | body[at + 1]) + 1;
    }
    size_t length = 2 + filters;
    const uint8_t head[] = { SUBACK << 4, (uint8_t)((length & 127) | 128), (uint8_t)(length >> 7),
                             body[0], body[1] };
    put(load, head, sizeof(head));
    memset(load->out + load->out_size, load->qos, filters);
    load->out_size += filters;
}

static void on_packet(struct load *load, uint8_t type, const uint8_t *body, size_t size)
{
    const uint8_t connack[] = { CONNACK << 4, 2, 0, 0 };
    if (type == CONNECT) {
        put(load, connack, sizeof(connack));
        flush(load);
    } else if (type == SUBSCRIBE && size > 2) {
        put_suback(load, body, size);
        flush(load);
        load->subscribed = true;
    } else if (type == PUBACK && size >= 2) {
        uint16_t id = (uint16_t)(body[0] << 8 | body[1]);
        load_took(&load->latencies, load_now_us() - load->sent_us[id]);
        load->acknowledged++;
    } else if (type == PINGREQ) {
        const uint8_t pong[] = { 13 << 4, 0 };
        put(load, pong, sizeof(pong));
    }
}

/* Takes what came. */
static void receive(struct load *load)
{
    ssize_t count = recv(load->fd, load->in + load->in_size, IN_BYTES - load->in_size, 0);
    if (count <= 0) {
        load_fail("the other side is gone");
    }
    load->in_size += (size_t)count;
    size_t at = 0;
    while (load->in_size - at >= 2) {
        size_t size = load->in[at + 1] & 127, head = 2;
        if ((load->in[at + 1] & 128) != 0) {
            if (load->in_size - at < 3) {
                break;
            }
            size |= (size_t)load->in[at + 2] << 7;
            head = 3;
        }
        if (load->in_size - at < head + size) {
            break;
        }
        on_packet(load, load->in[at] >> 4, load->in + at + head, size);
        at += head + size;
    }
    memmove(load->in, load->in + at, load->in_size - at);
    load->in_size -= at;
}

static void connect_as_client(struct load *load)
{
    const uint8_t packet[] = { CONNECT << 4, 17,  0,   4,   'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 5,
                               'b',          'e', 'n', 'c', 'h' };
    load_write(load->fd, packet, sizeof(packet));
    if (!load_readable(load->fd, 5000)) {
        load_fail("no CONNACK");
    }
    receive(load);
}

/* ---- the run ---- */

static bool may_send(const struct load *load)
{
    return load->qos == 0 || load->sent - load->acknowledged < WINDOW;
}

static void run(struct load *load, int64_t began_us, int64_t end_us)
{
    const struct timespec tick = { .tv_nsec = TICK_US * 1000 };
    for (int64_t now_us = began_us; now_us < end_us; now_us = load_now_us()) {
        uint64_t due = load_due(began_us, now_us, load->rate);
        bool behind = false;
        while (load->sent < due && may_send(load) && load->out_size < OUT_BYTES) {
            put_publish(load, now_us);
            behind = true;
        }
        flush(load);
        while (load_readable(load->fd, 0)) {
            receive(load);
        }
        if (!behind && load->qos > 0 && load->sent < due) {
            (void)load_readable(load->fd, 10); /* for room in the window */
        } else if (!behind) {
            nanosleep(&tick, NULL);
        }
    }
    for (int64_t wait_us = end_us + 5000000;
         load->qos > 0 && load->acknowledged < load->sent && load_now_us() < wait_us;) {
        if (load_readable(load->fd, 100)) {
            receive(load);
        }
    }
}

int main(int argc, char **argv)
{
    static struct load load;
    load.is_broker = argc > 1 && strcmp(argv[1], "broker") == 0;
    int at = load.is_broker ? 3 : 4;
    if (argc != at + 5) {
        fprintf(
            stderr,
            "usage: %s client HOST PORT | broker PORT, then QOS READINGS DEVICES RATE SECONDS\n",
            argv[0]);
        return 2;
    }
    load.qos = (int)strtol(argv[at], NULL, 10);
    load_body_init(&load.body, LOAD_JSON, (size_t)strtol(argv[at + 1], NULL, 10));
    load.devices = (uint32_t)strtoul(argv[at + 2], NULL, 10);
    load.rate = strtod(argv[at + 3], NULL);
    double seconds = strtod(argv[at + 4], NULL);
    load.fd = load.is_broker ? load_listen(argv[2]) : load_connect(argv[2], argv[3]);
    if (load.is_broker) {
        while (!load.subscribed) {
            receive(&load);
        }
    } else {
        connect_as_client(&load);
    }
    int64_t began_us = load_now_us();
    run(&load, began_us, began_us + (int64_t)(seconds * 1e6));
    int64_t ended_us = load_now_us();
    load_print(load.sent, load.acknowledged, began_us, ended_us, &load.latencies);
    fflush(stdout);
    if (load.is_broker) { /* the client is not to reconnect before it was looked at */
        while (recv(load.fd, load.in, IN_BYTES, 0) > 0) {
        }
    }
    close(load.fd);
    return 0;
}
