/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a path can find anything in a Protobuf message at all. It is followed along the message's type, so that a name
 * that is misspelt is told when the configuration is read, not by a point that stays empty. Where a step can lead to several
 * types (`..`, `*` over fields, several selectors) nothing is said of what follows. */
#include <string.h>

#include "base/str.h"
#include "payload/path_parts.h"
#include "payload/rule.h"
#include "payload/schema_parts.h"

enum { SHOWN_MAX = 60 };

enum place_kind {
    PLACE_UNKNOWN, /* one of several types */
    PLACE_MESSAGE,
    PLACE_LIST,
    PLACE_MAP,
    PLACE_VALUE,
};

/* Where a path has come to. */
struct place {
    enum place_kind kind;
    const struct payload_schema *schema; /* message; map: of its entries */
    const struct schema_field *field;    /* list, map, value: what it was reached by; else NULL */
};

static const struct place unknown = { .kind = PLACE_UNKNOWN };

/* What a field leads to; element: one of the list's. */
static struct place place_of(const struct schema_field *field, bool element)
{
    struct place place = { .kind = PLACE_VALUE, .field = field };
    const struct payload_schema *message = field->type == SCHEMA_MESSAGE ? field->message : NULL;
    if (field->type == 0 || field->type == SCHEMA_GROUP) {
        return unknown;
    }
    if (field->repeated && !element) {
        bool map = message != NULL && message->map_entry;
        place.kind = map ? PLACE_MAP : PLACE_LIST;
        place.schema = map ? message : NULL;
    } else if (message != NULL && !message->time) {
        place = (struct place){ .kind = PLACE_MESSAGE, .schema = message };
    }
    return place;
}

static int no_field(const struct payload_schema *schema, const struct path_selector *selector,
                    struct err *err)
{
    const char *best = NULL;
    for (size_t i = 0; i < schema->count; i++) {
        const char *pair[] = { best, schema->fields[i].name };
        const char *nearer = str_nearest(selector->name, pair, 2);
        best = nearer != NULL ? nearer : best;
    }
    err_set(err, BUSBAR_ENOENT, "%s has no field '%.*s'", schema->name, SHOWN_MAX, selector->name);
    if (best != NULL) {
        return err_hint(err, "did you mean '%s'?", best);
    }
    return err_hint(err, "write the names of the .proto file; if the device sends the field, make "
                         "the descriptors anew");
}

static int enter_message(const struct payload_schema *schema, const struct path_selector *selector,
                         struct place *to, struct err *err)
{
    if (selector->type == PATH_INDEX || selector->type == PATH_SLICE) {
        err_set(err, BUSBAR_ENOENT, "%s is one message, not a list", schema->name);
        return err_hint(err, "name a field of it instead of [%lld]", (long long)selector->index);
    }
    if (selector->type != PATH_NAME) {
        return 0; /* fields of any type */
    }
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        if (field->name_size == selector->name_size &&
            memcmp(field->name, selector->name, field->name_size) == 0) {
            *to = place_of(field, false);
            return 0;
        }
    }
    return no_field(schema, selector, err);
}

static int enter(const struct place *from, const struct path_selector *selector, struct place *to,
                 struct err *err)
{
    *to = unknown;
    switch (from->kind) {
    case PLACE_MESSAGE: return enter_message(from->schema, selector, to, err);
    case PLACE_MAP: *to = place_of(payload_schema_field(from->schema, 2), false); return 0;
    case PLACE_LIST:
        if (selector->type == PATH_NAME) {
            err_set(err, BUSBAR_ENOENT, "'%s' is a list, which has no '%.*s'", from->field->name,
                    SHOWN_MAX, selector->name);
            return err_hint(err, "say which one: %s[0], or %s[*] for all", from->field->name,
                            from->field->name);
        }
        *to = place_of(from->field, true);
        return 0;
    case PLACE_VALUE:
        err_set(err, BUSBAR_ENOENT, "'%s' is one value, nothing stands in it", from->field->name);
        return err_hint(err, "end the path at '%s'", from->field->name);
    default: return 0;
    }
}

/* ---- along a path ---- */

static int follow(const struct path_query *query, struct place root, struct place current,
                  struct place *end, struct err *err);

static int check_side(const struct path_operand *side, struct place root, struct place current,
                      struct err *err)
{
    struct place end;
    return side->literal ? 0 : follow(&side->query, root, current, &end, err);
}

static int check_filter(const struct path_test *test, struct place root, struct place current,
                        struct err *err)
{
    int error = 0;
    switch (test->type) {
    case PATH_OR:
    case PATH_AND:
        error = check_filter(test->left, root, current, err);
        return error != 0 ? error : check_filter(test->right, root, current, err);
    case PATH_NOT: return check_filter(test->left, root, current, err);
    case PATH_THERE: return check_side(&test->left_side, root, current, err);
    default:
        error = check_side(&test->left_side, root, current, err);
        return error != 0 ? error : check_side(&test->right_side, root, current, err);
    }
}

static int follow_step(const struct path_step *step, struct place root, struct place *at,
                       struct err *err)
{
    struct place next = unknown;
    int error = 0;
    for (size_t i = 0; i < step->count && error == 0; i++) {
        const struct path_selector *selector = &step->selectors[i];
        struct place from = step->deep ? unknown : *at;
        error = enter(&from, selector, &next, err);
        if (error == 0 && selector->type == PATH_FILTER) {
            error = check_filter(selector->filter, root, next, err);
        }
    }
    *at = step->count == 1 ? next : unknown;
    return error;
}

static int follow(const struct path_query *query, struct place root, struct place current,
                  struct place *end, struct err *err)
{
    int error = 0;
    *end = query->absolute ? root : current;
    for (size_t i = 0; i < query->count && error == 0; i++) {
        error = follow_step(&query->steps[i], root, end, err);
    }
    return error;
}

/* What `$` is in the device's rules: the message, or an element that `each` finds. */
static struct place root_of(const struct payload_schema *schema, const char *each, const char *id)
{
    struct place root = { .kind = PLACE_MESSAGE, .schema = schema };
    struct place end = root;
    struct expression expression;
    if (each != NULL && expression_read(each, id, false, &expression, NULL) == 0) {
        if (expression.kind == PAYLOAD_POINT_PROTOBUF &&
            follow(&expression.path->query, root, root, &end, NULL) != 0) {
            end = unknown; /* told where `each` stands */
        }
        expression_fini(&expression);
    }
    return end;
}

int expression_check(const struct expression *expression, const struct settings *device,
                     const struct payload_schemas *schemas, bool in_element, struct err *err)
{
    const char *name = settings_text(device, PAYLOAD_DEVICE_MESSAGE);
    const struct payload_schema *schema = NULL;
    struct place end;
    if (expression->kind != PAYLOAD_POINT_PROTOBUF || name == NULL ||
        payload_schemas_find(schemas, name, &schema, NULL) != 0) {
        return 0; /* the row `message` is refused where it stands */
    }
    struct place root = root_of(schema,
                                in_element ? settings_text(device, PAYLOAD_DEVICE_EACH) : NULL,
                                settings_text(device, PAYLOAD_DEVICE_ID));
    int error = follow(&expression->path->query, root, root, &end, err);
    if (error != 0) {
        (void)err_prefix(err, "protobuf '%.*s'", SHOWN_MAX, expression->text);
    }
    return error;
}
