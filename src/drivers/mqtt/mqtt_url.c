/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_url.h"

#include <string.h>

#include "base/str.h"

#define DEFAULT_PATH "/mqtt"

static const struct scheme {
    const char *word;
    bool tls, websocket;
    uint16_t port;
} schemes[] = {
    { "mqtt", false, false, 1883 }, { "mqtts", true, false, 8883 }, { "ws", false, true, 80 },
    { "wss", true, true, 443 },     { "tcp", false, false, 1883 },  { "ssl", true, false, 8883 },
    { "tls", true, false, 8883 },
};
enum { SCHEMES = sizeof(schemes) / sizeof(schemes[0]) };

static const struct scheme *find_scheme(const char *text, size_t size)
{
    for (size_t i = 0; i < SCHEMES; i++) {
        if (strlen(schemes[i].word) == size && memcmp(schemes[i].word, text, size) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

static int refuse(struct err *err, const char *text, const char *why)
{
    err_set(err, BUSBAR_EINVAL, "'%.120s' is no URL of a broker: %s", text, why);
    err_hint(err, "mqtt://10.0.5.1, mqtts://mq.example.org:8883, wss://mq.example.org/mqtt");
    return BUSBAR_EINVAL;
}

int mqtt_url_parse(const char *text, struct mqtt_url *out, struct err *err)
{
    char place[ADDRESS_TEXT_MAX];
    struct err reason = { 0 };
    const char *mark = strstr(text, "://");
    const struct scheme *scheme = mark != NULL ? find_scheme(text, (size_t)(mark - text))
                                               : &schemes[0];
    const char *host = mark != NULL ? mark + 3 : text;
    size_t size = strcspn(host, "/?#");
    const char *path = host + size;
    if (scheme == NULL) {
        return refuse(err, text, "it must begin with mqtt://, mqtts://, ws:// or wss://");
    }
    if (memchr(host, '@', size) != NULL) {
        return refuse(err, text,
                      "user and password do not belong in it: use 'user' and 'password'");
    }
    if (size >= sizeof(place)) {
        return refuse(err, text, "it is too long");
    }
    str_format(place, sizeof(place), "%.*s", (int)size, host);
    *out = (struct mqtt_url){ .tls = scheme->tls, .websocket = scheme->websocket };
    if (address_parse(place, scheme->port, &out->host, &reason) != 0) {
        return refuse(err, text, reason.message);
    }
    if (!scheme->websocket && path[0] != '\0' && strcmp(path, "/") != 0) {
        return refuse(err, text, "only ws:// and wss:// have a path");
    }
    if (scheme->websocket) {
        const char *shown = path[0] == '\0' ? DEFAULT_PATH : path;
        if (shown[0] != '/' || strpbrk(shown, " #\t\r\n") != NULL ||
            !str_copy(out->path, sizeof(out->path), shown)) {
            return refuse(err, text, "its path is wrong");
        }
    }
    return 0;
}

void mqtt_url_print(const struct mqtt_url *url, struct buf *out)
{
    const struct scheme *scheme = schemes;
    char place[ADDRESS_TEXT_MAX];
    while (scheme->tls != url->tls || scheme->websocket != url->websocket) {
        scheme++;
    }
    address_format(place, sizeof(place), &url->host);
    (void)buf_printf(out, "%s://%s%s", scheme->word, place, url->path);
}
