/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated SNMP agent: what it has, who may ask, and its answer to a datagram. Pure: bytes in, bytes out, the
 * time is an argument.
 *
 *   sim_snmp_object.c     which objects it has: system, those of its points, interfaces, its engine
 *   sim_snmp_interface.c  the columns of ifTable and ifXTable
 *   sim_snmp_value.c      what they read now, and what was written to them
 *   sim_snmp_pdu.c        GET, GETNEXT, GETBULK, SET
 *   sim_snmp_message.c    who asks: communities, users; reports */
#ifndef BUSBAR_SIM_SIM_SNMP_AGENT_H
#define BUSBAR_SIM_SIM_SNMP_AGENT_H

#include "base/arena.h"
#include "base/map.h"
#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/usm/usm.h"
#include "model/device.h"
#include "sim/sim_fault.h"
#include "sim/sim_value.h"

enum {
    SIM_SNMP_ENTERPRISE = 32473, /* for documentation, RFC 5612 */
    SIM_SNMP_MESSAGE = 1472,   /* the longest that an agent sends: what fits a frame of Ethernet */
    SIM_SNMP_VALUE_MAX = 1024, /* bytes of one value */
    SIM_SNMP_ROWS_MAX = 4096,
    SIM_SNMP_INTERFACES_LEAST = 4,
};
#define SIM_SNMP_NO_POINT UINT32_MAX

/* What an object is of. */
enum sim_snmp_what {
    SIM_SNMP_SYSTEM,    /* column: 1 sysDescr ... 7 sysServices */
    SIM_SNMP_ENGINE,    /* column: 1 snmpEngineID ... 4 snmpEngineMaxMessageSize */
    SIM_SNMP_IF_NUMBER, /* ifNumber */
    SIM_SNMP_INTERFACE, /* column: index into sim_snmp_columns */
    SIM_SNMP_ROW_NAME,  /* the text that a point's `row:` names, in another table */
    SIM_SNMP_POINT,     /* of a point alone */
};

struct sim_snmp_object {
    struct snmp_oid oid;
    uint32_t point; /* SIM_SNMP_NO_POINT: none */
    uint16_t row;   /* index into rows */
    uint8_t what;   /* enum sim_snmp_what */
    uint8_t column;
    uint8_t tag; /* enum ber_tag */
    bool writable;
};

/* A row that has a name. */
struct sim_snmp_row {
    struct snmp_oid column; /* where the name stands */
    const char *text;
    uint32_t index;   /* its number now */
    uint16_t indexes; /* of the table; those behind the number are 1 */
    uint32_t seed;
    bool interface, down;
    int64_t changed_us; /* monotonic; 0: not since the start */
};

/* The two clocks of one answer. */
struct sim_snmp_now {
    int64_t mono_us, wall_us;
};

struct sim_snmp_agent {
    const struct device *dev;
    const struct snmp_address *addresses; /* of its points */
    uint64_t seed;
    struct arena arena;              /* of what follows */
    struct sim_snmp_object *objects; /* ascending */
    size_t object_count;
    struct sim_snmp_row *rows;
    size_t row_count;
    uint32_t *by_point;       /* point -> index into objects */
    struct sim_value *values; /* by point */
    struct map64 holds;       /* key of an object -> struct sim_snmp_held */
    unsigned turn;            /* by how much the rows are renumbered */
    /* Who may ask. */
    const char *community; /* NULL: no v1, v2c */
    struct usm_user *user; /* NULL: no v3; borrowed */
    const char *context;   /* of v3 */
    struct usm_engine engine;
    struct usm_keys *keys; /* of `user`; made when first needed */
    uint64_t salt;
    uint32_t reports[USM_TROUBLES]; /* and unknown contexts at USM_FINE */
    /* What it can. */
    uint16_t size_max; /* bytes of a message */
    uint16_t oids_max; /* in one question; 0: any number */
    bool no_bulk, no_login;
    /* How it is. */
    int64_t boot_us; /* monotonic */
    int64_t wrap_us; /* monotonic: its counters are about to wrap since; 0: they are not */
    struct sim_snmp_now frozen; /* mono_us 0: its values live */
    /* An object was written by a manager or held by a person. May be NULL. */
    void (*written)(void *ctx, const struct sim_snmp_object *object);
    void *ctx;
};

/* addresses: of the device's points; community, user, context as above, borrowed. boots: snmpEngineBoots.
 * BUSBAR_ENOMEM, BUSBAR_ELIMIT. */
int sim_snmp_agent_init(struct sim_snmp_agent *agent, const struct device *dev,
                        const struct snmp_address *addresses, uint64_t seed, uint32_t boots,
                        struct sim_snmp_now now);
void sim_snmp_agent_fini(struct sim_snmp_agent *agent);
/* It has started again: uptime and counters from 0, boots one more. */
void sim_snmp_agent_restart(struct sim_snmp_agent *agent, struct sim_snmp_now now);
/* Another engine id, or its own again. */
void sim_snmp_agent_engine(struct sim_snmp_agent *agent, bool another);

