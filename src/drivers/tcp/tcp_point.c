/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_point.h"

#include "base/str.h"
#include "drivers/tcp/tcp_options.h"

static const char *keep(const struct settings *point, size_t row, struct arena *arena)
{
    const char *text = settings_text(point, row);
    return text != NULL && arena != NULL ? arena_strdup(arena, text) : text;
}

static int check_texts(const struct settings *point, struct err *err)
{
    static const size_t rows[] = { POINT_ASK, POINT_SEND };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err reason = { 0 };
        const char *text = settings_text(point, rows[i]);
        if (text != NULL && tcp_text_check(text, false, &reason) != 0) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, rows[i]), reason.hint, "'%s': %s",
                          point->options[rows[i]].key, reason.message);
        }
    }
    return 0;
}

static int check_answers(const struct settings *point, struct err *err)
{
    static const size_t rows[] = { POINT_ANSWER, POINT_REFUSED };
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = settings_text(point, rows[i]);
        if (text != NULL && !settings_has(point, POINT_SEND)) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, rows[i]),
                          "add 'send: T={value}\\r\\n', or take it out", "'%s' without 'send'",
                          point->options[rows[i]].key);
        }
        if (text != NULL) {
            error = tcp_match_check(text, false, point->options[rows[i]].key,
                                    settings_at(point, rows[i]), err);
        }
    }
    if (error == 0 && settings_has(point, POINT_REFUSED) && !settings_has(point, POINT_ANSWER)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_REFUSED),
                      "add 'answer: ^OK', what it answers when it took the value",
                      "'refused' without 'answer'");
    }
    return error;
}

/* What goes with connections that we make only. */
static int check_link(const struct settings *device, const struct settings *point, struct err *err)
{
    static const size_t rows[] = { POINT_ASK, POINT_ANSWER, POINT_REFUSED };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (settings_has(point, rows[i]) && !settings_has(device, DEVICE_CONNECT)) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, rows[i]),
                          "take it out, or let busbar connect to the device ('connect')",
                          "'%s' is for devices that busbar connects to",
                          point->options[rows[i]].key);
        }
    }
    return 0;
}

int tcp_point_resolve(const struct setup *setup, const struct settings *device,
                      const struct settings *point, struct tcp_address *address,
                      struct point_facts *facts, struct err *err)
{
    const struct payload_schemas *schemas = (const struct payload_schemas *)setup->prepared;
    *address = (struct tcp_address){ 0 };
    int error = payload_point_read(point, device, schemas, &address->rule, facts, err);
    error = error == 0 ? check_texts(point, err) : error;
    error = error == 0 ? check_answers(point, err) : error;
    error = error == 0 ? check_link(device, point, err) : error;
    if (error != 0) {
        return error;
    }
    address->ask = keep(point, POINT_ASK, facts->arena);
    address->send = keep(point, POINT_SEND, facts->arena);
    address->answer = keep(point, POINT_ANSWER, facts->arena);
    address->refused = keep(point, POINT_REFUSED, facts->arena);
    bool rule = address->rule.kind != PAYLOAD_POINT_ROWS;
    if (!rule && (address->send == NULL || address->ask != NULL)) {
        return err_at(err, BUSBAR_ECONFIG, point->at,
                      "add where its value stands: match: '^T=(.*)$', json: $.t, csv: 2",
                      "the point does not say what to take out of a message");
    }
    facts->readable = rule;
    facts->pushed = rule && address->ask == NULL;
    facts->writable = address->send != NULL;
    facts->unwritable = "add 'send: T={value}\\r\\n', what it is told to write it";
    return 0;
}

void tcp_point_rule(const struct tcp_address *address, struct buf *out)
{
    if (address->rule.kind != PAYLOAD_POINT_ROWS) {
        (void)buf_printf(out, "%s %s", payload_point_options[address->rule.kind].key,
                         address->rule.expression);
    }
}

void tcp_point_print(const struct tcp_address *address, struct buf *out)
{
    tcp_point_rule(address, out);
    if (address->ask != NULL) {
        (void)buf_printf(out, " asked by %s", address->ask);
    }
    if (address->send != NULL) {
        (void)buf_printf(out, "%swritten by %s", out->size > 0 ? ", " : "", address->send);
    }
}
