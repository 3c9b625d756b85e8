/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's networks and devices. Private to the driver:
 *
 *   bacnet_driver.c   the slots of the interface, requests of the host
 *   bacnet_network.c  sockets: opened, shared, and what comes on them handed to whom it is for
 *   bacnet_mend.c     networks whose card comes later, or gets another address
 *   bacnet_ask.c      asking with the device's own timeout and retries
 *   bacnet_link.c     a device: found, known, gone, back
 *   bacnet_poll.c     reads: plan, spans, splits, lost answers
 *   bacnet_learn.c    what a device bears, kept over restarts
 *   bacnet_flags.c    status flags and reliability into quality
 *   bacnet_cov.c      subscriptions
 *   bacnet_watch.c    whether they still hold, and their end
 *   bacnet_notified.c what comes of them
 *   bacnet_write.c    writes
 *   bacnet_alarm.c    event notifications (bacnet_alarm.h)
 *   bacnet_test.c     why does it not answer */
#ifndef BUSBAR_DRIVERS_BACNET_DEVICE_H
#define BUSBAR_DRIVERS_BACNET_DEVICE_H

#include "base/heap.h"
#include "base/map.h"
#include "driver/driver.h"
#include "drivers/bacnet/bacnet_bbmd.h"
#include "drivers/bacnet/bacnet_config.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_plan.h"
#include "drivers/bacnet/bacnet_target.h"
#include "drivers/bacnet/node/node.h"
#include "drivers/bacnet/service/read_property.h"
#include "net/timer.h"

enum {
    BACNET_SPLITS_MAX = 255,       /* refused reads that one poll follows up */
    BACNET_FAULT_ASKS_MAX = 2,     /* reliabilities asked for at a time */
    BACNET_COV_ASKS_MAX = 2,       /* subscriptions asked for at a time */
    BACNET_COV_PROCESS = 1,        /* our process identifier in subscriptions */
    BACNET_WRITE_BYTES_MAX = 4200, /* of one value written */
};

struct bacnet_device;
struct bacnet_driver_state;
struct bacnet_own;
struct bacnet_trends;
struct bacnet_clock;

/* ---- networks ---- */

struct bacnet_network {
    struct list link; /* state->networks */
    struct bacnet_driver_state *state;
    struct driver *drv;
    struct bacnet_network_config config; /* texts of the driver's setup */
    struct bacnet_place place;
    struct bacnet_node *node;   /* NULL: could not be opened */
    struct err trouble;         /* why */
    unsigned users;             /* devices, and 1 while it is kept */
    bool kept;                  /* configured, or opened to hear who is there */
    bool gone;                  /* its address is not ours any more: its devices leave it */
    uint64_t unknown_events;    /* alarms of devices that are not configured, or not listened to */
    uint32_t unknown_sender;    /* of the last one */
    struct map64 instances;     /* device instance -> struct bacnet_device, chained by `same` */
    struct bacnet_bbmd bbmd;    /* that it is registered with; nothing where it is not */
    struct bacnet_own *own;     /* our device object, while the node is open */
    struct bacnet_clock *clock; /* tells the time; NULL: it does not */
};

struct bacnet_driver_state {
    struct driver *drv;
    struct loop *loop;
    struct bacnet_setup own;
    struct list networks;
    struct timer cards_timer; /* bacnet_mend.c */
    bool hears;               /* on all cards: no network is configured */
    struct {
        struct endpoint local;
        struct err words;
        int64_t looked_us; /* monotonic */
    } taken;               /* the last port that another program had */
    struct bacnet_discover *discover;
};

/* The networks there are, one after another, without those that are gone: NULL begins, NULL ends. `node` of
 * one may be NULL. */
struct bacnet_network *bacnet_network_next(struct driver *drv, const struct bacnet_network *after);
/* Without any network configured: opens one on each card that is not loopback, and keeps it until the
 * next setup. */
void bacnet_network_open_cards(struct driver *drv);

/* ---- what was learned about a device, and what it says of itself ---- */

/* The largest read, searched between what was answered and what was refused. */
struct bacnet_most {
    uint32_t answered, refused; /* refused 0: never */
};

