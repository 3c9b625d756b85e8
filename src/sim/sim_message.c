/* SPDX-License-Identifier: Apache-2.0 */
/* Trees, texts and events; lines: sim_message_line.c, binary messages: sim_message_bytes.c. */
#include "sim/sim_message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "payload/rule.h"
#include "sim/sim_match.h"
#include "sim/sim_message_parts.h"
#include "sim/sim_tree.h"

#define WORD_HOLDS_US (45 * CLOCK_US_PER_S)

/* ---- speakers ---- */

/* Caller frees. */
static char *put_id(const char *text, const char *id)
{
    struct buf out;
    size_t size;
    buf_init(&out, SIM_MESSAGE_MAX);
    for (const char *at; (at = strstr(text, "{id}")) != NULL; text = at + strlen("{id}")) {
        (void)buf_append(&out, text, (size_t)(at - text));
        (void)buf_append_text(&out, id);
    }
    (void)buf_append_text(&out, text);
    char *made = (char *)buf_take(&out, &size);
    return made != NULL ? made : busbar_strdup("");
}

void sim_speaker_init(struct sim_speaker *speaker, const struct sim_live *live, const void *rules,
                      size_t stride)
{
    const struct settings *settings = live->dev->settings;
    *speaker = (struct sim_speaker){ .dev = live->dev, .live = live };
    speaker->rules = rules;
    speaker->stride = stride;
    speaker->random = hash_text(live->dev->name);
    const char *id = settings_text(settings, PAYLOAD_DEVICE_ID);
    speaker->id = busbar_strdup(id != NULL ? id : live->dev->name);
    for (size_t i = 0; i < PAYLOAD_DEVICE_ROWS; i++) {
        const char *text = payload_device_options[i].type == OPTION_TEXT
                               ? settings_text(settings, i)
                               : NULL;
        speaker->texts[i] = text != NULL ? put_id(text, speaker->id) : NULL;
    }
}

void sim_speaker_fini(struct sim_speaker *speaker)
{
    busbar_free(speaker->id);
    for (size_t i = 0; i < PAYLOAD_DEVICE_ROWS; i++) {
        busbar_free(speaker->texts[i]);
    }
}

const struct payload_point *sim_speaker_rule(const struct sim_speaker *speaker, uint32_t point)
{
    return (const void *)((const char *)speaker->rules + point * speaker->stride);
}

uint8_t sim_rule_type(const struct payload_point *rule, const struct point *pt)
{
    bool text = rule->kind == PAYLOAD_POINT_ROWS
                    ? false
                    : rule->type == PAYLOAD_AS_TEXT || rule->type == PAYLOAD_AS_ASCII;
    if (text && pt->cls->enum_count == 0) {
        return VALUE_TEXT;
    }
    if (rule->kind != PAYLOAD_POINT_ROWS && rule->kind == PAYLOAD_POINT_BYTES) {
        return sim_bytes_type(rule);
    }
    if (rule->kind != PAYLOAD_POINT_ROWS && rule->type == PAYLOAD_AS_BOOL) {
        return VALUE_BOOL;
    }
    if (rule->type == PAYLOAD_AS_INT || pt->cls->enum_count > 0) {
        return VALUE_INT;
    }
    return pt->value_type == VALUE_NONE || pt->value_type == VALUE_TEXT ? VALUE_DOUBLE
                                                                        : pt->value_type;
}

bool sim_speaker_joins(const struct sim_speaker *speaker, uint32_t a, uint32_t b)
{
    uint8_t kind = sim_speaker_rule(speaker, a)->kind;
    return kind == sim_speaker_rule(speaker, b)->kind && kind != PAYLOAD_POINT_MATCH &&
           kind != PAYLOAD_POINT_TEXT;
}

/* ---- what all formats need ---- */

/* "json $.id" split at its first word: whether it is this word, and what follows it. */
static const char *of_word(const char *text, const char *word)
{
    size_t size = strlen(word);
    if (text == NULL || strncmp(text, word, size) != 0 ||
        (text[size] != ' ' && text[size] != '\0')) {
        return NULL;
    }
    return text + size + strspn(text + size, " ");
}

const char *sim_row_text(const struct sim_speaker *speaker, enum payload_device_row row,
                         const char *word)
{
    return of_word(speaker->texts[row], word);
}

