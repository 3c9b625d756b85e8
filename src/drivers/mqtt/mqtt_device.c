/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a device.
 *
 *   add -> start: its topics are filters of the connection, its points programs of their routes
 *       -> up when the broker is there and has granted all its subscriptions | down -> stop -> remove */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_browse.h"
#include "drivers/mqtt/mqtt_driver.h"
#include "drivers/mqtt/mqtt_options.h"
#include "drivers/mqtt/mqtt_sparkplug.h"

/* ---- what it wants to hear ---- */

/* One topic of the device and what is read of its messages. */
struct want {
    char *topic;
    struct payload_rule_source *rules;
    size_t rule_count, rule_room;
    struct payload_event_source *events;
    size_t event_count, event_room;
};

struct wants {
    struct mqtt_device *device;
    struct map by_topic; /* topic -> its number in list, from 1 */
    struct want *list;
    size_t count, room;
    uint32_t index; /* being added */
    bool event;
};

static struct want *want_of(struct wants *wants, const char *topic)
{
    uintptr_t number = (uintptr_t)map_get(&wants->by_topic, topic);
    if (number != 0) {
        return &wants->list[number - 1];
    }
    if (wants->count == wants->room) {
        wants->room = wants->room > 0 ? 2 * wants->room : 4;
        wants->list = busbar_realloc(wants->list, wants->room * sizeof(*wants->list));
    }
    struct want *want = &wants->list[wants->count++];
    *want = (struct want){ .topic = busbar_strdup(topic) };
    (void)map_set(&wants->by_topic, want->topic, (void *)(uintptr_t)wants->count);
    return want;
}

static int add_want(void *ctx, const char *topic)
{
    struct wants *wants = ctx;
    const struct device *dev = wants->device->dev;
    struct want *want = want_of(wants, topic);
    if (wants->event) {
        if (want->event_count == want->event_room) {
            want->event_room = want->event_room > 0 ? 2 * want->event_room : 4;
            want->events = busbar_realloc(want->events, want->event_room * sizeof(*want->events));
        }
        want->events[want->event_count++] = (struct payload_event_source){
            .event = &dev->events[wants->index], .index = wants->index
        };
        return 0;
    }
    if (want->rule_count == want->rule_room) {
        want->rule_room = want->rule_room > 0 ? 2 * want->rule_room : 8;
        want->rules = busbar_realloc(want->rules, want->rule_room * sizeof(*want->rules));
    }
    const struct mqtt_address *address = driver_address(dev, wants->index);
    want->rules[want->rule_count++] = (struct payload_rule_source){ .point = &address->payload,
                                                                    .index = wants->index };
    return 0;
}

struct mqtt_topic_names mqtt_device_names(const struct device *dev,
                                          const struct mqtt_config *config,
                                          char base[MQTT_TOPIC_TEXT_MAX + 1])
{
    struct mqtt_topic_names names = { .id = config->id != NULL ? config->id : dev->name,
                                      .device = dev->name };
    if (mqtt_topics_base(config->topic, &names, base)) {
        names.base = base;
    }
    return names;
}

static int find_wants(struct wants *wants, struct err *err)
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    const struct device *dev = wants->device->dev;
    const struct mqtt_config *config = &wants->device->config;
    const struct mqtt_topic_names names = mqtt_device_names(dev, config, base);
    int error = 0;
    for (uint32_t i = 0; error == 0 && i < dev->point_count; i++) {
        const struct mqtt_address *address = driver_address(dev, i);
        const char *list = address->topic != NULL ? address->topic : config->topic;
        wants->index = i;
        if (address->payload.kind != PAYLOAD_POINT_ROWS) {
            error = mqtt_topics_each(list, &names, add_want, wants, err);
        }
    }
    wants->event = true;
    for (uint32_t i = 0; error == 0 && i < dev->event_count; i++) {
        const char *own = settings_text(dev->events[i].settings, EVENT_TOPIC);
        wants->index = i;
        error = mqtt_topics_each(own != NULL ? own : config->topic, &names, add_want, wants, err);
    }
    return error;
}

static void free_wants(struct wants *wants)
{
    for (size_t i = 0; i < wants->count; i++) {
        busbar_free(wants->list[i].topic);
        busbar_free(wants->list[i].rules);
        busbar_free(wants->list[i].events);
    }
    busbar_free(wants->list);
    map_fini(&wants->by_topic);
}

/* ---- joining ---- */

static int join(struct mqtt_device *device, const struct want *want, struct err *err)
{
    struct mqtt_broker *broker = device->broker;
    struct payload_program *program = NULL;
    struct mqtt_use *use = &device->uses[device->use_count];
    bool by_id = payload_shape_has_id(device->shape);
    int error = payload_program_get(feed_programs(device->state->feed), device->shape, device->id,
                                    want->rules, want->rule_count, want->events, want->event_count,
                                    &program, err);
    if (error != 0) {
        return error;
    }
    use->filter = mqtt_filter_use(broker, want->topic, device->config.qos, err);
    if (use->filter == NULL) {
        payload_program_drop(program);
        return BUSBAR_ELIMIT;
    }
    use->route = mqtt_route_use(broker, use->filter, device->shape, device->config.retained);
    device->use_count++;
    error = feed_join(use->route->feed, device->dev, by_id ? device->id : NULL, program, err);
    payload_program_drop(program);
    if (error == 0 && by_id && use->route->uses == 1) {
        feed_route_propose_like(use->route->feed, device->dev, PAYLOAD_DEVICE_ID);
    }
    return error;
}

