/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/node/address.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

bool bacnet_address_equal(const struct bacnet_address *a, const struct bacnet_address *b)
{
    if (a->network != b->network) {
        return false;
    }
    if (a->network == 0) {
        return endpoint_equal(&a->ip, &b->ip);
    }
    return a->mac_size == b->mac_size && memcmp(a->mac, b->mac, a->mac_size) == 0;
}

uint64_t bacnet_address_hash(const struct bacnet_address *address)
{
    uint8_t name[2 + 16 + BACNET_MAC_MAX] = { (uint8_t)(address->network >> 8),
                                              (uint8_t)address->network };
    if (address->network != 0) {
        memcpy(name + 2, address->mac, address->mac_size);
        return hash_keyed(name, 2U + address->mac_size);
    }
    size_t size = address->ip.family == 6 ? 16 : 4;
    memcpy(name + 2, address->ip.ip, size);
    name[2 + size] = (uint8_t)(address->ip.port >> 8);
    name[3 + size] = (uint8_t)address->ip.port;
    return hash_keyed(name, 4 + size);
}

bool bacnet_address_is_broadcast(const struct bacnet_address *address)
{
    return address->network != 0 ? address->mac_size == 0 : address->ip.family == 0;
}

static size_t format_ip(char *to, size_t size, const struct endpoint *ip)
{
    if (ip->family != 4) {
        return endpoint_format(to, size, ip);
    }
    size_t length = str_format(to, size, "%u.%u.%u.%u", ip->ip[0], ip->ip[1], ip->ip[2], ip->ip[3]);
    if (ip->port != BACNET_PORT && length < size) {
        length += str_format(to + length, size - length, ":%u", ip->port);
    }
    return length;
}

static size_t format_mac(char *to, size_t size, const struct bacnet_address *address)
{
    const uint8_t *mac = address->mac;
    if (address->mac_size == 1) {
        return str_format(to, size, "%u", mac[0]);
    }
    if (address->mac_size == 6) {
        struct endpoint ip = { .family = 4, .port = (uint16_t)(mac[4] << 8 | mac[5]) };
        memcpy(ip.ip, mac, 4);
        return format_ip(to, size, &ip);
    }
    size_t length = 0;
    for (unsigned i = 0; i < address->mac_size && length < size; i++) {
        length += str_format(to + length, size - length, i == 0 ? "%02x" : ":%02x", mac[i]);
    }
    return length;
}

size_t bacnet_address_format(char *to, size_t size, const struct bacnet_address *address)
{
    if (address->network == BACNET_NETWORK_ALL) {
        return str_format(to, size, "all networks");
    }
    if (address->network == 0) {
        return address->ip.family == 0 ? str_format(to, size, "all")
                                       : format_ip(to, size, &address->ip);
    }
    if (address->mac_size == 0) {
        return str_format(to, size, "all of network %u", address->network);
    }
    size_t length = str_format(to, size, "network %u mac ", address->network);
    return length < size ? length + format_mac(to + length, size - length, address) : length;
}
