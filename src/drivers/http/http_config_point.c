/* SPDX-License-Identifier: Apache-2.0 */
/* See http_config.h: points and events. */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "drivers/http/http_config.h"
#include "drivers/http/http_options.h"
#include "payload/program.h"
#include "payload/template.h"

enum { URL_MAX = 4096 };

static const char *const send_methods[] = { "POST", "PUT", "PATCH", "GET" };
enum { SEND_GET = 3 };

const char *http_send_method(uint8_t method)
{
    return send_methods[method];
}

static const struct payload_schemas *schemas_of(const struct setup *setup)
{
    return setup != NULL ? (const struct payload_schemas *)setup->prepared : NULL;
}

/* A URL of the point, made whole by that of the device; kept where there is an arena. */
static int whole_url(const struct settings *device, const struct settings *point, size_t row,
                     struct arena *arena, const char **out, struct err *err)
{
    char whole[URL_MAX];
    struct err reason = { 0 };
    const char *base = settings_text(device, DEVICE_URL);
    const char *text = settings_text(point, row);
    bool is_whole = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
    if (!is_whole && base == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, row),
                      "write all of it: http://10.0.0.9/api/limit",
                      "'%.120s' begins with no host, and the device has no 'url'", text);
    }
    /* Words in braces are filled in later: they are no good characters of a URL as they stand. */
    if (is_whole || strpbrk(text, "{}") != NULL) {
        bool joined = is_whole;
        if (!is_whole) {
            const char *host = strstr(base, "://") + 3;
            int before = (int)(host - base) + (int)strcspn(host, "/?#");
            joined = text[0] == '/' && (size_t)before + strlen(text) < sizeof(whole);
            str_format(whole, sizeof(whole), "%.*s%s", before, base, text);
        } else {
            joined = strlen(text) < sizeof(whole);
            memcpy(whole, text, joined ? strlen(text) + 1 : 0);
        }
        if (!joined) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, row), "/api/limit?v={value}",
                          "'%.120s' must begin with /", text);
        }
    } else if (!http_url_join(base, text, whole, sizeof(whole))) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, row), "/api/limit",
                      "'%.120s' is no URL beside '%.120s'", text, base);
    }
    if (strpbrk(whole, "{}") == NULL && http_url_check(whole, NULL, 0, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, row), reason.hint, "%s",
                      reason.message);
    }
    *out = arena != NULL ? arena_strdup(arena, whole) : text;
    return *out != NULL ? 0 : BUSBAR_ENOMEM;
}

static int read_send(const struct settings *device, const struct settings *point,
                     struct http_address *out, struct arena *arena, struct err *err)
{
    struct err reason = { 0 };
    bool has_url = settings_has(point, POINT_SEND_URL);
    int error = 0;
    out->send = settings_text(point, POINT_SEND);
    out->send_method = (uint8_t)settings_int(point, POINT_SEND_METHOD);
    if (out->send == NULL && !has_url) {
        return settings_has(point, POINT_SEND_METHOD)
                   ? err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_SEND_METHOD),
                            "add send: '{\"limit\": {value}}'", "'send_method' without 'send'")
                   : 0;
    }
    if (out->send_method == SEND_GET && out->send != NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_SEND),
                      "put the value into send_url: /set?limit={value}",
                      "a GET has nothing to send but its URL");
    }
    if (out->send != NULL && payload_template_check(out->send, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_SEND), reason.hint, "%s",
                      reason.message);
    }
    if (has_url) {
        if (payload_template_check(settings_text(point, POINT_SEND_URL), &reason) != 0) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_SEND_URL), reason.hint,
                          "%s", reason.message);
        }
        error = whole_url(device, point, POINT_SEND_URL, arena, &out->send_url, err);
    } else if (out->url != NULL) {
        out->send_url = out->url;
    } else {
        out->send_url = settings_text(device, DEVICE_URL);
    }
    if (error == 0 && out->send_url == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_SEND),
                      "add send_url: http://10.0.0.9/api/limit",
                      "where is it sent to? The device has no 'url'");
    }
    return error;
}

/* Into the arena, where there is one. */
static int keep(const char **text, struct arena *arena)
{
    if (arena != NULL && *text != NULL) {
        *text = arena_strdup(arena, *text);
        return *text != NULL ? 0 : BUSBAR_ENOMEM;
    }
    return 0;
}

int http_config_point(const struct setup *setup, const struct settings *device,
                      const struct settings *point, struct http_address *out,
                      struct point_facts *facts, struct err *err)
{
    bool asked = settings_text(device, DEVICE_URL) != NULL;
    *out = (struct http_address){ 0 };
    int error = payload_point_read(point, device, schemas_of(setup), &out->payload, facts, err);
    bool read = error == 0 && out->payload.kind != PAYLOAD_POINT_ROWS;
    if (error == 0 && settings_has(point, POINT_URL)) {
        if (!asked) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_URL),
                          "take it out, or give the device a 'url'",
                          "a device that posts is not asked");
        }
        error = whole_url(device, point, POINT_URL, facts->arena, &out->url, err);
    }
    error = error == 0 ? read_send(device, point, out, facts->arena, err) : error;
    if (error != 0) {
        return error;
    }
    if (!read && out->send_url == NULL) {
        return err_at(err, BUSBAR_ECONFIG, point->at,
                      "json: $.power, xml: /a/b, match: 'P=(.*)', csv: 2, key: temp ...; "
                      "docs/payload.md has them all",
                      "where in the message is its value?");
    }
    out->value_type = facts->value_type;
    facts->pushed = !asked;
    facts->readable = read;
    facts->writable = out->send_url != NULL;
    facts->unwritable = "add 'send:' to the point, what a write sends";
    return keep(&out->send, facts->arena) == 0 &&
                   (out->send_url == out->url || keep(&out->send_url, facts->arena) == 0)
               ? 0
               : err_set(err, BUSBAR_ENOMEM, "no memory for a point");
}

int http_config_event(const struct setup *setup, const struct settings *device,
                      const struct settings *event, struct err *err)
{
    if (settings_text(device, DEVICE_URL) != NULL) {
        return err_at(err, BUSBAR_ECONFIG, event->at, "make a point of it",
                      "a device that is asked tells no events");
    }
    return payload_event_check(device, event, schemas_of(setup), err);
}
