/* SPDX-License-Identifier: Apache-2.0 */
/* The file is two lines, for people too:
 *
 *     engine 80000000053c0b6a1f2d4e5f60718293a4
 *     boots 12 */
#include "drivers/snmp/snmp_trap_engine.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "net/jobs.h"

enum {
    PATH_SIZE = 4096,
    FILE_SIZE_MAX = 4096,
    RANDOM_OCTETS = 12,
    FORMAT_OCTETS = 5,      /* RFC 3411, SnmpEngineID: octets, by the enterprise's own rules */
    BOOTS_MAX = 2147483647, /* RFC 3414, 2.2.2: then it needs another id */
};

struct snmp_trap_engine_job {
    struct snmp_trap_engine *engine; /* NULL: closed meanwhile */
    char path[PATH_SIZE];
    struct usm_engine usm;
    struct err trouble;
};

/* The enterprise is number 0, "reserved": busbar has none. */
static void make_id(struct usm_engine *usm)
{
    uint8_t random[2 * sizeof(uint64_t)];
    const uint64_t words[2] = { hash_entropy(), hash_entropy() };
    memcpy(random, words, sizeof(random));
    *usm = (struct usm_engine){ .id = { 0x80, 0, 0, 0, FORMAT_OCTETS }, .size = 5 };
    memcpy(usm->id + usm->size, random, RANDOM_OCTETS);
    usm->size += RANDOM_OCTETS;
    usm->boots = 1;
}

static bool read_id(const char *hex, struct usm_engine *usm)
{
    size_t size = strlen(hex) / 2;
    if (strlen(hex) % 2 != 0 || size < USM_ENGINE_MIN || size > USM_ENGINE_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = str_hex_digit(hex[2 * i]), low = str_hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        usm->id[i] = (uint8_t)(high << 4 | low);
    }
    usm->size = (uint8_t)size;
    return true;
}

/* False: there is none that can be used, a new one is made. */
static bool read_kept(const char *path, struct usm_engine *usm)
{
    char *text = NULL;
    size_t size;
    char hex[2 * USM_ENGINE_MAX + 1];
    unsigned boots = 0;
    if (file_read(file_ops_real(), path, FILE_SIZE_MAX, &text, &size, NULL) != 0) {
        return false;
    }
    *usm = (struct usm_engine){ 0 };
    bool good = sscanf(text, "engine %64s boots %10u", hex, &boots) == 2 && read_id(hex, usm) &&
                boots < BOOTS_MAX;
    usm->boots = boots + 1;
    busbar_free(text);
    return good;
}

static void work(void *ctx)
{
    struct snmp_trap_engine_job *job = ctx;
    char text[FILE_SIZE_MAX];
    char hex[2 * USM_ENGINE_MAX + 1];
    if (!read_kept(job->path, &job->usm)) {
        make_id(&job->usm);
    }
    str_hex(hex, sizeof(hex), job->usm.id, job->usm.size, 0);
    size_t size = str_format(text, sizeof(text), "engine %s\nboots %u\n", hex, job->usm.boots);
    if (file_write(file_ops_real(), job->path, text, size, 0600, &job->trouble) != 0) {
        make_id(&job->usm);
    }
}

static void begin(struct snmp_trap_engine *engine, const struct usm_engine *usm)
{
    engine->usm = *usm;
    engine->usm.timed = true;
    engine->usm.time = 0;
    engine->usm.at_us = clock_mono_us();
    if (engine->known != NULL) {
        engine->known(engine->ctx);
    }
}

static void done(void *ctx, int error)
{
    struct snmp_trap_engine_job *job = ctx;
    struct snmp_trap_engine *engine = job->engine;
    if (engine != NULL) {
        engine->job = NULL;
        engine->trouble = job->trouble;
        if (error != 0) { /* the work never ran: the loop ends */
            make_id(&job->usm);
        }
        if (job->trouble.code != 0) {
            busbar_log(LOG_LEVEL_WARN, "snmp", NULL, "our engine id cannot be kept: %s",
                       job->trouble.message);
        }
        begin(engine, &job->usm);
    }
    busbar_free(job);
}

void snmp_trap_engine_open(struct snmp_trap_engine *engine, struct loop *loop, const char *folder)
{
    struct usm_engine usm;
    engine->trouble = (struct err){ 0 };
    if (folder == NULL) {
        make_id(&usm);
        begin(engine, &usm);
        return;
    }
    struct snmp_trap_engine_job *job = busbar_alloc(sizeof(*job));
    job->engine = engine;
    engine->job = job;
    if (!file_join(job->path, sizeof(job->path), folder, "snmp-engine")) {
        job->path[0] = '\0'; /* cannot be written, as it is said then */
    }
    jobs_submit(loop, work, done, job);
}

void snmp_trap_engine_close(struct snmp_trap_engine *engine)
{
    if (engine->job != NULL) {
        engine->job->engine = NULL;
        engine->job = NULL;
    }
}
