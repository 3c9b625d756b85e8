/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of a load: profile and device become one list of points, every address is resolved
 * once to see whether it is right, and a hash of all that counts is made, by which an apply knows the
 * devices that did not change. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/load.h"

#define EVERY_DEFAULT_US   (10 * CLOCK_US_PER_S)
#define TIMEOUT_DEFAULT_US (5 * CLOCK_US_PER_S)

enum { RETRIES_DEFAULT = 2, IN_FLIGHT_DEFAULT = 1, HASH_CACHE = 64 };

/* What finishing one device needs. */
struct finish {
    struct load *load;
    struct config_device *dev;
    struct config_device_parts *parts;
    void *address; /* scratch for resolve */
    struct {
        const struct point_class *cls;
        uint64_t hash;
    } cache[HASH_CACHE]; /* of this device */
};

static bool keep_block(struct load *load, struct point_list *list)
{
    struct config_store *store = load->store;
    if (list->points == NULL) {
        return true;
    }
    if ((store->block_count & (store->block_count - 1)) == 0) {
        size_t capacity = store->block_count > 0 ? store->block_count * 2 : 1;
        void **blocks = busbar_try_realloc(store->blocks, capacity * sizeof(*blocks));
        if (blocks == NULL) {
            load->out_of_memory = true;
            return false;
        }
        store->blocks = blocks;
    }
    if (list->count < list->capacity && list->count > 0) {
        struct config_point *tight = busbar_try_realloc(list->points, list->count * sizeof(*tight));
        list->points = tight != NULL ? tight : list->points;
    }
    store->blocks[store->block_count++] = list->points;
    list->kept = true;
    return true;
}

/* ---- one list of points ---- */

static void tell_twice(struct load *load, const struct device_build *build,
                       const struct config_point *point, const struct config_point *first)
{
    problems_error(load->problems, config_point_at(load->config, point), NULL,
                   "point '%s/%s' is here twice, the first is in %s:%u", build->name, point->name,
                   load->sources[first->file].name, first->line);
}

/* Takes out what `enabled: false` leaves out, in place. */
static void drop_points(struct point_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!list->points[i].dropped) {
            list->points[kept++] = list->points[i];
        }
    }
    list->count = kept;
}

/* The device's own points by name; tells names that stand twice. */
static void index_own(struct load *load, const struct device_build *build, struct map *by_name)
{
    map_init(by_name);
    map_reserve(by_name, build->own.count);
    for (size_t i = 0; i < build->own.count; i++) {
        struct config_point *point = &build->own.points[i];
        const struct config_point *first = map_get(by_name, point->name);
        if (first != NULL) {
            tell_twice(load, build, point, first);
        } else {
            map_set(by_name, point->name, point);
        }
    }
}

/* The profile's points in their order, replaced by the device's own of that name; then the rest. */
static bool merge(struct load *load, struct device_build *build, struct map *own)
{
    const struct point_list *base = &build->use->list;
    struct point_list merged = { .capacity = base->count + build->own.count };
    merged.points = busbar_try_alloc((merged.capacity + 1) * sizeof(*merged.points));
    if (merged.points == NULL) {
        load->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < base->count; i++) {
        const struct config_point *mine = map_get(own, base->points[i].name);
        merged.points[merged.count++] = mine != NULL ? *mine : base->points[i];
    }
    for (size_t i = 0; i < build->own.count; i++) {
        const struct config_point *point = &build->own.points[i];
        if (map_get(&build->use->by_name, point->name) == NULL) {
            merged.points[merged.count++] = *point;
        }
    }
    busbar_free(build->own.points);
    build->own = merged;
    return true;
}

static bool take_points(struct finish *finish, struct device_build *build)
{
    struct load *load = finish->load;
    if (build->own.count == 0 && build->use != NULL && !build->use->drops) {
        finish->parts->points = build->use->list.points; /* shared by all such heirs */
        finish->dev->point_count = build->use->list.count;
        return true;
    }
    struct map own;
    index_own(load, build, &own);
    bool good = build->use == NULL || merge(load, build, &own);
    map_fini(&own);
    if (!good) {
        return false;
    }
    drop_points(&build->own);
    if (!keep_block(load, &build->own)) {
        return false;
    }
    finish->parts->points = build->own.points;
    finish->dev->point_count = build->own.count;
    return true;
}

/* ---- settings ---- */

static int by_option(const void *a, const void *b)
{
    return (int)((const struct setting *)a)->option - (int)((const struct setting *)b)->option;
}

