/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/draft.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/yaml.h"
#include "model/quality.h"

enum { DEPTH_MAX = 3, RULE_TEXT_MAX = 640 };

struct payload_draft {
    struct arena arena;
    struct option point_rows[PAYLOAD_POINT_ROWS + 1];
    struct option device_rows[PAYLOAD_DEVICE_ROWS + 1];
    struct settings device;
    struct payload_point points[PAYLOAD_DRAFT_RULES_MAX];
    struct payload_rule_source rules[PAYLOAD_DRAFT_RULES_MAX];
    size_t count;
};

struct payload_draft *payload_draft_new(void)
{
    struct payload_draft *draft = busbar_alloc(sizeof(*draft));
    arena_init(&draft->arena, 0);
    memcpy(draft->point_rows, payload_point_options, sizeof(payload_point_options));
    memcpy(draft->device_rows, payload_device_options, sizeof(payload_device_options));
    draft->device.options = draft->device_rows;
    return draft;
}

void payload_draft_free(struct payload_draft *draft)
{
    if (draft != NULL) {
        arena_fini(&draft->arena);
        busbar_free(draft);
    }
}

/* ---- reading ---- */

static int wrong_text(const struct problems *problems, struct err *err)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (!problems->list[i].warning) {
            err_set(err, BUSBAR_ECONFIG, "%s", problems->list[i].message);
            return err_hint(err,
                            "as in a configuration: json: $.co2, or { json: $.co2, type: int }");
        }
    }
    return err_set(err, BUSBAR_ECONFIG, "this is no rule");
}

/* The map that a text stands for. */
static int read_map(struct payload_draft *draft, const char *text, struct yaml_node **map,
                    struct err *err)
{
    struct problems problems;
    size_t size = strlen(text);
    if (size > PAYLOAD_DRAFT_TEXT_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "a rule is at most %d bytes long",
                       (int)PAYLOAD_DRAFT_TEXT_MAX);
    }
    const char *whole = arena_strdup(&draft->arena, text);
    problems_init(&problems);
    *map = NULL;
    int error = whole == NULL
                    ? BUSBAR_ENOMEM
                    : yaml_read("rule", whole, size, DEPTH_MAX, &draft->arena, &problems, map);
    if (error != 0 || problems.errors > 0) {
        error = wrong_text(&problems, err);
    } else if (*map == NULL || (*map)->kind != YAML_MAP || (*map)->first == NULL) {
        error = err_set(err, BUSBAR_ECONFIG, "'%.80s' is no rule", text);
        err_hint(err, "write what a point has in a configuration: json: $.co2");
    }
    problems_fini(&problems);
    return error;
}

static int unknown_key(const struct option *rows, const char *key, struct err *err)
{
    const char *words[PAYLOAD_POINT_ROWS + 1];
    size_t count = 0;
    while (rows[count].key != NULL) {
        words[count] = rows[count].key;
        count++;
    }
    const char *nearest = str_nearest(key, words, count);
    err_set(err, BUSBAR_ECONFIG, "unknown key '%.60s'", key);
    return nearest != NULL ? err_hint(err, "did you mean '%s'?", nearest)
                           : err_hint(err, "such as json, csv, match, bytes");
}

static int read_settings(struct payload_draft *draft, const char *text, const struct option *rows,
                         struct settings *out, struct err *err)
{
    struct yaml_node *map;
    int error = read_map(draft, text, &map, err);
    if (error != 0) {
        return error;
    }
    struct setting *set = arena_alloc_array(&draft->arena, option_count(rows), sizeof(*set));
    *out = (struct settings){ .options = rows, .set = set };
    for (const struct yaml_node *at = map->first; at != NULL && set != NULL; at = at->next) {
        int row = option_find(rows, at->key->text);
        if (row < 0) {
            return unknown_key(rows, at->key->text, err);
        }
        struct setting *setting = &set[out->count++];
        setting->option = (uint16_t)row;
        if (at->kind != YAML_SCALAR || option_parse(&rows[row], at->text, &setting->value) != 0) {
            err_set(err, BUSBAR_ECONFIG, "'%.60s' is no value of '%s'", at->text, rows[row].key);
            return err_hint(err, "%s", rows[row].help != NULL ? rows[row].help : "");
        }
    }
    return set != NULL ? 0 : err_set(err, BUSBAR_ENOMEM, "no memory");
}

