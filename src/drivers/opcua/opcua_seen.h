/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that announced themselves, by name, so that each is looked at now and then and not with each announcement.
 * A name is forgotten when the server says goodbye, when its announcement has run out without another, and when a new
 * one needs its place: then the one unheard for longest goes. So made-up names never keep out a real one. Loop thread
 * only. */
#ifndef BUSBAR_DRIVERS_OPCUA_SEEN_H
#define BUSBAR_DRIVERS_OPCUA_SEEN_H

#include "base/list.h"
#include "base/map.h"
#include "drivers/opcua/text/mdns.h"

enum {
    OPCUA_SEEN_MAX = 1000,     /* names */
    OPCUA_SEEN_AGAIN_S = 600,  /* before one is looked at again because it announced itself */
    OPCUA_SEEN_TTL_MIN_S = 60, /* shorter lives of announcements count as this */
    OPCUA_SEEN_LOOKS_MAX = 60, /* looks a minute, however many names are made up */
};

struct opcua_seen {
    struct map names;
    struct list order; /* of their announcements, the oldest first */
    int64_t minute_us; /* when the minute began in which `looks` are counted */
    unsigned looks;
    uint64_t pushed_out; /* names that made place for others */
};

void opcua_seen_init(struct opcua_seen *seen);
void opcua_seen_fini(struct opcua_seen *seen);

/* It was heard now (monotonic). false: look at it, it counts as done. true: it was looked at a short while ago, or there were
 * too many looks in this minute, and one of its next announcements will do. */
bool opcua_seen_known(struct opcua_seen *seen, const struct opcua_mdns_server *server,
                      int64_t now_us);
/* It says goodbye. */
void opcua_seen_forget(struct opcua_seen *seen, const char *name);

#endif
