/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables of properties share (sim_bacnet_property.c, sim_bacnet_device.c, sim_bacnet_write.c). */
#ifndef BUSBAR_SIM_SIM_BACNET_PROPERTY_H
#define BUSBAR_SIM_SIM_BACNET_PROPERTY_H

#include "drivers/bacnet/service/reference.h"
#include "drivers/bacnet/wire/stamp.h"
#include "sim/sim_bacnet_object.h"

enum {
    SIM_BACNET_VENDOR = 0, /* identifier of ASHRAE: a simulator has none of its own */
    SIM_BACNET_NO_UNITS = 95,
    SIM_BACNET_ACK_REQUIRED = 1 << BACNET_TO_OFFNORMAL | 1 << BACNET_TO_FAULT,
    /* bytes that must be free before an element is put: the recipient list is the longest */
    SIM_BACNET_ELEMENT_MAX = SIM_BACNET_RECIPIENTS * BACNET_DESTINATION_MAX,
};

/* One question, while it is answered. */
struct sim_bacnet_asked {
    struct sim_bacnet_device *bd;
    struct sim_bacnet_object *obj;
    uint32_t property;
    uint32_t element; /* of an array, from 0 */
    int64_t wall_us;
    struct bytes_out *out;
};

struct sim_bacnet_row {
    uint32_t property;
    uint16_t sets; /* enum sim_bacnet_set: objects with any of these have it */
    bool required;
    uint32_t (*count)(const struct sim_bacnet_asked *asked); /* NULL: it is no array */
    void (*put)(struct sim_bacnet_asked *asked);
};

/* Rows of a table: which objects have the property, what puts it. */
#define SIM_BACNET_REQUIRED(property_, sets_, put_)      \
    {                                                    \
        BACNET_PROP_##property_, sets_, true, NULL, put_ \
    }
#define SIM_BACNET_OPTIONAL(property_, sets_, put_)       \
    {                                                     \
        BACNET_PROP_##property_, sets_, false, NULL, put_ \
    }
#define SIM_BACNET_REQUIRED_ARRAY(property_, sets_, count_, put_) \
    {                                                             \
        BACNET_PROP_##property_, sets_, true, count_, put_        \
    }
#define SIM_BACNET_OPTIONAL_ARRAY(property_, sets_, count_, put_) \
    {                                                             \
        BACNET_PROP_##property_, sets_, false, count_, put_       \
    }

/* sim_bacnet_report.c; sim_bacnet_device.c, NULL: no more. */
size_t sim_bacnet_report_rows(void);
const struct sim_bacnet_row *sim_bacnet_report_row(size_t i);
const struct sim_bacnet_row *sim_bacnet_device_row(size_t i);

extern const uint8_t sim_bacnet_priorities[BACNET_TRANSITIONS]; /* of the notification class */

/* The time stamp of a transition; 0: it never was. */
struct bacnet_stamp sim_bacnet_stamp(const struct sim_bacnet_device *bd, int64_t wall_us);

#endif
