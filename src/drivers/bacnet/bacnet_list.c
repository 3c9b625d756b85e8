/* SPDX-License-Identifier: Apache-2.0 */
/* A device's list of objects: whole, or element by element when that is too much for the device. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_browse.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/wire/numbers.h"

static struct bacnet_object device_object(const struct bacnet_browsing *browsing)
{
    return (struct bacnet_object){ .type = BACNET_DEVICE,
                                   .instance = browsing->device->config.device };
}

void bacnet_list_add(struct bacnet_browsing *browsing, struct bacnet_object object)
{
    if (browsing->count == BACNET_BROWSE_OBJECTS_MAX) {
        browsing->more = true;
        return;
    }
    if (browsing->count == browsing->capacity) {
        browsing->capacity = browsing->capacity > 0 ? 2 * browsing->capacity : 256;
        browsing->objects = busbar_realloc(browsing->objects,
                                           browsing->capacity * sizeof(*browsing->objects));
    }
    browsing->objects[browsing->count++] = bacnet_object_number(object);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

void bacnet_list_sort(struct bacnet_browsing *browsing)
{
    size_t kept = 0;
    if (browsing->count == 0) {
        return;
    }
    qsort(browsing->objects, browsing->count, sizeof(*browsing->objects), compare);
    for (size_t i = 1; i < browsing->count; i++) {
        if (browsing->objects[i] != browsing->objects[kept]) {
            browsing->objects[++kept] = browsing->objects[i];
        }
    }
    browsing->count = kept + 1;
}

static void take_objects(struct bacnet_browsing *browsing, struct bytes value)
{
    struct bacnet_element element;
    while (bytes_left(&value) > 0 && bacnet_get_element(&value, &element) == 0) {
        if (element.primitive && element.value.type == BACNET_OBJECT) {
            bacnet_list_add(browsing, element.value.as.object);
        }
    }
}

/* ---- whole ---- */

static size_t list_items(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items)
{
    if (browsing->index > 0) {
        return 0;
    }
    browsing->index = 1;
    items[0] = (struct bacnet_fetch_item){ .object = device_object(browsing),
                                           .property = BACNET_PROP_OBJECT_LIST,
                                           .index = BACNET_INDEX_ALL };
    return 1;
}

static void list_got(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    browsing->list_refused = fetched->refused != 0;
    take_objects(browsing, fetched->value);
}

static const struct bacnet_browse_step *list_next(struct bacnet_browsing *browsing)
{
    browsing->index = 0;
    if (browsing->list_refused || browsing->count == 0) {
        return &bacnet_step_elements; /* a device has at least itself */
    }
    bacnet_list_sort(browsing);
    return &bacnet_step_views;
}

const struct bacnet_browse_step bacnet_step_list = {
    .items = list_items,
    .got = list_got,
    .next = list_next,
};

/* ---- by elements ---- */

static size_t element_items(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items)
{
    size_t count = 0;
    if (browsing->index > 0 && browsing->listed == 0) {
        return 0;
    }
    while (count < BACNET_BROWSE_ITEMS &&
           (browsing->index == 0 ? count == 0 : browsing->index <= browsing->listed)) {
        items[count++] = (struct bacnet_fetch_item){ .object = device_object(browsing),
                                                     .property = BACNET_PROP_OBJECT_LIST,
                                                     .index = browsing->index++ };
        if (browsing->index == 1) {
            break; /* how many there are comes first, alone */
        }
    }
    return count;
}

static void element_got(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    struct bytes value = fetched->value;
    struct bacnet_element element;
    if (fetched->index > 0) {
        take_objects(browsing, value);
        return;
    }
    if (fetched->refused == 0 && bacnet_get_element(&value, &element) == 0 && element.primitive &&
        element.value.type == BACNET_UNSIGNED) {
        browsing->more = element.value.as.number > BACNET_BROWSE_OBJECTS_MAX;
        browsing->listed = (uint32_t)(browsing->more ? (uint64_t)BACNET_BROWSE_OBJECTS_MAX
                                                     : element.value.as.number);
        return;
    }
    const char *words = bacnet_explain(fetched->refused);
    browsing->error = BUSBAR_EREFUSED;
    str_format(browsing->message, sizeof(browsing->message),
               "the device does not tell its list of objects: %s",
               words != NULL ? words : "it cannot be read");
}

static void element_round(struct bacnet_browsing *browsing)
{
    driver_browse_progress(browsing->browse, browsing->count, 0);
}

static const struct bacnet_browse_step *element_next(struct bacnet_browsing *browsing)
{
    bacnet_list_sort(browsing);
    return browsing->error == 0 ? &bacnet_step_views : NULL;
}

const struct bacnet_browse_step bacnet_step_elements = {
    .items = element_items,
    .got = element_got,
    .round = element_round,
    .next = element_next,
};
