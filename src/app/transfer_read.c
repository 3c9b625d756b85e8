/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/transfer.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "model/quality.h"

enum { COLUMNS = 7, ARENA_MAX = 512 << 20 };

/* The line being read. */
struct reading {
    struct transfer_batch *batch;
    uint64_t line;
    size_t samples_before, sets_before; /* the line's own go when it is wrong */
    const char *labels_text;            /* CSV: of the row before */
    size_t labels_size;
    uint32_t set; /* and its set */
};

void transfer_init(struct transfer_batch *batch)
{
    *batch = (struct transfer_batch){ 0 };
    arena_init(&batch->arena, ARENA_MAX);
}

void transfer_fini(struct transfer_batch *batch)
{
    busbar_free(batch->samples);
    busbar_free(batch->sets);
    arena_fini(&batch->arena);
}

static int refuse(struct reading *reading, size_t column, const char *message)
{
    struct transfer_batch *batch = reading->batch;
    if (batch->error_count < TRANSFER_ERRORS_MAX) {
        struct transfer_error *error = &batch->errors[batch->error_count];
        error->line = reading->line;
        error->column = (unsigned)column;
        str_copy(error->message, sizeof(error->message), message);
    }
    batch->error_count++;
    batch->count = reading->samples_before;
    batch->set_count = reading->sets_before;
    return BUSBAR_ESYNTAX;
}

static int add_sample(struct transfer_batch *batch, const struct sample *sample)
{
    if (batch->count == TRANSFER_SAMPLES_MAX) {
        return BUSBAR_ELIMIT;
    }
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity > 0 ? 2 * batch->capacity : 1024;
        struct sample *samples = busbar_try_realloc(batch->samples, capacity * sizeof(*samples));
        if (samples == NULL) {
            return BUSBAR_ENOMEM;
        }
        batch->samples = samples;
        batch->capacity = capacity;
    }
    batch->samples[batch->count++] = *sample;
    return 0;
}

/* Bytes as they are, zeros too, and a NUL. */
static char *keep_bytes(struct transfer_batch *batch, const char *bytes, size_t size)
{
    char *kept = arena_alloc(&batch->arena, size + 1);
    if (kept != NULL && size > 0) {
        memcpy(kept, bytes, size);
    }
    return kept;
}

/* Copies labels into the arena as a new set. */
static int add_set(struct reading *reading, struct label *labels, size_t count, size_t column)
{
    struct transfer_batch *batch = reading->batch;
    struct err err = { 0 };
    if (labels_sort(labels, &count, &err) != 0) {
        return refuse(reading, column, err.message);
    }
    if (batch->set_count == batch->set_capacity) {
        size_t capacity = batch->set_capacity > 0 ? 2 * batch->set_capacity : 64;
        struct transfer_set *sets = busbar_try_realloc(batch->sets, capacity * sizeof(*sets));
        if (sets == NULL) {
            return BUSBAR_ENOMEM;
        }
        batch->sets = sets;
        batch->set_capacity = capacity;
    }
    struct label *kept = arena_alloc_array(&batch->arena, count + 1, sizeof(*kept));
    for (size_t i = 0; i < count && kept != NULL; i++) {
        kept[i] = labels[i];
        kept[i].name = keep_bytes(batch, labels[i].name, labels[i].name_size);
        kept[i].value = keep_bytes(batch, labels[i].value, labels[i].value_size);
        if (kept[i].name == NULL || kept[i].value == NULL) {
            return BUSBAR_ENOMEM;
        }
    }
    if (kept == NULL) {
        return BUSBAR_ENOMEM;
    }
    reading->set = (uint32_t)batch->set_count;
    batch->sets[batch->set_count++] = (struct transfer_set){ .labels = kept, .count = count };
    return 0;
}

static bool type_of(const char *word, uint8_t *type)
{
    for (uint8_t t = VALUE_BOOL; t <= VALUE_TEXT; t++) {
        if (strcmp(word, value_type_word(t)) == 0) {
            *type = t;
            return true;
        }
    }
    *type = VALUE_NONE;
    return strcmp(word, "none") == 0;
}

