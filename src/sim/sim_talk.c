/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_talk.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"

enum { GARBAGE_LEAST = 3, GARBAGE_MORE = 60 };
#define PERIOD_LEAST_US   CLOCK_US_PER_S
#define PERIOD_MOST_US    (60 * CLOCK_US_PER_S)
#define PERIOD_DEFAULT_US (10 * CLOCK_US_PER_S)

/* ---- which messages ---- */

static void add_point(struct sim_talk *talk, uint32_t point, const char *where)
{
    for (size_t i = 0; i < talk->say_count; i++) {
        struct sim_say *say = &talk->says[i];
        if (strcmp(say->where, where) == 0 &&
            sim_speaker_joins(&talk->speaker, say->points[0], point)) {
            say->points = busbar_realloc(say->points, (say->count + 1) * sizeof(*say->points));
            say->points[say->count++] = point;
            return;
        }
    }
    talk->says = busbar_realloc(talk->says, (talk->say_count + 1) * sizeof(*talk->says));
    struct sim_say *say = &talk->says[talk->say_count++];
    say->where = busbar_strdup(where);
    say->points = busbar_alloc(sizeof(*say->points));
    say->points[0] = point;
    say->count = 1;
}

static void make_live(struct sim_talk *talk, const struct device *dev, uint64_t seed)
{
    uint8_t *types = busbar_alloc(dev->point_count + 1);
    for (uint32_t i = 0; i < dev->point_count; i++) {
        types[i] = sim_rule_type(sim_speaker_rule(&talk->speaker, i), &dev->points[i]);
    }
    sim_live_init(&talk->live, dev, types, seed);
    busbar_free(types);
}

/* That each message can be made. */
static int try_all(struct sim_talk *talk, struct err *err)
{
    struct buf out;
    int error = 0;
    buf_init(&out, SIM_MESSAGE_MAX);
    for (size_t i = 0; error == 0 && i < talk->say_count; i++) {
        buf_clear(&out);
        error = sim_talk_make(talk, &talk->says[i], clock_wall_us(), &out, err);
    }
    buf_fini(&out);
    return error;
}

int sim_talk_init(struct sim_talk *talk, const struct device *dev, const void *rules, size_t stride,
                  uint64_t seed, sim_where_cb where, void *ctx, struct err *err)
{
    char place[SIM_WHERE_MAX];
    *talk = (struct sim_talk){ .live.dev = dev };
    sim_speaker_init(&talk->speaker, &talk->live, rules, stride);
    make_live(talk, dev, seed);
    for (uint32_t i = 0; i < dev->point_count; i++) {
        uint8_t kind = sim_speaker_rule(&talk->speaker, i)->kind;
        if (kind < PAYLOAD_POINT_ABOUT && where(ctx, i, place)) {
            add_point(talk, i, place);
        }
    }
    int error = try_all(talk, err);
    if (error != 0) {
        sim_talk_fini(talk);
    }
    return error;
}

void sim_talk_fini(struct sim_talk *talk)
{
    for (size_t i = 0; i < talk->say_count; i++) {
        busbar_free(talk->says[i].where);
        busbar_free(talk->says[i].points);
    }
    busbar_free(talk->says);
    sim_speaker_fini(&talk->speaker);
    sim_live_fini(&talk->live);
    *talk = (struct sim_talk){ .says = NULL };
}

int sim_talk_make(struct sim_talk *talk, const struct sim_say *say, int64_t wall_us,
                  struct buf *out, struct err *err)
{
    return sim_speaker_make(&talk->speaker, say->points, say->count, wall_us, out, err);
}

const struct sim_say *sim_talk_say_of(const struct sim_talk *talk, uint32_t point)
{
    for (size_t i = 0; i < talk->say_count; i++) {
        for (size_t j = 0; j < talk->says[i].count; j++) {
            if (talk->says[i].points[j] == point) {
                return &talk->says[i];
            }
        }
    }
    return NULL;
}

int64_t sim_talk_period_us(const struct device *dev)
{
    int64_t period_us = 0;
    for (size_t i = 0; i < dev->point_count; i++) {
        const struct point_class *cls = dev->points[i].cls;
        int64_t own = cls->stale_after_us > 0 ? cls->stale_after_us / 3 : cls->every_us;
        period_us = own > 0 && (period_us == 0 || own < period_us) ? own : period_us;
    }
    period_us = period_us == 0 ? PERIOD_DEFAULT_US : period_us;
    period_us = period_us < PERIOD_LEAST_US ? PERIOD_LEAST_US : period_us;
    return period_us > PERIOD_MOST_US ? PERIOD_MOST_US : period_us;
}

