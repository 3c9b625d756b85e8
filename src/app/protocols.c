/* SPDX-License-Identifier: Apache-2.0 */
#include "app/protocols.h"

#include <assert.h>

#include "drivers/catalog.h"

void protocols_fill(struct protocols *protocols)
{
    const struct driver_ops *const *catalog = drivers_catalog();
    protocols->count = 0;
    for (size_t i = 0; catalog[i] != NULL; i++) {
        assert(protocols->count < PROTOCOLS_MAX);
        protocols->list[protocols->count++] = (struct config_protocol){
            .name = catalog[i]->name,
            .device_options = catalog[i]->device_options,
            .point_options = catalog[i]->point_options,
            .address_bytes = catalog[i]->address_bytes,
            .setup_options = catalog[i]->setup_options,
            .parts_key = catalog[i]->parts_key,
            .part_options = catalog[i]->part_options,
            .check_setup = catalog[i]->check_setup,
            .prepare = catalog[i]->prepare,
            .check = catalog[i]->check,
            .resolve = catalog[i]->resolve,
            .command_options = catalog[i]->command_options,
            .check_command = catalog[i]->check_command,
        };
    }
}
