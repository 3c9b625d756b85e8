/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that devices show when they post: made here, shown once, kept as hashes. A connector may have several at a time, so
 * that a new one can be given out before the old one ends.
 *
 *   DATA/connector-keys, mode 0600:
 *     busbar connector keys 1
 *     CONNECTOR HASH(64 hex digits of BLAKE2b) CREATED USED LABEL      times in microseconds; LABEL may have blanks
 *
 * A key is 256 random bits, so a plain hash keeps it: nobody can try them all. Any thread; lock: the ring's own, never
 * held while a file is written. */
#ifndef BUSBAR_DRIVER_KEYRING_H
#define BUSBAR_DRIVER_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    KEYRING_KEYS_MAX = 10000,
    KEYRING_OF_ONE_MAX = 100, /* keys of one connector */
    KEYRING_FILE_MAX = 8 << 20,
    KEYRING_TEXT_MAX = 64,      /* bytes of a key, with its NUL */
    KEYRING_CONNECTOR_MAX = 64, /* of a connector's name, with its NUL */
    KEYRING_LABEL_MAX = 64,
    KEYRING_ID_MAX = 9,
    KEYRING_HASH_BYTES = 32,
};

struct keyring_key {
    char connector[KEYRING_CONNECTOR_MAX];
    char id[KEYRING_ID_MAX]; /* the first characters of its hash: "3f9a1c2b" */
    char label[KEYRING_LABEL_MAX];
    int64_t created_us, used_us; /* used_us 0: never */
};

struct keyring;

/* path NULL: in memory only. A file that is no such file is an error: keys are not lost in silence. */
int keyring_open(const char *path, struct keyring **out, struct err *err);
void keyring_close(struct keyring *ring); /* writes what is new first; NULL is fine */

/* Makes one; `text` is the key itself, which nobody ever sees again. Not on the loop's thread: it writes the file.
 * BUSBAR_ELIMIT, BUSBAR_EIO ... */
int keyring_add(struct keyring *ring, const char *connector, const char *label, int64_t now_us,
                char text[KEYRING_TEXT_MAX], struct keyring_key *key, struct err *err);
/* By the beginning of its id. BUSBAR_ENOENT, BUSBAR_ECONFLICT (several begin so). Not on the loop's thread. */
int keyring_remove(struct keyring *ring, const char *connector, const char *id,
                   struct keyring_key *key, struct err *err);
/* Sorted by connector, then by age. */
void keyring_each(struct keyring *ring, void (*cb)(void *ctx, const struct keyring_key *key),
                  void *ctx);
size_t keyring_count(struct keyring *ring, const char *connector);

/* The connector of a key that was shown; false: nobody's. Marks it as used. Cheap, for the loop. */
bool keyring_find(struct keyring *ring, const char *text, size_t size, int64_t now_us,
                  char connector[KEYRING_CONNECTOR_MAX]);
/* Writes when keys were used since the last time. Not on the loop's thread. */
int keyring_save(struct keyring *ring, struct err *err);

/* The same hash for keys that are kept elsewhere. */
void keyring_hash(const char *text, size_t size, uint8_t hash[KEYRING_HASH_BYTES]);

#endif
