/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of one simulated BACnet device, and what they hold. Pure: no sockets, time comes in.
 *
 * Each point of the configuration has its object; beside them a device object, a notification class and
 * trend logs. An object's present value lives as sim_value.h says, until it is commanded
 * (priority array), written while out of service, or held by a control line:
 *
 *   held > priority array 1 ... 16 > the device's own program (it lives) > relinquish default
 *
 * A value that lives is what the device's own program writes at priority 16. Memory is what 10,000
 * devices allow: an object takes 80 bytes, priority arrays and alarms are made when they are first used. */
#ifndef BUSBAR_SIM_SIM_BACNET_OBJECT_H
#define BUSBAR_SIM_SIM_BACNET_OBJECT_H

#include "base/list.h"
#include "drivers/bacnet/bacnet_target.h"
#include "drivers/bacnet/service/list_element.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/value.h"
#include "sim/sim_value.h"

enum {
    SIM_BACNET_TEXT_MAX = 256,    /* bytes of a text that is written */
    SIM_BACNET_PRIORITIES = 16,   /* clause 19.2 */
    SIM_BACNET_CLASS = 1,         /* the instance of the notification class */
    SIM_BACNET_LOGS = 4,          /* trend logs of a device that names none */
    SIM_BACNET_LOG_AUTO = 1000,   /* the first instance of those for `trend_log: auto` */
    SIM_BACNET_LOG_RECORDS = 400, /* of a log's buffer */
    SIM_BACNET_LOG_EVERY_S = 60,
};
#define SIM_BACNET_NO_POINT UINT32_MAX

/* What a value is, on the wire and here (in union value). */
enum sim_bacnet_kind {
    SIM_BACNET_NOTHING,
    SIM_BACNET_REAL,     /* d */
    SIM_BACNET_DOUBLE,   /* d */
    SIM_BACNET_SIGNED,   /* i */
    SIM_BACNET_UNSIGNED, /* i */
    SIM_BACNET_BINARY,   /* i: 0 or 1, enumerated */
    SIM_BACNET_ENUM,     /* i */
    SIM_BACNET_BOOL,     /* i */
    SIM_BACNET_TEXT,     /* text */
    SIM_BACNET_BITS,     /* i: 8 of them */
    SIM_BACNET_OCTETS,   /* i: 8 of them */
    SIM_BACNET_DATE,     /* i: microseconds */
    SIM_BACNET_TIME,     /* i: microseconds */
    SIM_BACNET_DATETIME, /* i: microseconds */
};

/* What properties an object has: bits. */
enum sim_bacnet_set {
    SIM_BACNET_ANY = 1 << 0,
    SIM_BACNET_VALUED = 1 << 1, /* has a present value */
    SIM_BACNET_ANALOG = 1 << 2, /* units, increment */
    SIM_BACNET_TWO = 1 << 3,    /* binary */
    SIM_BACNET_MANY = 1 << 4,   /* multi-state */
    SIM_BACNET_COMMANDED = 1 << 5,
    SIM_BACNET_RANGED = 1 << 6,  /* least and greatest value */
    SIM_BACNET_LIMITED = 1 << 7, /* reports values out of range */
    SIM_BACNET_WATCHED = 1 << 8, /* reports a state */
    SIM_BACNET_OF_DEVICE = 1 << 9,
    SIM_BACNET_OF_CLASS = 1 << 10,
    SIM_BACNET_LOG = 1 << 11,
    SIM_BACNET_LOGS_MANY = 1 << 12, /* trend log multiple */
    SIM_BACNET_POLAR = 1 << 13,     /* polarity */
};

struct sim_bacnet_commands {
    uint32_t slots; /* bits 0 to 15: commanded at priority 1 to 16; bit 16: default was written */
    union value values[SIM_BACNET_PRIORITIES + 1]; /* the last one: relinquish default */
};

/* Intrinsic reporting of one object, from its first transition or write on. */
struct sim_bacnet_alarm {
    float high, low, deadband;
    uint8_t limit_enable;                  /* bits: low, high */
    uint8_t event_enable;                  /* bits: BACNET_TO_OFFNORMAL ... */
    uint8_t acked;                         /* the same */
    uint8_t state;                         /* enum bacnet_event_state */
    int64_t stamps_us[BACNET_TRANSITIONS]; /* 0: never */
    uint8_t states[BACNET_TRANSITIONS];    /* to which, then */
};

