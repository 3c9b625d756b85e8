/* SPDX-License-Identifier: Apache-2.0 */
/* Applied configurations, kept so that each can be shown, compared and brought back:
 *
 *   <data>/config/versions/17/files/...      copies of all its files
 *   <data>/config/versions/17/version.json   number, time, who, summary, files
 *
 * Numbers only grow. The newest VERSIONS_KEEP are kept. A version appears whole or not at all (it is
 * made aside and renamed). May be called on any one thread at a time; blocks on the disk. */
#ifndef BUSBAR_CONFIG_VERSIONS_H
#define BUSBAR_CONFIG_VERSIONS_H

#include <stdint.h>

#include "config/config.h"

enum { VERSIONS_KEEP = 50 };

struct version {
    uint32_t number;
    int64_t time_us;
    char who[64];
    char summary[256];
    size_t files;
};

/* Copies the files of a loaded configuration. BUSBAR_EAGAIN: a file changed since it was loaded (load
 * again); *number is the new version's. */
int versions_save(const char *data_folder, const struct config *config, const char *who,
                  const char *summary, uint32_t *number, struct err *err);

/* Oldest first; caller frees *list with busbar_free. None: 0 and *count 0. */
int versions_list(const char *data_folder, struct version **list, size_t *count, struct err *err);

/* One version; BUSBAR_ENOENT with the numbers there are in the hint. */
int versions_find(const char *data_folder, uint32_t number, struct version *out, struct err *err);

/* The path that config_load() takes for a version, for a diff or a start from it. */
int versions_path(const char *data_folder, uint32_t number, char *path, size_t size,
                  struct err *err);

/* Puts the files of a version back to where the configuration lives (a folder, or the single file).
 * What is there now is kept first, as files in <data>/config/before-rollback/; YAML files the version
 * does not have are removed. BUSBAR_EPERM with a hint when the folder cannot be written: nothing was
 * changed. The caller then loads and applies as always (which makes a new version). */
int versions_restore(const char *data_folder, uint32_t number, const char *config_path,
                     struct err *err);

#endif
