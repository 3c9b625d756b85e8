/* SPDX-License-Identifier: Apache-2.0 */
/* The store: its folders, and what of them is kept in memory. A folder is read again when its time of change is
 * another than at the last look, when that time is so young that a change after the look could bear the same, and
 * once a second in any case, for files that were written over in place (more seldom where there are thousands). Of
 * a file that did not change nothing is read. */
#include "driver/trust.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/trust_private.h"

#define LOOK_EVERY_US CLOCK_US_PER_S
#define LOOK_FILES    200 /* a second more between close looks for each so many */
#define SETTLED_NS    INT64_C(1000000000)
#define NS_PER_US     INT64_C(1000)

const char *trust_folder_name(enum trust_folder_kind kind)
{
    static const char *const names[] = {
        [FOLDER_TRUSTED] = "trusted",
        [FOLDER_ISSUERS] = "issuers",
        [FOLDER_REVOKED] = "revoked",
        [FOLDER_REFUSED] = "refused",
    };
    return names[kind];
}

bool trust_path(const struct trust *trust, enum trust_folder_kind kind, const char *name,
                char path[TRUST_PATH_MAX])
{
    char folder[TRUST_PATH_MAX];
    return file_join(folder, sizeof(folder), trust->folder, trust_folder_name(kind)) &&
           file_join(path, TRUST_PATH_MAX, folder, name);
}

/* ---- looking ---- */

static int64_t changed_ns(const struct stat *stat)
{
    return (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec;
}

/* Sidecars, temporaries and what people keep beside are no certificates. */
static bool is_ours(const char *name)
{
    return name[0] != '.' && !str_ends(name, ".json") && !str_ends(name, ".old") &&
           !str_ends(name, ".tmp") && !str_ends(name, "~");
}

/* Fills what a file holds into the entries; of one that holds nothing an entry says so. */
static void read_entries(const struct trust *trust, enum trust_folder_kind kind, const char *name,
                         const char *path, const struct stat *stat, struct list *to)
{
    struct list certs, lists, none;
    char *data = NULL;
    size_t size = 0;
    list_init(&certs);
    list_init(&lists);
    list_init(&none);
    size_t max = kind == FOLDER_REVOKED ? TRUST_LIST_MAX : TRUST_FILE_MAX;
    if (file_read(file_ops_real(), path, max, &data, &size, NULL) == 0) {
        (void)trust_read((const uint8_t *)data, size, &certs, &lists);
        busbar_free(data);
    }
    struct list *wanted = kind == FOLDER_REVOKED ? &lists : &certs;
    struct list *other = kind == FOLDER_REVOKED ? &certs : &lists;
    list_each_safe(at, other) {
        trust_entry_free(list_entry(at, struct trust_entry, link));
    }
    if (list_empty(wanted)) {
        struct trust_entry *entry = busbar_alloc(sizeof(*entry));
        list_append(&none, &entry->link);
        wanted = &none;
    }
    list_each(at, wanted) {
        struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        entry->name = busbar_strdup(name);
        entry->size = (int64_t)stat->st_size;
        entry->changed_ns = changed_ns(stat);
        entry->inode = (uint64_t)stat->st_ino;
        if (kind == FOLDER_REFUSED) {
            entry->refusal = trust_refusal_load(trust, entry->fingerprint,
                                                entry->changed_ns / NS_PER_US);
        }
    }
    list_move_all(to, wanted);
}

static bool is_same(const struct trust_entry *entry, const struct stat *stat)
{
    return entry->size == (int64_t)stat->st_size && entry->changed_ns == changed_ns(stat) &&
           entry->inode == (uint64_t)stat->st_ino;
}

/* One file: its entries are moved from `old` where it did not change. Both are in the order of names. True:
 * something changed. */
static bool look_at_file(const struct trust *trust, enum trust_folder_kind kind, const char *name,
                         struct list *old, struct list *to)
{
    char path[TRUST_PATH_MAX];
    struct stat stat_now;
    bool changed = false;
    size_t kept = 0;
    bool there = trust_path(trust, kind, name, path) && stat(path, &stat_now) == 0 &&
                 S_ISREG(stat_now.st_mode);
    while (!list_empty(old)) {
        struct trust_entry *entry = list_entry(old->next, struct trust_entry, link);
        int order = strcmp(entry->name, name);
        if (order > 0) {
            break;
        }
        if (order == 0 && there && is_same(entry, &stat_now)) {
            list_remove(&entry->link);
            list_append(to, &entry->link);
            kept++;
        } else {
            trust_entry_free(entry);
            changed = true;
        }
    }
    if (kept == 0 && there) {
        read_entries(trust, kind, name, path, &stat_now, to);
        changed = true;
    }
    return changed;
}

static bool look_at_files(struct trust *trust, enum trust_folder_kind kind, const char *path)
{
    struct trust_folder *folder = &trust->folders[kind];
    struct list now;
    struct err err = { 0 };
    char **names = NULL;
    size_t count = 0;
    bool changed = false;
    list_init(&now);
    if (file_list(path, NULL, TRUST_FILES_MAX, &names, &count, &err) != 0) {
        busbar_log(LOG_LEVEL_WARN, "trust", NULL, "cannot look at the certificates: %s",
                   err.message);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_ours(names[i])) {
            changed |= look_at_file(trust, kind, names[i], &folder->entries, &now);
        }
    }
    list_each_safe(at, &folder->entries) {
        trust_entry_free(list_entry(at, struct trust_entry, link));
        changed = true;
    }
    list_move_all(&folder->entries, &now);
    folder->count = 0;
    list_each(at, &folder->entries) {
        folder->count++;
    }
    busbar_free(names);
    return changed;
}

