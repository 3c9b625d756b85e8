/* SPDX-License-Identifier: Apache-2.0 */
/* Backup and restore of a whole gateway. A backup is a folder:
 *
 *   backup.json   what is in it: each file with its size and crc32c; written last
 *   data/         state.db, blocks/, log/, config/versions/ (and the secrets, when asked for): a data folder
 *   config/       the configuration files as they were
 *
 * It is made as FOLDER.tmp, checked, and renamed: a folder of the final name is whole. Restoring reads all of it
 * first, builds the new data folder aside, checks that too, and only then moves anything. */
#ifndef BUSBAR_APP_BACKUP_H
#define BUSBAR_APP_BACKUP_H

#include <stdbool.h>

#include "history/history.h"

#define BACKUP_LIST "backup.json"

struct backup_request {
    const char *data_folder, *config_path; /* config_path NULL: not copied */
    const char *to;                        /* absolute, not there yet */
    struct history *history;               /* running; NULL: nobody uses the folder */
    struct state *state;
    bool secrets;
};

struct backup_result {
    size_t files;
    uint64_t bytes;
    struct history_findings findings; /* of the check of the backup */
};

/* Off the loop. cb is told what the check of the finished copy found; the backup is kept all the same, because
 * what is damaged there is damaged in the original. BUSBAR_EEXIST, BUSBAR_ENOSPC ...: nothing is left. */
int backup_make(const struct backup_request *request, history_finding_cb cb, void *ctx,
                struct backup_result *result, struct err *err);

/* Compares a backup with its list: BUSBAR_EDAMAGED says which file, BUSBAR_ENOENT that it is no backup. */
int backup_check(const char *folder, struct backup_result *result, struct err *err);

/* Makes data_folder what the backup says. It must be free: locked by nobody, and empty but for secrets;
 * replace: what is there is moved into its folder replaced-TIME first, as is what a cut restore left. aside[] gets
 * that path, or "". */
int backup_restore(const char *folder, const char *data_folder, bool replace, char *aside,
                   size_t aside_size, struct backup_result *result, struct err *err);

/* Before a gateway uses the folder, which it has locked: removes what a restore left that was cut before it
 * changed anything. BUSBAR_ECONFLICT: it was cut later, and the folder is half of two; err has the command. */
int backup_restored(const char *data_folder, struct err *err);

#endif
