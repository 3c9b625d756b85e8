/* SPDX-License-Identifier: Apache-2.0 */
/* A round of nodes in words: kinds, values, what is proposed. All texts go into the round's arena, which goes home with
 * the nodes. */
#include <open62541/nodeids.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "drivers/opcua/data/browse_parts.h"
#include "drivers/opcua/data/value.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum {
    ITSELF_ROWS = 16,
    MEMBER_DEPTH = 4, /* structures in structures */
    PROPOSAL_MAX = 16384,
    TROUBLE_MAX = 400,
    WORDS_MAX = 2048,
    ENUMS_PROPOSED = 64, /* names of states written into a proposal */
};

/* Bits of an access level (Part 3, 8.57). */
enum { CAN_READ = 1, CAN_WRITE = 2, HAS_HISTORY = 4 };

/* Built-in types whose values a person would want as a point (Part 6, 5.1.2). */
static bool is_plain(unsigned builtin)
{
    return (builtin >= OPCUA_BOOLEAN && builtin <= OPCUA_DATE_TIME) ||
           (builtin >= 26 && builtin <= 29); /* Number, Integer, UInteger, Enumeration */
}

static const char *keep(struct opcua_browse *browse, const struct buf *text)
{
    const char *made = text->overflow ? NULL : arena_strdup(&browse->out->arena, buf_text(text));
    return made != NULL ? made : "";
}

static const char *keep_text(struct opcua_browse *browse, const char *text)
{
    const char *made = text != NULL ? arena_strdup(&browse->out->arena, text) : NULL;
    return made != NULL ? made : "";
}

static void quote(struct buf *out, const char *text)
{
    struct json_writer json = json_writer(out);
    json_string(&json, text);
}

/* ---- words ---- */

/* Objects hold things together: the page opens them when somebody looks into them. */
static const char *kind_of(const struct browse_looked *looked)
{
    switch (looked->class) {
    case UA_NODECLASS_METHOD: return "method";
    case UA_NODECLASS_VARIABLE: return looked->property ? "property" : "variable";
    default: return "group";
    }
}

/* "Speed Double, Until DateTime[]" */
static void put_arguments(struct opcua_browse *browse, const UA_Variant *value, struct buf *out)
{
    for (size_t i = 0; value->type != NULL && i < value->arrayLength; i++) {
        const UA_Argument *argument = &((const UA_Argument *)value->data)[i];
        const char *type = browse_type_name(browse, &argument->dataType);
        buf_printf(out, "%s%s%s%s%s", i > 0 ? ", " : "",
                   browse_text(&browse->out->arena, &argument->name), type[0] != '\0' ? " " : "",
                   type, argument->valueRank >= 0 ? "[]" : "");
    }
}

/* The device's own words, else what it is: "PressType", "wants Speed Double; gives Ok Boolean". */
static const char *describe(struct opcua_browse *browse, const struct browse_looked *looked)
{
    struct buf text;
    bool described = looked->description != NULL && looked->description[0] != '\0';
    buf_init(&text, WORDS_MAX);
    buf_append_text(&text, described ? looked->description : "");
    if (looked->class == UA_NODECLASS_METHOD) {
        const char *before = described ? "; " : "";
        if (looked->inputs.arrayLength > 0) {
            buf_printf(&text, "%swants ", before);
            put_arguments(browse, &looked->inputs, &text);
            before = "; ";
        }
        if (looked->outputs.arrayLength > 0) {
            buf_printf(&text, "%sgives ", before);
            put_arguments(browse, &looked->outputs, &text);
        }
    } else if (looked->class == UA_NODECLASS_OBJECT && !described && looked->of != NULL) {
        buf_append_text(&text, looked->of->name);
    }
    const char *made = keep(browse, &text);
    buf_fini(&text);
    return made;
}

