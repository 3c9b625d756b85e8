/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_trap_hooks.h"

#include <string.h>

#include "base/str.h"

enum { ITEM_MAX = 512 };

/* A list as it is written, and where. */
struct list_text {
    const struct mib *mib;
    const char *key; /* "trap" */
    const char *at;
    struct position place;
    char item[ITEM_MAX]; /* the one that is looked at */
};

/* False: there are no more. An item that is too long is cut, so it names nothing. */
static bool next_item(struct list_text *list)
{
    const char *comma = strchr(list->at, ',');
    size_t size = comma != NULL ? (size_t)(comma - list->at) : strlen(list->at);
    if (comma == NULL && size == 0) {
        return false;
    }
    str_format(list->item, sizeof(list->item), "%.*s", (int)(size < ITEM_MAX ? size : ITEM_MAX),
               list->at);
    memmove(list->item, str_trim(list->item), strlen(str_trim(list->item)) + 1);
    list->at += size + (comma != NULL ? 1 : 0);
    return true;
}

static size_t count_items(const char *text)
{
    size_t count = text != NULL && text[0] != '\0' ? 1 : 0;
    for (; text != NULL && *text != '\0'; text++) {
        count += *text == ',' && text[1] != '\0' ? 1 : 0;
    }
    return count;
}

/* A trap by its name or digits. */
static int find_trap(const struct list_text *list, const char *name, struct snmp_oid_buf *out,
                     struct err *err)
{
    struct err why = { 0 };
    const struct mib_object *object = NULL;
    int error = mib_resolve(list->mib, name, out, &object, &why);
    if (error != 0) {
        return err_at(err, BUSBAR_ECONFIG, list->place, why.hint, "'%s': %s", list->key,
                      why.message);
    }
    bool other = object != NULL && object->kind != MIB_NODE && object->kind != MIB_NOTIFICATION;
    if (other) {
        return err_at(err, BUSBAR_ECONFIG, list->place,
                      "a trap is named here, such as linkDown or 1.3.6.1.4.1.9.9.43.2.0.1",
                      "'%s': '%s' is no trap", list->key, name);
    }
    return 0;
}

static int keep_oid(struct arena *arena, struct snmp_oid from, struct snmp_oid *to)
{
    uint8_t *bytes = arena_alloc(arena, from.size);
    if (bytes == NULL) {
        return BUSBAR_ENOMEM;
    }
    memcpy(bytes, from.bytes, from.size);
    *to = (struct snmp_oid){ .bytes = bytes, .size = from.size };
    return 0;
}

static int check_count(const struct list_text *list, struct err *err)
{
    size_t count = count_items(list->at);
    if (count == 0) {
        return err_at(err, BUSBAR_ECONFIG, list->place, "linkDown, linkUp", "'%s' names no trap",
                      list->key);
    }
    if (count > SNMP_TRAP_NAMES_MAX) {
        return err_at(err, BUSBAR_ECONFIG, list->place, NULL, "'%s' names %zu traps; at most %d",
                      list->key, count, SNMP_TRAP_NAMES_MAX);
    }
    return 0;
}

/* ---- poll_on ---- */

static int take_polls(struct list_text *list, struct arena *arena, struct snmp_trap_hook *hook,
                      struct err *err)
{
    struct snmp_oid_buf oid;
    struct snmp_oid *polls = NULL;
    int error = check_count(list, err);
    if (error != 0 || str_equal(list->at, "any")) {
        hook->poll_any = error == 0;
        return error;
    }
    if (arena != NULL) {
        polls = arena_alloc_array(arena, count_items(list->at), sizeof(*polls));
        error = polls == NULL ? BUSBAR_ENOMEM : 0;
    }
    while (error == 0 && next_item(list)) {
        error = find_trap(list, list->item, &oid, err);
        if (error == 0 && polls != NULL) {
            error = keep_oid(arena, oid.oid, &polls[hook->poll_count]);
        }
        hook->poll_count++;
    }
    hook->polls = polls;
    return error;
}

/* ---- trap ---- */

static int take_value(struct arena *arena, const char *text, struct snmp_trap_set *set)
{
    size_t size = strlen(text);
    if (str_parse_i64(text, &set->value.i) == 0) {
        set->type = VALUE_INT;
    } else if (str_parse_double(text, &set->value.d) == 0) {
        set->type = VALUE_DOUBLE;
    } else if (str_parse_bool(text, &set->value.b) == 0) {
        set->type = VALUE_BOOL;
    } else {
        set->type = VALUE_TEXT;
        struct text *copy = arena != NULL ? arena_alloc(arena, sizeof(*copy) + size + 1) : NULL;
        if (copy != NULL) {
            copy->size = (uint32_t)size;
            memcpy(copy->bytes, text, size + 1);
        }
        set->value.text = copy;
        return arena != NULL && copy == NULL ? BUSBAR_ENOMEM : 0;
    }
    return 0;
}

