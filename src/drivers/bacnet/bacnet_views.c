/* SPDX-License-Identifier: Apache-2.0 */
/* What orders the objects of a device: its structured views (clause 12.29), which make a tree, and its trend
 * logs, which say whose past they hold. */
#include "base/alloc.h"
#include "base/map.h"
#include "drivers/bacnet/bacnet_browse.h"
#include "drivers/bacnet/bacnet_look.h"
#include "drivers/bacnet/service/reference.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/text.h"

enum {
    VIEWS_MAX = 2000,
    VIEW_PROPERTIES = 3,
    DEPTH_MAX = 32,          /* of views in one another */
    MEMBERS_MAX = 100000,    /* of all views together */
    VIEW_ARENA_MAX = 1 << 20 /* bytes of their texts */
};

struct view {
    uint32_t number;
    const char *name, *description;
    bool told;
};

struct bacnet_views {
    struct view *views;
    size_t count, at;
    struct arena arena;
    struct map64 parents; /* object -> its view's place + 1 */
    struct map64 logs;    /* object -> text in the arena */
    size_t log_at;        /* next object to be looked at */
};

static struct bacnet_views *views_new(const struct bacnet_browsing *browsing)
{
    struct bacnet_views *views = busbar_alloc(sizeof(*views));
    *views = (struct bacnet_views){ .count = 0 };
    arena_init(&views->arena, VIEW_ARENA_MAX);
    map64_init(&views->parents);
    map64_init(&views->logs);
    for (size_t i = 0; i < browsing->count && views->count < VIEWS_MAX; i++) {
        views->count += bacnet_object_of(browsing->objects[i]).type == BACNET_STRUCTURED_VIEW;
    }
    views->views = busbar_alloc_array(views->count + 1, sizeof(*views->views));
    views->count = 0;
    for (size_t i = 0; i < browsing->count && views->count < VIEWS_MAX; i++) {
        if (bacnet_object_of(browsing->objects[i]).type == BACNET_STRUCTURED_VIEW) {
            views->views[views->count++].number = browsing->objects[i];
        }
    }
    return views;
}

void bacnet_views_free(struct bacnet_views *views)
{
    if (views == NULL) {
        return;
    }
    map64_fini(&views->parents);
    map64_fini(&views->logs);
    arena_fini(&views->arena);
    busbar_free(views->views);
    busbar_free(views);
}

/* ---- views ---- */

static size_t view_items(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items)
{
    static const uint32_t wanted[VIEW_PROPERTIES] = { BACNET_PROP_OBJECT_NAME,
                                                      BACNET_PROP_DESCRIPTION,
                                                      BACNET_PROP_SUBORDINATE_LIST };
    size_t count = 0;
    if (browsing->views == NULL) {
        browsing->views = views_new(browsing);
    }
    struct bacnet_views *views = browsing->views;
    for (; views->at < views->count && count + VIEW_PROPERTIES <= BACNET_BROWSE_ITEMS;
         views->at++) {
        for (size_t i = 0; i < VIEW_PROPERTIES; i++) {
            items[count++] = (struct bacnet_fetch_item){
                .object = bacnet_object_of(views->views[views->at].number),
                .property = wanted[i],
                .index = BACNET_INDEX_ALL,
            };
        }
    }
    return count;
}

static const char *keep(struct bacnet_views *views, struct bytes value)
{
    struct bacnet_element element;
    struct buf text;
    const char *kept = NULL;
    if (bacnet_get_element(&value, &element) == 0 && element.primitive &&
        element.value.type == BACNET_CHARACTERS) {
        buf_init(&text, BACNET_LOOK_TEXT_MAX);
        (void)bacnet_print_characters(&element.value, &text);
        kept = arena_strdup(&views->arena, buf_text(&text));
        buf_fini(&text);
    }
    return kept;
}

/* List of BACnetDeviceObjectReference: [0 device], 1 object. */
static void take_members(const struct bacnet_browsing *browsing, struct bacnet_views *views,
                         size_t place, struct bytes value)
{
    while (bytes_left(&value) > 0) {
        uint32_t device = browsing->device->config.device;
        if (bacnet_next_is(&value, 0)) {
            device = bacnet_get_object(&value, 0).instance;
        }
        struct bacnet_object object = bacnet_get_object(&value, 1);
        uint64_t number = bacnet_object_number(object);
        if (bytes_short(&value) || views->parents.count == MEMBERS_MAX) {
            return;
        }
        if (device == browsing->device->config.device && number != views->views[place].number &&
            map64_get(&views->parents, number) == NULL) {
            map64_set(&views->parents, number, &views->views[place]);
        }
    }
}

