/* SPDX-License-Identifier: Apache-2.0 */
/* What others send to a broker, heard by a discovery: announcements, JSON and plain values of any topic become proposals for
 * devices and points. Input: lines "topic<TAB>payload"; "\x01" at the beginning of a line: retained. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_propose.h"

enum { TOPIC_MAX = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void on_point(void *ctx, const struct mqtt_point_proposal *point)
{
    size_t *count = ctx;
    (*count)++;
    check(point->name[0] != '\0' && strlen(point->name) <= POINT_NAME_MAX);
    check(strpbrk(point->name, "/ \"\n") == NULL);
    check(point->settings[0] == '{' && str_ends(point->settings, "}"));
    check(strchr(point->settings, '\n') == NULL);
}

static void on_device(void *ctx, const struct mqtt_proposal *proposal)
{
    const struct mqtt_seen *seen = ctx;
    size_t points = 0;
    check((proposal->topics == NULL) != (proposal->sparkplug == NULL));
    check(proposal->name[0] != '\0');
    if (proposal->topics != NULL) {
        mqtt_propose_points(seen, proposal->topics, "tele", on_point, &points);
    }
}

static void add_line(struct mqtt_seen *seen, const uint8_t *line, size_t size)
{
    char topic[TOPIC_MAX];
    bool retained = size > 0 && line[0] == 1;
    const uint8_t *from = retained ? line + 1 : line;
    size_t left = retained ? size - 1 : size;
    const uint8_t *tab = left > 0 ? memchr(from, '\t', left) : NULL;
    size_t length = tab != NULL ? (size_t)(tab - from) : left;
    str_format(topic, sizeof(topic), "%.*s", (int)(length < TOPIC_MAX ? length : 0),
               (const char *)from);
    if (mqtt_topic_wrong(topic) != NULL || !str_is_utf8(topic, strlen(topic))) {
        return; /* the client lets no such topic in */
    }
    size_t rest = tab != NULL ? left - length - 1 : 0;
    uint8_t *exact = rest > 0 ? busbar_alloc(rest) : NULL;
    if (rest > 0) {
        memcpy(exact, tab + 1, rest);
    }
    mqtt_seen_add(seen, topic, exact, rest, retained);
    busbar_free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_seen seen;
    struct mqtt_seen copy;
    mqtt_seen_init(&seen);
    mqtt_seen_init(&copy);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        add_line(&seen, data, length);
        data += length + (end != NULL ? 1 : 0);
        size -= length + (end != NULL ? 1 : 0);
    }
    mqtt_propose_devices(&seen, on_device, &seen);
    mqtt_seen_copy(&copy, &seen, "#");
    check(copy.topics.count <= seen.topics.count && copy.entity_count == seen.entity_count);
    mqtt_seen_fini(&seen);
    mqtt_seen_fini(&copy);
    return 0;
}
