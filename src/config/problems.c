/* SPDX-License-Identifier: Apache-2.0 */
#include "config/problems.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"

enum { MESSAGE_MAX = 512, SEEN_FIRST = 64, TEXTS_MAX = 8 << 20 };

void problems_init(struct problems *problems)
{
    *problems = (struct problems){ 0 };
    arena_init(&problems->arena, TEXTS_MAX);
}

void problems_fini(struct problems *problems)
{
    busbar_free(problems->list);
    busbar_free(problems->seen);
    arena_fini(&problems->arena);
    *problems = (struct problems){ 0 };
}

static uint64_t hash_of(struct position at, const char *message)
{
    uint64_t hash = hash_text(message) ^ hash_u64((uint64_t)at.line << 32 ^ (uint64_t)at.column);
    hash ^= hash_u64(at.file != NULL ? hash_text(at.file) : 0);
    return hash != 0 ? hash : 1;
}

static bool seen_put(uint64_t *seen, size_t capacity, uint64_t hash)
{
    size_t i = hash & (capacity - 1);
    while (seen[i] != 0 && seen[i] != hash) {
        i = (i + 1) & (capacity - 1);
    }
    bool known = seen[i] == hash;
    seen[i] = hash;
    return known;
}

/* True when the same was said before at the same place. Only what is shown is remembered. */
static bool known_already(struct problems *problems, uint64_t hash)
{
    if (problems->count * 2 >= problems->capacity) {
        size_t capacity = problems->capacity > 0 ? problems->capacity * 2 : SEEN_FIRST;
        uint64_t *seen = busbar_alloc_array(capacity, sizeof(*seen));
        for (size_t i = 0; i < problems->capacity; i++) {
            if (problems->seen[i] != 0) {
                seen_put(seen, capacity, problems->seen[i]);
            }
        }
        busbar_free(problems->seen);
        problems->seen = seen;
        problems->capacity = capacity;
    }
    if (problems->count < PROBLEMS_SHOWN_MAX) {
        return seen_put(problems->seen, problems->capacity, hash);
    }
    size_t i = hash & (problems->capacity - 1);
    while (problems->seen[i] != 0 && problems->seen[i] != hash) {
        i = (i + 1) & (problems->capacity - 1);
    }
    return problems->seen[i] == hash;
}

/* Files repeat: the name of the problem before is reused when it is the same. */
static const char *keep_file(struct problems *problems, const char *file)
{
    const struct problem *last = problems->count > 0 ? &problems->list[problems->count - 1] : NULL;
    if (last != NULL && last->at.file != NULL && strcmp(last->at.file, file) == 0) {
        return last->at.file;
    }
    return arena_strdup(&problems->arena, file);
}

static void add(struct problems *problems, bool warning, struct position at, const char *hint,
                const char *message)
{
    if (known_already(problems, hash_of(at, message))) {
        return;
    }
    if (warning) {
        problems->warnings++;
    } else {
        problems->errors++;
    }
    if (problems->count >= PROBLEMS_SHOWN_MAX) {
        return;
    }
    if (problems->list == NULL) {
        problems->list = busbar_alloc_array(PROBLEMS_SHOWN_MAX, sizeof(*problems->list));
    }
    struct problem problem = { .warning = warning, .at = at, .source = "" };
    problem.at.file = keep_file(problems, at.file != NULL ? at.file : "");
    problem.message = arena_strdup(&problems->arena, message);
    problem.hint = hint != NULL ? arena_strdup(&problems->arena, hint) : "";
    if (problem.at.file == NULL || problem.message == NULL || problem.hint == NULL) {
        problems->out_of_memory = true;
        return;
    }
    problems->list[problems->count++] = problem;
}

void problems_error(struct problems *problems, struct position at, const char *hint,
                    const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    add(problems, false, at, hint, message);
}

void problems_warning(struct problems *problems, struct position at, const char *hint,
                      const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    add(problems, true, at, hint, message);
}

