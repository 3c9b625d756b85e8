/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/http/http_left.h"

#include <string.h>

#include "base/alloc.h"

struct left_id {
    size_t times; /* devices of several connectors may have the same */
    bool in_messages;
    char id[];
};

static void forget_all(struct http_left *left)
{
    size_t at = 0;
    void *value;
    while (map_next(&left->ids, &at, NULL, &value)) {
        busbar_free(value);
    }
    map_fini(&left->ids);
    map_init(&left->ids);
    left->in_messages = 0;
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    forget_all(ctx);
}

void http_left_init(struct http_left *left, struct loop *loop)
{
    map_init(&left->ids);
    left->in_messages = 0;
    timer_init(&left->timer, loop, on_timer, left);
}

void http_left_fini(struct http_left *left)
{
    timer_stop(&left->timer);
    forget_all(left);
}

void http_left_add(struct http_left *left, const char *id, bool in_messages)
{
    struct left_id *entry = map_get(&left->ids, id);
    if (entry == NULL) {
        size_t size = strlen(id) + 1;
        entry = busbar_alloc(sizeof(*entry) + size);
        memcpy(entry->id, id, size);
        (void)map_set(&left->ids, entry->id, entry);
    }
    entry->times++;
    left->in_messages += in_messages && !entry->in_messages;
    entry->in_messages |= in_messages;
    timer_start(&left->timer, HTTP_LEFT_MS, 0);
}

void http_left_back(struct http_left *left, const char *id)
{
    struct left_id *entry = map_get(&left->ids, id);
    if (entry == NULL) {
        return;
    }
    timer_start(&left->timer, HTTP_LEFT_MS, 0);
    if (--entry->times == 0) {
        left->in_messages -= entry->in_messages;
        (void)map_remove(&left->ids, id);
        busbar_free(entry);
    }
}

bool http_left_has(const struct http_left *left, const char *id)
{
    return map_get(&left->ids, id) != NULL;
}
