/* SPDX-License-Identifier: Apache-2.0 */
/* What was refused, for people to see. The certificate and what is known of it are two files:
 *
 *   refused/FINGERPRINT.der
 *   refused/FINGERPRINT.json   {"fault":"untrusted","peer":"opc.tcp://10.0.3.5:48250","device":"press-1",
 *                               "words":"...","first":1763800000000000,"last":...,"times":12}
 *
 * The second is written when something of it changed, not with each attempt: of these the memory knows until
 * the store is closed. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/trust_private.h"

enum { REFUSAL_BYTES_MAX = 4096 };

static bool side_path(const struct trust *trust, const char *fingerprint, const char *end,
                      char path[TRUST_PATH_MAX])
{
    char name[96];
    str_format(name, sizeof(name), "%s%s", fingerprint, end);
    return trust_path(trust, FOLDER_REFUSED, name, path);
}

static void copy_member(const struct json_value *root, const char *key, char *to, size_t size)
{
    const char *text = json_get_text(json_get(root, key), NULL);
    str_copy(to, size, text != NULL ? text : "");
}

static int64_t number(const struct json_value *root, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;
    return json_get_i64(json_get(root, key), &value) == 0 && value >= 0 ? value : otherwise;
}

static enum trust_fault fault_named(const char *word)
{
    for (int fault = TRUST_FINE; word != NULL && fault <= TRUST_WRONG_URI; fault++) {
        if (strcmp(trust_fault_word((enum trust_fault)fault), word) == 0) {
            return (enum trust_fault)fault;
        }
    }
    return TRUST_UNTRUSTED;
}

struct trust_refusal *trust_refusal_load(const struct trust *trust, const char *fingerprint,
                                         int64_t changed_us)
{
    struct trust_refusal *refusal = busbar_alloc(sizeof(*refusal));
    char path[TRUST_PATH_MAX];
    char *text = NULL;
    size_t size = 0;
    struct json_doc *doc = NULL;
    refusal->fault = TRUST_UNTRUSTED;
    refusal->first_us = refusal->last_us = changed_us;
    if (side_path(trust, fingerprint, ".json", path) &&
        file_read(file_ops_real(), path, REFUSAL_BYTES_MAX, &text, &size, NULL) == 0 &&
        json_parse(text, size, NULL, &doc, NULL) == 0) {
        const struct json_value *root = json_root(doc);
        refusal->fault = fault_named(json_get_text(json_get(root, "fault"), NULL));
        copy_member(root, "peer", refusal->peer, sizeof(refusal->peer));
        copy_member(root, "device", refusal->device, sizeof(refusal->device));
        copy_member(root, "words", refusal->words, sizeof(refusal->words));
        refusal->first_us = number(root, "first", changed_us);
        refusal->last_us = number(root, "last", changed_us);
        refusal->times = (uint64_t)number(root, "times", 0);
    }
    json_free(doc);
    busbar_free(text);
    return refusal;
}

static int save(const struct trust *trust, const char *fingerprint,
                const struct trust_refusal *refusal, struct err *err)
{
    struct buf text;
    char path[TRUST_PATH_MAX];
    buf_init(&text, REFUSAL_BYTES_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_string(&json, "fault", trust_fault_word(refusal->fault));
    json_put_string(&json, "peer", refusal->peer);
    json_put_string(&json, "device", refusal->device);
    json_put_string(&json, "words", refusal->words);
    json_put_i64(&json, "first", refusal->first_us);
    json_put_i64(&json, "last", refusal->last_us);
    json_put_u64(&json, "times", refusal->times);
    json_end_object(&json);
    int error = json_complete(&json) && side_path(trust, fingerprint, ".json", path)
                    ? file_write(file_ops_real(), path, text.data, text.size, 0600, err)
                    : err_set(err, BUSBAR_ELIMIT, "it is too long");
    buf_fini(&text);
    return error;
}

/* ---- the bound ---- */

void trust_forget(struct trust *trust, const char *fingerprint)
{
    struct trust_folder *folder = &trust->folders[FOLDER_REFUSED];
    char path[TRUST_PATH_MAX];
    list_each_safe(at, &folder->entries) {
        struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        if (strcmp(entry->fingerprint, fingerprint) == 0) {
            if (trust_path(trust, FOLDER_REFUSED, entry->name, path)) {
                (void)unlink(path);
            }
            trust_entry_free(entry);
            folder->count--;
        }
    }
    if (fingerprint[0] != '\0' && side_path(trust, fingerprint, ".json", path)) {
        (void)unlink(path);
    }
    trust_count(trust);
}