/* closely: at files that may have been written over in place, too. */
static bool look_at_folder(struct trust *trust, enum trust_folder_kind kind, bool closely)
{
    struct trust_folder *folder = &trust->folders[kind];
    char path[TRUST_PATH_MAX];
    struct stat stat_now;
    int64_t mono_us = clock_mono_us();
    if (!file_join(path, sizeof(path), trust->folder, trust_folder_name(kind)) ||
        stat(path, &stat_now) != 0) {
        return false;
    }
    int64_t changed = changed_ns(&stat_now);
    int64_t every_us = LOOK_EVERY_US * (1 + (int64_t)folder->count / LOOK_FILES);
    bool settled = changed + SETTLED_NS < clock_wall_us() * NS_PER_US;
    if (folder->looked && settled && changed == folder->changed_ns &&
        (!closely || mono_us - folder->looked_us < every_us)) {
        return false;
    }
    folder->looked = true;
    folder->changed_ns = changed;
    folder->looked_us = mono_us;
    return look_at_files(trust, kind, path);
}

/* Refused ones that somebody trusts by now. */
static const struct trust_entry *trusted_refusal(const struct trust *trust)
{
    list_each(at, &trust->folders[FOLDER_REFUSED].entries) {
        const struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        enum trust_fault fault = entry->refusal->fault;
        if (entry->cert != NULL && (fault == TRUST_UNTRUSTED || fault == TRUST_NO_ISSUER) &&
            trust_find(&trust->folders[FOLDER_TRUSTED], entry->fingerprint) != NULL) {
            return entry;
        }
    }
    return NULL;
}

static void drop_trusted(struct trust *trust)
{
    const struct trust_entry *entry = trusted_refusal(trust);
    for (; entry != NULL; entry = trusted_refusal(trust)) {
        char fingerprint[65];
        str_copy(fingerprint, sizeof(fingerprint), entry->fingerprint);
        trust_forget(trust, fingerprint);
    }
}

