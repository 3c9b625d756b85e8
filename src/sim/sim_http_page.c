/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of devices: what stands in the configuration as URL is answered with a message of its points; a request that a
 * point's `send` would have sent changes its value. */
#include <microhttpd.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sim/sim_http.h"

enum {
    STATUS_OK = 200,
    STATUS_DONE = 204,
    STATUS_UNKNOWN = 404,
    STATUS_STOPPING = 503,
    SILENT_MS = 60000,
    CONNECTIONS_MAX = 1000,
    POOL_BYTES = 32 * 1024,
    IDLE_S = 120,
    BODIES_MAX = 16 << 20,
};

struct sim_http_site {
    struct list link; /* state->sites */
    struct sim *sim;
    char host[300]; /* "127.0.0.1:8101" */
    struct list devices, late;
    struct http http;
    struct http_listener *listener; /* NULL: down */
};

struct page_request {
    struct http_request http; /* first */
    char method[12];
    char target[SIM_HTTP_URL_MAX];
    struct list late_link;
    struct timer late;
    unsigned status;
    struct buf answer;
    bool held;
};

/* ---- answers ---- */

static void send_answer(struct page_request *req)
{
    size_t size = 0;
    uint8_t *data = buf_take(&req->answer, &size);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        size, data != NULL ? (void *)data : (void *)(uintptr_t) "",
        data != NULL ? busbar_free : NULL);
    if (response == NULL) {
        busbar_free(data);
    }
    req->http.status = req->status;
    req->http.response = response;
    http_answer(&req->http);
}

static void late_due(struct timer *timer, void *ctx)
{
    struct page_request *req = ctx;
    (void)timer;
    list_remove(&req->late_link);
    req->held = false;
    send_answer(req);
}

static void answer_later(struct sim_http_site *site, struct page_request *req, int64_t delay_us)
{
    req->held = true;
    list_append(&site->late, &req->late_link);
    timer_init(&req->late, site->sim->loop, late_due, req);
    timer_start_us(&req->late, delay_us, 0);
}

static void answer(struct sim_http_device *device, struct page_request *req)
{
    enum sim_fault_kind kind = sim_request(device->sd);
    int64_t code = device->sd->fault.argument;
    if (kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_DOWN) {
        answer_later(device->site, req, (int64_t)SILENT_MS * CLOCK_US_PER_MS);
        return;
    }
    if (kind == SIM_FAULT_ERROR) {
        buf_clear(&req->answer);
        req->status = code >= 100 && code <= 599 ? (unsigned)code : STATUS_STOPPING;
    }
    sim_talk_spoil(kind, &device->state->random, 0, &req->answer);
    if (kind == SIM_FAULT_SLOW) {
        answer_later(device->site, req, code);
    } else {
        send_answer(req);
    }
}

/* ---- what is asked for ---- */

/* Behind the host: "/api/status". */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    const char *path = strchr(host, '/');
    return path != NULL ? path : "/";
}

static bool obeys(struct sim_http_device *device, uint32_t point, const struct page_request *req)
{
    const struct http_address *address = sim_http_address(device, point);
    const char *name = device->sd->dev->points[point].name;
    const struct sim_speaker *speaker = &device->talk.speaker;
    char url[SIM_HTTP_URL_MAX];
    struct buf value;
    if (address->send_url == NULL ||
        strcmp(http_send_method(address->send_method), req->method) != 0 ||
        !http_url_join(device->url, address->send_url, url, sizeof(url))) {
        return false;
    }
    buf_init(&value, TEXT_BYTES_MAX);
    bool fits = sim_template_take(path_of(url), speaker, name, req->target, strlen(req->target),
                                  &value);
    if (fits && address->send != NULL && strstr(url, "{value") == NULL) {
        buf_clear(&value);
        fits = sim_template_take(address->send, speaker, name, req->http.body.data,
                                 req->http.body.size, &value);
    }
    fits = fits && sim_live_hold_text(&device->talk.live, point, buf_text(&value), value.size) == 0;
    buf_fini(&value);
    return fits;
}

/* Whether the device has it: the answer is there then. */
static bool serve(struct sim_http_device *device, struct page_request *req)
{
    for (uint32_t i = 0; i < device->sd->dev->point_count; i++) {
        if (obeys(device, i, req)) {
            req->status = STATUS_DONE;
            return true;
        }
    }
    for (size_t i = 0; i < device->talk.say_count; i++) {
        const struct sim_say *what = &device->talk.says[i];
        if (strcmp(path_of(what->where), req->target) == 0) {
            req->status = STATUS_OK;
            return sim_talk_make(&device->talk, what, clock_wall_us(), &req->answer, NULL) == 0;
        }
    }
    return false;
}

