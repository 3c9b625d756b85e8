/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_browse.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_look.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/numbers.h"

enum {
    LOOKS = BACNET_BROWSE_ITEMS / BACNET_LOOK_ITEMS, /* objects in one round */
    ARENA_MAX = 8 << 20,                             /* bytes of texts in one round */
    SUBSCRIBE_COV_PLACE = 5, /* in Protocol_Services_Supported (clause 21) */
};

struct bacnet_browses {
    struct list all; /* struct bacnet_browsing */
};

/* ---- the end ---- */

static void looks_fini(struct bacnet_browsing *browsing)
{
    for (size_t i = 0; i < browsing->looking; i++) {
        bacnet_look_fini(&browsing->looks[i]);
    }
    browsing->looking = 0;
    arena_fini(&browsing->arena);
}

static void finish(struct bacnet_browsing *browsing, int error, const char *message)
{
    struct driver_browse *browse = browsing->browse;
    struct bacnet_browses *browses = browsing->device->browses;
    bacnet_fetch_stop(&browsing->fetch);
    loop_defer_cancel(&browsing->stopping);
    list_remove(&browsing->link);
    looks_fini(browsing);
    bacnet_views_free(browsing->views);
    bacnet_properties_free(browsing->properties);
    busbar_free(browsing->looks);
    busbar_free(browsing->objects);
    if (list_empty(&browses->all)) {
        browsing->device->browses = NULL;
        busbar_free(browses);
    }
    driver_browsed(browse, error, message);
    busbar_free(browsing);
}

static void finish_silent(struct bacnet_browsing *browsing, const struct bacnet_answer *answer)
{
    struct buf words;
    int error = BUSBAR_ETIMEOUT;
    switch (answer->outcome) {
    case BACNET_NO_ROUTE: error = BUSBAR_EROUTE; break;
    case BACNET_UNSENT: error = answer->error; break;
    case BACNET_CANCELED: error = BUSBAR_ECANCELED; break;
    default: break;
    }
    buf_init(&words, ERR_MESSAGE_MAX);
    bacnet_link_words(browsing->device, answer, &words);
    finish(browsing, error, buf_text(&words));
    buf_fini(&words);
}

static void finish_whole(struct bacnet_browsing *browsing)
{
    if (browsing->more && browsing->error == 0) {
        str_format(browsing->message, sizeof(browsing->message),
                   "the device has more objects than the %d that are told here",
                   BACNET_BROWSE_OBJECTS_MAX);
    }
    finish(browsing, browsing->error, browsing->message[0] != '\0' ? browsing->message : NULL);
}

/* ---- step by step ---- */

static void go_on(struct bacnet_browsing *browsing)
{
    while (browsing->step != NULL) {
        size_t count = browsing->step->items(browsing, browsing->items);
        if (count > 0) {
            browsing->inside = false;
            bacnet_fetch_start(&browsing->fetch, browsing->items, count);
            return;
        }
        browsing->step = browsing->step->next(browsing);
    }
    finish_whole(browsing);
}

static void got(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_browsing *browsing = fetch->user;
    browsing->inside = true;
    browsing->step->got(browsing, fetched);
    browsing->inside = false;
}

static void fetched_all(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    struct bacnet_browsing *browsing = fetch->user;
    if (answer != NULL) {
        finish_silent(browsing, answer);
        return;
    }
    browsing->inside = true;
    if (browsing->step->round != NULL) {
        browsing->step->round(browsing);
    }
    go_on(browsing);
}

static const struct bacnet_fetch_ops fetch_ops = { .got = got, .done = fetched_all };

static void stop_deferred(void *ctx)
{
    finish(ctx, BUSBAR_ECANCELED, NULL);
}

/* ---- objects ---- */

static size_t object_items(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items)
{
    size_t count = 0;
    if (browsing->looks == NULL) {
        browsing->looks = busbar_alloc_array(LOOKS, sizeof(*browsing->looks));
    }
    while (browsing->at < browsing->count && browsing->looking < LOOKS) {
        struct bacnet_object object = bacnet_object_of(browsing->objects[browsing->at++]);
        if (object.type != BACNET_STRUCTURED_VIEW) {
            bacnet_look_init(&browsing->looks[browsing->looking++], object, &browsing->arena);
            count += bacnet_look_items(object, items + count);
        }
    }
    return count;
}

static void object_got(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    struct bacnet_object object = browsing->items[fetched->item].object;
    for (size_t i = 0; i < browsing->looking; i++) {
        if (bacnet_object_equal(browsing->looks[i].object, object)) {
            bacnet_look_take(&browsing->looks[i], fetched);
            return;
        }
    }
}

/* "Analog inputs" of analog-input. */
static void plural(uint16_t type, char *to, size_t size)
{
    const char *name = bacnet_name(BACNET_LIST_OBJECT_TYPES, type);
    if (name == NULL) {
        str_format(to, size, "Objects of type %u", type);
        return;
    }
    str_format(to, size, "%s%s", name, str_ends(name, "s") ? "es" : "s");
    to[0] = (char)toupper((unsigned char)to[0]);
    for (char *at = to; *at != '\0'; at++) {
        *at = *at == '-' ? ' ' : *at;
    }
}