static const char *trouble_of(struct opcua_browse *browse, const struct browse_looked *looked)
{
    struct buf text;
    if (!looked->read || (looked->status & 0x80000000U) == 0) {
        return NULL;
    }
    const char *name = opcua_status_name(looked->status);
    const char *words = opcua_status_words(looked->status);
    buf_init(&text, TROUBLE_MAX);
    buf_printf(&text, "its value was not told: ");
    if (name != NULL) {
        buf_printf(&text, "%s%s%s", name, words != NULL ? ": " : "", words != NULL ? words : "");
    } else {
        buf_printf(&text, "status 0x%08X", (unsigned)looked->status);
    }
    const char *made = keep(browse, &text);
    buf_fini(&text);
    return made;
}

/* ---- proposals ---- */

static void put_enums(struct buf *out, const struct point_enum *enums, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s%lld: ", i == 0 ? ", enum: { " : ", ", (long long)enums[i].value);
        quote(out, enums[i].name);
    }
    buf_append_text(out, count > 0 ? " }" : "");
}

static void put_write(struct buf *out, const struct browse_looked *looked)
{
    char min[32];
    char max[32];
    if (looked->has_range && looked->min < looked->max) {
        str_format_double(min, sizeof(min), looked->min);
        str_format_double(max, sizeof(max), looked->max);
        buf_printf(out, ", write: { min: %s, max: %s }", min, max);
    } else {
        buf_append_text(out, ", write: true");
    }
}

