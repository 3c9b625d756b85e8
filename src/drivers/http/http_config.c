/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol, connectors and devices; points and events: http_config_point.c. */
#include "drivers/http/http_config.h"

#include <string.h>

#include "base/str.h"
#include "drivers/http/http_options.h"

enum { DEFAULT_PORT = 56789 };

/* ---- the protocol ---- */

static int read_listen(const struct settings *settings, const char *text, struct http_setup *out,
                       struct err *err)
{
    char one[ADDRESS_TEXT_MAX];
    while (*text != '\0') {
        size_t size = strcspn(text, ", ");
        struct err reason = { 0 };
        if (size == 0) {
            text++;
            continue;
        }
        str_format(one, sizeof(one), "%.*s", (int)size, text);
        text += size;
        if (out->listen_count == HTTP_LISTEN_MAX) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(settings, SETUP_LISTEN),
                          "listen on 0.0.0.0:56789 for all of this machine",
                          "more than %d addresses to listen on", HTTP_LISTEN_MAX);
        }
        struct address *address = &out->listen[out->listen_count++];
        if (address_parse(one, DEFAULT_PORT, address, &reason) != 0 ||
            !address_is_ip(address->host)) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(settings, SETUP_LISTEN),
                          "127.0.0.1:56789 for this machine only, 0.0.0.0:56789 for all networks",
                          "'%s' is no numeric address to listen on", one);
        }
    }
    return 0;
}

static bool beyond_loopback(const struct http_setup *setup)
{
    for (size_t i = 0; i < setup->listen_count; i++) {
        if (!address_is_loopback(setup->listen[i].host)) {
            return true;
        }
    }
    return false;
}

int http_config_setup(const struct setup *setup, struct http_setup *out, struct err *err)
{
    const struct settings *settings = &setup->settings;
    *out = (struct http_setup){
        .certificate = settings_text(settings, SETUP_CERTIFICATE),
        .key = settings_text(settings, SETUP_KEY),
        .client_ca = settings_text(settings, SETUP_CLIENT_CA),
        .schemas = settings_text(settings, SETUP_SCHEMAS),
        .plain = settings_int(settings, SETUP_PLAIN) == 1,
        .connections_max = (unsigned)settings_int(settings, SETUP_CONNECTIONS),
        .per_source = (unsigned)settings_int(settings, SETUP_PER_SOURCE),
    };
    if ((out->certificate != NULL) != (out->key != NULL)) {
        size_t row = out->certificate != NULL ? SETUP_CERTIFICATE : SETUP_KEY;
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, row),
                      "set both, or neither: then the gateway's own certificate is used",
                      "'certificate' and 'key' go together");
    }
    return read_listen(settings, settings_text(settings, SETUP_LISTEN), out, err);
}

static void warn_plain(const struct setup *setup, const struct http_setup *own, struct err *err)
{
    if (own->plain && beyond_loopback(own) && err != NULL && err->message[0] == '\0') {
        (void)err_at(
            err, 0, settings_at(&setup->settings, SETUP_PLAIN),
            "take 'plain: allow' out: then TLS is used, with the gateway's own certificate",
            "without TLS others on the network can read the keys of connectors");
    }
}

int http_config_check_setup(const struct setup *setup, struct err *err)
{
    struct http_setup own;
    struct http_connector_config connector;
    int error = http_config_setup(setup, &own, err);
    for (size_t i = 0; error == 0 && i < setup->part_count; i++) {
        error = http_config_connector(&setup->parts[i], &connector, err);
    }
    if (error == 0) {
        warn_plain(setup, &own, err);
    }
    return error;
}

const char *http_config_schemas(const struct setup *setup)
{
    return setup != NULL && setup->given ? settings_text(&setup->settings, SETUP_SCHEMAS) : NULL;
}

/* ---- a connector ---- */

int http_config_connector(const struct setup_part *part, struct http_connector_config *out,
                          struct err *err)
{
    const struct settings *settings = &part->settings;
    const char *allow = settings_text(settings, CONNECTOR_ALLOW);
    *out = (struct http_connector_config){
        .key = settings_text(settings, CONNECTOR_KEY),
        .open = settings_bool(settings, CONNECTOR_OPEN),
        .query_key = settings_bool(settings, CONNECTOR_QUERY_KEY),
        .rate = (unsigned)settings_int(settings, CONNECTOR_RATE),
        .certificate_names = settings_text(settings, CONNECTOR_CERTIFICATE_NAMES),
    };
    if (out->open && allow == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, CONNECTOR_OPEN),
                      "add allow: 10.0.7.0/24, or take 'open' out and make a key",
                      "a connector without a key needs 'allow'");
    }
    int error = allow_parse(allow != NULL ? allow : "any", "allow",
                            settings_at(settings, CONNECTOR_ALLOW), &out->allow, err);
    if (error == 0 && out->query_key && err != NULL && err->message[0] == '\0') {
        (void)err_at(err, 0, settings_at(settings, CONNECTOR_QUERY_KEY),
                     "use the header X-Api-Key where the device can",
                     "connector '%s': keys in URLs stand in the logs of whatever is in between",
                     part->name);
    }
    return error;
}

/* ---- a device ---- */

bool http_id_is_fine(const char *id)
{
    size_t size = strlen(id);
    return size > 0 && size <= HTTP_ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:@") ==
               size;
}