static const struct text *keep_text(struct transfer_batch *batch, const char *bytes, size_t size)
{
    struct text *text = arena_alloc(&batch->arena, sizeof(*text) + size + 1);
    if (text != NULL) {
        text->size = (uint32_t)size;
        memcpy(text->bytes, bytes, size);
    }
    return text;
}

static bool hex_double(const char *digits, size_t size, union value *value)
{
    uint64_t bits = 0;
    for (size_t i = 2; i < size; i++) {
        static const char all[] = "0123456789abcdef";
        const char *at = digits[i] != '\0' ? strchr(all, digits[i]) : NULL;
        if (at == NULL) {
            return false;
        }
        bits = bits << 4 | (uint64_t)(at - all);
    }
    value->bits = bits;
    return size == 18 && memcmp(digits, "0x", 2) == 0;
}

static bool marks_fit(struct sample *sample, int64_t quality, int64_t detail, int64_t received)
{
    sample->quality = (uint8_t)quality;
    sample->detail = (uint16_t)detail;
    sample->receive_us = received;
    return quality >= 0 && quality <= UINT8_MAX && quality_known((uint8_t)quality) && detail >= 0 &&
           detail <= UINT16_MAX;
}

/* --- JSON --- */

static int json_value_of(struct reading *reading, const struct json_value *item,
                         struct sample *sample)
{
    size_t size;
    const char *text = json_get_text(item, &size);
    switch (sample->type) {
    case VALUE_BOOL: return json_get_bool(item, &sample->value.b);
    case VALUE_INT: return json_get_i64(item, &sample->value.i);
    case VALUE_DOUBLE:
        return text == NULL                             ? json_get_double(item, &sample->value.d)
               : hex_double(text, size, &sample->value) ? 0
                                                        : BUSBAR_EWRONGTYPE;
    case VALUE_TEXT:
        if (text == NULL || size > TEXT_BYTES_MAX) {
            return BUSBAR_EWRONGTYPE;
        }
        sample->value.text = keep_text(reading->batch, text, size);
        return sample->value.text != NULL ? 0 : BUSBAR_ENOMEM;
    default: return BUSBAR_EWRONGTYPE;
    }
}

static int json_sample_of(struct reading *reading, const struct json_value *row, uint8_t type)
{
    struct sample sample = { .type = type, .point = reading->set };
    const struct json_value *value = json_at(row, 1);
    int64_t marks[3] = { 0 };
    size_t size = json_size(row);
    bool good = (size == 2 || size == 5) && json_get_i64(json_at(row, 0), &sample.time_us) == 0;
    marks[2] = sample.time_us;
    for (size_t i = 2; i < 5 && size == 5 && good; i++) {
        good = json_get_i64(json_at(row, i), &marks[i - 2]) == 0;
    }
    good = good && marks_fit(&sample, marks[0], marks[1], marks[2]);
    if (!good) {
        return refuse(reading, 0,
                      "a sample is [time, value] or "
                      "[time, value, quality, detail, receive time]");
    }
    if (json_type(value) == JSON_NULL) {
        sample.type = VALUE_NONE;
    } else {
        int error = json_value_of(reading, value, &sample);
        if (error != 0) {
            return error == BUSBAR_ENOMEM ? error
                                          : refuse(reading, 0, "a value is not of the line's type");
        }
    }
    return add_sample(reading->batch, &sample);
}

static int json_labels_of(struct reading *reading, const struct json_value *object)
{
    struct label labels[LABELS_MAX];
    size_t count = 0;
    struct json_iter it = json_iter(object);
    const struct json_value *item;
    const char *key;
    if (json_type(object) != JSON_OBJECT || json_size(object) > LABELS_MAX) {
        return refuse(reading, 0, "'labels' must be an object of at most 64 texts");
    }
    while (json_next(&it, &key, &item)) {
        size_t size;
        const char *text = json_get_text(item, &size);
        if (text == NULL) {
            return refuse(reading, 0, "a label's value must be a text");
        }
        labels[count++] = (struct label){ .name = key,
                                          .value = text,
                                          .name_size = (uint32_t)strlen(key),
                                          .value_size = (uint32_t)size };
    }
    return add_set(reading, labels, count, 0);
}

