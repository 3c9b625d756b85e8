/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_value.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

#define SECOND_US INT64_C(1000000)
#define EPOCH_S   1767225600 /* 2026-01-01: counters start here */

/* What is usual for a unit, and for a unit with a word of the point's name. The first row that
 * fits. */
struct usual {
    const char *units, *word; /* word: one of the parts of the name between '-'; NULL: any name */
    float center, span, step;
    float growth; /* of a counter, a second */
};

static const struct usual usuals[] = {
    { "degC", "outdoor", 9.0f, 7.0f, 0.1f, 0.0f },   { "degC", "oat", 9.0f, 7.0f, 0.1f, 0.0f },
    { "degC", "chws", 7.0f, 0.8f, 0.1f, 0.0f },      { "degC", "chwr", 12.0f, 1.0f, 0.1f, 0.0f },
    { "degC", "hws", 62.0f, 4.0f, 0.1f, 0.0f },      { "degC", "hwr", 48.0f, 4.0f, 0.1f, 0.0f },
    { "degC", "hot", 62.0f, 4.0f, 0.1f, 0.0f },      { "degC", "fw", 104.0f, 2.0f, 0.1f, 0.0f },
    { "degC", "flue", 185.0f, 15.0f, 0.1f, 0.0f },   { "degC", "tube", 412.0f, 14.0f, 0.1f, 0.0f },
    { "degC", "oil", 54.0f, 6.0f, 0.1f, 0.0f },      { "degC", "cabinet", 34.0f, 4.0f, 0.1f, 0.0f },
    { "degC", "rat", 23.0f, 1.2f, 0.1f, 0.0f },      { "degC", "return", 23.0f, 1.2f, 0.1f, 0.0f },
    { "degC", NULL, 21.0f, 1.5f, 0.1f, 0.0f },       { "degF", NULL, 70.0f, 4.0f, 0.1f, 0.0f },
    { "K", NULL, 294.0f, 2.0f, 0.1f, 0.0f },         { "%RH", NULL, 45.0f, 8.0f, 0.5f, 0.0f },
    { "%", "h", 45.0f, 8.0f, 0.5f, 0.0f },           { "%", "rh", 45.0f, 8.0f, 0.5f, 0.0f },
    { "%", "o2", 3.2f, 0.4f, 0.1f, 0.0f },           { "%", "battery", 86.0f, 6.0f, 1.0f, 0.0f },
    { "%", NULL, 55.0f, 25.0f, 0.5f, 0.0f },         { "ppm", NULL, 640.0f, 200.0f, 1.0f, 0.0f },
    { "V", "dc", 612.0f, 20.0f, 0.1f, 0.0f },        { "V", "battery", 12.6f, 0.4f, 0.01f, 0.0f },
    { "V", NULL, 230.0f, 3.0f, 0.1f, 0.0f },         { "A", NULL, 14.0f, 8.0f, 0.01f, 0.0f },
    { "Hz", NULL, 50.0f, 0.04f, 0.001f, 0.0f },      { "W", NULL, 2400.0f, 1500.0f, 1.0f, 0.0f },
    { "kW", NULL, 120.0f, 70.0f, 0.1f, 0.0f },       { "kVA", NULL, 130.0f, 70.0f, 0.1f, 0.0f },
    { "kvar", NULL, 20.0f, 15.0f, 0.1f, 0.0f },      { "", "factor", 0.95f, 0.03f, 0.01f, 0.0f },
    { "Wh", NULL, 90000.0f, 0.0f, 1.0f, 0.6f },      { "kWh", NULL, 48000.0f, 0.0f, 0.1f, 0.033f },
    { "MWh", NULL, 910.0f, 0.0f, 0.001f, 0.00004f }, { "m3", NULL, 7300.0f, 0.0f, 0.01f, 0.004f },
    { "t", NULL, 21000.0f, 0.0f, 0.1f, 0.004f },     { "h", NULL, 8800.0f, 0.0f, 1.0f, 0.000278f },
    { "m3/h", NULL, 42.0f, 12.0f, 0.1f, 0.0f },      { "t/h", NULL, 14.0f, 2.0f, 0.1f, 0.0f },
    { "l/s", NULL, 11.0f, 4.0f, 0.1f, 0.0f },        { "l/min", NULL, 85.0f, 30.0f, 0.5f, 0.0f },
    { "bar", "steam", 9.6f, 0.3f, 0.01f, 0.0f },     { "bar", "cond", 12.0f, 0.8f, 0.01f, 0.0f },
    { "bar", NULL, 2.6f, 0.5f, 0.01f, 0.0f },        { "Pa", NULL, 240.0f, 40.0f, 1.0f, 0.0f },
    { "kPa", NULL, 180.0f, 30.0f, 0.1f, 0.0f },      { "hPa", NULL, 1013.0f, 12.0f, 0.1f, 0.0f },
    { "kN", NULL, 820.0f, 60.0f, 0.1f, 0.0f },       { "rpm", NULL, 1450.0f, 30.0f, 1.0f, 0.0f },
    { "m/s", NULL, 3.2f, 1.8f, 0.1f, 0.0f },         { "mm/s", NULL, 2.1f, 0.7f, 0.01f, 0.0f },
    { "mm", NULL, 12.0f, 20.0f, 1.0f, 0.0f },        { "lx", NULL, 480.0f, 160.0f, 1.0f, 0.0f },
    { "W/m2", NULL, 420.0f, 300.0f, 1.0f, 0.0f },
};

