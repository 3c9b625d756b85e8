/* SPDX-License-Identifier: Apache-2.0 */
/* load FORMAT SERIES STEPS START_MS [PORT [PATH]]: the workload as Influx lines ("influx"), as remote
 * writes ("remote_write") or as SQL for psql ("copy").
 *
 * With a port: makes all requests first, then posts them to 127.0.0.1 one after the other over one
 * connection, each after the answer to the one before, and prints what was acknowledged as JSON; a
 * server that dies ends it, which is no failure. Without: writes the bodies to stdout. */
#include <inttypes.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/http.h"
#include "history/workload.h"

enum { INFLUX_BATCH = 10000, REMOTE_WRITE_BATCH = 2000 };
#define ANSWER_BYTES_MAX (64u << 10)

struct body {
    struct buf bytes;
    size_t samples;
};

struct bodies {
    struct body *all;
    size_t count;
};

static struct body *next_body(struct bodies *bodies)
{
    bodies->all = realloc(bodies->all, (bodies->count + 1) * sizeof(*bodies->all));
    struct body *body = &bodies->all[bodies->count++];
    buf_init(&body->bytes, 1u << 30);
    body->samples = 0;
    return body;
}

/* Ten points a device. */
static size_t print_tags(char *to, size_t size, size_t series, const char *form)
{
    return str_format(to, size, form, workload_metric(series), series / 10, series % 10);
}

/* --- Influx line protocol --- */

static void add_line(struct body *body, size_t series, int64_t time_ms, double value)
{
    char line[160];
    size_t size = print_tags(line, sizeof(line), series, "%s,device=d%05zu,point=p%zu value=");
    size += str_format(line + size, sizeof(line) - size, "%.*f %" PRId64 "\n",
                       workload_decimals(series), value, time_ms);
    (void)buf_append(&body->bytes, line, size);
    body->samples++;
}

/* --- remote write: protobuf, then snappy --- */

static void put_varint(struct buf *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    do {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    } while (value != 0);
    bytes[size - 1] &= 0x7f;
    (void)buf_append(out, bytes, size);
}

static void put_bytes(struct buf *out, uint8_t tag, const void *data, size_t size)
{
    (void)buf_append(out, &tag, 1);
    put_varint(out, size);
    (void)buf_append(out, data, size);
}

static void put_label(struct buf *out, const char *name, const char *value)
{
    char bytes[160];
    struct buf label;
    buf_init(&label, sizeof(bytes));
    put_bytes(&label, 0x0a, name, strlen(name));
    put_bytes(&label, 0x12, value, strlen(value));
    put_bytes(out, 0x0a, buf_text(&label), label.size);
    buf_fini(&label);
}

static void add_series(struct body *body, size_t series, int64_t time_ms, double value)
{
    char device[32], point[32];
    struct buf sample, all;
    buf_init(&sample, 64);
    buf_init(&all, 1024);
    str_format(device, sizeof(device), "d%05zu", series / 10);
    str_format(point, sizeof(point), "p%zu", series % 10);
    put_label(&all, "__name__", workload_metric(series));
    put_label(&all, "device", device);
    put_label(&all, "point", point);
    (void)buf_append(&sample, "\x09", 1);
    (void)buf_append(&sample, &value, sizeof(value));
    (void)buf_append(&sample, "\x10", 1);
    put_varint(&sample, (uint64_t)time_ms);
    put_bytes(&all, 0x12, buf_text(&sample), sample.size);
    put_bytes(&body->bytes, 0x0a, buf_text(&all), all.size);
    body->samples++;
    buf_fini(&sample);
    buf_fini(&all);
}

static void compress(struct body *body)
{
    size_t size = snappy_max_compressed_length(body->bytes.size);
    char *packed = busbar_alloc(size);
    if (snappy_compress(buf_text(&body->bytes), body->bytes.size, packed, &size) != SNAPPY_OK) {
        abort();
    }
    buf_clear(&body->bytes);
    (void)buf_append(&body->bytes, packed, size);
    busbar_free(packed);
}

/* --- SQL --- */

static void add_row(struct body *body, size_t series, int64_t time_ms, double value)
{
    char row[96];
    size_t size = str_format(row, sizeof(row), "%zu\t%" PRId64 "\t%.*f\n", series, time_ms,
                             workload_decimals(series), value);
    (void)buf_append(&body->bytes, row, size);
    body->samples++;
}

static void begin_copy(struct body *body)
{
    static const char text[] = "COPY samples FROM STDIN;\n";
    (void)buf_append(&body->bytes, text, sizeof(text) - 1);
}