static void tell_group(struct bacnet_browsing *browsing, uint16_t type, const char *id)
{
    char name[BACNET_NAME_TEXT_MAX];
    if (browsing->group == type) {
        return;
    }
    plural(type, name, sizeof(name));
    struct driver_node node = { .id = id, .parent = "", .kind = "group", .name = name };
    browsing->group = type;
    driver_node(browsing->browse, &node);
}

static void tell_object(struct bacnet_browsing *browsing, const struct bacnet_look *look, bool cov)
{
    char parent[BACNET_OBJECT_TEXT_MAX];
    uint32_t number = bacnet_object_number(look->object);
    uint32_t view = bacnet_views_parent(browsing, number);
    if (view != UINT32_MAX) {
        bacnet_format_object(parent, sizeof(parent), bacnet_object_of(view));
    } else {
        bacnet_format_name(parent, sizeof(parent), BACNET_LIST_OBJECT_TYPES, look->object.type);
        tell_group(browsing, look->object.type, parent);
    }
    bacnet_look_tell(look, browsing->browse, parent, bacnet_views_log(browsing, number), cov);
}

static void object_round(struct bacnet_browsing *browsing)
{
    bool cov = bacnet_device_knows(browsing->device, SUBSCRIBE_COV_PLACE) &&
               !browsing->device->learnt.no_cov;
    for (size_t i = 0; i < browsing->looking; i++) {
        tell_object(browsing, &browsing->looks[i], cov);
    }
    looks_fini(browsing);
    driver_browse_progress(browsing->browse, browsing->at, browsing->count);
}

static const struct bacnet_browse_step *object_next(struct bacnet_browsing *browsing)
{
    (void)browsing;
    return NULL;
}

const struct bacnet_browse_step bacnet_step_objects = {
    .items = object_items,
    .got = object_got,
    .round = object_round,
    .next = object_next,
};

/* ---- calls ---- */

static const struct bacnet_browse_step *first_step(struct bacnet_browsing *browsing, const char *at,
                                                   struct err *err)
{
    struct bacnet_object object;
    if (at[0] == '\0') {
        return &bacnet_step_list;
    }
    if (bacnet_parse_object(at, &object, NULL) != 0) {
        err_set(err, BUSBAR_ENOENT,
                "'%.80s' is no object of the device: look at one as analog-input:1", at);
        return NULL;
    }
    bacnet_properties_begin(browsing, object);
    return &bacnet_step_all;
}

void bacnet_browse_begin(struct bacnet_device *device, struct driver_browse *browse)
{
    struct bacnet_peer *peer = bacnet_device_peer(device->dev);
    const char *at = driver_browse_at(browse);
    struct err err = { 0 };
    if (peer == NULL) {
        struct bacnet_network *network = bacnet_device_network(device->dev);
        driver_browsed(browse, BUSBAR_ENOTCONN,
                       network != NULL && network->trouble.code != 0
                           ? network->trouble.message
                           : "the device's BACnet network is not open");
        return;
    }
    struct bacnet_browsing *browsing = busbar_alloc(sizeof(*browsing));
    browsing->device = device;
    browsing->browse = browse;
    browsing->group = UINT32_MAX;
    arena_init(&browsing->arena, ARENA_MAX);
    browsing->step = first_step(browsing, at, &err);
    if (browsing->step == NULL) {
        busbar_free(browsing);
        driver_browsed(browse, err.code, err.message);
        return;
    }
    if (device->browses == NULL) {
        device->browses = busbar_alloc(sizeof(*device->browses));
        list_init(&device->browses->all);
    }
    list_append(&device->browses->all, &browsing->link);
    loop_deferred_init(&browsing->stopping, stop_deferred, browsing);
    bacnet_fetch_init(&browsing->fetch, &fetch_ops, browsing, peer);
    browsing->fetch.timeout_us = device->config.timeout_us;
    browsing->fetch.retries = device->config.retries;
    browsing->fetch.no_multiple = device->learnt.no_multiple;
    go_on(browsing);
}

void bacnet_browse_end(struct bacnet_device *device, struct driver_browse *browse)
{
    if (device->browses == NULL) {
        return;
    }
    list_each(at, &device->browses->all) {
        struct bacnet_browsing *browsing = list_entry(at, struct bacnet_browsing, link);
        if (browsing->browse != browse) {
            continue;
        }
        if (browsing->inside) {
            loop_defer(device->loop, &browsing->stopping);
        } else {
            finish(browsing, BUSBAR_ECANCELED, NULL);
        }
        return;
    }
}

void bacnet_browse_stop_all(struct bacnet_device *device)
{
    while (device->browses != NULL) {
        struct list *first = device->browses->all.next;
        finish(list_entry(first, struct bacnet_browsing, link), BUSBAR_ECANCELED, NULL);
    }
}