static void begin(struct http_request *http, const struct http_head *head)
{
    struct page_request *req = (struct page_request *)http;
    buf_init(&req->answer, SIM_MESSAGE_MAX);
    list_init(&req->late_link);
    str_format(req->method, sizeof(req->method), "%s", head->method);
    str_format(req->target, sizeof(req->target), "%s", head->target);
}

static void handle(struct http_request *http)
{
    struct page_request *req = (struct page_request *)http;
    struct sim_http_site *site = http->http->ctx;
    list_each(at, &site->devices) {
        struct sim_http_device *device = list_entry(at, struct sim_http_device, link);
        if (serve(device, req)) {
            answer(device, req);
            return;
        }
    }
    req->status = STATUS_UNKNOWN;
    send_answer(req);
}

static void fini(struct http_request *http)
{
    struct page_request *req = (struct page_request *)http;
    timer_stop(&req->late);
    if (req->held) {
        list_remove(&req->late_link);
    }
    buf_fini(&req->answer);
}

static unsigned stopping(struct MHD_Response **response)
{
    *response = MHD_create_response_from_buffer_with_free_callback(0, (void *)(uintptr_t) "", NULL);
    return STATUS_STOPPING;
}

static const struct http_ops page_ops = {
    .request_bytes = sizeof(struct page_request),
    .body_max = SIM_HTTP_BODY_MAX,
    .bodies_max = BODIES_MAX,
    .begin = begin,
    .handle = handle,
    .fini = fini,
    .stopping = stopping,
};

/* ---- sites ---- */

static int open_site(struct sim_http_site *site, struct err *err)
{
    struct address address;
    uint16_t bound;
    int error = address_parse(site->host, 80, &address, err);
    if (error != 0) {
        return error;
    }
    const char *host = strcmp(address.host, "localhost") == 0 ? "127.0.0.1" : address.host;
    if (!address_is_ip(host)) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no address of this machine", address.host);
        err_hint(err, "in a site to be simulated pages are at addresses, as in "
                      "http://127.0.0.1:8101/status");
        return BUSBAR_EINVAL;
    }
    int fd = http_bind(host, address.port, &bound, err);
    if (fd < 0) {
        return fd;
    }
    const struct http_settings settings = {
        .name = "sim",
        .address = host,
        .pool_bytes = POOL_BYTES,
        .connections_max = CONNECTIONS_MAX,
        .per_address_max = CONNECTIONS_MAX,
        .idle_s = IDLE_S,
    };
    return http_listener_open(&site->http, fd, &settings, &site->listener, err);
}

struct list *sim_http_site_devices(struct sim_http_site *site)
{
    return &site->devices;
}

int sim_http_site_get(struct sim_http_device *device, struct err *err)
{
    char host[300];
    int error = http_url_check(device->url, host, sizeof(host), err);
    if (error == 0 && strncmp(device->url, "https", strlen("https")) == 0) {
        error = err_set(err, BUSBAR_EUNSUPPORTED, "pages with TLS are not simulated");
    }
    if (error != 0) {
        return error;
    }
    list_each(at, &device->state->sites) {
        struct sim_http_site *site = list_entry(at, struct sim_http_site, link);
        if (strcmp(site->host, host) == 0) {
            device->site = site;
            list_append(&site->devices, &device->link);
            return 0;
        }
    }
    struct sim_http_site *site = busbar_alloc(sizeof(*site));
    site->sim = device->sd->sim;
    str_format(site->host, sizeof(site->host), "%s", host);
    list_init(&site->devices);
    list_init(&site->late);
    http_init(&site->http, site->sim->loop, &page_ops, site);
    list_append(&device->state->sites, &site->link);
    list_append(&site->devices, &device->link);
    device->site = site;
    return open_site(site, err);
}

static void answer_late(struct sim_http_site *site)
{
    while (!list_empty(&site->late)) {
        struct page_request *req = list_entry(list_shift(&site->late), struct page_request,
                                              late_link);
        timer_stop(&req->late);
        req->held = false;
        send_answer(req);
    }
}

void sim_http_site_drop(struct sim_http_site *site)
{
    if (!list_empty(&site->devices)) {
        return;
    }
    answer_late(site);
    list_remove(&site->link);
    http_close(&site->http);
    http_fini(&site->http);
    busbar_free(site);
}

void sim_http_site_down(struct sim_http_site *site, bool down)
{
    struct err err = { 0 };
    if (down && site->listener != NULL) {
        answer_late(site);
        http_listener_close(site->listener);
        site->listener = NULL;
    } else if (!down && site->listener == NULL && open_site(site, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sim", site->host, "%s", err.message);
    }
}
