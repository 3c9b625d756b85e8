/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of devices that are asked: points of the same URL are one fetch, and one answer gives them all.
 *
 *   read -> pages that its points stand on -> fetch each -> rules -> samples -> driver_done */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/http/http_detail.h"
#include "drivers/http/http_driver.h"
#include "model/quality.h"

enum { PAGES_MAX = 256, NOTE_MAX = 512 };

struct http_page {
    const char *url;
    struct payload_program *program;
};

/* ---- pages ---- */

static const char *url_of(const struct http_device *device, uint32_t point)
{
    const struct http_address *address = driver_address(device->dev, point);
    return address->url != NULL ? address->url : device->config.url;
}

static struct http_page *page_of(const struct http_device *device, const char *url)
{
    for (size_t i = 0; i < device->page_count; i++) {
        if (strcmp(device->pages[i].url, url) == 0) {
            return &device->pages[i];
        }
    }
    return NULL;
}

static int add_page(struct http_device *device, const char *url, struct err *err)
{
    if (page_of(device, url) != NULL) {
        return 0;
    }
    if (device->page_count == PAGES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "its points stand at more than %d URLs", PAGES_MAX);
    }
    device->pages = busbar_realloc(device->pages,
                                   (device->page_count + 1) * sizeof(*device->pages));
    device->pages[device->page_count++] = (struct http_page){ .url = url };
    return 0;
}

static int make_program(struct http_device *device, struct http_page *page, struct err *err)
{
    const struct device *dev = device->dev;
    struct payload_rule_source *rules = busbar_alloc_array(dev->point_count + 1, sizeof(*rules));
    size_t count = 0;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct http_address *address = driver_address(dev, i);
        if (address->payload.kind != PAYLOAD_POINT_ROWS &&
            strcmp(url_of(device, i), page->url) == 0) {
            rules[count++] = (struct payload_rule_source){ .point = &address->payload, .index = i };
        }
    }
    int error = payload_program_get(feed_programs(device->state->feed), device->shape, device->id,
                                    rules, count, NULL, 0, &page->program, err);
    busbar_free(rules);
    return error;
}

int http_pages_make(struct http_device *device, struct err *err)
{
    int error = 0;
    for (uint32_t i = 0; error == 0 && i < device->dev->point_count; i++) {
        const struct http_address *address = driver_address(device->dev, i);
        if (address->payload.kind != PAYLOAD_POINT_ROWS) {
            error = add_page(device, url_of(device, i), err);
        }
    }
    for (size_t i = 0; error == 0 && i < device->page_count; i++) {
        error = make_program(device, &device->pages[i], err);
    }
    if (error != 0) {
        http_pages_free(device);
    }
    return error;
}

void http_pages_free(struct http_device *device)
{
    for (size_t i = 0; i < device->page_count; i++) {
        payload_program_drop(device->pages[i].program);
    }
    busbar_free(device->pages);
    device->pages = NULL;
    device->page_count = 0;
}

/* ---- asking ---- */

void http_ask_of(const struct http_device *device, const char *url, struct http_ask *ask,
                 const char *headers[3])
{
    const struct http_device_config *config = &device->config;
    const char *secret = config->token != NULL ? config->token : config->password;
    headers[0] = config->header;
    headers[1] = NULL;
    *ask = (struct http_ask){
        .method = config->method == HTTP_POST ? "POST" : "GET",
        .url = url != NULL ? url : config->url,
        .headers = headers,
        .body = config->method == HTTP_POST ? (config->body != NULL ? config->body : "") : NULL,
        .body_size = config->method == HTTP_POST && config->body != NULL ? strlen(config->body) : 0,
        .login = config->login,
        .user = config->user,
        .password = secret != NULL ? driver_secret(device->drv, secret) : NULL,
        .tls = { .ca = config->ca,
                 .certificate = config->certificate,
                 .key = config->key,
                 .unverified = !config->verify },
        .redirects_max = config->redirects,
        .answer_max = PAYLOAD_PLAIN_MAX,
    };
}

