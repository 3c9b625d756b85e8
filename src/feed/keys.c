/* SPDX-License-Identifier: Apache-2.0 */
/* See keys.h. The file, little endian, all records of 32 bytes:
 *
 *     "BBKEYS1\n" | secret 16 | crc32c of these 24, 4 | 0, 4          once, at its head
 *     crc32c of what follows, 4 | kind 4: 1 add, 2 remove | hash of the key 16 | its time, us 8
 *
 * One job writes at a time. What comes meanwhile waits for the next, so that one fdatasync keeps as many keys as came
 * during the last one. After a write that failed the file is written anew, as when most of it is dead. */
#include "feed/keys.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "net/jobs.h"

enum {
    RECORD = 32,
    SECRET = 16,
    KIND_ADD = 1,
    KIND_REMOVE = 2,
    DEAD_MIN = 8192,      /* records that may be about nothing before the file is written anew */
    BLOCK_ENTRIES = 1024, /* taken at a time */
};
static const char magic[8] = { 'B', 'B', 'K', 'E', 'Y', 'S', '1', '\n' };

struct digest {
    uint64_t high, low;
};

struct entry {
    struct list link; /* keys->entries, the oldest first; or keys->spare */
    struct digest digest;
    int64_t time_us;
};

struct block {
    struct block *next;
    struct entry entries[BLOCK_ENTRIES];
};

struct waiter {
    feed_kept_cb kept;
    void *ctx;
};
struct waiters {
    struct waiter *list;
    size_t count, capacity;
};

/* On a job's thread: only this, under its lock where both look at it. */
struct write_job {
    struct feed_keys *keys; /* loop thread; NULL: they were closed */
    char *path;
    struct buf data;
    bool whole; /* data is the whole file */
    int error;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool written; /* under the lock */
};

struct feed_keys {
    struct loop *loop;
    char *path; /* NULL: nothing is written */
    struct digest secret;
    struct map64 by_high;
    struct list entries, spare;
    struct block *blocks;
    struct buf next; /* records for the next job */
    size_t records;  /* in the file, about */
    bool has_file, rewrite;
    struct waiters waiting, writing;
    struct write_job *job; /* under way */
    struct loop_deferred begin;
};

static void begin_job(void *ctx);

/* ---- what is known ---- */

static struct digest digest_of(const struct feed_keys *keys, const void *key, size_t size)
{
    return (struct digest){
        .high = hash_siphash(keys->secret.high, keys->secret.low, key, size),
        .low = hash_siphash(keys->secret.low, ~keys->secret.high, key, size),
    };
}

static struct entry *entry_of(const struct feed_keys *keys, const struct digest *digest)
{
    struct entry *entry = map64_get(&keys->by_high, digest->high);
    return entry != NULL && entry->digest.low == digest->low ? entry : NULL;
}

static void forget(struct feed_keys *keys, struct entry *entry)
{
    (void)map64_remove(&keys->by_high, entry->digest.high);
    list_remove(&entry->link);
    list_append(&keys->spare, &entry->link);
}

static struct entry *entry_take(struct feed_keys *keys)
{
    if (list_empty(&keys->spare)) {
        struct block *block = busbar_alloc(sizeof(*block));
        block->next = keys->blocks;
        keys->blocks = block;
        for (size_t i = 0; i < BLOCK_ENTRIES; i++) {
            list_append(&keys->spare, &block->entries[i].link);
        }
    }
    return list_entry(list_shift(&keys->spare), struct entry, link);
}

/* The oldest go: too many, or too old. */
static void make_room(struct feed_keys *keys)
{
    int64_t oldest_us = clock_wall_us() - FEED_KEYS_KEEP_US;
    while (!list_empty(&keys->entries)) {
        struct entry *first = list_entry(keys->entries.next, struct entry, link);
        if (keys->by_high.count < FEED_KEYS_MAX && first->time_us >= oldest_us) {
            break;
        }
        forget(keys, first);
    }
}

