/* SPDX-License-Identifier: Apache-2.0 */
/* The bus: what drivers publish goes through here, once, in batches of one device.
 *
 *   bus_publish -> point->last, since, received      (the registry's view, at once)
 *               -> the store (the durable log)        acknowledged later, by the store
 *               -> listeners (live stream, rules)     at once, after the store took it
 *
 * Loop thread only. Nothing is allocated per sample. */
#ifndef BUSBAR_MODEL_BUS_H
#define BUSBAR_MODEL_BUS_H

#include "model/device.h"
#include "model/event.h"

/* Ledger reasons for a sample that is not stored; each is a counter per point. */
#define BUS_REFUSALS(X)                \
    X(DEADBAND, "within deadband")     \
    X(LOG_FULL, "log full")            \
    X(LOG_BUSY, "log busy or failing") \
    X(TIME, "time out of bounds")      \
    X(VALUE, "value not storable")

enum bus_refusal {
#define BUS_REFUSAL_ENUM(name, text) BUS_REFUSAL_##name,
    BUS_REFUSALS(BUS_REFUSAL_ENUM)
#undef BUS_REFUSAL_ENUM
        BUS_REFUSAL_COUNT
};
const char *bus_refusal_text(enum bus_refusal refusal);

struct bus_batch {
    struct device *device;
    const uint32_t *points; /* indexes into device->points, one a sample */
    struct sample *samples; /* point ids set by the bus */
    size_t count;
};

/* Runs once, on the loop: error 0 = on disk. */
typedef void (*bus_stored_cb)(void *ctx, int error);

/* The store: takes the samples (copies) and calls `stored` (may be NULL) once, later, if it
 * returned 0. On error nothing of the batch was taken: BUSBAR_ENOSPC disk full, BUSBAR_EBUSY. Without samples and without
 * `stored` it is only asked whether it would take some now. */
typedef int (*bus_store_cb)(void *ctx, const struct sample *samples, size_t count,
                            bus_stored_cb stored, void *stored_ctx);
typedef void (*bus_listener_cb)(void *ctx, const struct bus_batch *batch);

struct bus *bus_new(bus_store_cb store, void *store_ctx);
void bus_free(struct bus *bus);

/* A driver's samples after conversion. Samples within the deadband or refused are counted and not
 * given to the store. Returns what the store returned; on error all of the batch counts as refused and
 * only the live values changed. Nothing left to store, but `stored` given: the store is asked with
 * count 0, so that the acknowledgement keeps its order. A sample older than the live value by the
 * device's own clock is stored and does not move the live value. */
int bus_publish(struct bus *bus, const struct bus_batch *batch, bus_stored_cb stored,
                void *stored_ctx);

/* Whether the store has room for some more batches now: 0, BUSBAR_EBUSY for a moment, or its trouble. */
int bus_ready(const struct bus *bus);

/* `stored` runs once, later, when all that was published before is on disk; errors as of the store. */
int bus_sync(struct bus *bus, bus_stored_cb stored, void *stored_ctx);

/* A bad sample without a value changes only quality, detail and receive time of the live value: the last
 * known value stays in point->last, with the time it was true; its quality says that it is not now. */

/* Listeners are called in the order of their adding; a listener may remove itself when called. */
struct bus_listener *bus_listen(struct bus *bus, bus_listener_cb cb, void *ctx);
void bus_unlisten(struct bus *bus, struct bus_listener *listener);

/* ---- events ----
 * They take the same way: the store, then the listeners at once; acknowledged by the store, later. */

/* Takes a copy and calls `stored` (may be NULL) once, later, if it returned 0. Errors as of bus_store_cb,
 * and BUSBAR_EINVAL. */
typedef int (*bus_store_event_cb)(void *ctx, const struct event *event, bus_stored_cb stored,
                                  void *stored_ctx);
/* Before the first event. Without a store every event is refused as "log busy or failing". */
void bus_store_events(struct bus *bus, bus_store_event_cb store, void *store_ctx);

/* A time that cannot be (not after 1970, or more than a day ahead) becomes the time of receipt, and the
 * argument "device-time" tells what the device said, in microseconds: an alarm must not be lost to a wrong
 * clock. BUSBAR_EINVAL: no source or kind, or no time of receipt. Listeners hear of it only when the store
 * took it. */
int bus_publish_event(struct bus *bus, const struct event *event, bus_stored_cb stored,
                      void *stored_ctx);

typedef void (*bus_event_cb)(void *ctx, const struct event *event);
struct bus_event_listener *bus_listen_events(struct bus *bus, bus_event_cb cb, void *ctx);
void bus_unlisten_events(struct bus *bus, struct bus_event_listener *listener);

/* Whether the bus takes a sample or an event of this time: above 0, and not more than a day ahead of its receipt. */
bool bus_time_possible(int64_t time_us, int64_t receive_us);

/* The ledger of events: received = taken by the store + refused. */
struct bus_event_counts {
    uint64_t received;
    uint64_t refused[BUS_REFUSAL_COUNT];
};
void bus_event_counts(const struct bus *bus, struct bus_event_counts *counts);

/* Refused samples of a point since the start, by reason (ledger). */
uint64_t bus_refused(const struct bus *bus, uint32_t point, enum bus_refusal refusal);
uint64_t bus_refused_all(const struct bus *bus, enum bus_refusal refusal);
uint64_t bus_received_all(const struct bus *bus);
/* Counters of a point that moves to another object (apply) follow its id: nothing to do. */

#endif