/* ---- a read ---- */

struct read {
    struct list link; /* device->reads */
    struct http_device *device;
    struct request *req;
    struct asked *asked;
    size_t asked_count, open;
    struct arena texts; /* of samples, until driver_done() has returned */
    int error;          /* of a fetch that had no answer */
    size_t answered;
    struct loop_deferred done;
};

/* A page that is being fetched for it. */
struct asked {
    struct read *read;
    struct http_page *page;
    struct http_fetch *fetch;
};

static void tell_link(struct http_device *device, int error, const char *words)
{
    if (error == 0 && !device->up) {
        device->up = true;
        driver_link(device->dev, true, 0, NULL);
    } else if (error != 0) {
        device->up = false;
        driver_link(device->dev, false, error, words);
    }
}

static void finish(void *ctx)
{
    struct read *read = ctx;
    struct http_device *device = read->device;
    struct request *req = read->req;
    struct arena texts = read->texts;
    int error = read->answered == 0 ? read->error : 0;
    for (size_t i = 0; i < read->asked_count; i++) {
        if (read->asked[i].fetch != NULL) {
            http_fetch_cancel(read->asked[i].fetch);
        }
    }
    list_remove(&read->link);
    loop_defer_cancel(&read->done);
    busbar_free(read->asked);
    busbar_free(read);
    driver_done(device->dev, req, error);
    arena_fini(&texts);
}

/* All points of a page that has no values: why. */
static void fail_page(const struct asked *asked, uint8_t quality, uint16_t detail)
{
    const struct read *read = asked->read;
    for (size_t i = 0; i < read->req->count; i++) {
        if (strcmp(url_of(read->device, read->req->points[i]), asked->page->url) == 0) {
            read->req->samples[i] = (struct sample){ .quality = quality, .detail = detail };
        }
    }
}

static void put_value(struct read *read, const struct payload_reading *reading,
                      struct sample *sample)
{
    *sample = (struct sample){ .time_us = reading->time_us,
                               .type = reading->type,
                               .quality = reading->quality };
    if (reading->type == VALUE_TEXT) {
        size_t size = reading->value.text.size;
        struct text *text = size <= TEXT_BYTES_MAX
                                ? arena_alloc(&read->texts, sizeof(*text) + size + 1)
                                : NULL;
        if (text == NULL) {
            *sample = (struct sample){ .quality = QUALITY_OUT_OF_RANGE };
            return;
        }
        text->size = (uint32_t)size;
        memcpy(text->bytes, reading->value.text.bytes, size);
        text->bytes[size] = '\0';
        sample->value.text = text;
    } else if (reading->type == VALUE_BOOL) {
        sample->value.b = reading->value.b;
    } else {
        sample->value.i = reading->value.i;
    }
}

