/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: of the protocol as a whole (our own device object, networks) and of one device. Pure: settings
 * in, plain structs out; their texts are borrowed from the settings.
 *
 *   drivers:
 *     bacnet:
 *       device_id: 4194000
 *       networks:
 *         roof: { address: 10.0.1.5/24, foreign: 10.9.0.1:47808, ttl: 5m }
 *   devices:
 *     ahu-1:
 *       bacnet: { device: 2001, network: roof }
 *
 * A network is one UDP port on one of our addresses. Without `networks` each device is on the card
 * in whose subnet it lies, or on the only card there is. */
#ifndef BUSBAR_DRIVERS_BACNET_CONFIG_H
#define BUSBAR_DRIVERS_BACNET_CONFIG_H

#include "base/buf.h"
#include "config/setup.h"
#include "drivers/bacnet/node/peer.h"

enum {
    BACNET_OWN_DEVICE = 4194000, /* device_id when none is set */
    BACNET_CARDS_MAX = 64,
    BACNET_APDU_MIN = 50, /* clause 20.1.2.5 */
};

extern const struct option bacnet_setup_options[];
extern const struct option bacnet_network_options[];
extern const struct option bacnet_device_options[];

/* "10.0.1.0/24"; an address alone has 32 bits and is not `masked`. */
struct bacnet_subnet {
    uint8_t ip[4];
    uint8_t bits;
    bool given, masked;
};

enum bacnet_time_sync { BACNET_TIME_SYNC_OFF, BACNET_TIME_SYNC_LOCAL, BACNET_TIME_SYNC_UTC };

struct bacnet_setup {
    uint32_t device_id;
    uint16_t vendor_id;
    const char *device_name; /* NULL: "busbar" and the host's name */
    const char *location, *description;
    bool answers; /* our device object answers Who-Is, Who-Has and ReadProperty */
};

struct bacnet_network_config {
    const char *name;             /* "" = of devices that name none */
    const char *interface;        /* NULL: not by card */
    struct bacnet_subnet address; /* our own */
    uint16_t port;
    uint16_t number; /* of the BACnet network; 0 = not known */
    bool foreign;
    struct endpoint bbmd; /* where we are a foreign device */
    int64_t ttl_us;
    bool listen; /* I-Am heard without asking is told as a find */
    enum bacnet_time_sync time_sync;
    int64_t time_sync_every_us;
};

enum bacnet_alarm_mode { BACNET_ALARMS_OFF, BACNET_ALARMS_LISTEN, BACNET_ALARMS_ENROL };

struct bacnet_config {
    uint32_t device;
    const char *network;         /* as written; NULL = not said */
    struct bacnet_subnet subnet; /* when `network` is one */
    struct endpoint address;     /* family 0: found by Who-Is. With remote_network: the router */
    uint16_t remote_network;     /* 0: on the IP network itself */
    uint8_t mac_size;            /* 0: found by Who-Is */
    uint8_t mac[BACNET_MAC_MAX];
    int64_t timeout_us; /* of one transmission */
    uint8_t retries;
    uint8_t in_flight; /* 0: as many as the device bears */
    uint16_t max_apdu; /* 0: what the device says */
    bool segmentation; /* answers in segments are asked for */
    bool force_polling, cov, cov_confirmed;
    int64_t cov_lifetime_us, check_every_us;
    bool status_flags;         /* read beside each present value */
    bool out_of_service_warns; /* such a point has no good value */
    uint8_t priority;          /* of writes to commandable properties */
    enum bacnet_alarm_mode alarms;
    const char *notification_classes; /* "1, 5" or "all"; NULL = all */
    int64_t trend_every_us;
};

/* The settings of the protocol. BUSBAR_ECONFIG with err filled. setup may be empty. */
int bacnet_config_setup(const struct setup *setup, struct bacnet_setup *out, struct err *err);
/* One of its networks; NULL gives the defaults of the one that has no name. */
int bacnet_config_network(const struct setup_part *part, struct bacnet_network_config *out,
                          struct err *err);
/* All of it, and that no two networks share an address and port: ops->check_setup. */
int bacnet_config_check_setup(const struct setup *setup, struct err *err);

/* A device's own settings. */
int bacnet_config_read(const struct settings *device, struct bacnet_config *out, struct err *err);
/* The same and that its network is one of the setup's: ops->check. */
int bacnet_config_check(const struct setup *setup, const struct settings *device, struct err *err);

/* A network card of this machine, with one IPv4 address. */
struct bacnet_card {
    char name[32];
    uint8_t ip[4];
    uint8_t bits;
    bool loopback;
};

/* Those that are up; returns how many were filled in. Not pure: looks at the machine. */
size_t bacnet_cards(struct bacnet_card *cards, size_t max);

/* Where a network is on this machine. */
struct bacnet_place {
    const struct setup_part *part; /* NULL: the network of devices that name none */
    struct endpoint local;         /* our address and port */
    struct endpoint broadcast;     /* family 0: there is none (a foreign device alone) */
    uint8_t bits;
};

/* The local side of a network. BUSBAR_ENOENT: no such card or address, err says which there are. */
int bacnet_config_local(const struct bacnet_network_config *network, const struct setup_part *part,
                        const struct bacnet_card *cards, size_t card_count,
                        struct bacnet_place *out, struct err *err);
/* The network of a device: by name, by subnet, by the subnet that its address lies in, or the only one. */
int bacnet_config_place(const struct setup *setup, const struct bacnet_config *device,
                        const struct bacnet_card *cards, size_t card_count,
                        struct bacnet_place *out, struct err *err);

/* "12", "0a:00:1f", "10.0.1.21:47808" into the bytes of a MAC address. BUSBAR_EINVAL. */
int bacnet_mac_parse(const char *text, uint8_t mac[BACNET_MAC_MAX], uint8_t *size);
void bacnet_mac_print(const uint8_t *mac, uint8_t size, struct buf *out);

bool bacnet_subnet_holds(const struct bacnet_subnet *subnet, const uint8_t ip[4]);

/* "udp 10.0.1.21:47808 device 2001". */
void bacnet_config_print(const struct bacnet_config *config, struct buf *out);

#endif
