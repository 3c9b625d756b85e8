/* SPDX-License-Identifier: Apache-2.0 */
#include "config/option.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"

size_t option_count(const struct option *options)
{
    size_t count = 0;
    while (options[count].key != NULL) {
        count++;
    }
    return count;
}

int option_find(const struct option *options, const char *key)
{
    for (int i = 0; options[i].key != NULL; i++) {
        if (strcmp(options[i].key, key) == 0) {
            return i;
        }
    }
    return -1;
}

static bool in_bounds(const struct option *option, int64_t value)
{
    return (option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max);
}

static int parse_choice(const struct option *option, const char *text, int64_t *out)
{
    for (int64_t i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    return BUSBAR_EINVAL;
}

static int parse_duration(const struct option *option, const char *text, int64_t *out)
{
    if (option->choices != NULL && strcmp(option->choices[0], text) == 0) {
        *out = -1;
        return 0;
    }
    int64_t value;
    int error = str_parse_duration_us(text, &value);
    if (error != 0) {
        return error;
    }
    if (!in_bounds(option, value)) {
        return BUSBAR_ERANGE;
    }
    *out = value;
    return 0;
}

int option_parse(const struct option *option, const char *text, union setting_value *out)
{
    int64_t number;
    int error;
    switch (option->type) {
    case OPTION_BOOL: return str_parse_bool(text, &out->b);
    case OPTION_DOUBLE: return str_parse_double(text, &out->d);
    case OPTION_CHOICE: return parse_choice(option, text, &out->i);
    case OPTION_DURATION: return parse_duration(option, text, &out->i);
    case OPTION_INT:
        error = str_parse_i64(text, &number);
        if (error != 0) {
            return error;
        }
        out->i = number;
        return in_bounds(option, number) ? 0 : BUSBAR_ERANGE;
    case OPTION_TEXT:
        if (!in_bounds(option, (int64_t)strlen(text))) {
            return BUSBAR_ERANGE;
        }
        break;
    case OPTION_SECRET: break;
    case OPTION_PART: return BUSBAR_EINVAL;
    }
    out->text = text;
    return 0;
}

void option_print(const struct option *option, union setting_value value, struct buf *out)
{
    char text[64];
    switch (option->type) {
    case OPTION_BOOL: buf_append_text(out, value.b ? "true" : "false"); break;
    case OPTION_INT: buf_printf(out, "%" PRId64, value.i); break;
    case OPTION_CHOICE: buf_append_text(out, option->choices[value.i]); break;
    case OPTION_TEXT: buf_append_text(out, value.text); break;
    case OPTION_SECRET: buf_printf(out, "!secret %s", value.text); break;
    case OPTION_PART: break;
    case OPTION_DOUBLE:
        str_format_double(text, sizeof(text), value.d);
        buf_append_text(out, text);
        break;
    case OPTION_DURATION:
        if (value.i == -1 && option->choices != NULL) {
            buf_append_text(out, option->choices[0]);
        } else {
            str_format_duration(text, sizeof(text), value.i);
            buf_append_text(out, text);
        }
        break;
    }
}

const struct setting *settings_find(const struct settings *settings, size_t option)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (settings->set[i].option == option) {
            return &settings->set[i];
        }
    }
    return NULL;
}

bool settings_has(const struct settings *settings, size_t option)
{
    return settings_find(settings, option) != NULL;
}

/* What was set, else the fallback, else zero. */
static union setting_value value_of(const struct settings *settings, size_t option)
{
    union setting_value value = { 0 };
    const struct setting *set = settings_find(settings, option);
    if (set != NULL) {
        return set->value;
    }
    const struct option *row = &settings->options[option];
    if (row->fallback != NULL) {
        int error = option_parse(row, row->fallback, &value);
        assert(error == 0);
        (void)error;
    }
    return value;
}

bool settings_bool(const struct settings *settings, size_t option)
{
    assert(settings->options[option].type == OPTION_BOOL);
    return value_of(settings, option).b;
}

int64_t settings_int(const struct settings *settings, size_t option)
{
    enum option_type type = settings->options[option].type;
    assert(type == OPTION_INT || type == OPTION_DURATION || type == OPTION_CHOICE);
    (void)type;
    return value_of(settings, option).i;
}

double settings_double(const struct settings *settings, size_t option)
{
    assert(settings->options[option].type == OPTION_DOUBLE);
    return value_of(settings, option).d;
}

const char *settings_text(const struct settings *settings, size_t option)
{
    enum option_type type = settings->options[option].type;
    assert(type == OPTION_TEXT || type == OPTION_SECRET);
    (void)type;
    return value_of(settings, option).text;
}

struct position settings_at(const struct settings *settings, size_t option)
{
    const struct setting *set = settings_find(settings, option);
    return set != NULL ? set->at : settings->at;
}
