/* SPDX-License-Identifier: Apache-2.0 */
/* Beside the protocol of fake_protocol.h one with a setup of its own and parts that its devices share. */
#ifndef TESTS_UNIT_CONFIG_FAKE_FIELD_H
#define TESTS_UNIT_CONFIG_FAKE_FIELD_H

#include <assert.h>

#include "fake_protocol.h"

enum { FIELD_DEVICE, FIELD_NETWORK, FIELD_CA };
enum { SETUP_ID, SETUP_TITLE, SETUP_PASSWORD };
enum { PART_INTERFACE, PART_PORT };

static const struct option field_device_options[] = {
    { .key = "device", .type = OPTION_INT, .max = 4194302 },
    { .key = "network", .type = OPTION_TEXT, .max = 64 },
    OPTION_FILE_ROW("ca", "a file"),
    { .key = NULL },
};
static const struct option field_setup_options[] = {
    { .key = "id", .type = OPTION_INT, .fallback = "4194000", .max = 4194302 },
    { .key = "title", .type = OPTION_TEXT, .max = 64 },
    { .key = "password", .type = OPTION_SECRET },
    { .key = NULL },
};
static const struct option field_part_options[] = {
    { .key = "interface", .type = OPTION_TEXT, .max = 64 },
    { .key = "port", .type = OPTION_INT, .fallback = "47808", .min = 1, .max = 65535 },
    { .key = NULL },
};

static inline int field_check_setup(const struct setup *setup, struct err *err)
{
    for (size_t i = 0; i < setup->part_count; i++) {
        const struct settings *part = &setup->parts[i].settings;
        if (!settings_has(part, PART_INTERFACE)) {
            return err_at(err, BUSBAR_ECONFIG, part->at, "add 'interface: eth0'",
                          "network '%s' has no interface", setup->parts[i].name);
        }
    }
    return 0;
}

static inline int field_check(const struct setup *setup, const struct settings *device,
                              struct err *err)
{
    const char *network = settings_text(device, FIELD_NETWORK);
    assert(setup->settings.options == field_setup_options);
    if (network != NULL && setup_part(setup, network) == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, FIELD_NETWORK), NULL,
                      "there is no network '%s'", network);
    }
    return 0;
}

static const struct config_protocol field_protocols[] = {
    { .name = "modbus",
      .device_options = fake_device_options,
      .point_options = fake_point_options,
      .address_bytes = sizeof(struct fake_address),
      .check = fake_check,
      .resolve = fake_resolve },
    { .name = "field",
      .device_options = field_device_options,
      .point_options = fake_point_options,
      .address_bytes = sizeof(struct fake_address),
      .setup_options = field_setup_options,
      .parts_key = "networks",
      .part_options = field_part_options,
      .check_setup = field_check_setup,
      .check = field_check,
      .resolve = fake_resolve },
};
static const struct config_env field_env = { .protocols = field_protocols, .protocol_count = 2 };

#endif
