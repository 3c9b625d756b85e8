/* SPDX-License-Identifier: Apache-2.0 */
/* See opcua_config.h: the settings of a device. */
#include "drivers/opcua/opcua_config.h"

#include <string.h>

#include "base/str.h"
#include "drivers/opcua/data/event.h"
#include "net/address.h"

#define SCHEME "opc.tcp://"

/* ---- endpoint URLs ---- */

static int normal_url(const char *text, char *to, size_t size, struct err *err)
{
    struct opcua_url url;
    struct buf out;
    int error = opcua_url_parse(text, OPCUA_PORT, &url, err);
    if (error != 0) {
        return error;
    }
    buf_init(&out, OPCUA_URL_MAX + ADDRESS_TEXT_MAX);
    opcua_url_print(&url, &out);
    if (!str_copy(to, size, buf_text(&out))) {
        error = err_set(err, BUSBAR_EINVAL, "the URL is too long");
    }
    buf_fini(&out);
    return error;
}

static int add_url(const struct settings *device, size_t option, const char *text,
                   struct opcua_config *out, struct err *err)
{
    struct err reason = { 0 };
    if (out->url_count == OPCUA_URLS_MAX) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, option), "take some out",
                      "more than %d endpoints of one server", OPCUA_URLS_MAX);
    }
    char *to = out->urls[out->url_count];
    if (normal_url(text, to, OPCUA_URL_TEXT_MAX, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, option), reason.hint, "%s",
                      reason.message);
    }
    for (size_t i = 0; i < out->url_count; i++) {
        if (strcmp(out->urls[i], to) == 0) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, option), "take it out",
                          "'%s' is there twice", to);
        }
    }
    out->url_count++;
    return 0;
}

static int read_urls(const struct settings *device, struct opcua_config *out, struct err *err)
{
    const char *url = settings_text(device, DEVICE_URL);
    const char *rest = settings_text(device, DEVICE_REDUNDANT);
    if (url == NULL) {
        return err_at(err, BUSBAR_ECONFIG, device->at,
                      "add url: \"opc.tcp://10.0.3.5:48250\"; 'busbar discover opcua HOST' finds "
                      "servers",
                      "an OPC UA device needs the URL of its server");
    }
    int error = add_url(device, DEVICE_URL, url, out, err);
    while (error == 0 && rest != NULL && *rest != '\0') {
        char one[OPCUA_URL_TEXT_MAX];
        size_t length = strcspn(rest, ",");
        str_format(one, sizeof(one), "%.*s", (int)length, rest);
        const char *trimmed = str_trim(one);
        if (*trimmed != '\0') {
            error = add_url(device, DEVICE_REDUNDANT, trimmed, out, err);
        }
        rest += length + (rest[length] == ',' ? 1 : 0);
    }
    return error;
}

/* ---- security and user ---- */

static int read_security(const struct settings *device, struct opcua_config *out, struct err *err)
{
    struct err reason = { 0 };
    if (opcua_security_parse(settings_text(device, DEVICE_SECURITY), &out->automatic, &out->mode,
                             &out->policy, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_SECURITY), reason.hint, "%s",
                      reason.message);
    }
    return 0;
}

static int read_user(const struct settings *device, struct opcua_config *out, struct err *err)
{
    out->user = settings_text(device, DEVICE_USER);
    out->password_secret = settings_text(device, DEVICE_PASSWORD);
    out->clear_password = settings_bool(device, DEVICE_CLEAR_PASSWORD);
    out->certificate = settings_text(device, DEVICE_CERTIFICATE);
    out->key = settings_text(device, DEVICE_KEY);
    if (out->password_secret != NULL && out->user == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_PASSWORD),
                      "add 'user: NAME', or take 'password' out", "'password' without 'user'");
    }
    if ((out->certificate == NULL) != (out->key == NULL)) {
        bool key = out->certificate == NULL;
        return err_at(err, BUSBAR_ECONFIG,
                      settings_at(device, key ? DEVICE_KEY : DEVICE_CERTIFICATE),
                      key ? "add 'certificate: FILE'" : "add 'key: FILE'",
                      "a user is known by certificate and key together");
    }
    if (out->certificate != NULL && out->user != NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_CERTIFICATE),
                      "keep either 'user' or 'certificate' and 'key'",
                      "a user by name and one by certificate at once");
    }
    if (out->clear_password && out->password_secret == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_CLEAR_PASSWORD),
                      "take it out", "'password_in_clear' without a password");
    }
    return 0;
}