enum { SIM_BACNET_HELD = 1, SIM_BACNET_OUT_OF_SERVICE = 2 };

struct sim_bacnet_object {
    struct bacnet_object id;
    uint32_t point; /* whose present value it is */
    struct sim_value value;
    union value held;
    float increment; /* of COV */
    uint16_t sets;   /* enum sim_bacnet_set */
    uint8_t kind;    /* enum sim_bacnet_kind */
    uint8_t flags;   /* SIM_BACNET_HELD ... */
    uint8_t reliability;
    bool enabled; /* of a log; of another object: its alarms were silenced (event detection) */
    struct sim_bacnet_commands *commands;
    struct sim_bacnet_alarm *alarm;
};

/* A property that only a point of the configuration knows: proprietary, or of an object type that is not simulated. */
struct sim_bacnet_extra {
    uint32_t object; /* index */
    uint32_t property, index;
    uint32_t point;
    struct sim_value value;
    uint8_t kind;
    bool held;
    union value written;
};

enum { SIM_BACNET_RECIPIENTS = 32 }; /* of the notification class */

struct sim_bacnet_device;
/* A transition of an object: to what, when. */
typedef void (*sim_bacnet_event_cb)(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                                    uint8_t from, uint8_t to, int64_t wall_us);

struct sim_bacnet_device {
    const struct device *dev;
    const struct bacnet_target *targets; /* one a point */
    uint32_t instance;
    uint64_t seed;
    struct sim_bacnet_object *objects; /* sorted; the device object is where its number puts it */
    uint32_t object_count;
    struct sim_bacnet_extra *extras; /* sorted by object, property, index */
    uint32_t extra_count;
    uint32_t restarts;
    int64_t started_us;      /* wall clock */
    int64_t frozen_us;       /* values stand still since then; 0: they live */
    int64_t clock_offset_us; /* of its own clock, set by a time synchronization */
    uint16_t max_apdu;
    uint8_t segmentation;
    bool rpm, cov, cov_property;
    uint32_t subscriptions;
    struct bacnet_destination *recipients; /* SIM_BACNET_RECIPIENTS of them; NULL: never written */
    uint32_t recipient_count;
    sim_bacnet_event_cb event; /* NULL: nobody listens */
    void *owner;
};

/* BUSBAR_ENOMEM. */
int sim_bacnet_device_init(struct sim_bacnet_device *bd, const struct device *dev,
                           const struct bacnet_target *targets, uint32_t instance, uint64_t seed);
void sim_bacnet_device_fini(struct sim_bacnet_device *bd);

/* NULL: there is none. */
struct sim_bacnet_object *sim_bacnet_object(const struct sim_bacnet_device *bd,
                                            struct bacnet_object id);
struct sim_bacnet_extra *sim_bacnet_extra(const struct sim_bacnet_device *bd,
                                          const struct sim_bacnet_object *obj, uint32_t property,
                                          uint32_t index);
const struct point *sim_bacnet_point(const struct sim_bacnet_device *bd,
                                     const struct sim_bacnet_object *obj); /* NULL: none */

void sim_bacnet_name(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                     char *to, size_t size);

/* Object types that are simulated, a bit each: what a device says it supports. */
void sim_bacnet_types(uint8_t *bits, size_t size);

/* The clock of the device. */
int64_t sim_bacnet_now(const struct sim_bacnet_device *bd, int64_t wall_us);

/* ---- values ---- */

/* What a value is now; a text lives in `text`. */
struct sim_bacnet_reading {
    uint8_t kind;
    union value value;
    const char *text; /* SIM_BACNET_TEXT */
    char words[SIM_BACNET_TEXT_MAX];
};
void sim_bacnet_present(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                        int64_t wall_us, struct sim_bacnet_reading *out);
/* What it would be at a time if nobody had ever written it: for logs. */
void sim_bacnet_living(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                       int64_t wall_us, struct sim_bacnet_reading *out);
void sim_bacnet_extra_read(const struct sim_bacnet_device *bd, const struct sim_bacnet_extra *extra,
                           int64_t wall_us, struct sim_bacnet_reading *out);
