/* SPDX-License-Identifier: Apache-2.0 */
/* What a device's modbus part says: how it is reached and how it likes to be asked. Pure; texts are
 * borrowed from the settings. */
#ifndef BUSBAR_DRIVERS_MODBUS_CONFIG_H
#define BUSBAR_DRIVERS_MODBUS_CONFIG_H

#include "drivers/modbus/modbus_address.h"
#include "net/address.h"
#include "net/stream.h"

enum modbus_transport { MODBUS_TCP, MODBUS_RTU_TCP, MODBUS_TLS, MODBUS_SERIAL };

enum {
    MODBUS_IN_FLIGHT_MAX = 16,
    MODBUS_IN_FLIGHT_AUTO =
        4, /* one unit on its own TCP connection, until it is learned otherwise */
    MODBUS_PORT = 502,
    MODBUS_TLS_PORT = 802,
};

struct modbus_config {
    enum modbus_transport transport;
    struct address host; /* all but serial */
    struct stream_serial serial;
    const char *ca_file, *cert_file, *key_file, *server_name; /* TLS; NULL = none */
    uint8_t unit;
    uint8_t in_flight;      /* 0 = as many as it bears */
    uint16_t max_registers; /* in one read */
    uint16_t max_bits;
    uint16_t max_gap; /* registers (x 16 bits) read over to merge two reads */
    int64_t timeout_us, pause_us;
    bool close_after_poll;
    uint8_t echo; /* 0 found out, 1 yes, 2 no */
    enum modbus_order order;
};

extern const struct option modbus_device_options[];

/* ops->check and more. err may be NULL. */
int modbus_config_read(const struct settings *device, struct modbus_config *config,
                       struct err *err);

/* Only the default order of bytes, for ops->resolve. */
enum modbus_order modbus_config_order(const struct settings *device);

static inline bool modbus_config_is_rtu(const struct modbus_config *config)
{
    return config->transport == MODBUS_RTU_TCP || config->transport == MODBUS_SERIAL;
}

/* "tcp 10.0.2.15:502", "serial /dev/ttyUSB0 9600 8E1". */
void modbus_config_print(const struct modbus_config *config, struct buf *out);

/* Two devices that may share one connection: same target, same way to it. */
bool modbus_config_same_link(const struct modbus_config *a, const struct modbus_config *b);
/* Of two that share a link: a serial line has one speed and one format. */
bool modbus_config_same_line(const struct modbus_config *a, const struct modbus_config *b);

/* A serial line's silence before a frame, 3.5 characters, at least 1.75 ms (Modbus over Serial Line, 2.5.1.1);
 * 0 for the others. */
int64_t modbus_config_quiet_us(const struct modbus_config *config);

#endif
