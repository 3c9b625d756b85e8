/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of the messages that devices send by themselves (MQTT, HTTP, TCP ...): how many came, from whom, which
 * were refused and why, and whose ids no device has. A driver that hears such messages fills a struct driver_messages in
 * its slot `messages`; all texts are borrowed for the call they are given to. */
#ifndef BUSBAR_DRIVER_MESSAGES_H
#define BUSBAR_DRIVER_MESSAGES_H

#include <stdint.h>

struct driver_message_counts {
    uint64_t messages; /* that came; some were refused */
    uint64_t readings, events, repeated, refused;
    uint64_t unused;    /* taken, but `only` left them out or no rule found anything in them */
    uint64_t strangers; /* readings of ids that no device has */
    uint64_t waiting;   /* messages not yet on disk */
};

/* One of the last refused messages. */
struct driver_refusal {
    uint64_t number; /* from 1 */
    int64_t time_us; /* wall */
    const char *source, *where, *why;
    const char *excerpt; /* its beginning, printable */
};

/* Who sends. */
struct driver_source {
    const char *name;
    uint64_t messages, refused;
    int64_t last_us, last_refused_us; /* wall; 0 = never */
};

/* An id that came in a message, and no device has it. */
struct driver_stranger {
    const char *id, *route;
    const char *sample; /* the beginning of a message it was in */
    uint64_t times;
    int64_t last_us;
};

typedef void (*driver_refusal_cb)(void *ctx, const struct driver_refusal *refusal);
typedef void (*driver_source_cb)(void *ctx, const struct driver_source *source);
typedef void (*driver_stranger_cb)(void *ctx, const struct driver_stranger *stranger);

struct driver_messages {
    struct driver_message_counts counts;
    const void *of;                                                    /* given back to these */
    void (*refusals)(const void *of, driver_refusal_cb cb, void *ctx); /* the newest first */
    void (*sources)(const void *of, driver_source_cb cb, void *ctx); /* in order of first hearing */
    void (*strangers)(const void *of, driver_stranger_cb cb, void *ctx);
};

#endif
