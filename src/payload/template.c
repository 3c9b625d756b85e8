/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/template.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"

enum { WORD_MAX = 16 };

enum word { WORD_VALUE, WORD_ID, WORD_DEVICE, WORD_POINT, WORD_TIME, WORD_TIME_MS, WORDS };
static const char *const words[WORDS] = { "value", "id", "device", "point", "time", "time_ms" };

/* What stands between two braces. */
struct slot {
    enum word word;
    const char *yes, *no; /* of {value:YES|NO}; NULL: none */
    size_t yes_size, no_size;
    size_t size; /* in the template, braces too */
};

/* Where it could be a word of ours: {letters} or {letters:. Size 0: it is none, so stays. */
static size_t name_size(const char *at)
{
    size_t size = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_");
    bool ends = at[1 + size] == '}' || at[1 + size] == ':';
    return size > 0 && size < WORD_MAX && ends ? size : 0;
}

static int find_word(const char *name, size_t size)
{
    for (int i = 0; i < WORDS; i++) {
        if (strlen(words[i]) == size && memcmp(words[i], name, size) == 0) {
            return i;
        }
    }
    return -1;
}

/* 1: a word of ours; 0: plain text; else an error. at: a brace. */
static int read_slot(const char *at, struct slot *out, struct err *err)
{
    char name[WORD_MAX];
    size_t size = name_size(at);
    if (size == 0) {
        return 0;
    }
    int word = find_word(at + 1, size);
    str_format(name, sizeof(name), "%.*s", (int)size, at + 1);
    if (word < 0) {
        const char *nearest = str_nearest(name, words, WORDS);
        err_set(err, BUSBAR_EINVAL,
                "'{%s}' is none of {value}, {id}, {device}, {point}, {time}, {time_ms}", name);
        return nearest != NULL ? err_hint(err, "did you mean {%s}?", nearest) : BUSBAR_EINVAL;
    }
    *out = (struct slot){ .word = (enum word)word, .size = size + 2 };
    if (at[1 + size] == '}') {
        return 1;
    }
    const char *yes = at + size + 2;
    const char *bar = yes + strcspn(yes, "|}");
    const char *end = bar + strcspn(bar, "}");
    if (word != WORD_VALUE || *bar != '|' || *end != '}') {
        err_set(err, BUSBAR_EINVAL, "'{%s:' is not complete", name);
        err_hint(err, "of {value} only: {value:ON|OFF}");
        return BUSBAR_EINVAL;
    }
    out->yes = yes;
    out->yes_size = (size_t)(bar - yes);
    out->no = bar + 1;
    out->no_size = (size_t)(end - bar - 1);
    out->size = (size_t)(end - at) + 1;
    return 1;
}

int payload_template_check(const char *text, struct err *err)
{
    if (strlen(text) > PAYLOAD_TEMPLATE_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "longer than %d bytes", PAYLOAD_TEMPLATE_MAX);
    }
    for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at, '{')) {
        struct slot slot;
        int got = read_slot(at, &slot, err);
        if (got < 0) {
            return BUSBAR_EINVAL;
        }
        at += got > 0 ? slot.size : 1;
    }
    return 0;
}

bool payload_template_has_value(const char *text)
{
    for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
        struct slot slot;
        if (read_slot(at, &slot, NULL) > 0 && slot.word == WORD_VALUE) {
            return true;
        }
    }
    return false;
}

/* ---- printing ---- */

struct printer {
    const struct payload_template_facts *facts;
    struct buf *out;
    struct err *err;
    bool json;
    bool quoted;  /* inside a JSON string of the template */
    bool escaped; /* behind a backslash in it */
};

static int print_text(struct printer *printer, const char *text, size_t size)
{
    struct buf *out = printer->out;
    if (printer->json) {
        size_t from = out->size;
        struct json_writer json = json_writer(out);
        json_string_n(&json, text, size);
        if (printer->quoted && !out->overflow) { /* without its quotes */
            size_t inner = out->size - from - 2;
            memmove(out->data + from, out->data + from + 1, inner);
            out->size -= 2;
            out->data[out->size] = '\0';
        }
        return out->overflow ? BUSBAR_ELIMIT : 0;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return err_set(printer->err, BUSBAR_EINVAL,
                           "the text has a control character (0x%02x), which cannot be sent",
                           (unsigned char)text[i]);
        }
    }
    return buf_append(out, text, size);
}

static int print_value(struct printer *printer, const struct slot *slot)
{
    const struct payload_template_facts *facts = printer->facts;
    double number = 0;
    if (slot->yes != NULL) {
        bool yes = value_number(facts->type, facts->value, &number)
                       ? number != 0
                       : facts->type == VALUE_TEXT && facts->value.text->size > 0;
        return buf_append(printer->out, yes ? slot->yes : slot->no,
                          yes ? slot->yes_size : slot->no_size);
    }
    if (facts->type == VALUE_TEXT) {
        return print_text(printer, facts->value.text->bytes, facts->value.text->size);
    }
    if (facts->type == VALUE_NONE) {
        return buf_append_text(printer->out, printer->json ? "null" : "");
    }
    value_print(facts->type, facts->value, printer->out);
    return printer->out->overflow ? BUSBAR_ELIMIT : 0;
}

static int print_name(struct printer *printer, const char *name)
{
    return name != NULL ? print_text(printer, name, strlen(name)) : 0;
}

static int print_slot(struct printer *printer, const struct slot *slot)
{
    const struct payload_template_facts *facts = printer->facts;
    char time[STR_TIME_MAX];
    switch (slot->word) {
    case WORD_VALUE: return print_value(printer, slot);
    case WORD_ID: return print_name(printer, facts->id);
    case WORD_DEVICE: return print_name(printer, facts->device);
    case WORD_POINT: return print_name(printer, facts->point);
    case WORD_TIME:
        str_format_time(time, sizeof(time), facts->time_us, 0, true);
        return print_name(printer, time);
    case WORD_TIME_MS: return buf_printf(printer->out, "%lld", (long long)(facts->time_us / 1000));
    case WORDS: break;
    }
    return BUSBAR_EINTERNAL;
}

/* Follows the quotes of JSON. */
static void pass(struct printer *printer, char c)
{
    if (printer->escaped) {
        printer->escaped = false;
    } else if (printer->quoted && c == '\\') {
        printer->escaped = true;
    } else if (c == '"') {
        printer->quoted = !printer->quoted;
    }
}

int payload_template_print(const char *text, const struct payload_template_facts *facts,
                           struct buf *out, struct err *err)
{
    char first = text[strspn(text, " \t\r\n")];
    struct slot slot;
    bool word = first == '{' && read_slot(text + strspn(text, " \t\r\n"), &slot, NULL) > 0;
    struct printer printer = {
        .facts = facts, .out = out, .err = err, .json = !word && (first == '{' || first == '[')
    };
    while (*text != '\0') {
        int got = *text == '{' ? read_slot(text, &slot, err) : 0;
        int error = got < 0   ? got
                    : got > 0 ? print_slot(&printer, &slot)
                              : buf_append_byte(out, (uint8_t)*text);
        if (error != 0) {
            return error;
        }
        if (got == 0) {
            pass(&printer, *text);
        }
        text += got > 0 ? slot.size : 1;
    }
    return 0;
}