struct bacnet_learnt {
    struct bacnet_most bytes;      /* of an answer, as estimated */
    struct bacnet_most properties; /* in one request */
    bool no_multiple;              /* ReadPropertyMultiple is not known */
    bool no_write_multiple;
    bool no_cov, no_cov_property; /* SubscribeCOV, SubscribeCOVProperty are not known */
    bool no_confirmed_cov;
    uint32_t cov_most;   /* subscriptions it takes; 0: not known */
    unsigned in_flight;  /* as it was told last; 0: not yet */
    uint32_t generation; /* changes when a plan made before is not right any more */
    int64_t relearn_us;  /* when all is tried again */
    bool restored;
};

enum bacnet_link { BACNET_LINK_IDLE, BACNET_LINK_ASKING, BACNET_LINK_UP, BACNET_LINK_DOWN };

/* What is known of a point while it runs. */
struct bacnet_point {
    uint8_t type;           /* last seen: enum bacnet_type; BACNET_TYPES: not yet, or constructed */
    uint8_t bits;           /* of a bit string: how many */
    bool faulty : 1;        /* status flag fault at the last look */
    bool fault_asked : 1;   /* its reliability is asked for, or in line */
    bool watched : 1;       /* the host was told so */
    bool seen : 1;          /* a value came since the link is up */
    uint16_t reliability;   /* detail: why it is faulty; 0 = not told yet */
    uint8_t value_type;     /* last notified, for the check poll; VALUE_NONE: nothing */
    uint64_t value;         /* its bits; of texts a hash */
    int64_t reliability_us; /* monotonic: when it was told */
};

struct bacnet_alarm_book;
struct bacnet_watch; /* bacnet_cov.c: its subscriptions */
struct bacnet_test;
/* A refused read that was cut in two: when both halves are answered, it was too much. */
struct bacnet_split {
    uint32_t bytes, half_bytes; /* of the answers, as estimated; the larger half */
    uint32_t properties, half_properties;
    uint8_t good;
    bool size; /* refused for its size in bytes, not for the number of properties */
};

/* A request to the device on its way; embedded in lists of spare and of open ones. */
struct bacnet_exchange {
    struct bacnet_ask ask; /* first */
    struct list link;      /* device->open or device->exchanges */
    struct bacnet_job *job;
    struct bacnet_span span;
    uint8_t *data; /* the request */
    size_t capacity;
};

/* One request of the host on its way. */
struct bacnet_job {
    struct list link;
    struct bacnet_device *device;
    struct request *req;
    bool write;
    int error; /* why answers were lost; what it ends with when nothing was answered */
    int64_t began_us;
    unsigned open, answered, lost;
    /* reads */
    uint32_t given;            /* spans of the plan given out */
    uint32_t skipped_from;     /* first span that was cut off by a deadline; UINT32_MAX = none */
    struct bacnet_span *again; /* to be asked (again) before those */
    size_t again_count, again_capacity;
    struct bacnet_split *splits;
    size_t split_count, split_capacity;
    /* writes */
    size_t point; /* index into req->points */
};

/* What a device says of itself, read when the link comes up. */
struct bacnet_facts {
    uint64_t services; /* bit n: confirmed and unconfirmed service of the bit string's place n */
    bool services_known;
    uint32_t revision; /* of the protocol */
    uint64_t restart;  /* hash of time-of-device-restart; 0: it does not say */
};

struct bacnet_device {
    struct device *dev;
    struct driver *drv;
    struct loop *loop;
    struct bacnet_driver_state *state;
    struct bacnet_config config;
    struct bacnet_network *network; /* NULL: not open (yet) */
    struct bacnet_device *same;     /* another configured device with the same instance */
    struct bacnet_peer *peer;       /* from start() to stop(), once the network is open */
    enum bacnet_link link;
    bool started;
    unsigned step;            /* of getting to know it */
    struct bacnet_ask asking; /* the link's own */
    uint8_t asking_data[BACNET_READ_PROPERTY_MAX];
    bool look_again;   /* after what is being asked */
    int64_t looked_us; /* monotonic: when a restart was last looked for */
    struct timer look_timer;
    struct bacnet_facts facts;
    struct bacnet_learnt learnt;
    struct bacnet_point *points; /* dev->point_count */
    uint8_t *marks;              /* enum bacnet_mark, of each point */
    uint32_t *by_target;         /* indexes of points in the order of their targets */
    struct list waiting;         /* struct bacnet_job: until the link is up */
    struct list reads, writes;   /* struct bacnet_job, oldest first */
    struct list finished;        /* to be answered in the next turn with job->error */
    struct list spare;           /* jobs to be used again */
    struct list exchanges;       /* to be used again */
    struct list open;            /* exchanges that are asked */
    unsigned open_reads;
    struct loop_deferred finishing, stopping;
    struct list tests; /* struct bacnet_test */
    struct list fault_asks;
    uint32_t *faults; /* points whose reliability is to be asked for, a ring */
    size_t fault_count, fault_capacity;
    struct bacnet_trends *trends;     /* bacnet_trend.c; NULL: no point has a log */
    struct bacnet_browses *browses;   /* bacnet_browse.c; NULL: none */
    struct bacnet_alarm_book *alarms; /* bacnet_alarm.c; NULL: none came, none were asked for */
    struct bacnet_watch *watch;       /* NULL: nothing to subscribe to */
};

