/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_text.h"

#include <string.h>

#include "base/str.h"
#include "drivers/tcp/tcp_config.h"
#include "drivers/tcp/tcp_options.h"

/* ---- templates ---- */

/* Escapes are resolved first, so that no value can bring one; a NUL that comes of it parts the template. */
int tcp_text_check(const char *text, bool password, struct err *err)
{
    uint8_t bytes[TCP_TEXT_MAX + 1];
    size_t size = 0;
    int error = tcp_unescape(text, bytes, TCP_TEXT_MAX, &size, err);
    bytes[size] = 0;
    for (char *word; password && (word = strstr((char *)bytes, TCP_PASSWORD_WORD)) != NULL;) {
        memset(word, ' ', strlen(TCP_PASSWORD_WORD));
    }
    for (size_t at = 0; error == 0 && at < size; at += strlen((char *)bytes + at) + 1) {
        error = payload_template_check((char *)bytes + at, err);
    }
    return error;
}

/* One piece without NULs. */
static int print_piece(char *piece, const struct payload_template_facts *facts,
                       const char *password, struct buf *out, struct err *err)
{
    char *word = password != NULL ? strstr(piece, TCP_PASSWORD_WORD) : NULL;
    if (word == NULL) {
        return payload_template_print(piece, facts, out, err);
    }
    *word = '\0';
    int error = payload_template_print(piece, facts, out, err);
    if (error == 0) {
        error = buf_append_text(out, password);
    }
    return error == 0 ? print_piece(word + strlen(TCP_PASSWORD_WORD), facts, password, out, err)
                      : error;
}

int tcp_text_print(const char *text, const struct payload_template_facts *facts,
                   const char *password, struct buf *out, struct err *err)
{
    uint8_t bytes[TCP_TEXT_MAX + 1];
    size_t size = 0;
    int error = tcp_unescape(text, bytes, TCP_TEXT_MAX, &size, err);
    size_t at = 0;
    bytes[size] = 0;
    while (error == 0 && at < size) {
        size_t length = strlen((char *)bytes + at);
        error = print_piece((char *)bytes + at, facts, password, out, err);
        at += length;
        if (error == 0 && at < size) {
            error = buf_append_byte(out, 0);
            at++;
        }
    }
    return error;
}

/* ---- expressions ---- */

int tcp_match_init(struct tcp_match *match, struct payload_programs *programs,
                   const char *expression, bool id, struct err *err)
{
    struct settings settings = { .options = tcp_device_options() };
    struct setting set[] = {
        { .option = PAYLOAD_POINT_MATCH, .value.text = expression },
        { .option = PAYLOAD_POINT_TYPE },
    };
    const struct settings rule = { .options = tcp_point_options(), .set = set, .count = 2 };
    (void)option_parse(&rule.options[PAYLOAD_POINT_TYPE], id ? "text" : "bool", &set[1].value);
    struct payload_point point;
    struct point_facts facts = { 0 };
    *match = (struct tcp_match){ 0 };
    int error = payload_point_read(&rule, &settings, NULL, &point, &facts, err);
    if (error == 0) {
        error = payload_shape_get(programs, &settings, NULL, &match->shape, err);
    }
    if (error == 0) {
        const struct payload_rule_source source = { .point = &point, .index = 0 };
        error = payload_program_get(programs, match->shape, NULL, &source, 1, NULL, 0,
                                    &match->program, err);
    }
    if (error != 0) {
        tcp_match_fini(match);
    }
    return error;
}

int tcp_match_check(const char *expression, bool id, const char *key, struct position at,
                    struct err *err)
{
    struct err reason = { 0 };
    struct tcp_match match;
    struct payload_programs *programs = payload_programs_new(NULL);
    int error = tcp_match_init(&match, programs, expression, id, &reason);
    if (error != 0) {
        (void)err_at(err, BUSBAR_ECONFIG, at, reason.hint[0] != '\0' ? reason.hint : NULL,
                     "'%s': %s", key, reason.message);
        error = BUSBAR_ECONFIG;
    } else {
        tcp_match_fini(&match);
    }
    payload_programs_free(programs);
    return error;
}

void tcp_match_fini(struct tcp_match *match)
{
    if (match->program != NULL) {
        payload_program_drop(match->program);
    }
    if (match->shape != NULL) {
        payload_shape_drop(match->shape);
    }
    *match = (struct tcp_match){ 0 };
}

bool tcp_match_try(const struct tcp_match *match, struct payload_reader *reader,
                   const struct payload_message *message, char *id, size_t size)
{
    struct payload_taken taken = { 0 };
    size_t count = 0;
    if (payload_reader_open(reader, message, NULL) != 0 ||
        payload_reader_elements(reader, match->shape, &count, NULL) != 0 || count == 0 ||
        payload_reader_take(reader, match->program, 0, &taken, NULL) != 0 ||
        taken.reading_count == 0) {
        return false;
    }
    const struct payload_reading *reading = &taken.readings[0];
    if (id != NULL && reading->type == VALUE_TEXT) {
        (void)str_format(id, size, "%.*s", (int)reading->value.text.size,
                         reading->value.text.bytes);
    }
    return reading->type != VALUE_BOOL || reading->value.b;
}