static void end_copy(struct body *body)
{
    (void)buf_append(&body->bytes, "\\.\n", 3);
}

static const struct format {
    const char *name, *path;
    size_t batch;
    void (*begin)(struct body *body);
    void (*add)(struct body *body, size_t series, int64_t time_ms, double value);
    void (*end)(struct body *body);
} formats[] = {
    { .name = "influx", .path = "/write?precision=ms", .batch = INFLUX_BATCH, .add = add_line },
    { .name = "remote_write",
      .path = "/api/v1/write",
      .batch = REMOTE_WRITE_BATCH,
      .add = add_series,
      .end = compress },
    { .name = "copy", .batch = INFLUX_BATCH, .begin = begin_copy, .add = add_row, .end = end_copy },
};

static void make_bodies(struct bodies *bodies, const struct format *format, struct workload *load,
                        size_t steps)
{
    int64_t *times_ms = busbar_alloc(load->series * sizeof(*times_ms));
    double *values = busbar_alloc(load->series * sizeof(*values));
    for (size_t step = 0; step < steps; step++) {
        struct body *body = NULL;
        workload_next(load, times_ms, values);
        for (size_t i = 0; i < load->series; i++) {
            if (body == NULL) {
                body = next_body(bodies);
                if (format->begin != NULL) {
                    format->begin(body);
                }
            }
            format->add(body, i, times_ms[i], values[i]);
            if (body->samples == format->batch || i + 1 == load->series) {
                if (format->end != NULL) {
                    format->end(body);
                }
                body = NULL;
            }
        }
    }
    busbar_free(times_ms);
    busbar_free(values);
}

/* --- sending --- */

static void send_bodies(const struct bodies *bodies, const struct format *format, const char *path,
                        uint16_t port)
{
    struct buf answer;
    buf_init(&answer, ANSWER_BYTES_MAX);
    int fd = http_connect(port);
    size_t acknowledged = 0;
    int64_t began = clock_mono_us();
    int status = 0;
    for (size_t i = 0; i < bodies->count; i++) {
        char head[512];
        size_t size = str_format(head, sizeof(head),
                                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s"
                                 "Content-Length: %zu\r\n\r\n",
                                 path, port,
                                 format->end == compress
                                     ? "Content-Type: application/x-protobuf\r\n"
                                       "Content-Encoding: snappy\r\n"
                                       "X-Prometheus-Remote-Write-Version: 0.1.0\r\n"
                                     : "Content-Type: text/plain\r\n",
                                 bodies->all[i].bytes.size);
        if (!http_send(fd, head, size) ||
            !http_send(fd, buf_text(&bodies->all[i].bytes), bodies->all[i].bytes.size)) {
            status = 0;
            break;
        }
        status = http_answer(fd, &answer);
        if (status / 100 != 2) {
            break;
        }
        acknowledged += bodies->all[i].samples;
    }
    printf("{\"acknowledged\": %zu, \"seconds\": %.3f, \"status\": %d}\n", acknowledged,
           (double)(clock_mono_us() - began) / 1e6, status);
    close(fd);
    buf_fini(&answer);
}

int main(int argc, char **argv)
{
    int64_t series, steps, start_ms, port = 0;
    const struct format *format = NULL;
    for (size_t i = 0; argc > 1 && i < sizeof(formats) / sizeof(formats[0]); i++) {
        format = strcmp(argv[1], formats[i].name) == 0 ? &formats[i] : format;
    }
    if (format == NULL || argc < 5 || str_parse_i64(argv[2], &series) != 0 ||
        str_parse_i64(argv[3], &steps) != 0 || str_parse_i64(argv[4], &start_ms) != 0 ||
        (argc > 5 && str_parse_i64(argv[5], &port) != 0) || port > UINT16_MAX) {
        fputs("usage: load influx|remote_write|copy SERIES STEPS START_MS [PORT [PATH]]\n", stderr);
        return 2;
    }
    struct workload load;
    struct bodies bodies = { 0 };
    workload_init(&load, (size_t)series, start_ms);
    make_bodies(&bodies, format, &load, (size_t)steps);
    if (port != 0) {
        puts("ready");
        fflush(stdout);
        send_bodies(&bodies, format, argc > 6 ? argv[6] : format->path, (uint16_t)port);
    }
    for (size_t i = 0; i < bodies.count; i++) {
        if (port == 0) {
            fwrite(buf_text(&bodies.all[i].bytes), 1, bodies.all[i].bytes.size, stdout);
        }
        buf_fini(&bodies.all[i].bytes);
    }
    free(bodies.all);
    workload_fini(&load);
    return 0;
}
