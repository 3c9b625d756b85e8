/* SPDX-License-Identifier: Apache-2.0 */
/* busbar snmp translate | mibs: names and meanings of OIDs, without a gateway and without a network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "drivers/snmp/mib/prepared.h"

enum { TEXT_MAX = 16 << 20, ROW_MAX = 65536, PATH_BYTES = 1024, WIDTH = 12, ENUMS_SHOWN = 24 };

static const char *const kinds[] = {
    [MIB_NODE] = "node", [MIB_SCALAR] = "scalar", [MIB_TABLE] = "table",
    [MIB_ROW] = "row",   [MIB_COLUMN] = "column", [MIB_NOTIFICATION] = "notification",
};
static const char *const syntaxes[] = {
    [MIB_NONE] = "",
    [MIB_INTEGER] = "INTEGER",
    [MIB_UNSIGNED] = "Unsigned32",
    [MIB_COUNTER32] = "Counter32",
    [MIB_COUNTER64] = "Counter64",
    [MIB_TIMETICKS] = "TimeTicks",
    [MIB_OCTETS] = "OCTET STRING",
    [MIB_OID] = "OBJECT IDENTIFIER",
    [MIB_BITS] = "BITS",
    [MIB_IP_ADDRESS] = "IpAddress",
    [MIB_OPAQUE] = "Opaque",
};
static const char *const accesses[] = {
    [MIB_NOT_ACCESSIBLE] = "not-accessible", [MIB_FOR_NOTIFY] = "accessible-for-notify",
    [MIB_READ_ONLY] = "read-only",           [MIB_READ_WRITE] = "read-write",
    [MIB_READ_CREATE] = "read-create",
};

/* ---- the catalogue ---- */

struct names {
    struct cli *cli;
    struct prepared *prepared; /* NULL: what busbar knows by itself */
    const struct mib *mib;
    struct progress progress;
    struct json_writer *json; /* problems go there too; NULL: only to stderr */
    size_t problems;
};

static void on_problem(void *ctx, const struct err *err)
{
    struct names *names = ctx;
    names->problems++;
    if (names->json != NULL) {
        json_begin_object(names->json);
        json_put_string(names->json, "file", err->file);
        json_put_i64(names->json, "line", err->line);
        json_put_string(names->json, "message", err->message);
        json_put_string(names->json, "hint", err->hint);
        json_end_object(names->json);
        return;
    }
    progress_end(&names->progress);
    fputs(err->file, stderr);
    if (err->line > 0) {
        fprintf(stderr, ":%d", err->line);
    }
    fprintf(stderr, ": warning: %s\n", err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "      | hint: %s\n", err->hint);
    }
}

static void on_progress(void *ctx, const char *module, const char *file, size_t done, size_t total)
{
    struct names *names = ctx;
    (void)file;
    (void)str_format(names->progress.what, sizeof names->progress.what, "compiling %s", module);
    progress_at(&names->progress, done, total);
}

/* Of this user: compiled modules are kept for the next time. NULL: there is no such place. */
static const char *cache_folder(char *to, size_t size)
{
    const char *base = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (base != NULL && base[0] == '/') {
        (void)str_format(to, size, "%s/busbar", base);
    } else if (home != NULL && home[0] == '/') {
        (void)str_format(to, size, "%s/.cache/busbar", home);
    } else {
        return NULL;
    }
    return to;
}

/* folder NULL: the modules that busbar knows by itself. 0, or an exit code after saying why. */
static int open_names(struct names *names, const char *folder)
{
    char cache[PATH_BYTES];
    struct prepare how = { .cache = cache_folder(cache, sizeof cache),
                           .warn = on_problem,
                           .ctx = names };
    struct mib_prepare_how with = { .prepare = &how, .progress = on_progress, .ctx = names };
    struct err err = { 0 };
    int error = 0;
    progress_begin(&names->progress, names->cli);
    if (folder != NULL) {
        error = mib_prepare_with(folder, (struct position){ .file = folder }, &with,
                                 &names->prepared, &err);
    }
    progress_end(&names->progress);
    names->mib = mib_of_prepared(names->prepared);
    return error == 0 ? 0 : cli_fail_err(&err);
}

/* ---- translate ---- */

struct translated {
    struct snmp_oid_buf oid;
    const struct mib_object *object; /* NULL: not known */
    struct buf name, digits;
};

static int translate(const struct names *names, const char *text, struct translated *out)
{
    struct err err = { 0 };
    buf_init(&out->name, ROW_MAX);
    buf_init(&out->digits, ROW_MAX);
    int error = mib_resolve(names->mib, text, &out->oid, &out->object, &err);
    if (error != 0) {
        return cli_fail_err(&err);
    }
    mib_print(names->mib, out->oid.oid, &out->name);
    snmp_oid_print(out->oid.oid, &out->digits);
    return 0;
}

static void translated_fini(struct translated *translated)
{
    buf_fini(&translated->name);
    buf_fini(&translated->digits);
}

