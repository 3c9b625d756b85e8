/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a feed, and when what it gathered goes out: at the end of the turn; of messages with keys when these are on
 * disk. While the log is full it is tried again soon. */
#include "feed/feed.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "feed/feed_private.h"

/* ---- publishing what is gathered ---- */

static void keys_kept(void *ctx, int error)
{
    struct feed *feed = ctx;
    feed->keys_asked = false;
    if (error != 0) {
        gather_fail(feed->keeping, error);
    } else {
        feed->keys_written = true;
    }
    loop_defer(feed->loop, &feed->flush);
}

/* Messages with keys: the one gather out, the other to the disk. False: the log is full. */
static bool flush_keyed(struct feed *feed)
{
    if (feed->keys_written) {
        if (!gather_publish(feed->keeping)) {
            return false;
        }
        feed->keys_written = false;
    }
    if (!feed->keys_asked && !gather_empty(feed->open)) {
        struct gather *open = feed->keeping;
        feed->keeping = feed->open;
        feed->open = open;
        feed->keys_asked = true;
        feed_keys_commit(feed->keys, keys_kept, feed);
    }
    return true;
}

static void flush(void *ctx)
{
    struct feed *feed = ctx;
    bool keyed = flush_keyed(feed);
    bool now = gather_publish(feed->now);
    if (!keyed || !now) {
        timer_start(&feed->retry, FEED_RETRY_MS, 0);
    }
}

static void retry(struct timer *timer, void *ctx)
{
    (void)timer;
    flush(ctx);
}

void feed_flush(struct feed *feed)
{
    flush(feed);
}

/* ---- life ---- */

static void open_keys(struct feed *feed)
{
    char path[4096], name[64];
    const char *folder = driver_folder(feed->drv);
    struct err err = { 0 };
    str_format(name, sizeof(name), "%s-keys", driver_name(feed->drv));
    bool kept = folder != NULL && file_join(path, sizeof(path), folder, name);
    if (feed_keys_open(feed->loop, kept ? path : NULL, &feed->keys, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "feed", driver_name(feed->drv),
                   "keys of messages are not kept over a restart: %s", err.message);
    }
}

struct feed *feed_new(struct driver *drv, const struct payload_schemas *schemas)
{
    struct feed *feed = busbar_alloc(sizeof(*feed));
    feed->drv = drv;
    feed->loop = driver_loop(drv);
    feed->programs = payload_programs_new(schemas);
    feed->reader = payload_reader_new();
    map64_init(&feed->devices);
    list_init(&feed->routes);
    list_init(&feed->receipts);
    list_init(&feed->spare_receipts);
    for (unsigned i = 0; i < GATHERS; i++) {
        gather_init(&feed->gathers[i], feed, i);
    }
    feed->now = &feed->gathers[GATHER_A];
    feed->open = &feed->gathers[GATHER_B];
    feed->keeping = &feed->gathers[GATHER_C];
    people_init(&feed->people);
    loop_deferred_init(&feed->flush, flush, feed);
    timer_init(&feed->retry, feed->loop, retry, feed);
    open_keys(feed);
    return feed;
}

/* The log still has them: it will free them. */
static void leave_receipts(struct feed *feed)
{
    list_each_safe(at, &feed->receipts) {
        struct receipt *receipt = list_entry(at, struct receipt, link);
        for (size_t i = 0; i < receipt->count; i++) {
            receipt->messages[i].done(receipt->messages[i].ctx, BUSBAR_ECANCELED);
        }
        receipt->count = 0;
        receipt->feed = NULL;
        list_remove(&receipt->link);
        if (receipt->error != 0) {
            loop_defer_cancel(&receipt->fail);
            busbar_free(receipt->messages);
            busbar_free(receipt);
        }
    }
    list_each_safe(at, &feed->spare_receipts) {
        struct receipt *receipt = list_entry(at, struct receipt, link);
        busbar_free(receipt->messages);
        busbar_free(receipt);
    }
}

void feed_free(struct feed *feed)
{
    if (feed == NULL) {
        return;
    }
    assert(list_empty(&feed->routes) && "all routes must be gone");
    feed_flush(feed);
    feed_keys_close(feed->keys);
    timer_stop(&feed->retry);
    loop_defer_cancel(&feed->flush);
    for (unsigned i = 0; i < GATHERS; i++) {
        gather_fini(&feed->gathers[i]);
    }
    leave_receipts(feed);
    size_t at = 0;
    void *value;
    while (map64_next(&feed->devices, &at, NULL, &value)) {
        busbar_free(value);
    }
    map64_fini(&feed->devices);
    people_fini(&feed->people);
    payload_reader_free(feed->reader);
    payload_programs_free(feed->programs);
    busbar_free(feed->staged);
    busbar_free(feed);
}

struct payload_programs *feed_programs(struct feed *feed)
{
    return feed->programs;
}

/* ---- forgetting a key ---- */

struct forgetting {
    feed_done_cb forgotten;
    void *ctx;
};

static void forgotten(void *ctx, int error)
{
    struct forgetting *forgetting = ctx;
    forgetting->forgotten(forgetting->ctx, error);
    busbar_free(forgetting);
}

void feed_forget(struct feed *feed, const char *key, size_t key_size, feed_done_cb done, void *ctx)
{
    feed_keys_remove(feed->keys, key, key_size);
    if (done != NULL) {
        struct forgetting *forgetting = busbar_alloc(sizeof(*forgetting));
        *forgetting = (struct forgetting){ done, ctx };
        feed_keys_commit(feed->keys, forgotten, forgetting);
    }
}