static int unknown_connector(const struct setup *setup, const struct settings *device,
                             const char *name, struct err *err)
{
    const char *names[SETUP_PARTS_MAX];
    char hint[ERR_HINT_MAX];
    for (size_t i = 0; i < setup->part_count; i++) {
        names[i] = setup->parts[i].name;
    }
    const char *nearest = str_nearest(name, names, setup->part_count);
    str_format(hint, sizeof(hint),
               nearest != NULL ? "did you mean '%s'?"
                               : "define it: connectors: { %s: {} }, then busbar connector key add",
               nearest != NULL ? nearest : name);
    return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_CONNECTOR), hint,
                  "there is no connector '%.80s'", name);
}

/* Exactly one of them says which kind of device it is. */
static int read_kind(const struct setup *setup, const struct settings *device,
                     struct http_device_config *out, struct err *err)
{
    if (out->connector != NULL && out->url != NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_URL),
                      "keep 'connector' for a device that posts, 'url' for one that is asked",
                      "both 'connector' and 'url' are set");
    }
    if (out->connector == NULL && out->url == NULL && setup != NULL && setup->part_count == 1) {
        out->connector = setup->parts[0].name;
    }
    if (out->connector == NULL && out->url == NULL) {
        return setup == NULL
                   ? 0
                   : err_at(err, BUSBAR_ECONFIG, device->at,
                            "connector: NAME where it posts, url: \"http://10.0.0.9/status\" "
                            "where it is asked",
                            "does this device post, or is it asked?");
    }
    if (out->connector != NULL && setup != NULL && setup_part(setup, out->connector) == NULL) {
        return unknown_connector(setup, device, out->connector, err);
    }
    for (size_t row = DEVICE_METHOD; out->url == NULL && row < DEVICE_ROWS; row++) {
        bool of_writes = row >= DEVICE_HEADER; /* a device that posts may be written to */
        if (settings_has(device, row) && !of_writes) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, row),
                          "take it out; it says how a device with 'url' is asked",
                          "a device that posts has no '%s'", device->options[row].key);
        }
    }
    return 0;
}

static int check_login(const struct settings *device, const struct http_device_config *config,
                       struct err *err)
{
    if ((config->user != NULL) != (config->password != NULL)) {
        size_t row = config->user != NULL ? DEVICE_USER : DEVICE_PASSWORD;
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, row),
                      "user: NAME with password: !secret NAME",
                      "'user' and 'password' go together");
    }
    if (config->token != NULL && config->user != NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_TOKEN), "keep one of them",
                      "both a token and a user are set");
    }
    if (config->key != NULL && config->certificate == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_KEY),
                      "add 'certificate: FILE'", "'key' without 'certificate'");
    }
    const char *colon = config->header != NULL ? strchr(config->header, ':') : NULL;
    if (config->header != NULL &&
        (colon == NULL || colon == config->header || strpbrk(config->header, "\r\n") != NULL)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_HEADER),
                      "request_header: \"X-Site: hq\"", "'%.80s' is no header", config->header);
    }
    return 0;
}

static int check_url(const struct settings *device, const struct http_device_config *config,
                     struct err *err)
{
    char host[ADDRESS_TEXT_MAX];
    struct err reason = { 0 };
    struct address address = { 0 };
    if (http_url_check(config->url, host, sizeof(host), &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_URL), reason.hint, "%s",
                      reason.message);
    }
    bool secret = config->password != NULL || config->token != NULL;
    bool near = address_parse(host, 80, &address, NULL) == 0 && address_is_loopback(address.host);
    if (err == NULL || err->message[0] != '\0') {
        return 0;
    }
    if (!config->verify) {
        (void)err_at(err, 0, settings_at(device, DEVICE_VERIFY), "name its authority with ca: FILE",
                     "the certificate of %s is not looked at: somebody else may answer", host);
    } else if (secret && !near && str_starts(config->url, "http:")) {
        (void)err_at(err, 0, settings_at(device, DEVICE_URL),
                     "use https:// where the device has it",
                     "the login at %s can be read by others on the network", host);
    }
    return 0;
}

int http_config_read(const struct setup *setup, const struct settings *device,
                     struct http_device_config *out, struct err *err)
{
    *out = (struct http_device_config){
        .connector = settings_text(device, DEVICE_CONNECTOR),
        .id = settings_text(device, PAYLOAD_DEVICE_ID),
        .url = settings_text(device, DEVICE_URL),
        .method = (int)settings_int(device, DEVICE_METHOD),
        .body = settings_text(device, DEVICE_BODY),
        .header = settings_text(device, DEVICE_HEADER),
        .user = settings_text(device, DEVICE_USER),
        .password = settings_text(device, DEVICE_PASSWORD),
        .token = settings_text(device, DEVICE_TOKEN),
        .ca = settings_text(device, DEVICE_CA),
        .certificate = settings_text(device, DEVICE_CERTIFICATE),
        .key = settings_text(device, DEVICE_KEY),
        .verify = settings_bool(device, DEVICE_VERIFY),
        .redirects = (unsigned)settings_int(device, DEVICE_REDIRECTS),
    };
    int login = (int)settings_int(device, DEVICE_LOGIN);
    out->login = out->token != NULL  ? HTTP_LOGIN_BEARER
                 : out->user == NULL ? HTTP_LOGIN_NONE
                 : login == 0        ? HTTP_LOGIN_BASIC
                                     : HTTP_LOGIN_DIGEST;
    int error = read_kind(setup, device, out, err);
    error = error == 0 ? check_login(device, out, err) : error;
    return error == 0 && out->url != NULL ? check_url(device, out, err) : error;
}