/* ---- for all parts of the driver ---- */

static inline struct bacnet_device *bacnet_device_of(const struct device *dev)
{
    return dev->driver;
}
uint32_t bacnet_device_instance(const struct device *dev);
/* NULL while its network is not open. */
struct bacnet_network *bacnet_device_network(const struct device *dev);
/* NULL while it was not started, or its network is not open. */
struct bacnet_peer *bacnet_device_peer(const struct device *dev);
/* NULL: not found yet. */
const struct bacnet_address *bacnet_device_where(const struct device *dev);
/* Whether it says that it executes a service; true also when it did not say anything. `place` is the
 * service's bit in Protocol_Services_Supported (BACNET_LIST_SERVICES_SUPPORTED). */
bool bacnet_device_knows(const struct bacnet_device *device, unsigned place);
const struct bacnet_target *bacnet_targets(const struct bacnet_device *device);
/* First and one after the last place in by_target of the points with this object and property (all
 * indexes; property UINT32_MAX: all of the object). */
void bacnet_points_of(const struct bacnet_device *device, uint32_t object, uint32_t property,
                      size_t *from, size_t *to);

/* ---- bacnet_ask.c ---- */
/* Sends it with the device's timeout and retries; the caller has set answered and what is its own. data
 * is borrowed until it is answered. */
void bacnet_device_ask(const struct bacnet_device *device, struct bacnet_ask *ask, uint8_t service,
                       const void *data, size_t size);
/* ReadProperty; data: the ask's own room. */
void bacnet_device_read(const struct bacnet_device *device, struct bacnet_ask *ask,
                        uint8_t data[BACNET_READ_PROPERTY_MAX],
                        const struct bacnet_read_property *read);
/* The BUSBAR_ code of an outcome that is no answer. */
int bacnet_outcome_error(const struct bacnet_answer *answer);

/* ---- bacnet_driver.c ---- */
struct bacnet_job *bacnet_job_take(struct bacnet_device *device, struct request *req);
/* Takes the job out, keeps it for the next and answers: not for calls that the host is inside of. */
void bacnet_job_done(struct bacnet_job *job, int error);
/* The same in the next turn. */
void bacnet_job_done_later(struct bacnet_job *job, int error);
/* The link is up: those that waited begin. */
void bacnet_jobs_begin(struct bacnet_device *device);
/* Ends those that waited for the link, in the next turn. */
void bacnet_jobs_give_up(struct bacnet_device *device, int error);
/* Ends all jobs, now. */
void bacnet_jobs_cut(struct bacnet_device *device, uint8_t quality, uint16_t detail, int error);

/* ---- bacnet_network.c ---- */
void bacnet_networks_init(struct bacnet_driver_state *state, struct driver *drv);
void bacnet_networks_setup(struct bacnet_driver_state *state, const struct setup *setup);
void bacnet_networks_close(struct bacnet_driver_state *state);
/* Puts the device on its network, opened if it must be. An error is said in words. */
int bacnet_network_join(struct bacnet_device *device, struct err *err);
void bacnet_network_leave(struct bacnet_device *device);
/* Opens what is configured and is not open yet, or not where it is now. */
void bacnet_network_open_parts(struct bacnet_driver_state *state, const struct setup *setup,
                               const struct bacnet_card *cards, size_t card_count);
/* Nothing joins it any more; it goes with its last device. */
void bacnet_network_abandon(struct bacnet_network *network);

/* ---- bacnet_mend.c ---- */
void bacnet_mend_init(struct bacnet_driver_state *state);
void bacnet_mend_stop(struct bacnet_driver_state *state);
/* Keeps why a network cannot be opened, and says it once. at: where that was tried. */
void bacnet_mend_trouble(struct bacnet_network *network, struct err *trouble);

