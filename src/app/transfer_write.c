/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "app/transfer.h"
#include "base/json.h"
#include "base/str.h"
#include "model/quality.h"

bool transfer_format_of(const char *text, enum transfer_format *format)
{
    *format = strcmp(text, "csv") == 0 ? TRANSFER_CSV : TRANSFER_JSON;
    return strcmp(text, "csv") == 0 || strcmp(text, "json") == 0;
}

void transfer_head(enum transfer_format format, struct buf *out)
{
    if (format == TRANSFER_CSV) {
        buf_append_text(out, "labels,type,time_us,value,quality,detail,received_us\n");
    }
}

static bool is_usual(const struct sample *sample)
{
    return sample->quality == QUALITY_GOOD && sample->detail == 0 &&
           sample->receive_us == sample->time_us;
}

static void put_double(struct buf *out, double value, bool quote)
{
    char text[40];
    union value bits = { .d = value };
    if (isfinite(value) && !(value == 0 && signbit(value))) { /* JSON's -0 is an integer, and 0 */
        str_format_double(text, sizeof(text), value);
        buf_append_text(out, text);
    } else {
        buf_printf(out, quote ? "\"0x%016llx\"" : "0x%016llx", (unsigned long long)bits.bits);
    }
}

/* --- JSON --- */

static void put_json_value(struct buf *out, const struct sample *sample)
{
    struct json_writer json = json_writer(out);
    switch (sample->type) {
    case VALUE_BOOL: buf_append_text(out, sample->value.b ? "true" : "false"); break;
    case VALUE_INT: json_i64(&json, sample->value.i); break;
    case VALUE_DOUBLE: put_double(out, sample->value.d, true); break;
    case VALUE_TEXT:
        json_string_n(&json, sample->value.text->bytes, sample->value.text->size);
        break;
    default: buf_append_text(out, "null"); break;
    }
}

static void put_json_sample(struct buf *out, const struct sample *sample)
{
    buf_printf(out, "[%lld,", (long long)sample->time_us);
    put_json_value(out, sample);
    if (!is_usual(sample)) {
        buf_printf(out, ",%u,%u,%lld", sample->quality, sample->detail,
                   (long long)sample->receive_us);
    }
    buf_append_byte(out, ']');
}

static void put_json_labels(struct buf *out, const struct label *labels, size_t count)
{
    struct json_writer json = json_writer(out);
    buf_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_append_text(out, i > 0 ? "," : "");
        json = json_writer(out);
        json_string_n(&json, labels[i].name, labels[i].name_size);
        buf_append_byte(out, ':');
        json = json_writer(out);
        json_string_n(&json, labels[i].value, labels[i].value_size);
    }
    buf_append_byte(out, '}');
}

/* The type of a line, and where it ends: samples without a value may stand in any. */
static uint8_t line_type(const struct sample *samples, size_t count, size_t *end)
{
    uint8_t type = VALUE_NONE;
    size_t i = 0;
    for (; i < count && i < TRANSFER_LINE_SAMPLES; i++) {
        if (samples[i].type != VALUE_NONE && type != VALUE_NONE && samples[i].type != type) {
            break;
        }
        type = samples[i].type != VALUE_NONE ? samples[i].type : type;
    }
    *end = i;
    return type;
}

static const char *type_word(uint8_t type)
{
    return type == VALUE_NONE ? "none" : value_type_word(type);
}

static void write_json(const struct label *labels, size_t label_count, const struct sample *samples,
                       size_t count, struct buf *out)
{
    while (count > 0) {
        size_t end;
        uint8_t type = line_type(samples, count, &end);
        buf_append_text(out, "{\"labels\":");
        put_json_labels(out, labels, label_count);
        buf_printf(out, ",\"type\":\"%s\",\"samples\":[", type_word(type));
        for (size_t i = 0; i < end; i++) {
            buf_append_text(out, i > 0 ? "," : "");
            put_json_sample(out, &samples[i]);
        }
        buf_append_text(out, "]}\n");
        samples += end;
        count -= end;
    }
}

/* --- CSV --- */

static void put_quoted(struct buf *out, const char *text, size_t size)
{
    buf_append_byte(out, '"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"') {
            buf_append_byte(out, '"');
        }
        buf_append_byte(out, (uint8_t)text[i]);
    }
    buf_append_byte(out, '"');
}

static void put_csv_value(struct buf *out, const struct sample *sample)
{
    switch (sample->type) {
    case VALUE_BOOL: buf_append_text(out, sample->value.b ? "true" : "false"); break;
    case VALUE_INT: buf_printf(out, "%lld", (long long)sample->value.i); break;
    case VALUE_DOUBLE: put_double(out, sample->value.d, false); break;
    case VALUE_TEXT: put_quoted(out, sample->value.text->bytes, sample->value.text->size); break;
    default: break;
    }
}

static void write_csv(const struct label *labels, size_t label_count, const struct sample *samples,
                      size_t count, struct buf *out)
{
    struct buf name;
    buf_init(&name, 4 * LABELS_BYTES_MAX);
    labels_print(labels, label_count, &name);
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        put_quoted(out, buf_text(&name), name.size);
        buf_printf(out, ",%s,%lld,", type_word(sample->type), (long long)sample->time_us);
        put_csv_value(out, sample);
        buf_printf(out, ",%u,%u,%lld\n", sample->quality, sample->detail,
                   (long long)sample->receive_us);
    }
    buf_fini(&name);
}

void transfer_write(enum transfer_format format, const struct label *labels, size_t label_count,
                    const struct sample *samples, size_t count, struct buf *out)
{
    if (format == TRANSFER_CSV) {
        write_csv(labels, label_count, samples, count, out);
    } else {
        write_json(labels, label_count, samples, count, out);
    }
}
