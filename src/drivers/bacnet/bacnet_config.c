/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the settings, each mistake told with its place and what to write instead. */
#include "drivers/bacnet/bacnet_config.h"

#include <string.h>

#include "base/str.h"
#include "drivers/bacnet/bacnet_options.h"

/* ---- addresses as text ---- */

static int parse_ip(const char *text, uint8_t ip[4])
{
    struct endpoint endpoint;
    int error = endpoint_parse(text, BACNET_PORT, &endpoint);
    if (error == 0 && endpoint.family == 4) {
        memcpy(ip, endpoint.ip, 4);
        return 0;
    }
    return BUSBAR_EINVAL;
}

/* "10.0.1.0/24", "10.0.1.5". */
static int parse_subnet(const char *text, struct bacnet_subnet *out)
{
    char ip[64];
    uint64_t bits = 32;
    *out = (struct bacnet_subnet){ .given = true };
    if (!str_copy(ip, sizeof(ip), text)) {
        return BUSBAR_EINVAL;
    }
    char *slash = strchr(ip, '/');
    if (slash != NULL) {
        *slash = '\0';
        out->masked = true;
        if (str_parse_u64(slash + 1, &bits) != 0 || bits < 1 || bits > 32) {
            return BUSBAR_EINVAL;
        }
    }
    out->bits = (uint8_t)bits;
    return parse_ip(ip, out->ip);
}

static uint32_t ip_number(const uint8_t ip[4])
{
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

static uint32_t mask_of(uint8_t bits)
{
    return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

bool bacnet_subnet_holds(const struct bacnet_subnet *subnet, const uint8_t ip[4])
{
    uint32_t mask = mask_of(subnet->bits);
    return (ip_number(subnet->ip) & mask) == (ip_number(ip) & mask);
}

/* A numeric IPv4 address and port: BACnet/IP has no names (annex J). */
static int read_endpoint(const struct settings *settings, size_t option, struct endpoint *out,
                         struct err *err)
{
    struct address address;
    struct err reason = { 0 };
    const char *text = settings_text(settings, option);
    if (address_parse(text, BACNET_PORT, &address, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, option),
                      "write a.b.c.d or a.b.c.d:port, for example 10.0.1.21:47808", "%s",
                      reason.message);
    }
    if (endpoint_parse(address.host, address.port, out) != 0 || out->family != 4) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, option),
                      "BACnet/IP has no names: write the number, for example 10.0.1.21",
                      "'%.100s' is not a numeric IPv4 address", address.host);
    }
    return 0;
}

int bacnet_mac_parse(const char *text, uint8_t mac[BACNET_MAC_MAX], uint8_t *size)
{
    struct address address;
    uint64_t number = 0;
    if (strchr(text, '.') != NULL) { /* BACnet/IP: address and port, clause J.1.2 */
        if (address_parse(text, BACNET_PORT, &address, NULL) != 0 ||
            parse_ip(address.host, mac) != 0) {
            return BUSBAR_EINVAL;
        }
        mac[4] = (uint8_t)(address.port >> 8);
        mac[5] = (uint8_t)address.port;
        *size = 6;
        return 0;
    }
    if (strchr(text, ':') == NULL) {
        if (str_parse_u64(text, &number) != 0 || number > 255) {
            return BUSBAR_EINVAL;
        }
        mac[0] = (uint8_t)number;
        *size = 1;
        return 0;
    }
    *size = 0;
    for (const char *at = text;; at++) {
        int high = str_hex_digit(at[0]);
        int low = high >= 0 ? str_hex_digit(at[1]) : -1;
        if (low < 0 || *size == BACNET_MAC_MAX) {
            return BUSBAR_EINVAL;
        }
        mac[(*size)++] = (uint8_t)(high * 16 + low);
        at += 2;
        if (*at == '\0') {
            return 0;
        }
        if (*at != ':') {
            return BUSBAR_EINVAL;
        }
    }
}

