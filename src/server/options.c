/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include <assert.h>
#include <string.h>

void options_init(struct options *options)
{
    *options = (struct options){ 0 };
    arena_init(&options->arena, 0);
}

void options_fini(struct options *options)
{
    arena_fini(&options->arena);
}

void options_add(struct options *options, const char *name, const char *value)
{
    assert(options->count < OPTIONS_MAX);
    options->list[options->count++] = value[0] != '\0'
                                          ? arena_printf(&options->arena, "%s=%s", name, value)
                                          : arena_strdup(&options->arena, name);
}

/* NULL: it is no value of an option. "" : a switch that is on. */
static const char *value_text(struct options *options, const struct json_value *value)
{
    int64_t number = 0;
    if (json_type(value) == JSON_STRING) {
        size_t size = 0;
        const char *text = json_get_text(value, &size);
        return strlen(text) == size && size > 0 ? text : NULL;
    }
    if (json_get_i64(value, &number) == 0) {
        return arena_printf(&options->arena, "%lld", (long long)number);
    }
    return json_type(value) == JSON_BOOL ? "" : NULL;
}

int options_read(struct options *options, const struct json_value *object, struct err *err)
{
    struct json_iter it = json_iter(object);
    const struct json_value *value;
    const char *name;
    if (object != NULL && json_type(object) != JSON_OBJECT) {
        err_set(err, BUSBAR_EINVAL, "'options' must be an object");
        return err_hint(err, "{\"low\": 1, \"high\": 1000}");
    }
    while (json_next(&it, &name, &value)) {
        bool on = true;
        const char *text = value_text(options, value);
        if (text == NULL || name[0] == '\0' || strchr(name, '=') != NULL) {
            return err_set(err, BUSBAR_EINVAL,
                           "option '%s' must be a text, a whole number, true or false", name);
        }
        if (strlen(name) + strlen(text) >= OPTION_BYTES_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "option '%.32s' is longer than %d bytes", name,
                           OPTION_BYTES_MAX);
        }
        if (json_get_bool(value, &on) == 0 && !on) {
            continue;
        }
        if (options->count == OPTIONS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d options", OPTIONS_MAX);
        }
        options_add(options, name, text);
    }
    return 0;
}

const char *const *options_list(const struct options *options)
{
    return options->list;
}
