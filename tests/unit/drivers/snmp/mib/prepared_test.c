/* SPDX-License-Identifier: Apache-2.0 */
/* Modules of a site: compiled by a process of its own (this program again, see main), kept in a cache, and what is said
 * of broken ones. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "drivers/snmp/mib/prepared.h"
#include "support/quiet.h"

enum { PROBLEMS_MAX = 32, TEXT_MAX = 1024 };

/* With a file of this name the process dies of ACME-MIB. */
#define DIES_OF_ACME "dies-of-acme"

static const char acme[] =
    "-- of the vendor\n"
    "ACME-MIB DEFINITIONS ::= BEGIN\n"
    "IMPORTS enterprises, OBJECT-TYPE, NOTIFICATION-TYPE, Unsigned32 FROM SNMPv2-SMI\n"
    "    DisplayString, TEXTUAL-CONVENTION FROM SNMPv2-TC;\n"
    "acme OBJECT IDENTIFIER ::= { enterprises 99999 }\n"
    "Percent ::= TEXTUAL-CONVENTION DISPLAY-HINT \"d-1\" STATUS current\n"
    "    DESCRIPTION \"x\" SYNTAX Unsigned32 (0..4294967295)\n"
    "acmeLevel OBJECT-TYPE SYNTAX Percent UNITS \"%\" MAX-ACCESS read-write STATUS current\n"
    "    DESCRIPTION \"How full\n      it   is.\" ::= { acme 1 }\n"
    "acmeTable OBJECT-TYPE SYNTAX SEQUENCE OF AcmeEntry MAX-ACCESS not-accessible STATUS current\n"
    "    DESCRIPTION \"x\" ::= { acme 2 }\n"
    "acmeEntry OBJECT-TYPE SYNTAX AcmeEntry MAX-ACCESS not-accessible STATUS current\n"
    "    DESCRIPTION \"x\" INDEX { IMPLIED acmeName } ::= { acmeTable 1 }\n"
    "AcmeEntry ::= SEQUENCE { acmeName DisplayString, acmeState INTEGER }\n"
    "acmeName OBJECT-TYPE SYNTAX DisplayString (SIZE (1..20)) MAX-ACCESS not-accessible\n"
    "    STATUS current DESCRIPTION \"x\" ::= { acmeEntry 1 }\n"
    "acmeState OBJECT-TYPE SYNTAX INTEGER { on(2), off(1) } MAX-ACCESS read-create\n"
    "    STATUS current DESCRIPTION \"x\" ::= { acmeEntry 2 }\n"
    "acmeFull NOTIFICATION-TYPE OBJECTS { acmeLevel, acmeState } STATUS current\n"
    "    DESCRIPTION \"x\" ::= { acme 0 1 }\n"
    "END\n";

static const char broken[] = "BROKEN-MIB DEFINITIONS ::= BEGIN\n"
                             "IMPORTS enterprises FROM SNMPv2-SMI;\n"
                             "good OBJECT IDENTIFIER ::= { enterprises 99998 }\n"
                             "bad OBJECT-TYPE SYNTAX INTEGER (((( ::= 4\n"
                             "END\n";

static const char orphan[] = "ORPHAN-MIB DEFINITIONS ::= BEGIN\n"
                             "IMPORTS parent FROM MISSING-MIB;\n"
                             "child OBJECT IDENTIFIER ::= { parent 1 }\n"
                             "END\n";

static const char old_trap[] =
    "OLD-MIB DEFINITIONS ::= BEGIN\n"
    "IMPORTS enterprises FROM RFC1155-SMI OBJECT-TYPE FROM RFC-1212 TRAP-TYPE FROM RFC-1215;\n"
    "old OBJECT IDENTIFIER ::= { enterprises 99997 }\n"
    "oldFan OBJECT-TYPE SYNTAX INTEGER ACCESS read-only STATUS mandatory ::= { old 1 }\n"
    "oldFailed TRAP-TYPE ENTERPRISE old VARIABLES { oldFan } DESCRIPTION \"x\" ::= 7\n"
    "END\n";

