/* SPDX-License-Identifier: Apache-2.0 */
/* The driver interface: what a protocol gives to the host, and what the host gives to a protocol.
 *
 * The host owns polling, timeouts of whole requests, retries, back-off, the breaker, statistics,
 * conversion (scale, enum, clamp, deadband) and quality. The driver owns addresses, bytes, session.
 *
 * All calls are on the loop thread and none may block. A request is answered exactly once by
 * driver_done(), never before the read() or write() that began it has returned; stop() answers all
 * that are open with BUSBAR_ECANCELED. A device's fault never delays another device.
 *
 * read(), write() and cancel() may be called from inside driver_done(). start(), stop() and
 * remove() are not; they may come in turns (pause is stop(), resume is start() again), remove()
 * always after driver_stopped(). While the link is down read(), write() and browse() try to
 * connect: the host's back-off paces them, so a driver needs none of its own for that. */
#ifndef BUSBAR_DRIVER_DRIVER_H
#define BUSBAR_DRIVER_DRIVER_H

#include "base/buf.h"
#include "base/bytes.h"
#include "config/option.h"
#include "config/setup.h"
#include "driver/messages.h"
#include "model/device.h"
#include "model/event.h"
#include "net/loop.h"

struct driver;
struct driver_test;
struct payload_point;
struct driver_discovery;
struct driver_browse;
struct keyring;
struct trust;

/* How to write, where that is more than a value. */
struct driver_write {
    uint8_t priority; /* 1 (first) to 16; the point's own where the person named none */
    bool release; /* give up the value at this priority (BACnet: write NULL); samples[0] has none */
};

/* An acknowledgement by a person. Owned by the host until driver_acknowledged(). */
struct driver_acknowledge {
    const struct event *event; /* as it was published, with its key */
    const char *who, *note;
    int64_t deadline_us; /* monotonic */
};

/* A command of the configuration being run: what a device is asked to do that is no value of a point (a method of
 * OPC UA). Owned by the host until driver_called(). */
struct driver_call {
    const struct device_command *command; /* of the device: its name and settings */
    const char *const *arguments;         /* as a person wrote them: JSON scalars or bare texts */
    size_t argument_count;                /* at most DRIVER_ARGUMENTS_MAX */
    int64_t deadline_us;                  /* monotonic */
};
#define DRIVER_ARGUMENTS_MAX 32

/* A port that a driver itself uses, beside those of its devices: for the table of ports and for `busbar check`. */
struct driver_port {
    const char *use;       /* "BACnet network roof" */
    const char *transport; /* "udp" */
    const char *host; /* the address it is bound to; "0.0.0.0" = all of this machine; out: "" */
    bool out;         /* it sends there; nothing of it listens here */
    bool asks; /* it is bound to it to ask from: only answers come in, nothing has to be opened */
    uint16_t port;
    struct position at; /* where it was set; line 0: nowhere, it is the default */
};
typedef void (*driver_port_cb)(void *ctx, const struct driver_port *port);

/* One fact about how a driver itself is doing. */
struct driver_status {
    const char *part;    /* "roof"; "" = the driver as a whole */
    const char *name;    /* "address", "registered", "frames refused" */
    const char *text;    /* "10.0.1.5:47808" */
    const char *trouble; /* what is wrong and what to do; NULL = nothing is */
    bool closed;         /* the trouble is that this part does not work at all */
};
typedef void (*driver_status_cb)(void *ctx, const struct driver_status *status);

/* Owned by the host; valid until driver_done(). The host reuses one request for each poll of the
 * same group of points, so a driver may keep what it planned in `plan` (freed by ops->unplan). */
struct request {
    const uint32_t *points; /* indexes into dev->points, ascending by configuration order */
    /* read: the driver sets type, value, quality, detail and time_us (0 = the host's) of each
     * before it answers 0: raw, before conversion; text is borrowed until driver_done() returned;
     * bad = type NONE. The array comes unset.
     * write: the raw values to send, as wide as the point; of a scaled point always VALUE_DOUBLE,
     * to be rounded where the device has integers; what does not fit is answered BUSBAR_ERANGE,
     * unsent. Of a text the driver may put the same value as the device will spell it (borrowed until
     * driver_done() returned): what is read back is compared with that. */
    struct sample *samples;
    size_t count;
    const struct driver_write *how; /* write: of a point that can be released; else NULL */
    int64_t deadline_us;            /* monotonic; the host gives up then and cancels */
    void *plan;                     /* the driver's */
};

