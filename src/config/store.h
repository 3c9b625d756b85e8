/* SPDX-License-Identifier: Apache-2.0 */
/* What a loaded configuration keeps inside: points as small as they can be, because a million of them
 * stay in memory until the apply is done. Private to config/. */
#ifndef BUSBAR_CONFIG_STORE_H
#define BUSBAR_CONFIG_STORE_H

#include "config/config.h"
#include "model/class_set.h"

/* struct setting in 16 bytes: the file by number, columns up to 4095. */
struct config_setting {
    uint32_t line;
    unsigned option : 8;
    unsigned file : 12;
    unsigned column : 12;
    union setting_value value;
};

/* The class is as written: every_us, stale_after_us and keep_us are 0 where the device decides. */
struct config_point {
    const char *name, *title; /* title "" = none */
    const struct point_class *cls;
    const struct config_setting *set;
    uint32_t line;
    uint16_t file, column;
    uint8_t set_count;
    bool dropped; /* `enabled: false`: left out */
    bool broken;  /* one of its keys was told to be wrong */
};

/* A value that a command writes. */
struct config_preset {
    const char *point, *value;
    struct position at, key_at;
    bool secret; /* written with !secret, which is no value */
};

/* What commands and events have in common; the first member of both. */
struct config_named {
    const char *name, *title; /* title "" = none */
    bool broken;              /* one of its keys was told to be wrong */
    struct position at;
    const struct setting *set; /* of the protocol */
    size_t set_count;
};

struct config_command {
    struct config_named named; /* presets have no settings */
    bool confirm;
    const struct config_preset *presets;
    size_t preset_count;
};

struct config_event {
    struct config_named named;
    const char *text; /* a template; "" = none */
    uint8_t severity; /* enum event_severity */
};

struct config_event_list {
    const struct config_event *events;
    size_t count;
};

struct config_command_list {
    const struct config_command *commands;
    size_t count;
};

struct config_device_parts {
    const struct config_point *points; /* may be the profile's own array */
    const struct setting *set;         /* the protocol part, merged, sorted by option */
    size_t set_count;
    struct position at; /* of the protocol part */
    uint16_t file;
    int64_t every_us, stale_after_us, keep_us; /* for points that say nothing */
    const struct free_label *labels;
    size_t label_count;
    struct config_command_list commands;
    struct config_event_list events;
};

struct config_store {
    struct arena arena;
    struct class_set classes;
    void **blocks; /* point arrays, which grew on the heap */
    size_t block_count;
};

/* The class a point has in its device. */
void config_effective_class(const struct config_device_parts *parts,
                            const struct config_point *point, struct point_class *out);

/* The settings of a device's protocol part. */
struct settings config_device_settings(const struct config_device *dev);

/* The protocol's settings of a command (options: its command_options) or an event. */
struct settings config_named_settings(const struct option *options,
                                      const struct config_named *named);

/* The settings of a point, unpacked into `set` (CONFIG_OPTIONS_MAX of them). */
struct settings config_point_settings(const struct config *config, const struct config_device *dev,
                                      const struct config_point *point, struct setting *set);

struct position config_point_at(const struct config *config, const struct config_point *point);

/* What the address says of the point, where its settings say nothing. */
void config_class_take(struct point_class *cls, const struct point_facts *facts);

/* The type a value has after conversion. */
uint8_t config_value_type(const struct point_facts *facts, const struct point_class *cls);

/* config->store, empty. */
struct config *config_new(void);

#endif