struct rig {
    char folder[64], mibs[96], cache[96];
    char program[1024];
    struct err problems[PROBLEMS_MAX];
    size_t problem_count;
    size_t told, total; /* of progress */
    struct prepared *prepared;
    struct err err;
};

static void on_warn(void *ctx, const struct err *err)
{
    struct rig *rig = ctx;
    if (rig->problem_count < PROBLEMS_MAX) {
        rig->problems[rig->problem_count++] = *err;
    }
}

static void on_progress(void *ctx, const char *module, const char *file, size_t done, size_t total)
{
    struct rig *rig = ctx;
    assert_true(module[0] != '\0');
    assert_non_null(file);
    assert_true(done < total);
    rig->told++;
    rig->total = total;
}

static void put(const struct rig *rig, const char *name, const char *text, size_t size)
{
    char path[256];
    struct err err;
    (void)str_format(path, sizeof(path), "%s/%s", rig->mibs, name);
    assert_int_equal(file_write(file_ops_real(), path, text, size, 0600, &err), 0);
}

static int set_up(void **state)
{
    struct rig *rig = busbar_alloc(sizeof(*rig));
    struct err err;
    (void)str_copy(rig->folder, sizeof(rig->folder), "/tmp/busbar-mibs-XXXXXX");
    if (mkdtemp(rig->folder) == NULL) {
        return -1;
    }
    (void)str_format(rig->mibs, sizeof(rig->mibs), "%s/mibs", rig->folder);
    (void)str_format(rig->cache, sizeof(rig->cache), "%s/cache", rig->folder);
    *state = rig;
    return file_make_folders(file_ops_real(), rig->mibs, 0700, &err);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    prepared_drop(rig->prepared);
    static const char *const folders[] = { "mibs/below", "mibs", "cache", "" };
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char folder[192];
        char **names;
        size_t count;
        (void)str_format(folder, sizeof(folder), "%s/%s", rig->folder, folders[i]);
        if (file_list(folder, NULL, 1000, &names, &count, NULL) == 0) {
            for (size_t n = 0; n < count; n++) {
                char path[512];
                (void)str_format(path, sizeof(path), "%s/%s", folder, names[n]);
                (void)unlink(path);
            }
            busbar_free(names);
        }
        (void)rmdir(folder);
    }
    busbar_free(rig);
    return 0;
}

/* program NULL: this one. */
static int prepare(struct rig *rig, const char *mibs, const char *program)
{
    struct prepare how = {
        .folder = rig->folder, .cache = rig->cache, .warn = on_warn, .ctx = rig
    };
    struct mib_prepare_how with = {
        .prepare = &how, .program = program, .progress = on_progress, .ctx = rig
    };
    prepared_drop(rig->prepared);
    rig->prepared = NULL;
    rig->problem_count = 0;
    rig->told = 0;
    return mib_prepare_with(mibs, (struct position){ .file = "site.yaml", .line = 3 }, &with,
                            &rig->prepared, &rig->err);
}

static const struct mib *mib_of(const struct rig *rig)
{
    assert_non_null(rig->prepared);
    return mib_of_prepared(rig->prepared);
}

static void a_module_of_a_vendor(void **state)
{
    struct rig *rig = *state;
    put(rig, "whatever.txt", acme, strlen(acme));
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_int_equal(rig->problem_count, 0);
    const struct mib *mib = mib_of(rig);
    const struct mib_object *level = mib_named(mib, "ACME-MIB::acmeLevel");
    assert_non_null(level);
    assert_int_equal(level->kind, MIB_SCALAR);
    assert_int_equal(level->syntax, MIB_UNSIGNED);
    assert_string_equal(level->convention, "Percent");
    assert_string_equal(level->hint, "d-1");
    assert_string_equal(level->units, "%");
    assert_string_equal(level->description, "How full it is.");
    assert_true(level->ranges[0].high == 4294967295);
    const struct mib_object *acme_state = mib_named(mib, "acmeState");
    assert_int_equal(acme_state->kind, MIB_COLUMN);
    assert_int_equal(acme_state->access, MIB_READ_CREATE);
    assert_string_equal(acme_state->enums[0].name, "off"); /* by value */
    assert_true(mib_row_of(acme_state)->implied);
    assert_string_equal(mib_row_of(acme_state)->indexes[0]->name, "acmeName");
    assert_int_equal(mib_named(mib, "acmeFull")->object_count, 2);
    assert_non_null(mib_named(mib, "ifOperStatus")); /* the standard ones are there, too */
    assert_string_equal(mib_module_at(mib, mib_module_count(mib) - 1)->file, "");
    assert_int_equal(rig->told, rig->total);
    assert_true(rig->total > 40);
}

