/* SPDX-License-Identifier: Apache-2.0 */
/* What commands take and give back, as devices tell it; kept for people, an arena for each command. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver/host_private.h"

enum { SIGNATURE_TEXT_MAX = 256 }; /* bytes kept of each text */

struct signature {
    bool told;
    struct driver_signature signature;
    struct arena arena;
};

static size_t index_of(const struct device *dev, const struct device_command *command)
{
    return (size_t)(command - dev->commands);
}

static const char *keep(struct arena *arena, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return "";
    }
    size_t size = str_utf8_cut(text, strlen(text), SIGNATURE_TEXT_MAX);
    const char *copy = arena_strndup(arena, text, size);
    return copy != NULL ? copy : "";
}

static const struct driver_argument *keep_arguments(struct arena *arena,
                                                    const struct driver_argument *from,
                                                    size_t *count)
{
    *count = *count < DRIVER_ARGUMENTS_MAX ? *count : DRIVER_ARGUMENTS_MAX;
    struct driver_argument *to = arena_alloc_array(arena, *count, sizeof(*to));
    if (to == NULL) {
        *count = 0;
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        to[i] = (struct driver_argument){ .name = keep(arena, from[i].name),
                                          .type = keep(arena, from[i].type),
                                          .description = keep(arena, from[i].description) };
    }
    return to;
}

void driver_signed(struct device *dev, const struct device_command *command,
                   const struct driver_signature *signature)
{
    struct host_device *hd = host_of(dev);
    if (hd->signatures == NULL) {
        hd->signatures = busbar_alloc_array(dev->command_count, sizeof(*hd->signatures));
    }
    struct signature *own = &hd->signatures[index_of(dev, command)];
    if (own->told) {
        arena_fini(&own->arena);
    }
    arena_init(&own->arena, 0);
    own->told = true;
    own->signature = *signature;
    own->signature.inputs = keep_arguments(&own->arena, signature->inputs,
                                           &own->signature.input_count);
    own->signature.outputs = keep_arguments(&own->arena, signature->outputs,
                                            &own->signature.output_count);
    own->signature.description = keep(&own->arena, signature->description);
    own->signature.trouble = signature->trouble != NULL ? keep(&own->arena, signature->trouble)
                                                        : NULL;
}

const struct driver_signature *host_signature(const struct device *dev,
                                              const struct device_command *command)
{
    const struct host_device *hd = host_of(dev);
    if (hd == NULL || hd->signatures == NULL) {
        return NULL;
    }
    const struct signature *own = &hd->signatures[index_of(dev, command)];
    return own->told ? &own->signature : NULL;
}

void signatures_free(struct host_device *hd)
{
    for (size_t i = 0; hd->signatures != NULL && i < hd->dev->command_count; i++) {
        if (hd->signatures[i].told) {
            arena_fini(&hd->signatures[i].arena);
        }
    }
    busbar_free(hd->signatures);
    hd->signatures = NULL;
}