void bacnet_mac_print(const uint8_t *mac, uint8_t size, struct buf *out)
{
    char text[3 * BACNET_MAC_MAX + 1];
    if (size == 1) {
        buf_printf(out, "%u", mac[0]);
    } else if (size == 6) {
        buf_printf(out, "%u.%u.%u.%u:%u", mac[0], mac[1], mac[2], mac[3],
                   (unsigned)mac[4] << 8 | mac[5]);
    } else {
        str_hex(text, sizeof(text), mac, size, ':');
        buf_append_text(out, text);
    }
}

/* ---- the protocol ---- */

static const struct settings *settings_or(const struct settings *given, struct settings *none,
                                          const struct option *options)
{
    if (given != NULL && given->options != NULL) {
        return given;
    }
    *none = (struct settings){ .options = options };
    return none;
}

int bacnet_config_setup(const struct setup *setup, struct bacnet_setup *out, struct err *err)
{
    struct settings none;
    const struct settings *settings = settings_or(setup != NULL ? &setup->settings : NULL, &none,
                                                  bacnet_setup_options);
    (void)err;
    *out = (struct bacnet_setup){
        .device_id = (uint32_t)settings_int(settings, SETUP_DEVICE_ID),
        .vendor_id = (uint16_t)settings_int(settings, SETUP_VENDOR_ID),
        .device_name = settings_text(settings, SETUP_DEVICE_NAME),
        .location = settings_text(settings, SETUP_LOCATION),
        .description = settings_text(settings, SETUP_DESCRIPTION),
        .answers = settings_bool(settings, SETUP_ANSWERS),
    };
    return 0;
}

static int read_own_address(const struct settings *part, struct bacnet_network_config *out,
                            struct err *err)
{
    const char *text = settings_text(part, NETWORK_ADDRESS);
    if (text == NULL) {
        return 0;
    }
    if (parse_subnet(text, &out->address) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(part, NETWORK_ADDRESS),
                      "write our own address on this network: 10.0.1.5 or 10.0.1.5/24",
                      "'%s' is not an IPv4 address", text);
    }
    uint32_t rest = ip_number(out->address.ip) & ~mask_of(out->address.bits);
    if (out->address.bits < 31 && rest == 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(part, NETWORK_ADDRESS),
                      "write the address of this machine in it; 'ip address' shows it",
                      "%s is the subnet, not our address in it", text);
    }
    return 0;
}

int bacnet_config_network(const struct setup_part *part, struct bacnet_network_config *out,
                          struct err *err)
{
    struct settings none;
    const struct settings *settings = settings_or(part != NULL ? &part->settings : NULL, &none,
                                                  bacnet_network_options);
    *out = (struct bacnet_network_config){
        .name = part != NULL ? part->name : "",
        .interface = settings_text(settings, NETWORK_INTERFACE),
        .port = (uint16_t)settings_int(settings, NETWORK_PORT),
        .number = (uint16_t)settings_int(settings, NETWORK_NUMBER),
        .ttl_us = settings_int(settings, NETWORK_TTL),
        .listen = settings_bool(settings, NETWORK_LISTEN),
        .time_sync = (enum bacnet_time_sync)settings_int(settings, NETWORK_TIME_SYNC),
        .time_sync_every_us = settings_int(settings, NETWORK_TIME_SYNC_EVERY),
    };
    int error = read_own_address(settings, out, err);
    if (error == 0 && settings_has(settings, NETWORK_FOREIGN)) {
        out->foreign = true;
        error = read_endpoint(settings, NETWORK_FOREIGN, &out->bbmd, err);
    }
    if (error == 0 && settings_has(settings, NETWORK_TTL) && !out->foreign) {
        error = err_at(err, BUSBAR_ECONFIG, settings_at(settings, NETWORK_TTL),
                       "add 'foreign: a.b.c.d:47808', or leave it out",
                       "'ttl' is of a registration at a BBMD, and there is none");
    }
    if (error == 0 && settings_has(settings, NETWORK_TIME_SYNC_EVERY) &&
        out->time_sync == BACNET_TIME_SYNC_OFF) {
        error = err_at(err, BUSBAR_ECONFIG, settings_at(settings, NETWORK_TIME_SYNC_EVERY),
                       "add 'time_sync: local' or 'time_sync: utc', or leave it out",
                       "'time_sync_every' without 'time_sync'");
    }
    return error;
}