/* A switch or a code with one of these words in its name is off, or 0, most of the time. */
static const char *const rare_words[] = { "alarm", "fault", "trip",  "leak",  "frost",
                                          "smoke", "fire",  "error", "window" };

/* Whether `word` is one of the parts of a name between '-'. */
static bool has_word(const char *name, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = strstr(name, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == name || at[-1] == '-') && (at[size] == '\0' || at[size] == '-')) {
            return true;
        }
    }
    return false;
}

bool sim_value_rare(const struct point *pt)
{
    for (size_t i = 0; i < sizeof(rare_words) / sizeof(rare_words[0]); i++) {
        if (has_word(pt->name, rare_words[i])) {
            return true;
        }
    }
    return false;
}

static const struct usual *find_usual(const struct point *pt)
{
    for (size_t i = 0; i < sizeof(usuals) / sizeof(usuals[0]); i++) {
        if (strcmp(usuals[i].units, pt->cls->units) == 0 &&
            (usuals[i].word == NULL || has_word(pt->name, usuals[i].word))) {
            return &usuals[i];
        }
    }
    return NULL;
}

/* 0 to 1, another one for each `n`. */
static double draw(uint32_t seed, uint64_t n)
{
    return (double)(hash_u64((uint64_t)seed << 32 ^ hash_u64(n)) >> 11) * 0x1p-53;
}

static void set_constant(struct sim_value *value, const struct point *pt, const struct usual *usual)
{
    const struct point_write *write = &pt->cls->write;
    value->kind = SIM_CONSTANT;
    if (write->has_min && write->has_max) {
        value->center = (float)((write->min + write->max) / 2.0);
    } else if (usual != NULL) {
        value->center = usual->center;
    } else {
        value->center = write->has_min ? (float)write->min : 0.0f;
    }
    if (pt->value_type == VALUE_INT) {
        value->center = floorf(value->center);
    }
}

static void set_swing(struct sim_value *value, const struct point *pt, const struct usual *usual)
{
    value->kind = SIM_SWING;
    if (usual != NULL) {
        value->center = usual->center + usual->span * ((float)draw(value->seed, 1) - 0.5f);
        value->span = usual->span * 0.8f;
        value->step = usual->step;
    } else {
        value->center = 60.0f + 40.0f * (float)draw(value->seed, 1);
        value->span = 20.0f + 20.0f * (float)draw(value->seed, 2);
        value->step = pt->value_type == VALUE_INT ? 1.0f : 0.1f;
    }
    if (pt->cls->has_clamp) { /* stays inside */
        float low = (float)pt->cls->clamp_min, high = (float)pt->cls->clamp_max;
        value->center = fminf(fmaxf(value->center, low), high);
        value->span = fminf(value->span, fminf(value->center - low, high - value->center));
    }
}

static void set_counter(struct sim_value *value, const struct usual *usual)
{
    value->kind = SIM_COUNTER;
    value->center = usual != NULL ? usual->center : 1000.0f;
    value->span = usual != NULL && usual->growth > 0.0f ? usual->growth : 0.5f;
    value->span *= 0.5f + (float)draw(value->seed, 3);
    value->step = usual != NULL ? usual->step : 1.0f;
}

