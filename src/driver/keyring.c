/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/keyring.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "base/str.h"

enum { KEY_BYTES = 32, ID_BYTES = 4, LINE_FIELDS = 4 };

static const char first_line[] = "busbar connector keys 1\n";
static const char key_prefix[] = "bbk_";

struct entry {
    struct keyring_key key;
    uint8_t hash[KEYRING_HASH_BYTES];
};

struct keyring {
    pthread_mutex_t lock;  /* of all below */
    pthread_mutex_t saver; /* one writes the file at a time; taken before `lock` */
    char *path;
    struct entry **entries; /* sorted by connector, then by age */
    size_t count, room;
    struct map64 by_hash; /* the hash's first bytes -> struct entry */
    bool used;            /* since it was written */
};

void keyring_hash(const char *text, size_t size, uint8_t hash[KEYRING_HASH_BYTES])
{
    (void)crypto_generichash(hash, KEYRING_HASH_BYTES, (const unsigned char *)text, size, NULL, 0);
}

static uint64_t hash_start(const uint8_t *hash)
{
    uint64_t start;
    memcpy(&start, hash, sizeof(start));
    return start;
}

static void name_key(struct entry *entry)
{
    (void)str_hex(entry->key.id, sizeof(entry->key.id), entry->hash, ID_BYTES, 0);
}

/* ---- the set ---- */

static bool goes_before(const struct entry *a, const struct entry *b)
{
    int order = strcmp(a->key.connector, b->key.connector);
    return order < 0 || (order == 0 && a->key.created_us <= b->key.created_us);
}

static void insert(struct keyring *ring, struct entry *entry)
{
    size_t at = ring->count;
    if (ring->count == ring->room) {
        ring->room = ring->room > 0 ? 2 * ring->room : 16;
        ring->entries = busbar_realloc(ring->entries, ring->room * sizeof(struct entry *));
    }
    while (at > 0 && !goes_before(ring->entries[at - 1], entry)) {
        ring->entries[at] = ring->entries[at - 1];
        at--;
    }
    ring->entries[at] = entry;
    ring->count++;
    (void)map64_set(&ring->by_hash, hash_start(entry->hash), entry);
}

static void take_out(struct keyring *ring, size_t at)
{
    struct entry *entry = ring->entries[at];
    memmove(&ring->entries[at], &ring->entries[at + 1],
            (ring->count - at - 1) * sizeof(struct entry *));
    ring->count--;
    if (map64_get(&ring->by_hash, hash_start(entry->hash)) == entry) {
        (void)map64_remove(&ring->by_hash, hash_start(entry->hash));
    }
}

/* ---- the file ---- */

static bool read_line(struct keyring *ring, char *line)
{
    char *fields[LINE_FIELDS];
    char *rest = line;
    struct entry *entry = busbar_alloc(sizeof(*entry));
    size_t bytes = 0;
    for (size_t i = 0; i < LINE_FIELDS; i++) {
        fields[i] = rest;
        rest += strcspn(rest, " ");
        if (*rest != ' ') {
            busbar_free(entry);
            return false;
        }
        *rest++ = '\0';
    }
    bool fine = str_copy(entry->key.connector, sizeof(entry->key.connector), fields[0]) &&
                sodium_hex2bin(entry->hash, sizeof(entry->hash), fields[1], strlen(fields[1]), NULL,
                               &bytes, NULL) == 0 &&
                bytes == sizeof(entry->hash) &&
                str_parse_i64(fields[2], &entry->key.created_us) == 0 &&
                str_parse_i64(fields[3], &entry->key.used_us) == 0 &&
                map64_get(&ring->by_hash, hash_start(entry->hash)) == NULL;
    if (!fine || ring->count == KEYRING_KEYS_MAX) {
        busbar_free(entry);
        return false;
    }
    str_copy(entry->key.label, sizeof(entry->key.label), rest);
    name_key(entry);
    insert(ring, entry);
    return true;
}

static int damaged(const char *path, int line, struct err *err)
{
    const struct position at = { .file = path, .line = line };
    return err_at(err, BUSBAR_EDAMAGED, at,
                  "restore it from a backup, or remove the file and make new keys",
                  "the keys of the connectors cannot be read");
}

static int read_file(struct keyring *ring, char *text, struct err *err)
{
    int line = 1;
    if (!str_starts(text, first_line)) {
        return damaged(ring->path, line, err);
    }
    text += strlen(first_line);
    while (*text != '\0') {
        char *end = strchr(text, '\n');
        line++;
        if (end == NULL) {
            return damaged(ring->path, line, err);
        }
        *end = '\0';
        if (!read_line(ring, text)) {
            return damaged(ring->path, line, err);
        }
        text = end + 1;
    }
    return 0;
}

