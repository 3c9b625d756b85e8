/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/browse.h"

#include <open62541/nodeids.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/opcua/data/browse_parts.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/text/status.h"

static void go_on(struct opcua_browse *browse);

/* ---- small things ---- */

void opcua_told_free(struct opcua_told *told)
{
    if (told != NULL) {
        arena_fini(&told->arena);
        busbar_free(told);
    }
}

void browse_looked_fini(struct browse_looked *looked)
{
    UA_NodeId_clear(&looked->node);
    UA_NodeId_clear(&looked->type_definition);
    UA_NodeId_clear(&looked->data_type);
    UA_Variant_clear(&looked->true_state);
    UA_Variant_clear(&looked->false_state);
    UA_DataValue_clear(&looked->raw);
    UA_Variant_clear(&looked->inputs);
    UA_Variant_clear(&looked->outputs);
    for (size_t i = 0; i < BROWSE_PROPERTIES; i++) {
        UA_NodeId_clear(&looked->properties[i]);
    }
}

static void branch_free(struct browse_branch *branch)
{
    list_remove(&branch->link);
    UA_NodeId_clear(&branch->node);
    busbar_free(branch);
}

const char *browse_text(struct arena *arena, const UA_String *text)
{
    size_t size = str_utf8_cut((const char *)text->data, text->length, BROWSE_TEXT_MAX);
    char *made = size > 0 ? arena_strndup(arena, (const char *)text->data, size) : NULL;
    for (char *at = made; at != NULL && *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7F ? ' ' : *at;
    }
    return made != NULL ? made : "";
}

const char *browse_id(const struct opcua_browse *browse, struct arena *arena, const UA_NodeId *node)
{
    struct buf text;
    buf_init(&text, BROWSE_ID_MAX);
    opcua_node_id_print(node, opcua_seat_facts(browse->seat), &text);
    const char *made = text.overflow ? NULL : arena_strdup(arena, buf_text(&text));
    buf_fini(&text);
    return made;
}

/* ---- the end ---- */

static void rest(struct opcua_browse *browse)
{
    opcua_ask_stop(&browse->walk);
    opcua_ask_stop(&browse->look);
    for (size_t i = 0; i < browse->open_count; i++) {
        branch_free(browse->open[i]);
    }
    while (!list_empty(&browse->branches)) {
        branch_free(list_entry(browse->branches.next, struct browse_branch, link));
    }
    for (size_t i = 0; i < browse->fresh_count; i++) {
        browse_looked_fini(&browse->fresh[i]);
    }
    browse->open_count = browse->fresh_count = 0;
    opcua_told_free(browse->out);
    browse->out = NULL;
    opcua_types_free(browse->types);
    browse->types = NULL;
}

static void end(struct opcua_browse *browse, int error, const char *message)
{
    if (browse->ending) {
        return;
    }
    browse->ending = true;
    browse->error = error;
    (void)str_copy(browse->message, sizeof(browse->message), message);
    rest(browse);
    opcua_seat_leave(browse->seat);
}

void browse_fail(struct opcua_browse *browse, int error, const char *message)
{
    end(browse, error, message);
}

static void on_left(void *ctx)
{
    struct opcua_browse *browse = ctx;
    browse->events->ended(browse->ctx, browse->error, browse->message);
    browse_types_free(browse);
    browse_asked_clear(browse);
    map_fini(&browse->seen);
    arena_fini(&browse->ids);
    busbar_free(browse->asked);
    busbar_free(browse->asked_of);
    busbar_free(browse->items);
    busbar_free(browse->wanted);
    busbar_free(browse->fresh);
    busbar_free(browse->at);
    busbar_free(browse);
}

static void end_whole(struct opcua_browse *browse)
{
    char message[ERR_MESSAGE_MAX] = "";
    if (browse->repeats) {
        str_format(message, sizeof(message),
                   "the server repeats itself: what it told over and over was left off");
    } else if (browse->full) {
        str_format(message, sizeof(message),
                   "there is more: %d nodes are told in one look; look into one of the branches",
                   OPCUA_BROWSE_NODES_MAX);
    } else if (browse->cut) {
        str_format(message, sizeof(message),
                   "there is more below: look into a branch by naming its node");
    }
    end(browse, 0, message);
}

/* ---- what the walk finds ---- */