/* ---- the rest ---- */

static int read_times(const struct settings *device, struct opcua_config *out, struct err *err)
{
    out->timeout_us = settings_int(device, DEVICE_TIMEOUT);
    out->session_timeout_us = settings_int(device, DEVICE_SESSION_TIMEOUT);
    out->keep_alive_us = settings_int(device, DEVICE_KEEP_ALIVE);
    out->publishing_us = settings_int(device, DEVICE_PUBLISHING);
    out->check_us = settings_int(device, DEVICE_CHECK_EVERY);
    if (out->keep_alive_us >= out->session_timeout_us) {
        char longest[32];
        str_format_duration(longest, sizeof(longest), out->session_timeout_us);
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_KEEP_ALIVE),
                      "write a shorter one, a third of it or less",
                      "with this 'keep_alive' the server ends the session after %s of silence "
                      "before it is asked",
                      longest);
    }
    return 0;
}

static int check_alarm_fields(const struct settings *device, const char *text, struct err *err)
{
    struct arena arena;
    struct opcua_event_more more;
    struct err reason = { 0 };
    arena_init(&arena, 0);
    int error = opcua_event_more_parse(text, &arena, &more, &reason);
    arena_fini(&arena);
    return error == 0 ? 0
                      : err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_ALARM_FIELDS),
                               reason.hint, "%s", reason.message);
}

static int read_alarms(const struct settings *device, struct opcua_config *out, struct err *err)
{
    static const enum opcua_device_option rows[] = { DEVICE_ALARM_SOURCE, DEVICE_ALARM_SEVERITY,
                                                     DEVICE_ALARM_FIELDS };
    out->alarms = (uint8_t)settings_int(device, DEVICE_ALARMS);
    out->alarm_source = settings_text(device, DEVICE_ALARM_SOURCE);
    out->alarm_severity = (uint16_t)settings_int(device, DEVICE_ALARM_SEVERITY);
    out->alarm_fields = settings_text(device, DEVICE_ALARM_FIELDS);
    for (size_t i = 0; out->alarms == OPCUA_ALARMS_OFF && i < sizeof(rows) / sizeof(*rows); i++) {
        if (settings_has(device, rows[i])) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, rows[i]),
                          "add 'alarms: conditions' or 'alarms: all', or leave it out",
                          "'%s' without 'alarms'", device->options[rows[i]].key);
        }
    }
    if (out->alarm_source != NULL) {
        struct arena arena;
        struct opcua_id id;
        struct err reason = { 0 };
        arena_init(&arena, 0);
        int error = opcua_id_parse(out->alarm_source, &arena, NULL, &id, &reason);
        arena_fini(&arena);
        if (error != 0) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_ALARM_SOURCE),
                          reason.hint, "'%.80s' is no node: %s", out->alarm_source, reason.message);
        }
    }
    return check_alarm_fields(device, out->alarm_fields, err);
}

int opcua_config_read(const struct settings *device, struct opcua_config *out, struct err *err)
{
    *out = (struct opcua_config){
        .server_name = settings_text(device, DEVICE_SERVER_NAME),
        .locale = settings_text(device, DEVICE_LOCALE),
        .force_polling = settings_bool(device, DEVICE_FORCE_POLLING),
    };
    int error = read_urls(device, out, err);
    error = error == 0 ? read_security(device, out, err) : error;
    error = error == 0 ? read_user(device, out, err) : error;
    error = error == 0 ? read_times(device, out, err) : error;
    error = error == 0 ? read_alarms(device, out, err) : error;
    return error;
}
