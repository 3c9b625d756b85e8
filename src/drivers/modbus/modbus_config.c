/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a device's settings and their reading. */
#include "drivers/modbus/modbus_config.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "drivers/modbus/modbus_codec.h"

enum {
    AT_TCP,
    AT_RTU_TCP,
    AT_TLS,
    AT_SERIAL,
    AT_BAUD,
    AT_FORMAT,
    AT_UNIT_ID,
    AT_TIMEOUT,
    AT_PAUSE,
    AT_IN_FLIGHT,
    AT_MAX_REGISTERS,
    AT_MAX_BITS,
    AT_MAX_GAP,
    AT_CLOSE_AFTER_POLL,
    AT_ECHO,
    AT_ORDER,
    AT_CA,
    AT_CERTIFICATE,
    AT_KEY,
    AT_SERVER_NAME,
};

static const char *const format_words[] = { "8N1", "8E1", "8O1", "8N2", "7E1", "7O1", NULL };
static const char *const echo_words[] = { "auto", "true", "false", NULL };
static const char *const transport_words[] = { "tcp", "rtu_tcp", "tls", "serial" };

#define HOST_ROW(key_, help_)                                                                  \
    {                                                                                          \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = ADDRESS_TEXT_MAX, .help = (help_) \
    }
#define PATH_ROW(key_, help_)                                                      \
    {                                                                              \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = 4096, .help = (help_) \
    }

const struct option modbus_device_options[] = {
    [AT_TCP] = HOST_ROW("tcp", "Modbus TCP: host or host:port, port 502 by default"),
    [AT_RTU_TCP] = HOST_ROW("rtu_tcp", "RTU frames over TCP, as serial converters send: host:port"),
    [AT_TLS] = HOST_ROW("tls", "Modbus/TCP Security: host or host:port, port 802 by default"),
    [AT_SERIAL] = PATH_ROW("serial", "RTU on a serial line: /dev/ttyUSB0"),
    [AT_BAUD] = { .key = "baud",
                  .type = OPTION_INT,
                  .fallback = "19200",
                  .min = 50,
                  .max = 4000000,
                  .help = "speed of the serial line" },
    [AT_FORMAT] = { .key = "format",
                    .type = OPTION_CHOICE,
                    .fallback = "8E1",
                    .choices = format_words,
                    .help = "data bits, parity, stop bits of the serial line" },
    [AT_UNIT_ID] = { .key = "unit_id",
                     .type = OPTION_INT,
                     .fallback = "1",
                     .min = 0,
                     .max = 255,
                     .help = "unit (slave) number; 1-247 on a serial line" },
    [AT_TIMEOUT] = { .key = "timeout",
                     .type = OPTION_DURATION,
                     .fallback = "1s",
                     .min = 10 * CLOCK_US_PER_MS,
                     .max = 60 * CLOCK_US_PER_S,
                     .help = "longest wait for the answer to one request" },
    [AT_PAUSE] = { .key = "pause",
                   .type = OPTION_DURATION,
                   .fallback = "0s",
                   .min = 0,
                   .max = 60 * CLOCK_US_PER_S,
                   .help = "rest between an answer and the next request" },
    [AT_IN_FLIGHT] = { .key = "in_flight",
                       .type = OPTION_INT,
                       .min = 1,
                       .max = MODBUS_IN_FLIGHT_MAX,
                       .help = "requests sent before an answer is awaited; without it as many as "
                               "the device bears, up to 4; always 1 with RTU" },
    [AT_MAX_REGISTERS] = { .key = "max_registers",
                           .type = OPTION_INT,
                           .fallback = "125",
                           .min = 1,
                           .max = MODBUS_READ_REGISTERS_MAX,
                           .help = "most registers in one read; a smaller limit is learned" },
    [AT_MAX_BITS] = { .key = "max_bits",
                      .type = OPTION_INT,
                      .fallback = "2000",
                      .min = 1,
                      .max = MODBUS_READ_BITS_MAX,
                      .help = "most coils or discrete inputs in one read" },
    [AT_MAX_GAP] = { .key = "max_gap",
                     .type = OPTION_INT,
                     .fallback = "8",
                     .min = 0,
                     .max = MODBUS_READ_REGISTERS_MAX - 1,
                     .help = "unused registers read over to merge two reads; 0: none" },
    [AT_CLOSE_AFTER_POLL] = { .key = "close_after_poll",
                              .type = OPTION_BOOL,
                              .fallback = "false",
                              .help = "close the connection when nothing is left to ask" },
    [AT_ECHO] = { .key = "echo",
                  .type = OPTION_CHOICE,
                  .fallback = "auto",
                  .choices = echo_words,
                  .help = "the line sends our own bytes back (two-wire adapters); auto finds out" },
    [AT_ORDER] = { .key = "order",
                   .type = OPTION_CHOICE,
                   .fallback = "ABCD",
                   .choices = modbus_order_words,
                   .help = "order of bytes of points that do not say their own" },
    [AT_CA] = OPTION_FILE_ROW("ca",
                              "TLS: file of the authority that signed the device's certificate"),
    [AT_CERTIFICATE] = OPTION_FILE_ROW("certificate", "TLS: file of our own certificate"),
    [AT_KEY] = OPTION_FILE_ROW("key", "TLS: file of its private key, when not in the same file"),
    [AT_SERVER_NAME] = HOST_ROW("server_name", "TLS: name in the device's certificate, when not "
                                               "the host's"),
    { .key = NULL },
};

