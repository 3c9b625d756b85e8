/* SPDX-License-Identifier: Apache-2.0 */
/* A device on the OPC UA thread: its seat in a session, its points as nodes of the server, what it subscribed
 * to. The driver's own half of it (opcua_device.h) lives on the gateway's loop.
 *
 * Features hang on it as parts of their own, each in its file with a small private state: subscriptions
 * (subscribe.h), reads and writes (access.h), alarms (alarm.h), history (history.h), methods (method.h),
 * browsing (browse.h). A part has up(), down() and free(), called by peer.c in this order of life; what it has to
 * say at home it says by the events below, which run on the OPC UA thread: the driver's half posts. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_PEER_H
#define BUSBAR_DRIVERS_OPCUA_DATA_PEER_H

#include "drivers/opcua/data/value.h"
#include "drivers/opcua/link/session.h"
#include "drivers/opcua/text/node.h"
#include "model/event.h"

/* The resolved address of a point; immutable, there is one a point. */
struct opcua_address {
    struct opcua_id node;
    const char *range;      /* of an array; NULL: none */
    struct opcua_want want; /* member of a structure */
    int64_t sampling_us;    /* 0: the publishing interval, -1: as the server likes */
    uint32_t queue;         /* values kept by the server between two publishes */
    float deadband;         /* 0: none */
    bool deadband_percent;  /* of the node's EURange, else absolute */
    bool discard_newest;
    bool poll;         /* never subscribed */
    bool backfill;     /* holes are filled by HistoryRead */
    uint8_t attribute; /* 13 = Value */
};

/* Samples that came together, raw; owner frees with opcua_batch_free(). */
struct opcua_batch {
    uint32_t *points; /* indexes of the device */
    struct sample *samples;
    size_t count;
    struct arena texts;
    void *ack;    /* subscription's: what to acknowledge when it is on disk; NULL: nothing */
    bool history; /* backfilled: older than what is known */
};

#endif