/* ---- objects ---- */
/* Makes all objects and rows, again where `turn` is another. */
int sim_snmp_objects_make(struct sim_snmp_agent *agent);
/* SIZE_MAX: none. */
size_t sim_snmp_object_find(const struct sim_snmp_agent *agent, struct snmp_oid oid);
/* The first that is behind `oid`; object_count: none. */
size_t sim_snmp_object_after(const struct sim_snmp_agent *agent, struct snmp_oid oid);
/* The object of a point; NULL: it has none (it is set by traps alone). */
const struct sim_snmp_object *sim_snmp_point_object(const struct sim_snmp_agent *agent,
                                                    uint32_t point);
/* The object at a column in a row of interfaces; NULL: none. column: index into sim_snmp_columns. */
const struct sim_snmp_object *sim_snmp_interface_object(const struct sim_snmp_agent *agent,
                                                        uint16_t row, uint8_t column);

/* ---- interfaces ---- */
struct sim_snmp_column {
    uint8_t extended; /* of ifXTable */
    uint8_t number;
    uint8_t tag;
    bool writable;
};
extern const struct sim_snmp_column sim_snmp_columns[];
extern const size_t sim_snmp_column_count;
enum { SIM_SNMP_UP = 1, SIM_SNMP_DOWN = 2 };
/* Index into sim_snmp_columns. */
uint8_t sim_snmp_column_find(uint8_t extended, uint8_t number);

/* ---- values ---- */
/* What an object reads now; content is put into `scratch`, where SIM_SNMP_VALUE_MAX must be left. */
void sim_snmp_value_read(const struct sim_snmp_agent *agent, const struct sim_snmp_object *object,
                         struct sim_snmp_now now, struct bytes_out *scratch,
                         struct snmp_value *out);
/* error-status of SET (enum snmp_status); 0: sim_snmp_value_hold() takes it. */
int32_t sim_snmp_value_check(const struct sim_snmp_agent *agent,
                             const struct sim_snmp_object *object, const struct snmp_value *value);
/* Reads this from now on; NULL: it lives again. */
void sim_snmp_value_hold(struct sim_snmp_agent *agent, const struct sim_snmp_object *object,
                         const struct snmp_value *value, struct sim_snmp_now now);
/* What a point would read, as a value of its object. `room`: for the content. BUSBAR_ERANGE, BUSBAR_EINVAL. */
int sim_snmp_value_make(const struct sim_snmp_object *object, const struct snmp_meaning *meaning,
                        const struct mib *mib, const struct sample *sample, uint8_t *room,
                        size_t room_size, struct snmp_value *out);
/* Hundredths of a second since the start. */
uint32_t sim_snmp_uptime(const struct sim_snmp_agent *agent, struct sim_snmp_now now);
/* The tag that a point of this meaning has. */
uint8_t sim_snmp_value_tag(const struct snmp_meaning *meaning);
/* A value that interfaces have, in a row. */
void sim_snmp_interface_read(const struct sim_snmp_agent *agent,
                             const struct sim_snmp_object *object, struct sim_snmp_now now,
                             struct bytes_out *scratch, struct snmp_value *out);
/* A counter that grows by about `rate` a second since the start; bits: 32 or 64. */
uint64_t sim_snmp_count(const struct sim_snmp_agent *agent, uint32_t seed, double rate,
                        unsigned bits, struct sim_snmp_now now);
/* Put the content of a value into `scratch`. */
struct snmp_value sim_snmp_int(struct bytes_out *scratch, int64_t value);
struct snmp_value sim_snmp_uint(struct bytes_out *scratch, uint8_t tag, uint64_t value);
struct snmp_value sim_snmp_octets(struct bytes_out *scratch, uint8_t tag, const void *data,
                                  size_t size);

/* ---- questions ---- */
/* Memory for one answer, shared by all agents of a process. */
struct sim_snmp_desk;
struct sim_snmp_desk *sim_snmp_desk_new(void);
void sim_snmp_desk_free(struct sim_snmp_desk *desk); /* NULL is fine */

/* Answers a PDU that may ask: writes the Response's PDU before out->at. 0: it did; else there is no answer. */
struct sim_snmp_asked {
    const struct snmp_pdu *pdu;
    enum snmp_version version;
    size_t budget; /* bytes that the answer's PDU may have */
    enum sim_fault_kind kind;
    int64_t argument;
    struct sim_snmp_now now;
};
int sim_snmp_pdu_answer(struct sim_snmp_agent *agent, struct sim_snmp_desk *desk,
                        const struct sim_snmp_asked *asked, struct ber_out *out);

/* Answers a datagram; 0: with silence. The answer is at *answer, in the desk, until the next. */
size_t sim_snmp_answer(struct sim_snmp_agent *agent, struct sim_snmp_desk *desk, const void *data,
                       size_t size, enum sim_fault_kind kind, int64_t argument,
                       struct sim_snmp_now now, uint8_t **answer);
/* Room for a message of any size. */
struct ber_out sim_snmp_desk_out(struct sim_snmp_desk *desk);
struct bytes_out sim_snmp_desk_scratch(struct sim_snmp_desk *desk);
/* The keys of the agent's user for its engine; NULL: it has no user. */
const struct usm_keys *sim_snmp_keys(struct sim_snmp_agent *agent);

#endif
