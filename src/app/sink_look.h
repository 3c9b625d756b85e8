/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks of a configuration that need not be running: their test, for `check`, `doctor` and `sink test`, and their SQL. */
#ifndef BUSBAR_APP_SINK_LOOK_H
#define BUSBAR_APP_SINK_LOOK_H

#include "config/config.h"
#include "sinks/sink.h"

/* Findings of one, borrowed until it returns. */
typedef void (*sink_look_cb)(void *ctx, const struct config_sink *sink,
                             const struct sink_finding *findings, size_t count);

/* Tests those that are enabled, or the one of this name, side by side; returns when all have ended, 15 s later at
 * most. data_folder: where the secrets are; NULL: there are none. BUSBAR_ENOENT: no sink of that name, err names those
 * there are. */
int sink_look(const struct config *config, const char *config_path, const char *data_folder,
              const char *name, sink_look_cb cb, void *ctx, struct err *err);

/* What a person runs at the target of a sink. BUSBAR_ENOENT, BUSBAR_EUNSUPPORTED. */
int sink_look_sql(const struct config *config, const char *config_path, const char *data_folder,
                  const char *name, struct buf *out, struct err *err);

#endif
