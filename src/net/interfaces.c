/* SPDX-License-Identifier: Apache-2.0 */
/* getifaddrs() tells address, mask and flags; the broadcast address is worked out, as lo has one
 * too that it does not say (127.255.255.255 reaches all sockets bound to it). */
#include "net/interfaces.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/str.h"
#include "net/socket.h"

static uint32_t ip_of(const struct endpoint *endpoint)
{
    const uint8_t *ip = endpoint->ip;
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

static uint32_t mask_of(unsigned prefix)
{
    return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

static void set_ip(struct endpoint *endpoint, uint32_t ip)
{
    *endpoint = (struct endpoint){ .family = 4,
                                   .ip = { (uint8_t)(ip >> 24), (uint8_t)(ip >> 16),
                                           (uint8_t)(ip >> 8), (uint8_t)ip } };
}

static void take(const struct ifaddrs *from, struct interface *to)
{
    struct sockaddr_storage storage = { 0 };
    struct endpoint mask;
    *to = (struct interface){ .up = (from->ifa_flags & IFF_UP) != 0,
                              .loopback = (from->ifa_flags & IFF_LOOPBACK) != 0 };
    (void)str_copy(to->name, sizeof(to->name), from->ifa_name);
    memcpy(&storage, from->ifa_addr, sizeof(struct sockaddr_in));
    socket_to_endpoint(&storage, &to->address);
    memcpy(&storage, from->ifa_netmask, sizeof(struct sockaddr_in));
    storage.ss_family = AF_INET;
    socket_to_endpoint(&storage, &mask);
    while (to->prefix < 32 && (ip_of(&mask) << to->prefix & UINT32_C(0x80000000)) != 0) {
        to->prefix++;
    }
    bool point_to_point = (from->ifa_flags & IFF_POINTOPOINT) != 0;
    if (to->prefix < 31 && !point_to_point) {
        set_ip(&to->broadcast, ip_of(&to->address) | ~mask_of(to->prefix));
    }
}

int interfaces_list(struct interface *list, size_t max)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0) {
        return err_from_errno(errno);
    }
    size_t count = 0;
    for (const struct ifaddrs *at = all; at != NULL && count < max; at = at->ifa_next) {
        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET && at->ifa_netmask != NULL) {
            take(at, &list[count++]);
        }
    }
    freeifaddrs(all);
    return (int)count;
}

bool interfaces_in_subnet(const struct endpoint *address, const struct endpoint *network,
                          unsigned prefix)
{
    return address->family == 4 && ((ip_of(address) ^ ip_of(network)) & mask_of(prefix)) == 0;
}

/* "eth0 10.0.1.5/24, lo 127.0.0.1/8" */
static void hint_all(struct err *err, const struct interface *list, int count)
{
    char text[ERR_HINT_MAX - 32] = "";
    size_t length = 0;
    for (int i = 0; i < count && length < sizeof(text); i++) {
        const uint8_t *ip = list[i].address.ip;
        length += str_format(text + length, sizeof(text) - length, "%s%s %u.%u.%u.%u/%u",
                             i > 0 ? ", " : "", list[i].name, ip[0], ip[1], ip[2], ip[3],
                             list[i].prefix);
    }
    (void)err_hint(err, "the cards of this machine: %s",
                   count > 0 ? text : "none with an IPv4 address");
}

struct wanted {
    const char *name;
    struct endpoint ip; /* family 0: by name */
    unsigned prefix;    /* 32: the address itself */
};

static int parse_wanted(const char *text, struct wanted *wanted, struct err *err)
{
    *wanted = (struct wanted){ .name = text, .prefix = 32 };
    const char *slash = strchr(text, '/');
    char ip[INTERFACE_NAME_MAX];
    if (slash == NULL) {
        if (endpoint_parse(text, 0, &wanted->ip) != 0 || wanted->ip.family != 4) {
            wanted->ip.family = 0;
        }
        return 0;
    }
    uint64_t prefix;
    size_t length = (size_t)(slash - text);
    if (length >= sizeof(ip)) {
        return err_set(err, BUSBAR_EINVAL, "'%s' is not a subnet", text);
    }
    memcpy(ip, text, length);
    ip[length] = '\0';
    if (endpoint_parse(ip, 0, &wanted->ip) != 0 || wanted->ip.family != 4 ||
        str_parse_u64(slash + 1, &prefix) != 0 || prefix > 32) {
        (void)err_set(err, BUSBAR_EINVAL, "'%s' is not a subnet", text);
        return err_hint(err, "an IPv4 network and its bits: 10.0.1.0/24");
    }
    wanted->prefix = (unsigned)prefix;
    return 0;
}

static bool fits(const struct interface *card, const struct wanted *wanted)
{
    return wanted->ip.family == 4
               ? interfaces_in_subnet(&card->address, &wanted->ip, wanted->prefix)
               : strcmp(card->name, wanted->name) == 0;
}

int interfaces_find(const char *text, struct interface *out, struct err *err)
{
    struct wanted wanted;
    int error = parse_wanted(text, &wanted, err);
    if (error != 0) {
        return error;
    }
    struct interface list[INTERFACES_MAX];
    int count = interfaces_list(list, INTERFACES_MAX);
    const struct interface *found = NULL;
    for (int i = 0; i < count; i++) {
        if (fits(&list[i], &wanted) && (found == NULL || (list[i].up && !found->up))) {
            found = &list[i];
        }
    }
    if (found == NULL) {
        (void)err_set(err, BUSBAR_ENOENT,
                      wanted.ip.family == 4 ? "no network card has an address in %s"
                                            : "there is no network card '%s' with an IPv4 address",
                      text);
        hint_all(err, list, count);
        return BUSBAR_ENOENT;
    }
    *out = *found;
    return 0;
}

bool interfaces_of(const struct endpoint *address, struct interface *out)
{
    struct interface list[INTERFACES_MAX];
    int count = interfaces_list(list, INTERFACES_MAX);
    for (int i = 0; i < count; i++) {
        if (list[i].up && interfaces_in_subnet(address, &list[i].address, list[i].prefix)) {
            *out = list[i];
            return true;
        }
    }
    return false;
}