/* Which of tcp, rtu_tcp, tls, serial is set; negative with err filled when not exactly one. */
static int find_transport(const struct settings *device, struct err *err)
{
    int found = -1;
    for (int option = AT_TCP; option <= AT_SERIAL; option++) {
        if (!settings_has(device, (size_t)option)) {
            continue;
        }
        if (found >= 0) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, (size_t)option),
                          "a device is reached in one way: keep one of them",
                          "both '%s' and '%s' are set", modbus_device_options[found].key,
                          modbus_device_options[option].key);
        }
        found = option;
    }
    if (found < 0) {
        return err_at(err, BUSBAR_ECONFIG, device->at,
                      "add 'tcp: 10.0.2.15:502'; also rtu_tcp, tls, serial",
                      "the modbus part does not say how the device is reached");
    }
    return found;
}

/* Settings that mean nothing with this transport are mistakes. */
static int check_strays(const struct settings *device, int transport, struct err *err)
{
    static const struct {
        uint8_t option, transports; /* bit 1 << AT_... */
    } rows[] = {
        { AT_BAUD, 1 << AT_SERIAL },
        { AT_FORMAT, 1 << AT_SERIAL },
        { AT_ECHO, 1 << AT_SERIAL | 1 << AT_RTU_TCP },
        { AT_CA, 1 << AT_TLS },
        { AT_CERTIFICATE, 1 << AT_TLS },
        { AT_KEY, 1 << AT_TLS },
        { AT_SERVER_NAME, 1 << AT_TLS },
        { AT_IN_FLIGHT, 1 << AT_TCP | 1 << AT_TLS },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((rows[i].transports & 1 << transport) == 0 && settings_has(device, rows[i].option)) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, rows[i].option),
                          rows[i].option == AT_IN_FLIGHT
                              ? "RTU frames have no number, so there is one request at a time"
                              : "leave it out",
                          "'%s' has no meaning with '%s'",
                          modbus_device_options[rows[i].option].key, transport_words[transport]);
        }
    }
    return 0;
}

static int read_host(const struct settings *device, int transport, struct modbus_config *config,
                     struct err *err)
{
    uint16_t port = transport == AT_TLS ? MODBUS_TLS_PORT : MODBUS_PORT;
    struct err reason = { 0 };
    const char *text = settings_text(device, (size_t)transport);
    if (address_parse(text, port, &config->host, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, (size_t)transport),
                      "write host:port, for example 10.0.2.15:502", "%s", reason.message);
    }
    config->ca_file = settings_text(device, AT_CA);
    config->cert_file = settings_text(device, AT_CERTIFICATE);
    config->key_file = settings_text(device, AT_KEY);
    config->server_name = settings_text(device, AT_SERVER_NAME);
    if (config->key_file != NULL && config->cert_file == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, AT_KEY), "add 'certificate: FILE'",
                      "a private key without its certificate");
    }
    return 0;
}