static void know(struct feed_keys *keys, const struct digest *digest, int64_t time_us)
{
    struct entry *entry = map64_get(&keys->by_high, digest->high);
    if (entry != NULL) {
        forget(keys, entry);
    }
    make_room(keys);
    entry = entry_take(keys);
    entry->digest = *digest;
    entry->time_us = time_us;
    list_append(&keys->entries, &entry->link);
    (void)map64_set(&keys->by_high, digest->high, entry);
}

bool feed_keys_find(const struct feed_keys *keys, const void *key, size_t size, int64_t *time_us)
{
    struct digest digest = digest_of(keys, key, size);
    const struct entry *entry = entry_of(keys, &digest);
    if (entry != NULL) {
        *time_us = entry->time_us;
    }
    return entry != NULL;
}

size_t feed_keys_count(const struct feed_keys *keys)
{
    return keys->by_high.count;
}

/* ---- bytes ---- */

static void put_record(struct buf *out, uint32_t kind, const struct digest *digest, int64_t time_us)
{
    uint8_t *to = buf_reserve(out, RECORD);
    if (to == NULL) {
        return;
    }
    struct bytes_out rest = bytes_out_of(to + 4, RECORD - 4);
    bytes_put_u32le(&rest, kind);
    bytes_put_u64le(&rest, digest->high);
    bytes_put_u64le(&rest, digest->low);
    bytes_put_i64le(&rest, time_us);
    struct bytes_out crc = bytes_out_of(to, 4);
    bytes_put_u32le(&crc, crc32c(0, to + 4, RECORD - 4));
    buf_commit(out, RECORD);
}

static void put_head(struct buf *out, const struct digest *secret)
{
    uint8_t *to = buf_reserve(out, RECORD);
    if (to == NULL) {
        return;
    }
    struct bytes_out head = bytes_out_of(to, RECORD);
    bytes_put_block(&head, magic, sizeof(magic));
    bytes_put_u64le(&head, secret->high);
    bytes_put_u64le(&head, secret->low);
    bytes_put_u32le(&head, crc32c(0, to, 24));
    bytes_put_u32le(&head, 0);
    buf_commit(out, RECORD);
}

static bool get_head(struct bytes *in, struct digest *secret)
{
    const uint8_t *head = bytes_get_block(in, RECORD);
    if (head == NULL || memcmp(head, magic, sizeof(magic)) != 0) {
        return false;
    }
    struct bytes rest = bytes_of(head + sizeof(magic), RECORD - sizeof(magic));
    secret->high = bytes_get_u64le(&rest);
    secret->low = bytes_get_u64le(&rest);
    return bytes_get_u32le(&rest) == crc32c(0, head, 24);
}

static bool get_record(struct bytes *in, uint32_t *kind, struct digest *digest, int64_t *time_us)
{
    const uint8_t *record = bytes_get_block(in, RECORD);
    if (record == NULL) {
        return false;
    }
    struct bytes rest = bytes_of(record, RECORD);
    uint32_t crc = bytes_get_u32le(&rest);
    *kind = bytes_get_u32le(&rest);
    digest->high = bytes_get_u64le(&rest);
    digest->low = bytes_get_u64le(&rest);
    *time_us = bytes_get_i64le(&rest);
    return crc == crc32c(0, record + 4, RECORD - 4) && (*kind == KIND_ADD || *kind == KIND_REMOVE);
}

/* Whether all of it could be read. */
static bool load(struct feed_keys *keys, struct bytes in)
{
    uint32_t kind;
    struct digest digest;
    int64_t time_us;
    if (!get_head(&in, &keys->secret)) {
        keys->secret = (struct digest){ hash_entropy(), hash_entropy() };
        return false;
    }
    bool sound = true;
    while (sound && bytes_left(&in) > 0) {
        sound = get_record(&in, &kind, &digest, &time_us);
        struct entry *entry = sound ? entry_of(keys, &digest) : NULL;
        keys->records += sound;
        if (sound && kind == KIND_ADD) {
            know(keys, &digest, time_us);
        } else if (entry != NULL) {
            forget(keys, entry);
        }
    }
    make_room(keys);
    return sound;
}

/* ---- life ---- */

