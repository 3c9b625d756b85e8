/* SPDX-License-Identifier: Apache-2.0 */
/* Folders with all that is below them, for backups: walked, copied, removed. Links are not followed out of a
 * tree: only files and folders count. */
#ifndef BUSBAR_APP_TREE_H
#define BUSBAR_APP_TREE_H

#include <stdint.h>

#include "base/err.h"

enum { TREE_PATH_MAX = 1200, TREE_DEPTH_MAX = 16, TREE_FILES_MAX = 1000000 };

/* Each file, in the order of names; name is its path below the folder. Stops at the first error. */
typedef int (*tree_cb)(void *ctx, const char *path, const char *name, struct err *err);
int tree_walk(const char *folder, tree_cb cb, void *ctx, struct err *err);

/* Copies files and folders to `to`, which is made (mode 0700). A missing `from` is an empty tree. */
int tree_copy(const char *from, const char *to, struct err *err);

/* Removes the folder and all that is in it; 0 when there is none. */
int tree_remove(const char *folder, struct err *err);

/* Size and crc32c of a file. */
int tree_file_check(const char *path, uint64_t *bytes, uint32_t *crc, struct err *err);

#endif