int payload_draft_rule(struct payload_draft *draft, const char *text, struct err *err)
{
    struct settings settings;
    struct point_facts facts = { .arena = &draft->arena };
    if (draft->count == PAYLOAD_DRAFT_RULES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "at most %d rules at a time",
                       (int)PAYLOAD_DRAFT_RULES_MAX);
    }
    struct payload_point *point = &draft->points[draft->count];
    int error = read_settings(draft, text, draft->point_rows, &settings, err);
    error = error == 0 ? payload_point_read(&settings, &draft->device, NULL, point, &facts, err)
                       : error;
    if (error == 0 && point->kind == PAYLOAD_POINT_ROWS) {
        err_set(err, BUSBAR_ECONFIG, "'%.80s' does not say where its value stands", text);
        error = err_hint(err, "one of json, cbor, msgpack, xml, csv, key, match, bytes, text");
    }
    if (error == 0) {
        draft->rules[draft->count] = (struct payload_rule_source){ point, (uint32_t)draft->count };
        draft->count++;
    }
    return error;
}

int payload_draft_device(struct payload_draft *draft, const char *text, struct err *err)
{
    int error = read_settings(draft, text, draft->device_rows, &draft->device, err);
    return error == 0 ? payload_device_check(&draft->device, NULL, err) : error;
}

void payload_draft_trial(const struct payload_draft *draft, struct payload_trial *trial)
{
    *trial = (struct payload_trial){
        .device = &draft->device, .id = "", .rules = draft->rules, .rule_count = draft->count
    };
}

/* ---- trying ---- */

int payload_try(const struct payload_trial *trial, const struct payload_message *message,
                payload_finding_cb cb, void *ctx, struct err *err)
{
    struct payload_programs *programs = payload_programs_new(trial->schemas);
    struct payload_shape *shape = NULL;
    struct payload_program *program = NULL;
    int error = payload_shape_get(programs, trial->device, trial->id, &shape, err);
    if (error == 0) {
        error = payload_program_get(programs, shape, trial->id, trial->rules, trial->rule_count,
                                    trial->events, trial->event_count, &program, err);
    }
    if (error == 0) {
        struct payload_reader *reader = payload_reader_new();
        error = payload_reader_open(reader, message, err);
        error = error == 0 ? payload_reader_explain(reader, shape, program, cb, ctx, err) : error;
        payload_reader_free(reader);
        payload_program_drop(program);
    }
    if (shape != NULL) {
        payload_shape_drop(shape);
    }
    payload_programs_free(programs);
    return error;
}

/* ---- findings for programs ---- */

static void put_value(struct json_writer *json, const struct payload_reading *reading)
{
    json_key(json, "value");
    switch (reading->type) {
    case VALUE_BOOL: json_bool(json, reading->value.b); break;
    case VALUE_INT: json_i64(json, reading->value.i); break;
    case VALUE_DOUBLE: json_double(json, reading->value.d); break;
    case VALUE_TEXT:
        json_string_n(json, reading->value.text.bytes, reading->value.text.size);
        break;
    default: json_null(json); break;
    }
    json_put_string(json, "type",
                    reading->type != VALUE_NONE ? value_type_word(reading->type) : "");
    json_put_string(json, "quality", quality_text(reading->quality));
    if (reading->time_us != 0) {
        json_put_time(json, "time", reading->time_us);
    } else {
        json_put_null(json, "time");
    }
}

void payload_finding_put(struct json_writer *json, const char *name,
                         const struct payload_point *rule, const struct payload_finding *finding)
{
    static const struct payload_reading nothing = { .type = VALUE_NONE };
    char text[RULE_TEXT_MAX] = "";
    bool fine = finding->why == NULL && finding->found != NULL;
    if (rule != NULL) {
        str_format(text, sizeof(text), "%s: %s", payload_point_options[rule->kind].key,
                   rule->expression);
    }
    json_begin_object(json);
    json_put_string(json, "name", name);
    json_put_string(json, "rule", text);
    json_put_bool(json, "event", finding->event);
    json_put_u64(json, "element", finding->element);
    json_put_string(json, "id", finding->id != NULL ? finding->id : "");
    json_put_bool(json, "fine", fine);
    json_put_string(json, "found", finding->found != NULL ? finding->found : "");
    json_put_string(json, "why", finding->why != NULL ? finding->why : "");
    put_value(json, fine && !finding->event ? &finding->reading : &nothing);
    json_end_object(json);
}
