/* SPDX-License-Identifier: Apache-2.0 */
/* What must be looked at now and then, off the loop: free space, changed files, the log's state. */
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "app/events.h"
#include "app/gateway.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host.h"
#include "drivers/catalog.h"
#include "net/jobs.h"

enum { UPKEEP_MS = 2000, LOW_SPACE_BYTES = 512 << 20, FILES_MAX = 4096 };

static void add_file(uint64_t *signature, const char *folder, const char *name)
{
    char path[GATEWAY_PATH_MAX];
    struct stat st;
    if (file_join(path, sizeof path, folder, name) && stat(path, &st) == 0) {
        int64_t facts[] = { (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec,
                            (int64_t)st.st_mtim.tv_nsec };
        *signature = hash_u64(*signature ^ hash_text(name));
        *signature = hash_u64(*signature ^ hash_bytes(facts, sizeof facts));
    }
}

uint64_t gateway_files_signature(const char *config_path)
{
    uint64_t signature = 1;
    char **names = NULL;
    size_t count = 0;
    if (!file_is_folder(config_path)) {
        add_file(&signature, "", config_path);
        return signature;
    }
    static const char *const suffixes[] = { ".yaml", ".csv" };
    for (size_t s = 0; s < 2; s++) {
        if (file_list(config_path, suffixes[s], FILES_MAX, &names, &count, NULL) != 0) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            add_file(&signature, config_path, names[i]);
        }
        busbar_free(names);
        names = NULL;
    }
    return signature;
}

struct looking {
    struct gateway *gw;
    char config_path[GATEWAY_PATH_MAX], data_folder[GATEWAY_PATH_MAX];
    struct gateway_upkeep found;
};

static void look(void *ctx)
{
    struct looking *looking = ctx;
    struct statvfs fs;
    if (statvfs(looking->data_folder, &fs) == 0) {
        looking->found.disk_free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
        looking->found.disk_total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    }
    looking->found.files_now = gateway_files_signature(looking->config_path);
    trust_refresh(looking->gw->trust);
    looking->found.trust_generation = trust_generation(looking->gw->trust);
    history_status(looking->gw->history, &looking->found.history);
}

static void looked(void *ctx, int error)
{
    struct looking *looking = ctx;
    struct gateway *gw = looking->gw;
    if (error == 0) {
        enum history_log_state before = gw->upkeep.history.log_state;
        if (looking->found.trust_generation != gw->upkeep.trust_generation) {
            host_trusted(gw->host); /* a person put a certificate into the folder */
        }
        looking->found.files_loaded = gw->upkeep.files_loaded;
        gw->upkeep = looking->found;
        if (before != gw->upkeep.history.log_state) {
            busbar_log(gw->upkeep.history.log_state == HISTORY_LOG_OK ? LOG_LEVEL_INFO
                                                                      : LOG_LEVEL_ERROR,
                       "history", NULL, "the log %s",
                       gw->upkeep.history.log_state == HISTORY_LOG_OK     ? "acknowledges again"
                       : gw->upkeep.history.log_state == HISTORY_LOG_FULL ? "is full"
                                                                          : "cannot be written");
        }
    }
    gw->upkeep.running = false;
    busbar_free(looking);
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct gateway *gw = ctx;
    (void)timer;
    if (gw->upkeep.running || gw->stopping) {
        return; /* a hung disk: no second look beside the first */
    }
    struct looking *looking = busbar_alloc(sizeof *looking);
    looking->gw = gw;
    str_copy(looking->config_path, sizeof looking->config_path, gw->config_path);
    str_copy(looking->data_folder, sizeof looking->data_folder, gw->data_folder);
    gw->upkeep.running = true;
    jobs_submit(gw->loop, look, looked, looking);
}

void gateway_upkeep_start(struct gateway *gw)
{
    timer_init(&gw->upkeep_timer, gw->loop, on_timer, gw);
    timer_start(&gw->upkeep_timer, 0, UPKEEP_MS);
}

static const char damage_hint[] =
    "what could be read was kept; busbar history verify lists all that is lost, "
    "busbar history restore brings it back from a backup; look at the disk";

static void problem(struct gateway *gw, struct server_facts *facts, const char *what,
                    const char *why, const char *hint)
{
    if (facts->problem_count < GATEWAY_PROBLEMS_MAX) {
        size_t at = facts->problem_count++;
        str_copy(gw->problem_texts[at], sizeof gw->problem_texts[at], why);
        gw->problems[at] = (struct server_problem){ what, gw->problem_texts[at], hint };
    }
}

