/* SPDX-License-Identifier: Apache-2.0 */
/* ConfirmedEventNotification and UnconfirmedEventNotification (ASHRAE 135, clauses 13.8 and 13.9): something
 * went into alarm, became faulty, came back, or was acknowledged.
 *
 *   0 process Unsigned, 1 device Object, 2 Object, 3 { TimeStamp }, 4 class Unsigned, 5 priority Unsigned,
 *   6 event type Enumerated, [7 text CharacterString], 8 notify type Enumerated, [9 ack wanted Boolean],
 *   [10 from state Enumerated], 11 to state Enumerated, [12 { values }]
 *
 * Values (BACNetNotificationParameters) are a choice that fits the event type: { n: { fields } }. One
 * table says the fields of each choice (bacnet_event_forms), for reading, writing and for people.
 * Pure, both directions; texts and constructed fields stay where they were received. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_EVENT_NOTIFICATION_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_EVENT_NOTIFICATION_H

#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/stamp.h"

enum {
    BACNET_EVENT_FIELDS_MAX = 6,
    BACNET_EVENT_NO_VALUES = 255,
    /* bytes of all but text and values, with the tags of both */
    BACNET_EVENT_HEAD_MAX = 96,
};

/* What a field is: an enum bacnet_type, or something constructed. */
enum bacnet_field_kind {
    BACNET_FIELD_ANY = 32,       /* a property's value: elements (wire/value.h) */
    BACNET_FIELD_STATE,          /* bacnet_get_property_state() */
    BACNET_FIELD_CHANGE,         /* of value: 0 BitString or 1 Real */
    BACNET_FIELD_DISCRETE,       /* a primitive, or 0 { Date, Time } */
    BACNET_FIELD_DATETIME,       /* Date, Time */
    BACNET_FIELD_STAMP,          /* a TimeStamp */
    BACNET_FIELD_REFERENCE,      /* service/reference.h */
    BACNET_FIELD_DEVICE_OBJECT,  /* [0 device Object], 1 Object */
    BACNET_FIELD_FACTOR,         /* of authentication: 0 Enumerated, 1 Unsigned, 2 OctetString */
    BACNET_FIELD_PARAMETERS,     /* primitives, or 0 { Reference and value }: a vendor's own */
    BACNET_FIELD_PROPERTY_VALUES /* 0 property Enumerated, [1 index], 2 { value }, [3 priority] */
};

struct bacnet_event_form {
    const char *name; /* "exceeding-value" */
    uint8_t kind;     /* enum bacnet_type or bacnet_field_kind */
    uint8_t tag;      /* context; BACNET_EVENT_UNTAGGED: the rest of the choice as it is */
    bool optional;
    uint8_t list; /* enum bacnet_list: names of an enumerated's or bit string's numbers */
};
enum { BACNET_EVENT_UNTAGGED = 255 };

struct bacnet_event_field {
    const struct bacnet_event_form *form;
    bool given;                /* an optional one may be left out */
    struct bacnet_value value; /* of a primitive kind */
    struct bytes inside;       /* of a constructed one, without its own tags */
};

struct bacnet_event_values {
    uint8_t choice;     /* its context tag: an enum bacnet_event_type, or BACNET_EVENT_NO_VALUES */
    struct bytes whole; /* the fields as they came (reading), also of choices that we do not know */
    struct bacnet_event_field fields[BACNET_EVENT_FIELDS_MAX];
    size_t count; /* 0: a choice that we do not know; `whole` is sent as it is */
};

struct bacnet_event_notification {
    uint32_t process;
    struct bacnet_object device, object; /* who says it, of what */
    struct bacnet_stamp stamp;
    uint32_t notification_class;
    uint8_t priority;    /* 0 (first) to 255 */
    uint32_t event_type; /* enum bacnet_event_type; 64 on: a vendor's */
    bool has_text;
    struct bacnet_value text; /* CHARACTERS */
    uint32_t notify_type;     /* enum bacnet_notify_type */
    bool has_ack_wanted, ack_wanted, has_from_state;
    uint32_t from_state, to_state; /* enum bacnet_event_state */
    struct bacnet_event_values values;
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_event_notification(struct bytes *in, struct bacnet_event_notification *event);
void bacnet_put_event_notification(struct bytes_out *out,
                                   const struct bacnet_event_notification *event);

/* Fields of a choice; NULL (count 0) when it is not known. */
const struct bacnet_event_form *bacnet_event_forms(uint8_t choice, size_t *count);
/* For writing: the fields of a choice in their order, none given yet but marked so; set their
 * value or inside. */
void bacnet_event_values_init(struct bacnet_event_values *values, uint8_t choice);

/* BACnetPropertyStates: what a "new state" is. */
struct bacnet_property_state {
    uint8_t choice;  /* context tag: which enumeration, 0 Boolean, 11 Unsigned, 41 Integer */
    uint8_t type;    /* BACNET_BOOLEAN, _UNSIGNED, _SIGNED or _ENUMERATED */
    uint8_t list;    /* enum bacnet_list of the enumeration */
    uint64_t number; /* 0 or 1 of a Boolean */
    int64_t integer; /* of type BACNET_SIGNED */
};
/* `inside` of a field. 0 or BUSBAR_EPROTO. */
int bacnet_get_property_state(struct bytes inside, struct bacnet_property_state *state);
void bacnet_put_property_state(struct bytes_out *out, const struct bacnet_property_state *state);

#endif
