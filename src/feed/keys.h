/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of messages and the times they got, kept on disk before the message goes to the log. A message that is sent again
 * (MQTT QoS 2 after a crash, an HTTP Idempotency-Key) then gets the same times, so that its samples are repetitions and
 * not new ones: exactly once, without one transaction over two files. Loop thread; the file is written by jobs.
 *
 * A key is kept as 16 bytes of a hash whose secret stands in the file, so that nobody can make two keys meet. The file
 * only grows, until most of it is about keys that are gone; then it is written anew, beside the old one. keys.c draws it. */
#ifndef BUSBAR_FEED_KEYS_H
#define BUSBAR_FEED_KEYS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "net/loop.h"

struct feed_keys;

enum {
    FEED_KEYS_MAX = 100000,       /* known at a time; the oldest go first; written anew in 5 ms */
    FEED_KEYS_FILE_MAX = 64 << 20 /* a longer file is not ours */
};
#define FEED_KEYS_KEEP_US (INT64_C(24) * 3600 * 1000000) /* then a key is forgotten */

/* path NULL: in memory only (also when the file cannot be read: err says why, and *out is there all the same). The file
 * is made with the first key. A damaged file loses what stands behind its first damage. */
int feed_keys_open(struct loop *loop, const char *path, struct feed_keys **out, struct err *err);
/* The same from bytes, for tests and the fuzzer; nothing is written. */
void feed_keys_read(struct loop *loop, struct bytes file, struct feed_keys **out);
/* Waits for what is being written; who waits is told BUSBAR_ECANCELED inside this call. NULL is fine. */
void feed_keys_close(struct feed_keys *keys);

/* Whether it is known, and its time. */
bool feed_keys_find(const struct feed_keys *keys, const void *key, size_t size, int64_t *time_us);
/* Remembers it from now on; on disk after the next commit. */
void feed_keys_add(struct feed_keys *keys, const void *key, size_t size, int64_t time_us);
/* Is not needed any more (QoS 2: released). On disk after the next commit. */
void feed_keys_remove(struct feed_keys *keys, const void *key, size_t size);

/* What was added and removed until now goes to the disk, many commits at once; `kept` (may be NULL) runs once, later,
 * in the order of the calls. On error nothing is sure of what it was called for. */
typedef void (*feed_kept_cb)(void *ctx, int error);
void feed_keys_commit(struct feed_keys *keys, feed_kept_cb kept, void *ctx);

size_t feed_keys_count(const struct feed_keys *keys);

#endif