static int json_line(struct reading *reading, const char *text, size_t size)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    struct json_limits limits = { .bytes_max = TRANSFER_LINE_MAX };
    int error = json_parse(text, size, &limits, &doc, &err);
    if (error != 0) {
        return error == BUSBAR_ENOMEM ? error : refuse(reading, (size_t)err.column, err.message);
    }
    const struct json_value *root = json_root(doc);
    const char *word = json_get_text(json_get(root, "type"), NULL);
    uint8_t type = VALUE_NONE;
    if (word == NULL || !type_of(word, &type)) {
        error = refuse(reading, 0, "'type' must be bool, int, double, string or none");
    }
    error = error == 0 ? json_labels_of(reading, json_get(root, "labels")) : error;
    if (error == 0 && json_type(json_get(root, "samples")) != JSON_ARRAY) {
        error = refuse(reading, 0, "'samples' must be an array");
    }
    struct json_iter it = json_iter(json_get(root, "samples"));
    const struct json_value *row;
    while (error == 0 && json_next(&it, NULL, &row)) {
        error = json_sample_of(reading, row, type);
    }
    json_free(doc);
    return error;
}

/* --- CSV --- */

struct cell {
    char *text; /* quotes undone */
    size_t size, column;
};

/* Cuts a row into cells, in place. False: not that many. */
static bool cut_row(char *text, size_t size, struct cell cells[COLUMNS], size_t *column)
{
    size_t at = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        *column = at + 1;
        if (at > size || (i > 0 && at == size && text[at - 1] != ',')) {
            return false;
        }
        cells[i] = (struct cell){ .text = text + at, .column = at + 1 };
        bool quoted = at < size && text[at] == '"';
        at += quoted ? 1 : 0;
        while (at < size && (quoted || text[at] != ',')) {
            if (quoted && text[at] == '"') {
                quoted = at + 1 < size && text[at + 1] == '"';
                at++;
                if (!quoted) {
                    continue;
                }
            }
            cells[i].text[cells[i].size++] = text[at++];
        }
        if (quoted) {
            return false;
        }
        at++;
    }
    *column = size;
    return at > size;
}

static int csv_labels_of(struct reading *reading, const struct cell *cell)
{
    if (reading->labels_text != NULL && reading->labels_size == cell->size &&
        memcmp(reading->labels_text, cell->text, cell->size) == 0) {
        return 0;
    }
    struct label labels[LABELS_MAX];
    size_t count;
    struct buf store;
    struct err err = { 0 };
    buf_init(&store, 4 * LABELS_BYTES_MAX);
    int error = labels_parse(cell->text, cell->size, labels, &count, &store, &err);
    error = error != 0 ? refuse(reading, cell->column, err.message)
                       : add_set(reading, labels, count, cell->column);
    buf_fini(&store);
    reading->labels_text = NULL;
    if (error == 0) {
        reading->labels_text = keep_bytes(reading->batch, cell->text, cell->size);
        reading->labels_size = cell->size;
    }
    return error;
}

static bool csv_value_of(struct reading *reading, const struct cell *cell, struct sample *sample)
{
    char word[64];
    str_copy(word, sizeof(word), "");
    if (cell->size < sizeof(word)) {
        memcpy(word, cell->text, cell->size);
        word[cell->size] = '\0';
    }
    switch (sample->type) {
    case VALUE_NONE: return cell->size == 0;
    case VALUE_BOOL:
        sample->value.b = strcmp(word, "true") == 0;
        return sample->value.b || strcmp(word, "false") == 0;
    case VALUE_INT: return str_parse_i64(word, &sample->value.i) == 0;
    case VALUE_DOUBLE:
        return hex_double(cell->text, cell->size, &sample->value) ||
               str_parse_double(word, &sample->value.d) == 0;
    default:
        sample->value.text = cell->size <= TEXT_BYTES_MAX
                                 ? keep_text(reading->batch, cell->text, cell->size)
                                 : NULL;
        return sample->value.text != NULL;
    }
}

