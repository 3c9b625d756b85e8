/* SPDX-License-Identifier: Apache-2.0 */
/* The receiver of traps with some devices and users, on a fake host and a fake clock: for its unit tests and its fuzzer.
 * What a sender would send is built by the codec. One rig a program at a time; included by one file each. */
#ifndef BUSBAR_TESTS_SNMP_TRAP_RIG_H
#define BUSBAR_TESTS_SNMP_TRAP_RIG_H

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_discover.h"
#include "drivers/snmp/snmp_logins.h"
#include "drivers/snmp/snmp_rows.h"
#include "drivers/snmp/snmp_traps_private.h"
#include "quiet.h"

enum {
    RIG_DEVICES = 6,
    RIG_POINTS = 8,
    RIG_LOGINS = 4,
    RIG_EVENTS = 64, /* kept, the last ones */
    RIG_PENDING = 256,
    RIG_PACKET = 4096,
};
#define RIG_WALL_US (INT64_C(1790000000) * CLOCK_US_PER_S)

struct driver {
    struct snmp_driver_state state;
};

struct rig_event {
    char source[64], kind[32], text[1024], arguments[4096];
    uint8_t severity;
};

struct rig_device {
    struct device dev;
    struct point points[RIG_POINTS];
    struct snmp_address addresses[RIG_POINTS];
    struct snmp_meaning meanings[RIG_POINTS];
    struct snmp_oid_buf oids[RIG_POINTS];
    struct snmp_device snmp;
    struct sample published[RIG_POINTS];
    unsigned publications, polls;
    uint32_t wanted[RIG_POINTS];
    size_t wanted_count;
    struct usm_engine engine; /* that polls know */
};

struct trap_rig {
    struct driver driver;
    struct rig_device devices[RIG_DEVICES];
    size_t device_count;
    const struct snmp_login *logins[RIG_LOGINS];
    struct usm_user *users[RIG_LOGINS];
    size_t login_count;
    struct arena arena;
    struct snmp_traps *traps;
    struct snmp_trap_listener *listener;
    struct rig_event events[RIG_EVENTS];
    uint64_t event_count;
    bool disk_full;
    struct {
        driver_cb cb;
        void *ctx;
    } pending[RIG_PENDING];
    size_t pending_count;
    unsigned heard;
    char heard_trap[64];
    int64_t last_refused; /* of the last datagram; -1: it was not */
    const char *folder;
};

static struct trap_rig *rig_now;

/* ---- the fake host ---- */

struct snmp_logins {
    int unused;
};
size_t snmp_logins_count(const struct snmp_logins *logins)
{
    (void)logins;
    return rig_now->login_count;
}
const struct snmp_login *snmp_logins_at(const struct snmp_logins *logins, size_t index)
{
    (void)logins;
    return rig_now->logins[index];
}
void snmp_discover_heard(struct snmp_discover *discover, const struct snmp_heard *heard)
{
    (void)discover;
    rig_now->heard++;
    str_copy(rig_now->heard_trap, sizeof(rig_now->heard_trap), heard->trap);
}
uint16_t snmp_rows_place(const struct snmp_rows *rows, uint32_t point, struct snmp_row_place *out)
{
    (void)rows;
    (void)point;
    (void)out;
    return 1;
}
static struct rig_device *rig_device_of(const struct device *dev)
{
    return list_entry(dev, struct rig_device, dev);
}
const struct usm_engine *snmp_agent_engine(const struct snmp_agent *agent)
{
    return (const struct usm_engine *)(const void *)agent;
}
void *driver_address(const struct device *dev, uint32_t point_index)
{
    return &rig_device_of(dev)->addresses[point_index];
}
const char *driver_folder(const struct driver *drv)
{
    (void)drv;
    return rig_now->folder;
}
int driver_publish(struct device *dev, const uint32_t *points, struct sample *samples, size_t count,
                   driver_cb on_disk, void *ctx)
{
    (void)on_disk;
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        rig_device_of(dev)->published[points[i]] = samples[i];
    }
    rig_device_of(dev)->publications++;
    return 0;
}
void driver_poll_now(struct device *dev, const uint32_t *points, size_t count)
{
    struct rig_device *device = rig_device_of(dev);
    device->polls++;
    device->wanted_count = count;
    for (size_t i = 0; i < count; i++) {
        device->wanted[i] = points[i];
    }
}

static void rig_print(const struct event_argument *argument, struct buf *out)
{
    (void)buf_printf(out, "%s%s=", out->size > 0 ? "; " : "", argument->name);
    value_print(argument->type, argument->value, out);
}