struct driver_ops {
    const char *name;                    /* "modbus": the word in config, REST, log and docs */
    const struct option *device_options; /* ends with key NULL */
    const struct option *point_options;
    /* Of the section `drivers: NAME`; NULL: the driver has none (config/setup.h). */
    const struct option *setup_options;
    const char *parts_key; /* "networks"; NULL: it has no parts */
    bool
        parts_on_top; /* the parts may also stand at the top of the configuration, under parts_key */
    const struct option *part_options;
    size_t driver_bytes, device_bytes, address_bytes; /* zeroed state the host gives */

    /* Pure: no sockets, no state; also used by `config check`. After 0 of check_setup() and check() a message in err is
     * a warning (something is insecure); the same words for several devices are told once. */
    int (*check_setup)(const struct setup *setup, struct err *err); /* may be NULL */
    /* Reads the files that the section names (config/prepared.h); only called when there is a section and
     * check_setup took it (a row that is wrong counts as not set). What comes is setup->prepared of
     * every call after it. Any thread. May be NULL. */
    int (*prepare)(const struct setup *setup, const struct prepare *how, struct prepared **out,
                   struct err *err);
    /* Calls cb for each local port; used: there are devices of this driver. May be NULL. May look at
     * the machine's network cards. */
    void (*ports)(const struct setup *setup, bool used, driver_port_cb cb, void *ctx);
    int (*check)(const struct setup *setup, const struct settings *device, struct err *err);
    int (*resolve)(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err);

    /* A driver is opened with its first device, when the configuration has a section for it, or for a
     * discovery. setup() follows open() and comes again when an apply changed the setup. It is never
     * called while the driver has a device or a discovery: the host ends them before, and an apply
     * makes all devices of the driver anew after it. It keeps open what did not change; what cannot
     * be opened is the trouble of the devices that need it (driver_link), not of the others. The setup
     * before is valid until setup() returns. */
    int (*open)(struct driver *drv, struct err *err);             /* may be NULL */
    void (*setup)(struct driver *drv, const struct setup *setup); /* shared sockets; may be NULL */
    void (*close)(struct driver *drv);                            /* may be NULL */
    int (*add)(struct driver *drv, struct device *dev, struct err *err); /* remove() undoes it */
    int (*start)(struct device *dev); /* begin connecting; told by driver_link() */
    void (*read)(struct device *dev, struct request *req);
    /* NULL: never written. A write is sent once; a lost answer is an error, not a reason to repeat
     * it. */
    void (*write)(struct device *dev, struct request *req);
    /* The deadline passed: answer it soon, with 0 and quality NO_ANSWER where nothing came, or with
     * BUSBAR_ETIMEOUT when nothing came at all. */
    void (*cancel)(struct device *dev, struct request *req);
    void (*unplan)(struct device *dev, struct request *req); /* free req->plan; may be NULL */
    void (*stop)(struct device *dev); /* cancels all, tests too; ends in driver_stopped() */
    void (*remove)(struct device *dev);

    /* Finds out step by step why a device does not answer; ends in driver_tested(). */
    void (*test)(struct device *dev, struct driver_test *test);

    /* Looks for devices, on request: driver_found() for each, driver_discovered() at the end. Options
     * by driver_discovery_option(): "range" and the protocol's own. NULL: cannot. discover_stop():
     * end soon (with BUSBAR_ECANCELED); also before close(). */
    void (*discover)(struct driver *drv, struct driver_discovery *discovery);
    void (*discover_stop)(struct driver *drv, struct driver_discovery *discovery);
    /* What a device itself tells about what it has: driver_node() for each, driver_browsed() at the
     * end. NULL: cannot. stop() ends it with BUSBAR_ECANCELED, as does browse_stop(). */
    void (*browse)(struct device *dev, struct driver_browse *browse);
    void (*browse_stop)(struct device *dev, struct driver_browse *browse);
    /* The key (driver_find) of the find that this device is; appends nothing while it is not known.
     * Cheap. NULL: no find is ever known. */
    void (*find_key)(const struct device *dev, struct buf *out);
    /* How the driver is doing, as facts for a person. NULL: nothing to say. */
    void (*status)(struct driver *drv, driver_status_cb cb, void *ctx);

