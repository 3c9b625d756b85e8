/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/postgres/rows_back.h"

#include <string.h>

#include "base/str.h"
#include "sinks/postgres/archive.h"
#include "sinks/postgres/rows.h"

static void set_value(const struct pg_answer *answer, const char *type, struct sample *sample,
                      const struct text *text)
{
    int64_t digits, bits = pg_cell_i64(answer, 1);
    bool number = pg_cell(answer, 0, 1) != NULL;
    double value;
    memcpy(&value, &bits, sizeof(value));
    if (!number) {
        sample->type = text != NULL ? VALUE_TEXT : VALUE_NONE;
        sample->value.text = text;
    } else if (text != NULL && str_parse_i64(text->bytes, &digits) == 0) {
        sample->type = VALUE_INT;
        sample->value.i = digits;
    } else if (str_equal(type, "bool") && (value == 0.0 || value == 1.0)) {
        sample->type = VALUE_BOOL;
        sample->value.b = value == 1.0;
    } else if (str_equal(type, "int") && value >= -0x1p53 && value <= 0x1p53 &&
               value == (double)(int64_t)value) {
        sample->type = VALUE_INT;
        sample->value.i = (int64_t)value;
    } else {
        sample->type = VALUE_DOUBLE;
        sample->value.d = value;
    }
}

void pg_row_back(const struct pg_answer *answer, uint32_t point, const char *type,
                 struct sample *sample, struct text **text)
{
    size_t length;
    const char *bytes = pg_cell_bytes(answer, 0, 3, &length);
    *text = bytes != NULL ? text_new(bytes, length) : NULL;
    *sample = (struct sample){ .time_us = pg_cell_i64(answer, 0) + PG_EPOCH_US,
                               .point = point,
                               .quality = (uint8_t)pg_cell_i64(answer, 2) };
    sample->receive_us = pg_cell(answer, 0, 4) != NULL ? pg_cell_i64(answer, 4) + PG_EPOCH_US
                                                       : sample->time_us;
    sample->detail = pg_cell(answer, 0, 5) != NULL ? (uint16_t)pg_cell_i64(answer, 5) : 0;
    set_value(answer, type, sample, *text);
}

/* As a row has them: of a number not which kind it is. */
static bool same_value(const struct sample *a, const struct sample *b)
{
    double left, right;
    if (a->type == b->type) {
        return value_equal(a->type, a->value, b->type, b->value);
    }
    return value_number(a->type, a->value, &left) && value_number(b->type, b->value, &right) &&
           memcmp(&left, &right, sizeof(left)) == 0;
}

static bool same(const struct sample *a, const struct sample *b)
{
    return a->time_us == b->time_us && a->receive_us == b->receive_us && a->quality == b->quality &&
           a->detail == b->detail && same_value(a, b);
}

void pg_rows_differ(struct sample *rows, size_t *count, const struct history_samples *known)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < *count; i++) {
        while (at < known->count && known->samples[at].time_us < rows[i].time_us) {
            at++;
        }
        if (at == known->count || !same(&rows[i], &known->samples[at])) {
            rows[kept++] = rows[i];
        }
    }
    *count = kept;
}
