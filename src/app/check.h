/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the check share. Private to app/. */
#ifndef BUSBAR_APP_CHECK_H
#define BUSBAR_APP_CHECK_H

#include "app/protocols.h"

/* Reads a configuration with the secrets of a data folder (NULL: with none). NULL: problems says why. protocols is
 * filled here and must live as long as the configuration. */
struct config *check_load(const char *path, const char *data_folder, struct protocols *protocols,
                          struct problems *problems);

/* Tests the sinks of a configuration. What is wrong is a warning: a sink that is down does not stop `run`. */
void check_sinks(const struct config *config, const char *config_path, const char *data_folder,
                 struct problems *problems);

#endif
