/* SPDX-License-Identifier: Apache-2.0 */
/* Events on their way from the log into the journal: a job reads what is new, and the page is told. Private to app/,
 * loop thread. */
#ifndef BUSBAR_APP_EVENTS_H
#define BUSBAR_APP_EVENTS_H

#include <stdint.h>

#include "base/err.h"

struct gateway;
struct events;

/* For status and problems. */
struct events_status {
    uint64_t open; /* wait for an acknowledgement */
    uint64_t kept; /* in the journal */
    uint64_t lost; /* log records that were gone before they were read, since the start */
    int error;     /* of the last try; 0 when it worked */
};

/* The history is open, nothing was appended yet. */
int events_open(struct gateway *gw, struct err *err);
void events_start(struct gateway *gw); /* serving: the server is there */
/* Something is on disk: cheap when it has no events. */
void events_committed(struct gateway *gw);
void events_status(const struct gateway *gw, struct events_status *status);
/* No more jobs; the running one ends soon. Then jobs_drain(), then events_close(), before the history. */
void events_stop(struct gateway *gw);
void events_close(struct gateway *gw);

#endif