int driver_event(struct driver *drv, struct device *dev, const struct event *event,
                 driver_cb on_disk, void *ctx)
{
    struct trap_rig *rig = rig_now;
    struct rig_event *kept = &rig->events[rig->event_count % RIG_EVENTS];
    struct buf arguments;
    (void)drv;
    if (rig->disk_full || (on_disk != NULL && rig->pending_count == RIG_PENDING)) {
        return BUSBAR_ENOSPC;
    }
    buf_init(&arguments, 1 << 20);
    for (size_t i = 0; i < event->argument_count; i++) {
        rig_print(&event->arguments[i], &arguments);
    }
    str_copy(kept->source, sizeof(kept->source), dev != NULL ? dev->name : "snmp");
    str_copy(kept->kind, sizeof(kept->kind), event->kind);
    str_copy(kept->text, sizeof(kept->text), event->text);
    str_copy(kept->arguments, sizeof(kept->arguments), buf_text(&arguments));
    kept->severity = event->severity;
    rig->event_count++;
    buf_fini(&arguments);
    if (on_disk != NULL) {
        rig->pending[rig->pending_count].cb = on_disk;
        rig->pending[rig->pending_count++].ctx = ctx;
    }
    return 0;
}

static inline const struct rig_event *rig_last(const struct trap_rig *rig)
{
    assert(rig->event_count > 0);
    return &rig->events[(rig->event_count - 1) % RIG_EVENTS];
}

static inline void rig_on_disk(struct trap_rig *rig, int error)
{
    size_t count = rig->pending_count;
    rig->pending_count = 0;
    for (size_t i = 0; i < count; i++) {
        rig->pending[i].cb(rig->pending[i].ctx, error);
    }
}

/* ---- making it ---- */

/* folder: where our engine is kept; it is known some turns later then. */
static inline void rig_open_in(struct trap_rig *rig, const char *allow, const char *folder)
{
    *rig = (struct trap_rig){ .device_count = 0, .folder = folder };
    rig_now = rig;
    quiet_log();
    clock_fake_set(1000 * CLOCK_US_PER_S, RIG_WALL_US);
    arena_init(&rig->arena, 0);
    rig->driver.state.drv = &rig->driver;
    rig->driver.state.loop = loop_new();
    rig->driver.state.mib = mib_builtin();
    rig->traps = snmp_traps_new(&rig->driver.state);
    rig->driver.state.traps = rig->traps;
    struct datagram *probe;
    char listen[32];
    int error = datagram_open(rig->driver.state.loop,
                              &(struct datagram_options){ .host = "127.0.0.1" }, NULL, NULL, &probe,
                              NULL);
    assert(error == 0);
    (void)error;
    str_format(listen, sizeof(listen), "127.0.0.1:%u", datagram_port(probe));
    datagram_close(probe);
    snmp_traps_setup(rig->traps, &(struct snmp_trap_options){
                                     .listen = listen, .allow = allow, .rate = 100, .burst = 200 });
    rig->listener = rig->traps->listeners[0];
    assert(rig->listener->socket != NULL);
}

static inline void rig_open(struct trap_rig *rig, const char *allow)
{
    rig_open_in(rig, allow, NULL);
}

static inline void rig_close(struct trap_rig *rig)
{
    for (size_t i = 0; i < rig->device_count; i++) {
        snmp_traps_remove(rig->traps, &rig->devices[i].snmp);
        snmp_login_drop(rig->devices[i].snmp.login);
    }
    snmp_traps_free(rig->traps);
    rig_on_disk(rig, BUSBAR_ECANCELED); /* the log outlives the driver */
    for (size_t i = 0; i < rig->login_count; i++) {
        snmp_login_drop(rig->logins[i]);
    }
    arena_fini(&rig->arena);
    loop_free(rig->driver.state.loop);
    clock_fake_off();
}

/* user NULL: a community. */
static inline const struct snmp_login *rig_login(const char *community, struct usm_user *user)
{
    struct snmp_login from = { .version = user != NULL ? SNMP_V3 : SNMP_V2C,
                               .community = community,
                               .user = user,
                               .context = "",
                               .name = "" };
    return snmp_login_new(&from);
}

static inline void rig_credential(struct trap_rig *rig, const char *community,
                                  struct usm_user *user)
{
    rig->logins[rig->login_count++] = rig_login(community, user);
}

/* Its points are set by rig_point() before. */
static inline struct rig_device *rig_add(struct trap_rig *rig, const char *name, const char *ip,
                                         const char *community, struct usm_user *user)
{
    struct rig_device *device = &rig->devices[rig->device_count++];
    device->dev.name = name;
    device->dev.driver = &device->snmp;
    device->dev.points = device->points;
    device->snmp = (struct snmp_device){ .dev = &device->dev,
                                         .drv = &rig->driver,
                                         .state = &rig->driver.state,
                                         .login = rig_login(community, user) };
    device->snmp.config.traps = true;
    (void)endpoint_parse(ip, 161, &device->snmp.address);
    return device;
}