static void print(struct keyring *ring, struct buf *out)
{
    (void)buf_append_text(out, first_line);
    for (size_t i = 0; i < ring->count; i++) {
        const struct entry *entry = ring->entries[i];
        char hash[2 * KEYRING_HASH_BYTES + 1];
        (void)str_hex(hash, sizeof(hash), entry->hash, sizeof(entry->hash), 0);
        (void)buf_printf(out, "%s %s %lld %lld %s\n", entry->key.connector, hash,
                         (long long)entry->key.created_us, (long long)entry->key.used_us,
                         entry->key.label);
    }
    ring->used = false;
}

/* `saver` is held. */
static int write_file(struct keyring *ring, struct err *err)
{
    struct buf text;
    if (ring->path == NULL) {
        return 0;
    }
    buf_init(&text, KEYRING_FILE_MAX);
    (void)pthread_mutex_lock(&ring->lock);
    print(ring, &text);
    (void)pthread_mutex_unlock(&ring->lock);
    int error = text.overflow
                    ? err_set(err, BUSBAR_ELIMIT, "there are too many keys of connectors")
                    : file_write(file_ops_real(), ring->path, text.data, text.size, 0600, err);
    buf_fini(&text);
    return error;
}

int keyring_save(struct keyring *ring, struct err *err)
{
    (void)pthread_mutex_lock(&ring->saver);
    (void)pthread_mutex_lock(&ring->lock);
    bool used = ring->used;
    (void)pthread_mutex_unlock(&ring->lock);
    int error = used ? write_file(ring, err) : 0;
    (void)pthread_mutex_unlock(&ring->saver);
    return error;
}

/* ---- life ---- */

static void ring_free(struct keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        busbar_free(ring->entries[i]);
    }
    busbar_free(ring->entries);
    map64_fini(&ring->by_hash);
    busbar_free(ring->path);
    (void)pthread_mutex_destroy(&ring->lock);
    (void)pthread_mutex_destroy(&ring->saver);
    busbar_free(ring);
}

int keyring_open(const char *path, struct keyring **out, struct err *err)
{
    struct keyring *ring = busbar_alloc(sizeof(*ring));
    char *text = NULL;
    size_t size = 0;
    int ready = sodium_init();
    assert(ready >= 0);
    (void)ready;
    (void)pthread_mutex_init(&ring->lock, NULL);
    (void)pthread_mutex_init(&ring->saver, NULL);
    map64_init(&ring->by_hash);
    ring->path = busbar_strdup(path);
    *out = NULL;
    int error = path == NULL || !file_exists(path)
                    ? 0
                    : file_read(file_ops_real(), path, KEYRING_FILE_MAX, &text, &size, err);
    if (error == 0 && text != NULL) {
        error = strlen(text) == size ? read_file(ring, text, err) : damaged(path, 1, err);
    }
    busbar_free(text);
    if (error != 0) {
        ring_free(ring);
        return error;
    }
    *out = ring;
    return 0;
}

void keyring_close(struct keyring *ring)
{
    if (ring != NULL) {
        (void)keyring_save(ring, NULL);
        ring_free(ring);
    }
}

/* ---- keys ---- */

/* A label stands on one line of the file. */
static void copy_label(struct keyring_key *key, const char *label)
{
    str_copy(key->label, sizeof(key->label), label != NULL ? label : "");
    for (char *at = key->label; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' ? ' ' : *at;
    }
}

static void make_key(struct entry *entry, char text[KEYRING_TEXT_MAX])
{
    uint8_t random[KEY_BYTES];
    size_t prefix = strlen(key_prefix);
    randombytes_buf(random, sizeof(random));
    memcpy(text, key_prefix, prefix);
    (void)sodium_bin2base64(text + prefix, KEYRING_TEXT_MAX - prefix, random, sizeof(random),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof(random));
    keyring_hash(text, strlen(text), entry->hash);
    name_key(entry);
}

static int check_room(struct keyring *ring, const char *connector, struct err *err)
{
    size_t own = 0;
    for (size_t i = 0; i < ring->count; i++) {
        own += strcmp(ring->entries[i]->key.connector, connector) == 0;
    }
    if (own >= KEYRING_OF_ONE_MAX || ring->count >= KEYRING_KEYS_MAX) {
        err_set(err, BUSBAR_ELIMIT, "connector '%s' has %zu keys already", connector, own);
        return err_hint(err, "remove those that are not used: busbar connector key list");
    }
    return 0;
}

