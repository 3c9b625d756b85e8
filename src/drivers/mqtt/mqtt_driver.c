/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the driver interface; the work is done by the other files. */
#include "drivers/mqtt/mqtt_driver.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt.h"
#include "drivers/mqtt/mqtt_browse.h"
#include "drivers/mqtt/mqtt_discover.h"
#include "drivers/mqtt/mqtt_heard.h"
#include "drivers/mqtt/mqtt_options.h"
#include "drivers/mqtt/mqtt_sparkplug.h"
#include "drivers/mqtt/mqtt_words.h"
#include "payload/schemas.h"

enum { VERSION_SHOWN = 5 };

/* ---- pure ones, also for a device that no host has ---- */

static int prepare(const struct setup *setup, const struct prepare *how, struct prepared **out,
                   struct err *err)
{
    return payload_schemas_load(mqtt_config_schemas(setup), how, out, err);
}

static int check(const struct setup *setup, const struct settings *device, struct err *err)
{
    struct mqtt_config config;
    int error = mqtt_config_read(setup, device, &config, err);
    return error == 0
               ? payload_device_check(device, (const struct payload_schemas *)setup->prepared, err)
               : error;
}

static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    return mqtt_config_point(setup, device, point, address, facts, err);
}

static int put_topic(void *ctx, const char *filter)
{
    return buf_printf(ctx, " %s", filter);
}

/* "json $.ENERGY.Power in tele/plug-1/SENSOR to cmnd/plug-1/POWER" */
static void print_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    const struct mqtt_address *addresses = dev->addresses;
    const struct mqtt_address *address = &addresses[pt - dev->points];
    const struct payload_point *payload = &address->payload;
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    char topic[MQTT_TOPIC_TEXT_MAX + 1];
    struct mqtt_config config;
    if (address->metric != NULL) {
        (void)buf_printf(out, "metric %s", address->metric);
        return;
    }
    if (mqtt_config_read(NULL, dev->settings, &config, NULL) != 0) {
        return;
    }
    const struct mqtt_topic_names names = mqtt_device_names(dev, &config, base);
    bool read = payload->kind != PAYLOAD_POINT_ROWS;
    if (read) {
        (void)buf_printf(out, "%s %s", mqtt_point_options[payload->kind].key, payload->expression);
    }
    if (read && address->topic != NULL) {
        (void)buf_append_text(out, " in");
        (void)mqtt_topics_each(address->topic, &names, put_topic, out, NULL);
    }
    if (address->send_topic != NULL &&
        mqtt_topics_one(address->send_topic, &names, topic, NULL) == 0) {
        (void)buf_printf(out, "%sto %s", read ? " " : "", topic);
    }
}

static void print_link(const struct device *dev, struct buf *out)
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    struct mqtt_config config;
    const struct mqtt_device *device = mqtt_device_of(dev);
    const struct setup *setup = device != NULL ? driver_setup(device->drv) : NULL;
    if (mqtt_config_read(setup, dev->settings, &config, NULL) == 0) {
        const struct mqtt_topic_names names = mqtt_device_names(dev, &config, base);
        mqtt_config_print(&config, &names, out);
    }
}

static void describe(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out)
{
    const struct mqtt_device *device = mqtt_device_of(dev);
    const struct mqtt_client *client = device->broker != NULL ? device->broker->client : NULL;
    mqtt_describe(client != NULL ? mqtt_client_version(client) : VERSION_SHOWN, sent, data, size,
                  out);
}

static const char *explain(uint16_t detail)
{
    switch (detail) {
    case 0: return NULL;
    case MQTT_DETAIL_NO_METRIC:
        return "the edge node has not told of this metric in its birth: it cannot be written now; "
               "'busbar device browse' shows what it has";
    case MQTT_DETAIL_WRONG_VALUE: return "the value does not fit the metric's data type";
    default: return mqtt_reason_text(VERSION_SHOWN, (uint8_t)detail);
    }
}

/* ---- the driver ---- */

/* A few random characters that tell this gateway from others, kept over restarts. */
static void make_own_id(struct mqtt_state *state)
{
    enum { PATH_BYTES = 4096, ID_BYTES = 16, ID_MODE = 0600 };
    const char *folder = driver_folder(state->drv);
    char path[PATH_BYTES];
    char *kept = NULL;
    size_t size = 0;
    struct err err = { 0 };
    str_format(state->own_id, sizeof(state->own_id), "%016llx", (unsigned long long)hash_entropy());
    if (folder == NULL || !file_join(path, sizeof(path), folder, "mqtt-id")) {
        return;
    }
    if (file_read(file_ops_real(), path, ID_BYTES, &kept, &size, NULL) == 0 && size == ID_BYTES &&
        strspn(kept, "0123456789abcdef") == ID_BYTES) {
        (void)str_copy(state->own_id, sizeof(state->own_id), kept);
    } else if (file_write(file_ops_real(), path, state->own_id, ID_BYTES, ID_MODE, &err) != 0) {
        busbar_log(LOG_LEVEL_WARN, "mqtt", "", "cannot keep the client id: %s", err.message);
    }
    busbar_free(kept);
}

