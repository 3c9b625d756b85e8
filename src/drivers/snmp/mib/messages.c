/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's lines have few forms:
 *
 *   WHAT (TOKEN): At line 12 in FILE            Did not find 'NAME' in module MODULE (FILE)
 *   WHAT: At line 12 in FILE                    Undefined identifier: NAME near line 12 of FILE
 *   Cannot find module (NAME): At line ...
 *
 * Lines that follow from one of these, and remarks on what has no meaning here (groups, time stamps), are dropped. */
#include "drivers/snmp/mib/messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char *const dropped[] = { "MIB search path",        "Unlinked OID",
                                       "Cannot adopt OID",       "Undefined OBJECT",
                                       "Undefined NOTIFICATION", "Bad timestamp",
                                       "Bad month in timestamp", "Bad day in timestamp",
                                       "Bad hour in timestamp",  "Bad minute in timestamp",
                                       "Bad parse of",           "Warning:" };

/* "what (token)" into its parts, in place; token "" = none. */
static const char *cut_token(char *what)
{
    char *open = strstr(what, " (");
    size_t size = strlen(what);
    if (open == NULL || what[size - 1] != ')') {
        return "";
    }
    *open = '\0';
    what[size - 1] = '\0';
    return open + 2;
}

static void tell_place(char *what, struct err *out)
{
    const char *token = cut_token(what);
    if (strcmp(what, "Cannot find module") == 0) {
        (void)err_set(out, BUSBAR_ENOENT, "it imports %s, which is in no file", token);
        (void)err_hint(out, "put the file of %s into the folder too", token);
    } else if (strcmp(token, "EOF") == 0) {
        (void)err_set(out, BUSBAR_ESYNTAX, "it ends too early: %s", what);
        (void)err_hint(out, "is the file whole? get it again from the vendor");
    } else {
        (void)err_set(out, BUSBAR_ESYNTAX, token[0] != '\0' ? "%s at '%s'" : "%s", what, token);
        (void)err_hint(out, "a part of the module or all of it is left out; correct the file, or "
                            "get a newer one from the vendor");
    }
}

/* ": At line 12 in FILE" */
static bool read_place(char *text, char path[ERR_FILE_MAX], struct err *out)
{
    char *place = strstr(text, ": At line ");
    char *in = place != NULL ? strstr(place, " in ") : NULL;
    if (in == NULL) {
        return false;
    }
    *place = '\0';
    (void)str_copy(path, ERR_FILE_MAX, in + 4);
    tell_place(text, out);
    out->line = (int)strtol(place + 10, NULL, 10);
    return true;
}

/* "Undefined identifier: NAME near line 12 of FILE" */
static bool read_undefined(char *text, char path[ERR_FILE_MAX], struct err *out)
{
    static const char start[] = "Undefined identifier: ";
    char *near = strstr(text, " near line ");
    char *of = near != NULL ? strstr(near, " of ") : NULL;
    if (!str_starts(text, start) || of == NULL) {
        return false;
    }
    *near = '\0';
    (void)str_copy(path, ERR_FILE_MAX, of + 4);
    (void)err_set(out, BUSBAR_ENOENT,
                  "'%s' is defined nowhere, so what stands below it is left out",
                  text + sizeof(start) - 1);
    (void)err_hint(out, "put the file of the module that defines it into the folder too");
    out->line = (int)strtol(near + 11, NULL, 10);
    return true;
}

/* "Did not find 'NAME' in module MODULE (FILE)" */
static bool read_missing(char *text, char path[ERR_FILE_MAX], struct err *out)
{
    static const char start[] = "Did not find '";
    char *name = text + sizeof(start) - 1;
    char *quote = str_starts(text, start) ? strstr(name, "' in module ") : NULL;
    char *file = quote != NULL ? strstr(quote, " (") : NULL;
    if (file == NULL || text[strlen(text) - 1] != ')') {
        return false;
    }
    *quote = '\0';
    *file = '\0';
    file[2 + strlen(file + 2) - 1] = '\0';
    (void)str_copy(path, ERR_FILE_MAX, file + 2);
    const char *module = quote + strlen("' in module ");
    if (module[0] == '#') {
        return false; /* of a module that is in no file: told already */
    }
    (void)err_set(out, BUSBAR_ENOENT, "it imports '%s' from %s, which does not have it", name,
                  module);
    (void)err_hint(out, "put a newer file of %s into the folder", module);
    return true;
}

bool mib_message_read(const char *text, char path[ERR_FILE_MAX], struct err *out)
{
    char line[1024];
    (void)str_copy(line, sizeof(line), text);
    char *trimmed = str_trim(line);
    path[0] = '\0';
    *out = (struct err){ 0 };
    for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
        if (str_starts(trimmed, dropped[i])) {
            return false;
        }
    }
    return trimmed[0] != '\0' &&
           (read_place(trimmed, path, out) || read_undefined(trimmed, path, out) ||
            read_missing(trimmed, path, out));
}