int keyring_add(struct keyring *ring, const char *connector, const char *label, int64_t now_us,
                char text[KEYRING_TEXT_MAX], struct keyring_key *key, struct err *err)
{
    struct entry *entry = busbar_alloc(sizeof(*entry));
    if (!str_copy(entry->key.connector, sizeof(entry->key.connector), connector) ||
        connector[0] == '\0' || strpbrk(connector, " \r\n") != NULL) {
        busbar_free(entry);
        return err_set(err, BUSBAR_EINVAL, "'%s' is no name of a connector", connector);
    }
    copy_label(&entry->key, label);
    entry->key.created_us = now_us;
    make_key(entry, text);
    *key = entry->key;
    (void)pthread_mutex_lock(&ring->saver);
    (void)pthread_mutex_lock(&ring->lock);
    int error = check_room(ring, connector, err);
    if (error == 0) {
        insert(ring, entry);
    } else {
        busbar_free(entry);
    }
    (void)pthread_mutex_unlock(&ring->lock);
    if (error == 0 && (error = write_file(ring, err)) != 0) {
        /* It would be gone after a restart: then it never was. */
        (void)pthread_mutex_lock(&ring->lock);
        for (size_t i = 0; i < ring->count; i++) {
            if (ring->entries[i] == entry) {
                take_out(ring, i);
                busbar_free(entry);
                break;
            }
        }
        (void)pthread_mutex_unlock(&ring->lock);
    }
    (void)pthread_mutex_unlock(&ring->saver);
    if (error != 0) {
        sodium_memzero(text, KEYRING_TEXT_MAX);
    }
    return error;
}

/* `lock` is held. */
static int find_id(struct keyring *ring, const char *connector, const char *id, size_t *at,
                   struct err *err)
{
    size_t found = 0;
    for (size_t i = 0; i < ring->count && id[0] != '\0'; i++) {
        const struct keyring_key *key = &ring->entries[i]->key;
        if (strcmp(key->connector, connector) == 0 && str_starts(key->id, id)) {
            *at = i;
            found++;
        }
    }
    if (found == 1) {
        return 0;
    }
    err_set(err, found == 0 ? BUSBAR_ENOENT : BUSBAR_ECONFLICT,
            found == 0 ? "connector '%s' has no key '%s'"
                       : "several keys of connector '%s' begin with '%s'",
            connector, id);
    return err_hint(err, "busbar connector key list %s", connector);
}

int keyring_remove(struct keyring *ring, const char *connector, const char *id,
                   struct keyring_key *key, struct err *err)
{
    size_t at = 0;
    struct entry *entry = NULL;
    (void)pthread_mutex_lock(&ring->saver);
    (void)pthread_mutex_lock(&ring->lock);
    int error = find_id(ring, connector, id, &at, err);
    if (error == 0) {
        entry = ring->entries[at];
        *key = entry->key;
        take_out(ring, at);
    }
    (void)pthread_mutex_unlock(&ring->lock);
    if (error == 0 && (error = write_file(ring, err)) != 0) {
        (void)pthread_mutex_lock(&ring->lock);
        insert(ring, entry); /* it would be back after a restart */
        (void)pthread_mutex_unlock(&ring->lock);
    } else {
        busbar_free(entry);
    }
    (void)pthread_mutex_unlock(&ring->saver);
    return error;
}

void keyring_each(struct keyring *ring, void (*cb)(void *ctx, const struct keyring_key *key),
                  void *ctx)
{
    (void)pthread_mutex_lock(&ring->lock);
    for (size_t i = 0; i < ring->count; i++) {
        cb(ctx, &ring->entries[i]->key);
    }
    (void)pthread_mutex_unlock(&ring->lock);
}

size_t keyring_count(struct keyring *ring, const char *connector)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&ring->lock);
    for (size_t i = 0; i < ring->count; i++) {
        count += strcmp(ring->entries[i]->key.connector, connector) == 0;
    }
    (void)pthread_mutex_unlock(&ring->lock);
    return count;
}

bool keyring_find(struct keyring *ring, const char *text, size_t size, int64_t now_us,
                  char connector[KEYRING_CONNECTOR_MAX])
{
    uint8_t hash[KEYRING_HASH_BYTES];
    bool found = false;
    keyring_hash(text, size, hash);
    (void)pthread_mutex_lock(&ring->lock);
    struct entry *entry = map64_get(&ring->by_hash, hash_start(hash));
    if (entry != NULL && sodium_memcmp(entry->hash, hash, sizeof(hash)) == 0) {
        entry->key.used_us = now_us;
        ring->used = true;
        str_copy(connector, KEYRING_CONNECTOR_MAX, entry->key.connector);
        found = true;
    }
    (void)pthread_mutex_unlock(&ring->lock);
    return found;
}
