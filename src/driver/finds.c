/* SPDX-License-Identifier: Apache-2.0 */
/* What was ever heard of, by driver and key. A find is one block of memory, made anew when something of
 * it changes; what a later message does not say stays as it was. Which configured device a find is, is
 * looked up in a map that is made again when devices came or went, or after a second: devices may learn
 * their key late. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "driver/host_private.h"

enum { KNOWN_MS = 1000, TEXTS = 8 /* but the key, which never changes */, TROUBLE = TEXTS - 1 };

struct find {
    struct list link; /* finds->list, in the order of first hearing */
    struct host_find view;
    char *key;
    char *block; /* all its other texts */
    struct driver_fact *facts;
};

/* A configured device and the key of the find that it is. */
struct known {
    const char *device;
    char key[HOST_FIND_TEXT_MAX + 1];
};

struct finds {
    struct map by_key;
    struct list list;
    uint32_t numbers;
    uint64_t dropped;
    struct map known; /* key -> struct known */
    bool known_stale;
    int64_t known_us;
};

static struct finds *finds_of(struct driver *drv)
{
    if (drv->finds == NULL) {
        drv->finds = busbar_alloc(sizeof(*drv->finds));
        map_init(&drv->finds->by_key);
        map_init(&drv->finds->known);
        list_init(&drv->finds->list);
        drv->finds->known_stale = true;
    }
    return drv->finds;
}

/* ---- which are configured ---- */

static void forget_known(struct finds *finds)
{
    size_t at = 0;
    void *value;
    while (map_next(&finds->known, &at, NULL, &value)) {
        busbar_free(value);
    }
    map_fini(&finds->known);
    map_init(&finds->known);
}

static void make_known(struct driver *drv)
{
    struct finds *finds = drv->finds;
    struct buf key;
    forget_known(finds);
    buf_init(&key, HOST_FIND_TEXT_MAX);
    list_each(at, &drv->host->devices) {
        struct host_device *hd = list_entry(at, struct host_device, link);
        if (hd->driver != drv || hd->stranger) {
            continue;
        }
        buf_clear(&key);
        drv->ops->find_key(hd->dev, &key);
        if (key.size > 0 && map_get(&finds->known, buf_text(&key)) == NULL) {
            struct known *known = busbar_alloc(sizeof(*known));
            known->device = hd->dev->name;
            str_copy(known->key, sizeof(known->key), buf_text(&key));
            map_set(&finds->known, known->key, known);
        }
    }
    buf_fini(&key);
    finds->known_stale = false;
    finds->known_us = loop_now_us(drv->host->config.loop);
}

static void look_up(struct driver *drv, struct find *find)
{
    struct finds *finds = drv->finds;
    int64_t age_us = loop_now_us(drv->host->config.loop) - finds->known_us;
    find->view.device = "";
    if (drv->ops->find_key == NULL) {
        return;
    }
    if (finds->known_stale || age_us >= KNOWN_MS * CLOCK_US_PER_MS) {
        make_known(drv);
    }
    const struct known *known = map_get(&finds->known, find->view.find.key);
    if (known != NULL) {
        find->view.device = known->device;
    }
}

void finds_changed(struct driver *drv)
{
    if (drv->finds != NULL) {
        forget_known(drv->finds); /* the names in it are the devices' */
        drv->finds->known_stale = true;
    }
}

/* ---- texts ---- */

static void texts_of(struct driver_find *find, const char ***texts)
{
    texts[0] = &find->id;
    texts[1] = &find->name;
    texts[2] = &find->vendor;
    texts[3] = &find->model;
    texts[4] = &find->description;
    texts[5] = &find->address;
    texts[6] = &find->settings;
    texts[TROUBLE] = &find->trouble;
}

static size_t kept_size(const char *text)
{
    size_t size = text != NULL ? strlen(text) : 0;
    return size <= HOST_FIND_TEXT_MAX ? size : str_utf8_cut(text, size, HOST_FIND_TEXT_MAX);
}

/* The memory of one find; what does not fit is left out. */
struct room {
    char *at;
    size_t left;
};

static const char *copy(struct room *room, const char *text)
{
    size_t size = kept_size(text);
    if (size >= room->left) {
        return "";
    }
    char *at = room->at;
    if (size > 0) {
        memcpy(at, text, size);
    }
    at[size] = '\0';
    room->at += size + 1;
    room->left -= size + 1;
    return at;
}

/* What is said now goes before what was known; of trouble also that there is none any more. */
static const char *pick(size_t text, const char *now, const char *before)
{
    bool said = now != NULL && (text == TROUBLE || now[0] != '\0');
    return said ? now : before != NULL ? before : "";
}

static bool same_text(const char *a, const char *b)
{
    size_t size = kept_size(a);
    return size == kept_size(b) && (size == 0 || memcmp(a, b, size) == 0);
}

static size_t fact_place(const struct driver_fact *facts, size_t count, const char *name)
{
    size_t at = 0;
    while (at < count && !same_text(facts[at].name, name)) {
        at++;
    }
    return at;
}

/* The facts of both, at most DRIVER_FACTS_MAX. Returns how many. */
static size_t merge_facts(const struct driver_find *before, const struct driver_find *now,
                          struct driver_fact *out)
{
    size_t count = 0;
    const struct driver_find *both[] = { before, now };
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; both[k] != NULL && i < both[k]->fact_count; i++) {
            size_t at = fact_place(out, count, both[k]->facts[i].name);
            if (at < DRIVER_FACTS_MAX) {
                out[at] = both[k]->facts[i];
                count = at == count ? count + 1 : count;
            }
        }
    }
    return count;
}