static int open_driver(struct driver *drv, struct err *err)
{
    struct mqtt_state *state = driver_state(drv);
    (void)err;
    state->drv = drv;
    state->loop = driver_loop(drv);
    list_init(&state->brokers);
    make_own_id(state);
    state->discoveries = mqtt_discoveries_new(state);
    return 0;
}

static void setup_driver(struct driver *drv, const struct setup *setup)
{
    struct mqtt_state *state = driver_state(drv);
    mqtt_brokers_close(state);
    feed_free(state->feed);
    state->feed = feed_new(drv, (const struct payload_schemas *)setup->prepared);
}

static void close_driver(struct driver *drv)
{
    struct mqtt_state *state = driver_state(drv);
    mqtt_discoveries_free(state->discoveries);
    mqtt_brokers_close(state);
    feed_free(state->feed);
}

static void discover(struct driver *drv, struct driver_discovery *asked)
{
    struct mqtt_state *state = driver_state(drv);
    mqtt_discover_begin(state->discoveries, asked);
}

static void discover_stop(struct driver *drv, struct driver_discovery *asked)
{
    struct mqtt_state *state = driver_state(drv);
    mqtt_discover_end(state->discoveries, asked);
}

static void tell_messages(struct driver *drv, struct driver_messages *out)
{
    const struct mqtt_state *state = driver_state(drv);
    feed_messages(state->feed, out);
}

/* ---- devices ---- */

static int add(struct driver *drv, struct device *dev, struct err *err)
{
    struct mqtt_device *device = mqtt_device_of(dev);
    device->dev = dev;
    device->drv = drv;
    device->state = driver_state(drv);
    return mqtt_device_add(device, err);
}

static int start(struct device *dev)
{
    mqtt_device_start(mqtt_device_of(dev));
    return 0;
}

/* Never: its points are pushed. */
static void read_points(struct device *dev, struct request *req)
{
    (void)dev;
    (void)req;
    assert(false);
}

static void write_points(struct device *dev, struct request *req)
{
    mqtt_write(mqtt_device_of(dev), req);
}

static void cancel(struct device *dev, struct request *req)
{
    mqtt_write_cancel(mqtt_device_of(dev), req);
}

static void stop(struct device *dev)
{
    mqtt_device_stop(mqtt_device_of(dev));
}

static void remove_device(struct device *dev)
{
    mqtt_device_remove(mqtt_device_of(dev));
}

static void test(struct device *dev, struct driver_test *asked)
{
    mqtt_test(mqtt_device_of(dev), asked);
}

static void browse(struct device *dev, struct driver_browse *asked)
{
    mqtt_browse_begin(mqtt_device_of(dev), asked);
}

static void browse_stop(struct device *dev, struct driver_browse *asked)
{
    mqtt_browse_end(mqtt_device_of(dev), asked);
}

static void find_key(const struct device *dev, struct buf *out)
{
    mqtt_discover_key(mqtt_device_of(dev), out);
}

static const struct driver_ops ops = {
    .name = "mqtt",
    .device_options = mqtt_device_options,
    .point_options = mqtt_point_options,
    .setup_options = mqtt_setup_options,
    .parts_key = "brokers",
    .part_options = mqtt_broker_options,
    .driver_bytes = sizeof(struct mqtt_state),
    .device_bytes = sizeof(struct mqtt_device),
    .address_bytes = sizeof(struct mqtt_address),
    .check_setup = mqtt_config_check_setup,
    .prepare = prepare,
    .ports = mqtt_ports,
    .check = check,
    .resolve = resolve,
    .open = open_driver,
    .setup = setup_driver,
    .close = close_driver,
    .add = add,
    .start = start,
    .read = read_points,
    .write = write_points,
    .cancel = cancel,
    .stop = stop,
    .remove = remove_device,
    .test = test,
    .discover = discover,
    .discover_stop = discover_stop,
    .browse = browse,
    .browse_stop = browse_stop,
    .find_key = find_key,
    .status = mqtt_status,
    .messages = tell_messages,
    .event_options = mqtt_event_options,
    .check_event = mqtt_config_event,
    .describe = describe,
    .address = print_address,
    .explain = explain,
    .heard = mqtt_heard,
    .rule = mqtt_rule,
    .body = mqtt_body,
    .link = print_link,
};

const struct driver_ops *mqtt_driver(void)
{
    mqtt_options_make();
    return &ops;
}