/* ---- templates, backwards ---- */

struct taker {
    const char *template;
    const char *at, *end; /* of what came */
    const char *id, *device, *point;
    struct buf *value;
};

static bool take_text(struct taker *taker, const char *text, size_t size)
{
    bool fits = (size_t)(taker->end - taker->at) >= size && memcmp(taker->at, text, size) == 0;
    taker->at += fits ? size : 0;
    return fits;
}

/* Up to what follows in the template, which is at most the next word in braces. */
static const char *find_end(const struct taker *taker)
{
    size_t size = 0;
    while (taker->template[size] != '\0' &&
           !(taker->template[size] == '{' && islower((unsigned char)taker->template[size + 1]))) {
        size++;
    }
    if (size == 0) {
        return taker->end;
    }
    return taker->at < taker->end
               ? memmem(taker->at, (size_t)(taker->end - taker->at), taker->template, size)
               : NULL;
}

/* {value} or {value:ON|OFF}; words: behind the colon. */
static bool take_value(struct taker *taker, const char *words, size_t words_size)
{
    const char *end = find_end(taker);
    if (end == NULL) {
        return false;
    }
    size_t size = (size_t)(end - taker->at);
    const char *bar = words != NULL ? memchr(words, '|', words_size) : NULL;
    if (bar != NULL) {
        bool on = size == (size_t)(bar - words) && memcmp(taker->at, words, size) == 0;
        (void)buf_append_text(taker->value, on ? "1" : "0");
    } else {
        bool quoted = size >= 2 && taker->at[0] == '"' && end[-1] == '"';
        (void)buf_append(taker->value, taker->at + (quoted ? 1 : 0), size - (quoted ? 2 : 0));
    }
    taker->at = end;
    return true;
}

static bool take_word(struct taker *taker, const char *word, size_t size)
{
    static const char value[] = "value";
    if (size >= sizeof(value) - 1 && memcmp(word, value, sizeof(value) - 1) == 0) {
        bool mapped = word[sizeof(value) - 1] == ':';
        return take_value(taker, mapped ? word + sizeof(value) : NULL,
                          mapped ? size - sizeof(value) : 0);
    }
    const char *text = size == 2 && memcmp(word, "id", 2) == 0       ? taker->id
                       : size == 6 && memcmp(word, "device", 6) == 0 ? taker->device
                       : size == 5 && memcmp(word, "point", 5) == 0  ? taker->point
                                                                     : NULL;
    if (text != NULL) {
        return take_text(taker, text, strlen(text));
    }
    const char *end = find_end(taker); /* a time */
    taker->at = end != NULL ? end : taker->at;
    return end != NULL;
}

bool sim_template_take(const char *template, const struct sim_speaker *speaker, const char *point,
                       const void *data, size_t size, struct buf *value)
{
    struct taker taker = { .template = template, .value = value, .point = point };
    taker.at = data;
    taker.end = taker.at + size;
    taker.id = speaker->id;
    taker.device = speaker->dev->name;
    while (*taker.template != '\0') {
        const char *close = taker.template[0] == '{' && islower((unsigned char)taker.template[1])
                                ? strchr(taker.template, '}')
                                : NULL;
        if (close == NULL) {
            if (!take_text(&taker, taker.template, 1)) {
                return false;
            }
            taker.template ++;
            continue;
        }
        const char *word = taker.template + 1;
        taker.template = close + 1;
        if (!take_word(&taker, word, (size_t)(close - word))) {
            return false;
        }
    }
    return taker.at == taker.end;
}

/* ---- faults ---- */

void sim_talk_spoil(enum sim_fault_kind kind, uint64_t *random, size_t from, struct buf *message)
{
    if (kind == SIM_FAULT_TRUNCATE) {
        message->size = from + (message->size - from) / 2;
    } else if (kind == SIM_FAULT_GARBAGE) {
        message->size = from;
        size_t size = GARBAGE_LEAST + hash_random(random) % GARBAGE_MORE;
        for (size_t i = 0; i < size; i++) {
            (void)buf_append_byte(message, (uint8_t)(0x80 | hash_random(random)));
        }
    } else if (kind == SIM_FAULT_WRONG_TYPE) {
        for (size_t i = from; i < message->size; i++) {
            message->data[i] = isdigit(message->data[i]) ? 'x' : message->data[i];
        }
    }
}
