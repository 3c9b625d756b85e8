/* SPDX-License-Identifier: Apache-2.0 */
#include "config/secrets.h"

#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"

static const char header[] = "busbar-secrets 1\n";

enum {
    HEADER_BYTES = sizeof(header) - 1,
    FILE_BYTES_MAX = 64 << 20,
    KEY_BYTES = crypto_secretbox_KEYBYTES,
    NONCE_BYTES = crypto_secretbox_NONCEBYTES,
    SEAL_BYTES = crypto_secretbox_MACBYTES,
    PRIVATE_MODE = 0600,
};

struct secret {
    char *name, *value;
};

struct secrets {
    char folder[PATH_MAX];
    struct secret *list; /* sorted by name */
    size_t count;
};

static void wipe_text(char *text)
{
    if (text != NULL) {
        sodium_memzero(text, strlen(text));
        busbar_free(text);
    }
}

void secrets_close(struct secrets *secrets)
{
    if (secrets == NULL) {
        return;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        busbar_free(secrets->list[i].name);
        wipe_text(secrets->list[i].value);
    }
    busbar_free(secrets->list);
    busbar_free(secrets);
}

bool secrets_name_valid(const char *name, struct err *err)
{
    size_t size = strlen(name);
    bool good = size > 0 && size <= SECRET_NAME_MAX;
    for (size_t i = 0; i < size && good; i++) {
        char c = name[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (i > 0 && (c == '-' || c == '_' || c == '.'));
    }
    if (!good) {
        err_set(err, BUSBAR_EINVAL, "'%.100s' cannot name a secret", name);
        err_hint(err, "letters, digits, '-', '_' and '.', such as plant-db");
    }
    return good;
}

/* ---- the key ---- */

static int check_private(const char *path, struct err *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & 077) != 0) {
        err_set(err, BUSBAR_EPERM, "%s can be read by others", path);
        err_hint(err, "chmod 600 %s", path);
        return BUSBAR_EPERM;
    }
    return 0;
}

/* 32 bytes as they are, or 64 hexadecimal digits with or without a line break. */
static int take_key(const char *path, const char *data, size_t size, uint8_t key[KEY_BYTES],
                    struct err *err)
{
    size_t got = 0;
    if (size == KEY_BYTES) {
        memcpy(key, data, KEY_BYTES);
        return 0;
    }
    if (size >= 2 * KEY_BYTES &&
        sodium_hex2bin(key, KEY_BYTES, data, 2 * KEY_BYTES, NULL, &got, NULL) == 0 &&
        got == KEY_BYTES) {
        return 0;
    }
    return err_set(err, BUSBAR_EDAMAGED, "%s is not a key: 32 bytes or 64 hexadecimal digits",
                   path);
}

static int read_key_file(const char *path, uint8_t key[KEY_BYTES], struct err *err)
{
    char *data = NULL;
    size_t size = 0;
    int error = file_read(file_ops_real(), path, 4096, &data, &size, err);
    if (error == 0) {
        error = take_key(path, data, size, key, err);
        sodium_memzero(data, size);
    }
    busbar_free(data);
    return error;
}

static int make_key(const char *path, uint8_t key[KEY_BYTES], struct err *err)
{
    char text[2 * KEY_BYTES + 2];
    randombytes_buf(key, KEY_BYTES);
    sodium_bin2hex(text, sizeof(text), key, KEY_BYTES);
    text[2 * KEY_BYTES] = '\n';
    int error = file_write(file_ops_real(), path, text, 2 * KEY_BYTES + 1, PRIVATE_MODE, err);
    sodium_memzero(text, sizeof(text));
    return error;
}

static int load_key(const struct secrets *secrets, bool make, uint8_t key[KEY_BYTES],
                    struct err *err)
{
    char path[PATH_MAX];
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (sodium_init() < 0) {
        return err_set(err, BUSBAR_EINTERNAL, "libsodium does not start");
    }
    if (credentials != NULL && file_join(path, sizeof(path), credentials, "busbar-key") &&
        file_exists(path)) {
        return read_key_file(path, key, err);
    }
    if (!file_join(path, sizeof(path), secrets->folder, "secrets.key")) {
        return err_set(err, BUSBAR_ELIMIT, "the path of the data folder is too long");
    }
    if (file_exists(path)) {
        int error = check_private(path, err);
        return error != 0 ? error : read_key_file(path, key, err);
    }
    if (make) {
        return make_key(path, key, err);
    }
    err_set(err, BUSBAR_EDAMAGED, "the key of the secrets is missing: %s", path);
    err_hint(err, "bring it back from the backup, or remove %s/secrets and set the secrets again",
             secrets->folder);
    return BUSBAR_EDAMAGED;
}

