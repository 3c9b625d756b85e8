/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by versions.c (keeping) and versions_restore.c (bringing back). Private to config/. */
#ifndef BUSBAR_CONFIG_VERSIONS_PRIVATE_H
#define BUSBAR_CONFIG_VERSIONS_PRIVATE_H

#include <limits.h>

#include "config/versions.h"

enum { VERSIONS_SEEN_MAX = 10000, VERSIONS_FOLDER_MODE = 0750 };

/* What version.json says. */
struct version_meta {
    struct version version;
    bool single_file;
    struct config_file files[CONFIG_FILES_MAX];
    struct arena arena;
};

/* Fills err from errno: "cannot <what> <path>: reason". Returns the code. */
int versions_errno(struct err *err, const char *what, const char *path);

/* "<data>/config/<rest>". BUSBAR_ELIMIT: too long. */
int versions_path_in(char path[PATH_MAX], const char *data_folder, const char *rest,
                     struct err *err);
int versions_join(char path[PATH_MAX], const char *folder, const char *name, struct err *err);

/* NULL when there is no such version or its file is damaged; freed with versions_meta_free(). */
struct version_meta *versions_meta_read(const char *data_folder, uint32_t number);
void versions_meta_free(struct version_meta *meta);

/* Says that there is no such version, and which there are. Returns BUSBAR_ENOENT. */
int versions_none(const char *data_folder, uint32_t number, struct err *err);

/* Copies a file durably, with the folders above it; *crc of what was copied. */
int versions_copy_file(const char *from, const char *to, uint32_t *crc, struct err *err);
/* rm -r; what is not there is fine. */
void versions_remove_tree(const char *path);

#endif
