/* SPDX-License-Identifier: Apache-2.0 */
/* Posts over HTTP/1.1 (keep-alive) or lines over TCP, over some connections:
 *
 *   bench_push_stream http HOST PORT CONNECTIONS READINGS DEVICES RATE SECONDS    one post a connection at a time
 *   bench_push_stream line HOST PORT CONNECTIONS READINGS DEVICES RATE SECONDS    never waits
 *   bench_push_stream acked HOST PORT CONNECTIONS READINGS DEVICES RATE SECONDS   some lines a connection wait for "OK\n"
 *
 * A line is "0000;21.0001;21.0002": the device's id and its readings. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum {
    CONNECTIONS_MAX = 1000,
    OUT_BYTES = 64 * 1024,
    MESSAGE_MOST = LOAD_BODY_MAX + 256,
    IN_BYTES = 16 * 1024,
    WINDOW = 256,
    DRAIN_US = 5000000
};
enum mode { HTTP, LINE, ACKED };

struct connection {
    int fd;
    uint8_t out[OUT_BYTES + MESSAGE_MOST];
    size_t out_at, out_size;
    int64_t sent_us[WINDOW]; /* a ring: answers come in order */
    uint64_t sent, answered;
    char last[8]; /* the end of what came before */
    size_t last_size;
};

struct load {
    enum mode mode;
    struct connection *connections;
    struct pollfd *watches;
    size_t count;
    uint32_t devices;
    double rate;
    struct load_body body;
    uint64_t sent, answered;
    struct load_latencies latencies;
};

static size_t window(const struct load *load)
{
    return load->mode == HTTP ? 1 : load->mode == ACKED ? WINDOW : SIZE_MAX;
}

static void put_message(struct load *load, struct connection *connection, int64_t now_us)
{
    char *at = (char *)connection->out + connection->out_size;
    uint32_t device = (uint32_t)(load->sent % load->devices);
    int size;
    load_body_next(&load->body);
    if (load->mode == HTTP) {
        size = snprintf(at, MESSAGE_MOST,
                        "POST /%04u HTTP/1.1\r\nHost: bench\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        device, load->body.size, load->body.text);
    } else { /* no printf: 500,000 a second */
        load_put_digits(at, device);
        at[4] = ';';
        memcpy(at + 5, load->body.text, load->body.size);
        at[5 + load->body.size] = '\n';
        size = (int)load->body.size + 6;
    }
    connection->out_size += (size_t)size;
    connection->sent_us[connection->sent % WINDOW] = now_us;
    connection->sent++;
    load->sent++;
}

static void flush(struct connection *connection)
{
    while (connection->out_at < connection->out_size) {
        ssize_t count = send(connection->fd, connection->out + connection->out_at,
                             connection->out_size - connection->out_at,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            return;
        }
        if (count < 0) {
            load_fail("send");
        }
        connection->out_at += (size_t)count;
    }
    connection->out_at = connection->out_size = 0;
}

static void one_answered(struct load *load, struct connection *connection, int64_t now_us)
{
    load_took(&load->latencies, now_us - connection->sent_us[connection->answered % WINDOW]);
    connection->answered++;
    load->answered++;
}

/* Answers end with an empty line (204 has no body), or are "OK\n". */
static void take(struct load *load, struct connection *connection)
{
    const char *mark = load->mode == HTTP ? "\r\n\r\n" : "OK\n";
    size_t mark_size = strlen(mark);
    char in[IN_BYTES + 8];
    memcpy(in, connection->last, connection->last_size);
    ssize_t count = recv(connection->fd, in + connection->last_size, IN_BYTES, MSG_DONTWAIT);
    if (count == 0) {
        fprintf(stderr, "the other side closed a connection\n");
        exit(1);
    }
    if (count < 0) {
        return;
    }
    size_t size = connection->last_size + (size_t)count, at = 0;
    int64_t now_us = load_now_us();
    if (load->mode == HTTP && connection->last_size == 0 && strncmp(in, "HTTP/1.1 204", 12) != 0) {
        fprintf(stderr, "%.*s\n", (int)size, in);
        exit(1);
    }
    for (const char *found; (found = memmem(in + at, size - at, mark, mark_size)) != NULL;) {
        one_answered(load, connection, now_us);
        at = (size_t)(found - in) + mark_size;
    }
    size_t left = size - at, keep = left < mark_size - 1 ? left : mark_size - 1;
    memcpy(connection->last, in + size - keep, keep);
    connection->last_size = keep;
}

static bool fill(struct load *load, struct connection *connection, uint64_t due, int64_t now_us)
{
    bool any = false;
    while (load->sent < due && connection->out_at == 0 && connection->out_size < OUT_BYTES / 2 &&
           connection->sent - connection->answered < window(load)) {
        put_message(load, connection, now_us);
        any = true;
    }
    flush(connection);
    return any;
}

static void run(struct load *load, int64_t began_us, int64_t end_us)
{
    size_t first = 0;
    for (int64_t now_us = began_us;
         now_us < end_us ||
         (load->mode != LINE && load->answered < load->sent && now_us < end_us + DRAIN_US);
         now_us = load_now_us()) {
        uint64_t due = now_us < end_us ? load_due(began_us, now_us, load->rate) : 0;
        bool any = false;
        for (size_t i = 0; i < load->count; i++) { /* another one begins each time */
            any = fill(load, &load->connections[(first + i) % load->count], due, now_us) || any;
        }
        first++;
        for (size_t i = 0; i < load->count; i++) {
            struct connection *connection = &load->connections[i];
            load->watches[i] = (struct pollfd){ .fd = connection->fd, .events = POLLIN };
            load->watches[i].events |= connection->out_at < connection->out_size ? POLLOUT : 0;
        }
        int ready = poll(load->watches, (nfds_t)load->count, any ? 0 : 1);
        for (size_t i = 0; ready > 0 && i < load->count; i++) {
            if ((load->watches[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
                take(load, &load->connections[i]);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static struct load load;
    const char *const modes[] = { "http", "line", "acked" };
    if (argc != 9) {
        fprintf(stderr,
                "usage: %s http|line|acked HOST PORT CONNECTIONS READINGS DEVICES RATE SECONDS\n",
                argv[0]);
        return 2;
    }
    while (strcmp(argv[1], modes[load.mode]) != 0 && load.mode < ACKED) {
        load.mode++;
    }
    load.count = (size_t)strtoul(argv[4], NULL, 10);
    load.count = load.count > CONNECTIONS_MAX ? CONNECTIONS_MAX : load.count;
    load_body_init(&load.body, load.mode == HTTP ? LOAD_JSON : LOAD_CSV,
                   (size_t)strtoul(argv[5], NULL, 10));
    load.devices = (uint32_t)strtoul(argv[6], NULL, 10);
    load.rate = strtod(argv[7], NULL);
    load.connections = calloc(load.count, sizeof(*load.connections));
    load.watches = calloc(load.count, sizeof(*load.watches));
    if (load.connections == NULL || load.watches == NULL) {
        load_fail("memory");
    }
    for (size_t i = 0; i < load.count; i++) {
        load.connections[i].fd = load_connect(argv[2], argv[3]);
    }
    int64_t began_us = load_now_us();
    run(&load, began_us, began_us + (int64_t)(strtod(argv[8], NULL) * 1e6));
    load_print(load.sent, load.answered, began_us, load_now_us(), &load.latencies);
    return 0;
}
