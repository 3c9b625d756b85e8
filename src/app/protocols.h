/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog of drivers as the configuration needs it. */
#ifndef BUSBAR_APP_PROTOCOLS_H
#define BUSBAR_APP_PROTOCOLS_H

#include "config/config.h"

enum { PROTOCOLS_MAX = 16 };

struct protocols {
    struct config_protocol list[PROTOCOLS_MAX];
    size_t count;
};

void protocols_fill(struct protocols *protocols);

/* For config_env.files: the folder that a configuration is in, or is. Gives `to`. */
const char *protocols_files(char *to, size_t size, const char *config_path);
/* For config_env.cache: below the data folder. NULL where nothing may be written: no folder, or another user's. */
const char *protocols_cache(char *to, size_t size, const char *data_folder);

#endif