/* Two networks on one socket. What is not said (the only card) is the same as all others of its port. */
static bool overlap(const struct bacnet_network_config *a, const struct bacnet_network_config *b)
{
    if (a->port != b->port) {
        return false;
    }
    if (a->address.given && b->address.given) {
        return memcmp(a->address.ip, b->address.ip, 4) == 0;
    }
    if (a->interface != NULL && b->interface != NULL) {
        return str_equal(a->interface, b->interface);
    }
    return a->interface == NULL && b->interface == NULL && !a->address.given && !b->address.given;
}

int bacnet_config_check_setup(const struct setup *setup, struct err *err)
{
    struct bacnet_setup own;
    struct bacnet_network_config network;
    struct bacnet_network_config other;
    int error = bacnet_config_setup(setup, &own, err);
    for (size_t i = 0; error == 0 && i < setup->part_count; i++) {
        error = bacnet_config_network(&setup->parts[i], &network, err);
        for (size_t k = 0; error == 0 && k < i; k++) {
            if (bacnet_config_network(&setup->parts[k], &other, NULL) == 0 &&
                overlap(&network, &other)) {
                error = err_at(err, BUSBAR_ECONFIG, setup->parts[i].settings.at,
                               "give each its own address, card or port, or keep one of them",
                               "networks '%s' and '%s' would share one address and port %u",
                               other.name, network.name, network.port);
            }
        }
    }
    return error;
}

/* ---- a device ---- */

static int read_network(const struct settings *device, struct bacnet_config *out, struct err *err)
{
    out->network = settings_text(device, DEVICE_NETWORK);
    if (out->network == NULL || strchr(out->network, '/') == NULL) {
        return 0;
    }
    if (parse_subnet(out->network, &out->subnet) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_NETWORK),
                      "write a subnet as 10.0.1.0/24, or the name of a network of drivers: bacnet:",
                      "'%s' is not a subnet", out->network);
    }
    return 0;
}

static int read_remote(const struct settings *device, struct bacnet_config *out, struct err *err)
{
    out->remote_network = (uint16_t)settings_int(device, DEVICE_REMOTE_NETWORK);
    const char *mac = settings_text(device, DEVICE_REMOTE_MAC);
    if (mac == NULL) {
        return 0;
    }
    if (out->remote_network == 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_REMOTE_MAC),
                      "add 'remote_network: 7', its number; busbar discover bacnet shows it",
                      "'remote_mac' is an address on a network behind a router");
    }
    if (bacnet_mac_parse(mac, out->mac, &out->mac_size) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_REMOTE_MAC),
                      "write 12 (MS/TP), 0a:00:1f (bytes) or 10.0.7.3:47808 (BACnet/IP)",
                      "'%s' is not a BACnet address", mac);
    }
    return 0;
}

/* Settings that mean nothing without another are mistakes. */
static int check_strays(const struct settings *device, const struct bacnet_config *out,
                        struct err *err)
{
    if (out->address.family != 0 && out->remote_network != 0 && out->mac_size == 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_ADDRESS),
                      "add 'remote_mac', or leave 'address' out and the device is looked for there",
                      "with 'remote_network' the address is the router's; the device's is missing");
    }
    if (settings_has(device, DEVICE_NOTIFICATION_CLASSES) && out->alarms != BACNET_ALARMS_ENROL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_NOTIFICATION_CLASSES),
                      "add 'alarms: enrol', or leave it out",
                      "'notification_classes' are those to enrol in, and 'alarms' does not say so");
    }
    static const uint8_t of_cov[] = { DEVICE_COV_CONFIRMED, DEVICE_COV_LIFETIME,
                                      DEVICE_CHECK_EVERY };
    for (size_t i = 0; i < sizeof(of_cov); i++) {
        if ((!out->cov || out->force_polling) && settings_has(device, of_cov[i])) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, of_cov[i]), "leave it out",
                          "'%s' has no meaning with '%s'", bacnet_device_options[of_cov[i]].key,
                          out->cov ? "force_polling: true" : "cov: false");
        }
    }
    return 0;
}

