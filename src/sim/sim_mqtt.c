/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_mqtt.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_options.h"

/* A message that is held back. */
struct late {
    struct list link;
    struct sim_mqtt_device *device;
    struct timer timer;
    char *topic;
    struct buf body;
};

/* ---- topics ---- */

struct first_topic {
    char *to;
    size_t size;
    bool found;
};

static int take_first(void *ctx, const char *filter)
{
    struct first_topic *first = ctx;
    first->found = first->found || str_copy(first->to, first->size, filter);
    return 0;
}

/* A filter as a topic that fits it: the id where `id_from: level N` looks for it, else words of our own. */
static void fill_wildcards(const struct sim_mqtt_device *device, const char *filter,
                           char to[SIM_WHERE_MAX])
{
    const struct settings *settings = device->sd->dev->settings;
    const char *id_from = settings_text(settings, PAYLOAD_DEVICE_ID_FROM);
    uint64_t level = 0, number = 1;
    struct buf out;
    if (id_from != NULL && strncmp(id_from, "level ", strlen("level ")) == 0) {
        (void)str_parse_u64(id_from + strlen("level "), &level);
    }
    buf_init(&out, SIM_WHERE_MAX - 1);
    if (strncmp(filter, "$share/", strlen("$share/")) == 0) {
        const char *behind = strchr(filter + strlen("$share/"), '/');
        filter = behind != NULL ? behind + 1 : filter;
    }
    for (; *filter != '\0'; number++) {
        size_t size = strcspn(filter, "/");
        bool wild = size == 1 && (*filter == '+' || *filter == '#');
        if (wild) {
            (void)buf_append_text(
                &out, number == level || (level == 0 && *filter == '+') ? device->id : "state");
        } else {
            (void)buf_append(&out, filter, size);
        }
        filter += size;
        if (*filter == '/') {
            (void)buf_append_byte(&out, '/');
            filter++;
        }
    }
    str_format(to, SIM_WHERE_MAX, "%s", buf_text(&out));
    buf_fini(&out);
}

/* NULL list: the device's own. */
static bool topic_of(const struct sim_mqtt_device *device, const char *list, char to[SIM_WHERE_MAX])
{
    char base[MQTT_TOPIC_TEXT_MAX + 1], filter[MQTT_TOPIC_TEXT_MAX + 1];
    struct mqtt_topic_names names = { .id = device->id, .device = device->sd->dev->name };
    struct first_topic first = { .to = filter, .size = sizeof(filter) };
    if (mqtt_topics_base(device->topics, &names, base)) {
        names.base = base;
    }
    if (mqtt_topics_each(list != NULL ? list : device->topics, &names, take_first, &first, NULL) !=
            0 ||
        !first.found) {
        return false;
    }
    fill_wildcards(device, filter, to);
    return true;
}

static const struct mqtt_address *address_of(const struct sim_mqtt_device *device, uint32_t point)
{
    return (const struct mqtt_address *)device->sd->dev->addresses + point;
}

static bool where_point(void *ctx, uint32_t point, char to[SIM_WHERE_MAX])
{
    const struct sim_mqtt_device *device = ctx;
    return topic_of(device, address_of(device, point)->topic, to);
}

/* ---- sending ---- */

static void send_now(struct sim_mqtt_device *device, const char *topic, const struct buf *body)
{
    const struct sim_broker_message message = { topic, body->data, body->size, device->qos, false };
    sim_mqtt_link_publish(device->broker, &message);
}

static void late_free(struct late *late)
{
    timer_stop(&late->timer);
    list_remove(&late->link);
    buf_fini(&late->body);
    busbar_free(late->topic);
    busbar_free(late);
}

static void late_due(struct timer *timer, void *ctx)
{
    struct late *late = ctx;
    (void)timer;
    send_now(late->device, late->topic, &late->body);
    late_free(late);
}

static void send_later(struct sim_mqtt_device *device, const char *topic, const struct buf *body)
{
    struct late *late = busbar_alloc(sizeof(*late));
    late->device = device;
    late->topic = busbar_strdup(topic);
    buf_init(&late->body, SIM_MESSAGE_MAX);
    (void)buf_append(&late->body, body->data, body->size);
    list_append(&device->late, &late->link);
    timer_init(&late->timer, device->sd->sim->loop, late_due, late);
    timer_start_us(&late->timer, device->sd->fault.argument, 0);
}