/* Decimals as a sensor gives them: what scaling back left behind is no digit of it. */
struct sim_reading sim_point_reading(const struct sim_speaker *speaker, uint32_t point,
                                     int64_t wall_us)
{
    struct sim_reading reading = sim_live_get(speaker->live, point, wall_us);
    if (reading.type == VALUE_DOUBLE) {
        char text[32];
        str_format(text, sizeof(text), "%.9g", reading.value.d);
        reading.value.d = strtod(text, NULL);
    }
    return reading;
}

static int64_t zone_us(const struct sim_speaker *speaker)
{
    const char *zone = speaker->texts[PAYLOAD_DEVICE_TIME_ZONE];
    if (zone == NULL || (zone[0] != '+' && zone[0] != '-')) {
        return 0;
    }
    int64_t minutes = strtol(zone + 1, NULL, 10) * 60;
    const char *colon = strchr(zone, ':');
    minutes += colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
    return (zone[0] == '-' ? -minutes : minutes) * 60 * CLOCK_US_PER_S;
}

/* The time as the configuration says that it is written; a text lives in room. */
struct sim_reading sim_time_reading(const struct sim_speaker *speaker, int64_t wall_us,
                                    char room[SIM_TIME_BYTES])
{
    static const struct {
        const char *word;
        int64_t per_us, times;
    } counts[] = {
        { "unix", 1000000, 1 }, { "unix-ms", 1000, 1 }, { "unix-us", 1, 1 }, { "unix-ns", 1, 1000 }
    };
    const char *format = speaker->texts[PAYLOAD_DEVICE_TIME_FORMAT];
    struct sim_reading reading = { .type = VALUE_TEXT, .text = room };
    for (size_t i = 0; format != NULL && i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (strcmp(format, counts[i].word) == 0) {
            reading.type = VALUE_INT;
            reading.value.i = wall_us / counts[i].per_us * counts[i].times;
            return reading;
        }
    }
    if (format == NULL || strcmp(format, "auto") == 0 || strcmp(format, "iso") == 0) {
        str_format_time(room, SIM_TIME_BYTES, wall_us, 0, false);
        return reading;
    }
    struct tm tm;
    time_t seconds = (time_t)((wall_us + zone_us(speaker)) / CLOCK_US_PER_S);
    room[0] = '\0';
    if (gmtime_r(&seconds, &tm) != NULL) {
        (void)strftime(room, SIM_TIME_BYTES, format, &tm);
    }
    return reading;
}

struct sim_reading sim_id_reading(const struct sim_speaker *speaker)
{
    return (struct sim_reading){ .type = VALUE_TEXT, .text = speaker->id };
}

static int say(const struct sim_speaker *speaker, int error, const char *what, struct err *err)
{
    return err_set(err, error, "'%s': of '%.100s' no message can be made", speaker->dev->name,
                   what);
}

/* ---- JSON, CBOR, MessagePack, XML ---- */

struct tree_kind {
    uint8_t kind;
    enum sim_tree_format format;
    const char *word;
};
static const struct tree_kind tree_kinds[] = {
    { PAYLOAD_POINT_JSON, SIM_TREE_JSON, "json" },
    { PAYLOAD_POINT_CBOR, SIM_TREE_CBOR, "cbor" },
    { PAYLOAD_POINT_MSGPACK, SIM_TREE_MSGPACK, "msgpack" },
    { PAYLOAD_POINT_XML, SIM_TREE_XML, "xml" },
};

static const struct tree_kind *find_tree_kind(uint8_t kind)
{
    for (size_t i = 0; i < sizeof(tree_kinds) / sizeof(tree_kinds[0]); i++) {
        if (tree_kinds[i].kind == kind) {
            return &tree_kinds[i];
        }
    }
    return NULL;
}

struct tree_maker {
    const struct sim_speaker *speaker;
    const struct tree_kind *kind;
    struct sim_tree tree;
    int64_t wall_us;
};

static int set_path(struct tree_maker *maker, const char *path, const struct sim_reading *reading)
{
    return maker->kind->format == SIM_TREE_XML ? sim_tree_set_xml(&maker->tree, path, reading)
                                               : sim_tree_set_json(&maker->tree, path, reading);
}