static const struct mib_object *row_of(const struct mib_object *object)
{
    return object->kind == MIB_ROW ? object : mib_row_of(object);
}

static void put_names(struct json_writer *json, const char *key,
                      const struct mib_object *const *objects, size_t count)
{
    json_put_array(json, key);
    for (size_t i = 0; i < count; i++) {
        json_string(json, objects[i]->name);
    }
    json_end_array(json);
}

static void put_object(struct json_writer *json, const struct mib_object *object)
{
    const struct mib_object *row = row_of(object);
    json_put_string(json, "module", object->module);
    json_put_string(json, "object", object->name);
    json_put_string(json, "kind", kinds[object->kind]);
    json_put_string(json, "syntax", syntaxes[object->syntax]);
    json_put_string(json, "convention", object->convention);
    json_put_string(json, "access", object->syntax != MIB_NONE ? accesses[object->access] : "");
    json_put_string(json, "units", object->units);
    json_put_string(json, "hint", object->hint);
    json_put_array(json, "values");
    for (size_t i = 0; i < object->enum_count; i++) {
        json_begin_object(json);
        json_put_i64(json, "value", object->enums[i].value);
        json_put_string(json, "name", object->enums[i].name);
        json_end_object(json);
    }
    json_end_array(json);
    json_put_array(json, "ranges");
    for (size_t i = 0; i < object->range_count; i++) {
        json_begin_object(json);
        json_put_i64(json, "low", object->ranges[i].low);
        json_put_i64(json, "high", object->ranges[i].high);
        json_end_object(json);
    }
    json_end_array(json);
    put_names(json, "indexes", row != NULL ? row->indexes : NULL,
              row != NULL ? row->index_count : 0);
    put_names(json, "objects", object->objects, object->object_count);
    json_put_string(json, "description", object->description);
}

static void put_translated(struct json_writer *json, const struct translated *translated)
{
    json_begin_object(json);
    json_put_string(json, "name", buf_text(&translated->name));
    json_put_string(json, "oid", buf_text(&translated->digits));
    if (translated->object != NULL) {
        put_object(json, translated->object);
    }
    json_end_object(json);
}

static void line(const char *what, const char *text)
{
    if (text[0] != '\0') {
        printf("  %-*s %s\n", WIDTH, what, text);
    }
}

static void line_names(const char *what, const struct mib_object *const *objects, size_t count,
                       const char *after)
{
    if (count > 0) {
        printf("  %-*s ", WIDTH, what);
        for (size_t i = 0; i < count; i++) {
            printf("%s%s", i > 0 ? ", " : "", objects[i]->name);
        }
        printf("%s\n", after);
    }
}

static void line_values(const struct mib_object *object)
{
    if (object->enum_count > 0) {
        printf("  %-*s ", WIDTH, object->syntax == MIB_BITS ? "bits" : "values");
        for (size_t i = 0; i < object->enum_count && i < ENUMS_SHOWN; i++) {
            printf("%s%s(%lld)", i > 0 ? ", " : "", object->enums[i].name,
                   (long long)object->enums[i].value);
        }
        printf("%s\n", object->enum_count > ENUMS_SHOWN ? ", ... (all with --json)" : "");
    }
}

static void line_ranges(const struct mib_object *object)
{
    if (object->range_count > 0) {
        printf("  %-*s ", WIDTH,
               object->syntax == MIB_OCTETS || object->syntax == MIB_OPAQUE ? "octets" : "range");
        for (size_t i = 0; i < object->range_count; i++) {
            const struct mib_range *range = &object->ranges[i];
            printf(range->low == range->high ? "%s%lld" : "%s%lld to %lld", i > 0 ? ", " : "",
                   (long long)range->low, (long long)range->high);
        }
        printf("\n");
    }
}

static void show(const struct translated *translated)
{
    const struct mib_object *object = translated->object;
    printf("%s\n", buf_text(&translated->name));
    line("oid", buf_text(&translated->digits));
    if (object == NULL) {
        line("kind", "not known; the file of the vendor's MIB module would tell (--mibs FOLDER)");
        return;
    }
    const struct mib_object *row = row_of(object);
    char syntax[MIB_NAME_MAX + 64];
    (void)str_format(syntax, sizeof syntax, object->convention[0] != '\0' ? "%s (%s)" : "%s%s",
                     object->convention[0] != '\0' ? object->convention : syntaxes[object->syntax],
                     object->convention[0] != '\0' ? syntaxes[object->syntax] : "");
    line("kind", kinds[object->kind]);
    line("syntax", syntax);
    line_values(object);
    line_ranges(object);
    line("units", object->units);
    line("hint", object->hint);
    line("access", object->syntax != MIB_NONE ? accesses[object->access] : "");
    line_names("indexes", row != NULL ? row->indexes : NULL, row != NULL ? row->index_count : 0,
               row != NULL && row->implied ? " (the last without its length)" : "");
    line_names("arguments", object->objects, object->object_count, "");
    line("description", object->description);
}