static struct browse_looked *fresh_add(struct opcua_browse *browse)
{
    if (browse->fresh_count == browse->fresh_capacity) {
        browse->fresh_capacity = browse->fresh_capacity > 0 ? 2 * browse->fresh_capacity
                                                            : OPCUA_BROWSE_ROUND;
        browse->fresh = busbar_realloc(browse->fresh,
                                       browse->fresh_capacity * sizeof(*browse->fresh));
    }
    struct browse_looked *looked = &browse->fresh[browse->fresh_count++];
    *looked = (struct browse_looked){ .rank = -1, .parent = "", .name = "", .above = "" };
    return looked;
}

static bool has_room(struct opcua_browse *browse, const struct browse_branch *branch)
{
    if (browse->met >= OPCUA_BROWSE_NODES_MAX || browse->references > BROWSE_REFERENCES_MAX) {
        browse->full = true;
        return false;
    }
    if (branch->level > 0 && browse->met >= OPCUA_BROWSE_DEEP) {
        browse->cut = true;
        return false;
    }
    return true;
}

static bool is_property(const UA_ReferenceDescription *reference)
{
    static const UA_NodeId has_property = { .identifier.numeric = UA_NS0ID_HASPROPERTY };
    return UA_NodeId_equal(&reference->referenceTypeId, &has_property);
}

static bool on_reference(void *ctx, size_t index, const UA_ReferenceDescription *reference)
{
    struct opcua_browse *browse = ctx;
    struct browse_branch *branch = browse->open[index];
    bool property = is_property(reference);
    const char *id;
    browse->references++;
    if (!has_room(browse, branch)) {
        return false;
    }
    if (!reference->isForward || reference->nodeId.serverIndex != 0 ||
        reference->nodeId.namespaceUri.length > 0 || (property && branch->skip_properties)) {
        return true; /* in another server, or told with the node */
    }
    id = browse_id(browse, &browse->ids, &reference->nodeId.nodeId);
    if (id == NULL) {
        browse->full = true;
        return false;
    }
    if (map_get(&browse->seen, id) != NULL) {
        browse->repeats = browse->repeats || ++branch->repeats > BROWSE_REPEATS_MAX;
        return branch->repeats <= BROWSE_REPEATS_MAX;
    }
    branch->repeats = 0;
    const UA_String *name = reference->displayName.text.length > 0 ? &reference->displayName.text
                                                                   : &reference->browseName.name;
    struct browse_looked *looked = fresh_add(browse);
    looked->id = id;
    looked->name = browse_text(&browse->ids, name);
    looked->parent = branch->level > 0 ? branch->id : "";
    looked->above = branch->level > 1 ? branch->name : ""; /* what is on top is the device itself */
    looked->level = branch->level;
    looked->class = reference->nodeClass;
    looked->property = property;
    (void)UA_NodeId_copy(&reference->nodeId.nodeId, &looked->node);
    (void)UA_NodeId_copy(&reference->typeDefinition.nodeId, &looked->type_definition);
    map_set(&browse->seen, id, browse);
    browse->met++;
    return true;
}

/* Of the node that was asked for there is nothing to tell then; of another one the rest goes on. */
static void on_refused(void *ctx, size_t index, UA_StatusCode status)
{
    struct opcua_browse *browse = ctx;
    const struct browse_branch *branch = browse->open[index];
    struct opcua_trouble trouble = { 0 };
    if (branch->level > 0 || browse->error != 0) {
        return;
    }
    opcua_trouble_status(&trouble, browse->at[0] != '\0' ? browse->at : "the Objects folder",
                         status);
    browse->error = trouble.error;
    (void)str_copy(browse->message, sizeof(browse->message), trouble.detail);
}

static bool on_page(void *ctx)
{
    struct opcua_browse *browse = ctx;
    if (browse->fresh_count < OPCUA_BROWSE_ROUND) {
        return true;
    }
    browse->held = true;
    go_on(browse);
    return false;
}

static void on_walked(void *ctx, const struct opcua_trouble *trouble)
{
    struct opcua_browse *browse = ctx;
    browse->walking = false;
    for (size_t i = 0; i < browse->open_count; i++) {
        branch_free(browse->open[i]);
    }
    browse->open_count = 0;
    if (trouble != NULL) {
        end(browse, trouble->error, trouble->detail);
    } else if (browse->error != 0) {
        char message[ERR_MESSAGE_MAX];
        (void)str_copy(message, sizeof(message), browse->message);
        end(browse, browse->error, message);
    } else {
        go_on(browse);
    }
}

