/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the conditions of a device. One is forgotten when it wants nothing any more: not retained. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/opcua/data/alarm.h"

struct opcua_condition *opcua_condition_find(const struct opcua_alarms *alarms, const char *key)
{
    return map_get(&alarms->conditions, key);
}

static void forget(struct opcua_alarms *alarms, struct opcua_condition *condition)
{
    map_remove(&alarms->conditions, condition->key);
    busbar_free(condition->key);
    busbar_free(condition);
}

void opcua_conditions_clear(struct opcua_alarms *alarms)
{
    size_t at = 0;
    void *value;
    while (map_next(&alarms->conditions, &at, NULL, &value)) {
        struct opcua_condition *condition = value;
        busbar_free(condition->key);
        busbar_free(condition);
    }
    map_fini(&alarms->conditions);
    map_init(&alarms->conditions);
}

static uint64_t hash_of(const struct opcua_event *event)
{
    uint64_t hash = hash_bytes(event->message.data, event->message.length);
    hash = hash_u64(hash ^ event->severity);
    hash = hash_u64(hash ^ (uint64_t)(event->active + 1));
    hash = hash_u64(hash ^ (uint64_t)(event->acked + 1) << 2);
    hash = hash_u64(hash ^ (uint64_t)(event->confirmed + 1) << 4);
    hash = hash_u64(hash ^ (uint64_t)(event->enabled + 1) << 6);
    return hash_u64(hash ^ event->quality ^ (uint64_t)(event->suppressed + 1) << 40);
}

/* What is remembered of it for the day that it is gone. */
static void keep_text(struct opcua_condition *condition, const struct opcua_event *event)
{
    const UA_String *text = event->message.length > 0 ? &event->message : &event->condition_name;
    size_t size = text->length > 0 ? str_utf8_cut((const char *)text->data, text->length,
                                                  sizeof(condition->text) - 1)
                                   : 0;
    if (size > 0) {
        memcpy(condition->text, text->data, size);
    }
    condition->text[size] = '\0';
}

static void keep_event(struct opcua_condition *condition, const struct opcua_event *event)
{
    condition->states = opcua_event_states(event);
    condition->retain = event->retain != OPCUA_NO;
    condition->id_size = 0;
    if (event->id.length > 0 && event->id.length <= OPCUA_EVENT_ID_MAX) {
        memcpy(condition->id, event->id.data, event->id.length);
        condition->id_size = (uint16_t)event->id.length;
    }
    keep_text(condition, event);
}

bool opcua_condition_take(struct opcua_alarms *alarms, const struct opcua_event *event,
                          const char *key, struct opcua_states *states, bool *before)
{
    struct opcua_condition *condition = opcua_condition_find(alarms, key);
    uint64_t hash = hash_of(event);
    *before = condition != NULL;
    if (condition == NULL && event->retain == OPCUA_NO) {
        return true;
    }
    if (condition == NULL && alarms->conditions.count >= OPCUA_CONDITIONS_MAX) {
        return true; /* told, but not followed */
    }
    if (condition == NULL) {
        condition = busbar_alloc(sizeof(*condition));
        condition->key = busbar_strdup(key);
        map_set(&alarms->conditions, condition->key, condition);
    } else {
        *states = condition->states;
    }
    bool same = *before && alarms->refreshing && condition->hash == hash;
    keep_event(condition, event);
    condition->hash = hash;
    condition->round = alarms->round;
    if (!condition->retain) {
        forget(alarms, condition);
    }
    return !same;
}

void opcua_condition_close(struct opcua_alarms *alarms, const char *key, const char *text,
                           struct opcua_delivery *delivery)
{
    opcua_alarms_tell(alarms, "normal", EVENT_INFO, key, delivery,
                      "%s%sgone: the server does not report it any more", text,
                      text[0] != '\0' ? ": " : "");
}

void opcua_conditions_close(struct opcua_alarms *alarms, struct opcua_delivery *delivery)
{
    size_t count = 0, at = 0;
    void *value;
    struct opcua_condition **gone = busbar_alloc_array(alarms->conditions.count + 1, sizeof(*gone));
    while (map_next(&alarms->conditions, &at, NULL, &value)) {
        struct opcua_condition *condition = value;
        if (condition->round != alarms->round) {
            gone[count++] = condition;
        }
    }
    for (size_t i = 0; i < count; i++) {
        opcua_condition_close(alarms, gone[i]->key, gone[i]->text, delivery);
        forget(alarms, gone[i]);
    }
    busbar_free(gone);
}