    /* The messages that its devices send by themselves (messages.h). NULL: they send none. */
    void (*messages)(struct driver *drv, struct driver_messages *out);

    /* Commands: their options, a pure check, and running one, which ends in driver_called(). NULL: none. */
    const struct option *command_options;
    int (*check_command)(const struct settings *device, const struct settings *command,
                         struct err *err);
    void (*call)(struct device *dev, struct driver_call *call);

    /* Events that a device may tell of (`events:` of the configuration): their options and a pure check. NULL: none. */
    const struct option *event_options;
    int (*check_event)(const struct setup *setup, const struct settings *device,
                       const struct settings *event, struct err *err);

    /* Ends in driver_acknowledged(). NULL: events of this protocol need none. */
    void (*acknowledge)(struct device *dev, struct driver_acknowledge *ack);

    /* For people. describe: one frame of the last-frames ring in words, one line. */
    void (*describe)(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out);
    /* The address of a point as a person would write it: "holding 100 uint16 ABCD". */
    void (*address)(const struct device *dev, const struct point *pt, struct buf *out);
    /* A sample's detail in plain words with the next step; NULL when unknown. */
    const char *(*explain)(uint16_t detail);
    /* Whether `received` answers `sent` (frames of the ring) and holds the point: its bytes and
     * what was read around it as one line ("0841 in holding 0..31, unit 1"), and the raw value
     * (type NONE for texts). NULL: no. */
    bool (*trace)(const struct device *dev, const struct point *pt, struct bytes sent,
                  struct bytes received, struct buf *out, struct sample *raw);
    /* The same for a device that speaks first: whether this message alone holds the point ("$.co2 = 640 in {\"co2\":640}").
     * raw: type NONE for texts. NULL: no. */
    bool (*heard)(const struct device *dev, const struct point *pt, struct bytes received,
                  struct buf *out, struct sample *raw);
    /* Of a driver whose values are taken out of messages (payload/; what it prepares are payload_schemas): the rule of a
     * point, NULL when it has none; and the body of the message in a frame of the ring, false when it is none. For trying
     * rules on messages (`busbar payload test`). NULL: it is no such driver. */
    const struct payload_point *(*rule)(const struct device *dev, uint32_t point_index);
    bool (*body)(const struct device *dev, struct bytes frame, struct bytes *body);
    /* "tcp 10.0.2.15:502": where the device is reached, for lists and the port table. */
    void (*link)(const struct device *dev, struct buf *out);
};

/* ---- what a driver calls ---- */

/* The driver's own state (driver_bytes, device_bytes) and resolved address of a point. */
void *driver_state(struct driver *drv);
struct loop *driver_loop(struct driver *drv);
void *driver_address(const struct device *dev, uint32_t point_index); /* address_bytes bytes */
/* The driver's table again from a device. */
struct driver *driver_of(const struct device *dev);
const char *driver_name(const struct driver *drv); /* its protocol's word */
/* The value of a secret by its name (from !secret); NULL when it is not set. Borrowed. */
const char *driver_secret(struct driver *drv, const char *name);

/* The certificates of the gateway (driver/trust.h); any thread may use it. Never NULL. */
struct trust *driver_trust(struct driver *drv);

/* Keys that devices show when they post (driver/keyring.h); any thread may use it. NULL: there are none. */
struct keyring *driver_keyring(struct driver *drv);

/* The data folder, for a few small files that must outlive a restart and that no backup should bring back, named
 * as the driver: "snmp-engine". NULL: nothing is kept. */
const char *driver_folder(const struct driver *drv);

/* error 0: look at each sample's quality (all of them NO_ANSWER or LINK_DOWN: the device is
 * silent). Other errors hold for the whole request: BUSBAR_ETIMEOUT (no answer),
 * BUSBAR_ECONNREFUSED ... (no link), BUSBAR_ETOOBIG (the host splits the request in halves and
 * remembers the limit), BUSBAR_EREFUSED with detail in samples[0].detail. */
void driver_done(struct device *dev, struct request *req, int error);

/* Pushed samples (not asked for), raw; points as in a request. If 0 is returned `on_disk` runs once
 * on the loop later: error 0 = it is on disk, acknowledge now. Also until driver_stopped(). BUSBAR_ECANCELED: the device
 * is paused or stopped; BUSBAR_EBUSY: the log is full for the moment, it was not taken. */