static const struct output_column translate_columns[] = {
    { "NAME", "name", OUTPUT_TEXT },
    { "OID", "oid", OUTPUT_TEXT },
    { "KIND", "kind", OUTPUT_TEXT },
    { "SYNTAX", "syntax", OUTPUT_TEXT },
    { "ACCESS", "access", OUTPUT_TEXT },
    { "UNITS", "units", OUTPUT_TEXT },
    { 0 },
};

/* One object of JSON as a row of a list. */
static void row_from(struct output *out, const struct translated *translated)
{
    struct json_doc *doc = NULL;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    struct json_writer json = json_writer(&text);
    put_translated(&json, translated);
    if (json_parse(buf_text(&text), text.size, &(struct json_limits){ .bytes_max = TEXT_MAX }, &doc,
                   NULL) == 0) {
        output_row(out, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
}

int cli_snmp_translate(struct cli *cli)
{
    struct names names = { .cli = cli };
    struct output out;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    struct json_writer json = json_writer(&text);
    int rc = open_names(&names, cli_flag(cli, "mibs"));
    int worst = rc;
    json_begin_array(&json);
    if (rc == 0 && cli->format == CLI_CSV) {
        output_begin(&out, cli, translate_columns);
    }
    for (int i = 0; rc == 0 && i < cli->arg_count; i++) {
        struct translated translated;
        int failed = translate(&names, cli->args[i], &translated);
        worst = failed != 0 ? failed : worst;
        if (failed == 0 && cli->format == CLI_JSON) {
            put_translated(&json, &translated);
        } else if (failed == 0 && cli->format == CLI_CSV) {
            row_from(&out, &translated);
        } else if (failed == 0) {
            show(&translated);
        }
        translated_fini(&translated);
    }
    json_end_array(&json);
    if (rc == 0 && cli->format == CLI_CSV) {
        (void)output_end(&out);
    }
    if (rc == 0 && cli->format == CLI_JSON) {
        rc = output_json_text(cli, &text);
        worst = rc != 0 ? rc : worst;
    }
    buf_fini(&text);
    prepared_drop(names.prepared);
    return worst;
}

/* ---- mibs ---- */

static const struct output_column mibs_columns[] = {
    { "MODULE", "module", OUTPUT_TEXT },
    { "OBJECTS", "objects", OUTPUT_NUMBER },
    { "FILE", "file", OUTPUT_TEXT },
    { 0 },
};

static void put_module(struct json_writer *json, const struct mib_module *module)
{
    json_begin_object(json);
    json_put_string(json, "module", module->name);
    json_put_u64(json, "objects", module->objects);
    json_put_string(json, "file", module->file);
    json_end_object(json);
}

/* Of a folder those in its files, else all. */
static bool is_shown(const struct names *names, const struct mib_module *module)
{
    return names->prepared == NULL || module->file[0] != '\0';
}

static int list_modules(const struct names *names)
{
    struct output out;
    output_begin(&out, names->cli, mibs_columns);
    for (size_t i = 0; i < mib_module_count(names->mib); i++) {
        struct json_doc *doc = NULL;
        struct buf text;
        buf_init(&text, ROW_MAX);
        struct json_writer json = json_writer(&text);
        put_module(&json, mib_module_at(names->mib, i));
        if (is_shown(names, mib_module_at(names->mib, i)) &&
            json_parse(buf_text(&text), text.size, NULL, &doc, NULL) == 0) {
            output_row(&out, json_root(doc));
        }
        json_free(doc);
        buf_fini(&text);
    }
    return output_end(&out);
}

static void sum_up(const struct names *names)
{
    size_t modules = 0;
    for (size_t i = 0; i < mib_module_count(names->mib); i++) {
        modules += is_shown(names, mib_module_at(names->mib, i));
    }
    if (!names->cli->quiet && names->cli->format == CLI_TABLE) {
        fprintf(stderr, "%zu modules, %zu objects in all, %zu problems\n", modules,
                mib_count(names->mib), names->problems);
    }
}

int cli_snmp_mibs(struct cli *cli)
{
    struct names names = { .cli = cli };
    struct buf text;
    buf_init(&text, TEXT_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_array(&json, "problems");
    names.json = cli->format == CLI_JSON ? &json : NULL;
    int rc = open_names(&names, cli->arg_count > 0 ? cli->args[0] : NULL);
    json_end_array(&json);
    if (rc == 0 && cli->format == CLI_JSON) {
        json_put_array(&json, "modules");
        for (size_t i = 0; i < mib_module_count(names.mib); i++) {
            if (is_shown(&names, mib_module_at(names.mib, i))) {
                put_module(&json, mib_module_at(names.mib, i));
            }
        }
        json_end_array(&json);
        json_end_object(&json);
        rc = output_json_text(cli, &text);
    } else if (rc == 0) {
        rc = list_modules(&names);
        sum_up(&names);
    }
    buf_fini(&text);
    prepared_drop(names.prepared);
    return rc == 0 && names.problems > 0 ? CLI_PROBLEMS : rc;
}

int cli_compile_mibs(struct cli *cli)
{
    (void)cli;
    return mib_apart_main();
}
