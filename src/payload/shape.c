/* SPDX-License-Identifier: Apache-2.0 */
/* What a device's rows say about its messages, compiled. */
#include <string.h>

#include "base/str.h"
#include "payload/rule.h"

/* In a row of the device: the error stands there. */
static int at_row(const struct settings *device, size_t row, int error, struct err *err)
{
    if (error != 0 && err != NULL) {
        struct position at = settings_at(device, row);
        (void)str_copy(err->file, sizeof(err->file), at.file != NULL ? at.file : "");
        err->line = at.line;
        err->column = at.column;
        err->width = at.width;
        (void)err_prefix(err, "%s", device->options[row].key);
    }
    return error;
}

static int refuse_row(const struct settings *device, size_t row, const char *hint, struct err *err,
                      const char *what)
{
    return err_at(err, BUSBAR_EINVAL, settings_at(device, row), hint, "%s: %s",
                  device->options[row].key, what);
}

static int read_one(const struct settings *device, size_t row, const char *id, bool jit, bool *has,
                    struct expression *out, struct err *err)
{
    const char *text = settings_text(device, row);
    *has = false;
    if (text == NULL) {
        return 0;
    }
    int error = row == PAYLOAD_DEVICE_ONLY ? expression_condition(text, id, jit, out, err)
                                           : expression_read(text, id, jit, out, err);
    *has = error == 0;
    return at_row(device, row, error, err);
}

static int check_each(const struct payload_shape *shape, const struct settings *device,
                      struct err *err)
{
    uint8_t kind = shape->each.kind;
    if (!shape->has_each || expression_is_path(kind) || kind == PAYLOAD_POINT_CSV ||
        kind == PAYLOAD_POINT_MATCH || kind == PAYLOAD_POINT_XML) {
        return 0;
    }
    return refuse_row(device, PAYLOAD_DEVICE_EACH,
                      "'json $.readings[*]', 'csv', 'match EXPRESSION' or 'xml //row'", err,
                      "such a message has no parts");
}

static int read_separator(struct payload_shape *shape, const struct settings *device,
                          struct err *err)
{
    const char *text = settings_text(device, PAYLOAD_DEVICE_SEPARATOR);
    shape->separator = strcmp(text, "tab") == 0 ? '\t' : text[0];
    bool well = strcmp(text, "tab") == 0 || (text[1] == '\0' && strchr("\"\r\n", text[0]) == NULL &&
                                             (unsigned char)text[0] < 0x80);
    return well ? 0
                : refuse_row(device, PAYLOAD_DEVICE_SEPARATOR, "one character: , ; | or tab", err,
                             "not such a separator");
}

static int read_message(struct payload_shape *shape, const struct settings *device,
                        const struct payload_schemas *schemas, struct err *err)
{
    const char *name = settings_text(device, PAYLOAD_DEVICE_MESSAGE);
    return name == NULL ? 0
                        : at_row(device, PAYLOAD_DEVICE_MESSAGE,
                                 payload_schemas_find(schemas, name, &shape->schema, err), err);
}

static int read_expressions(struct payload_shape *shape, const struct settings *device,
                            const char *id, bool jit, struct err *err)
{
    int error = read_one(device, PAYLOAD_DEVICE_EACH, id, jit, &shape->has_each, &shape->each, err);
    if (error == 0) {
        error = check_each(shape, device, err);
    }
    if (error == 0) {
        error = read_one(device, PAYLOAD_DEVICE_ID_FROM, id, jit, &shape->has_id, &shape->id, err);
    }
    if (error == 0) {
        error = read_one(device, PAYLOAD_DEVICE_TIME, id, jit, &shape->has_time, &shape->time, err);
    }
    if (error == 0) {
        error = read_one(device, PAYLOAD_DEVICE_ONLY, id, jit, &shape->has_only, &shape->only, err);
    }
    return error;
}

/* Whether the type of Protobuf messages has what the rows name. */
static int check_message(const struct payload_shape *shape, const struct settings *device,
                         const struct payload_schemas *schemas, struct err *err)
{
    const struct {
        size_t row;
        bool has;
        const struct expression *expression;
    } rows[] = {
        { PAYLOAD_DEVICE_EACH, shape->has_each, &shape->each },
        { PAYLOAD_DEVICE_ID_FROM, shape->has_id, &shape->id },
        { PAYLOAD_DEVICE_TIME, shape->has_time, &shape->time },
        { PAYLOAD_DEVICE_ONLY, shape->has_only, &shape->only },
    };
    int error = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && error == 0; i++) {
        if (rows[i].has) {
            bool in_element = rows[i].row != PAYLOAD_DEVICE_EACH;
            error = at_row(device, rows[i].row,
                           expression_check(rows[i].expression, device, schemas, in_element, err),
                           err);
        }
    }
    return error;
}

static int read_time(struct payload_shape *shape, const struct settings *device, struct err *err)
{
    size_t row = settings_has(device, PAYLOAD_DEVICE_TIME_ZONE) ? PAYLOAD_DEVICE_TIME_ZONE
                                                                : PAYLOAD_DEVICE_TIME_FORMAT;
    return at_row(device, row,
                  time_rule_read(settings_text(device, PAYLOAD_DEVICE_TIME_FORMAT),
                                 settings_text(device, PAYLOAD_DEVICE_TIME_ZONE), &shape->time_rule,
                                 err),
                  err);
}

static bool names_column(bool has, const struct expression *expression)
{
    return has && expression->kind == PAYLOAD_POINT_CSV && expression->number == 0;
}

int shape_read(struct payload_shape *shape, const struct settings *device, const char *id,
               const struct payload_schemas *schemas, bool jit, struct err *err)
{
    int error = read_separator(shape, device, err);
    if (error == 0) {
        error = read_expressions(shape, device, id, jit, err);
    }
    if (error == 0) {
        error = read_time(shape, device, err);
    }
    if (error == 0) {
        error = read_message(shape, device, schemas, err);
    }
    if (error == 0) {
        error = check_message(shape, device, schemas, err);
    }
    if (error != 0) {
        payload_shape_fini(shape);
        return error;
    }
    shape->comma = settings_int(device, PAYLOAD_DEVICE_DECIMAL) == 1;
    shape->latin1 = settings_int(device, PAYLOAD_DEVICE_ENCODING) == 1;
    shape->header = settings_has(device, PAYLOAD_DEVICE_HEADER)
                        ? settings_bool(device, PAYLOAD_DEVICE_HEADER)
                        : names_column(shape->has_id, &shape->id) ||
                              names_column(shape->has_time, &shape->time);
    return 0;
}

void payload_shape_fini(struct payload_shape *shape)
{
    expression_fini(&shape->each);
    expression_fini(&shape->id);
    expression_fini(&shape->time);
    expression_fini(&shape->only);
}

int payload_device_check(const struct settings *device, const struct payload_schemas *schemas,
                         struct err *err)
{
    struct payload_shape shape = { 0 };
    int error = shape_read(&shape, device, settings_text(device, PAYLOAD_DEVICE_ID), schemas, false,
                           err);
    if (error == 0) {
        payload_shape_fini(&shape);
    }
    return error;
}