static const struct opcua_ask_ops walk_ops = {
    .reference = on_reference, .refused = on_refused, .page = on_page, .done = on_walked
};

/* ---- the walk ---- */

static struct browse_branch *branch_new(const UA_NodeId *node, const char *id, const char *name,
                                        unsigned level)
{
    struct browse_branch *branch = busbar_alloc(sizeof(*branch));
    list_init(&branch->link);
    branch->id = id;
    branch->name = name;
    branch->level = level;
    (void)UA_NodeId_copy(node, &branch->node);
    return branch;
}

static UA_BrowseDescription children_of(const UA_NodeId *node)
{
    UA_BrowseDescription description;
    UA_BrowseDescription_init(&description);
    description.nodeId = *node;
    description.browseDirection = UA_BROWSEDIRECTION_FORWARD;
    description.referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES);
    description.includeSubtypes = true;
    description.nodeClassMask = UA_NODECLASS_OBJECT | UA_NODECLASS_VARIABLE | UA_NODECLASS_METHOD;
    description.resultMask = UA_BROWSERESULTMASK_ALL;
    return description;
}

/* Continuation points are few: no more nodes at once than the server has of them. */
static size_t expand_max(const struct opcua_browse *browse)
{
    const struct opcua_server_facts *facts = opcua_seat_facts(browse->seat);
    uint32_t points = facts != NULL ? facts->limits.browse_continuation_points : 0;
    return points > 0 && points < BROWSE_EXPAND ? points : BROWSE_EXPAND;
}

static void walk_on(struct opcua_browse *browse)
{
    size_t max = expand_max(browse);
    while (browse->open_count < max && !list_empty(&browse->branches)) {
        struct browse_branch *branch = list_entry(browse->branches.next, struct browse_branch,
                                                  link);
        if (!has_room(browse, branch)) {
            branch_free(branch);
            continue;
        }
        list_remove(&branch->link);
        browse->descriptions[browse->open_count] = children_of(&branch->node);
        browse->open[browse->open_count++] = branch;
    }
    if (browse->open_count == 0) {
        end_whole(browse);
        return;
    }
    browse->walking = true;
    opcua_ask_browse(&browse->walk, browse->descriptions, browse->open_count, BROWSE_REFERENCES);
}

/* Rounds first, so that what is known is told. */
static void go_on(struct opcua_browse *browse)
{
    if (browse->fresh_count > 0) {
        size_t count = browse->fresh_count;
        browse->round = count < OPCUA_BROWSE_ROUND ? count : OPCUA_BROWSE_ROUND;
        browse->out = busbar_alloc(sizeof(*browse->out));
        *browse->out = (struct opcua_told){ .done = browse->told };
        arena_init(&browse->out->arena, OPCUA_BROWSE_ROUND_BYTES);
        browse_look_begin(browse);
    } else if (browse->held) {
        browse->held = false;
        opcua_ask_go_on(&browse->walk);
    } else {
        walk_on(browse);
    }
}

/* What every server has, and what tells events (conditions: Part 9), is looked into on demand. */
static bool is_inner(const struct opcua_browse *browse, const struct browse_looked *looked)
{
    static const uint32_t standard[] = { UA_NS0ID_SERVER, UA_NS0ID_ALIASES, UA_NS0ID_LOCATIONS };
    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
        UA_NodeId node = UA_NODEID_NUMERIC(0, standard[i]);
        if (UA_NodeId_equal(&looked->node, &node)) {
            return true;
        }
    }
    return browse_type_is(browse, looked->of, UA_NS0ID_BASEEVENTTYPE);
}

/* Whether what is below it is told here, or by a look at it. */
static bool goes_deeper(const struct opcua_browse *browse, const struct browse_looked *looked)
{
    return looked->class == UA_NODECLASS_OBJECT
               ? !is_inner(browse, looked)
               : looked->class == UA_NODECLASS_VARIABLE && looked->children;
}

static void root_walk(struct opcua_browse *browse, const struct browse_looked *root)
{
    struct browse_branch *branch = branch_new(&root->node, root->id, root->name, 0);
    list_append(&browse->branches, &branch->link);
}

