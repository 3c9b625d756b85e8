/* SPDX-License-Identifier: Apache-2.0 */
#include "server/guard.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "net/address.h"

/* Any port will do where none is written: only the name decides. */
enum { PORT_WHEN_NONE = 80 };

bool server_guard_host(const char *host, const char *listen)
{
    struct address address;
    if (host == NULL || address_parse(host, PORT_WHEN_NONE, &address, NULL) != 0) {
        return false;
    }
    if (strcasecmp(address.host, "localhost") == 0) {
        return true;
    }
    struct endpoint asked, ours;
    if (endpoint_parse(address.host, 0, &asked) != 0 || endpoint_parse(listen, 0, &ours) != 0) {
        return false;
    }
    bool any = str_equal(listen, "0.0.0.0") || str_equal(listen, "::");
    return any || endpoint_equal(&asked, &ours);
}

bool server_guard_origin(const char *origin, const char *fetch_site, const char *host)
{
    if (fetch_site != NULL && strcasecmp(fetch_site, "cross-site") == 0) {
        return false;
    }
    if (origin == NULL) {
        return true;
    }
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t size = strlen(schemes[i]);
        if (strncasecmp(origin, schemes[i], size) == 0) {
            return host != NULL && strcasecmp(origin + size, host) == 0;
        }
    }
    return false;
}

static bool is_type(const char *content_type, const char *type)
{
    size_t size = strlen(type);
    if (content_type == NULL || strncasecmp(content_type, type, size) != 0) {
        return false;
    }
    const char *rest = content_type + size;
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

bool server_guard_json(const char *content_type)
{
    return is_type(content_type, "application/json");
}

bool server_guard_form(const char *content_type)
{
    return is_type(content_type, "application/x-www-form-urlencoded");
}
