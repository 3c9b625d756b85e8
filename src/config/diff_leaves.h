/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a thing of a configuration with their values as text. Private to the comparison (diff.c). */
#ifndef BUSBAR_CONFIG_DIFF_LEAVES_H
#define BUSBAR_CONFIG_DIFF_LEAVES_H

#include "config/store.h"

enum { DIFF_LEAVES_MAX = 2 * CONFIG_OPTIONS_MAX + 32 };

struct leaf {
    const char *key;
    size_t value; /* offset in the text */
};

/* Of one device, point, command ... The text is buf_init()ed by the owner, and finished by it. */
struct leaves {
    struct leaf list[DIFF_LEAVES_MAX];
    size_t count;
    struct buf text;
};

/* Each forgets what was listed before. */
void diff_list_point(struct leaves *leaves, const struct config *config,
                     const struct config_device *dev, const struct config_point *point);
void diff_list_device(struct leaves *leaves, const struct config_device *dev);
void diff_list_command(struct leaves *leaves, const struct config_device *dev,
                       const struct config_named *named);
void diff_list_event(struct leaves *leaves, const struct config_device *dev,
                     const struct config_named *named);
void diff_list_settings(struct leaves *leaves, const struct settings *settings);
void diff_list_sections(struct leaves *leaves, const struct config *config);

const char *diff_leaf_value(const struct leaves *leaves, size_t index);
/* The value of the same key as number `index` of `of` has; where a key is there twice (the host's timeout, the
 * protocol's timeout), the same one of them. "" = not set. */
const char *diff_leaf_find(const struct leaves *leaves, const struct leaves *of, size_t index);

#endif