/* "$.type=='reading'": so it is then. What is no equality is left to the values. */
static void set_only(struct tree_maker *maker)
{
    const char *only = sim_row_text(maker->speaker, PAYLOAD_DEVICE_ONLY, maker->kind->word);
    const char *equals = only != NULL ? strstr(only, "==") : NULL;
    char path[TEXT_BYTES_MAX], word[TEXT_BYTES_MAX];
    if (equals == NULL || strstr(only, "&&") != NULL || strstr(only, "||") != NULL) {
        return;
    }
    str_format(path, sizeof(path), "%.*s", (int)(equals - only), only);
    str_format(word, sizeof(word), "%s", equals + 2);
    struct sim_reading reading = { .type = VALUE_INT };
    char *text = str_trim(word);
    size_t size = strlen(text);
    if (size >= 2 && (text[0] == '\'' || text[0] == '"')) {
        text[size - 1] = '\0';
        reading = (struct sim_reading){ .type = VALUE_TEXT, .text = text + 1 };
    } else if (str_parse_bool(text, &reading.value.b) == 0) {
        reading.type = VALUE_BOOL;
    } else if (str_parse_i64(text, &reading.value.i) != 0) {
        return;
    }
    (void)set_path(maker, str_trim(path), &reading);
}

/* Id and time, where the element has them. */
static int set_head(struct tree_maker *maker, struct err *err)
{
    const struct sim_speaker *speaker = maker->speaker;
    char room[SIM_TIME_BYTES];
    const struct sim_reading id = sim_id_reading(speaker);
    const struct sim_reading time = sim_time_reading(speaker, maker->wall_us, room);
    const char *id_from = sim_row_text(speaker, PAYLOAD_DEVICE_ID_FROM, maker->kind->word);
    const char *at = sim_row_text(speaker, PAYLOAD_DEVICE_TIME, maker->kind->word);
    int error = id_from != NULL ? set_path(maker, id_from, &id) : 0;
    if (error == 0 && at != NULL) {
        id_from = at;
        error = set_path(maker, at, &time);
    }
    set_only(maker);
    return error == 0 ? 0 : say(speaker, error, id_from, err);
}

static int set_point(struct tree_maker *maker, uint32_t point, struct err *err)
{
    const struct sim_speaker *speaker = maker->speaker;
    const struct payload_point *rule = sim_speaker_rule(speaker, point);
    char room[SIM_TIME_BYTES];
    struct sim_reading reading = sim_point_reading(speaker, point, maker->wall_us);
    char *path = put_id(rule->expression, speaker->id);
    int error = set_path(maker, path, &reading);
    if (error == 0 && rule->at != NULL) {
        reading = sim_time_reading(speaker, maker->wall_us, room);
        (void)set_path(maker, rule->at, &reading);
    }
    error = error == 0 ? 0 : say(speaker, error, path, err);
    busbar_free(path);
    return error;
}

typedef int (*fill_cb)(struct tree_maker *maker, const void *what, size_t count, struct err *err);

static int fill_points(struct tree_maker *maker, const void *what, size_t count, struct err *err)
{
    const uint32_t *points = what;
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = set_point(maker, points[i], err);
    }
    return error;
}

static int make_tree(struct tree_maker *maker, fill_cb fill, const void *what, size_t count,
                     struct buf *out, struct err *err)
{
    const char *each = sim_row_text(maker->speaker, PAYLOAD_DEVICE_EACH, maker->kind->word);
    bool xml = maker->kind->format == SIM_TREE_XML;
    struct sim_node *root = NULL;
    sim_tree_init(&maker->tree);
    if (each != NULL) {
        root = xml ? sim_tree_enter_xml(&maker->tree, each)
                   : sim_tree_enter_json(&maker->tree, each);
    }
    int error = each != NULL && root == NULL ? say(maker->speaker, BUSBAR_EUNSUPPORTED, each, err)
                                             : 0;
    error = error == 0 ? set_head(maker, err) : error;
    error = error == 0 ? fill(maker, what, count, err) : error;
    if (root != NULL) {
        sim_tree_leave(&maker->tree, root);
    }
    if (error == 0) {
        sim_tree_print(&maker->tree, maker->kind->format, out);
    }
    sim_tree_fini(&maker->tree);
    return error;
}

/* ---- texts ---- */

