/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated devices of the HTTP driver: posters, and pages that are polled and written.
 *
 *   sim_http.c       devices, faults
 *   sim_http_post.c  posting to where the gateway listens, one message of a device at a time, again until it is taken
 *   sim_http_page.c  small servers, one for each address of the devices' URLs */
#ifndef BUSBAR_SIM_SIM_HTTP_H
#define BUSBAR_SIM_SIM_HTTP_H

#include "drivers/http/http_config.h"
#include "http/http.h"
#include "sim/sim_private.h"
#include "sim/sim_talk.h"

const struct sim_ops *sim_http(void);

enum { SIM_HTTP_URL_MAX = 2048, SIM_HTTP_BODY_MAX = 1 << 20, SIM_HTTP_KEY_MAX = 64 };

struct sim_http_state {
    struct list sites;            /* struct sim_http_site */
    struct http_fetcher *fetcher; /* NULL: nobody posts */
    uint64_t random;
};

struct sim_http_site;

struct sim_http_device { /* sd->state */
    struct list link;    /* site->devices */
    struct sim_device *sd;
    struct sim_http_state *state;
    struct sim_talk talk;
    enum sim_fault_kind was;
    char *url; /* polled: the device's; else where it posts */

    /* it posts */
    char *header; /* of its key; NULL: none */
    struct timer timer, retry;
    struct http_fetch *fetch; /* on its way */
    struct buf body;          /* what is on its way, or has to be sent again */
    char key[SIM_HTTP_KEY_MAX];
    size_t next; /* of the says */
    uint64_t told, taken, refused, again;

    /* it is polled */
    struct sim_http_site *site; /* NULL: it posts */
};

/* ---- sim_http_post.c ---- */
int sim_http_post_open(struct sim_http_device *device, const struct setup *setup,
                       const struct http_device_config *config, struct err *err);
void sim_http_post_close(struct sim_http_device *device);
/* A message in the body is to be sent; one that is on its way goes first. */
void sim_http_post_event(struct sim_http_device *device, const struct buf *body);

/* ---- sim_http_page.c ---- */
int sim_http_site_get(struct sim_http_device *device, struct err *err);
void sim_http_site_drop(struct sim_http_site *site);
struct list *sim_http_site_devices(struct sim_http_site *site);
void sim_http_site_down(struct sim_http_site *site, bool down);

/* What is asked is whole: "http://127.0.0.1:8101/api/status" of a point; false: it has none. */
bool sim_http_where(void *device, uint32_t point, char to[SIM_WHERE_MAX]);
const struct http_address *sim_http_address(const struct sim_http_device *device, uint32_t point);

#endif