static struct feed_keys *keys_new(struct loop *loop)
{
    struct feed_keys *keys = busbar_alloc(sizeof(*keys));
    keys->loop = loop;
    keys->secret = (struct digest){ hash_entropy(), hash_entropy() };
    map64_init(&keys->by_high);
    list_init(&keys->entries);
    list_init(&keys->spare);
    buf_init(&keys->next, FEED_KEYS_FILE_MAX);
    loop_deferred_init(&keys->begin, begin_job, keys);
    return keys;
}

void feed_keys_read(struct loop *loop, struct bytes file, struct feed_keys **out)
{
    *out = keys_new(loop);
    (void)load(*out, file);
}

int feed_keys_open(struct loop *loop, const char *path, struct feed_keys **out, struct err *err)
{
    char *data = NULL;
    size_t size = 0;
    *out = keys_new(loop);
    if (path == NULL) {
        return 0;
    }
    int error = file_read(file_ops_real(), path, FEED_KEYS_FILE_MAX, &data, &size, err);
    if (error != 0 && error != BUSBAR_ENOENT) {
        return error;
    }
    (*out)->path = busbar_strdup(path);
    if (error == 0) {
        (*out)->has_file = true;
        (*out)->rewrite = !load(*out, bytes_of(data, size));
        if ((*out)->rewrite) {
            busbar_log(LOG_LEVEL_WARN, "feed", NULL,
                       "%s is damaged: %zu keys of messages could be read; what stood behind them "
                       "is cut off",
                       path, feed_keys_count(*out));
        }
        busbar_free(data);
    }
    return 0;
}

/* ---- writing ---- */

static int append(const struct write_job *job)
{
    const struct file_ops *ops = file_ops_real();
    int fd = ops->open(ops->ctx, job->path, O_WRONLY | O_APPEND, 0);
    if (fd < 0) {
        return fd;
    }
    int error = file_write_all(ops, fd, job->data.data, job->data.size);
    error = error == 0 ? ops->fdatasync(ops->ctx, fd) : error;
    (void)ops->close(ops->ctx, fd);
    return error;
}