static void send_message(struct sim_mqtt_device *device, const char *topic, struct buf *body)
{
    enum sim_fault_kind kind = sim_request(device->sd);
    if (body->size == 0 || kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_DOWN) {
        return;
    }
    sim_talk_spoil(kind, &device->state->random, 0, body);
    device->told++;
    if (kind == SIM_FAULT_SLOW) {
        send_later(device, topic, body);
        return;
    }
    send_now(device, topic, body);
    if (kind == SIM_FAULT_DUPLICATE) {
        send_now(device, topic, body);
    }
}

static void say(struct sim_mqtt_device *device, const struct sim_say *what)
{
    struct buf body;
    buf_init(&body, SIM_MESSAGE_MAX);
    if (sim_talk_make(&device->talk, what, clock_wall_us(), &body, NULL) == 0) {
        send_message(device, what->where, &body);
    }
    buf_fini(&body);
}

void sim_mqtt_say_all(struct sim_mqtt_device *device)
{
    if (device->node != NULL) {
        sim_spark_say(device);
        return;
    }
    for (size_t i = 0; i < device->talk.say_count; i++) {
        say(device, &device->talk.says[i]);
    }
}

static void due(struct timer *timer, void *ctx)
{
    (void)timer;
    sim_mqtt_say_all(ctx);
}

/* ---- commands ---- */

static bool send_topic_of(const struct sim_mqtt_device *device, uint32_t point,
                          char to[MQTT_TOPIC_TEXT_MAX + 1])
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    struct mqtt_topic_names names = { .id = device->id, .device = device->sd->dev->name };
    const struct mqtt_address *address = address_of(device, point);
    if (address->send_topic == NULL) {
        return false;
    }
    if (mqtt_topics_base(device->topics, &names, base)) {
        names.base = base;
    }
    return mqtt_topics_one(address->send_topic, &names, to, NULL) == 0;
}

static void command(struct sim_mqtt_device *device, uint32_t point,
                    const struct sim_broker_message *message)
{
    struct buf value;
    const char *template = address_of(device, point)->send;
    buf_init(&value, TEXT_BYTES_MAX);
    if (sim_template_take(template, &device->talk.speaker, device->sd->dev->points[point].name,
                          message->payload, message->size, &value) &&
        sim_live_hold_text(&device->talk.live, point, buf_text(&value), value.size) == 0) {
        const struct sim_say *what = sim_talk_say_of(&device->talk, point);
        if (what != NULL) {
            say(device, what);
        }
    }
    buf_fini(&value);
}

void sim_mqtt_heard(struct sim_mqtt_link *link, const struct sim_broker_message *message)
{
    char topic[MQTT_TOPIC_TEXT_MAX + 1];
    if (sim_spark_heard(link, message)) {
        return;
    }
    list_each(at, &link->devices) {
        struct sim_mqtt_device *device = list_entry(at, struct sim_mqtt_device, link);
        bool deaf = device->sd->now == SIM_FAULT_SILENCE || device->sd->now == SIM_FAULT_DOWN;
        for (uint32_t i = 0; !deaf && i < device->sd->dev->point_count; i++) {
            if (send_topic_of(device, i, topic) && strcmp(topic, message->topic) == 0) {
                command(device, i, message);
            }
        }
    }
}

static void hear_commands(struct sim_mqtt_device *device)
{
    char topic[MQTT_TOPIC_TEXT_MAX + 1];
    for (uint32_t i = 0; i < device->sd->dev->point_count; i++) {
        if (send_topic_of(device, i, topic)) {
            sim_mqtt_link_hear(device->broker, topic);
        }
    }
}

/* ---- Home Assistant ---- */

/* "$.a.b" as {{ value_json.a.b }}; false: it is no chain of names. */
static bool put_template(const char *path, struct buf *out)
{
    path += strncmp(path, "$.", 2) == 0 ? 2 : 0;
    if (strpbrk(path, "[]*@?' ") != NULL || path[0] == '$' || strstr(path, "..") != NULL) {
        return false;
    }
    (void)buf_printf(out, "{{ value_json.%s }}", path);
    return true;
}