static bool merge_settings(struct finish *finish, const struct device_build *build)
{
    size_t base = build->use != NULL ? build->use->set_count : 0;
    struct setting *set = load_alloc(finish->load, (base + build->set_count) * sizeof(*set));
    if (set == NULL) {
        return false;
    }
    size_t count = build->set_count;
    if (count > 0) {
        memcpy(set, build->set, count * sizeof(*set));
    }
    for (size_t i = 0; i < base; i++) {
        struct settings own = { .set = build->set, .count = build->set_count };
        if (!settings_has(&own, build->use->set[i].option)) {
            set[count++] = build->use->set[i];
        }
    }
    qsort(set, count, sizeof(*set), by_option);
    finish->parts->set = set;
    finish->parts->set_count = count;
    return true;
}

static void take_common(struct finish *finish, const struct device_build *build)
{
    const struct common *own = &build->common, *defaults = &finish->load->defaults;
    struct common none;
    common_init(&none);
    const struct common *profile = build->use != NULL ? &build->use->common : &none;
    struct config_device *dev = finish->dev;
    struct config_device_parts *parts = finish->parts;
    parts->every_us = common_pick(own->every_us, profile->every_us, defaults->every_us,
                                  EVERY_DEFAULT_US);
    parts->stale_after_us = common_pick(own->stale_after_us, profile->stale_after_us,
                                        defaults->stale_after_us, 0);
    parts->keep_us = common_pick(own->keep_us, profile->keep_us, defaults->keep_us, 0);
    dev->timeout_us = common_pick(own->timeout_us, profile->timeout_us, defaults->timeout_us,
                                  TIMEOUT_DEFAULT_US);
    dev->retries = (int32_t)common_pick(own->retries, profile->retries, defaults->retries,
                                        RETRIES_DEFAULT);
    dev->in_flight = (int32_t)common_pick(own->in_flight, profile->in_flight, defaults->in_flight,
                                          IN_FLIGHT_DEFAULT);
    parts->labels = build->labels;
    parts->label_count = build->label_count;
    if (build->labels == NULL && build->use != NULL) {
        parts->labels = build->use->labels;
        parts->label_count = build->use->label_count;
    }
}

/* ---- checks ---- */

/* What a setting of the point and the type of its value say against each other. */
static void check_facts(struct finish *finish, const struct config_point *point,
                        const struct point_facts *facts)
{
    const struct point_class *cls = point->cls;
    struct problems *problems = finish->load->problems;
    const struct config *config = finish->load->config;
    const char *word = value_type_word(facts->value_type);
    bool known = facts->value_type != VALUE_NONE; /* else the device tells when it is connected */
    bool number = facts->value_type == VALUE_INT || facts->value_type == VALUE_DOUBLE;
    bool converted = cls->scale != 1 || cls->offset != 0 || cls->has_clamp || cls->deadband > 0;
    if (cls->write.allowed && !facts->writable) {
        problems_error(problems, config_point_at(config, point),
                       facts->unwritable != NULL ? facts->unwritable : "take 'write' out",
                       "'%s' has 'write', but its address can only be read", point->name);
    }
    if ((cls->write.priority != 0 || cls->write.max_time_us != 0) && !facts->releasable) {
        problems_error(problems, config_point_at(config, point),
                       "take it out; it is for points that a value can be taken back from",
                       "'%s' has '%s' in 'write', but it has no priorities: what is written there "
                       "stays",
                       point->name, cls->write.priority != 0 ? "priority" : "max_time");
    }
    if (known && !number &&
        (converted || cls->counter || cls->write.has_min || cls->write.has_max)) {
        problems_error(
            problems, config_point_at(config, point), NULL,
            "scale, offset, clamp, deadband, counter and write limits need a number, '%s' "
            "is a %s",
            point->name, word);
    }
    if (known && cls->enum_count > 0 && facts->value_type != VALUE_INT &&
        facts->value_type != VALUE_BOOL) {
        problems_error(problems, config_point_at(config, point), NULL,
                       "an enum names whole numbers, '%s' is a %s", point->name, word);
    }
}

/* A warning that many devices may have. */
struct device_warning {
    size_t more;        /* after the first */
    const char *device; /* the second */
    struct position at;
};

static void warn_once(struct load *load, const struct config_device *dev, const struct err *err,
                      struct position at)
{
    struct device_warning *warning = map_get(&load->warned, err->message);
    if (warning != NULL) {
        warning->device = warning->more == 0 ? dev->name : warning->device;
        warning->at = warning->more == 0 ? at : warning->at;
        warning->more++;
        return;
    }
    const char *words = load_text(load, err->message);
    warning = load_alloc(load, sizeof(*warning));
    if (words != NULL && warning != NULL) {
        (void)map_set(&load->warned, words, warning);
        problems_err(load->problems, err, at);
    }
}

