/* SPDX-License-Identifier: Apache-2.0 */
/* Which trend log logs which point, for `trend_log: auto`: the device's list of objects, and of each of its trend
 * logs what it logs. */
#include "base/alloc.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_trend.h"
#include "drivers/bacnet/service/reference.h"
#include "drivers/bacnet/wire/numbers.h"

static void find_next(struct bacnet_trends *trends);

void bacnet_trend_link_point(struct bacnet_trends *trends, uint32_t log, uint8_t member,
                             uint32_t point)
{
    struct bacnet_object object = bacnet_object_of(log);
    size_t at = 0;
    while (at < trends->log_count && !bacnet_object_equal(trends->logs[at].object, object)) {
        at++;
    }
    if (at == BACNET_TREND_LOGS_MAX) {
        return;
    }
    if (at == trends->log_count) {
        trends->logs = busbar_realloc(trends->logs,
                                      (trends->log_count + 1) * sizeof(*trends->logs));
        trends->logs[trends->log_count++] = (struct bacnet_trend_log){ .object = object };
    }
    struct bacnet_trend_log *its = &trends->logs[at];
    for (size_t i = 0; i < its->link_count; i++) {
        if (its->links[i].point == point && its->links[i].member == member) {
            return; /* a device may list a log twice, or say twice what it logs */
        }
    }
    its->links = busbar_realloc(its->links, (its->link_count + 1) * sizeof(*its->links));
    its->links[its->link_count++] = (struct bacnet_trend_link){ .point = point, .member = member };
}

static void add_object(struct bacnet_trends *trends, struct bacnet_object object)
{
    if (object.type != BACNET_TREND_LOG && object.type != BACNET_TREND_LOG_MULTIPLE) {
        return;
    }
    if (trends->object_count == BACNET_TREND_LOGS_MAX) {
        return;
    }
    if (trends->objects == NULL) {
        trends->objects = busbar_alloc_array(BACNET_TREND_LOGS_MAX, sizeof(*trends->objects));
    }
    trends->objects[trends->object_count++] = bacnet_object_number(object);
}

static void take_list(struct bacnet_trends *trends, const struct bacnet_fetched *fetched)
{
    struct bytes value = fetched->value;
    struct bacnet_element element;
    if (fetched->refused != 0) {
        if (fetched->index == BACNET_INDEX_ALL) {
            trends->listed = UINT32_MAX; /* element by element, then */
        }
        return;
    }
    while (bytes_left(&value) > 0 && bacnet_get_element(&value, &element) == 0) {
        if (element.primitive && element.value.type == BACNET_OBJECT) {
            add_object(trends, element.value.as.object);
        } else if (fetched->index == 0 && element.primitive &&
                   element.value.type == BACNET_UNSIGNED) {
            uint64_t count = element.value.as.number;
            trends->listed = count < BACNET_TREND_OBJECTS_MAX ? (uint32_t)count
                                                              : BACNET_TREND_OBJECTS_MAX;
        }
    }
}

/* Points with `auto` whose property is this one. */
static void link_reference(struct bacnet_trends *trends, uint32_t log, uint8_t member,
                           const struct bacnet_reference *reference)
{
    const struct bacnet_device *device = trends->device;
    const struct bacnet_target *targets = bacnet_targets(device);
    size_t from;
    size_t to;
    if (reference->device != BACNET_INSTANCE_MAX && reference->device != device->config.device) {
        return;
    }
    bacnet_points_of(device, bacnet_object_number(reference->object), reference->property, &from,
                     &to);
    for (; from < to; from++) {
        uint32_t point = device->by_target[from];
        if ((targets[point].flags & BACNET_TARGET_LOG_AUTO) != 0 &&
            targets[point].index == reference->index) {
            bacnet_trend_link_point(trends, log, member, point);
        }
    }
}

static void got(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_trends *trends = fetch->user;
    struct bacnet_reference reference;
    struct bytes value = fetched->value;
    struct bacnet_object object = trends->items[fetched->item].object;
    unsigned member = 0;
    if (fetched->property == BACNET_PROP_OBJECT_LIST) {
        take_list(trends, fetched);
        return;
    }
    while (bytes_left(&value) > 0 && member < UINT8_MAX &&
           bacnet_get_reference(&value, &reference) == 0) {
        member++;
        link_reference(trends, bacnet_object_number(object),
                       object.type == BACNET_TREND_LOG ? 0 : (uint8_t)member, &reference);
    }
}

static void done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    struct bacnet_trends *trends = fetch->user;
    if (answer != NULL) {
        bacnet_trend_found(trends, answer);
        return;
    }
    find_next(trends);
}

static const struct bacnet_fetch_ops ops = { .got = got, .done = done };

static void put_item(struct bacnet_trends *trends, size_t at, struct bacnet_object object,
                     uint32_t property, uint32_t index)
{
    trends->items[at] = (struct bacnet_fetch_item){
        .object = object,
        .property = property,
        .index = index,
    };
}

/* The list whole; when that is refused, how many there are, then one by one; then what the logs log. */
static void find_next(struct bacnet_trends *trends)
{
    struct bacnet_object self = { .type = BACNET_DEVICE,
                                  .instance = trends->device->config.device };
    size_t count = 0;
    if (trends->listed == UINT32_MAX && trends->index == 1) {
        trends->listed = 0;
        put_item(trends, count++, self, BACNET_PROP_OBJECT_LIST, 0);
    } else if (trends->index == 0) {
        trends->index = 1;
        put_item(trends, count++, self, BACNET_PROP_OBJECT_LIST, BACNET_INDEX_ALL);
    }
    while (count == 0 || (count < BACNET_FETCH_AT_ONCE && trends->index > 1)) {
        if (trends->index > trends->listed) {
            break;
        }
        put_item(trends, count++, self, BACNET_PROP_OBJECT_LIST, trends->index++);
    }
    while (count == 0 || (count < BACNET_FETCH_AT_ONCE && trends->object_at > 0)) {
        if (trends->object_at == trends->object_count) {
            break;
        }
        put_item(trends, count++, bacnet_object_of(trends->objects[trends->object_at++]),
                 BACNET_PROP_LOG_DEVICE_OBJECT_PROPERTY, BACNET_INDEX_ALL);
    }
    if (count == 0) {
        bacnet_trend_found(trends, NULL);
        return;
    }
    bacnet_fetch_start(&trends->fetch, trends->items, count);
}

void bacnet_trend_find(struct bacnet_trends *trends)
{
    trends->fetch.ops = &ops;
    trends->index = 0;
    trends->listed = 0;
    trends->object_count = trends->object_at = 0;
    find_next(trends);
}