static inline void rig_added(struct trap_rig *rig, struct rig_device *device)
{
    snmp_traps_add(rig->traps, &device->snmp);
}

/* A point with hooks; oid "" = none. */
static inline void rig_point(struct trap_rig *rig, struct rig_device *device, const char *oid,
                             const struct snmp_trap_words *words)
{
    size_t at = device->dev.point_count++;
    struct snmp_address *address = &device->addresses[at];
    const struct mib_object *object = NULL;
    struct err err = { 0 };
    int error = oid[0] != '\0'
                    ? mib_resolve(rig->driver.state.mib, oid, &device->oids[at], &object, &err)
                    : 0;
    assert(error == 0);
    address->oid = device->oids[at].oid;
    address->as = SNMP_AS_IS;
    device->meanings[at] = (struct snmp_meaning){ .bit = -1,
                                                  .divisor = 1.0,
                                                  .hint = "",
                                                  .object = object,
                                                  .syntax = object != NULL ? object->syntax : 0 };
    address->meaning = &device->meanings[at];
    error = snmp_trap_hook_resolve(rig->driver.state.mib, words, &rig->arena, &address->hooks,
                                   &err);
    assert(error == 0);
    (void)error;
}

/* ---- a sender ---- */

struct rig_variable {
    const char *oid; /* a name; NULL ends */
    uint8_t tag;
    int64_t number;
    const char *text; /* of octets, and of OIDs their name */
};

struct rig_sender {
    struct trap_rig *rig;
    struct endpoint from;
    enum snmp_version version;
    const char *community;
    struct usm_user *user;
    struct usm_engine engine; /* the sender's, or ours for informs */
    uint8_t type;             /* SNMP_TRAP, SNMP_INFORM, SNMP_TRAP_V1 */
    uint8_t level;            /* 0: that of the user */
    bool plain, asks;         /* plain: without authentication all the same; asks: reportable */
    int32_t id;
    struct usm_engine context; /* contextEngineID; size 0: that of `engine` */
    /* of v1 */
    const char *enterprise, *agent;
    int32_t generic, specific;
    uint8_t packet[RIG_PACKET];
    uint8_t *at;
    size_t size;
};

static inline struct rig_sender rig_sender(struct trap_rig *rig, const char *ip,
                                           const char *community)
{
    struct rig_sender sender = {
        .rig = rig, .version = SNMP_V2C, .community = community, .type = SNMP_TRAP, .id = 77
    };
    int error = endpoint_parse(ip, 50000, &sender.from);
    assert(error == 0);
    (void)error;
    return sender;
}

static inline struct rig_sender rig_sender_v3(struct trap_rig *rig, const char *ip,
                                              struct usm_user *user, uint8_t engine)
{
    struct rig_sender sender = rig_sender(rig, ip, "");
    sender.version = SNMP_V3;
    sender.user = user;
    sender.engine = (struct usm_engine){ .id = { 0x80, 0, 0x1f, 0x88, 5, engine },
                                         .size = 9,
                                         .timed = true,
                                         .boots = 3,
                                         .time = 1000,
                                         .at_us = clock_mono_us() };
    return sender;
}

static inline void rig_put(const struct mib *mib, struct ber_out *out, const char *name,
                           const struct rig_variable *variable)
{
    struct snmp_oid_buf oid;
    const struct mib_object *object;
    const uint8_t *mark = ber_mark(out);
    int error = mib_resolve(mib, variable->text != NULL ? variable->text : "sysUpTime.0", &oid,
                            &object, NULL);
    switch (variable->tag) {
    case BER_OID: ber_put_oid(out, oid.oid); break;
    case BER_OCTETS: ber_put_octets(out, BER_OCTETS, variable->text, strlen(variable->text)); break;
    case BER_IP_ADDRESS: {
        struct endpoint ip;
        (void)endpoint_parse(variable->text, 0, &ip);
        ber_put_octets(out, BER_IP_ADDRESS, ip.ip, 4);
        break;
    }
    case BER_INTEGER: ber_put_i64(out, BER_INTEGER, variable->number); break;
    default: ber_put_u64(out, variable->tag, (uint64_t)variable->number); break;
    }
    error = mib_resolve(mib, name, &oid, &object, NULL);
    assert(error == 0);
    (void)error;
    ber_put_oid(out, oid.oid);
    ber_put_head(out, BER_SEQUENCE, mark);
}

