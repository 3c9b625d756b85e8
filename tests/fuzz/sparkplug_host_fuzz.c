/* SPDX-License-Identifier: Apache-2.0 */
/* The host application: a row of messages, each with a byte of type, node and device, a byte of time, and a length. Held
 * messages are released once each, what is up and down is told in turn, metrics have names. */
#include <string.h>

#include "drivers/mqtt/sparkplug/host.h"
#include "payload_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
    int held;
};

static void on_link(void *ctx, struct sparkplug_place *place, bool up, const char *why)
{
    (void)ctx;
    check(place->up == up && why[0] != '\0');
    check((place->user != NULL) != up); /* in turn */
    place->user = up ? place : NULL;
}

static void on_metrics(void *ctx, void *token, struct sparkplug_place *place,
                       const struct sparkplug_metric *metrics, size_t count, bool birth)
{
    (void)ctx;
    (void)token;
    check(place->up);
    for (size_t i = 0; i < count; i++) {
        check(metrics[i].name != NULL && metrics[i].name_size > 0 && metrics[i].user != NULL);
        check(!birth || *metrics[i].user == NULL || *metrics[i].user == place);
        *metrics[i].user = place;
    }
}

static void on_released(void *ctx, void *token, bool lost)
{
    struct rig *rig = ctx;
    (void)token;
    (void)lost;
    check(rig->held-- > 0);
}

static void on_rebirth(void *ctx, const struct sparkplug_place *node, const char *why)
{
    (void)ctx;
    check(node->device[0] == '\0' && why[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sparkplug_host_calls calls = { on_link, on_metrics, on_released,
                                                       on_rebirth };
    struct rig rig = { 0 };
    struct bytes in = bytes_of(data, size);
    struct sparkplug_host *host = sparkplug_host_new(&calls, &rig, NULL);
    int64_t now_us = 1000000;
    while (bytes_left(&in) >= 3) {
        struct sparkplug_topic topic = { .group = "g", .node = "n", .device = "" };
        struct err err = { 0 };
        uint8_t head = bytes_get_u8(&in);
        uint8_t wait = bytes_get_u8(&in);
        size_t length = bytes_get_u8(&in);
        length = length < bytes_left(&in) ? length : bytes_left(&in);
        struct bytes payload = bytes_dup(bytes_get_block(&in, length), length);
        topic.type = (enum sparkplug_type)(head % 6);
        topic.node[0] = (char)('a' + (head >> 3) % 3);
        if (topic.type == SPARKPLUG_DBIRTH || topic.type == SPARKPLUG_DDEATH ||
            topic.type == SPARKPLUG_DDATA) {
            topic.device[0] = (char)('0' + (head >> 5) % 3);
        }
        now_us += (int64_t)wait * 50000;
        int taken = sparkplug_host_take(host, &topic, payload, now_us, NULL, &err);
        check(taken >= 0 || err.message[0] != '\0');
        rig.held += taken == SPARKPLUG_HELD;
        bytes_fini(&payload);
        sparkplug_host_tick(host, now_us);
        check(sparkplug_host_due(host) > now_us);
        if (head == 0xff && wait == 0xff) {
            sparkplug_host_disconnected(host);
            check(rig.held == 0);
        }
    }
    struct sparkplug_counts counts;
    sparkplug_host_counts(host, &counts);
    check(counts.held == (size_t)rig.held);
    sparkplug_host_free(host);
    check(rig.held == 0);
    return 0;
}