static void write_now(void *ctx)
{
    struct write_job *job = ctx;
    int error = job->whole ? file_write(file_ops_real(), job->path, job->data.data, job->data.size,
                                        0600, NULL)
                           : append(job);
    pthread_mutex_lock(&job->lock);
    job->error = error;
    job->written = true;
    pthread_cond_signal(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

static void tell(struct waiters *waiters, int error)
{
    for (size_t i = 0; i < waiters->count; i++) {
        if (waiters->list[i].kept != NULL) {
            waiters->list[i].kept(waiters->list[i].ctx, error);
        }
    }
    waiters->count = 0;
}

static void job_free(struct write_job *job)
{
    pthread_mutex_destroy(&job->lock);
    pthread_cond_destroy(&job->changed);
    buf_fini(&job->data);
    busbar_free(job->path);
    busbar_free(job);
}

static void written(void *ctx, int error)
{
    struct write_job *job = ctx;
    struct feed_keys *keys = job->keys;
    error = error != 0 ? error : job->error;
    if (keys != NULL) {
        keys->job = NULL;
        keys->has_file |= error == 0;
        keys->rewrite |= error != 0;
        if (error != 0) {
            busbar_log(LOG_LEVEL_ERROR, "feed", NULL,
                       "cannot write %s, messages with keys wait: %s", job->path, err_text(error));
        }
        if (keys->waiting.count > 0) {
            loop_defer(keys->loop, &keys->begin);
        }
        tell(&keys->writing, error);
    }
    job_free(job);
}

static void put_all(struct feed_keys *keys, struct buf *out)
{
    (void)buf_reserve(out, (keys->by_high.count + 1) * RECORD); /* once, not in many steps */
    put_head(out, &keys->secret);
    list_each(at, &keys->entries) {
        const struct entry *entry = list_entry(at, struct entry, link);
        put_record(out, KIND_ADD, &entry->digest, entry->time_us);
    }
    keys->records = keys->by_high.count;
    keys->rewrite = false;
}

static void submit(struct feed_keys *keys)
{
    struct write_job *job = busbar_alloc(sizeof(*job));
    size_t added = keys->next.size / RECORD;
    job->keys = keys;
    job->path = busbar_strdup(keys->path);
    job->whole = keys->rewrite || !keys->has_file ||
                 keys->records + added > 2 * keys->by_high.count + DEAD_MIN;
    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->changed, NULL);
    if (job->whole) {
        buf_init(&job->data, FEED_KEYS_FILE_MAX);
        put_all(keys, &job->data);
        buf_clear(&keys->next);
    } else {
        job->data = keys->next;
        buf_init(&keys->next, FEED_KEYS_FILE_MAX);
        keys->records += added;
    }
    keys->job = job;
    jobs_submit(keys->loop, write_now, written, job);
}

static void begin_job(void *ctx)
{
    struct feed_keys *keys = ctx;
    if (keys->job != NULL) {
        return; /* its end begins the next */
    }
    struct waiters free_list = keys->writing;
    keys->writing = keys->waiting;
    keys->waiting = free_list;
    if (keys->path != NULL && (keys->next.size > 0 || keys->rewrite)) {
        submit(keys);
    } else {
        buf_clear(&keys->next);
        tell(&keys->writing, 0);
    }
}

void feed_keys_commit(struct feed_keys *keys, feed_kept_cb kept, void *ctx)
{
    struct waiters *waiters = &keys->waiting;
    if (waiters->count == waiters->capacity) {
        waiters->capacity = waiters->capacity > 0 ? 2 * waiters->capacity : 16;
        waiters->list = busbar_realloc(waiters->list, waiters->capacity * sizeof(*waiters->list));
    }
    waiters->list[waiters->count++] = (struct waiter){ kept, ctx };
    if (keys->job == NULL) {
        loop_defer(keys->loop, &keys->begin);
    }
}

void feed_keys_add(struct feed_keys *keys, const void *key, size_t size, int64_t time_us)
{
    struct digest digest = digest_of(keys, key, size);
    know(keys, &digest, time_us);
    put_record(&keys->next, KIND_ADD, &digest, time_us);
}

void feed_keys_remove(struct feed_keys *keys, const void *key, size_t size)
{
    struct digest digest = digest_of(keys, key, size);
    struct entry *entry = entry_of(keys, &digest);
    if (entry != NULL) {
        forget(keys, entry);
        put_record(&keys->next, KIND_REMOVE, &digest, 0);
    }
}

/* What nobody waits for is written all the same, without waiting for the disk. */
static void write_rest(struct feed_keys *keys)
{
    struct write_job rest = { .path = keys->path, .data = keys->next };
    const struct file_ops *ops = file_ops_real();
    if (keys->path == NULL || keys->next.size == 0 || !keys->has_file || keys->rewrite) {
        return;
    }
    int fd = ops->open(ops->ctx, rest.path, O_WRONLY | O_APPEND, 0);
    if (fd >= 0) {
        (void)file_write_all(ops, fd, rest.data.data, rest.data.size);
        (void)ops->close(ops->ctx, fd);
    }
}

void feed_keys_close(struct feed_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    loop_defer_cancel(&keys->begin);
    if (keys->job != NULL) {
        struct write_job *job = keys->job;
        pthread_mutex_lock(&job->lock);
        while (!job->written) {
            pthread_cond_wait(&job->changed, &job->lock);
        }
        pthread_mutex_unlock(&job->lock);
        job->keys = NULL;
    }
    write_rest(keys);
    tell(&keys->writing, BUSBAR_ECANCELED);
    tell(&keys->waiting, BUSBAR_ECANCELED);
    while (keys->blocks != NULL) {
        struct block *block = keys->blocks;
        keys->blocks = block->next;
        busbar_free(block);
    }
    map64_fini(&keys->by_high);
    buf_fini(&keys->next);
    busbar_free(keys->waiting.list);
    busbar_free(keys->writing.list);
    busbar_free(keys->path);
    busbar_free(keys);
}