void browse_round_over(struct opcua_browse *browse)
{
    struct opcua_told *told = browse->out;
    browse->out = NULL;
    browse->told += told->count;
    told->done = browse->told;
    for (size_t i = 0; i < browse->round; i++) {
        struct browse_looked *looked = &browse->fresh[i];
        if (browse->itself) {
            root_walk(browse, looked);
        } else if (goes_deeper(browse, looked)) {
            struct browse_branch *branch = branch_new(&looked->node, looked->id, looked->name,
                                                      looked->level + 1);
            branch->skip_properties = looked->class == UA_NODECLASS_VARIABLE;
            list_append(&browse->branches, &branch->link);
        }
        browse_looked_fini(looked);
    }
    browse->itself = false;
    browse->fresh_count -= browse->round;
    memmove(browse->fresh, browse->fresh + browse->round,
            browse->fresh_count * sizeof(*browse->fresh));
    browse->round = 0;
    browse->events->told(browse->ctx, told);
    go_on(browse);
}

/* ---- the beginning ---- */

static int parse_at(struct opcua_browse *browse, UA_NodeId *out, struct err *err)
{
    struct opcua_id id;
    int error = opcua_id_parse(browse->at, &browse->ids, NULL, &id, err);
    if (error != 0) {
        return error;
    }
    error = opcua_node_id(&id, opcua_seat_facts(browse->seat), out);
    return error == 0 ? 0
                      : err_set(err, BUSBAR_ENOENT, "the server has no namespace '%s'",
                                id.uri != NULL ? id.uri : "of that number");
}

static void on_types(void *ctx)
{
    struct opcua_browse *browse = ctx;
    if (browse->awaits) {
        browse->awaits = false;
        browse_tell_round(browse);
    }
}

static void begin(struct opcua_browse *browse)
{
    UA_NodeId root = UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER);
    struct err err = { 0 };
    browse->running = true;
    browse->types = opcua_types_new(browse->seat, NULL, on_types, browse);
    opcua_types_up(browse->types, false);
    if (browse->at[0] != '\0' && parse_at(browse, &root, &err) != 0) {
        end(browse, err.code, err.message);
        return;
    }
    struct browse_looked *looked = fresh_add(browse);
    looked->id = browse_id(browse, &browse->ids, &root);
    (void)UA_NodeId_copy(&root, &looked->node);
    if (looked->id == NULL) {
        end(browse, BUSBAR_ELIMIT, "the node id is too long");
        return;
    }
    browse->root = looked->id;
    map_set(&browse->seen, looked->id, browse);
    if (browse->at[0] != '\0') {
        browse->itself = true;
        go_on(browse);
        return;
    }
    root_walk(browse, looked);
    browse_looked_fini(looked);
    browse->fresh_count = 0;
    go_on(browse);
}

static void on_up(void *ctx, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_browse *browse = ctx;
    (void)facts;
    (void)resumed;
    if (!browse->running && !browse->ending) {
        begin(browse);
    }
}

static void on_down(void *ctx, const struct opcua_trouble *why)
{
    struct opcua_browse *browse = ctx;
    end(browse, why->error, why->detail);
}

static void on_changed(void *ctx, const struct opcua_server_facts *facts)
{
    (void)ctx;
    (void)facts;
}

struct opcua_browse *opcua_browse_start(struct opcua_thread *thread, struct trust *trust,
                                        const struct opcua_link_config *config, const char *at,
                                        const struct opcua_browse_events *events, void *ctx)
{
    static const struct opcua_seat_events seat_events = {
        .up = on_up, .down = on_down, .changed = on_changed, .left = on_left
    };
    struct opcua_browse *browse = busbar_alloc(sizeof(*browse));
    *browse = (struct opcua_browse){ .thread = thread,
                                     .events = events,
                                     .ctx = ctx,
                                     .at = busbar_strdup(at),
                                     .timeout_us = config->timeout_us };
    list_init(&browse->branches);
    list_init(&browse->types_new);
    arena_init(&browse->ids, OPCUA_BROWSE_IDS_BYTES);
    map_init(&browse->seen);
    map_init(&browse->by_id);
    browse->seat = opcua_seat_take(thread, trust, config, &seat_events, browse);
    opcua_ask_init(&browse->walk, browse->seat, config->timeout_us, &walk_ops, browse);
    opcua_ask_init(&browse->look, browse->seat, config->timeout_us, NULL, browse);
    opcua_seat_connect(browse->seat);
    return browse;
}

void opcua_browse_stop(struct opcua_browse *browse)
{
    end(browse, BUSBAR_ECANCELED, "");
}