/* A regular expression says where the id stands: what it takes from the text's beginning is replaced, or put before it. */
static int lead_by_id(struct sim_speaker *speaker, size_t from, struct buf *out)
{
    const char *pattern = sim_row_text(speaker, PAYLOAD_DEVICE_ID_FROM, "match");
    if (pattern == NULL) {
        return 0;
    }
    struct buf lead, rest;
    const struct sim_match_value value = { .text = speaker->id };
    buf_init(&lead, SIM_MESSAGE_MAX);
    buf_init(&rest, SIM_MESSAGE_MAX);
    int error = sim_match_make(pattern, &value, 1, &speaker->random, &lead);
    const char *made = (const char *)out->data + from;
    size_t size = out->size - from;
    if (error == 0 && lead.size > 0 && pattern[0] == '^') {
        const char *behind = size > 0 ? memchr(made, lead.data[lead.size - 1], size) : NULL;
        bool in_it = behind != NULL && lead.size != strlen(speaker->id);
        size_t skip = in_it ? (size_t)(behind + 1 - made) : 0;
        (void)buf_append(&rest, made + skip, size - skip);
        out->size = from;
        (void)buf_append(out, lead.data, lead.size);
        (void)buf_append(out, rest.data, rest.size);
    }
    buf_fini(&lead);
    buf_fini(&rest);
    return error;
}

/* The words of a group that is but alternatives, (OK|ALARM|TAMPER); 0: it is not. words: where the first begins. */
static size_t group_words(const char *pattern, const char **words)
{
    const char *group = strstr(pattern, "(?<value>");
    const char *at = group != NULL ? group + strlen("(?<value>") : strchr(pattern, '(');
    at += at != NULL && group == NULL ? 1 : 0;
    if (at != NULL && group == NULL && *at == '?') {
        at = strncmp(at, "?<", 2) == 0 && strchr(at, '>') != NULL ? strchr(at, '>') + 1 : NULL;
    }
    if (at == NULL) {
        return 0;
    }
    size_t count = 1;
    *words = at;
    for (; *at != ')'; at++) {
        if (*at == '\0' || strchr("\\[(.*+?{^$", *at) != NULL) {
            return 0;
        }
        count += *at == '|' ? 1 : 0;
    }
    return count > 1 ? count : 0;
}

static const char *find_word(const char *words, const char *word)
{
    size_t size = strlen(word);
    for (;; words++) {
        size_t own = strcspn(words, "|)");
        if (own == size && memcmp(words, word, size) == 0) {
            return words;
        }
        words += own;
        if (*words != '|') {
            return NULL;
        }
    }
}

/* Which of the words the point says: its value's name, else mostly the first. */
static void put_word(struct sim_speaker *speaker, uint32_t point, const char *words, size_t count,
                     const struct sim_reading *reading, int64_t wall_us, struct buf *out)
{
    const struct point *pt = &speaker->dev->points[point];
    const char *name = reading->type == VALUE_TEXT  ? reading->text
                       : reading->type == VALUE_INT ? point_enum_name(pt->cls, reading->value.i)
                                                    : NULL;
    const char *word = name != NULL ? find_word(words, name) : NULL;
    if (word == NULL) {
        uint64_t drawn = hash_u64(hash_text(pt->name) ^ (uint64_t)(wall_us / WORD_HOLDS_US));
        size_t index = drawn % 4 == 0 ? drawn / 4 % count : 0;
        for (word = words; index > 0; index--) {
            word = strchr(word, '|') + 1;
        }
    }
    (void)buf_append(out, word, strcspn(word, "|)"));
}

static int make_match(struct sim_speaker *speaker, uint32_t point, int64_t wall_us, struct buf *out,
                      struct err *err)
{
    struct buf text;
    struct sim_reading reading = sim_point_reading(speaker, point, wall_us);
    const struct payload_point *rule = sim_speaker_rule(speaker, point);
    bool whole = rule->type == PAYLOAD_AS_BOOL && strchr(rule->expression, '(') == NULL;
    buf_init(&text, TEXT_BYTES_MAX);
    const char *words;
    size_t word_count = group_words(rule->expression, &words);
    if (word_count > 0) {
        put_word(speaker, point, words, word_count, &reading, wall_us, &text);
    } else {
        sim_put_reading(speaker, &reading, false, &text);
    }
    const struct sim_match_value values[] = { { .text = buf_text(&text) },
                                              { .name = "id", .text = speaker->id } };
    char *pattern = put_id(rule->expression, speaker->id);
    int error = 0;
    if (!whole || reading.value.b) { /* what only matches or not: silent while it does not */
        error = sim_match_make(pattern, values, 2, &speaker->random, out);
    }
    error = error == 0 ? 0 : say(speaker, error, pattern, err);
    busbar_free(pattern);
    buf_fini(&text);
    return error;
}

/* ---- all ---- */