typedef void (*driver_cb)(void *ctx, int error);
int driver_publish(struct device *dev, const uint32_t *points, struct sample *samples, size_t count,
                   driver_cb on_disk, void *ctx);

/* Whether the log has room for some more batches now: BUSBAR_EBUSY: not for a moment; publishing would be refused, and
 * counted so. */
int driver_ready(const struct driver *drv);
/* on_disk runs once, later, when all that was published before (samples and events, of all devices) is on disk: one
 * for many. Errors as of driver_publish(). */
int driver_sync(struct driver *drv, driver_cb on_disk, void *ctx);

/* The link's state as a person would say it; error as in base/err.h, detail may be NULL. Down with
 * error 0 is a link closed on purpose (after each poll): the device stays "up" for people.
 * Of a device whose points are all pushed nobody asks: up means that it can be heard, and it counts as up with its first
 * message from then on ("waiting for its first message"). Down turns its pushed points bad at once. */
void driver_link(struct device *dev, bool up, int error, const char *detail);

/* Each frame sent and received, for the ring that explains values. Cheap; call it for all. */
void driver_frame(struct device *dev, bool sent, const void *data, size_t size);
/* The same for a message in words, of a driver whose library keeps the bytes: not counted as traffic. */
void driver_note(struct device *dev, bool sent, const char *words, size_t size);
/* A frame that broke the protocol: counted, kept in the ring with the reason, changes nothing. */
void driver_bad_frame(struct device *dev, const void *data, size_t size, const char *reason);

/* ---- points that the device sends by itself (BACnet COV, OPC UA subscriptions ...) ----
 * The driver subscribes as it sees fit and publishes what comes; the host must know which points need
 * no poll. every_us > 0: these are watched now, poll them only that often, as a check against silent
 * death; 0: not any more, poll them in their own period. Points are not watched when a device starts.
 * A watched point is stale when neither a push nor a check confirms it for three checks. */
void driver_watched(struct device *dev, const uint32_t *points, size_t count, int64_t every_us);

/* Reads these points soon, out of their turn, with those that are polled together with them: the device has said
 * that something changed. Those already being read are read once more. The host does it once a second at most. A
 * silent device is tried again at once, also with count 0. Never reads before this returned. */
void driver_poll_now(struct device *dev, const uint32_t *points, size_t count);

/* ---- events ----
 * Of a device, or of the driver itself (dev NULL). The source may be left NULL: the device's name, or
 * the driver's. If 0 is returned `on_disk` (may be NULL) runs once on the loop later, error 0 = it is
 * on disk, acknowledge now; else nothing was taken. Errors as of driver_publish(). */
int driver_event(struct driver *drv, struct device *dev, const struct event *event,
                 driver_cb on_disk, void *ctx);
/* error 0: the device took it. BUSBAR_EREFUSED with the protocol's code in detail, BUSBAR_ETIMEOUT ... */
void driver_acknowledged(struct device *dev, struct driver_acknowledge *ack, int error,
                         uint16_t detail);

/* error 0: it ran; results: a JSON object of what it gave back, by name ("" = nothing); may be NULL. Else as a
 * refused write, words: why and what to do; may be NULL. */
void driver_called(struct device *dev, struct driver_call *call, int error, uint16_t detail,
                   const char *results, const char *words);

/* What a command takes and gives back, as the device itself tells: for people, and checked before it is run.
 * Texts are copied; told again it takes the place of what was known. trouble: why the device cannot run it and
 * what to do; NULL = nothing. At most DRIVER_ARGUMENTS_MAX of each. */
struct driver_argument {
    const char *name, *type, *description; /* "speed", "Double", "in rpm" */
};
struct driver_signature {
    const struct driver_argument *inputs, *outputs;
    size_t input_count, output_count;
    const char *description; /* the device's own words for the command */
    const char *trouble;
};
void driver_signed(struct device *dev, const struct device_command *command,
                   const struct driver_signature *signature);

/* The setup as it is now; valid until the next call of setup(). */
const struct setup *driver_setup(const struct driver *drv);
/* The devices of this driver, one after another: NULL begins, NULL ends. */
struct device *driver_next_device(const struct driver *drv, const struct device *after);

/* ---- discovery ---- */
#define DRIVER_FINDS_MAX 10000 /* of one driver; more are counted, not kept */
#define DRIVER_FACTS_MAX 32

struct driver_fact {
    const char *name, *text; /* "firmware", "2.1" */
};

