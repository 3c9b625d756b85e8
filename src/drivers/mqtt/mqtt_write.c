/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: a template is filled in and published, once. QoS 1 and 2 are done when the broker has it; whether the device took
 * it is told by its next message, which the host waits for. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_driver.h"
#include "drivers/mqtt/mqtt_sparkplug.h"
#include "payload/template.h"

enum { PAYLOAD_MAX = 64 * 1024, NOTE_MAX = 512, REFUSED_FROM = 0x80 };

struct write {
    struct list link; /* device->write_list */
    struct mqtt_device *device;
    struct request *req;
    size_t open; /* messages that the broker has not taken yet */
    int error;
    uint16_t detail;
    bool sending;
    struct loop_deferred done;
};

static void finish(void *ctx)
{
    struct write *write = ctx;
    struct device *dev = write->device->dev;
    struct request *req = write->req;
    int error = write->error;
    if (error == BUSBAR_EREFUSED) {
        req->samples[0].detail = write->detail;
    }
    list_remove(&write->link);
    loop_defer_cancel(&write->done);
    busbar_free(write);
    driver_done(dev, req, error);
}

static void on_published(void *ctx, int error, uint8_t code)
{
    struct write *write = ctx;
    write->open--;
    if (error == 0 && code >= REFUSED_FROM) {
        error = BUSBAR_EREFUSED;
        write->detail = code;
    }
    write->error = write->error != 0 ? write->error : error;
    if (write->open == 0 && !write->sending) {
        loop_defer(write->device->state->loop, &write->done);
    }
}

static void fill_facts(const struct mqtt_device *device, const struct request *req, size_t i,
                       struct payload_template_facts *facts)
{
    const struct sample *sample = &req->samples[i];
    const struct mqtt_address *address = driver_address(device->dev, req->points[i]);
    *facts = (struct payload_template_facts){ .id = device->id,
                                              .device = device->dev->name,
                                              .point = device->dev->points[req->points[i]].name,
                                              .time_us = clock_wall_us(),
                                              .type = sample->type,
                                              .value = sample->value };
    if (sample->type == VALUE_DOUBLE && address->value_type == VALUE_INT) {
        facts->type = VALUE_INT;
        facts->value.i = (int64_t)llround(sample->value.d);
    }
}

static void note(const struct mqtt_device *device, const char *topic, const struct buf *payload)
{
    char words[NOTE_MAX];
    size_t size = str_format(words, sizeof(words), "PUBLISH %s%s%s", topic,
                             payload != NULL ? ": " : "", payload != NULL ? buf_text(payload) : "");
    driver_note(device->dev, true, words, size);
}

/* What is sent of a point with a template, and where. */
static int fill(const struct write *write, size_t i, struct buf *topic, struct buf *payload)
{
    const struct mqtt_device *device = write->device;
    const struct mqtt_address *address = driver_address(device->dev, write->req->points[i]);
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    char text[MQTT_TOPIC_TEXT_MAX + 1];
    const struct mqtt_topic_names names = mqtt_device_names(device->dev, &device->config, base);
    struct payload_template_facts facts;
    int error = mqtt_topics_one(address->send_topic, &names, text, NULL);
    fill_facts(device, write->req, i, &facts);
    error = error == 0 ? buf_append_text(topic, text) : error;
    return error == 0 ? payload_template_print(address->send, &facts, payload, NULL) : error;
}

static int send(struct write *write, size_t i)
{
    const struct mqtt_device *device = write->device;
    const struct mqtt_address *address = driver_address(device->dev, write->req->points[i]);
    struct buf topic;
    struct buf payload;
    buf_init(&topic, MQTT_TOPIC_TEXT_MAX);
    buf_init(&payload, PAYLOAD_MAX);
    int error = device->spark != NULL
                    ? mqtt_sparkplug_command(device, address->metric, &write->req->samples[i],
                                             &topic, &payload, &write->detail)
                    : fill(write, i, &topic, &payload);
    if (error == 0) {
        const struct mqtt_publish message = { .topic = buf_text(&topic),
                                              .payload = payload.data,
                                              .size = payload.size,
                                              .qos = device->spark != NULL ? 0 : address->send_qos,
                                              .retain = address->send_retain };
        error = mqtt_client_publish(device->broker->client, &message, on_published, write);
    }
    if (error == 0) {
        write->open++;
        note(device, buf_text(&topic), device->spark != NULL ? NULL : &payload);
    }
    buf_fini(&topic);
    buf_fini(&payload);
    return error;
}

void mqtt_write(struct mqtt_device *device, struct request *req)
{
    struct write *write = busbar_alloc(sizeof(*write));
    bool up = device->broker != NULL && device->broker->up && device->broker->client != NULL;
    write->device = device;
    write->req = req;
    write->sending = true;
    loop_deferred_init(&write->done, finish, write);
    list_append(&device->write_list, &write->link);
    write->error = up ? 0 : BUSBAR_ENOTCONN;
    for (size_t i = 0; write->error == 0 && i < req->count; i++) {
        write->error = send(write, i);
    }
    write->sending = false;
    if (write->open == 0) {
        loop_defer(device->state->loop, &write->done);
    }
}

static void end(struct write *write, int error)
{
    const struct mqtt_broker *broker = write->device->broker;
    if (broker != NULL && broker->client != NULL) {
        mqtt_client_forget(broker->client, write);
    }
    write->error = error;
    finish(write);
}

void mqtt_write_cancel(struct mqtt_device *device, struct request *req)
{
    list_each(at, &device->write_list) {
        struct write *write = list_entry(at, struct write, link);
        if (write->req == req) {
            end(write, BUSBAR_ETIMEOUT);
            return;
        }
    }
}

void mqtt_writes_stop(struct mqtt_device *device)
{
    while (!list_empty(&device->write_list)) {
        end(list_entry(device->write_list.next, struct write, link), BUSBAR_ECANCELED);
    }
}