static void traps_of_version_1(void **state)
{
    struct rig *rig = *state;
    struct buf oid;
    put(rig, "old.my", old_trap, strlen(old_trap));
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_int_equal(rig->problem_count, 0);
    const struct mib_object *failed = mib_named(mib_of(rig), "oldFailed");
    buf_init(&oid, TEXT_MAX);
    snmp_oid_print(failed->oid, &oid);
    /* RFC 2576, 3.1: enterprise, 0, specific */
    assert_string_equal(buf_text(&oid), "1.3.6.1.4.1.99997.0.7");
    assert_int_equal(failed->kind, MIB_NOTIFICATION);
    assert_string_equal(failed->objects[0]->name, "oldFan");
    buf_fini(&oid);
}

static void broken_ones_are_named_and_the_rest_goes_on(void **state)
{
    struct rig *rig = *state;
    put(rig, "a-broken.mib", broken, strlen(broken));
    put(rig, "b-orphan.mib", orphan, strlen(orphan));
    put(rig, "c-acme.mib", acme, strlen(acme));
    put(rig, "d-empty.mib", "hello", 5);
    put(rig, "README", "no module", 9);
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_non_null(mib_named(mib_of(rig), "acmeLevel"));
    assert_null(mib_named(mib_of(rig), "child"));
    bool saw_broken = false, saw_missing = false, saw_undefined = false, saw_empty = false;
    for (size_t i = 0; i < rig->problem_count; i++) {
        const struct err *err = &rig->problems[i];
        assert_true(err->hint[0] != '\0');
        saw_broken |= strcmp(err->file, "mibs/a-broken.mib") == 0 && err->line == 4;
        saw_missing |= strcmp(err->file, "mibs/b-orphan.mib") == 0 && err->line == 2 &&
                       strstr(err->message, "ORPHAN-MIB: it imports MISSING-MIB, which is in no "
                                            "file") != NULL;
        saw_undefined |= strcmp(err->file, "mibs/b-orphan.mib") == 0 && err->line == 3 &&
                         strstr(err->message, "'parent' is defined nowhere") != NULL;
        saw_empty |= strcmp(err->file, "mibs/d-empty.mib") == 0;
        assert_string_not_equal(err->file, "mibs/README");
    }
    assert_true(saw_broken);
    assert_true(saw_missing);
    assert_true(saw_undefined);
    assert_true(saw_empty);
}

static void several_in_a_file_and_one_with_a_letter(void **state)
{
    struct rig *rig = *state;
    struct buf text;
    buf_init(&text, 1 << 16);
    (void)buf_append_text(&text, "\xef\xbb\xbf"
                                 "Dear customer,\nhere it is.\n");
    (void)buf_append_text(&text, acme);
    (void)buf_append_text(&text, old_trap);
    (void)buf_append_text(&text, broken);
    put(rig, "all.txt", buf_text(&text), text.size);
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_non_null(mib_named(mib_of(rig), "acmeLevel"));
    assert_non_null(mib_named(mib_of(rig), "OLD-MIB::oldFan"));
    int expected = 4; /* the line in BROKEN-MIB, and all before it */
    for (const char *at = buf_text(&text); *at != '\0'; at++) {
        expected += *at == '\n' && strlen(at) > strlen(broken);
    }
    assert_true(rig->problem_count > 0);
    assert_int_equal(rig->problems[0].line, expected);
    buf_fini(&text);
}

