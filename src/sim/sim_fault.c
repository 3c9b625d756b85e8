/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_fault.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

enum argument {
    ARGUMENT_NOTHING,
    ARGUMENT_CODE,
    ARGUMENT_ERROR,
    ARGUMENT_APDU,
    ARGUMENT_COUNT,
    ARGUMENT_BYTES,
    ARGUMENT_DURATION,
};

/* What an argument is: bounds, how it is asked for, an example. */
static const struct {
    int64_t min, max;
    const char *what, *example;
} arguments[] = {
    [ARGUMENT_CODE] = { 1, 255, "code", "2" },
    [ARGUMENT_ERROR] = { 0, 65535, "code", "31" },
    [ARGUMENT_APDU] = { 50, 1476, "size", "128" },
    [ARGUMENT_COUNT] = { 1, 65535, "number", "100" },
    [ARGUMENT_BYTES] = { 64, 65507, "size", "484" },
    [ARGUMENT_DURATION] = { 0, INT64_MAX, "time", "500ms" },
};

struct word {
    const char *word;
    enum argument argument;
};

static const struct word kinds[] = {
#define SIM_FAULT_WORD(name, word, argument) [SIM_FAULT_##name] = { (word), ARGUMENT_##argument },
    SIM_FAULTS(SIM_FAULT_WORD)
#undef SIM_FAULT_WORD
};

static const struct word traits[] = {
#define SIM_TRAIT_WORD(name, word, argument) [SIM_TRAIT_##name] = { (word), ARGUMENT_##argument },
    SIM_TRAITS(SIM_TRAIT_WORD)
#undef SIM_TRAIT_WORD
};

enum {
    KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]),
    TRAIT_COUNT = sizeof(traits) / sizeof(traits[0]),
    TEXT_MAX = 128
};

static int find(const struct word *words, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i].word, word) == 0) {
            return i;
        }
    }
    return -1;
}

static int say_unknown(const char *word, struct err *err)
{
    const char *all[KIND_COUNT + TRAIT_COUNT];
    for (int i = 0; i < KIND_COUNT; i++) {
        all[i] = kinds[i].word;
    }
    for (int i = 0; i < TRAIT_COUNT; i++) {
        all[KIND_COUNT + i] = traits[i].word;
    }
    err_set(err, BUSBAR_ESYNTAX, "there is no fault '%s'", word);
    const char *nearest = str_nearest(word, all, KIND_COUNT + TRAIT_COUNT);
    if (nearest != NULL) {
        err_hint(err, "did you mean '%s'?", nearest);
    } else {
        struct buf list;
        buf_init(&list, ERR_HINT_MAX);
        sim_fault_list(UINT32_MAX, UINT32_MAX, &list);
        err_hint(err, "faults: %s", buf_text(&list));
        buf_fini(&list);
    }
    return BUSBAR_ESYNTAX;
}

/* value: behind the ':'; NULL: there was none. */
static int parse_argument(const struct word *word, const char *value, int64_t *out, struct err *err)
{
    enum argument argument = word->argument;
    if (argument == ARGUMENT_NOTHING) {
        return value == NULL ? 0
                             : err_set(err, BUSBAR_ESYNTAX, "'%s' takes no argument", word->word);
    }
    int error = BUSBAR_EINVAL;
    if (value != NULL && argument == ARGUMENT_DURATION) {
        error = str_parse_duration_us(value, out);
    } else if (value != NULL) {
        error = str_parse_i64(value, out);
    }
    if (error == 0 && *out >= arguments[argument].min && *out <= arguments[argument].max) {
        return 0;
    }
    if (argument == ARGUMENT_DURATION) {
        return err_set(err, BUSBAR_ERANGE, "'%s' needs a time, as in %s:500ms", word->word,
                       word->word);
    }
    return err_set(err, BUSBAR_ERANGE, "'%s' needs a %s from %d to %d, as in %s:%s", word->word,
                   arguments[argument].what, (int)arguments[argument].min,
                   (int)arguments[argument].max, word->word, arguments[argument].example);
}

/* "exception:2" or "apdu:128". */
static int parse_word(char *word, struct sim_fault *fault, struct err *err)
{
    int64_t argument = 0;
    char *value = strchr(word, ':');
    if (value != NULL) {
        *value++ = '\0';
    }
    int trait = find(traits, TRAIT_COUNT, word);
    if (trait >= 0) {
        int error = parse_argument(&traits[trait], value, &argument, err);
        fault->traits |= UINT32_C(1) << trait;
        fault->apdu = trait == SIM_TRAIT_APDU ? (uint16_t)argument : fault->apdu;
        fault->bytes = trait == SIM_TRAIT_MOST_BYTES ? (uint16_t)argument : fault->bytes;
        fault->most = trait == SIM_TRAIT_MOST_NODES ? (uint16_t)argument : fault->most;
        return error;
    }
    int kind = find(kinds, KIND_COUNT, word);
    if (kind < 0) {
        return say_unknown(word, err);
    }
    if (fault->kind != SIM_FAULT_NONE) {
        return err_set(err, BUSBAR_ESYNTAX, "'%s' and '%s' do not go together",
                       kinds[fault->kind].word, word);
    }
    fault->kind = (enum sim_fault_kind)kind;
    return parse_argument(&kinds[kind], value, &fault->argument, err);
}

static int parse_words(char *words, struct sim_fault *fault, struct err *err)
{
    int error = 0;
    char *word;
    while (error == 0 && (word = strsep(&words, "+")) != NULL) {
        error = parse_word(word, fault, err);
    }
    return error;
}

