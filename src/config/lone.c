/* SPDX-License-Identifier: Apache-2.0 */
/* A device that stands in no file: what a discovery found, looked at before it is configured. It goes
 * the same way as any other, through a text of its own, so that the same mistakes are told. */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "config/load.h"

/* One line, a map in braces: nothing that could end the text around it. */
static bool is_one_map(const char *settings)
{
    size_t size = strlen(settings);
    if (size < 2 || size > CONFIG_LONE_BYTES_MAX || settings[0] != '{' ||
        settings[size - 1] != '}') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)settings[i] < ' ') {
            return false;
        }
    }
    return true;
}

/* The first error in words; the place is in a text that nobody sees. */
static int tell(const struct problems *problems, int error, const char *settings, struct err *err)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];
        if (!problem->warning) {
            err_set(err, BUSBAR_ECONFIG, "%s: %s", settings, problem->message);
            if (problem->hint[0] != '\0') {
                err_hint(err, "%s", problem->hint);
            }
            return BUSBAR_ECONFIG;
        }
    }
    return err_set(err, error, "%s: %s", settings, err_text(error));
}

int config_make_lone_device(const struct config_env *env, struct registry *registry,
                            const char *name, const char *protocol, const char *settings,
                            struct device **out, struct err *err)
{
    *out = NULL;
    if (!is_one_map(settings)) {
        err_set(err, BUSBAR_ECONFIG, "these are no settings of a device");
        return err_hint(err, "one line in braces, as under '%s:' of a device: { key: value }",
                        protocol);
    }
    struct buf text;
    struct problems problems;
    struct config *config = NULL;
    buf_init(&text, CONFIG_LONE_BYTES_MAX + 1024);
    buf_printf(&text, "version: 1\ndevices:\n  %s:\n    %s: %s\n", name, protocol, settings);
    problems_init(&problems);
    struct config_text source = { .name = "settings.yaml",
                                  .text = buf_text(&text),
                                  .size = text.size };
    int error = config_load_texts(&source, 1, env, &config, &problems);
    if (error == 0 && (config->device_count != 1 || config->devices[0].point_count != 0)) {
        error = err_set(err, BUSBAR_ECONFIG, "these are not the settings of one device");
    } else if (error == 0) {
        error = config_make_device(config, &config->devices[0], registry, out, err);
    } else {
        error = tell(&problems, error, settings, err);
    }
    config_free(config);
    problems_fini(&problems);
    buf_fini(&text);
    return error;
}