/* "linkUp=1"; "linkUp" where the point takes the argument. */
static int take_set(struct list_text *list, struct arena *arena, const struct snmp_trap_hook *hook,
                    struct snmp_trap_set *set, struct err *err)
{
    struct snmp_oid_buf oid;
    char *equals = strchr(list->item, '=');
    const char *value = equals != NULL ? str_trim(equals + 1) : NULL;
    *set = (struct snmp_trap_set){ .type = VALUE_NONE };
    if ((value == NULL || value[0] == '\0') != hook->argument) {
        return err_at(err, BUSBAR_ECONFIG, list->place,
                      hook->argument ? "linkDown, linkUp" : "linkUp=1, linkDown=2",
                      hook->argument ? "'trap': '%s' has a value, but the point takes its "
                                       "'argument'"
                                     : "'trap': '%s' has no value, and the point no 'argument'",
                      list->item);
    }
    if (equals != NULL) {
        *equals = '\0';
    }
    int error = find_trap(list, str_trim(list->item), &oid, err);
    if (error == 0 && arena != NULL) {
        error = keep_oid(arena, oid.oid, &set->trap);
    }
    return error == 0 && value != NULL ? take_value(arena, value, set) : error;
}

/* All values of a point are of one type: 1 and 2.5 are numbers with a fraction. */
static int settle_types(struct snmp_trap_set *sets, size_t count, const struct list_text *list,
                        uint8_t *type, struct err *err)
{
    *type = count > 0 ? sets[0].type : VALUE_NONE;
    for (size_t i = 1; i < count; i++) {
        bool number = (sets[i].type == VALUE_INT || sets[i].type == VALUE_DOUBLE) &&
                      (*type == VALUE_INT || *type == VALUE_DOUBLE);
        if (sets[i].type != *type && !number) {
            return err_at(err, BUSBAR_ECONFIG, list->place,
                          "numbers, or texts, or true and false: one of these for all",
                          "'trap': values of different types");
        }
        *type = sets[i].type != *type ? VALUE_DOUBLE : *type;
    }
    for (size_t i = 0; i < count && *type == VALUE_DOUBLE; i++) {
        if (sets[i].type == VALUE_INT) {
            sets[i].value.d = (double)sets[i].value.i;
            sets[i].type = VALUE_DOUBLE;
        }
    }
    return 0;
}

static int take_sets(struct list_text *list, struct arena *arena, struct snmp_trap_hook *hook,
                     struct err *err)
{
    struct snmp_trap_set sets[SNMP_TRAP_NAMES_MAX];
    size_t count = 0;
    int error = check_count(list, err);
    while (error == 0 && next_item(list)) {
        error = take_set(list, arena, hook, &sets[count++], err);
    }
    error = error == 0 ? settle_types(sets, count, list, &hook->value_type, err) : error;
    if (error == 0 && arena != NULL) {
        struct snmp_trap_set *kept = arena_alloc_array(arena, count, sizeof(*kept));
        if (kept == NULL) {
            return BUSBAR_ENOMEM;
        }
        memcpy(kept, sets, count * sizeof(*kept));
        hook->sets = kept;
    }
    hook->set_count = (uint16_t)count;
    return error;
}

/* ---- all of it ---- */

static int check_words(const struct snmp_trap_words *words, struct err *err)
{
    bool only = words->trap != NULL || words->argument != NULL;
    if (words->argument != NULL && words->written) {
        return err_at(err, BUSBAR_ECONFIG, words->trap_at,
                      "leave out 'oid': the point takes its value from the trap",
                      "a point has an 'oid', or an 'argument' of traps");
    }
    if (only && (words->traps || words->poll_on != NULL)) {
        return err_at(
            err, BUSBAR_ECONFIG, words->trap_at,
            "leave out 'traps' and 'poll_on': a point with 'trap' or 'argument' is set by "
            "traps only, and never read",
            "a point that only traps set cannot be read");
    }
    return 0;
}

int snmp_trap_hook_resolve(const struct mib *mib, const struct snmp_trap_words *words,
                           struct arena *arena, const struct snmp_trap_hook **out, struct err *err)
{
    struct snmp_trap_hook hook = { .carried = words->traps, .argument = words->argument != NULL };
    struct list_text polls = { mib, "poll_on", words->poll_on, words->poll_on_at, "" };
    struct list_text sets = { mib, "trap", words->trap, words->trap_at, "" };
    *out = NULL;
    int error = check_words(words, err);
    if (error == 0 && words->poll_on != NULL) {
        error = take_polls(&polls, arena, &hook, err);
    }
    if (error == 0 && words->trap != NULL) {
        error = take_sets(&sets, arena, &hook, err);
    }
    bool any = hook.carried || hook.argument || hook.poll_any || hook.poll_count > 0 ||
               hook.set_count > 0;
    if (error != 0 || arena == NULL || !any) {
        return error;
    }
    struct snmp_trap_hook *kept = arena_alloc(arena, sizeof(*kept));
    if (kept == NULL) {
        return BUSBAR_ENOMEM;
    }
    *kept = hook;
    *out = kept;
    return 0;
}
