/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of what history and state keep, for a backup: state.db, blocks/ and log/ in a folder of their own, which
 * a history can be opened on. Files that never change again are hard links where the file system can. */
#ifndef BUSBAR_HISTORY_BACKUP_H
#define BUSBAR_HISTORY_BACKUP_H

#include "history/history.h"

/* Of a running history: everything acknowledged before the call is in it, and nothing that the catalog
 * does not know. Blocks and merges wait meanwhile, appends and reads do not. `to` is an empty folder.
 * Never on the loop. BUSBAR_ENOSPC, BUSBAR_EIO ...; err names the file. */
int history_backup(struct history *history, const char *to, struct err *err);

/* The same of a folder that no history uses. */
int history_backup_folder(const char *folder, struct state *state, const char *to, struct err *err);

/* One file: a hard link when `link` and where possible, else a copy on the disk (mode 0600). */
int history_copy_file(const char *from, const char *to, bool link, struct err *err);

#endif