/* As Zigbee2MQTT, Tasmota and others say what they have: retained, one message a value. */
static void announce_point(struct sim_mqtt_device *device, uint32_t point, const char *where)
{
    const struct device *dev = device->sd->dev;
    const struct point *pt = &dev->points[point];
    struct buf body, template;
    char topic[SIM_WHERE_MAX];
    buf_init(&body, SIM_MESSAGE_MAX);
    buf_init(&template, SIM_WHERE_MAX);
    if (put_template(address_of(device, point)->payload.expression, &template)) {
        struct json_writer json = json_writer(&body);
        json_begin_object(&json);
        json_put_string(&json, "name", pt->title[0] != '\0' ? pt->title : pt->name);
        str_format(topic, sizeof(topic), "%s_%s", dev->name, pt->name);
        json_put_string(&json, "unique_id", topic);
        json_put_string(&json, "state_topic", where);
        json_put_string(&json, "value_template", buf_text(&template));
        if (pt->cls->units[0] != '\0') {
            json_put_string(&json, "unit_of_measurement", pt->cls->units);
        }
        json_put_object(&json, "device");
        json_put_array(&json, "identifiers");
        json_string(&json, device->id);
        json_end_array(&json);
        json_put_string(&json, "name", dev->title[0] != '\0' ? dev->title : dev->name);
        json_put_string(&json, "manufacturer", "busbar simulator");
        json_end_object(&json);
        json_end_object(&json);
        str_format(topic, sizeof(topic), "homeassistant/sensor/%s/%s/config", dev->name, pt->name);
        const struct sim_broker_message message = { topic, body.data, body.size, 0, true };
        sim_mqtt_link_publish(device->broker, &message);
    }
    buf_fini(&template);
    buf_fini(&body);
}

/* Only in a broker of our own: in another's they would stay there. */
static void announce(struct sim_mqtt_device *device)
{
    for (size_t i = 0; !device->broker->foreign && i < device->talk.say_count; i++) {
        const struct sim_say *what = &device->talk.says[i];
        for (size_t j = 0; j < what->count; j++) {
            if (address_of(device, what->points[j])->payload.kind == PAYLOAD_POINT_JSON) {
                announce_point(device, what->points[j], what->where);
            }
        }
    }
}

/* ---- devices ---- */

static void release(struct sim_mqtt_device *device)
{
    timer_stop(&device->timer);
    list_each_safe(at, &device->late) {
        late_free(list_entry(at, struct late, link));
    }
    sim_spark_leave(device);
    list_remove(&device->link);
    sim_mqtt_link_drop(device->broker);
    sim_talk_fini(&device->talk);
    busbar_free(device->topics);
    busbar_free(device->id);
}

static int join(struct sim_mqtt_device *device, const struct mqtt_config *config, struct err *err)
{
    struct sim_device *sd = device->sd;
    int error = sim_mqtt_link_get(device, &config->broker, err);
    if (error != 0) {
        return error;
    }
    list_append(&device->broker->devices, &device->link);
    error = sim_talk_init(&device->talk, sd->dev, sd->dev->addresses, sizeof(struct mqtt_address),
                          sd->sim->seed, where_point, device, err);
    if (error == 0 && config->sparkplug != NULL) {
        error = sim_spark_join(device, config->sparkplug, err);
    } else if (error == 0) {
        hear_commands(device);
        announce(device);
    }
    return error;
}

static int add(struct sim_device *sd, struct err *err)
{
    static const struct setup empty;
    const struct setup *given = sim_setup(sd->sim, sd->protocol->ops->protocol);
    struct sim_mqtt_device *device = sd->state;
    struct sim_mqtt_state *state = sd->protocol->state;
    struct mqtt_config config;
    int error = mqtt_config_read(given != NULL ? given : &empty, sd->dev->settings, &config, err);
    if (error != 0) {
        return error;
    }
    if (state->links.next == NULL) {
        list_init(&state->links);
        state->random = hash_u64(sd->sim->seed);
    }
    device->sd = sd;
    device->state = state;
    device->qos = config.qos;
    device->topics = busbar_strdup(config.topic);
    device->id = busbar_strdup(config.id != NULL ? config.id : sd->dev->name);
    list_init(&device->link);
    list_init(&device->late);
    timer_init(&device->timer, sd->sim->loop, due, device);
    error = join(device, &config, err);
    if (error != 0) {
        release(device);
        return error;
    }
    int64_t period_us = sim_talk_period_us(sd->dev);
    timer_start_us(&device->timer, (int64_t)(hash_text(sd->dev->name) % (uint64_t)period_us),
                   period_us);
    return 0;
}

static void remove_device(struct sim_device *sd)
{
    release(sd->state);
}

