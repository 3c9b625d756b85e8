/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_fault.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

enum argument { ARGUMENT_NOTHING, ARGUMENT_CODE, ARGUMENT_DURATION };

static const char *const words[] = {
#define SIM_FAULT_WORD(name, word, argument) [SIM_FAULT_##name] = (word),
    SIM_FAULTS(SIM_FAULT_WORD)
#undef SIM_FAULT_WORD
};

static const enum argument arguments[] = {
#define SIM_FAULT_ARGUMENT(name, word, argument) [SIM_FAULT_##name] = ARGUMENT_##argument,
    SIM_FAULTS(SIM_FAULT_ARGUMENT)
#undef SIM_FAULT_ARGUMENT
};

enum { KIND_COUNT = sizeof(words) / sizeof(words[0]), CODE_MAX = 255, TEXT_MAX = 128 };

static int find_kind(const char *word, enum sim_fault_kind *kind, struct err *err)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        if (strcmp(words[i], word) == 0) {
            *kind = (enum sim_fault_kind)i;
            return 0;
        }
    }
    err_set(err, BUSBAR_ESYNTAX, "there is no fault '%s'", word);
    const char *nearest = str_nearest(word, words, KIND_COUNT);
    if (nearest != NULL) {
        err_hint(err, "did you mean '%s'?", nearest);
    } else {
        err_hint(err,
                 "faults: none silence exception:2 slow:500ms garbage close truncate wrong-unit "
                 "wrong-transaction down holes frozen");
    }
    return BUSBAR_ESYNTAX;
}

/* "exception:2" with the ':' cut into word and value. */
static int parse_kind(char *word, struct sim_fault *fault, struct err *err)
{
    char *value = strchr(word, ':');
    if (value != NULL) {
        *value++ = '\0';
    }
    int error = find_kind(word, &fault->kind, err);
    if (error != 0) {
        return error;
    }
    switch (arguments[fault->kind]) {
    case ARGUMENT_NOTHING:
        return value == NULL ? 0 : err_set(err, BUSBAR_ESYNTAX, "'%s' takes no argument", word);
    case ARGUMENT_CODE:
        if (value == NULL || str_parse_i64(value, &fault->argument) != 0 || fault->argument < 1 ||
            fault->argument > CODE_MAX) {
            return err_set(err, BUSBAR_ERANGE, "'%s' needs a code from 1 to 255, as in %s:2", word,
                           word);
        }
        return 0;
    default:
        if (value == NULL || str_parse_duration_us(value, &fault->argument) != 0) {
            return err_set(err, BUSBAR_ERANGE, "'%s' needs a time, as in %s:500ms", word, word);
        }
        return 0;
    }
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
    int error = parse_kind(part, &made, err);
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

void sim_fault_print(const struct sim_fault *fault, struct buf *out)
{
    char time[32];
    buf_append_text(out, words[fault->kind]);
    if (arguments[fault->kind] == ARGUMENT_CODE) {
        buf_printf(out, ":%d", (int)fault->argument);
    } else if (arguments[fault->kind] == ARGUMENT_DURATION) {
        str_format_duration(time, sizeof(time), fault->argument);
        buf_printf(out, ":%s", time);
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

enum sim_fault_kind sim_fault_now(const struct sim_fault *fault, int64_t now_us)
{
    int64_t age_us = now_us - fault->begin_us;
    if (fault->every_us > 0) {
        age_us %= fault->every_us;
    }
    return fault->for_us > 0 && age_us >= fault->for_us ? SIM_FAULT_NONE : fault->kind;
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