struct sim_value sim_value_make(const struct point *pt, uint8_t raw_type, uint64_t seed)
{
    const struct usual *usual = find_usual(pt);
    uint64_t own = hash_text(pt->name) ^ hash_u64(hash_text(pt->device->name)) ^ hash_u64(seed);
    struct sim_value value = { .seed = (uint32_t)hash_u64(own), .step = 1.0f };
    if (raw_type == VALUE_TEXT) {
        value.kind = SIM_TEXT;
    } else if (pt->cls->enum_count > 0) {
        value.kind = SIM_STATE;
    } else if (raw_type == VALUE_BOOL) {
        value.kind = SIM_SWITCH;
    } else if (pt->cls->counter || (usual != NULL && usual->growth > 0.0f)) {
        set_counter(&value, usual);
    } else if (pt->cls->write.allowed || (usual == NULL && sim_value_rare(pt))) {
        set_constant(&value, pt, usual);
    } else {
        set_swing(&value, pt, usual);
    }
    return value;
}

/* ---- at a time ---- */

/* Of a circle that is turned once in period_s. */
static double wave(double time_s, double period_s, double phase)
{
    double turns = time_s / period_s + phase;
    return sin(2.0 * M_PI * (turns - floor(turns)));
}

/* As the sensor resolves it: 20.3, not 203 times the float nearest to 0.1. */
static double resolve(double number, float step, double (*whole)(double))
{
    double parts = step < 1.0f ? round(1.0 / (double)step) : 0.0;
    return parts > 0.0 ? whole(number * parts) / parts
                       : whole(number / (double)step) * (double)step;
}

/* Two waves of own length and phase, and a little noise that stands for 5 s. Within +-span. */
static double swing(const struct sim_value *value, double time_s)
{
    double slow_s = 420.0 + 900.0 * draw(value->seed, 4),
           fast_s = 40.0 + 60.0 * draw(value->seed, 5);
    double slow = wave(time_s, slow_s, draw(value->seed, 6));
    double fast = wave(time_s, fast_s, draw(value->seed, 7));
    double noise = 2.0 * draw(value->seed, (uint64_t)(time_s / 5.0)) - 1.0;
    double around = 0.7 * slow + 0.22 * fast + 0.08 * noise;
    return resolve(value->center + value->span * around, value->step, round);
}

static double count(const struct sim_value *value, double time_s)
{
    double raw = value->center + value->span * (time_s - EPOCH_S);
    return resolve(raw, value->step, floor);
}

/* Changes every half to two minutes. A writable state stands still. */
static uint64_t choice(const struct sim_value *value, const struct point *pt, double time_s)
{
    double hold_s = 30.0 + 90.0 * draw(value->seed, 8);
    uint64_t slot = pt->cls->write.allowed ? 0 : (uint64_t)(time_s / hold_s);
    return hash_u64(value->seed ^ hash_u64(slot)) >> 8;
}

static double number_at(const struct sim_value *value, const struct point *pt, int64_t wall_us)
{
    double time_s = (double)wall_us / (double)SECOND_US;
    switch (value->kind) {
    case SIM_STATE:
        return (double)pt->cls->enums[choice(value, pt, time_s) % pt->cls->enum_count].value;
    case SIM_SWITCH:
        return choice(value, pt, time_s) % (sim_value_rare(pt) ? 20 : 2) == 1 ? 1.0 : 0.0;
    case SIM_COUNTER: return count(value, time_s);
    case SIM_CONSTANT: return value->center;
    default: return swing(value, time_s);
    }
}

void sim_value_raw(const struct sim_value *value, const struct point *pt, uint8_t raw_type,
                   int64_t wall_us, uint8_t *type, union value *raw)
{
    double number = number_at(value, pt, wall_us);
    if (value->kind != SIM_STATE && value->kind != SIM_SWITCH) {
        number = (number - pt->cls->offset) / pt->cls->scale;
    }
    *type = raw_type;
    raw->bits = 0;
    if (raw_type == VALUE_BOOL) {
        raw->b = number != 0.0;
    } else if (raw_type == VALUE_INT) {
        raw->i = (int64_t)fmin(fmax(round(number), -0x1p62), 0x1p62);
    } else {
        raw->d = number;
    }
}

size_t sim_value_text(const struct sim_value *value, const struct point *pt, char *to, size_t size)
{
    return str_format(to, size, "%s %s %04u", pt->device->name, pt->name, value->seed % 10000);
}
