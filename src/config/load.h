/* SPDX-License-Identifier: Apache-2.0 */
/* The work in progress of config_load(), shared by the files that do its steps. Private to config/.
 *
 *   source.c    which files there are, their bytes
 *   section.c   a map of YAML by a table of options -> settings
 *   sections.c  site, defaults, server, history
 *   drivers.c   the setups of drivers
 *   sinks.c     where samples are published
 *   point.c     the keys of a point, from YAML or a CSV row -> a draft -> a config_point
 *   points.c    the point lists of devices and profiles, and the CSV files
 *   device.c    profiles and devices
 *   commands.c  what devices can be told to do
 *   events.c    what devices may tell of
 *   named.c     what both share
 *   finish.c    merging, addresses, duplicates, hashes
 *   load.c      the order of it all */
#ifndef BUSBAR_CONFIG_LOAD_H
#define BUSBAR_CONFIG_LOAD_H

#include <stdio.h>

#include "base/map.h"
#include "config/store.h"
#include "config/yaml.h"

enum { HINT_MAX = 300 };

/* One file, on disk or given as text. Files are numbered in the order they are met. */
struct source {
    const char *name; /* below the folder */
    const char *text; /* NULL: on disk */
    size_t size;
    uint64_t bytes; /* as read */
    uint32_t crc;
    bool csv;
};

/* A growing list of points; the array is the heap's until the store takes it. */
struct point_list {
    struct config_point *points;
    size_t count, capacity;
    bool kept; /* the store frees it */
};

/* What defaults, a profile or a device say for themselves. */
#define COMMON_UNSET INT64_MIN
struct common {
    int64_t every_us, stale_after_us, keep_us, timeout_us;
    int64_t retries, in_flight;
};

/* A profile as read for one protocol. */
struct profile_use {
    const struct config_protocol *protocol;
    struct point_list list;
    bool drops; /* it has points that are left out */
    struct map by_name;
    struct setting *set; /* protocol part */
    size_t set_count;
    struct common common;
    const char *place;
    const struct free_label *labels;
    size_t label_count;
    struct config_command_list commands;
    struct config_event_list events;
    struct profile_use *next;
};

struct profile {
    const char *name;
    uint16_t file;
    struct position at;
    const struct yaml_node *node;
    struct profile_use *uses;
};

struct device_build {
    const char *name, *title, *place;
    uint16_t file;
    const struct yaml_node *node;
    struct position at;
    const struct config_protocol *protocol; /* NULL: wrong, told */
    struct position protocol_at;
    struct profile *profile;
    struct profile_use *use;
    struct common common;
    bool enabled;
    struct setting *set;
    size_t set_count;
    bool broken; /* the protocol part has errors */
    const struct free_label *labels;
    size_t label_count;
    struct point_list own;
    struct config_command_list commands;
    struct config_event_list events;
};

/* One point while its keys are read. */
struct draft {
    const char *name, *title;
    struct position at;
    uint16_t file;
    struct point_class cls;
    struct position clamp_at, write_at, every_at;
    bool scaled; /* scale, offset, clamp or deadband were given: a number is needed */
    struct position scaled_at;
    bool dropped;
    size_t errors; /* known when it began */
    struct config_setting set[CONFIG_OPTIONS_MAX];
    size_t set_count;
    struct point_enum enums[POINT_ENUM_MAX];
    struct free_label labels[CONFIG_LABELS_MAX];
};

/* A driver's section while the files are read. */
struct driver_work {
    const struct yaml_node *top; /* its parts at the top of a file; NULL: none */
    uint16_t top_file;
    struct position top_at;
    bool broken;  /* its rows or parts have errors */
    bool refused; /* by the driver's check_setup */
};

struct load {
    const struct config_env *env;
    struct problems *problems;
    struct config *config;
    struct config_store *store;
    struct arena trees; /* YAML of all files */
    struct source *sources;
    size_t source_count;
    struct map devices, profiles; /* name -> struct device_build, struct profile */
    struct map warned; /* words -> struct device_warning: told of the first device only */
    struct config_driver *drivers; /* one for each protocol */
    struct driver_work *driver_works;
    struct config_sink *sinks; /* room for CONFIG_SINKS_MAX */
    size_t sink_count;
    struct device_build **order; /* devices as met */
    size_t device_count, device_capacity;
    struct common defaults;
    struct draft draft;
    size_t point_count;
    bool out_of_memory;
    bool incomplete; /* a file could not be read: do not complain about what may be in it */
    struct csv_request *csv_first, **csv_last; /* CSV files with a device column */
};