static void twice_the_same_module(void **state)
{
    struct rig *rig = *state;
    struct buf other;
    buf_init(&other, 1 << 16);
    (void)buf_append_text(&other, acme);
    put(rig, "1.mib", acme, strlen(acme));
    put(rig, "2.mib", acme, strlen(acme)); /* a copy does no harm */
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_int_equal(rig->problem_count, 0);
    *strstr((char *)other.data, "99999") = '8';
    put(rig, "2.mib", buf_text(&other), other.size);
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_int_equal(rig->problem_count, 1);
    assert_string_equal(rig->problems[0].file, "mibs/2.mib");
    assert_non_null(strstr(rig->problems[0].message, "ACME-MIB is also in mibs/1.mib"));
    struct snmp_oid_buf oid;
    assert_int_equal(snmp_oid_parse("1.3.6.1.4.1.99999.1", &oid, NULL), 0);
    assert_non_null(mib_exact(mib_of(rig), oid.oid));
    buf_fini(&other);
}

static void the_cache_is_used(void **state)
{
    struct rig *rig = *state;
    put(rig, "acme.mib", acme, strlen(acme));
    put(rig, "broken.mib", broken, strlen(broken));
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    size_t problems = rig->problem_count;
    uint64_t hash = rig->prepared->hash;
    assert_true(problems > 0);
    assert_true(hash != 0);
    /* nothing that could compile: it comes from the cache, with its problems */
    assert_int_equal(prepare(rig, "mibs", "/bin/false"), 0);
    assert_int_equal(rig->problem_count, problems);
    assert_true(rig->prepared->hash == hash);
    assert_int_equal(rig->told, 0);
    assert_non_null(mib_named(mib_of(rig), "acmeLevel"));
    /* a file came: compiled anew */
    put(rig, "old.mib", old_trap, strlen(old_trap));
    assert_int_not_equal(prepare(rig, "mibs", "/bin/false"), 0);
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_true(rig->prepared->hash != hash);
}

static void a_damaged_cache_is_made_anew(void **state)
{
    struct rig *rig = *state;
    char **names;
    size_t count;
    put(rig, "acme.mib", acme, strlen(acme));
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    uint64_t hash = rig->prepared->hash;
    assert_int_equal(file_list(rig->cache, ".cache", 10, &names, &count, NULL), 0);
    assert_int_equal(count, 1);
    char path[256];
    (void)str_format(path, sizeof(path), "%s/%s", rig->cache, names[0]);
    busbar_free(names);
    static const long places[] = { 0, 8, 17, 24, 5000, -1 };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        assert_int_equal(fseek(file, places[i], places[i] < 0 ? SEEK_END : SEEK_SET), 0);
        int byte = fgetc(file);
        assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
        assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
        assert_int_equal(fclose(file), 0);
        assert_int_not_equal(prepare(rig, "mibs", "/bin/false"), 0);
        assert_int_equal(prepare(rig, "mibs", NULL), 0);
        assert_true(rig->prepared->hash == hash);
    }
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
}

static void old_caches_go(void **state)
{
    struct rig *rig = *state;
    char **names;
    size_t count;
    for (int i = 0; i < MIB_CACHES_MAX + 2; i++) {
        char name[32];
        (void)str_format(name, sizeof(name), "%d.mib", i);
        put(rig, name, acme, strlen(acme));
        assert_int_equal(prepare(rig, "mibs", NULL), 0);
    }
    assert_int_equal(file_list(rig->cache, ".cache", 100, &names, &count, NULL), 0);
    assert_int_equal(count, MIB_CACHES_MAX);
    busbar_free(names);
}

static void what_is_not_there(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(prepare(rig, "mibs, nowhere", NULL), BUSBAR_ENOENT);
    assert_non_null(strstr(rig->err.message, "nowhere"));
    assert_string_equal(rig->err.file, "site.yaml");
    assert_int_equal(rig->err.line, 3);
    assert_true(rig->err.hint[0] != '\0');
    assert_int_not_equal(prepare(rig, "mibs", "/no/such/program"), 0);
    assert_non_null(strstr(rig->err.message, "cannot be started"));
    assert_int_not_equal(prepare(rig, "mibs", "/bin/false"), 0);
    assert_non_null(strstr(rig->err.message, "died"));
    assert_int_equal(prepare(rig, " mibs ,", NULL), 0); /* an empty folder: the standard ones */
    assert_non_null(mib_named(mib_of(rig), "sysUpTime"));
}

