/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of Sparkplug B 3.0 (section 4): spBv1.0/GROUP/TYPE/NODE[/DEVICE], and spBv1.0/STATE/HOST. Pure. */
#ifndef BUSBAR_DRIVERS_MQTT_SPARKPLUG_TOPIC_H
#define BUSBAR_DRIVERS_MQTT_SPARKPLUG_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { SPARKPLUG_ID_MAX = 128 /* bytes of a group, node, device, host */ };

enum sparkplug_type {
    SPARKPLUG_NBIRTH,
    SPARKPLUG_NDEATH,
    SPARKPLUG_DBIRTH,
    SPARKPLUG_DDEATH,
    SPARKPLUG_NDATA,
    SPARKPLUG_DDATA,
    SPARKPLUG_NCMD,
    SPARKPLUG_DCMD,
    SPARKPLUG_STATE,
};

/* All NUL-terminated. */
struct sparkplug_topic {
    enum sparkplug_type type;
    char group[SPARKPLUG_ID_MAX + 1];  /* of STATE: "" */
    char node[SPARKPLUG_ID_MAX + 1];   /* of STATE: the host */
    char device[SPARKPLUG_ID_MAX + 1]; /* "": of the node itself */
};

/* False: it is no topic of Sparkplug B (also: + # in an id, a device where none may be, too long). */
bool sparkplug_topic_read(const char *text, size_t size, struct sparkplug_topic *out);

/* Appends it; device NULL or "": of the node. STATE: group is not looked at, node is the host. */
int sparkplug_topic_put(struct buf *out, enum sparkplug_type type, const char *group,
                        const char *node, const char *device);

/* "Plant/Edge1" or "Plant/Edge1/boiler-7", as a device's `sparkplug:` says it. type is not touched. */
bool sparkplug_place_read(const char *text, struct sparkplug_topic *out);

const char *sparkplug_type_word(enum sparkplug_type type); /* "NBIRTH" */

#endif
