/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/schemas.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "payload/schema_parts.h"

enum { PATH_BYTES = 1024, NAMES_MAX = 10 * PAYLOAD_SCHEMA_FILES_MAX };

static void free_schemas(struct prepared *prepared)
{
    struct payload_schemas *schemas = (struct payload_schemas *)prepared;
    map_fini(&schemas->by_name);
    map_fini(&schemas->enum_by_name);
    arena_fini(&schemas->arena);
    busbar_free(schemas);
}

static struct payload_schemas *new_schemas(void)
{
    struct payload_schemas *schemas = busbar_alloc(sizeof(*schemas));
    atomic_init(&schemas->prepared.holders, 1);
    schemas->prepared.free = free_schemas;
    arena_init(&schemas->arena, SCHEMA_BYTES_MAX);
    return schemas;
}

/* ---- types by their names ---- */

static void warn(const struct prepare *how, const struct err *err)
{
    if (how != NULL && how->warn != NULL) {
        how->warn(how->ctx, err);
    }
}

/* What a field's type_name means; a field whose type is not there is of no use. */
static bool resolve_field(const struct payload_schemas *schemas, struct schema_field *field)
{
    const char *name = field->type_name != NULL ? field->type_name : "";
    name += name[0] == '.';
    if (field->type == SCHEMA_MESSAGE) {
        field->message = map_get(&schemas->by_name, name);
        return field->message != NULL;
    }
    if (field->type == SCHEMA_ENUM) {
        field->words = map_get(&schemas->enum_by_name, name);
        return field->words != NULL;
    }
    return true;
}

static void resolve(struct payload_schemas *schemas, const struct prepare *how)
{
    for (struct payload_schema *message = schemas->messages; message != NULL;
         message = message->next) {
        for (size_t i = 0; i < message->count; i++) {
            struct schema_field *field = &message->fields[i];
            if (field->type != 0 && field->type != SCHEMA_GROUP && !resolve_field(schemas, field)) {
                struct err err = { 0 };
                err_set(&err, BUSBAR_ENOENT, "%s.%s is of the type '%s', which is in no file",
                        message->name, field->name,
                        field->type_name != NULL ? field->type_name : "");
                err_hint(&err, "make the file with protoc --include_imports");
                warn(how, &err);
                field->type = 0;
                field->implicit = false;
            }
        }
    }
    for (struct payload_schema *message = schemas->messages; message != NULL;
         message = message->next) {
        const struct schema_field *key = payload_schema_field(message, 1);
        const struct schema_field *value = payload_schema_field(message, 2);
        message->map_entry = message->map_entry && key != NULL && value != NULL && key->type != 0 &&
                             value->type != 0 && !value->repeated && key->type != SCHEMA_MESSAGE &&
                             key->type != SCHEMA_GROUP;
    }
}

int payload_schemas_read(struct bytes descriptors, struct prepared **out, struct err *err)
{
    struct payload_schemas *schemas = new_schemas();
    int error = payload_descriptor_read(schemas, descriptors, err);
    if (error != 0) {
        free_schemas(&schemas->prepared);
        return error;
    }
    resolve(schemas, NULL);
    schemas->prepared.hash = hash_bytes(descriptors.at, bytes_left(&descriptors));
    *out = &schemas->prepared;
    return 0;
}

/* ---- the folder ---- */

static int read_one(struct payload_schemas *schemas, const char *path, struct err *err)
{
    char *data = NULL;
    size_t size = 0;
    int error = file_read(file_ops_real(), path, PAYLOAD_SCHEMA_BYTES_MAX, &data, &size, err);
    if (error == 0) {
        schemas->prepared.hash =
            hash_u64(schemas->prepared.hash ^
                     hash_text(strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path)) ^
            hash_bytes(data, size);
        error = payload_descriptor_read(schemas, bytes_of(data, size), err);
        if (error != 0) {
            (void)err_prefix(err, "%s", path);
            err_hint(err, "files of descriptors are made by protoc --include_imports "
                          "--descriptor_set_out=FILE");
        }
    }
    busbar_free(data);
    return error;
}

