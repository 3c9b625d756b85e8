/* SPDX-License-Identifier: Apache-2.0 */
#include "app/protocols.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "drivers/catalog.h"
#include "sinks/catalog.h"
#include "sinks/sinks.h"

static void fill_drivers(struct protocols *protocols)
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
            .event_options = catalog[i]->event_options,
            .check_event = catalog[i]->check_event,
            .parts_on_top = catalog[i]->parts_on_top,
        };
    }
}

static void fill_sinks(struct protocols *protocols)
{
    protocols->sink_count = 0;
    for (const struct sink_ops *const *at = sinks_catalog(); *at != NULL; at++) {
        assert(protocols->sink_count < SINK_KINDS_MAX);
        protocols->sinks[protocols->sink_count++] = (struct config_sink_kind){
            .name = (*at)->name,
            .options = (*at)->options,
            .events = ((*at)->flags & SINK_TAKES_EVENTS) != 0,
            .archives = ((*at)->flags & SINK_ARCHIVES) != 0,
        };
    }
}

void protocols_fill(struct protocols *protocols)
{
    fill_drivers(protocols);
    fill_sinks(protocols);
}

static int check_sink(const struct config_sink_kind *kind, const struct settings *own,
                      const struct settings *common, struct err *err)
{
    const struct sink_ops *ops = sink_kind(sinks_catalog(), kind->name);
    int error = ops->check != NULL ? ops->check(own, err) : 0;
    return error != 0 ? error : sinks_check(common, err);
}

struct config_env protocols_env(const struct protocols *protocols)
{
    return (struct config_env){ .protocols = protocols->list,
                                .protocol_count = protocols->count,
                                .sink_kinds = protocols->sinks,
                                .sink_kind_count = protocols->sink_count,
                                .check_sink = check_sink };
}

const char *protocols_files(char *to, size_t size, const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    if (file_is_folder(config_path)) {
        (void)str_copy(to, size, config_path);
    } else if (slash == NULL) {
        (void)str_copy(to, size, ".");
    } else {
        size_t length = slash > config_path ? (size_t)(slash - config_path) : 1;
        (void)str_format(to, size, "%.*s", (int)length, config_path);
    }
    return to;
}

const char *protocols_cache(char *to, size_t size, const char *data_folder)
{
    bool usable = data_folder != NULL && file_is_folder(data_folder) &&
                  access(data_folder, W_OK | X_OK) == 0;
    return usable && file_join(to, size, data_folder, "cache") ? to : NULL;
}
