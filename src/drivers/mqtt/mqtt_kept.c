/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_kept.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "net/jobs.h"
#include "net/timer.h"

enum { BYTES_MAX = 32 << 20, PATH_BYTES = 4096, FILE_MODE = 0600, WRITE_MS = 1000 };

struct entry {
    bool earlier; /* read from the file, not granted since */
    char text[];
};

struct mqtt_kept {
    struct loop *loop;
    struct map filters; /* text -> struct entry */
    struct timer write;
    bool changed; /* the file is older than this */
    bool writing; /* a job is under way: what changes meanwhile waits for its end */
    bool freed;   /* then it ends with the job */
    char path[PATH_BYTES];
};

/* A job: its own copies, and whose it is for the loop. */
struct saving {
    struct mqtt_kept *kept;
    struct buf text;
    char path[PATH_BYTES];
};

/* ---- writing ---- */

static void write_file(const char *path, const struct buf *text)
{
    struct err err = { 0 };
    if (file_write(file_ops_real(), path, text->data, text->size, FILE_MODE, &err) != 0) {
        busbar_log(LOG_LEVEL_WARN, "mqtt", "", "the topics subscribed to cannot be kept: %s",
                   err.message);
    }
}

static void print(const struct mqtt_kept *kept, struct buf *out)
{
    size_t at = 0;
    void *value;
    buf_init(out, BYTES_MAX);
    while (map_next(&kept->filters, &at, NULL, &value)) {
        const struct entry *entry = value;
        (void)buf_printf(out, "%s\n", entry->text);
    }
}

static void destroy(struct mqtt_kept *kept)
{
    if (kept->changed) {
        struct buf text;
        print(kept, &text);
        write_file(kept->path, &text);
        buf_fini(&text);
    }
    mqtt_kept_clear(kept);
    timer_stop(&kept->write);
    map_fini(&kept->filters);
    busbar_free(kept);
}

static void save(void *ctx)
{
    const struct saving *saving = ctx;
    write_file(saving->path, &saving->text);
}

static void saved(void *ctx, int error)
{
    struct saving *saving = ctx;
    struct mqtt_kept *kept = saving->kept;
    buf_fini(&saving->text);
    busbar_free(saving);
    kept->writing = false;
    kept->changed = kept->changed || error != 0; /* it never ran */
    if (kept->freed) {
        destroy(kept);
    } else if (kept->changed) {
        timer_start(&kept->write, WRITE_MS, 0);
    }
}

static void write_now(struct timer *timer, void *ctx)
{
    struct mqtt_kept *kept = ctx;
    struct saving *saving = busbar_alloc(sizeof(*saving));
    (void)timer;
    saving->kept = kept;
    (void)str_copy(saving->path, sizeof(saving->path), kept->path);
    print(kept, &saving->text);
    kept->changed = false;
    kept->writing = true;
    jobs_submit(kept->loop, save, saved, saving);
}

static void changed(struct mqtt_kept *kept)
{
    kept->changed = true;
    if (!kept->writing && !timer_running(&kept->write)) {
        timer_start(&kept->write, WRITE_MS, 0);
    }
}

/* ---- what it holds ---- */

static struct entry *put(struct mqtt_kept *kept, const char *text, size_t size)
{
    struct entry *entry = busbar_alloc(sizeof(*entry) + size + 1);
    memcpy(entry->text, text, size);
    (void)map_set(&kept->filters, entry->text, entry);
    return entry;
}

void mqtt_kept_add(struct mqtt_kept *kept, const char *filter)
{
    struct entry *entry = map_get(&kept->filters, filter);
    if (entry == NULL) {
        entry = put(kept, filter, strlen(filter));
        changed(kept);
    }
    entry->earlier = false;
}

bool mqtt_kept_remove(struct mqtt_kept *kept, const char *filter)
{
    struct entry *entry = map_remove(&kept->filters, filter);
    bool earlier = entry != NULL && entry->earlier;
    if (entry != NULL) {
        busbar_free(entry);
        changed(kept);
    }
    return earlier;
}

void mqtt_kept_clear(struct mqtt_kept *kept)
{
    size_t at = 0;
    void *value;
    if (kept->filters.count > 0) {
        changed(kept);
    }
    while (map_next(&kept->filters, &at, NULL, &value)) {
        busbar_free(value);
    }
    map_fini(&kept->filters);
    map_init(&kept->filters);
}

void mqtt_kept_each(const struct mqtt_kept *kept, void (*call)(void *ctx, const char *filter),
                    void *ctx)
{
    size_t at = 0;
    void *value;
    while (map_next(&kept->filters, &at, NULL, &value)) {
        const struct entry *entry = value;
        call(ctx, entry->text);
    }
}

/* ---- life ---- */

static void take_lines(struct mqtt_kept *kept, const char *text)
{
    while (*text != '\0' && kept->filters.count < MQTT_FILTERS_MAX) {
        size_t size = strcspn(text, "\n");
        char *line = busbar_strndup(text, size);
        if (mqtt_filter_wrong(line) == NULL && map_get(&kept->filters, line) == NULL) {
            put(kept, line, size)->earlier = true;
        }
        busbar_free(line);
        text += size + (text[size] == '\n' ? 1 : 0);
    }
}

struct mqtt_kept *mqtt_kept_new(struct loop *loop, const char *path)
{
    struct mqtt_kept *kept = busbar_alloc(sizeof(*kept));
    char *text = NULL;
    size_t size = 0;
    struct err err = { 0 };
    kept->loop = loop;
    map_init(&kept->filters);
    timer_init(&kept->write, loop, write_now, kept);
    (void)str_copy(kept->path, sizeof(kept->path), path);
    int error = file_read(file_ops_real(), path, BYTES_MAX, &text, &size, &err);
    if (error == 0) {
        take_lines(kept, text);
    } else if (error != BUSBAR_ENOENT) {
        busbar_log(LOG_LEVEL_WARN, "mqtt", "", "the topics of an earlier run are not known: %s",
                   err.message);
    }
    busbar_free(text);
    return kept;
}

void mqtt_kept_free(struct mqtt_kept *kept)
{
    if (kept == NULL) {
        return;
    }
    kept->freed = true;
    if (!kept->writing) {
        destroy(kept);
    }
}