/* ---- source.c ---- */
int source_find_all(struct load *load, const char *path);
int source_take_texts(struct load *load, const struct config_text *texts, size_t count);
/* The whole text of a YAML file; caller frees. */
int source_read(struct load *load, uint16_t file, char **text, size_t *size);
/* A CSV file that a YAML file names; *file is its number. False: told. */
bool source_csv(struct load *load, struct position at, const char *name, uint16_t *file);
FILE *source_open(struct load *load, uint16_t file);
/* Fills `source` and the mark of each problem. */
void source_quote_lines(struct load *load);

/* ---- section.c ---- */
struct position load_at(const struct load *load, uint16_t file, const struct yaml_node *node);
/* NULL sets out_of_memory. */
void *load_alloc(struct load *load, size_t size);
const char *load_text(struct load *load, const char *text);
/* Texts of a value last as long as the configuration then; the name of a file counts from its folder. False: no memory. */
bool load_keep(struct load *load, const struct option *option, union setting_value *value);
/* "did you mean 'x'? Others: a, b", or "it knows: a, b, c". words end with NULL. */
void load_hint(char hint[HINT_MAX], const char *word, const char *const *words);
/* One value by its row. False: told. what: "every". Texts stay borrowed. */
bool load_value(struct load *load, const struct option *option, const char *what, const char *text,
                bool secret, struct position at, union setting_value *out);
/* A scalar node by its row; also tells when it is none. */
bool load_scalar(struct load *load, uint16_t file, const struct option *option,
                 const struct yaml_node *node, union setting_value *out);
/* A map by a table: unknown keys and wrong values are told. set has room for the whole table.
 * where: "in 'site'". Returns the count. A node that is null is an empty map. */
size_t load_section(struct load *load, uint16_t file, const struct yaml_node *node,
                    const struct option *options, const char *where, struct setting *set);
/* The same, but for one key that is read elsewhere. */
size_t load_section_but(struct load *load, uint16_t file, const struct yaml_node *node,
                        const struct option *options, const char *other, const char *where,
                        struct setting *set);
/* A map by a table, as settings that the store keeps, in the order of the options. options NULL: it has none; other: a key
 * that is read elsewhere, or NULL. */
void load_settings(struct load *load, uint16_t file, const struct yaml_node *node,
                   const struct option *options, const char *other, const char *where,
                   struct settings *out);
/* The same of what is read already; out has its options. */
void load_keep_settings(struct load *load, const struct setting *set, size_t count,
                        struct settings *out);
uint64_t load_hash_settings(const struct load *load, uint64_t hash,
                            const struct settings *settings);
/* Labels, a map of words. Sorted; the texts are the store's. */
size_t load_labels(struct load *load, uint16_t file, const struct yaml_node *node,
                   struct free_label *labels);
/* True for a map (or null); else told. */
bool load_is_map(struct load *load, uint16_t file, const struct yaml_node *node, const char *what);
/* Names of devices, points, profiles. False: told. */
bool load_name(struct load *load, const char *what, const char *name, struct position at);

/* ---- sections.c ---- */
void load_site(struct load *load, uint16_t file, const struct yaml_node *node);
void load_defaults(struct load *load, uint16_t file, const struct yaml_node *node);
void load_server(struct load *load, uint16_t file, const struct yaml_node *node);
/* The keys of struct common; also rows in the tables of devices and profiles. */
#define COMMON_ROWS 6
extern const struct option common_options[COMMON_ROWS + 1];
void common_take(struct common *common, const struct setting *set, size_t count);
void common_init(struct common *common);
/* The first that says something. */
int64_t common_pick(int64_t own, int64_t profile, int64_t defaults, int64_t fallback);

/* ---- history_section.c ---- */
void load_history(struct load *load, uint16_t file, const struct yaml_node *node);

/* ---- drivers.c ---- */
void load_drivers(struct load *load, uint16_t file, const struct yaml_node *node);
/* Before anything is read: a place for each driver. */
void drivers_begin(struct load *load);
/* Parts of a driver at the top of a file (parts_on_top). False: the key is none of them. */
bool drivers_top(struct load *load, uint16_t file, const struct yaml_node *node);
/* When all files are read: the sections as wholes. */
void drivers_check(struct load *load);
/* After it: what drivers make of files that their sections name; also where something else is wrong, so that devices are not
 * said to be wrong for want of these files. */
void drivers_prepare(struct load *load);
/* The setup that counts for a driver's devices. */
const struct setup *drivers_setup(const struct load *load, const struct config_protocol *protocol);