static inline void rig_seal(struct rig_sender *sender, struct ber_out *out, const uint8_t *mark)
{
    struct usm_keys keys;
    uint8_t level = sender->plain ? 0 : usm_user_level(sender->user);
    struct usm_seal seal = { .id = sender->id,
                             .flags = (uint8_t)(level | (sender->asks ? SNMP_REPORTABLE : 0)),
                             .user = sender->user != NULL ? usm_user_name(sender->user) : "",
                             .engine = &sender->engine,
                             .salt = 12345 + (uint64_t)sender->id,
                             .now_us = clock_mono_us() };
    if (level != 0) {
        int error = usm_keys_localise(sender->user, sender->engine.id, sender->engine.size, &keys);
        assert(error == 0);
        (void)error;
        seal.keys = &keys;
        seal.auth = usm_user_auth(sender->user);
        seal.priv = (level & SNMP_PRIV) != 0 ? usm_user_priv(sender->user) : USM_PRIV_NONE;
    }
    const struct usm_engine *context = sender->context.size > 0 ? &sender->context
                                                                : &sender->engine;
    snmp_put_scoped_head(out, bytes_of(context->id, context->size), bytes_of(NULL, 0), mark);
    int error = usm_seal(out, &seal);
    assert(error == 0);
    (void)error;
}

/* Builds a notification in sender->at. trap: the name, of v2 and v3. */
static inline void rig_build(struct rig_sender *sender, const char *trap,
                             const struct rig_variable *variables)
{
    const struct mib *mib = sender->rig->driver.state.mib;
    struct ber_out out = ber_out_of(sender->packet, sizeof(sender->packet));
    const uint8_t *mark = ber_mark(&out);
    size_t count = 0;
    while (variables != NULL && variables[count].oid != NULL) {
        count++;
    }
    while (count-- > 0) {
        rig_put(mib, &out, variables[count].oid, &variables[count]);
    }
    if (sender->version == SNMP_V1) {
        struct snmp_oid_buf oid;
        const struct mib_object *object;
        struct endpoint agent;
        int error = mib_resolve(mib, sender->enterprise, &oid, &object, NULL);
        assert(error == 0);
        error = endpoint_parse(sender->agent != NULL ? sender->agent : "0.0.0.0", 0, &agent);
        assert(error == 0);
        (void)error;
        struct snmp_pdu pdu = { .type = SNMP_TRAP_V1,
                                .enterprise = oid.oid,
                                .generic = sender->generic,
                                .specific = sender->specific,
                                .uptime = 4711 };
        memcpy(pdu.agent, agent.ip, 4);
        snmp_put_trap_head(&out, &pdu, mark);
    } else {
        rig_put(mib, &out, "snmpTrapOID.0", &(struct rig_variable){ .tag = BER_OID, .text = trap });
        rig_put(mib, &out, "sysUpTime.0",
                &(struct rig_variable){ .tag = BER_TIMETICKS, .number = 4711 });
        struct snmp_pdu pdu = { .type = sender->type, .request_id = sender->id };
        snmp_put_pdu_head(&out, &pdu, mark);
    }
    if (sender->version == SNMP_V3) {
        rig_seal(sender, &out, mark);
    } else {
        snmp_put_message_head(&out, sender->version, sender->community, strlen(sender->community),
                              mark);
    }
    assert(!out.failed);
    sender->at = out.at;
    sender->size = ber_out_size(&out);
}

static inline uint64_t rig_refused(const struct trap_rig *rig)
{
    uint64_t all = 0;
    for (int i = 0; i < SNMP_REFUSED_COUNT; i++) {
        all += rig->traps->refused[i];
    }
    return all;
}

/* What became of a datagram: SNMP_OPENED, or why it was refused. */
static inline int rig_take(struct trap_rig *rig, const struct endpoint *from, const void *data,
                           size_t size)
{
    uint64_t before[SNMP_REFUSED_COUNT];
    memcpy(before, rig->traps->refused, sizeof(before));
    struct bytes copy = bytes_dup(data, size);
    snmp_trap_take(rig->listener, from, copy.at, size);
    bytes_fini(&copy);
    for (int i = 0; i < SNMP_REFUSED_COUNT; i++) {
        if (rig->traps->refused[i] != before[i]) {
            return i;
        }
    }
    return SNMP_OPENED;
}

static inline int rig_send(struct rig_sender *sender, const char *trap,
                           const struct rig_variable *variables)
{
    rig_build(sender, trap, variables);
    sender->id++;
    return rig_take(sender->rig, &sender->from, sender->at, sender->size);
}

#endif