/* ---- bacnet_link.c ---- */
void bacnet_link_init(struct bacnet_device *device);
/* Begins to get to know the device, if that is not under way; ends with bacnet_jobs_begin() or
 * bacnet_jobs_give_up(). False: it is up already. */
bool bacnet_link_wake(struct bacnet_device *device);
void bacnet_link_stop(struct bacnet_device *device);
/* The network that it is on is gone: it gets to know the device again on the one that there is now. */
void bacnet_link_moved(struct bacnet_device *device);
/* Nothing came back to all of a request. */
void bacnet_link_lost(struct bacnet_device *device, const struct bacnet_answer *answer);
/* It said I-Am. */
void bacnet_link_heard(struct bacnet_device *device);
/* "no answer from 10.0.1.21 in 5s (4 times)". */
void bacnet_link_words(const struct bacnet_device *device, const struct bacnet_answer *answer,
                       struct buf *out);

/* ---- bacnet_poll.c ---- */
void bacnet_poll_begin(struct bacnet_job *job);
/* Gives out what there is room for. */
void bacnet_poll_pump(struct bacnet_device *device);
/* Answers with what came so far; what did not gets `quality`. BUSBAR_ECANCELED: nothing of it counts. */
void bacnet_poll_cut(struct bacnet_job *job, uint8_t quality, uint16_t detail, int error);
/* An exchange with room for a request of `size` bytes, and its way back among the spare ones. */
struct bacnet_exchange *bacnet_exchange_take(struct bacnet_job *job, size_t size);
void bacnet_exchange_give(struct bacnet_exchange *exchange);
void bacnet_exchanges_free(struct bacnet_device *device);

/* ---- bacnet_learn.c ---- */
void bacnet_learn_init(struct bacnet_device *device);
/* Before each poll: restores what was kept (once), forgets what is old. */
void bacnet_learn_refresh(struct bacnet_device *device);
void bacnet_learn_limits(const struct bacnet_device *device, struct bacnet_limits *limits);
/* A request for this span was answered with values. */
void bacnet_learn_answered(struct bacnet_device *device, const struct bacnet_plan *plan,
                           const struct bacnet_span *span);
/* A whole was refused, its halves were answered. */
void bacnet_learn_split(struct bacnet_device *device, const struct bacnet_split *split);
void bacnet_learn_flag(struct bacnet_device *device, bool *flag, const char *name);

/* ---- bacnet_flags.c ---- */
/* A sample's value is there: what the object's status flags make of it. detail and quality are set,
 * and bad ones lose the value. */
void bacnet_flags_apply(struct bacnet_device *device, uint32_t point, uint8_t flags,
                        struct sample *sample);
void bacnet_flags_stop(struct bacnet_device *device);

/* ---- bacnet_cov.c ---- */
/* The link came up: subscribes to all that can be. */
void bacnet_cov_start(struct bacnet_device *device);
/* Nothing is asked until it is up again; all points are polled. */
void bacnet_cov_down(struct bacnet_device *device);
/* The device may have been restarted, or surely was: its subscriptions are gone. */
void bacnet_cov_again(struct bacnet_device *device, bool sure);

/* ---- bacnet_watch.c ---- */
/* Cancels the subscriptions at the device; `stopped` runs later. False: there is nothing to cancel. */
bool bacnet_cov_stop(struct bacnet_device *device, void (*stopped)(struct bacnet_device *device));
void bacnet_cov_free(struct bacnet_device *device);
/* A value came, in one way or the other: from now on notifications are enough. */
void bacnet_cov_seen(struct bacnet_device *device, uint32_t point);
/* By a notification. */
void bacnet_cov_notified(struct bacnet_device *device, uint32_t point);
/* A poll read this: is it what was notified? */
void bacnet_cov_check(struct bacnet_device *device, uint32_t point, const struct sample *sample);

/* ---- bacnet_notified.c ---- */
/* Notifications; request is replied to. */
void bacnet_cov_asked(struct bacnet_network *network, struct bacnet_request *request);
void bacnet_cov_told(struct bacnet_network *network, const struct bacnet_notice *notice);

/* ---- bacnet_write.c ---- */
void bacnet_write_begin(struct bacnet_job *job);
void bacnet_write_cut(struct bacnet_job *job, int error);

/* ---- bacnet_test.c ---- */
void bacnet_test_begin(struct bacnet_device *device, struct driver_test *test);
void bacnet_test_stop_all(struct bacnet_device *device);

#endif
