/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the database as it is at one moment, while it is in use. */
#include "state/db.h"

int state_backup(struct state *state, const char *path, struct err *err)
{
    sqlite3 *copy = NULL;
    pthread_mutex_lock(&state->lock);
    int result = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_backup *backup = NULL;
    if (result == SQLITE_OK) {
        backup = sqlite3_backup_init(copy, "main", state->db, "main");
        result = backup != NULL ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(copy);
    }
    int finished = backup != NULL ? sqlite3_backup_finish(backup) : SQLITE_OK;
    result = result == SQLITE_DONE ? finished : result;
    int error = 0;
    if (result != SQLITE_OK) {
        error = result == SQLITE_FULL ? BUSBAR_ENOSPC : BUSBAR_EIO;
        err_set(err, error, "cannot write %s: %s", path,
                copy != NULL ? sqlite3_errmsg(copy) : sqlite3_errstr(result));
    }
    sqlite3_close(copy);
    pthread_mutex_unlock(&state->lock);
    return error;
}