static size_t place_of(const struct bacnet_views *views, uint32_t number)
{
    for (size_t i = 0; i < views->count; i++) {
        if (views->views[i].number == number) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void view_got(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    struct bacnet_views *views = browsing->views;
    uint32_t number = bacnet_object_number(browsing->items[fetched->item].object);
    size_t place = place_of(views, number);
    if (fetched->refused != 0 || place == SIZE_MAX) {
        return;
    }
    switch (fetched->property) {
    case BACNET_PROP_OBJECT_NAME: views->views[place].name = keep(views, fetched->value); break;
    case BACNET_PROP_DESCRIPTION:
        views->views[place].description = keep(views, fetched->value);
        break;
    default: take_members(browsing, views, place, fetched->value); break;
    }
}

static const struct view *view_of(const struct bacnet_views *views, uint32_t object)
{
    return views != NULL ? map64_get(&views->parents, object) : NULL;
}

uint32_t bacnet_views_parent(const struct bacnet_browsing *browsing, uint32_t object)
{
    const struct view *view = view_of(browsing->views, object);
    return view != NULL ? view->number : UINT32_MAX;
}

static void tell_view(struct bacnet_browsing *browsing, struct view *view)
{
    char id[BACNET_OBJECT_TEXT_MAX];
    char parent[BACNET_OBJECT_TEXT_MAX] = "";
    const struct view *above = view_of(browsing->views, view->number);
    bacnet_format_object(id, sizeof(id), bacnet_object_of(view->number));
    if (above != NULL && above->told) {
        bacnet_format_object(parent, sizeof(parent), bacnet_object_of(above->number));
    }
    struct driver_node node = {
        .id = id,
        .parent = parent,
        .kind = "view",
        .name = view->name != NULL ? view->name : id,
        .description = view->description,
    };
    view->told = true;
    driver_node(browsing->browse, &node);
}

/* Those above first; views that contain one another stand at the root. */
void bacnet_views_tell(struct bacnet_browsing *browsing)
{
    struct bacnet_views *views = browsing->views;
    for (size_t i = 0; i < views->count; i++) {
        struct view *way[DEPTH_MAX];
        size_t depth = 0;
        struct view *at = &views->views[i];
        while (at != NULL && !at->told && depth < DEPTH_MAX) {
            way[depth++] = at;
            at = map64_get(&views->parents, at->number);
        }
        while (depth > 0) {
            if (!way[--depth]->told) {
                tell_view(browsing, way[depth]);
            }
        }
    }
}

static const struct bacnet_browse_step *view_next(struct bacnet_browsing *browsing)
{
    bacnet_views_tell(browsing);
    return &bacnet_step_logs;
}

const struct bacnet_browse_step bacnet_step_views = {
    .items = view_items,
    .got = view_got,
    .next = view_next,
};

/* ---- trend logs ---- */

static size_t log_items(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items)
{
    struct bacnet_views *views = browsing->views;
    size_t count = 0;
    for (; views->log_at < browsing->count && count < BACNET_BROWSE_ITEMS; views->log_at++) {
        struct bacnet_object object = bacnet_object_of(browsing->objects[views->log_at]);
        if (object.type == BACNET_TREND_LOG || object.type == BACNET_TREND_LOG_MULTIPLE) {
            items[count++] = (struct bacnet_fetch_item){
                .object = object,
                .property = BACNET_PROP_LOG_DEVICE_OBJECT_PROPERTY,
                .index = BACNET_INDEX_ALL,
            };
        }
    }
    return count;
}

static void log_got(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    struct bacnet_views *views = browsing->views;
    struct bacnet_object log = browsing->items[fetched->item].object;
    struct bytes value = fetched->value;
    struct bacnet_reference reference;
    char id[BACNET_OBJECT_TEXT_MAX];
    unsigned member = 0;
    bacnet_format_object(id, sizeof(id), log);
    while (bytes_left(&value) > 0 && bacnet_get_reference(&value, &reference) == 0) {
        uint32_t device = browsing->device->config.device;
        uint64_t number = bacnet_object_number(reference.object);
        member++;
        if (reference.property != BACNET_PROP_PRESENT_VALUE ||
            (reference.device != BACNET_INSTANCE_MAX && reference.device != device) ||
            map64_get(&views->logs, number) != NULL) {
            continue;
        }
        char *text = log.type == BACNET_TREND_LOG
                         ? arena_strdup(&views->arena, id)
                         : arena_printf(&views->arena, "%s[%u]", id, member);
        if (text != NULL) {
            map64_set(&views->logs, number, text);
        }
    }
}

const char *bacnet_views_log(const struct bacnet_browsing *browsing, uint32_t object)
{
    return map64_get(&browsing->views->logs, object);
}

static const struct bacnet_browse_step *log_next(struct bacnet_browsing *browsing)
{
    browsing->at = 0;
    return &bacnet_step_objects;
}

const struct bacnet_browse_step bacnet_step_logs = {
    .items = log_items,
    .got = log_got,
    .next = log_next,
};