static const char *propose(struct opcua_browse *browse, const struct browse_looked *looked,
                           const struct driver_node *node, unsigned builtin)
{
    struct buf out;
    size_t enum_count = node->enum_count <= ENUMS_PROPOSED ? node->enum_count : 0;
    buf_init(&out, PROPOSAL_MAX);
    buf_append_text(&out, "{ node: ");
    quote(&out, looked->id);
    if (looked->description != NULL && looked->description[0] != '\0') {
        char name[201];
        (void)str_copy(name, sizeof(name), looked->description);
        buf_append_text(&out, ", name: ");
        quote(&out, name);
    }
    if (looked->units != NULL) {
        buf_append_text(&out, ", units: ");
        quote(&out, looked->units);
    }
    if (looked->rank < 0) {
        put_enums(&out, node->enums, enum_count);
    }
    if (node->writable && looked->rank < 0 && is_plain(builtin)) {
        put_write(&out, looked);
    }
    if ((looked->access & HAS_HISTORY) != 0) {
        buf_append_text(&out, ", history: true");
    }
    buf_append_text(&out, " }");
    const char *made = out.overflow ? NULL : keep(browse, &out);
    buf_fini(&out);
    return made;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* "LastSeverity", "EURange", "Oil.Temp" -> "last-severity", "eu-range", "oil-temp". */
static void put_slug(struct buf *out, const char *name)
{
    bool gap = false; /* before the next letter */
    for (const char *at = name; *at != '\0'; at++) {
        bool begins = is_upper(*at) && at > name &&
                      (is_lower(at[-1]) || (is_upper(at[-1]) && at[1] >= 'a' && at[1] <= 'z'));
        if (!is_upper(*at) && !is_lower(*at)) {
            gap = true;
            continue;
        }
        if ((gap || begins) && out->size > 0) {
            (void)buf_append_byte(out, '-');
        }
        (void)buf_append_byte(out, (uint8_t)(is_upper(*at) ? *at - 'A' + 'a' : *at));
        gap = false;
    }
}

/* With the name of what it is in, where that does not say it already. They are made unique by who takes them. */
static const char *point_name(struct opcua_browse *browse, const struct browse_looked *looked)
{
    struct buf above;
    struct buf name;
    buf_init(&above, 4 * BROWSE_TEXT_MAX);
    buf_init(&name, 2 * BROWSE_TEXT_MAX);
    put_slug(&above, looked->above);
    put_slug(&name, looked->name);
    bool said = above.size == 0 || name.size == 0 || str_starts(buf_text(&name), buf_text(&above));
    if (!said) {
        (void)buf_append_byte(&above, '-');
        (void)buf_append(&above, name.data, name.size);
    }
    const char *made = keep(browse, said ? &name : &above);
    buf_fini(&name);
    buf_fini(&above);
    return made;
}

static const char *propose_command(struct opcua_browse *browse, const struct browse_looked *looked)
{
    struct buf out;
    buf_init(&out, PROPOSAL_MAX);
    buf_append_text(&out, "{ method: ");
    quote(&out, looked->id);
    if (looked->parent[0] != '\0' || browse->at[0] != '\0') {
        buf_append_text(&out, ", object: ");
        quote(&out, looked->parent[0] != '\0' ? looked->parent : browse->root);
    }
    buf_append_text(&out, " }");
    const char *made = out.overflow ? NULL : keep(browse, &out);
    buf_fini(&out);
    return made;
}

/* ---- nodes ---- */

static void keep_enums(struct opcua_browse *browse, const struct point_enum *from, size_t count,
                       struct driver_node *node)
{
    count = count < POINT_ENUM_MAX ? count : POINT_ENUM_MAX;
    struct point_enum *enums = count > 0
                                   ? arena_alloc_array(&browse->out->arena, count, sizeof(*enums))
                                   : NULL;
    for (size_t i = 0; enums != NULL && i < count; i++) {
        enums[i] = (struct point_enum){ from[i].value, keep_text(browse, from[i].name) };
    }
    node->enums = enums;
    node->enum_count = enums != NULL ? count : 0;
}

static void set_enums(struct opcua_browse *browse, const struct browse_looked *looked,
                      struct driver_node *node)
{
    const struct browse_type *type = browse_type_enums(browse, looked->type);
    const struct point_enum *from = looked->enums;
    size_t count = looked->enum_count;
    if (count == 0 && type != NULL) {
        from = type->enums;
        count = type->enum_count;
    }
    keep_enums(browse, from, count, node);
}

static void set_variable(struct opcua_browse *browse, const struct browse_looked *looked,
                         struct driver_node *node)
{
    unsigned builtin = browse_type_builtin(browse, looked->type);
    node->readable = (looked->access & CAN_READ) != 0;
    node->writable = (looked->access & CAN_WRITE) != 0;
    node->watchable = node->readable;
    node->units = looked->units;
    node->has_min = node->has_max = looked->has_range;
    node->min = looked->min;
    node->max = looked->max;
    node->value = looked->value;
    node->trouble = trouble_of(browse, looked);
    set_enums(browse, looked, node);
    if (node->readable || node->writable) {
        node->point_name = point_name(browse, looked);
        node->point = propose(browse, looked, node, builtin);
        node->proposed = node->readable && !looked->property && looked->rank < 0 &&
                         is_plain(builtin) && node->trouble == NULL;
    }
    if (looked->description == NULL || looked->description[0] == '\0') {
        struct buf text;
        buf_init(&text, WORDS_MAX);
        buf_printf(&text, "%s%s", looked->type != NULL ? looked->type->name : "",
                   looked->rank >= 0 ? "[]" : "");
        node->description = keep(browse, &text);
        buf_fini(&text);
    }
}

static void tell_node(struct opcua_browse *browse, const struct browse_looked *looked,
                      struct driver_node *node)
{
    *node = (struct driver_node){
        .id = keep_text(browse, looked->id),
        .parent = keep_text(browse, looked->parent),
        .kind = kind_of(looked),
        .name = keep_text(browse, looked->name),
        .description = describe(browse, looked),
        .branch = !looked->property,
        .value = { .quality = QUALITY_GOOD },
    };
    if (looked->class == UA_NODECLASS_VARIABLE) {
        set_variable(browse, looked, node);
    } else if (looked->class == UA_NODECLASS_METHOD) {
        node->point_name = point_name(browse, looked);
        node->command = propose_command(browse, looked);
    }
}

/* ---- the node that was asked for, as rows ---- */

static void put_row(struct opcua_browse *browse, const struct browse_looked *looked,
                    const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0' || browse->out->count == ITSELF_ROWS) {
        return;
    }
    const char *id = arena_printf(&browse->out->arena, "%s %s", looked->id, name);
    browse->out->nodes[browse->out->count++] = (struct driver_node){
        .id = id != NULL ? id : "",
        .parent = "",
        .kind = "property",
        .name = name,
        .description = "",
        .value = { .quality = QUALITY_GOOD },
        .value_text = keep_text(browse, text),
    };
}

