/* SPDX-License-Identifier: Apache-2.0 */
/* A protocol for the tests of config/: the keys of Modbus, and addresses as simple as can be. */
#ifndef TESTS_UNIT_CONFIG_FAKE_PROTOCOL_H
#define TESTS_UNIT_CONFIG_FAKE_PROTOCOL_H

#include <string.h>

#include "config/config.h"

enum { FAKE_TCP, FAKE_UNIT_ID, FAKE_ORDER, FAKE_TIMEOUT, FAKE_PASSWORD };
enum { FAKE_REGISTER, FAKE_HOLDING, FAKE_INPUT, FAKE_TYPE, FAKE_POINT_ORDER, FAKE_LENGTH };

static const char *const fake_orders[] = { "ABCD", "CDAB", "BADC", "DCBA", NULL };
static const char *const fake_types[] = { "uint16", "int16", "float32", "bool", "string", NULL };

static const struct option fake_device_options[] = {
    { .key = "tcp", .type = OPTION_TEXT, .min = 1, .max = 200, .help = "host:port" },
    { .key = "unit_id", .type = OPTION_INT, .fallback = "1", .min = 0, .max = 255 },
    { .key = "order", .type = OPTION_CHOICE, .fallback = "ABCD", .choices = fake_orders },
    { .key = "timeout", .type = OPTION_DURATION, .fallback = "1s", .min = 1000, .max = 60000000 },
    { .key = "password", .type = OPTION_SECRET },
    { .key = NULL },
};
static const struct option fake_point_options[] = {
    { .key = "register", .type = OPTION_INT, .min = 1, .max = 49999 },
    { .key = "holding", .type = OPTION_INT, .min = 0, .max = 65535 },
    { .key = "input", .type = OPTION_INT, .min = 0, .max = 65535 },
    { .key = "type", .type = OPTION_CHOICE, .fallback = "uint16", .choices = fake_types },
    { .key = "order", .type = OPTION_CHOICE, .choices = fake_orders },
    { .key = "length", .type = OPTION_INT, .min = 1, .max = 125 },
    { .key = NULL },
};

enum { FAKE_COIL, FAKE_TIMES, FAKE_KEY };
static const struct option fake_command_options[] = {
    { .key = "pulse", .type = OPTION_TEXT, .min = 1, .max = 100, .help = "what to pulse" },
    { .key = "times", .type = OPTION_INT, .fallback = "1", .min = 1, .max = 9 },
    { .key = "key", .type = OPTION_SECRET },
    { .key = NULL },
};

struct fake_address {
    int32_t number;
    uint8_t type;
};

static inline int fake_check(const struct setup *setup, const struct settings *device,
                             struct err *err)
{
    (void)setup;
    if (!settings_has(device, FAKE_TCP)) {
        return err_at(err, BUSBAR_ECONFIG, device->at, "add 'tcp: host:port'",
                      "it does not say how the device is reached");
    }
    return 0;
}

static inline int fake_resolve(const struct setup *setup, const struct settings *device,
                               const struct settings *point, void *address,
                               struct point_facts *facts, struct err *err)
{
    (void)setup;
    static const uint8_t types[] = { VALUE_INT, VALUE_INT, VALUE_DOUBLE, VALUE_BOOL, VALUE_TEXT };
    struct fake_address *out = address;
    int found = settings_has(point, FAKE_REGISTER) + settings_has(point, FAKE_HOLDING) +
                settings_has(point, FAKE_INPUT);
    (void)device;
    if (found != 1) {
        return err_at(err, BUSBAR_ECONFIG, point->at, "one of: register, holding, input",
                      "the point needs one address");
    }
    out->type = types[settings_int(point, FAKE_TYPE)];
    out->number = (int32_t)(settings_int(point, FAKE_REGISTER) + settings_int(point, FAKE_HOLDING) +
                            settings_int(point, FAKE_INPUT));
    if (out->type == VALUE_TEXT && !settings_has(point, FAKE_LENGTH)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, FAKE_TYPE), "add 'length: 8'",
                      "a string needs a length");
    }
    facts->value_type = out->type;
    facts->readable = true;
    facts->writable = !settings_has(point, FAKE_INPUT);
    return 0;
}

static inline int fake_check_command(const struct settings *device, const struct settings *command,
                                     struct err *err)
{
    (void)device;
    return settings_has(command, FAKE_COIL)
               ? 0
               : err_at(err, BUSBAR_ECONFIG, command->at, "add 'pulse: NAME'",
                        "it does not say what to pulse");
}

static const struct config_protocol fake_protocols[] = {
    { .name = "modbus",
      .device_options = fake_device_options,
      .point_options = fake_point_options,
      .address_bytes = sizeof(struct fake_address),
      .check = fake_check,
      .resolve = fake_resolve,
      .command_options = fake_command_options,
      .check_command = fake_check_command },
};

static const struct config_env fake_env = { .protocols = fake_protocols, .protocol_count = 1 };

#endif