int sim_speaker_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                     int64_t wall_us, struct buf *out, struct err *err)
{
    const struct payload_point *first = sim_speaker_rule(speaker, points[0]);
    struct tree_maker maker = { .speaker = speaker, .wall_us = wall_us };
    size_t from = out->size;
    maker.kind = find_tree_kind(first->kind);
    if (maker.kind != NULL) {
        return make_tree(&maker, fill_points, points, count, out, err);
    }
    int error = 0;
    struct sim_reading reading;
    switch (first->kind) {
    case PAYLOAD_POINT_CSV: sim_csv_make(speaker, points, count, wall_us, out); break;
    case PAYLOAD_POINT_KEY: sim_keys_make(speaker, points, count, wall_us, out); break;
    case PAYLOAD_POINT_MATCH: error = make_match(speaker, points[0], wall_us, out, err); break;
    case PAYLOAD_POINT_BYTES: return sim_bytes_make(speaker, points, count, wall_us, out, err);
    case PAYLOAD_POINT_TEXT:
        reading = sim_point_reading(speaker, points[0], wall_us);
        sim_put_reading(speaker, &reading, true, out);
        break;
    default:
        return say(speaker, BUSBAR_EUNSUPPORTED,
                   first->kind == PAYLOAD_POINT_PROTOBUF ? "protobuf" : "about", err);
    }
    return error == 0 && out->size > from ? lead_by_id(speaker, from, out) : error;
}

/* ---- events ---- */

/* A path's: something is there, and the arguments as well ("code=$.fault.code, since=$.fault.ts"). */
static int fill_event(struct tree_maker *maker, const void *what, size_t count, struct err *err)
{
    const struct settings *settings = what;
    const char *path = settings_text(settings, maker->kind->kind);
    const char *list = settings_text(settings, PAYLOAD_EVENT_ARGUMENTS);
    const struct sim_reading yes = { .type = VALUE_BOOL, .value.b = true };
    char pair[TEXT_BYTES_MAX];
    size_t before = count;
    for (; list != NULL && *list != '\0'; list += strspn(list, ", ")) {
        size_t size = strcspn(list, ",");
        str_format(pair, sizeof(pair), "%.*s", (int)size, list);
        char *equals = strchr(pair, '=');
        struct sim_reading number = { .type = VALUE_INT };
        number.value.i = (int64_t)(hash_u64((uint64_t)maker->wall_us + before++) % 1000);
        if (equals != NULL && set_path(maker, str_trim(equals + 1), &number) != 0) {
            return say(maker->speaker, BUSBAR_EUNSUPPORTED, equals + 1, err);
        }
        list += size;
    }
    (void)set_path(maker, path, &yes); /* no error: an argument stands below it */
    return 0;
}

int sim_speaker_event(struct sim_speaker *speaker, const struct device_event *event,
                      int64_t wall_us, struct buf *out, struct err *err)
{
    static const uint8_t kinds[] = { PAYLOAD_EVENT_JSON, PAYLOAD_EVENT_CBOR, PAYLOAD_EVENT_MSGPACK,
                                     PAYLOAD_EVENT_XML };
    static const uint8_t of_points[] = { PAYLOAD_POINT_JSON, PAYLOAD_POINT_CBOR,
                                         PAYLOAD_POINT_MSGPACK, PAYLOAD_POINT_XML };
    const struct settings *settings = event->settings;
    const char *pattern = settings_text(settings, PAYLOAD_EVENT_MATCH);
    const char *key = settings_text(settings, PAYLOAD_EVENT_KEY);
    size_t from = out->size;
    struct tree_maker maker = { .speaker = speaker, .wall_us = wall_us };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (settings_text(settings, kinds[i]) != NULL) {
            struct tree_kind kind = *find_tree_kind(of_points[i]);
            kind.kind = kinds[i];
            maker.kind = &kind;
            return make_tree(&maker, fill_event, settings, 0, out, err);
        }
    }
    if (pattern != NULL) {
        const struct sim_match_value values[] = { { .name = "id", .text = speaker->id } };
        int error = sim_match_make(pattern, values, 1, &speaker->random, out);
        return error == 0 ? lead_by_id(speaker, from, out) : say(speaker, error, pattern, err);
    }
    if (key != NULL) {
        (void)buf_printf(out, "%s=1", key);
        return lead_by_id(speaker, from, out);
    }
    return say(speaker, BUSBAR_EUNSUPPORTED, event->name, err);
}
