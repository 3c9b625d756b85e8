/* SPDX-License-Identifier: Apache-2.0 */
/* The port is what stands behind the last colon, unless there are more colons and no brackets: a bare v6 address. */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int parse_port(const char *text, uint16_t *port, struct err *err)
{
    uint64_t value;
    bool digits = text[0] >= '0' && text[0] <= '9' && text[1] != 'x' && text[1] != 'X';
    if (!digits || str_parse_u64(text, &value) != 0 || value == 0 || value > UINT16_MAX) {
        return err_set(err, BUSBAR_EINVAL, "'%s' is not a port (1 to 65535)", text);
    }
    *port = (uint16_t)value;
    return 0;
}

/* Letters, digits and what names and zones may hold; keeps white space and slashes out. */
static bool is_host(const char *host)
{
    return host[0] != '\0' &&
           host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                             "0123456789.-_:%")] == '\0';
}

int address_parse(const char *text, uint16_t default_port, struct address *out, struct err *err)
{
    struct address address = { .port = default_port };
    const char *port = NULL;
    const char *host_end = text + strlen(text);
    const char *host = text;
    if (text[0] == '[') {
        host = text + 1;
        host_end = strchr(host, ']');
        if (host_end == NULL || (host_end[1] != '\0' && host_end[1] != ':')) {
            return err_set(err, BUSBAR_EINVAL, "'%s' has no closing bracket before its port", text);
        }
        port = host_end[1] == ':' ? host_end + 2 : NULL;
    } else if (strchr(text, ':') != NULL && strchr(text, ':') == strrchr(text, ':')) {
        host_end = strchr(text, ':');
        port = host_end + 1;
    }
    size_t length = (size_t)(host_end - host);
    if (length >= sizeof(address.host)) {
        return err_set(err, BUSBAR_EINVAL, "a host name of more than %zu characters",
                       sizeof(address.host) - 1);
    }
    memcpy(address.host, host, length);
    bool v6 = strchr(address.host, ':') != NULL;
    if (!is_host(address.host) || (v6 && !address_is_ip(address.host)) || (text[0] == '[' && !v6)) {
        return err_set(err, BUSBAR_EINVAL, "'%s' is not a host name or address", text);
    }
    if (port != NULL) {
        int error = parse_port(port, &address.port, err);
        if (error != 0) {
            return error;
        }
    } else if (default_port == 0) {
        return err_set(err, BUSBAR_EINVAL, "'%s' has no port", text);
    }
    *out = address;
    return 0;
}

size_t address_format(char *to, size_t size, const struct address *address)
{
    bool v6 = strchr(address->host, ':') != NULL;
    return str_format(to, size, v6 ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

bool address_is_ip(const char *host)
{
    struct endpoint endpoint;
    return endpoint_parse(host, 0, &endpoint) == 0;
}

bool address_is_loopback(const char *host)
{
    static const uint8_t v6_loopback[16] = { [15] = 1 };
    struct endpoint endpoint;
    if (endpoint_parse(host, 0, &endpoint) != 0) {
        return str_equal(host, "localhost");
    }
    return endpoint.family == 4 ? endpoint.ip[0] == 127 : memcmp(endpoint.ip, v6_loopback, 16) == 0;
}

int endpoint_parse(const char *ip, uint16_t port, struct endpoint *out)
{
    struct endpoint endpoint = { .port = port };
    char bare[INET6_ADDRSTRLEN];
    const char *zone = strchr(ip, '%');
    size_t length = zone != NULL ? (size_t)(zone - ip) : strlen(ip);
    if (length >= sizeof(bare)) {
        return BUSBAR_EINVAL;
    }
    memcpy(bare, ip, length);
    bare[length] = '\0';
    if (zone == NULL && inet_pton(AF_INET, bare, endpoint.ip) == 1) {
        endpoint.family = 4;
    } else if (inet_pton(AF_INET6, bare, endpoint.ip) == 1) {
        endpoint.family = 6;
    } else {
        return BUSBAR_EINVAL;
    }
    if (zone != NULL) {
        uint64_t number;
        endpoint.scope = if_nametoindex(zone + 1);
        if (endpoint.scope == 0 && str_parse_u64(zone + 1, &number) == 0 && number <= UINT32_MAX) {
            endpoint.scope = (uint32_t)number;
        }
        if (endpoint.scope == 0) {
            return BUSBAR_EINVAL;
        }
    }
    *out = endpoint;
    return 0;
}

size_t endpoint_format(char *to, size_t size, const struct endpoint *endpoint)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    bool v6 = endpoint->family == 6;
    (void)inet_ntop(v6 ? AF_INET6 : AF_INET, endpoint->ip, ip, sizeof(ip));
    if (v6 && endpoint->scope != 0) {
        return str_format(to, size, "[%s%%%u]:%u", ip, endpoint->scope, endpoint->port);
    }
    return str_format(to, size, v6 ? "[%s]:%u" : "%s:%u", ip, endpoint->port);
}

size_t endpoint_format_host(char *to, size_t size, const struct endpoint *endpoint)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    (void)inet_ntop(endpoint->family == 6 ? AF_INET6 : AF_INET, endpoint->ip, ip, sizeof(ip));
    return str_format(to, size, "%s", ip);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, a->family == 6 ? 16 : 4) == 0;
}
