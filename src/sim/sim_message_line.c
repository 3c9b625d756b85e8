/* SPDX-License-Identifier: Apache-2.0 */
/* CSV and key=value. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sim/sim_message_parts.h"

/* As text is written: the decimal sign, ON and OFF. */
void sim_put_reading(const struct sim_speaker *speaker, const struct sim_reading *reading,
                     bool switch_words, struct buf *out)
{
    size_t from = out->size;
    if (reading->type == VALUE_BOOL && switch_words) {
        (void)buf_append_text(out, reading->value.b ? "ON" : "OFF");
        return;
    }
    sim_reading_print(reading, out);
    bool comma = settings_int(speaker->dev->settings, PAYLOAD_DEVICE_DECIMAL) == 1;
    for (size_t i = from; comma && reading->type == VALUE_DOUBLE && i < out->size; i++) {
        out->data[i] = out->data[i] == '.' ? ',' : out->data[i];
    }
}

enum { COLUMNS_MAX = 1000 };

struct column {
    const char *name; /* NULL: none */
    struct sim_reading reading;
    bool there;
};

struct table {
    struct column columns[COLUMNS_MAX];
    size_t count;
    bool named;
};

static void set_column(struct table *table, const char *column, const struct sim_reading *reading)
{
    uint64_t number = 0;
    size_t at;
    if (str_parse_u64(column, &number) == 0 && number >= 1 && number <= COLUMNS_MAX) {
        at = (size_t)number - 1;
    } else {
        for (at = 0; at < COLUMNS_MAX && table->columns[at].there; at++) {
            if (str_equal(table->columns[at].name, column)) {
                break;
            }
        }
        table->named = true;
    }
    if (at < COLUMNS_MAX) {
        table->columns[at] = (struct column){ .there = true, .reading = *reading };
        table->columns[at].name = number == 0 ? column : NULL;
        table->count = at >= table->count ? at + 1 : table->count;
    }
}

static void print_table(const struct sim_speaker *speaker, const struct table *table,
                        struct buf *out)
{
    const char *separator = speaker->texts[PAYLOAD_DEVICE_SEPARATOR];
    separator = separator == NULL ? "," : strcmp(separator, "tab") == 0 ? "\t" : separator;
    const struct settings *settings = speaker->dev->settings;
    bool header = settings_has(settings, PAYLOAD_DEVICE_HEADER)
                      ? settings_bool(settings, PAYLOAD_DEVICE_HEADER)
                      : table->named;
    for (size_t i = 0; header && i < table->count; i++) {
        const char *name = table->columns[i].name;
        (void)buf_printf(out, "%s%s", i > 0 ? separator : "", name != NULL ? name : "");
    }
    (void)buf_append_text(out, header ? "\n" : "");
    for (size_t i = 0; i < table->count; i++) {
        (void)buf_append_text(out, i > 0 ? separator : "");
        if (table->columns[i].there) {
            sim_put_reading(speaker, &table->columns[i].reading, false, out);
        }
    }
}

void sim_csv_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                  int64_t wall_us, struct buf *out)
{
    struct table *table = busbar_alloc(sizeof(*table));
    char room[SIM_TIME_BYTES];
    const char *id_from = sim_row_text(speaker, PAYLOAD_DEVICE_ID_FROM, "csv");
    const char *time = sim_row_text(speaker, PAYLOAD_DEVICE_TIME, "csv");
    if (id_from != NULL) {
        struct sim_reading id = sim_id_reading(speaker);
        set_column(table, id_from, &id);
    }
    if (time != NULL) {
        struct sim_reading now = sim_time_reading(speaker, wall_us, room);
        set_column(table, time, &now);
    }
    for (size_t i = 0; i < count; i++) {
        struct sim_reading reading = sim_point_reading(speaker, points[i], wall_us);
        set_column(table, sim_speaker_rule(speaker, points[i])->expression, &reading);
    }
    print_table(speaker, table, out);
    busbar_free(table);
}

void sim_keys_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                   int64_t wall_us, struct buf *out)
{
    char room[SIM_TIME_BYTES];
    const char *id_from = sim_row_text(speaker, PAYLOAD_DEVICE_ID_FROM, "key");
    const char *time = sim_row_text(speaker, PAYLOAD_DEVICE_TIME, "key");
    if (id_from != NULL) {
        (void)buf_printf(out, "%s=%s ", id_from, speaker->id);
    }
    if (time != NULL) {
        struct sim_reading now = sim_time_reading(speaker, wall_us, room);
        (void)buf_printf(out, "%s=", time);
        sim_reading_print(&now, out);
        (void)buf_append_byte(out, ' ');
    }
    for (size_t i = 0; i < count; i++) {
        struct sim_reading reading = sim_point_reading(speaker, points[i], wall_us);
        (void)buf_printf(out, "%s%s=", i > 0 ? " " : "",
                         sim_speaker_rule(speaker, points[i])->expression);
        sim_put_reading(speaker, &reading, false, out);
    }
}