void problems_err(struct problems *problems, const struct err *err, struct position at)
{
    if (err->line > 0) {
        at = (struct position){ .file = err->file[0] != '\0' ? err->file : at.file,
                                .line = err->line,
                                .column = err->column,
                                .width = err->width };
    }
    const char *message = err->message[0] != '\0' ? err->message : err_text(err->code);
    add(problems, err->code == 0 && err->message[0] != '\0', at,
        err->hint[0] != '\0' ? err->hint : NULL, message);
}

static int by_place(const void *a, const void *b)
{
    const struct problem *left = a, *right = b;
    int order = strcmp(left->at.file, right->at.file);
    if (order != 0) {
        return order;
    }
    if (left->at.line != right->at.line) {
        return left->at.line < right->at.line ? -1 : 1;
    }
    if (left->at.column != right->at.column) {
        return left->at.column < right->at.column ? -1 : 1;
    }
    return strcmp(left->message, right->message);
}

void problems_sort(struct problems *problems)
{
    if (problems->count > 1) {
        qsort(problems->list, problems->count, sizeof(*problems->list), by_place);
    }
}

static void print_place(const struct problem *problem, struct buf *out)
{
    if (problem->at.file[0] != '\0') {
        buf_append_text(out, problem->at.file);
        if (problem->at.line > 0) {
            buf_printf(out, ":%d", problem->at.line);
            if (problem->at.column > 0) {
                buf_printf(out, ":%d", problem->at.column);
            }
        }
        buf_append_text(out, ": ");
    }
}

/* "   27 |   text" and below it the mark, with the hint behind. */
static void print_source(const struct problem *problem, struct buf *out)
{
    buf_printf(out, "%5d | %s\n      | ", problem->at.line, problem->source);
    for (int i = 1; i < problem->source_column; i++) {
        buf_append_byte(out, ' ');
    }
    buf_append_byte(out, '^');
    for (int i = 1; i < problem->at.width; i++) {
        buf_append_byte(out, '~');
    }
    if (problem->hint[0] != '\0') {
        buf_printf(out, "  hint: %s", problem->hint);
    }
    buf_append_byte(out, '\n');
}

static void print_one(const struct problem *problem, struct buf *out)
{
    print_place(problem, out);
    buf_printf(out, "%s: %s\n", problem->warning ? "warning" : "error", problem->message);
    if (problem->source[0] != '\0' && problem->source_column > 0) {
        print_source(problem, out);
    } else if (problem->hint[0] != '\0') {
        buf_printf(out, "      hint: %s\n", problem->hint);
    }
}

void problems_summary(const struct problems *problems, struct buf *out)
{
    buf_printf(out, "%zu error%s, %zu warning%s", problems->errors,
               problems->errors == 1 ? "" : "s", problems->warnings,
               problems->warnings == 1 ? "" : "s");
}

void problems_print(const struct problems *problems, struct buf *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        print_one(&problems->list[i], out);
    }
    size_t found = problems->errors + problems->warnings;
    if (found > problems->count) {
        buf_printf(out, "... and %zu more like these\n", found - problems->count);
    }
    if (found > 0) {
        problems_summary(problems, out);
        buf_append_byte(out, '\n');
    }
}

void problems_json(const struct problems *problems, struct json_writer *json)
{
    json_begin_array(json);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];
        json_begin_object(json);
        json_put_string(json, "file", problem->at.file);
        json_put_i64(json, "line", problem->at.line);
        json_put_i64(json, "column", problem->at.column);
        json_put_i64(json, "width", problem->at.width);
        json_put_string(json, "severity", problem->warning ? "warning" : "error");
        json_put_string(json, "message", problem->message);
        json_put_string(json, "hint", problem->hint);
        json_put_string(json, "source", problem->source);
        json_end_object(json);
    }
    json_end_array(json);
}