static bool csv_number(struct cell *cell, int64_t *number)
{
    char word[32];
    if (cell->size >= sizeof(word)) {
        return false;
    }
    memcpy(word, cell->text, cell->size);
    word[cell->size] = '\0';
    return str_parse_i64(word, number) == 0;
}

static int csv_line(struct reading *reading, const char *text, size_t size)
{
    static const char head[] = "labels,type,";
    struct cell cells[COLUMNS];
    size_t column;
    if (size >= sizeof(head) - 1 && memcmp(text, head, sizeof(head) - 1) == 0) {
        return 0;
    }
    char *copy = keep_bytes(reading->batch, text, size);
    if (copy == NULL) {
        return BUSBAR_ENOMEM;
    }
    if (!cut_row(copy, size, cells, &column)) {
        return refuse(reading, column,
                      "a row has labels,type,time_us,value,quality,detail,"
                      "received_us");
    }
    int error = csv_labels_of(reading, &cells[0]);
    if (error != 0) {
        return error;
    }
    struct sample sample = { .point = reading->set };
    int64_t marks[3];
    char word[16] = "";
    memcpy(word, cells[1].text, cells[1].size < sizeof(word) ? cells[1].size : 0);
    if (!type_of(word, &sample.type)) {
        return refuse(reading, cells[1].column, "the type must be bool, int, double, string, none");
    }
    if (!csv_number(&cells[2], &sample.time_us)) {
        return refuse(reading, cells[2].column, "the time must be microseconds since 1970");
    }
    if (!csv_value_of(reading, &cells[3], &sample)) {
        return refuse(reading, cells[3].column, "the value is not of the row's type");
    }
    for (size_t i = 0; i < 3; i++) {
        if (!csv_number(&cells[4 + i], &marks[i])) {
            return refuse(reading, cells[4 + i].column, "this must be a number");
        }
    }
    if (!marks_fit(&sample, marks[0], marks[1], marks[2])) {
        return refuse(reading, cells[4].column, "there is no such quality or detail");
    }
    return add_sample(reading->batch, &sample);
}

/* --- lines --- */

/* A CSV row may go on in the next line, inside quotes. */
static size_t line_end(enum transfer_format format, const char *text, size_t size, uint64_t *lines)
{
    bool quoted = false;
    size_t at = 0;
    *lines = 1;
    for (; at < size && (text[at] != '\n' || quoted); at++) {
        quoted = format == TRANSFER_CSV && text[at] == '"' ? !quoted : quoted;
        *lines += text[at] == '\n';
    }
    return at;
}

int transfer_read(struct transfer_batch *batch, enum transfer_format format, const char *text,
                  size_t size, uint64_t line)
{
    struct reading reading = { .batch = batch, .line = line };
    while (size > 0) {
        uint64_t lines;
        size_t end = line_end(format, text, size, &lines);
        size_t used = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
        reading.samples_before = batch->count;
        reading.sets_before = batch->set_count;
        int error = 0;
        if (used > TRANSFER_LINE_MAX) {
            error = refuse(&reading, 0, "the line is longer than 4 MiB");
        } else if (used > 0) {
            error = format == TRANSFER_CSV ? csv_line(&reading, text, used)
                                           : json_line(&reading, text, used);
        }
        if (error == BUSBAR_ESYNTAX) {
            reading.labels_text = NULL; /* its set may be gone */
        } else if (error != 0) {
            return error;
        }
        end += end < size ? 1 : 0;
        reading.line += lines;
        text += end;
        size -= end;
    }
    return 0;
}
