/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_live.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

enum { LIVE_TEXT_MAX = 2 * POINT_NAME_MAX + 16 };

struct sim_live_point {
    struct sim_value value;
    struct text *text; /* made, or held */
    union value held_value;
    uint8_t raw_type;
    uint8_t held; /* enum value_type; VALUE_NONE: it lives */
};

void sim_live_init(struct sim_live *live, const struct device *dev, const uint8_t *raw_types,
                   uint64_t seed)
{
    *live = (struct sim_live){ .dev = dev };
    live->points = busbar_alloc_array(dev->point_count + 1, sizeof(*live->points));
    for (size_t i = 0; i < dev->point_count; i++) {
        struct sim_live_point *point = &live->points[i];
        char name[LIVE_TEXT_MAX];
        point->raw_type = raw_types[i];
        point->value = sim_value_make(&dev->points[i], raw_types[i], seed);
        if (raw_types[i] == VALUE_TEXT) {
            size_t size = sim_value_text(&point->value, &dev->points[i], name, sizeof(name));
            point->text = text_set(NULL, name, size);
        }
    }
}

void sim_live_fini(struct sim_live *live)
{
    for (size_t i = 0; live->points != NULL && i < live->dev->point_count; i++) {
        busbar_free(live->points[i].text);
    }
    busbar_free(live->points);
    live->points = NULL;
}

struct sim_reading sim_live_get(const struct sim_live *live, uint32_t point, int64_t wall_us)
{
    const struct sim_live_point *at = &live->points[point];
    struct sim_reading reading = { .type = at->held, .value = at->held_value };
    if (at->held == VALUE_TEXT || (at->held == VALUE_NONE && at->raw_type == VALUE_TEXT)) {
        reading.type = VALUE_TEXT;
        reading.text = at->text != NULL ? at->text->bytes : "";
    } else if (at->held == VALUE_NONE) {
        sim_value_raw(&at->value, &live->dev->points[point], at->raw_type,
                      live->frozen_us != 0 ? live->frozen_us : wall_us, &reading.type,
                      &reading.value);
    }
    return reading;
}

int sim_live_hold(struct sim_live *live, uint32_t point, uint8_t type, union value raw)
{
    struct sim_live_point *at = &live->points[point];
    bool is_text = at->raw_type == VALUE_TEXT;
    if (type == VALUE_NONE) {
        char name[LIVE_TEXT_MAX];
        const struct point *pt = &live->dev->points[point];
        at->held = VALUE_NONE;
        if (is_text) {
            size_t size = sim_value_text(&at->value, pt, name, sizeof(name));
            at->text = text_set(at->text, name, size);
        }
        return 0;
    }
    if (type == VALUE_TEXT) {
        at->text = text_set(at->text, raw.text->bytes, raw.text->size);
    }
    at->held = type;
    at->held_value = raw;
    return 0;
}

static bool read_switch(const char *text, bool *on)
{
    static const char *const words[][2] = {
        { "off", "on" },
        { "false", "true" },
        { "0", "1" },
        { "no", "yes" },
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int which = 0; which < 2; which++) {
            if (strcasecmp(text, words[i][which]) == 0) {
                *on = which == 1;
                return true;
            }
        }
    }
    return false;
}

int sim_live_hold_text(struct sim_live *live, uint32_t point, const char *text, size_t size)
{
    const struct point_class *cls = live->dev->points[point].cls;
    uint8_t raw_type = live->points[point].raw_type;
    char *copy = busbar_strndup(text, size);
    const char *word = str_trim(copy);
    union value value = { .bits = 0 };
    struct text *held = NULL;
    uint8_t type = raw_type;
    int error = 0;
    if (raw_type == VALUE_TEXT) {
        held = text_new(text, size);
        value.text = held;
    } else if (raw_type == VALUE_BOOL) {
        error = read_switch(word, &value.b) ? 0 : BUSBAR_EINVAL;
    } else if (cls->enum_count > 0 && point_enum_value(cls, word, &value.i)) {
        type = VALUE_INT;
    } else if (str_parse_i64(word, &value.i) == 0) {
        type = VALUE_INT;
    } else if (str_parse_double(word, &value.d) == 0) {
        type = VALUE_DOUBLE;
    } else {
        error = BUSBAR_EINVAL;
    }
    error = error == 0 ? sim_live_hold(live, point, type, value) : error;
    busbar_free(held);
    busbar_free(copy);
    return error;
}

void sim_reading_print(const struct sim_reading *reading, struct buf *out)
{
    if (reading->type == VALUE_TEXT) {
        (void)buf_append_text(out, reading->text);
    } else {
        value_print(reading->type, reading->value, out);
    }
}