static void put_access(struct opcua_browse *browse, const struct browse_looked *looked)
{
    char text[64];
    str_format(text, sizeof(text), "%s%s%s", (looked->access & CAN_READ) != 0 ? "read" : "no read",
               (looked->access & CAN_WRITE) != 0 ? ", write" : "",
               (looked->access & HAS_HISTORY) != 0 ? ", history" : "");
    put_row(browse, looked, "access", text);
}

static void put_range(struct opcua_browse *browse, const struct browse_looked *looked)
{
    char min[32];
    char max[32];
    char text[80];
    if (looked->has_range) {
        str_format_double(min, sizeof(min), looked->min);
        str_format_double(max, sizeof(max), looked->max);
        str_format(text, sizeof(text), "%s to %s", min, max);
        put_row(browse, looked, "range", text);
    }
}

static void put_states(struct opcua_browse *browse, const struct driver_node *node,
                       const struct browse_looked *looked)
{
    struct buf text;
    buf_init(&text, WORDS_MAX);
    for (size_t i = 0; i < node->enum_count; i++) {
        buf_printf(&text, "%s%lld %s", i > 0 ? ", " : "", (long long)node->enums[i].value,
                   node->enums[i].name);
    }
    put_row(browse, looked, "states", text.overflow ? NULL : buf_text(&text));
    buf_fini(&text);
}

/* ---- members of a structure ---- */

static bool has_members(const struct opcua_definition *type)
{
    return type->shape == OPCUA_SHAPE_STRUCTURE || type->shape == OPCUA_SHAPE_OPTIONAL ||
           type->shape == OPCUA_SHAPE_UNION;
}

/* Whether something of it is still being asked for. */
static bool is_pending(const struct opcua_definition *type, unsigned depth)
{
    if (type->shape == OPCUA_SHAPE_PENDING) {
        return true;
    }
    for (size_t i = 0; has_members(type) && depth > 0 && i < type->field_count; i++) {
        if (is_pending(type->fields[i].type, depth - 1)) {
            return true;
        }
    }
    return false;
}

static void put_member(struct opcua_browse *browse, const struct browse_looked *looked,
                       const char *path, const struct opcua_definition *type, bool array)
{
    struct arena *arena = &browse->out->arena;
    struct opcua_want want = { .member = path };
    struct buf point;
    const char *id = arena_printf(arena, "%s member %s", looked->id, path);
    if (id == NULL || browse->out->count >= ITSELF_ROWS + BROWSE_MEMBERS_MAX) {
        return;
    }
    struct driver_node *node = &browse->out->nodes[browse->out->count++];
    *node = (struct driver_node){ .id = id,
                                  .parent = "",
                                  .kind = "property",
                                  .name = path,
                                  .description = array ? "array" : "",
                                  .readable = (looked->access & CAN_READ) != 0 };
    keep_enums(browse, type->enums, type->enum_count, node);
    opcua_sample(&looked->raw, &want, browse->types, arena, &node->value);
    buf_init(&point, PROPOSAL_MAX);
    buf_append_text(&point, "{ node: ");
    quote(&point, looked->id);
    buf_append_text(&point, ", member: ");
    quote(&point, path);
    buf_append_text(&point, " }");
    node->point = keep(browse, &point);
    buf_fini(&point);
    struct buf name;
    buf_init(&name, 4 * BROWSE_TEXT_MAX);
    put_slug(&name, path);
    node->point_name = keep(browse, &name);
    buf_fini(&name);
    node->proposed = !array && node->value.type != VALUE_NONE;
}