static int read_folder(struct payload_schemas *schemas, const char *folder,
                       const struct prepare *how, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    size_t files = 0;
    int error = file_list(folder, NULL, NAMES_MAX, &names, &count, err);
    if (error != 0) {
        return err_hint(err, error == BUSBAR_ENOENT ? "make the folder, or correct its name"
                                                    : "let the gateway's user read it");
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        char path[PATH_BYTES];
        struct err why = { 0 };
        if (names[i][0] == '.' || !file_join(path, sizeof(path), folder, names[i]) ||
            file_is_folder(path)) {
            continue;
        }
        if (files++ == PAYLOAD_SCHEMA_FILES_MAX) {
            error = err_set(err, BUSBAR_ELIMIT, "%s: more than %d files", folder,
                            PAYLOAD_SCHEMA_FILES_MAX);
        } else if (read_one(schemas, path, &why) != 0) {
            warn(how, &why);
        }
    }
    busbar_free(names);
    return error;
}

int payload_schemas_load(const char *folder, const struct prepare *how, struct prepared **out,
                         struct err *err)
{
    struct payload_schemas *schemas = new_schemas();
    char path[PATH_BYTES];
    int error = 0;
    if (folder != NULL && folder[0] != '\0') {
        const char *from = how != NULL && how->folder != NULL ? how->folder : ".";
        error = file_join(path, sizeof(path), from, folder)
                    ? read_folder(schemas, path, how, err)
                    : err_set(err, BUSBAR_ELIMIT, "the folder's name is too long");
    }
    if (error != 0) {
        free_schemas(&schemas->prepared);
        return error;
    }
    resolve(schemas, how);
    *out = &schemas->prepared;
    return 0;
}

/* ---- finding ---- */

/* "Reading" is meant by "Reading" and by "acme.Reading", when there is but one. */
static bool is_named(const struct payload_schema *schema, const char *name)
{
    size_t whole = strlen(schema->name);
    size_t size = strlen(name);
    return whole > size && schema->name[whole - size - 1] == '.' &&
           strcmp(schema->name + whole - size, name) == 0;
}

static void propose(const struct payload_schemas *schemas, const char *name, struct err *err)
{
    const char *best = NULL;
    for (const struct payload_schema *at = schemas->messages; at != NULL; at = at->next) {
        const char *last = strrchr(at->name, '.');
        const char *pair[] = { at->name, last != NULL ? last + 1 : at->name, best };
        const char *nearer = at->map_entry ? NULL : str_nearest(name, pair, 3);
        best = nearer == NULL || nearer == best ? best : nearer;
    }
    if (best != NULL) {
        err_hint(err, "did you mean '%s'?", best);
    } else if (schemas->messages == NULL) {
        err_hint(err, "put files of descriptors into the folder that `schemas` names");
    } else {
        err_hint(err, "`protoc --decode_raw` shows what a message has in it");
    }
}

int payload_schemas_find(const struct payload_schemas *schemas, const char *name,
                         const struct payload_schema **out, struct err *err)
{
    name += name[0] == '.';
    if (schemas == NULL) {
        err_set(err, BUSBAR_ENOENT, "no Protobuf message is known, hence no '%s'", name);
        return err_hint(err, "name a folder with files of descriptors: schemas: FOLDER");
    }
    const struct payload_schema *found = map_get(&schemas->by_name, name);
    const struct payload_schema *second = NULL;
    if (found == NULL) {
        for (const struct payload_schema *at = schemas->messages; at != NULL; at = at->next) {
            if (is_named(at, name)) {
                second = found;
                found = at;
            }
        }
    }
    if (second != NULL) {
        err_set(err, BUSBAR_ENOENT, "'%s' can be %s or %s", name, second->name, found->name);
        return err_hint(err, "write the whole name");
    }
    if (found == NULL) {
        err_set(err, BUSBAR_ENOENT, "there is no Protobuf message '%s'", name);
        propose(schemas, name, err);
        return BUSBAR_ENOENT;
    }
    *out = found;
    return 0;
}
