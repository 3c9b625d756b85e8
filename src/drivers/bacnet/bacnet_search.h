/* SPDX-License-Identifier: Apache-2.0 */
/* One discovery on request: its options, what it sends, how long it listens. Private to discovery
 * (bacnet_discover.c). */
#ifndef BUSBAR_DRIVERS_BACNET_SEARCH_H
#define BUSBAR_DRIVERS_BACNET_SEARCH_H

#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_discover.h"
#include "drivers/bacnet/bacnet_find.h"

enum { BACNET_SEARCH_NAME_MAX = 128 }; /* bytes of an object's name that is looked for */

struct bacnet_search {
    struct list link;
    struct loop *loop;
    struct driver *drv;
    struct driver_discovery *asked;
    /* what is looked for */
    struct bacnet_network *network; /* NULL: on all */
    uint16_t number;                /* remote network; 0: any */
    struct bacnet_subnet subnet;
    uint32_t low, high;
    bool scan, has, by_name;
    struct bacnet_object object;
    char name[BACNET_SEARCH_NAME_MAX];
    int64_t wait_us;
    /* how far it is */
    uint32_t scan_next, scan_end; /* addresses still to be asked, host order */
    int64_t began_us, listen_until_us;
    bool listening;   /* else: waits for facts */
    unsigned pending; /* finds whose facts it waits for */
    unsigned found, told_facts;
    struct timer timer;
    void (*ended)(struct bacnet_search *search); /* frees it, then the host is told */
    void *user;
    int error;
    struct err reason;
};

/* Reads the options. An error is in search->error and search->reason. Freed by bacnet_search_free(). */
struct bacnet_search *bacnet_search_new(struct driver *drv, struct driver_discovery *asked);
void bacnet_search_free(struct bacnet_search *search);
/* Sends, listens; ended() is called later. */
void bacnet_search_start(struct bacnet_search *search);
/* Whether a device that said I-Am is one that it looks for. */
bool bacnet_search_matches(const struct bacnet_search *search, const struct bacnet_find *find);
/* A find of it was added, its facts were told. */
void bacnet_search_found(struct bacnet_search *search);
void bacnet_search_facts(struct bacnet_search *search);
/* What to know about the result: "" = nothing. */
void bacnet_search_words(const struct bacnet_search *search, unsigned duplicates, struct buf *out);

#endif