static int make_uses(struct mqtt_device *device, struct err *err)
{
    struct wants wants = { .device = device };
    int error = find_wants(&wants, err);
    if (error == 0 && wants.count > 0) {
        device->uses = busbar_alloc_array(wants.count, sizeof(*device->uses));
    }
    for (size_t i = 0; error == 0 && i < wants.count; i++) {
        error = join(device, &wants.list[i], err);
    }
    free_wants(&wants);
    return error;
}

static void end_uses(struct mqtt_device *device)
{
    for (size_t i = 0; i < device->use_count; i++) {
        struct mqtt_use *use = &device->uses[i];
        mqtt_route_unuse(use->route);
        mqtt_filter_unuse(device->broker, use->filter, device->config.qos);
    }
    busbar_free(device->uses);
    device->uses = NULL;
    device->use_count = 0;
}

/* ---- link ---- */

static void tell(struct mqtt_device *device, bool up, int error, const char *words)
{
    uint64_t hash = words != NULL ? hash_text(words) : 0;
    if (device->told && device->up == up && device->told_words == hash) {
        return;
    }
    device->told = true;
    device->up = up;
    device->told_words = hash;
    driver_link(device->dev, up, error, words);
}

static void tell_refused(struct mqtt_device *device, const struct mqtt_filter *filter)
{
    char words[MQTT_WORDS_MAX];
    str_format(words, sizeof(words),
               "broker %s does not let us subscribe to '%s': %s; give the user%s%s%s the right to "
               "read it there",
               device->broker->name, filter->text,
               filter->reason != NULL ? filter->reason : "it gives no reason",
               device->broker->config.broker.user != NULL ? " '" : "",
               device->broker->config.broker.user != NULL ? device->broker->config.broker.user : "",
               device->broker->config.broker.user != NULL ? "'" : "");
    tell(device, false, BUSBAR_EREFUSED, words);
}

static void tell_broken(struct mqtt_device *device, const struct err *err)
{
    char words[MQTT_WORDS_MAX];
    str_format(words, sizeof(words), "%s%s%s", err->message, err->hint[0] != '\0' ? "; " : "",
               err->hint);
    tell(device, false, err->code, words);
}

void mqtt_device_tell(struct mqtt_device *device)
{
    const struct mqtt_broker *broker = device->broker;
    bool waits = broker->unsettled_us != 0;
    char words[MQTT_WORDS_MAX];
    if (device->broken.code != 0 || broker->broken.code != 0) {
        tell_broken(device, device->broken.code != 0 ? &device->broken : &broker->broken);
        return;
    }
    if (!broker->up) {
        if (broker->tried) {
            tell(device, false, broker->down_error, broker->down_words);
        }
        return;
    }
    size_t count = device->spark != NULL ? 1 : device->use_count;
    for (size_t i = 0; i < count; i++) {
        const struct mqtt_filter *filter = device->spark != NULL ? mqtt_sparkplug_filter(device)
                                                                 : device->uses[i].filter;
        const struct mqtt_filter *asked = mqtt_filter_asked(filter);
        if (asked->state == MQTT_FILTER_REFUSED) {
            tell_refused(device, asked);
            return;
        }
        waits = waits || asked->state != MQTT_FILTER_GRANTED;
    }
    if (waits) {
        return;
    }
    if (device->spark != NULL && !mqtt_sparkplug_is_up(device, words, sizeof(words))) {
        tell(device, false, BUSBAR_ENOTCONN, words);
    } else {
        tell(device, true, 0, NULL);
    }
}

/* ---- life ---- */

int mqtt_device_add(struct mqtt_device *device, struct err *err)
{
    const struct device *dev = device->dev;
    int error = mqtt_config_read(driver_setup(device->drv), dev->settings, &device->config, err);
    if (error != 0) {
        return error;
    }
    device->id = device->config.id != NULL ? device->config.id : dev->name;
    list_init(&device->write_list);
    list_init(&device->tests);
    list_init(&device->browses);
    return payload_shape_get(feed_programs(device->state->feed), dev->settings, device->id,
                             &device->shape, err);
}

void mqtt_device_start(struct mqtt_device *device)
{
    device->started = true;
    device->told = false;
    device->broken = (struct err){ 0 };
    device->broker = mqtt_broker_take(device->state, &device->config);
    list_append(&device->broker->devices, &device->link);
    int error = device->config.sparkplug != NULL ? mqtt_sparkplug_start(device, &device->broken)
                                                 : make_uses(device, &device->broken);
    if (error != 0 && device->broken.code == 0) {
        (void)err_set(&device->broken, BUSBAR_ENOMEM, "no memory for its topics");
    }
    mqtt_broker_changed(device->broker);
    mqtt_broker_tell(device->broker);
}

void mqtt_device_stop(struct mqtt_device *device)
{
    mqtt_tests_stop(device);
    mqtt_browses_stop(device);
    if (device->started) {
        mqtt_writes_stop(device);
        feed_leave(device->state->feed, device->dev);
        end_uses(device);
        mqtt_sparkplug_stop(device);
        list_remove(&device->link);
        mqtt_broker_changed(device->broker);
        device->broker = NULL;
        device->started = false;
        device->up = false;
    }
    driver_stopped(device->dev);
}

void mqtt_device_remove(struct mqtt_device *device)
{
    payload_shape_drop(device->shape);
}
