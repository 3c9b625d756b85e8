/* SPDX-License-Identifier: Apache-2.0 */
/* An event: something that happened at one moment, with arguments; it has no value that is held.
 *
 *   driver_event -> bus -> log (fdatasync) -> acknowledged to the sender -> journal (state.db)
 *                    \--> listeners (live stream, rules) at once
 *
 * Events go through the same log as samples; the journal is filled from it by a cursor of its own, so
 * that after any crash each acknowledged event is in the journal exactly once. Texts are UTF-8,
 * borrowed until the call that got the event returns. */
#ifndef BUSBAR_MODEL_EVENT_H
#define BUSBAR_MODEL_EVENT_H

#include "base/buf.h"
#include "base/bytes.h"
#include "model/sample.h"

enum {
    EVENT_ARGUMENTS_MAX = 64,
    EVENT_NAME_MAX = 64,   /* bytes of a kind or an argument's name */
    EVENT_TEXT_MAX = 4096, /* bytes of any text */
    EVENT_BYTES_MAX = 32 *
                      1024, /* encoded, all of it; longer texts are cut, and the event says so */
};

/* Part of the log's format: append only. */
enum event_severity {
    EVENT_INFO = 0,
    EVENT_LOW = 1,
    EVENT_MEDIUM = 2,
    EVENT_HIGH = 3,
    EVENT_CRITICAL = 4
};
#define EVENT_SEVERITIES 5
const char *event_severity_word(uint8_t severity); /* "info" ... "critical"; "info" for others */
/* The severity of a word; -1: none. */
int event_severity_parse(const char *word);

struct event_argument {
    const char *name; /* "from-state" */
    uint8_t type;     /* enum value_type */
    union value value;
};

struct event {
    int64_t time_us;    /* when it happened, by the device's clock if it sends one */
    int64_t receive_us; /* when busbar heard of it */
    const char *source; /* "ahu-1", "ahu-1/sat", or of a driver itself "bacnet" */
    const char *kind;   /* a short word: "alarm", "fault", "normal", "notification", "trap" ... */
    const char *text;   /* one line for a person */
    uint8_t severity;   /* enum event_severity */
    bool ack_wanted;    /* the device waits for an acknowledgement */
    bool cut;           /* as it was stored: something was too long, or no UTF-8, and was cut */
    /* What the driver needs to acknowledge it, opaque to all others; "" = nothing. An event of the
     * same source and a key that is not empty takes the place of the one before as the one to be
     * acknowledged. */
    const char *key;
    /* With a key: what tells it from the one before (the device's own time stamp). Coming with the same as the latest
     * of its source, key and kind it is a repetition, which the journal keeps only once; "" = not known. */
    const char *once;
    const struct event_argument *arguments;
    size_t argument_count;
};

/* The bytes of an event in the log (event.c draws them). Appends to `out`; cuts texts to their limits,
 * and leaves out arguments that do not fit. Texts that are NULL count as "". Returns 0, BUSBAR_ENOMEM,
 * BUSBAR_ELIMIT (no room in `out`); on error nothing was appended. */
int event_encode(const struct event *event, struct buf *out);

/* Reads one, all bytes of `in`; texts and arguments live in `store` until event_decoded_fini(), which
 * is needed after 0 only. BUSBAR_EDAMAGED, BUSBAR_ENOMEM. */
struct event_decoded {
    struct event event;
    struct event_argument arguments[EVENT_ARGUMENTS_MAX];
    void *store;
};
int event_decode(struct bytes *in, struct event_decoded *out);
void event_decoded_fini(struct event_decoded *decoded);

#endif