/* ---- sinks.c ---- */
void load_sinks(struct load *load, uint16_t file, const struct yaml_node *node);
/* When all files are read: names that are there twice, and who is named elsewhere. */
void load_check_sinks(struct load *load);

/* ---- point.c ---- */
void draft_begin(struct load *load, const struct config_point *base, uint16_t file,
                 struct position at, const char *name);
/* One key of YAML. */
void draft_key(struct load *load, const struct config_protocol *protocol,
               const struct yaml_node *value);
/* One column of CSV. */
struct point_column {
    int leaf;          /* of the common keys, -1 = none */
    int option;        /* of the protocol, -1 = none */
    const char *label; /* "label.KEY" */
    const char *name;
};
/* False: no such column. */
bool point_column_find(const struct config_protocol *protocol, const char *name,
                       struct point_column *out);
void draft_cell(struct load *load, const struct config_protocol *protocol,
                const struct point_column *column, char *text, struct position at);
/* Checks what only the whole tells and appends the point. False: memory is out. */
bool draft_end(struct load *load, struct point_list *list);
/* The words for hints: the protocol's and the common keys, NULL-terminated. */
size_t point_words(const struct config_protocol *protocol, const char **words, size_t max);

/* ---- points.c ---- */
/* `points:` of a device or profile. base (may be NULL): the profile's points by name. */
void points_read(struct load *load, uint16_t file, const struct yaml_node *node,
                 const struct config_protocol *protocol, const struct map *base,
                 struct point_list *list);
/* `points:` at the top: `csv:` only. */
void points_top(struct load *load, uint16_t file, const struct yaml_node *node);
/* Reads what points_top() noted. */
void points_read_top(struct load *load);
void point_list_fini(struct point_list *list);

/* ---- device.c ---- */
void device_note(struct load *load, uint16_t file, const struct yaml_node *devices);
void profile_note(struct load *load, uint16_t file, const struct yaml_node *profiles);
void device_read_all(struct load *load);
void device_build_free(struct load *load);

/* ---- named.c ---- */
struct named_list {
    const void *items; /* each begins with struct config_named */
    size_t count;
};
/* The settings of one while its keys are read. */
struct named_draft {
    size_t errors; /* known when it began */
    struct setting set[CONFIG_OPTIONS_MAX];
    size_t set_count;
};
size_t named_count(const struct yaml_node *node);
/* NULL: none. size: bytes of an item. */
const struct config_named *named_find(const void *items, size_t count, size_t size,
                                      const char *name);
/* The profile's in their order, replaced by the device's own of that name; then the rest. */
void *named_merge(struct load *load, struct named_list base, struct named_list own, size_t size,
                  size_t *count);
/* Its name and place. False: told. what: "command". */
bool named_begin(struct load *load, uint16_t file, const struct yaml_node *at, const char *what,
                 struct config_named *named);
/* A key of the protocol's. */
void named_option(struct load *load, uint16_t file, const struct yaml_node *at,
                  const struct option *options, int row, struct named_draft *draft);
void named_end(struct load *load, const struct named_draft *draft, struct config_named *named);
uint64_t named_hash(const struct load *load, const struct option *options,
                    const struct config_named *named, uint64_t hash);

/* ---- events.c ---- */
/* `events:` of a device or profile. */
struct config_event_list events_read(struct load *load, uint16_t file, const struct yaml_node *node,
                                     const struct config_protocol *protocol);
struct config_event_list events_merge(struct load *load, struct config_event_list base,
                                      struct config_event_list own);
void events_check(struct load *load, const struct config_device *dev);
uint64_t events_hash(const struct load *load, const struct config_device *dev, uint64_t hash);

/* ---- commands.c ---- */
/* `commands:` of a device or profile. */
struct config_command_list commands_read(struct load *load, uint16_t file,
                                         const struct yaml_node *node,
                                         const struct config_protocol *protocol);
struct config_command_list commands_merge(struct load *load, struct config_command_list base,
                                          struct config_command_list own);
/* Checks those of a device whose points are complete. address: scratch for resolve. */
void commands_check(struct load *load, const struct config_device *dev, void *address);
uint64_t commands_hash(const struct load *load, const struct config_device *dev, uint64_t hash);

/* ---- finish.c ---- */
uint64_t load_mix(uint64_t hash, uint64_t value);
/* A setting into a hash: by its row and what it says, a secret by its name and its value. */
uint64_t load_mix_setting(const struct load *load, uint64_t hash, const struct option *option,
                          unsigned row, union setting_value value);
/* Merges profiles, checks addresses and duplicates, counts and hashes. */
void finish_devices(struct load *load);

#endif