static int read_serial(const struct settings *device, struct modbus_config *config, struct err *err)
{
    const char *format = format_words[settings_int(device, AT_FORMAT)];
    config->serial = (struct stream_serial){
        .path = settings_text(device, AT_SERIAL),
        .baud = (uint32_t)settings_int(device, AT_BAUD),
        .data_bits = (uint8_t)(format[0] - '0'),
        .parity = format[1] == 'E'   ? STREAM_PARITY_EVEN
                  : format[1] == 'O' ? STREAM_PARITY_ODD
                                     : STREAM_PARITY_NONE,
        .stop_bits = (uint8_t)(format[2] - '0'),
    };
    if (config->serial.path[0] != '/') {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, AT_SERIAL),
                      "write the device file: /dev/ttyUSB0; 'ls /dev/serial/by-id' lists them",
                      "'%s' is not an absolute path", config->serial.path);
    }
    return 0;
}

int modbus_config_read(const struct settings *device, struct modbus_config *config, struct err *err)
{
    *config = (struct modbus_config){ 0 };
    int transport = find_transport(device, err);
    if (transport < 0) {
        return transport;
    }
    int error = check_strays(device, transport, err);
    if (error == 0) {
        error = transport == AT_SERIAL ? read_serial(device, config, err)
                                       : read_host(device, transport, config, err);
    }
    if (error != 0) {
        return error;
    }
    config->transport = (enum modbus_transport)transport;
    config->unit = (uint8_t)settings_int(device, AT_UNIT_ID);
    if (modbus_config_is_rtu(config) && (config->unit < 1 || config->unit > 247)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, AT_UNIT_ID),
                      "units of a serial line are 1 to 247; 0 is a broadcast that nobody answers",
                      "unit_id %u cannot be asked over RTU", config->unit);
    }
    config->timeout_us = settings_int(device, AT_TIMEOUT);
    config->pause_us = settings_int(device, AT_PAUSE);
    config->in_flight = modbus_config_is_rtu(config) ? 1
                                                     : (uint8_t)settings_int(device, AT_IN_FLIGHT);
    config->max_registers = (uint16_t)settings_int(device, AT_MAX_REGISTERS);
    config->max_bits = (uint16_t)settings_int(device, AT_MAX_BITS);
    config->max_gap = (uint16_t)settings_int(device, AT_MAX_GAP);
    config->close_after_poll = settings_bool(device, AT_CLOSE_AFTER_POLL);
    config->echo = (uint8_t)settings_int(device, AT_ECHO);
    config->order = modbus_config_order(device);
    return 0;
}

enum modbus_order modbus_config_order(const struct settings *device)
{
    return (enum modbus_order)settings_int(device, AT_ORDER);
}

static char parity_letter(enum stream_parity parity)
{
    return parity == STREAM_PARITY_EVEN ? 'E' : parity == STREAM_PARITY_ODD ? 'O' : 'N';
}

void modbus_config_print(const struct modbus_config *config, struct buf *out)
{
    if (config->transport == MODBUS_SERIAL) {
        buf_printf(out, "serial %s %u %u%c%u", config->serial.path, config->serial.baud,
                   config->serial.data_bits, parity_letter(config->serial.parity),
                   config->serial.stop_bits);
        return;
    }
    char host[ADDRESS_TEXT_MAX];
    address_format(host, sizeof(host), &config->host);
    buf_printf(out, "%s %s", transport_words[config->transport], host);
}

bool modbus_config_same_link(const struct modbus_config *a, const struct modbus_config *b)
{
    if (a->transport != b->transport) {
        return false;
    }
    if (a->transport == MODBUS_SERIAL) {
        return str_equal(a->serial.path, b->serial.path);
    }
    return str_equal(a->host.host, b->host.host) && a->host.port == b->host.port &&
           str_equal(a->ca_file, b->ca_file) && str_equal(a->cert_file, b->cert_file) &&
           str_equal(a->key_file, b->key_file) && str_equal(a->server_name, b->server_name);
}

bool modbus_config_same_line(const struct modbus_config *a, const struct modbus_config *b)
{
    return a->serial.baud == b->serial.baud && a->serial.data_bits == b->serial.data_bits &&
           a->serial.parity == b->serial.parity && a->serial.stop_bits == b->serial.stop_bits;
}

int64_t modbus_config_quiet_us(const struct modbus_config *config)
{
    if (config->transport != MODBUS_SERIAL) {
        return 0;
    }
    if (config->serial.baud > 19200) {
        return 1750;
    }
    /* 3.5 characters of 11 bits */
    return (int64_t)(38.5 * (double)CLOCK_US_PER_S / config->serial.baud) + 1;
}
