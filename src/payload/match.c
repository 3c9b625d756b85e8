/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "payload/match.h"

#include <pcre2.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

struct match {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    const size_t *ends; /* of the groups */
    const char *names;  /* PCRE2's table: two bytes of number, the name, NUL */
    uint32_t name_count, name_bytes;
    uint32_t steps; /* as it was last set */
    unsigned value_group;
};

static int compile(struct match *match, const char *text, struct err *err)
{
    int error;
    size_t at;
    size_t size = strlen(text);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context != NULL) {
        (void)pcre2_set_parens_nest_limit(context, MATCH_GROUPS_MAX);
        match->code = pcre2_compile((PCRE2_SPTR)text, size,
                                    PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C,
                                    &error, &at, context);
        pcre2_compile_context_free(context);
    }
    if (match->code == NULL) {
        char why[160] = "out of memory";
        struct position position = { .line = 1, .column = 1 };
        if (context != NULL) {
            (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why));
            at = at < size ? at : size;
            position.column = (int)str_utf8_length(text, at) + 1;
        }
        return err_at(err, BUSBAR_ESYNTAX, position,
                      "a character that is meant as itself needs \\ before it", "character %d: %s",
                      position.column, why);
    }
    return 0;
}

static int describe(struct match *match, struct err *err)
{
    uint32_t groups = 0;
    (void)pcre2_pattern_info(match->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    (void)pcre2_pattern_info(match->code, PCRE2_INFO_NAMECOUNT, &match->name_count);
    (void)pcre2_pattern_info(match->code, PCRE2_INFO_NAMEENTRYSIZE, &match->name_bytes);
    if (match->name_count > 0) {
        (void)pcre2_pattern_info(match->code, PCRE2_INFO_NAMETABLE, &match->names);
    }
    if (groups > MATCH_GROUPS_MAX) {
        err_set(err, BUSBAR_ELIMIT, "it has %u groups; %d are the limit", groups, MATCH_GROUPS_MAX);
        return err_hint(err, "(?:...) groups without keeping what is in it");
    }
    match->value_group = groups > 0;
    const char *name;
    unsigned group;
    for (size_t i = 0; (name = match_name(match, i, &group)) != NULL; i++) {
        match->value_group = strcmp(name, "value") == 0 ? group : match->value_group;
    }
    return 0;
}

int match_new(const char *text, bool jit, struct match **out, struct err *err)
{
    *out = NULL;
    if (!str_is_utf8(text, strlen(text))) {
        return err_set(err, BUSBAR_ESYNTAX, "it is no UTF-8");
    }
    int error = match_check(text, strlen(text), err);
    if (error != 0) {
        return error;
    }
    struct match *match = busbar_alloc(sizeof(*match));
    error = compile(match, text, err);
    if (error == 0) {
        error = describe(match, err);
    }
    if (error != 0) {
        match_free(match);
        return error;
    }
    match->data = pcre2_match_data_create_from_pattern(match->code, NULL);
    match->context = pcre2_match_context_create(NULL);
    if (match->data == NULL || match->context == NULL) {
        match_free(match);
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    (void)pcre2_set_depth_limit(match->context, MATCH_DEPTH_MAX);
    (void)pcre2_set_heap_limit(match->context, MATCH_HEAP_KIB_MAX);
    match->ends = pcre2_get_ovector_pointer(match->data);
    if (jit) { /* where it cannot be, the interpreter does it */
        (void)pcre2_jit_compile(match->code, PCRE2_JIT_COMPLETE);
    }
    *out = match;
    return 0;
}

void match_free(struct match *match)
{
    if (match != NULL) {
        pcre2_match_context_free(match->context);
        pcre2_match_data_free(match->data);
        pcre2_code_free(match->code);
        busbar_free(match);
    }
}

/* PCRE2 counts the steps of each place where a match may begin anew. */
static uint32_t steps_of(size_t size)
{
    size_t steps = MATCH_STEPS_MAX / (size + 1);
    return steps < MATCH_STEPS_LEAST  ? MATCH_STEPS_LEAST
           : steps > MATCH_STEPS_MOST ? MATCH_STEPS_MOST
                                      : (uint32_t)steps;
}

int match_find(struct match *match, const char *text, size_t size, size_t from, struct err *err)
{
    if (size > MATCH_TEXT_MAX) {
        err_set(err, BUSBAR_ELIMIT, "a text of %zu bytes is too long for a regular expression",
                size);
        return err_hint(err, "at most %d bytes; read long messages by lines: each: csv",
                        MATCH_TEXT_MAX);
    }
    uint32_t steps = steps_of(size - from);
    if (steps != match->steps) {
        (void)pcre2_set_match_limit(match->context, steps);
        match->steps = steps;
    }
    int result = pcre2_match(match->code, (PCRE2_SPTR)text, size, from, PCRE2_NO_UTF_CHECK,
                             match->data, match->context);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
        result = pcre2_match(match->code, (PCRE2_SPTR)text, size, from,
                             PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match->data, match->context);
    }
    if (result >= 0) {
        return 1;
    }
    if (result == PCRE2_ERROR_NOMATCH) {
        return 0;
    }
    err_set(err, BUSBAR_ELIMIT, "the regular expression took more than %u steps on %zu bytes",
            (unsigned)steps, size - from);
    return err_hint(err, "begin it with ^, and say [^,]* instead of .*");
}

bool match_group(const struct match *match, const char *text, unsigned group, const char **part,
                 size_t *size)
{
    size_t from = match->ends[2 * group], to = match->ends[2 * group + 1];
    if (group >= pcre2_get_ovector_count(match->data) || from == PCRE2_UNSET || to < from) {
        return false;
    }
    *part = text + from;
    *size = to - from;
    return true;
}

size_t match_end(const struct match *match, const char *text, size_t size)
{
    size_t from = match->ends[0], to = match->ends[1];
    if (to > from) {
        return to;
    }
    to++;
    while (to < size && ((unsigned char)text[to] & 0xc0) == 0x80) {
        to++;
    }
    return to;
}

unsigned match_value_group(const struct match *match)
{
    return match->value_group;
}

const char *match_name(const struct match *match, size_t number, unsigned *group)
{
    if (number >= match->name_count) {
        return NULL;
    }
    const char *entry = match->names + number * match->name_bytes;
    *group = (unsigned)((uint8_t)entry[0] << 8 | (uint8_t)entry[1]);
    return entry + 2;
}