static void folders_below_and_single_files(void **state)
{
    struct rig *rig = *state;
    char below[128];
    struct err err;
    (void)str_format(below, sizeof(below), "%s/below", rig->mibs);
    assert_int_equal(file_make_folders(file_ops_real(), below, 0700, &err), 0);
    put(rig, "below/acme.mib", acme, strlen(acme));
    put(rig, "old.mib", old_trap, strlen(old_trap));
    put(rig, ".hidden.mib", broken, strlen(broken));
    put(rig, "acme.mib~", broken, strlen(broken));
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_int_equal(rig->problem_count, 0);
    assert_non_null(mib_named(mib_of(rig), "acmeLevel"));
    assert_non_null(mib_named(mib_of(rig), "oldFan"));
    assert_int_equal(prepare(rig, "mibs/old.mib", NULL), 0);
    assert_null(mib_named(mib_of(rig), "acmeLevel"));
    assert_non_null(mib_named(mib_of(rig), "oldFan"));
}

static void holders(void **state)
{
    struct rig *rig = *state;
    put(rig, "acme.mib", acme, strlen(acme));
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    struct prepared *held = prepared_hold(rig->prepared);
    prepared_drop(rig->prepared);
    rig->prepared = NULL;
    assert_non_null(mib_named(mib_of_prepared(held), "acmeLevel"));
    prepared_drop(held);
    assert_ptr_equal(mib_of_prepared(NULL), mib_builtin());
}

static void one_that_the_parser_dies_of(void **state)
{
    struct rig *rig = *state;
    put(rig, "acme.mib", acme, strlen(acme));
    put(rig, "old.mib", old_trap, strlen(old_trap));
    put(rig, DIES_OF_ACME, "", 0);
    assert_int_equal(prepare(rig, "mibs", NULL), 0);
    assert_int_equal(rig->problem_count, 1);
    assert_string_equal(rig->problems[0].file, "mibs/acme.mib");
    assert_non_null(strstr(rig->problems[0].message, "ACME-MIB"));
    assert_non_null(strstr(rig->problems[0].message, "dies over it (signal 9)"));
    assert_null(mib_named(mib_of(rig), "acmeLevel"));
    assert_non_null(mib_named(mib_of(rig), "oldFan"));
}

/* The process that compiles: dies of ACME-MIB where it is told to, unless that is left out. */
static int compile_or_die(void)
{
    static const char progress[] = "p\x1f\0\0\0\0\0\0\0\1\0\0\0ACME-MIB\0mibs/acme.mib";
    static const char leave_out[] = "wACME-MIB";
    char task[8192] = "";
    ssize_t size = read(STDIN_FILENO, task, sizeof(task) - 1);
    bool dies = size > 0 && memmem(task, (size_t)size, DIES_OF_ACME, strlen(DIES_OF_ACME)) != NULL;
    if (dies && memmem(task, (size_t)size, leave_out, sizeof(leave_out)) == NULL) {
        ssize_t told = write(STDOUT_FILENO, progress, sizeof(progress));
        return told > 0 ? raise(SIGKILL) : 1;
    }
    return lseek(STDIN_FILENO, 0, SEEK_SET) == 0 ? mib_apart_main() : 1;
}

int main(int argc, char **argv)
{
    quiet_log();
    if (argc == 2 && strcmp(argv[1], MIB_APART_VERB) == 0) {
        return compile_or_die();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_module_of_a_vendor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(traps_of_version_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_ones_are_named_and_the_rest_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(several_in_a_file_and_one_with_a_letter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(twice_the_same_module, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cache_is_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_cache_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_caches_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_below_and_single_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_the_parser_dies_of, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