struct driver_problems {
    struct gateway *gw;
    struct server_facts *facts;
};

static void driver_problem(void *ctx, const struct driver_status *status)
{
    const struct driver_problems *problems = ctx;
    char why[384];
    if (status->closed) {
        bool named = status->part != NULL && status->part[0] != '\0';
        str_format(why, sizeof why, "%s%s%s", named ? status->part : "", named ? ": " : "",
                   status->trouble);
        problem(problems->gw, problems->facts, "a network is not open", why,
                "it is tried again by itself; busbar drivers shows all of them");
    }
}

static void driver_facts(struct gateway *gw, struct server_facts *facts)
{
    struct driver_problems problems = { .gw = gw, .facts = facts };
    for (const struct driver_ops *const *at = drivers_catalog(); *at != NULL; at++) {
        (void)host_driver_status(gw->host, (*at)->name, driver_problem, &problems);
    }
}

static void certificate_facts(struct gateway *gw, struct server_facts *facts)
{
    struct trust_counts counts;
    const char *first = "";
    char why[384];
    trust_counts(gw->trust, &counts);
    if (counts.refused == 0) {
        return;
    }
    size_t devices = host_untrusted(gw->host, &first);
    if (devices == 1) {
        str_format(why, sizeof why, "the certificate of %s is not accepted", first);
    } else {
        str_format(why, sizeof why, "the certificates of %s and %zu more are not accepted", first,
                   devices - 1);
    }
    if (devices > 0) {
        problem(
            gw, facts, "a device waits to be trusted", why,
            "compare the fingerprint with the device's, then trust it: busbar certificate list");
    }
}

void gateway_facts(void *ctx, struct server_facts *facts)
{
    struct gateway *gw = ctx;
    const struct gateway_upkeep *upkeep = &gw->upkeep;
    char why[384], bytes[32];
    facts->config_version = gw->version;
    facts->config_differs = upkeep->files_now != upkeep->files_loaded;
    facts->stopping = gw->stopping;
    facts->disk_free_bytes = upkeep->disk_free_bytes;
    facts->disk_total_bytes = upkeep->disk_total_bytes;
    facts->problems = gw->problems;
    struct events_status events;
    events_status(gw, &events);
    facts->events_kept = events.kept;
    facts->events_open = events.open;
    if (upkeep->history.log_state == HISTORY_LOG_FULL) {
        problem(gw, facts, "disk full",
                "samples are polled and shown but not stored, nothing is acknowledged",
                "free space in the data folder; storing goes on by itself");
    } else if (upkeep->history.log_state == HISTORY_LOG_FAILED) {
        str_format(why, sizeof why, "the log cannot be written: %s",
                   err_text(upkeep->history.log_error));
        problem(gw, facts, "log failed", why, "look at the disk of the data folder and its rights");
    } else if (upkeep->disk_total_bytes > 0 && upkeep->disk_free_bytes < LOW_SPACE_BYTES) {
        str_format_bytes(bytes, sizeof bytes, upkeep->disk_free_bytes);
        str_format(why, sizeof why, "only %s are free", bytes);
        problem(gw, facts, "disk nearly full", why,
                "free space, or keep less: history.max_bytes in the configuration");
    }
    if (upkeep->history.keeper_error != 0) {
        str_format(why, sizeof why, "blocks of history cannot be written: %s",
                   err_text(upkeep->history.keeper_error));
        problem(gw, facts, "history upkeep failed", why, "see the text log");
    }
    if (events.error != 0 && upkeep->history.log_state == HISTORY_LOG_OK) {
        str_format(why, sizeof why, "the journal of events cannot be written: %s",
                   err_text(events.error));
        problem(gw, facts, "events wait", why, "they are safe in the log; see the text log");
    }
    if (events.lost > 0) {
        str_format(why, sizeof why, "%llu log records were gone before the journal had read them",
                   (unsigned long long)events.lost);
        problem(gw, facts, "events may be lost", why,
                "the disk was too slow or damaged; the text log says when");
    }
    if (gw->recovery.text[0] != '\0') {
        problem(gw, facts, "damage found at the start", gw->recovery.text, damage_hint);
    }
    if (upkeep->history.damaged_blocks > 0) {
        str_format(why, sizeof why, "%s: damaged parts were met and left out%s",
                   upkeep->history.damaged_path,
                   upkeep->history.damaged_blocks > 1 ? ", and in other blocks too" : "");
        problem(gw, facts, "damage found in history", why, damage_hint);
    }
    certificate_facts(gw, facts);
    driver_facts(gw, facts);
}
