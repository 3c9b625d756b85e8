/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: a request made of a template. Any 2xx means that the device took it; the host reads it back. Sent once: a lost
 * answer is an error. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/http/http_driver.h"
#include "payload/template.h"

enum { BODY_MAX = 64 * 1024, URL_MAX = 4096, NOTE_MAX = 1024, HEADERS = 3 };

struct write {
    struct list link; /* device->writes */
    struct http_device *device;
    struct request *req;
    size_t next; /* the sample that is sent now: one after another */
    int error;
    uint16_t detail;
    struct http_fetch *fetch;
    struct loop_deferred go;
};

static void finish(struct write *write)
{
    struct http_device *device = write->device;
    struct request *req = write->req;
    int error = write->error;
    if (write->fetch != NULL) {
        http_fetch_cancel(write->fetch);
    }
    list_remove(&write->link);
    loop_defer_cancel(&write->go);
    if (error == BUSBAR_EREFUSED) {
        req->samples[0].detail = write->detail;
    }
    busbar_free(write);
    driver_done(device->dev, req, error);
}

static void on_sent(void *ctx, const struct http_answer *answer)
{
    struct write *write = ctx;
    write->fetch = NULL;
    if (answer->error == 0) {
        driver_frame(write->device->dev, false, answer->body, answer->size);
    }
    if (answer->error != 0) {
        write->error = answer->error;
    } else if (answer->status < 200 || answer->status > 299) {
        write->error = BUSBAR_EREFUSED;
        write->detail = (uint16_t)answer->status;
    } else if (++write->next < write->req->count) {
        loop_defer(write->device->state->loop, &write->go);
        return;
    }
    finish(write);
}

static struct payload_template_facts facts_of(const struct write *write)
{
    const struct http_device *device = write->device;
    const struct sample *sample = &write->req->samples[write->next];
    uint32_t point = write->req->points[write->next];
    const struct http_address *address = driver_address(device->dev, point);
    struct payload_template_facts facts = { .id = device->id,
                                            .device = device->dev->name,
                                            .point = device->dev->points[point].name,
                                            .time_us = clock_wall_us(),
                                            .type = sample->type,
                                            .value = sample->value };
    if (sample->type == VALUE_DOUBLE && address->value_type == VALUE_INT) {
        facts.type = VALUE_INT;
        facts.value.i = (int64_t)llround(sample->value.d);
    }
    return facts;
}

/* What is filled into a URL must not change what it means. */
static int print_url(const char *text, const struct payload_template_facts *facts, struct buf *out)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    while (*text != '\0') {
        size_t size = strcspn(text, "{");
        (void)buf_append(out, text, size);
        text += size;
        size_t word = strcspn(text, "}");
        if (*text == '{' && text[word] == '}') {
            char name[PAYLOAD_TEMPLATE_MAX];
            struct buf filled;
            buf_init(&filled, URL_MAX);
            str_format(name, sizeof(name), " %.*s", (int)word + 1, text);
            int error = payload_template_print(name, facts, &filled, NULL);
            const char *at = buf_text(&filled);
            for (at += *at == ' '; error == 0 && *at != '\0'; at++) {
                if (strchr(plain, *at) != NULL) {
                    (void)buf_append_byte(out, (uint8_t)*at);
                } else {
                    (void)buf_printf(out, "%%%02X", (unsigned char)*at);
                }
            }
            buf_fini(&filled);
            if (error != 0) {
                return error;
            }
            text += word + 1;
        } else if (*text == '{') {
            (void)buf_append_byte(out, (uint8_t)*text++);
        }
    }
    return out->overflow ? BUSBAR_ELIMIT : 0;
}

static bool looks_like_json(const char *text)
{
    text += strspn(text, " \r\n\t");
    return *text == '{' || *text == '[';
}

static int send(struct write *write)
{
    static const char json_type[] = "Content-Type: application/json";
    struct http_device *device = write->device;
    const struct http_address *address = driver_address(device->dev,
                                                        write->req->points[write->next]);
    const struct payload_template_facts facts = facts_of(write);
    const char *headers[HEADERS];
    char note[NOTE_MAX];
    struct http_ask ask;
    struct buf body, url;
    buf_init(&body, BODY_MAX);
    buf_init(&url, URL_MAX);
    int error = address->send != NULL ? payload_template_print(address->send, &facts, &body, NULL)
                                      : 0;
    error = error == 0 ? print_url(address->send_url, &facts, &url) : error;
    if (error == 0) {
        http_ask_of(device, buf_text(&url), &ask, headers);
        ask.method = http_send_method(address->send_method);
        ask.body = strcmp(ask.method, "GET") == 0 ? NULL : buf_text(&body);
        ask.body_size = body.size;
        ask.redirects_max = 0;
        ask.once = true;
        int64_t left_us = write->req->deadline_us - clock_mono_us();
        ask.timeout_us = left_us > CLOCK_US_PER_MS ? left_us : CLOCK_US_PER_MS;
        if (looks_like_json(buf_text(&body))) {
            headers[headers[0] != NULL ? 1 : 0] = json_type;
            headers[headers[1] != NULL ? 2 : 1] = NULL;
        }
        size_t size = str_format(note, sizeof(note), "%s %s%s%s", ask.method, buf_text(&url),
                                 body.size > 0 ? ": " : "", buf_text(&body));
        driver_note(device->dev, true, note, size);
        write->fetch = http_fetch(device->state->fetcher, &ask, on_sent, write);
    }
    buf_fini(&url);
    buf_fini(&body);
    return error;
}

static void go(void *ctx)
{
    struct write *write = ctx;
    write->error = send(write);
    if (write->error != 0) {
        finish(write);
    }
}

void http_write(struct http_device *device, struct request *req)
{
    struct write *write = busbar_alloc(sizeof(*write));
    write->device = device;
    write->req = req;
    loop_deferred_init(&write->go, go, write);
    list_append(&device->writes, &write->link);
    loop_defer(device->state->loop, &write->go);
}

static void end(struct write *write, int error)
{
    write->error = error;
    finish(write);
}

bool http_write_cancel(struct http_device *device, struct request *req)
{
    list_each(at, &device->writes) {
        struct write *write = list_entry(at, struct write, link);
        if (write->req == req) {
            end(write, BUSBAR_ETIMEOUT);
            return true;
        }
    }
    return false;
}

void http_writes_stop(struct http_device *device)
{
    while (!list_empty(&device->writes)) {
        end(list_entry(device->writes.next, struct write, link), BUSBAR_ECANCELED);
    }
}