static void put_members(struct opcua_browse *browse, const struct browse_looked *looked,
                        const struct opcua_definition *type, const char *above, unsigned depth)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct opcua_field *field = &type->fields[i];
        const char *path = arena_printf(&browse->out->arena, "%s%s%s", above,
                                        above[0] != '\0' ? "." : "", field->name);
        if (path == NULL) {
            return;
        }
        if (has_members(field->type) && field->dimensions == 0 && depth > 0) {
            put_members(browse, looked, field->type, path, depth - 1);
        } else {
            put_member(browse, looked, path, field->type, field->dimensions > 0);
        }
    }
}

static void tell_itself(struct opcua_browse *browse, const struct browse_looked *looked)
{
    static const char *const ranks[] = { "one or more", "any", "one value", "array" };
    bool variable = looked->class == UA_NODECLASS_VARIABLE;
    struct driver_node node;
    struct buf value;
    put_row(browse, looked, "name", looked->name);
    put_row(browse, looked, "kind", kind_of(looked));
    put_row(browse, looked, "type", looked->of != NULL ? looked->of->name : NULL);
    put_row(browse, looked, "description", looked->description);
    if (!variable) {
        if (looked->class == UA_NODECLASS_METHOD) {
            put_row(browse, looked, "arguments", describe(browse, looked));
            put_row(browse, looked, "executable", looked->executable ? "yes" : "not by this user");
        }
        return;
    }
    tell_node(browse, looked, &node);
    buf_init(&value, TEXT_BYTES_MAX);
    value_print(looked->value.type, looked->value.value, &value);
    put_row(browse, looked, "value", node.trouble != NULL ? node.trouble : buf_text(&value));
    buf_fini(&value);
    put_row(browse, looked, "data type", looked->type != NULL ? looked->type->name : NULL);
    size_t rank = looked->rank >= 0 ? 3 : looked->rank >= -3 ? (size_t)(looked->rank + 3) : 1;
    put_row(browse, looked, "dimensions", ranks[rank]);
    put_access(browse, looked);
    put_row(browse, looked, "units", looked->units);
    put_range(browse, looked);
    put_states(browse, &node, looked);
    const struct opcua_definition *type = opcua_types_of_data_type(browse->types,
                                                                   &looked->data_type);
    if (has_members(type) && looked->rank < 0) {
        put_members(browse, looked, type, "", MEMBER_DEPTH);
    }
}

void browse_tell_round(struct opcua_browse *browse)
{
    struct opcua_told *out = browse->out;
    size_t most = browse->itself ? ITSELF_ROWS + BROWSE_MEMBERS_MAX : browse->round;
    const struct browse_looked *first = &browse->fresh[0];
    browse->awaits = browse->itself && first->class == UA_NODECLASS_VARIABLE &&
                     browse->awaited++ < BROWSE_AWAITED_MAX &&
                     is_pending(opcua_types_of_data_type(browse->types, &first->data_type),
                                MEMBER_DEPTH);
    if (browse->awaits) {
        return;
    }
    out->nodes = arena_alloc_array(&out->arena, most, sizeof(*out->nodes));
    if (browse->itself && (first->status & 0x80000000U) != 0 && first->class == 0) {
        struct opcua_trouble trouble;
        opcua_trouble_status(&trouble, first->id, first->status);
        browse_fail(browse, trouble.error, trouble.detail);
        return;
    }
    for (size_t i = 0; out->nodes != NULL && i < browse->round; i++) {
        if (browse->itself) {
            tell_itself(browse, &browse->fresh[i]);
        } else {
            tell_node(browse, &browse->fresh[i], &out->nodes[out->count++]);
        }
    }
    browse_round_over(browse);
}