/* ---- the file ---- */

static size_t place_of(const struct secrets *secrets, const char *name, bool *found)
{
    size_t low = 0, high = secrets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, secrets->list[middle].name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *found = false;
    return low;
}

static void put(struct secrets *secrets, const char *name, const char *value)
{
    bool found;
    size_t place = place_of(secrets, name, &found);
    if (found) {
        wipe_text(secrets->list[place].value);
        secrets->list[place].value = busbar_strdup(value);
        return;
    }
    secrets->list = busbar_realloc(secrets->list, (secrets->count + 1) * sizeof(*secrets->list));
    memmove(&secrets->list[place + 1], &secrets->list[place],
            (secrets->count - place) * sizeof(*secrets->list));
    secrets->list[place] = (struct secret){ .name = busbar_strdup(name),
                                            .value = busbar_strdup(value) };
    secrets->count++;
}

static int take_json(struct secrets *secrets, const char *text, size_t size, struct err *err)
{
    struct json_limits limits = { .bytes_max = FILE_BYTES_MAX };
    struct json_doc *doc;
    int error = json_parse(text, size, &limits, &doc, err);
    if (error != 0) {
        return error;
    }
    struct json_iter iter = json_iter(json_root(doc));
    const char *name;
    const struct json_value *item;
    while (json_next(&iter, &name, &item)) {
        const char *value = json_get_text(item, NULL);
        if (value != NULL && name != NULL && secrets->count < SECRETS_MAX) {
            put(secrets, name, value);
        }
    }
    json_free(doc);
    return 0;
}

static int open_box(struct secrets *secrets, const char *path, const uint8_t *data, size_t size,
                    struct err *err)
{
    uint8_t key[KEY_BYTES];
    if (size < HEADER_BYTES + NONCE_BYTES + SEAL_BYTES || memcmp(data, header, HEADER_BYTES) != 0) {
        return err_set(err, BUSBAR_EDAMAGED, "%s is not a file of secrets", path);
    }
    int error = load_key(secrets, false, key, err);
    if (error != 0) {
        return error;
    }
    const uint8_t *nonce = data + HEADER_BYTES, *box = nonce + NONCE_BYTES;
    size_t box_size = size - HEADER_BYTES - NONCE_BYTES;
    uint8_t *plain = busbar_alloc(box_size);
    if (crypto_secretbox_open_easy(plain, box, box_size, nonce, key) != 0) {
        error = err_set(err, BUSBAR_EDAMAGED, "%s cannot be opened with its key", path);
        err_hint(err,
                 "bring both files back from the same backup, or remove %s and set the secrets"
                 " again",
                 path);
    } else {
        error = take_json(secrets, (const char *)plain, box_size - SEAL_BYTES, err);
    }
    sodium_memzero(plain, box_size);
    sodium_memzero(key, sizeof(key));
    busbar_free(plain);
    return error;
}

int secrets_open(const char *data_folder, struct secrets **out, struct err *err)
{
    char path[PATH_MAX];
    *out = NULL;
    struct secrets *secrets = busbar_alloc(sizeof(*secrets));
    int error = 0;
    if (!str_copy(secrets->folder, sizeof(secrets->folder), data_folder) ||
        !file_join(path, sizeof(path), data_folder, "secrets")) {
        error = err_set(err, BUSBAR_ELIMIT, "the path of the data folder is too long");
    } else if (file_exists(path)) {
        char *data = NULL;
        size_t size = 0;
        error = check_private(path, err);
        error = error == 0 ? file_read(file_ops_real(), path, FILE_BYTES_MAX, &data, &size, err)
                           : error;
        error = error == 0 ? open_box(secrets, path, (const uint8_t *)data, size, err) : error;
        busbar_free(data);
    }
    if (error != 0) {
        secrets_close(secrets);
        return error;
    }
    *out = secrets;
    return 0;
}