static int compare_points(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Of several values of one point the last counts. */
static void put_readings(struct read *read, const struct payload_taken *taken)
{
    const struct request *req = read->req;
    for (size_t i = 0; i < taken->reading_count; i++) {
        const struct payload_reading *reading = &taken->readings[i];
        const uint32_t *at = bsearch(&reading->index, req->points, req->count, sizeof(*at),
                                     compare_points);
        if (at != NULL) {
            put_value(read, reading, &req->samples[at - req->points]);
        }
    }
}

static int take_page(struct asked *asked, const struct http_answer *answer, struct err *err)
{
    struct read *read = asked->read;
    struct payload_reader *reader = read->device->state->reader;
    const struct payload_shape *shape = read->device->shape;
    const struct payload_message message = { .body = answer->body,
                                             .size = answer->size,
                                             .receive_us = clock_wall_us() };
    size_t count = 0;
    int error = payload_reader_open(reader, &message, err);
    error = error == 0 ? payload_reader_elements(reader, shape, &count, err) : error;
    for (size_t i = 0; error == 0 && i < count; i++) {
        struct payload_taken taken = { 0 };
        const char *id = NULL;
        size_t size = 0;
        if (payload_shape_has_id(shape) &&
            (payload_reader_id(reader, shape, i, &id, &size, NULL) != 0 ||
             strlen(read->device->id) != size || memcmp(id, read->device->id, size) != 0)) {
            continue;
        }
        error = payload_reader_take(reader, asked->page->program, i, &taken, err);
        if (error == 0) {
            put_readings(read, &taken);
        }
    }
    return error;
}

static void on_fetched(void *ctx, const struct http_answer *answer)
{
    struct asked *asked = ctx;
    struct read *read = asked->read;
    struct http_device *device = read->device;
    struct err err = { 0 };
    asked->fetch = NULL;
    if (answer->error != 0) {
        read->error = answer->error;
        fail_page(asked, answer->error == BUSBAR_ETIMEOUT ? QUALITY_NO_ANSWER : QUALITY_LINK_DOWN,
                  0);
        tell_link(device, answer->error, answer->err.message);
    } else {
        read->answered++;
        driver_frame(device->dev, false, answer->body, answer->size);
        tell_link(device, 0, NULL);
        if (answer->status < 200 || answer->status > 299) {
            fail_page(asked, QUALITY_REFUSED, (uint16_t)answer->status);
        } else {
            fail_page(asked, QUALITY_CONFIGURATION, HTTP_DETAIL_MISSING);
            if (take_page(asked, answer, &err) != 0) {
                fail_page(asked, QUALITY_DECODE, HTTP_DETAIL_WRONG);
                driver_bad_frame(device->dev, answer->body, answer->size, err.message);
            }
        }
    }
    if (--read->open == 0) {
        finish(read);
    }
}

static void begin_page(struct read *read, struct http_page *page)
{
    const char *headers[3];
    char note[NOTE_MAX];
    struct http_ask ask;
    struct http_device *device = read->device;
    struct asked *asked = &read->asked[read->asked_count++];
    *asked = (struct asked){ .read = read, .page = page };
    http_ask_of(device, page->url, &ask, headers);
    int64_t left_us = read->req->deadline_us - clock_mono_us();
    ask.timeout_us = left_us > CLOCK_US_PER_MS ? left_us : CLOCK_US_PER_MS;
    size_t size = str_format(note, sizeof(note), "%s %s", ask.method, page->url);
    driver_note(device->dev, true, note, size);
    asked->fetch = http_fetch(device->state->fetcher, &ask, on_fetched, asked);
    read->open++;
}

void http_read(struct http_device *device, struct request *req)
{
    struct read *read = busbar_alloc(sizeof(*read));
    read->device = device;
    read->req = req;
    read->error = BUSBAR_ENOTCONN;
    read->asked = busbar_alloc_array(device->page_count + 1, sizeof(*read->asked));
    arena_init(&read->texts, PAYLOAD_PLAIN_MAX);
    loop_deferred_init(&read->done, finish, read);
    list_append(&device->reads, &read->link);
    for (size_t p = 0; p < device->page_count; p++) {
        for (size_t i = 0; i < req->count; i++) {
            if (strcmp(url_of(device, req->points[i]), device->pages[p].url) == 0) {
                begin_page(read, &device->pages[p]);
                break;
            }
        }
    }
    if (read->open == 0) {
        loop_defer(device->state->loop, &read->done);
    }
}

static void end(struct read *read, int error)
{
    for (size_t i = 0; i < read->asked_count; i++) {
        if (read->asked[i].fetch != NULL) {
            fail_page(&read->asked[i], QUALITY_NO_ANSWER, 0);
        }
    }
    read->error = error;
    finish(read);
}

void http_read_cancel(struct http_device *device, struct request *req)
{
    list_each(at, &device->reads) {
        struct read *read = list_entry(at, struct read, link);
        if (read->req == req) {
            end(read, BUSBAR_ETIMEOUT);
            return;
        }
    }
}

void http_reads_stop(struct http_device *device)
{
    while (!list_empty(&device->reads)) {
        struct read *read = list_entry(device->reads.next, struct read, link);
        read->answered = 0;
        end(read, BUSBAR_ECANCELED);
    }
}
