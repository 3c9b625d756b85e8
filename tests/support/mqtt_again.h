/* SPDX-License-Identifier: Apache-2.0 */
/* A packet got and put again: for tests of the codec and its fuzzer. */
#ifndef BUSBAR_TESTS_SUPPORT_MQTT_AGAIN_H
#define BUSBAR_TESTS_SUPPORT_MQTT_AGAIN_H

#include "base/err.h"
#include "drivers/mqtt/mqtt_packet.h"

enum { MQTT_AGAIN_ROWS = 512 };

static inline int mqtt_again_rows(struct bytes body, uint8_t type, int version, struct buf *out,
                                  struct mqtt_wrong *wrong)
{
    struct mqtt_packet_subscribe packet;
    struct mqtt_filter_row rows[MQTT_AGAIN_ROWS];
    size_t count = 0;
    bool asks = type == MQTT_SUBSCRIBE;
    int error = asks ? mqtt_get_subscribe(body, version, &packet, wrong)
                     : mqtt_get_unsubscribe(body, version, &packet, wrong);
    if (error != 0 || packet.count > MQTT_AGAIN_ROWS) {
        return BUSBAR_EPROTO;
    }
    while (mqtt_next_filter(&packet.rows, asks, &rows[count])) {
        count++;
    }
    assert(count == packet.count);
    return asks ? mqtt_put_subscribe(out, version, packet.id, &packet.properties, rows, count)
                : mqtt_put_unsubscribe(out, version, packet.id, &packet.properties, rows, count);
}

/* 0, or BUSBAR_EPROTO with why. */
static inline int mqtt_again(struct bytes body, const struct mqtt_head *head, int version,
                             struct buf *out, struct mqtt_wrong *wrong)
{
    union {
        struct mqtt_packet_connect connect;
        struct mqtt_packet_connack connack;
        struct mqtt_packet_publish publish;
        struct mqtt_packet_ack ack;
        struct mqtt_packet_suback suback;
        struct mqtt_packet_end end;
    } p;
    int error;
    switch (head->type) {
    case MQTT_CONNECT:
        error = mqtt_get_connect(body, &p.connect, wrong);
        if (error == 0 && p.connect.version != MQTT_VERSION_5 &&
            p.connect.version != MQTT_VERSION_3_1_1) {
            return BUSBAR_EPROTO;
        }
        return error == 0 ? mqtt_put_connect(out, &p.connect) : error;
    case MQTT_CONNACK:
        error = mqtt_get_connack(body, version, &p.connack, wrong);
        return error == 0 ? mqtt_put_connack(out, version, &p.connack) : error;
    case MQTT_PUBLISH:
        error = mqtt_get_publish(body, head->flags, version, &p.publish, wrong);
        return error == 0 ? mqtt_put_publish(out, version, &p.publish) : error;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE: return mqtt_again_rows(body, head->type, version, out, wrong);
    case MQTT_SUBACK:
        error = mqtt_get_suback(body, version, &p.suback, wrong);
        return error == 0 ? mqtt_put_suback(out, version, &p.suback) : error;
    case MQTT_UNSUBACK:
        error = mqtt_get_unsuback(body, version, &p.suback, wrong);
        return error == 0 ? mqtt_put_unsuback(out, version, &p.suback) : error;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP: return mqtt_put_ping(out, head->type);
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        error = mqtt_get_end(body, head->type, version, &p.end, wrong);
        return error == 0 ? mqtt_put_end(out, head->type, version, &p.end) : error;
    default:
        error = mqtt_get_ack(body, head->type, version, &p.ack, wrong);
        return error == 0 ? mqtt_put_ack(out, version, &p.ack) : error;
    }
}

#endif
