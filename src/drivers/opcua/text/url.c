/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static const char how[] = "write it as opc.tcp://10.0.3.5:48250/path; IPv6 as opc.tcp://[fd00::5]";
static const char scheme[] = "opc.tcp://";

static int wrong(struct err *err, const char *text, const char *at, const char *what)
{
    struct position position = { .line = 0, .column = (int)(at - text) + 1 };
    return err_at(err, BUSBAR_EINVAL, position, how, "%s, at character %d of the URL", what,
                  position.column);
}

/* Behind "opc.tcp://", or the whole where there is no scheme. NULL: another scheme. */
static const char *skip_scheme(const char *text)
{
    if (strncasecmp(text, scheme, strlen(scheme)) == 0) {
        return text + strlen(scheme);
    }
    return strstr(text, "://") == NULL ? text : NULL;
}

static bool host_char(char c, bool v6)
{
    if (v6) {
        return isxdigit((unsigned char)c) || c == ':' || c == '.';
    }
    return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '_' || (c & 0x80) != 0;
}

/* A zone ("%eth0") may follow an IPv6 address. */
static const char *bad_host_char(const char *host, size_t size, bool v6)
{
    bool zone = false;
    for (size_t i = 0; i < size; i++) {
        zone = zone || (v6 && host[i] == '%' && i > 0);
        bool fine = zone ? host[i] == '%' || host_char(host[i], false) : host_char(host[i], v6);
        if (!fine) {
            return host + i;
        }
    }
    return NULL;
}

/* *rest: behind the host. */
static int parse_host(const char *text, const char *at, struct opcua_url *out, const char **rest,
                      struct err *err)
{
    bool v6 = *at == '[';
    const char *host = v6 ? at + 1 : at;
    size_t size = strcspn(host, v6 ? "]" : ":/");
    if (v6 && host[size] != ']') {
        return wrong(err, text, at, "']' is missing");
    }
    if (size == 0) {
        return wrong(err, text, host, "the host is missing");
    }
    if (v6 && memchr(host, ':', size) == NULL) {
        return wrong(err, text, at, "an IPv6 address stands in brackets, nothing else");
    }
    if (memchr(host, '@', size) != NULL) {
        return wrong(err, text, at, "a user does not belong into the URL but into 'user:'");
    }
    if (size > OPCUA_HOST_MAX) {
        return wrong(err, text, at, "the host is longer than 255 bytes");
    }
    const char *bad = bad_host_char(host, size, v6);
    if (bad != NULL || !str_is_utf8(host, size)) {
        return wrong(err, text, bad != NULL ? bad : host, "this does not belong into a host");
    }
    memcpy(out->host, host, size);
    out->host[size] = '\0';
    *rest = host + size + (v6 ? 1 : 0);
    if (!v6 && **rest == ':' && strchr(*rest + 1, ':') != NULL &&
        strchr(*rest + 1, ':') < *rest + 1 + strcspn(*rest + 1, "/")) {
        return wrong(err, text, at, "an IPv6 address stands in brackets");
    }
    return 0;
}

static int parse_port(const char *text, const char *at, struct opcua_url *out, const char **rest,
                      struct err *err)
{
    uint32_t port = 0;
    const char *digit = at;
    for (; isdigit((unsigned char)*digit) && port <= UINT16_MAX; digit++) {
        port = port * 10 + (uint32_t)(*digit - '0');
    }
    if (digit == at || port == 0 || port > UINT16_MAX) {
        return wrong(err, text, at, "a port is a number from 1 to 65535");
    }
    out->port = (uint16_t)port;
    *rest = digit;
    return 0;
}

int opcua_url_parse(const char *text, uint16_t default_port, struct opcua_url *out, struct err *err)
{
    struct opcua_url url = { .port = default_port };
    if (strlen(text) > OPCUA_URL_MAX) {
        err_set(err, BUSBAR_ELIMIT, "the URL is longer than 1024 bytes");
        err_hint(err, "%s", how);
        return BUSBAR_ELIMIT;
    }
    const char *at = skip_scheme(text);
    if (at == NULL) {
        return wrong(err, text, text, "busbar speaks OPC UA over 'opc.tcp://' only");
    }
    int error = parse_host(text, at, &url, &at, err);
    if (error == 0 && *at == ':') {
        error = parse_port(text, at + 1, &url, &at, err);
    }
    if (error != 0) {
        return error;
    }
    if (*at != '\0' && *at != '/') {
        return wrong(err, text, at, "'/' or ':' and a port follow the host");
    }
    for (const char *c = at; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f) {
            return wrong(err, text, c, "there is a space or control character");
        }
    }
    url.path = strcmp(at, "/") == 0 ? "" : at;
    *out = url;
    return 0;
}

void opcua_url_print(const struct opcua_url *url, struct buf *out)
{
    bool v6 = strchr(url->host, ':') != NULL;
    buf_printf(out, "%s%s%s%s:%u%s", scheme, v6 ? "[" : "", url->host, v6 ? "]" : "", url->port,
               url->path);
}
