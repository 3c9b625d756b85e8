/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogs of drivers and sinks as the configuration needs them. */
#ifndef BUSBAR_APP_PROTOCOLS_H
#define BUSBAR_APP_PROTOCOLS_H

#include "config/config.h"
#include "sinks/sink.h"

enum { PROTOCOLS_MAX = 16 };

struct protocols {
    struct config_protocol list[PROTOCOLS_MAX];
    size_t count;
    struct config_sink_kind sinks[SINK_KINDS_MAX];
    size_t sink_count;
};

void protocols_fill(struct protocols *protocols);
/* An environment that knows them, which must live as long as what is loaded with it; the rest is zero. */
struct config_env protocols_env(const struct protocols *protocols);

/* For config_env.files: the folder that a configuration is in, or is. Gives `to`. */
const char *protocols_files(char *to, size_t size, const char *config_path);
/* For config_env.cache: below the data folder. NULL where nothing may be written: no folder, or another user's. */
const char *protocols_cache(char *to, size_t size, const char *data_folder);

#endif