void trust_count(struct trust *trust)
{
    unsigned waiting = 0;
    list_each(at, &trust->folders[FOLDER_REFUSED].entries) {
        enum trust_fault fault = list_entry(at, struct trust_entry, link)->refusal->fault;
        waiting += fault == TRUST_UNTRUSTED || fault == TRUST_NO_ISSUER;
    }
    atomic_store(&trust->trusted, (unsigned)trust->folders[FOLDER_TRUSTED].count);
    atomic_store(&trust->refused, (unsigned)trust->folders[FOLDER_REFUSED].count);
    atomic_store(&trust->waiting, waiting);
}

static void look(struct trust *trust, bool closely)
{
    bool refused = look_at_folder(trust, FOLDER_REFUSED, closely);
    bool trusted = look_at_folder(trust, FOLDER_TRUSTED, closely);
    bool others = look_at_folder(trust, FOLDER_ISSUERS, closely);
    others |= look_at_folder(trust, FOLDER_REVOKED, closely);
    if (trusted) {
        drop_trusted(trust);
    }
    if (trusted || others) {
        atomic_fetch_add(&trust->generation, 1);
    }
    if (trusted || refused) {
        trust_count(trust);
    }
}

void trust_look(struct trust *trust)
{
    look(trust, true);
}

void trust_changed(struct trust *trust, enum trust_folder_kind kind)
{
    trust->folders[kind].looked = false;
    trust_look(trust);
}

void trust_refresh(struct trust *trust)
{
    pthread_mutex_lock(&trust->lock);
    look(trust, false);
    pthread_mutex_unlock(&trust->lock);
}

/* ---- life ---- */

static int make_folders(const struct trust *trust, struct err *err)
{
    char path[TRUST_PATH_MAX];
    int error = 0;
    for (int kind = 0; kind < TRUST_FOLDERS && error == 0; kind++) {
        if (!file_join(path, sizeof(path), trust->folder,
                       trust_folder_name((enum trust_folder_kind)kind))) {
            return err_set(err, BUSBAR_ELIMIT, "the name of the folder %s is too long",
                           trust->folder);
        }
        error = file_make_folders(file_ops_real(), path, 0700, err);
    }
    if (error == 0 && file_join(path, sizeof(path), trust->folder, "own")) {
        error = file_make_folders(file_ops_real(), path, 0700, err);
    }
    return error;
}

int trust_open(const char *folder, struct trust **out, struct err *err)
{
    struct trust *trust = busbar_alloc(sizeof(*trust));
    int error = str_copy(trust->folder, sizeof(trust->folder), folder)
                    ? make_folders(trust, err)
                    : err_set(err, BUSBAR_ELIMIT, "the name of the folder %s is too long", folder);
    if (error != 0) {
        busbar_free(trust);
        return error;
    }
    pthread_mutex_init(&trust->lock, NULL);
    pthread_mutex_init(&trust->making, NULL);
    for (int kind = 0; kind < TRUST_FOLDERS; kind++) {
        list_init(&trust->folders[kind].entries);
    }
    trust_look(trust);
    *out = trust;
    return 0;
}

void trust_close(struct trust *trust)
{
    if (trust == NULL) {
        return;
    }
    trust_refusals_save(trust);
    for (int kind = 0; kind < TRUST_FOLDERS; kind++) {
        list_each_safe(at, &trust->folders[kind].entries) {
            trust_entry_free(list_entry(at, struct trust_entry, link));
        }
    }
    for (size_t i = 0; i < trust->asked_count; i++) {
        trust_asked_free(&trust->asked[i]);
    }
    pthread_mutex_destroy(&trust->making);
    pthread_mutex_destroy(&trust->lock);
    busbar_free(trust);
}

uint64_t trust_generation(const struct trust *trust)
{
    return atomic_load(&trust->generation);
}

void trust_counts(const struct trust *trust, struct trust_counts *counts)
{
    *counts = (struct trust_counts){ .trusted = atomic_load(&trust->trusted),
                                     .waiting = atomic_load(&trust->waiting),
                                     .refused = atomic_load(&trust->refused) };
}