/* priority 1 to 16; 17: the relinquish default. False: NULL there. */
bool sim_bacnet_command(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                        unsigned priority, int64_t wall_us, struct sim_bacnet_reading *out);
/* The bits of its status flags. */
unsigned sim_bacnet_status(const struct sim_bacnet_object *obj);

/* As it is written on the wire; the other way round: 0, or an error of BACnet as class << 16 | code. */
void sim_bacnet_put_reading(struct bytes_out *out, unsigned tag,
                            const struct sim_bacnet_reading *reading);
uint32_t sim_bacnet_take_value(const struct bacnet_value *from, uint8_t kind, union value *to);
/* Takes the memory of a text, drops that of the one before. */
void sim_bacnet_set_value(uint8_t kind, union value *to, union value from);

/* An extra is written, or (NULL) lives again. */
void sim_bacnet_extra_write(struct sim_bacnet_extra *extra, const union value *value);

/* Writes or relinquishes (value NULL) at a priority 1 to 17. */
void sim_bacnet_set_command(struct sim_bacnet_object *obj, unsigned priority,
                            const union value *value);
void sim_bacnet_hold(struct sim_bacnet_object *obj, const union value *value); /* NULL: lets go */
/* "lower to upper": of states; 0: not multi-state. */
uint32_t sim_bacnet_states(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj);

/* ---- alarms ---- */

/* The alarm's settings and state; `made`: it may be changed, and is kept. */
const struct sim_bacnet_alarm *sim_bacnet_alarm(const struct sim_bacnet_device *bd,
                                                const struct sim_bacnet_object *obj,
                                                struct sim_bacnet_alarm *scratch);
struct sim_bacnet_alarm *sim_bacnet_alarm_make(const struct sim_bacnet_device *bd,
                                               struct sim_bacnet_object *obj);
/* Compares the present value with its limits; a transition is told to bd->event. */
void sim_bacnet_alarm_look(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                           int64_t wall_us);
/* Which of the three transitions leads to a state. */
unsigned sim_bacnet_transition(uint8_t state);

/* ---- properties ---- */

struct sim_bacnet_row;
/* Which rows an object has: begins with NULL, ends with NULL. */
const struct sim_bacnet_row *sim_bacnet_next_row(const struct sim_bacnet_object *obj,
                                                 const struct sim_bacnet_row *after);
uint32_t sim_bacnet_row_property(const struct sim_bacnet_row *row);
bool sim_bacnet_row_required(const struct sim_bacnet_row *row);

/* The value of a property, appended as application tagged bytes. Returns 0, an error as class << 16 | code, or
 * SIM_BACNET_FULL. */
#define SIM_BACNET_FULL UINT32_MAX
uint32_t sim_bacnet_read(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                         uint32_t property, uint32_t index, int64_t wall_us, struct bytes_out *out);
/* Takes the value's bytes; priority 1 to 16. The same errors. */
uint32_t sim_bacnet_write(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                          uint32_t property, uint32_t index, struct bytes value, unsigned priority,
                          int64_t wall_us);

/* AddListElement (adds) or RemoveListElement; *failed: which element, from 1; 0: none in particular. */
uint32_t sim_bacnet_change_list(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                                uint32_t property, struct bytes elements, bool adds,
                                uint32_t *failed);

#define SIM_BACNET_ERROR(class_, code_) \
    ((uint32_t)BACNET_CLASS_##class_ << 16 | (uint32_t)BACNET_ERROR_##code_)

/* ---- trend logs ---- */

/* Records of a log up to now: their numbers (the oldest kept, the newest; 0: none yet). */
void sim_bacnet_log_range(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                          int64_t wall_us, uint32_t *oldest, uint32_t *newest);
/* The time of a record, and the other way round: the first at or after a time. */
int64_t sim_bacnet_log_time(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                            uint32_t record);
uint32_t sim_bacnet_log_after(const struct sim_bacnet_device *bd,
                              const struct sim_bacnet_object *obj, int64_t time_us);
/* What it logs: its n-th object; NULL: no more. */
struct sim_bacnet_object *sim_bacnet_logged(const struct sim_bacnet_device *bd,
                                            const struct sim_bacnet_object *obj, unsigned n);

#endif
