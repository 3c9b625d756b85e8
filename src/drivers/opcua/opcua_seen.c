/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_seen.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

struct name {
    struct list link; /* seen->order */
    int64_t told_us;  /* when it was looked at */
    int64_t until_us; /* its announcement lives */
    char text[OPCUA_MDNS_LABEL_MAX + 1];
};

void opcua_seen_init(struct opcua_seen *seen)
{
    map_init(&seen->names);
    list_init(&seen->order);
    seen->minute_us = 0;
    seen->looks = 0;
    seen->pushed_out = 0;
}

static void drop(struct opcua_seen *seen, struct name *name)
{
    list_remove(&name->link);
    (void)map_remove(&seen->names, name->text);
    busbar_free(name);
}

void opcua_seen_fini(struct opcua_seen *seen)
{
    list_each_safe(at, &seen->order) {
        drop(seen, list_entry(at, struct name, link));
    }
    map_fini(&seen->names);
}

static struct name *add(struct opcua_seen *seen, const char *text)
{
    if (seen->names.count >= OPCUA_SEEN_MAX) {
        drop(seen, list_entry(seen->order.next, struct name, link));
        seen->pushed_out++;
    }
    struct name *name = busbar_alloc(sizeof(*name));
    (void)str_copy(name->text, sizeof(name->text), text);
    list_init(&name->link);
    (void)map_set(&seen->names, name->text, name);
    return name;
}

/* Whether there may be one more look in this minute; counts it. */
static bool may_look(struct opcua_seen *seen, int64_t now_us)
{
    if (now_us - seen->minute_us >= 60 * CLOCK_US_PER_S) {
        seen->minute_us = now_us;
        seen->looks = 0;
    }
    if (seen->looks >= OPCUA_SEEN_LOOKS_MAX) {
        return false;
    }
    seen->looks++;
    return true;
}

bool opcua_seen_known(struct opcua_seen *seen, const struct opcua_mdns_server *server,
                      int64_t now_us)
{
    struct name *name = map_get(&seen->names, server->name);
    int64_t ttl_s = server->ttl_s > OPCUA_SEEN_TTL_MIN_S ? server->ttl_s : OPCUA_SEEN_TTL_MIN_S;
    bool known = name != NULL && now_us < name->until_us &&
                 now_us - name->told_us < OPCUA_SEEN_AGAIN_S * CLOCK_US_PER_S;
    if (!known && !may_look(seen, now_us)) {
        return true;
    }
    name = name != NULL ? name : add(seen, server->name);
    name->told_us = known ? name->told_us : now_us;
    name->until_us = now_us + ttl_s * CLOCK_US_PER_S;
    list_remove(&name->link);
    list_append(&seen->order, &name->link);
    return known;
}

void opcua_seen_forget(struct opcua_seen *seen, const char *text)
{
    struct name *name = map_get(&seen->names, text);
    if (name != NULL) {
        drop(seen, name);
    }
}
