/* SPDX-License-Identifier: Apache-2.0 */
/* One device of the driver: its requests on their way, and what was learned about it. Private to the driver:
 *
 *   modbus_driver.c   the slots of the interface
 *   modbus_poll.c     reads: plan, spans, splits, lost answers
 *   modbus_write.c    writes: one function code each, never sent twice
 *   modbus_learn.c    refused addresses and largest reads, kept over restarts
 *   modbus_test.c     why does it not answer
 *   modbus_words.c    frames in words
 *   modbus_trace.c    from a value back to its bytes
 */
#ifndef BUSBAR_DRIVERS_MODBUS_DEVICE_H
#define BUSBAR_DRIVERS_MODBUS_DEVICE_H

#include "driver/driver.h"
#include "drivers/modbus/modbus_client.h"

enum {
    MODBUS_REFUSALS_MAX = 1024, /* addresses remembered */
    MODBUS_REFUSALS_KEPT = 48,  /* of them kept over a restart (driver_limit_set) */
    MODBUS_SPLITS_MAX = 255,    /* refused reads that one poll follows up */
    MODBUS_BUSY_MAX = 20,       /* times that one poll asks a busy device again */
};

/* The largest read, searched between what was answered and what was refused. */
struct modbus_most {
    uint16_t answered, refused; /* refused 0: never */
    uint16_t largest; /* answered at any time: what is not larger was not refused for its size */
};

struct modbus_learnt {
    struct modbus_refusal *refusals; /* sorted; count and capacity */
    size_t count, capacity;
    uint8_t table_exceptions[MODBUS_TABLES];
    bool table_told[MODBUS_TABLES]; /* the host was told that it is refused */
    struct modbus_most registers, bits;
    bool no_mask, no_single; /* functions 22; 5 and 6 */
    uint32_t generation;     /* changes when a plan made before is not right any more */
    int64_t relearn_us;      /* when all is tried again */
    int64_t retried_us;      /* when refused addresses were last tried again */
    bool restored;
};

/* A refused read that was cut in two. When both halves are answered, what was refused lies between. */
struct modbus_split {
    struct modbus_span whole;
    uint16_t left_end, right_start;
    uint8_t exception, good;
};

struct modbus_job {
    struct list link;
    struct request *req;
    bool write;
    /* reads */
    uint32_t given;            /* spans of the plan given to the client */
    struct modbus_span *again; /* to be asked (again) before those */
    size_t again_count, again_capacity;
    struct modbus_split *splits;
    size_t split_count, split_capacity;
    unsigned answered, lost, busy;
    uint32_t skipped_from; /* first span that was cut off by a deadline; UINT32_MAX = none */
    int error;             /* why answers were lost */
    /* reads and writes */
    unsigned open; /* exchanges in flight */
    /* writes */
    size_t point; /* index into req->points */
    bool modify;  /* read, change, write back: the read is next */
    uint8_t data[2 * MODBUS_WRITE_REGISTERS_MAX];
};

struct modbus_device {
    struct modbus_user user; /* first: ops get a pointer to it */
    struct device *dev;
    struct loop *loop;
    struct modbus_config config;
    struct modbus_client *client; /* got by add(), attached by start() */
    struct modbus_learnt learnt;
    struct list reads, writes; /* struct modbus_job, oldest first */
    struct list finished;      /* to be answered in the next turn with job->error */
    struct list spare;         /* jobs to be used again */
    struct list tests;         /* struct modbus_test */
    struct loop_deferred finishing;
    bool tell_up; /* the connection was there already: to be told in the next turn */
};

/* The driver's own state. */
struct modbus_driver_state {
    struct list clients;
};

/* ---- modbus_driver.c ---- */
struct modbus_job *modbus_job_take(struct modbus_device *device, struct request *req);
/* Takes the job out, keeps it for the next and answers: not for calls that the host is inside of. */
void modbus_job_done(struct modbus_device *device, struct modbus_job *job, int error);
/* The same in the next turn. */
void modbus_job_done_later(struct modbus_device *device, struct modbus_job *job, int error);
/* Makes sure that the device has its client and is a user of it. */
int modbus_driver_client(struct modbus_device *device, struct err *err);
const struct modbus_address *modbus_addresses(const struct modbus_device *device);

/* ---- modbus_poll.c ---- */
void modbus_poll_begin(struct modbus_device *device, struct request *req);
bool modbus_poll_next(struct modbus_device *device, struct modbus_exchange *exchange);
void modbus_poll_answered(struct modbus_device *device, const struct modbus_exchange *exchange,
                          int error, const struct modbus_reply *reply);
/* Answers with what came so far; what did not gets `quality`. BUSBAR_ECANCELED: nothing of it counts. */
void modbus_poll_cut(struct modbus_device *device, struct modbus_job *job, uint8_t quality,
                     int error);

/* ---- modbus_write.c ---- */
void modbus_write_begin(struct modbus_device *device, struct request *req);
bool modbus_write_next(struct modbus_device *device, struct modbus_exchange *exchange);
void modbus_write_answered(struct modbus_device *device, const struct modbus_exchange *exchange,
                           int error, const struct modbus_reply *reply);
void modbus_write_cut(struct modbus_device *device, struct modbus_job *job, int error);

/* ---- modbus_learn.c ---- */
void modbus_learn_init(struct modbus_device *device);
void modbus_learn_fini(struct modbus_device *device);
/* Before each poll: restores what was kept (once), forgets what is old. */
void modbus_learn_refresh(struct modbus_device *device);
/* The connection is new: refused addresses are tried again, but not more than once a minute. */
void modbus_learn_connected(struct modbus_device *device);
void modbus_learn_limits(const struct modbus_device *device, struct modbus_limits *limits);
/* One point alone was refused (answered). */
void modbus_learn_refused(struct modbus_device *device, const struct modbus_span *span,
                          uint8_t exception);
void modbus_learn_answered(struct modbus_device *device, const struct modbus_span *span);
void modbus_learn_table(struct modbus_device *device, uint8_t table, uint8_t exception);
/* A whole was refused, its halves were answered. */
void modbus_learn_split(struct modbus_device *device, const struct modbus_split *split);

/* ---- modbus_test.c ---- */
void modbus_test_begin(struct modbus_device *device, struct driver_test *test);
void modbus_test_stop_all(struct modbus_device *device);

/* ---- modbus_words.c ---- */
void modbus_describe(bool rtu, bool sent, const void *data, size_t size, struct buf *out);

/* ---- modbus_trace.c: ops->trace ---- */
bool modbus_trace(bool rtu, uint8_t unit, const struct modbus_address *address, struct bytes sent,
                  struct bytes received, struct buf *out, struct sample *raw);

#endif
