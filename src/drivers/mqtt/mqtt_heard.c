/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_heard.h"

#include <string.h>

#include "base/str.h"
#include "drivers/mqtt/mqtt_options.h"
#include "drivers/mqtt/mqtt_packet.h"
#include "feed/heard.h"

enum { RULE_MAX = 600, TEXTS_MAX = 16 * 1024 };

/* ---- whether the topic is the point's ---- */

struct fits {
    const char *topic;
    bool found;
};

static int on_topic(void *ctx, const char *filter)
{
    struct fits *fits = ctx;
    fits->found = fits->found || mqtt_topic_fits(filter, fits->topic);
    return 0;
}

static bool is_of_point(const struct mqtt_device *device, const struct mqtt_address *address,
                        const char *topic)
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    const struct mqtt_topic_names names = mqtt_device_names(device->dev, &device->config, base);
    const char *list = address->topic != NULL ? address->topic : device->config.topic;
    struct fits fits = { .topic = topic };
    /* A topic alias (MQTT 5) stands for a topic that an earlier packet told. */
    return topic[0] == '\0' ||
           (mqtt_topics_each(list, &names, on_topic, &fits, NULL) == 0 && fits.found);
}

/* ---- the packet ---- */

/* Texts with a NUL behind them. */
struct texts {
    char bytes[TEXTS_MAX];
    size_t used;
};

static const char *keep(struct texts *texts, struct mqtt_slice slice)
{
    char *at = texts->bytes + texts->used;
    if (slice.size >= sizeof(texts->bytes) - texts->used) {
        return NULL;
    }
    if (slice.size > 0) {
        memcpy(at, slice.data, slice.size);
    }
    at[slice.size] = '\0';
    texts->used += slice.size + 1;
    return at;
}

static bool read_message(struct bytes in, int version, struct texts *texts,
                         struct mqtt_property *properties, struct mqtt_message *out)
{
    struct mqtt_head head;
    struct mqtt_packet_publish packet;
    struct mqtt_wrong wrong;
    if (mqtt_get_head(&in, &head) != 0 || head.type != MQTT_PUBLISH ||
        head.size != bytes_left(&in) ||
        mqtt_get_publish(in, head.flags, version, &packet, &wrong) != 0) {
        return false;
    }
    const char *topic = keep(texts, packet.topic);
    if (topic == NULL) {
        return false;
    }
    *out = (struct mqtt_message){ .topic = topic,
                                  .topic_size = packet.topic.size,
                                  .payload = packet.payload.data,
                                  .size = packet.payload.size,
                                  .properties = properties };
    struct bytes rest = bytes_of(packet.properties.raw.data, packet.properties.raw.size);
    struct mqtt_slice name;
    struct mqtt_slice value;
    while (version == MQTT_VERSION_5 && out->property_count < MQTT_PROPERTIES_MAX &&
           mqtt_next_user(&rest, &name, &value)) {
        struct mqtt_property *property = &properties[out->property_count];
        property->name = keep(texts, name);
        property->value = keep(texts, value);
        if (property->name == NULL || property->value == NULL) {
            break;
        }
        out->property_count++;
    }
    return true;
}

bool mqtt_heard(const struct device *dev, const struct point *pt, struct bytes received,
                struct buf *out, struct sample *raw)
{
    const struct mqtt_device *device = mqtt_device_of(dev);
    const struct mqtt_address *address = driver_address(dev, (uint32_t)(pt - dev->points));
    const struct mqtt_client *client = device->broker != NULL ? device->broker->client : NULL;
    struct payload_field fields[PAYLOAD_FIELDS_MAX];
    struct mqtt_property properties[MQTT_PROPERTIES_MAX];
    struct texts texts = { .used = 0 };
    struct mqtt_message message;
    char rule[RULE_MAX];
    if (client == NULL || address->payload.kind == PAYLOAD_POINT_ROWS ||
        !read_message(received, mqtt_client_version(client), &texts, properties, &message) ||
        !is_of_point(device, address, message.topic)) {
        return false;
    }
    struct payload_message payload = { .body = message.payload, .size = message.size };
    payload.fields = fields;
    payload.field_count = mqtt_take_fields(&message, fields, &payload.encoding);
    str_format(rule, sizeof(rule), "%s %s", mqtt_point_options[address->payload.kind].key,
               address->payload.expression);
    const struct feed_heard what = {
        .dev = dev, .id = device->id, .point = &address->payload, .rule = rule
    };
    return feed_heard(device->state->feed, &what, &payload, out, raw);
}

const struct payload_point *mqtt_rule(const struct device *dev, uint32_t point_index)
{
    const struct mqtt_address *address = driver_address(dev, point_index);
    return address->payload.kind != PAYLOAD_POINT_ROWS ? &address->payload : NULL;
}

bool mqtt_body(const struct device *dev, struct bytes frame, struct bytes *body)
{
    const struct mqtt_device *device = mqtt_device_of(dev);
    const struct mqtt_client *client = device->broker != NULL ? device->broker->client : NULL;
    struct mqtt_property properties[MQTT_PROPERTIES_MAX];
    struct texts texts = { .used = 0 };
    struct mqtt_message message;
    if (client == NULL ||
        !read_message(frame, mqtt_client_version(client), &texts, properties, &message)) {
        return false;
    }
    *body = bytes_of(message.payload, message.size);
    return true;
}
