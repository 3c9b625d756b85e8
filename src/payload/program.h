/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a message apart by the rules of a device: shape and program are compiled once and shared by all devices that
 * say the same; a reader is the scratch that one message at a time is read with. Loop thread only, or any one thread
 * with a reader and programs of its own. Pure: no sockets, no clock.
 *
 *   message -> payload_reader_open -> payload_reader_elements(shape)   1, or as many as `each` finds
 *              for each element: payload_reader_id(shape)  -> which device (its owner looks it up)
 *                                payload_reader_take(program) -> readings, events
 *
 * A message is taken whole or not at all: the first thing that is wrong is the error of all of it. A rule that finds
 * nothing is no error: the point keeps its value and ages. */
#ifndef BUSBAR_PAYLOAD_PROGRAM_H
#define BUSBAR_PAYLOAD_PROGRAM_H

#include "model/device.h"
#include "model/event.h"
#include "payload/message.h"
#include "payload/point.h"

enum { PAYLOAD_ELEMENTS_MAX = 10000, PAYLOAD_READINGS_MAX = 100000 /* of one message */ };

struct payload_programs; /* where those in use are kept, by what they say */
struct payload_shape;    /* the device's rows: each, id_from, time, only ... */
struct payload_program;  /* the rules of its points (or of some of them), and of its events */
struct payload_reader;

struct payload_programs *payload_programs_new(
    const struct payload_schemas *schemas); /* may be NULL */
void payload_programs_free(struct payload_programs *programs);

/* Both are held: drop what was got. BUSBAR_ENOMEM, or what the check would have said. id: for {id}. */
int payload_shape_get(struct payload_programs *programs, const struct settings *device,
                      const char *id, struct payload_shape **out, struct err *err);
struct payload_shape *payload_shape_hold(
    struct payload_shape *shape); /* one more; the same again */
void payload_shape_drop(struct payload_shape *shape);
bool payload_shape_has_id(const struct payload_shape *shape); /* it says where the id stands */

struct payload_rule_source {
    const struct payload_point *point;
    uint32_t index; /* told with what it takes: the index in dev->points */
};
struct payload_event_source {
    const struct device_event
        *event; /* its texts and settings (event_options: payload_event_options) */
    uint32_t index;
};
int payload_program_get(struct payload_programs *programs, struct payload_shape *shape,
                        const char *id, const struct payload_rule_source *rules, size_t rule_count,
                        const struct payload_event_source *events, size_t event_count,
                        struct payload_program **out, struct err *err);
struct payload_program *payload_program_hold(struct payload_program *program);
void payload_program_drop(struct payload_program *program);

/* ---- events ----
 *   events:
 *     door: { match: '^DOOR (?<door>\d+) (?<what>OPEN|SHUT)$', text: "door {door} {what}", severity: high }
 *     fault: { json: $.fault, arguments: "code=$.fault.code, since=$.fault.ts" }
 * An event happens when its expression finds something (`match`: matches; a path: finds anything but null, false, 0 and "").
 * Its arguments are the named groups, and `arguments`: names with paths. */
enum payload_event_row {
    PAYLOAD_EVENT_JSON,
    PAYLOAD_EVENT_CBOR,
    PAYLOAD_EVENT_MSGPACK,
    PAYLOAD_EVENT_PROTOBUF,
    PAYLOAD_EVENT_XML,
    PAYLOAD_EVENT_CSV,
    PAYLOAD_EVENT_KEY,
    PAYLOAD_EVENT_MATCH,
    PAYLOAD_EVENT_ABOUT,
    PAYLOAD_EVENT_ARGUMENTS,
    PAYLOAD_EVENT_ROWS
};
extern const struct option
    payload_event_options[PAYLOAD_EVENT_ROWS + 1]; /* whole: ends with key NULL */
int payload_event_check(const struct settings *device, const struct settings *event,
                        const struct payload_schemas *schemas, struct err *err);

/* ---- reading ---- */

struct payload_reader *payload_reader_new(void);
void payload_reader_free(struct payload_reader *reader);

/* The message stays borrowed until the next open. BUSBAR_ELIMIT (too long), BUSBAR_EPROTO (compression) ... */
int payload_reader_open(struct payload_reader *reader, const struct payload_message *message,
                        struct err *err);
/* How many elements the shape makes of it; 0: it is not for this shape (`only`). */
int payload_reader_elements(struct payload_reader *reader, const struct payload_shape *shape,
                            size_t *count, struct err *err);
/* The id that an element tells; borrowed until the next call on the reader. BUSBAR_ENOENT: it tells none. */
int payload_reader_id(struct payload_reader *reader, const struct payload_shape *shape,
                      size_t element, const char **id, size_t *size, struct err *err);

struct payload_reading {
    uint32_t index; /* of its rule source */
    uint8_t
        type; /* enum value_type; raw: before the point's conversion; texts that an enumeration names stay texts */
    uint8_t quality; /* QUALITY_GOOD, or why there is no value */
    int64_t time_us; /* 0: the message has none */
    union {
        bool b;
        int64_t i;
        double d;
        struct {
            const char *bytes;
            uint32_t size;
        } text; /* UTF-8; lives until the next open */
    } value;
};
/* Events come with borrowed texts; struct event: kind = the event's name, arguments, time, severity, text; source NULL. */
struct payload_taken {
    const struct payload_reading *readings;
    size_t reading_count;
    const struct event *events;
    size_t event_count;
    uint32_t wrong; /* on error: the index of the rule that failed; UINT32_MAX: none */
};
/* All is borrowed until the next open; what several calls for one message took stays. BUSBAR_EPROTO: the body is not what
 * the rule says it is, or the value is not of its type: err says which rule, what stands there, and where. */
int payload_reader_take(struct payload_reader *reader, const struct payload_program *program,
                        size_t element, struct payload_taken *out, struct err *err);

/* ---- for people: what each rule takes out of a message (`busbar payload test`) ---- */
struct payload_finding {
    uint32_t index; /* of the rule source */
    bool event;     /* of an event source */
    size_t element;
    const char *id;    /* of the element; "" */
    const char *found; /* what stands there, as it is written; NULL: nothing */
    const char *why;   /* why it is nothing, or wrong, and what to do; NULL: it is fine */
    struct payload_reading reading; /* when it is fine */
};
typedef void (*payload_finding_cb)(void *ctx, const struct payload_finding *finding);
/* Goes through all, past what is wrong. */
int payload_reader_explain(struct payload_reader *reader, const struct payload_shape *shape,
                           const struct payload_program *program, payload_finding_cb cb, void *ctx,
                           struct err *err);

#endif