/* A device on the network. Texts are copied; NULL or "" = not known (yet). Of a key that was found
 * before, what is known now takes the place of what was known. */
struct driver_find {
    const char *key; /* the same for the same device, for ever: "2001" */
    const char *id;  /* as the field calls it: "2001" */
    const char *name, *vendor, *model, *description;
    const char *address;  /* "10.0.1.21", "10.0.1.1 network 7 mac 12" */
    const char *settings; /* the protocol part of a device that reaches it: "{ device: 2001 }" */
    const char *trouble;  /* for a person: "answers at two addresses"; "": there is none any more */
    int64_t objects;      /* how many things it has; -1 = not known */
    int64_t answer_us;    /* how long it took to answer; 0 = it spoke first */
    const struct driver_fact *facts;
    size_t fact_count;
};

/* discovery NULL: heard without asking. */
void driver_found(struct driver *drv, struct driver_discovery *discovery,
                  const struct driver_find *find);
/* total 0: not known. */
void driver_discovery_progress(struct driver_discovery *discovery, uint64_t done, uint64_t total);
/* message: why it failed and what to do, or what to know about the result; may be NULL. */
void driver_discovered(struct driver_discovery *discovery, int error, const char *message);
const char *driver_discovery_option(const struct driver_discovery *discovery, const char *name);
/* The driver's own state of it. */
void *driver_discovery_state(const struct driver_discovery *discovery);
void driver_discovery_set_state(struct driver_discovery *discovery, void *state);

/* ---- browsing ---- */
#define DRIVER_NODES_MAX 200000 /* told in one browse; more are counted, not kept */

/* One thing that a device has: an object, a property, a table. Texts are copied. */
struct driver_node {
    const char *id; /* as a point's address is written: "analog-input:1"; unique in the device */
    const char *parent; /* id of the node it is under; "" = the root, or what was asked for */
    /* The protocol's word: "object", "property"; everywhere the same are "group" and "priority", a slot of
     * a priority array: its number in name, a value of type NONE and quality good when nobody holds it. */
    const char *kind;
    const char *name, *description; /* the device's own */
    bool branch;                    /* browse({ "at": id }) tells more */
    bool readable, writable, watchable;
    const char *units;
    const struct point_enum *enums; /* texts of states */
    size_t enum_count;
    bool has_min, has_max;
    double min, max;
    struct sample value; /* as read now; type NONE and quality NOT_YET: was not read */
    const char
        *value_text;     /* as the field writes it, where value cannot say it; NULL = from value */
    const char *trouble; /* why something of it could not be read, and what that means */
    /* A proposal: a point of this name with these settings, "{ object: analog-input:1, units: degC }";
     * NULL = this is nothing to make a point of. */
    const char *point_name, *point;
    /* The same of a command, "{ method: ..., object: ... }", of the name in point_name; NULL: it is none. */
    const char *command;
    bool proposed; /* ticked from the beginning */
};

void driver_node(struct driver_browse *browse, const struct driver_node *node);
void driver_browse_progress(struct driver_browse *browse, uint64_t done, uint64_t total);
void driver_browsed(struct driver_browse *browse, int error, const char *message);
/* What to look at: a node's id; "" = all objects with their present values. */
const char *driver_browse_at(const struct driver_browse *browse);
void *driver_browse_state(const struct driver_browse *browse);
void driver_browse_set_state(struct driver_browse *browse, void *state);

/* What was learned about a device (largest read, requests in flight, an address that refuses):
 * kept by name, shown to people, remembered over restarts. */
#define DRIVER_LIMITS_MAX 128 /* names kept for one device */
void driver_limit_set(struct device *dev, const char *name, int64_t value);
bool driver_limit_get(const struct device *dev, const char *name, int64_t *value);

/* A retry inside the driver (a split read, a lost answer asked again), for the statistics. */
void driver_retried(struct device *dev);
void driver_stopped(struct device *dev);

/* One finding of a test: a step's name ("name", "tcp 502", "unit 3"), whether it is fine, what was
 * seen, and what to do ("" = nothing). code: BUSBAR_ETIMEOUT ... for exit codes; 0 when fine. */
void driver_finding(struct driver_test *test, const char *step, bool fine, int code,
                    const char *seen, const char *hint);
/* Options the person gave ("scan-units"); NULL when not given. */
const char *driver_test_option(const struct driver_test *test, const char *name);
void driver_tested(struct driver_test *test);

#endif