static void read_numbers(const struct settings *device, struct bacnet_config *out)
{
    out->device = (uint32_t)settings_int(device, DEVICE_DEVICE);
    out->timeout_us = settings_int(device, DEVICE_TIMEOUT);
    out->retries = (uint8_t)settings_int(device, DEVICE_RETRIES);
    out->in_flight = (uint8_t)settings_int(device, DEVICE_IN_FLIGHT);
    out->max_apdu = (uint16_t)settings_int(device, DEVICE_MAX_APDU);
    out->segmentation = settings_int(device, DEVICE_SEGMENTATION) == 0;
    out->force_polling = settings_bool(device, DEVICE_FORCE_POLLING);
    out->cov = settings_bool(device, DEVICE_COV);
    out->cov_confirmed = settings_bool(device, DEVICE_COV_CONFIRMED);
    out->cov_lifetime_us = settings_int(device, DEVICE_COV_LIFETIME);
    out->check_every_us = settings_int(device, DEVICE_CHECK_EVERY);
    out->status_flags = settings_bool(device, DEVICE_STATUS_FLAGS);
    out->out_of_service_warns = settings_int(device, DEVICE_OUT_OF_SERVICE) == 0;
    out->priority = (uint8_t)settings_int(device, DEVICE_PRIORITY);
    out->alarms = (enum bacnet_alarm_mode)settings_int(device, DEVICE_ALARMS);
    out->notification_classes = settings_text(device, DEVICE_NOTIFICATION_CLASSES);
    out->trend_every_us = settings_int(device, DEVICE_TREND_EVERY);
}

int bacnet_config_read(const struct settings *device, struct bacnet_config *out, struct err *err)
{
    *out = (struct bacnet_config){ 0 };
    if (!settings_has(device, DEVICE_DEVICE)) {
        return err_at(err, BUSBAR_ECONFIG, device->at,
                      "add 'device: 2001'; 'busbar discover bacnet' lists the devices",
                      "the bacnet part does not say which device it is");
    }
    read_numbers(device, out);
    int error = read_network(device, out, err);
    if (error == 0 && settings_has(device, DEVICE_ADDRESS)) {
        error = read_endpoint(device, DEVICE_ADDRESS, &out->address, err);
    }
    if (error == 0) {
        error = read_remote(device, out, err);
    }
    return error == 0 ? check_strays(device, out, err) : error;
}

static int unknown_network(const struct setup *setup, const struct settings *device,
                           const struct bacnet_config *config, struct err *err)
{
    const char *names[SETUP_PARTS_MAX] = { NULL };
    for (size_t i = 0; i < setup->part_count && i < SETUP_PARTS_MAX; i++) {
        names[i] = setup->parts[i].name;
    }
    const char *nearest = str_nearest(config->network, names, setup->part_count);
    err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_NETWORK), NULL,
           "there is no network '%s' in drivers: bacnet: networks", config->network);
    if (nearest != NULL) {
        err_hint(err, "did you mean '%s'?", nearest);
    } else {
        err_hint(err, "add it there, or write the subnet: 'network: 10.0.1.0/24'");
    }
    return BUSBAR_ECONFIG;
}

int bacnet_config_check(const struct setup *setup, const struct settings *device, struct err *err)
{
    struct bacnet_config config;
    int error = bacnet_config_read(device, &config, err);
    if (error == 0 && config.network != NULL && !config.subnet.given &&
        (setup == NULL || setup_part(setup, config.network) == NULL)) {
        static const struct setup none;
        error = unknown_network(setup != NULL ? setup : &none, device, &config, err);
    }
    return error;
}

void bacnet_config_print(const struct bacnet_config *config, struct buf *out)
{
    char text[ADDRESS_TEXT_MAX];
    buf_append_text(out, "udp ");
    if (config->address.family != 0) {
        endpoint_format(text, sizeof(text), &config->address);
        buf_printf(out, "%s ", text);
    }
    if (config->remote_network != 0) {
        buf_printf(out, "network %u ", config->remote_network);
        if (config->mac_size > 0) {
            buf_append_text(out, "mac ");
            bacnet_mac_print(config->mac, config->mac_size, out);
            buf_append_text(out, " ");
        }
    }
    buf_printf(out, "device %u", config->device);
}