static int parse_rate(char *value, double *rate)
{
    size_t size = strlen(value);
    double number;
    bool percent = size > 0 && value[size - 1] == '%';
    if (percent) {
        value[size - 1] = '\0';
    }
    if (str_parse_double(value, &number) != 0) {
        return BUSBAR_ESYNTAX;
    }
    number = percent ? number / 100.0 : number;
    if (number < 0.0 || number > 1.0) {
        return BUSBAR_ERANGE;
    }
    *rate = number;
    return 0;
}

static int parse_part(char *part, struct sim_fault *fault, struct err *err)
{
    char *value = strchr(part, '=');
    int error = BUSBAR_ESYNTAX;
    if (value != NULL) {
        *value++ = '\0';
        if (strcmp(part, "for") == 0) {
            error = str_parse_duration_us(value, &fault->for_us);
        } else if (strcmp(part, "every") == 0) {
            error = str_parse_duration_us(value, &fault->every_us);
        } else if (strcmp(part, "rate") == 0) {
            error = parse_rate(value, &fault->rate);
        }
    }
    if (error != 0) {
        err_set(err, BUSBAR_ESYNTAX, "'%s' is not understood", part);
        err_hint(err, "after the fault: for=10s, every=60s, rate=10%%");
        return BUSBAR_ESYNTAX;
    }
    return 0;
}

int sim_fault_parse(const char *text, int64_t now_us, struct sim_fault *fault, struct err *err)
{
    char copy[TEXT_MAX];
    struct sim_fault made = { .begin_us = now_us, .rate = 1.0, .random = hash_text(text) };
    if (!str_copy(copy, sizeof(copy), text)) {
        return err_set(err, BUSBAR_ERANGE, "a fault is at most %d characters long", TEXT_MAX - 1);
    }
    char *rest = copy;
    char *part = strsep(&rest, ",");
    int error = parse_words(part, &made, err);
    while (error == 0 && (part = strsep(&rest, ",")) != NULL) {
        error = parse_part(part, &made, err);
    }
    if (error != 0) {
        return error;
    }
    if (made.every_us > 0 && (made.for_us == 0 || made.for_us > made.every_us)) {
        return err_set(err, BUSBAR_ERANGE,
                       "'every' needs a shorter 'for', as in for=10s,every=60s");
    }
    *fault = made;
    return 0;
}

static void print_word(const struct word *word, int64_t argument, struct buf *out)
{
    char time[32];
    buf_append_text(out, word->word);
    if (word->argument == ARGUMENT_DURATION) {
        str_format_duration(time, sizeof(time), argument);
        buf_printf(out, ":%s", time);
    } else if (word->argument != ARGUMENT_NOTHING) {
        buf_printf(out, ":%d", (int)argument);
    }
}

static int64_t trait_argument(const struct sim_fault *fault, int trait)
{
    switch (trait) {
    case SIM_TRAIT_APDU: return fault->apdu;
    case SIM_TRAIT_MOST_BYTES: return fault->bytes;
    default: return fault->most;
    }
}

void sim_fault_print(const struct sim_fault *fault, struct buf *out)
{
    char time[32];
    const char *between = "";
    if (fault->kind != SIM_FAULT_NONE || fault->traits == 0) {
        print_word(&kinds[fault->kind], fault->argument, out);
        between = "+";
    }
    for (int i = 0; i < TRAIT_COUNT; i++) {
        if ((fault->traits >> i & 1) != 0) {
            buf_append_text(out, between);
            print_word(&traits[i], trait_argument(fault, i), out);
            between = "+";
        }
    }
    if (fault->for_us > 0) {
        str_format_duration(time, sizeof(time), fault->for_us);
        buf_printf(out, ",for=%s", time);
    }
    if (fault->every_us > 0) {
        str_format_duration(time, sizeof(time), fault->every_us);
        buf_printf(out, ",every=%s", time);
    }
    if (fault->rate < 1.0) {
        str_format_double(time, sizeof(time), fault->rate * 100.0);
        buf_printf(out, ",rate=%s%%", time);
    }
}

static void list_word(const struct word *word, struct buf *out)
{
    buf_printf(out, "%s%s", out->size > 0 ? " " : "", word->word);
    if (word->argument != ARGUMENT_NOTHING) {
        buf_printf(out, ":%s", arguments[word->argument].example);
    }
}

void sim_fault_list(uint32_t kind_bits, uint32_t trait_bits, struct buf *out)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        if ((kind_bits >> i & 1) != 0) {
            list_word(&kinds[i], out);
        }
    }
    for (int i = 0; i < TRAIT_COUNT; i++) {
        if ((trait_bits >> i & 1) != 0) {
            list_word(&traits[i], out);
        }
    }
}

static bool holds(const struct sim_fault *fault, int64_t now_us)
{
    int64_t age_us = now_us - fault->begin_us;
    if (fault->every_us > 0) {
        age_us %= fault->every_us;
    }
    return fault->for_us == 0 || age_us < fault->for_us;
}

enum sim_fault_kind sim_fault_now(const struct sim_fault *fault, int64_t now_us)
{
    return holds(fault, now_us) ? fault->kind : SIM_FAULT_NONE;
}

uint32_t sim_fault_traits_now(const struct sim_fault *fault, int64_t now_us)
{
    return holds(fault, now_us) ? fault->traits : 0;
}

enum sim_fault_kind sim_fault_draw(struct sim_fault *fault, int64_t now_us)
{
    enum sim_fault_kind kind = sim_fault_now(fault, now_us);
    if (kind == SIM_FAULT_NONE || fault->rate >= 1.0) {
        return kind;
    }
    double drawn = (double)(hash_random(&fault->random) >> 11) * 0x1p-53;
    return drawn < fault->rate ? kind : SIM_FAULT_NONE;
}