static void count_warnings(struct load *load)
{
    size_t at = 0;
    const char *words;
    void *value;
    while (map_next(&load->warned, &at, &words, &value)) {
        const struct device_warning *warning = value;
        if (warning->more == 1) {
            problems_warning(load->problems, warning->at, NULL, "'%s' as well: %s", warning->device,
                             words);
        } else if (warning->more > 1) {
            problems_warning(load->problems, warning->at, NULL, "'%s' and %zu more as well: %s",
                             warning->device, warning->more - 1, words);
        }
    }
}

static void check_device(struct load *load, const struct config_device *dev)
{
    struct settings settings = config_device_settings(dev);
    struct err err = { 0 };
    if (dev->protocol->check(dev->setup, &settings, &err) != 0) {
        problems_err(load->problems, &err, settings.at);
    } else if (err.message[0] != '\0') {
        warn_once(load, dev, &err, settings.at);
    }
}

static void check_addresses(struct finish *finish, bool broken)
{
    struct load *load = finish->load;
    struct config_device *dev = finish->dev;
    struct settings device = config_device_settings(dev);
    struct err err = { 0 };
    const struct setup *setup = dev->setup;
    if (!broken && dev->protocol->check != NULL) {
        check_device(load, dev);
    }
    struct setting set[CONFIG_OPTIONS_MAX];
    for (size_t i = 0; i < dev->point_count; i++) {
        const struct config_point *point = &finish->parts->points[i];
        if (point->broken) {
            continue; /* its address would only be told wrong once more */
        }
        struct settings settings = config_point_settings(load->config, dev, point, set);
        struct point_facts facts = { 0 };
        memset(finish->address, 0, dev->protocol->address_bytes);
        if (dev->protocol->resolve(setup, &device, &settings, finish->address, &facts, &err) != 0) {
            problems_err(load->problems, &err, settings.at);
            err = (struct err){ 0 };
        } else {
            check_facts(finish, point, &facts);
        }
    }
}

/* ---- hash ---- */

uint64_t load_mix(uint64_t hash, uint64_t value)
{
    return hash_u64(hash ^ value) + 0x9e3779b97f4a7c15u;
}

uint64_t load_mix_setting(const struct load *load, uint64_t hash, const struct option *option,
                          unsigned row, union setting_value value)
{
    hash = load_mix(hash, row);
    switch (option->type) {
    case OPTION_BOOL: return load_mix(hash, value.b);
    case OPTION_TEXT: return load_mix(hash, hash_text(value.text));
    case OPTION_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, &value.d, sizeof(bits));
        return load_mix(hash, bits);
    }
    case OPTION_SECRET: {
        /* A new value of a secret changes the device too. */
        const char *secret = load->env->secrets != NULL
                                 ? secrets_get(load->env->secrets, value.text)
                                 : NULL;
        hash = load_mix(hash, hash_text(value.text));
        return secret != NULL ? load_mix(hash, hash_keyed(secret, strlen(secret))) : hash;
    }
    default: return load_mix(hash, (uint64_t)value.i);
    }
}

static uint64_t class_hash(struct finish *finish, const struct config_point *point)
{
    size_t slot = hash_u64((uint64_t)(uintptr_t)point->cls) % HASH_CACHE;
    if (finish->cache[slot].cls != point->cls) {
        struct point_class cls;
        config_effective_class(finish->parts, point, &cls);
        finish->cache[slot].cls = point->cls;
        finish->cache[slot].hash = point_class_hash(&cls);
    }
    return finish->cache[slot].hash;
}

