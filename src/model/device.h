/* SPDX-License-Identifier: Apache-2.0 */
/* A device: one piece of equipment behind one protocol, and its points. It owns its points, their
 * names and their resolved addresses (one arena, freed with it). Loop thread only. */
#ifndef BUSBAR_MODEL_DEVICE_H
#define BUSBAR_MODEL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/point.h"

struct registry;

#define DEVICE_NAME_MAX 128

/* A value that a command writes. */
struct device_preset {
    uint32_t point;    /* index into points */
    const char *value; /* as it was written: "23", "on" */
};

/* Something a person or a program can tell the device to do: either the protocol's own (a method of OPC UA),
 * or presets: values written one after another. Immutable. */
struct device_command {
    const char *name, *title; /* title "" = none */
    bool confirm;             /* a person is asked first */
    const void *settings;     /* struct settings of the protocol (config/option.h); NULL: presets */
    const struct device_preset *presets;
    size_t preset_count;
};

/* An event that the device may tell of, as configured: how it is found is the protocol's. Immutable. */
struct device_event {
    const char *name, *title; /* title "" = none */
    const char *text;         /* a template: "door {door} {what}"; "" = the title, else the name */
    uint8_t severity;         /* enum event_severity */
    const void *settings;     /* struct settings of the protocol (config/option.h) */
};

struct device {
    const char *name, *title, *place; /* title and place: "" = none */
    const char *protocol;             /* "modbus" */
    const char *profile;              /* "" = none */
    const struct free_label *labels;  /* sorted by key */
    size_t label_count;
    const char *const *files; /* the files its parts were written in */
    size_t file_count;
    uint32_t line; /* where it was written, in files[0] */
    uint64_t hash; /* of all its settings; equal hash = unchanged by an apply */
    bool paused;

    struct point *points; /* in the order of the configuration */
    size_t point_count;
    const uint32_t *by_name; /* indexes of points, sorted by name */
    void *addresses;         /* point_count x the driver's address_bytes, resolved */

    const struct device_command *commands; /* in the order of the configuration */
    size_t command_count;
    const struct device_event *events; /* in the order of the configuration */
    size_t event_count;

    void *settings; /* struct settings of the protocol part (config/option.h), for the driver */
    void *host;     /* the driver host's state */
    void *driver;   /* the driver's own state, device_bytes zeroed bytes */

    struct arena arena; /* holds all of the above that has no other owner */
};

struct device *device_new(void);
void device_free(struct device *dev);

/* NULL when there is none. O(log n); by_name must have been made by device_index_points(). */
struct point *device_point(const struct device *dev, const char *name);
/* Sorts by_name. False and *duplicate set when two points share a name; false and NULL when memory
 * is out. */
bool device_index_points(struct device *dev, const char **duplicate);

#endif