static void changed(struct sim_device *sd)
{
    struct sim_mqtt_device *device = sd->state;
    enum sim_fault_kind was = device->was, is = sd->now;
    device->was = is;
    device->talk.live.frozen_us = is == SIM_FAULT_FROZEN ? clock_wall_us() : 0;
    if (is == SIM_FAULT_DOWN || was == SIM_FAULT_DOWN) {
        bool down = false;
        list_each(at, &device->broker->devices) {
            down = down || list_entry(at, struct sim_mqtt_device, link)->was == SIM_FAULT_DOWN;
        }
        sim_mqtt_link_down(device->broker, down);
    }
    if (is == SIM_FAULT_CLOSE && device->broker->own != NULL) {
        sim_broker_drop_clients(device->broker->own);
    }
    if (device->node != NULL && (is == SIM_FAULT_RESTART || was == SIM_FAULT_RESTART)) {
        sim_spark_changed(device, is == SIM_FAULT_RESTART);
    }
}

static int hold(struct sim_device *sd, uint32_t point, uint8_t type, union value raw)
{
    struct sim_mqtt_device *device = sd->state;
    int error = sim_live_hold(&device->talk.live, point, type, raw);
    const struct sim_say *what = sim_talk_say_of(&device->talk, point);
    if (error == 0 && what != NULL) {
        say(device, what);
    } else if (error == 0 && device->node != NULL) {
        sim_spark_say(device);
    }
    return error;
}

/* "NAME": an event of the configuration happens. */
static int tell(struct sim_device *sd, bool confirmed, const char *words, struct err *err)
{
    struct sim_mqtt_device *device = sd->state;
    struct buf body;
    char topic[SIM_WHERE_MAX];
    (void)confirmed;
    for (size_t i = 0; i < sd->dev->event_count; i++) {
        const struct device_event *event = &sd->dev->events[i];
        if (strcmp(event->name, words) != 0) {
            continue;
        }
        buf_init(&body, SIM_MESSAGE_MAX);
        int error = sim_speaker_event(&device->talk.speaker, event, clock_wall_us(), &body, err);
        if (error == 0 && topic_of(device, settings_text(event->settings, EVENT_TOPIC), topic)) {
            send_message(device, topic, &body);
        }
        buf_fini(&body);
        return error;
    }
    return err_set(err, BUSBAR_ENOENT, "'%s' has no event '%s'", sd->dev->name, words);
}

static void told(const struct sim_device *sd, struct buf *out)
{
    const struct sim_mqtt_device *device = sd->state;
    struct sim_broker_stats stats;
    buf_printf(out, "told %llu", (unsigned long long)device->told);
    if (device->broker->own != NULL) {
        sim_broker_stats(device->broker->own, &stats);
        buf_printf(out,
                   "; its broker: %zu clients, %llu sent, %llu acknowledged, %llu sent again, %llu "
                   "lost, %zu waiting",
                   stats.clients, (unsigned long long)stats.sent,
                   (unsigned long long)stats.acknowledged, (unsigned long long)stats.again,
                   (unsigned long long)stats.lost, stats.waiting);
    }
}

static void describe(const struct sim_device *sd, struct buf *out)
{
    const struct sim_mqtt_device *device = sd->state;
    buf_printf(out, "%s %s", device->broker->name, device->broker->foreign ? "into" : "broker");
    if (device->node != NULL) {
        buf_printf(out, " sparkplug %s/%s/%s", device->place.group, device->place.node,
                   device->place.device);
    } else if (device->talk.say_count > 0) {
        buf_printf(out, " %s", device->talk.says[0].where);
    }
}

static const struct sim_ops ops = {
    .protocol = "mqtt",
    .state_bytes = sizeof(struct sim_mqtt_state),
    .device_bytes = sizeof(struct sim_mqtt_device),
    .fault_kinds = SIM_FAULT_BIT(SILENCE) | SIM_FAULT_BIT(SLOW) | SIM_FAULT_BIT(GARBAGE) |
                   SIM_FAULT_BIT(TRUNCATE) | SIM_FAULT_BIT(WRONG_TYPE) | SIM_FAULT_BIT(DUPLICATE) |
                   SIM_FAULT_BIT(DOWN) | SIM_FAULT_BIT(CLOSE) | SIM_FAULT_BIT(FROZEN) |
                   SIM_FAULT_BIT(RESTART),
    .add = add,
    .remove = remove_device,
    .changed = changed,
    .hold = hold,
    .describe = describe,
    .tell = tell,
    .told = told,
};

const struct sim_ops *sim_mqtt(void)
{
    return &ops;
}