static uint64_t hash_device(struct finish *finish)
{
    const struct config_device *dev = finish->dev;
    const struct config_device_parts *parts = finish->parts;
    const struct load *load = finish->load;
    uint64_t hash = load_mix(hash_text(dev->name), hash_text(dev->title));
    hash = load_mix(hash, hash_text(dev->place));
    hash = load_mix(hash, hash_text(dev->profile));
    hash = load_mix(hash, hash_text(dev->protocol->name));
    hash = load_mix(hash, (uint64_t)dev->timeout_us);
    hash = load_mix(hash,
                    (uint64_t)dev->retries << 32 | (uint64_t)dev->in_flight << 1 | dev->enabled);
    for (size_t i = 0; i < parts->label_count; i++) {
        hash = load_mix(load_mix(hash, hash_text(parts->labels[i].key)),
                        hash_text(parts->labels[i].value));
    }
    for (size_t i = 0; i < parts->set_count; i++) {
        const struct setting *set = &parts->set[i];
        hash = load_mix_setting(load, hash, &dev->protocol->device_options[set->option],
                                set->option, set->value);
    }
    for (size_t i = 0; i < dev->point_count; i++) {
        const struct config_point *point = &parts->points[i];
        hash = load_mix(load_mix(hash, hash_text(point->name)), class_hash(finish, point));
        hash = point->title[0] != '\0' ? load_mix(hash, hash_text(point->title)) : hash;
        uint64_t sum = 0; /* the order in which keys were written does not matter */
        for (size_t k = 0; k < point->set_count; k++) {
            const struct config_setting *set = &point->set[k];
            sum += load_mix_setting(load, 0, &dev->protocol->point_options[set->option],
                                    set->option, set->value);
        }
        hash = load_mix(hash, sum);
    }
    return events_hash(load, dev, commands_hash(load, dev, hash));
}

static bool finish_device(struct load *load, struct device_build *build, struct config_device *dev,
                          void *address)
{
    struct finish finish = { .load = load, .dev = dev, .address = address };
    finish.parts = load_alloc(load, sizeof(*finish.parts));
    if (finish.parts == NULL) {
        return false;
    }
    const char *place = build->place;
    if (place[0] == '\0' && build->use != NULL && build->use->place != NULL) {
        place = build->use->place;
    }
    *dev = (struct config_device){ .name = build->name,
                                   .title = build->title,
                                   .place = place,
                                   .profile = build->profile != NULL ? build->profile->name : "",
                                   .protocol = build->protocol,
                                   .setup = drivers_setup(load, build->protocol),
                                   .enabled = build->enabled,
                                   .at = build->at,
                                   .parts = finish.parts };
    finish.parts->file = build->file;
    finish.parts->at = build->protocol_at;
    take_common(&finish, build);
    if (!merge_settings(&finish, build) || !take_points(&finish, build)) {
        return false;
    }
    if (dev->point_count == 0 && load->problems->errors == 0) {
        problems_warning(load->problems, build->at, NULL, "device '%s' has no points", build->name);
    }
    finish.parts->commands = commands_merge(
        load, build->use != NULL ? build->use->commands : (struct config_command_list){ 0 },
        build->commands);
    finish.parts->events = events_merge(
        load, build->use != NULL ? build->use->events : (struct config_event_list){ 0 },
        build->events);
    check_addresses(&finish, build->broken);
    commands_check(load, dev, address);
    events_check(load, dev);
    dev->own_hash = hash_device(&finish);
    uint64_t setup_hash = dev->setup->hash;
    dev->hash = setup_hash != 0 ? load_mix(dev->own_hash, setup_hash) : dev->own_hash;
    load->config->point_count += dev->point_count;
    return true;
}

static void keep_profiles(struct load *load)
{
    size_t at = 0;
    void *value;
    while (map_next(&load->profiles, &at, NULL, &value)) {
        for (struct profile_use *use = ((struct profile *)value)->uses; use != NULL;
             use = use->next) {
            for (size_t i = 0; i < use->list.count; i++) {
                use->drops = use->drops || use->list.points[i].dropped;
            }
            keep_block(load, &use->list);
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct config_device *)a)->name, ((const struct config_device *)b)->name);
}

void finish_devices(struct load *load)
{
    struct config_device *devices = load_alloc(load, load->device_count * sizeof(*devices));
    void *address = busbar_try_alloc(CONFIG_ADDRESS_MAX);
    size_t count = 0;
    load->out_of_memory = load->out_of_memory || address == NULL;
    keep_profiles(load);
    for (size_t i = 0; i < load->device_count && !load->out_of_memory; i++) {
        struct device_build *build = load->order[i];
        if (build->protocol == NULL) {
            continue;
        }
        assert(build->protocol->address_bytes <= CONFIG_ADDRESS_MAX);
        if (finish_device(load, build, &devices[count], address)) {
            count++;
        }
    }
    busbar_free(address);
    count_warnings(load);
    if (load->config->point_count > REGISTRY_POINTS_MAX) {
        problems_error(load->problems, (struct position){ .file = "" }, NULL,
                       "more than %u points in all", REGISTRY_POINTS_MAX);
    }
    if (!load->out_of_memory) {
        qsort(devices, count, sizeof(*devices), by_name);
        load->config->devices = devices;
        load->config->device_count = count;
    }
}