/* Room for one more: those heard of least recently go. */
static void make_room(struct trust *trust)
{
    struct trust_folder *folder = &trust->folders[FOLDER_REFUSED];
    while (folder->count >= TRUST_REFUSED_MAX) {
        struct trust_entry *oldest = NULL;
        char fingerprint[65];
        list_each(at, &folder->entries) {
            struct trust_entry *entry = list_entry(at, struct trust_entry, link);
            if (oldest == NULL || entry->refusal->last_us < oldest->refusal->last_us) {
                oldest = entry;
            }
        }
        str_copy(fingerprint, sizeof(fingerprint), oldest->fingerprint);
        trust_forget(trust, fingerprint);
    }
}

/* ---- keeping ---- */

static void keep_new(struct trust *trust, X509 *cert, const struct trust_seen *seen,
                     struct trust_refusal *refusal)
{
    struct trust_entry entry = { .cert = cert };
    char path[TRUST_PATH_MAX];
    struct buf der;
    struct err err = { 0 };
    make_room(trust);
    buf_init(&der, TRUST_CERTIFICATE_MAX);
    int error = save(trust, seen->fingerprint, refusal, &err);
    if (error == 0) {
        error = trust_der(&entry, &der) == 0 && side_path(trust, seen->fingerprint, ".der", path)
                    ? file_write(file_ops_real(), path, der.data, der.size, 0600, &err)
                    : err_set(&err, BUSBAR_ELIMIT, "it is too long");
    }
    buf_fini(&der);
    if (error != 0) {
        busbar_log(LOG_LEVEL_ERROR, "trust", NULL, "cannot keep the refused certificate %.16s: %s",
                   seen->fingerprint, err.message);
    }
    trust_changed(trust, FOLDER_REFUSED);
    if (seen->peer[0] != '\0') { /* else a person took trust back */
        busbar_log(LOG_LEVEL_WARN, "trust", seen->device[0] != '\0' ? seen->device : NULL,
                   "refused the certificate of %s: %s", seen->peer, seen->words);
    }
}

static void fill(struct trust_refusal *refusal, const struct trust_seen *seen)
{
    refusal->fault = seen->fault;
    str_copy(refusal->peer, sizeof(refusal->peer), seen->peer);
    str_copy(refusal->device, sizeof(refusal->device), seen->device);
    str_copy(refusal->words, sizeof(refusal->words), seen->words);
}

void trust_refuse(struct trust *trust, X509 *cert, struct trust_seen *seen, int64_t now_us)
{
    struct trust_refusal made = { .first_us = now_us };
    struct trust_entry *entry = trust_find(&trust->folders[FOLDER_REFUSED], seen->fingerprint);
    struct trust_refusal *refusal = entry != NULL ? entry->refusal : &made;
    bool same = entry != NULL && refusal->fault == seen->fault &&
                strcmp(refusal->peer, seen->peer) == 0 &&
                strcmp(refusal->device, seen->device) == 0 &&
                strcmp(refusal->words, seen->words) == 0;
    fill(refusal, seen);
    refusal->last_us = now_us;
    refusal->times++;
    if (entry == NULL) {
        keep_new(trust, cert, seen, refusal);
    } else if (!same) {
        (void)save(trust, seen->fingerprint, refusal, NULL);
        trust_count(trust);
    }
    seen->first_us = refusal->first_us;
    seen->last_us = refusal->last_us;
    seen->times = refusal->times;
}

void trust_unrefuse(struct trust *trust, const struct trust_seen *seen)
{
    const struct trust_entry *entry = trust_find(&trust->folders[FOLDER_REFUSED],
                                                 seen->fingerprint);
    if (entry != NULL && strcmp(entry->refusal->peer, seen->peer) == 0) {
        trust_forget(trust, seen->fingerprint);
    }
}

void trust_refusals_save(struct trust *trust)
{
    list_each(at, &trust->folders[FOLDER_REFUSED].entries) {
        const struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        if (entry->fingerprint[0] != '\0' && entry->refusal->times > 0) {
            (void)save(trust, entry->fingerprint, entry->refusal, NULL);
        }
    }
}