static void wipe_buf(struct buf *buf)
{
    if (buf->data != NULL) {
        sodium_memzero(buf->data, buf->size);
    }
    buf_fini(buf);
}

/* Seals all under a fresh nonce and replaces the file. */
static int save(const struct secrets *secrets, struct err *err)
{
    char path[PATH_MAX];
    uint8_t key[KEY_BYTES];
    int error = load_key(secrets, true, key, err);
    if (error != 0) {
        return error;
    }
    struct buf plain, sealed;
    buf_init(&plain, FILE_BYTES_MAX);
    buf_init(&sealed, FILE_BYTES_MAX);
    struct json_writer json = json_writer(&plain);
    json_begin_object(&json);
    for (size_t i = 0; i < secrets->count; i++) {
        json_put_string(&json, secrets->list[i].name, secrets->list[i].value);
    }
    json_end_object(&json);
    uint8_t nonce[NONCE_BYTES];
    randombytes_buf(nonce, sizeof(nonce));
    buf_append(&sealed, header, HEADER_BYTES);
    buf_append(&sealed, nonce, sizeof(nonce));
    uint8_t *box = buf_reserve(&sealed, plain.size + SEAL_BYTES);
    if (!json_complete(&json) || box == NULL ||
        !file_join(path, sizeof(path), secrets->folder, "secrets")) {
        error = err_set(err, BUSBAR_ELIMIT, "too many or too big secrets");
    } else {
        crypto_secretbox_easy(box, plain.data, plain.size, nonce, key);
        buf_commit(&sealed, plain.size + SEAL_BYTES);
        error = file_write(file_ops_real(), path, sealed.data, sealed.size, PRIVATE_MODE, err);
    }
    sodium_memzero(key, sizeof(key));
    wipe_buf(&plain);
    buf_fini(&sealed);
    return error;
}

const char *secrets_get(const struct secrets *secrets, const char *name)
{
    bool found;
    size_t place = place_of(secrets, name, &found);
    return found ? secrets->list[place].value : NULL;
}

static void drop(struct secrets *secrets, size_t place)
{
    busbar_free(secrets->list[place].name);
    wipe_text(secrets->list[place].value);
    secrets->count--;
    memmove(&secrets->list[place], &secrets->list[place + 1],
            (secrets->count - place) * sizeof(*secrets->list));
}

int secrets_set(struct secrets *secrets, const char *name, const char *value, struct err *err)
{
    size_t size = strlen(value);
    if (!secrets_name_valid(name, err)) {
        return BUSBAR_EINVAL;
    }
    if (size == 0 || size > SECRET_VALUE_MAX || !str_is_utf8(value, size)) {
        return err_set(err, BUSBAR_EINVAL, "a secret is a text of 1 to %d bytes",
                       (int)SECRET_VALUE_MAX);
    }
    bool found;
    size_t place = place_of(secrets, name, &found);
    if (!found && secrets->count == SECRETS_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "more than %d secrets", (int)SECRETS_MAX);
    }
    char *old = found ? busbar_strdup(secrets->list[place].value) : NULL;
    put(secrets, name, value);
    int error = save(secrets, err);
    if (error != 0 && old != NULL) {
        put(secrets, name, old); /* what is in the file stays what is in memory */
    } else if (error != 0) {
        drop(secrets, place);
    }
    wipe_text(old);
    return error;
}

int secrets_remove(struct secrets *secrets, const char *name, struct err *err)
{
    bool found;
    size_t place = place_of(secrets, name, &found);
    if (!found) {
        return err_set(err, BUSBAR_ENOENT, "there is no secret '%.100s'", name);
    }
    struct secret old = { .name = busbar_strdup(secrets->list[place].name),
                          .value = busbar_strdup(secrets->list[place].value) };
    drop(secrets, place);
    int error = save(secrets, err);
    if (error != 0) {
        put(secrets, old.name, old.value);
    }
    busbar_free(old.name);
    wipe_text(old.value);
    return error;
}

size_t secrets_count(const struct secrets *secrets)
{
    return secrets->count;
}

const char *secrets_name(const struct secrets *secrets, size_t index)
{
    return index < secrets->count ? secrets->list[index].name : NULL;
}
