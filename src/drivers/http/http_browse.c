/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that is asked tells in JSON: each value of its answer is a proposal of a point. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/http/http_detail.h"
#include "drivers/http/http_driver.h"
#include "model/quality.h"
#include "payload/tree.h"

enum { BROWSE_MS = 15000, PATH_MAX_BYTES = 512, NAME_BYTES = 64, DEPTH = PAYLOAD_DEPTH_MAX };

struct browsed {
    struct list link; /* device->browses */
    struct http_device *device;
    struct driver_browse *browse;
    struct http_fetch *fetch;
    struct loop_deferred begin;
};

static void finish(struct browsed *browsed, int error, const char *message)
{
    struct driver_browse *browse = browsed->browse;
    if (browsed->fetch != NULL) {
        http_fetch_cancel(browsed->fetch);
    }
    loop_defer_cancel(&browsed->begin);
    list_remove(&browsed->link);
    busbar_free(browsed);
    driver_browsed(browse, error, message);
}

/* A member as the path language writes it: .name, or ['a name'] where it has other characters. */
static bool add_key(char *path, size_t size, const char *key, size_t key_size)
{
    size_t used = strlen(path);
    bool plain = key_size > 0 && !(key[0] >= '0' && key[0] <= '9');
    for (size_t i = 0; i < key_size; i++) {
        char c = key[i];
        plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_');
        if (c == '\'' || c == '\\' || (unsigned char)c < ' ') {
            return false;
        }
    }
    size_t more = key_size + (plain ? 1 : 4);
    if (used + more + 1 > size) {
        return false;
    }
    str_format(path + used, size - used, plain ? ".%.*s" : "['%.*s']", (int)key_size, key);
    return true;
}

/* A point's name: lower case, what is no letter or digit becomes a hyphen. */
static void make_name(const char *path, char *name, size_t size)
{
    size_t used = 0;
    for (const char *at = path + 1; *at != '\0' && used + 1 < size; at++) {
        char c = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (word || (used > 0 && name[used - 1] != '-')) {
            name[used++] = word ? c : '-';
        }
    }
    while (used > 0 && name[used - 1] == '-') {
        used--;
    }
    name[used] = '\0';
}

static void put_value(const struct payload_node *node, struct sample *sample, struct text **text)
{
    sample->quality = QUALITY_GOOD;
    switch ((enum payload_type)node->type) {
    case PAYLOAD_BOOL:
        sample->type = VALUE_BOOL;
        sample->value.b = node->value.b;
        break;
    case PAYLOAD_INT:
        sample->type = VALUE_INT;
        sample->value.i = node->value.i;
        break;
    case PAYLOAD_DOUBLE:
        sample->type = VALUE_DOUBLE;
        sample->value.d = node->value.d;
        break;
    case PAYLOAD_TEXT:
        if (node->size <= TEXT_BYTES_MAX) {
            *text = text_new(node->value.text, node->size);
            sample->type = VALUE_TEXT;
            sample->value.text = *text;
        }
        break;
    default: sample->quality = QUALITY_NOT_YET;
    }
}

static void tell_value(struct browsed *browsed, const struct payload_node *node, const char *path)
{
    char name[NAME_BYTES];
    struct buf settings;
    struct text *text = NULL;
    make_name(path, name, sizeof(name));
    buf_init(&settings, 4 * PATH_MAX_BYTES);
    (void)buf_append_text(&settings, "{ json: ");
    struct json_writer json = json_writer(&settings);
    json_string(&json, path);
    (void)buf_append_text(&settings, " }");
    struct driver_node told = { .id = path,
                                .parent = "",
                                .kind = "value",
                                .name = path,
                                .description = "",
                                .readable = true,
                                .point_name = name[0] != '\0' ? name : "value",
                                .point = buf_text(&settings),
                                .proposed = node->type != PAYLOAD_TEXT };
    put_value(node, &told.value, &text);
    driver_node(browsed->browse, &told);
    busbar_free(text);
    buf_fini(&settings);
}

/* Values that stand under a node; of arrays the places are told. */
static void walk(struct browsed *browsed, const struct payload_node *node, char *path,
                 unsigned depth)
{
    if (node->type != PAYLOAD_OBJECT && node->type != PAYLOAD_ARRAY) {
        if (node->type != PAYLOAD_NULL) {
            tell_value(browsed, node, path);
        }
        return;
    }
    const struct payload_node *member = node + 1;
    size_t used = strlen(path);
    for (uint32_t i = 0; depth < DEPTH && i < node->size; i++, member += member->next) {
        bool fits = true;
        if (node->type == PAYLOAD_ARRAY) {
            fits = used + 16 < PATH_MAX_BYTES;
            str_format(path + used, PATH_MAX_BYTES - used, "[%u]", i);
        } else {
            fits = add_key(path, PATH_MAX_BYTES, member->key, member->key_size);
        }
        if (fits) {
            walk(browsed, member, path, depth + 1);
        }
        path[used] = '\0';
    }
}

static void on_fetched(void *ctx, const struct http_answer *answer)
{
    struct browsed *browsed = ctx;
    struct err err = { 0 };
    char path[PATH_MAX_BYTES] = "$";
    browsed->fetch = NULL;
    if (answer->error != 0) {
        finish(browsed, answer->error, answer->err.message);
        return;
    }
    driver_frame(browsed->device->dev, false, answer->body, answer->size);
    if (answer->status < 200 || answer->status > 299) {
        finish(browsed, BUSBAR_EREFUSED, http_explain((uint16_t)answer->status));
        return;
    }
    struct payload_tree *tree = payload_tree_new();
    int error = payload_tree_json(tree, (const char *)answer->body, answer->size, &err);
    if (error == 0) {
        walk(browsed, payload_tree_root(tree), path, 0);
    } else {
        err_prefix(&err, "the answer is no JSON");
    }
    payload_tree_free(tree);
    finish(browsed, error, error != 0 ? err.message : NULL);
}

static void begin(void *ctx)
{
    struct browsed *browsed = ctx;
    const char *headers[3];
    struct http_ask ask;
    http_ask_of(browsed->device, browsed->device->config.url, &ask, headers);
    ask.timeout_us = BROWSE_MS * CLOCK_US_PER_MS;
    browsed->fetch = http_fetch(browsed->device->state->fetcher, &ask, on_fetched, browsed);
}

static void say_posts(void *ctx)
{
    finish(ctx, BUSBAR_EUNSUPPORTED,
           "a device that posts cannot be asked what it has: look at its last message, "
           "busbar device frames");
}

void http_browse(struct http_device *device, struct driver_browse *asked)
{
    struct browsed *browsed = busbar_alloc(sizeof(*browsed));
    browsed->device = device;
    browsed->browse = asked;
    loop_deferred_init(&browsed->begin, device->config.url != NULL ? begin : say_posts, browsed);
    list_append(&device->browses, &browsed->link);
    loop_defer(device->state->loop, &browsed->begin);
}

void http_browse_stop(struct http_device *device, struct driver_browse *asked)
{
    list_each(at, &device->browses) {
        struct browsed *browsed = list_entry(at, struct browsed, link);
        if (browsed->browse == asked) {
            finish(browsed, BUSBAR_ECANCELED, NULL);
            return;
        }
    }
}

void http_browses_stop(struct http_device *device)
{
    while (!list_empty(&device->browses)) {
        finish(list_entry(device->browses.next, struct browsed, link), BUSBAR_ECANCELED, NULL);
    }
}