/* Everything that is not time. */
static bool is_news(const struct driver_find *before, const struct driver_find *now)
{
    struct driver_find a = *before, b = *now;
    const char **of_a[TEXTS], **of_b[TEXTS];
    texts_of(&a, of_a);
    texts_of(&b, of_b);
    for (size_t i = 0; i < TEXTS; i++) {
        if (!same_text(*of_a[i], pick(i, *of_b[i], *of_a[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < now->fact_count; i++) {
        size_t at = fact_place(before->facts, before->fact_count, now->facts[i].name);
        if (at == before->fact_count ? at < DRIVER_FACTS_MAX
                                     : !same_text(before->facts[at].text, now->facts[i].text)) {
            return true;
        }
    }
    return false;
}

static void set_texts(struct find *find, const struct driver_find *now)
{
    struct driver_fact facts[DRIVER_FACTS_MAX];
    struct driver_find before = find->view.find, merged = *now;
    const char **from[TEXTS], **to[TEXTS];
    bool first = find->block == NULL;
    size_t size = 0, count = merge_facts(first ? NULL : &before, now, facts);
    texts_of(&before, from);
    texts_of(&merged, to);
    for (size_t i = 0; i < TEXTS; i++) {
        *to[i] = pick(i, *to[i], *from[i]);
        size += kept_size(*to[i]) + 1;
    }
    for (size_t i = 0; i < count; i++) {
        size += kept_size(facts[i].name) + kept_size(facts[i].text) + 2;
    }
    size = size < HOST_FIND_BYTES_MAX ? size : HOST_FIND_BYTES_MAX;
    char *block = busbar_alloc(size);
    struct room room = { .at = block, .left = size };
    struct driver_fact *kept = busbar_alloc_array(count + 1, sizeof(*kept));
    for (size_t i = 0; i < TEXTS; i++) {
        *to[i] = copy(&room, *to[i]);
    }
    for (size_t i = 0; i < count; i++) {
        kept[i].name = copy(&room, facts[i].name);
        kept[i].text = copy(&room, facts[i].text);
    }
    merged.key = find->key;
    merged.facts = kept;
    merged.fact_count = count;
    busbar_free(find->block);
    busbar_free(find->facts);
    find->block = block;
    find->facts = kept;
    find->view.find = merged;
}

/* ---- keeping ---- */

static void find_free(struct find *find)
{
    list_remove(&find->link);
    busbar_free(find->key);
    busbar_free(find->block);
    busbar_free(find->facts);
    busbar_free(find);
}

const struct host_find *finds_take(struct driver *drv, const struct driver_find *now)
{
    struct finds *finds = finds_of(drv);
    struct find *find = map_get_n(&finds->by_key, now->key, kept_size(now->key));
    int64_t wall_us = clock_wall_us();
    bool fresh = find == NULL;
    if (fresh && finds->by_key.count == DRIVER_FINDS_MAX) {
        finds->dropped++;
        return NULL;
    }
    if (fresh) {
        find = busbar_alloc(sizeof(*find));
        find->view.number = ++finds->numbers;
        find->view.first_us = wall_us;
        find->view.find.objects = -1;
        find->key = busbar_strndup(now->key, kept_size(now->key));
        list_append(&finds->list, &find->link);
        map_set(&finds->by_key, find->key, find);
    }
    int64_t objects = now->objects >= 0 ? now->objects : find->view.find.objects;
    int64_t answer_us = now->answer_us > 0 ? now->answer_us : find->view.find.answer_us;
    if (fresh || is_news(&find->view.find, now)) {
        set_texts(find, now);
    }
    find->view.find.objects = objects;
    find->view.find.answer_us = answer_us;
    find->view.last_us = wall_us;
    find->view.times++;
    look_up(drv, find);
    return &find->view;
}

void finds_free(struct finds *finds)
{
    if (finds == NULL) {
        return;
    }
    forget_known(finds);
    map_fini(&finds->by_key);
    while (!list_empty(&finds->list)) {
        find_free(list_entry(finds->list.next, struct find, link));
    }
    busbar_free(finds);
}

/* ---- for people ---- */

void host_finds(struct host *host, const char *protocol, host_find_cb cb, void *ctx)
{
    struct driver *drv = driver_find(host, protocol);
    if (drv == NULL || drv->finds == NULL) {
        return;
    }
    list_each(at, &drv->finds->list) {
        struct find *find = list_entry(at, struct find, link);
        look_up(drv, find);
        cb(ctx, &find->view);
    }
}

int host_find(struct host *host, const char *protocol, const char *key, host_find_cb cb, void *ctx)
{
    struct driver *drv = driver_find(host, protocol);
    struct find *find = drv != NULL && drv->finds != NULL ? map_get(&drv->finds->by_key, key)
                                                          : NULL;
    if (find == NULL) {
        return BUSBAR_ENOENT;
    }
    look_up(drv, find);
    cb(ctx, &find->view);
    return 0;
}

void host_find_counts(const struct host *host, const char *protocol, size_t *kept,
                      uint64_t *dropped)
{
    const struct driver *drv = driver_find(host, protocol);
    bool any = drv != NULL && drv->finds != NULL;
    *kept = any ? drv->finds->by_key.count : 0;
    *dropped = any ? drv->finds->dropped : 0;
}

void host_finds_forget(struct host *host, const char *protocol)
{
    struct driver *drv = driver_find(host, protocol);
    if (drv != NULL) {
        finds_free(drv->finds);
        drv->finds = NULL;
    }
}
