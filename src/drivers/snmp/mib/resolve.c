/* SPDX-License-Identifier: Apache-2.0 */
/* An address is read component by component: the first is a number, or a name with or without its module; each
 * further one a number, the name of a child, or a value of an index. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/snmp/mib/index.h"
#include "drivers/snmp/mib/mib.h"

enum { COMPONENT_MAX = 1024, CANDIDATES_MAX = 20000 };

struct reading {
    const struct mib *mib;
    const char *at;   /* what is left of the text */
    const char *text; /* all of it */
    struct snmp_oid_buf *out;
    const struct mib_object *object; /* the last that was named */
    struct err *err;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* ---- what may have been meant ---- */

static bool near_enough(const char *name, const char *word)
{
    size_t size = strlen(name);
    size_t wanted = strlen(word);
    return tolower((unsigned char)name[0]) == tolower((unsigned char)word[0]) &&
           (size > wanted ? size - wanted : wanted - size) <= 3;
}

static const char *nearest_object(const struct mib *mib, const char *module, const char *word)
{
    const char **names = busbar_alloc_array(CANDIDATES_MAX, sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; i < mib_count(mib) && count < CANDIDATES_MAX; i++) {
        const struct mib_object *object = mib_at(mib, i);
        if ((module[0] == '\0' || strcmp(object->module, module) == 0) &&
            near_enough(object->name, word)) {
            names[count++] = object->name;
        }
    }
    const char *near = str_nearest(word, names, count);
    busbar_free(names);
    return near;
}

static const char *nearest_module(const struct mib *mib, const char *word, bool *known)
{
    const char **names = busbar_alloc_array(mib_module_count(mib) + 1, sizeof(*names));
    size_t count = mib_module_count(mib);
    *known = false;
    for (size_t i = 0; i < count; i++) {
        names[i] = mib_module_at(mib, i)->name;
        *known = *known || strcmp(names[i], word) == 0;
    }
    const char *near = str_nearest(word, names, count);
    busbar_free(names);
    return near;
}

static int tell_unknown(const struct reading *reading, const char *module, const char *name)
{
    bool known = module[0] == '\0';
    const char *near = known ? NULL : nearest_module(reading->mib, module, &known);
    if (!known) {
        (void)err_set(reading->err, BUSBAR_EINVAL, "there is no MIB module '%s'", module);
        return near != NULL ? err_hint(reading->err, "did you mean '%s'?", near)
                            : err_hint(reading->err,
                                       "put its file into the folder of 'drivers: snmp: mibs'");
    }
    near = nearest_object(reading->mib, module, name);
    (void)(module[0] == '\0'
               ? err_set(reading->err, BUSBAR_EINVAL, "no MIB module knows '%s'", name)
               : err_set(reading->err, BUSBAR_EINVAL, "the MIB module %s has no '%s'", module,
                         name));
    if (near != NULL) {
        return err_hint(reading->err, "did you mean '%s'?", near);
    }
    return err_hint(reading->err, "write its OID in digits, or put the file of its module into the "
                                  "folder of 'drivers: snmp: mibs'");
}

static int tell_bad(const struct reading *reading, const char *what)
{
    (void)err_set(reading->err, BUSBAR_EINVAL, "'%.100s' is no address of SNMP: %s", reading->text,
                  what);
    return err_hint(reading->err, "write it like IF-MIB::ifOperStatus.7, sysUpTime.0 or "
                                  "1.3.6.1.2.1.1.3.0");
}

/* ---- components ---- */

static int read_name(struct reading *reading, char *to, size_t room)
{
    size_t size = 0;
    while (is_name(reading->at[size])) {
        size++;
    }
    if (size == 0 || size >= room) {
        return tell_bad(reading, size == 0 ? "a name is missing" : "a name is too long");
    }
    memcpy(to, reading->at, size);
    to[size] = '\0';
    reading->at += size;
    return 0;
}

static int append(struct reading *reading, uint32_t part)
{
    return snmp_oid_append(reading->out, part) == 0 ? 0 : tell_bad(reading, "it is too long");
}

static int read_number(struct reading *reading)
{
    uint64_t part = 0;
    for (; *reading->at >= '0' && *reading->at <= '9'; reading->at++) {
        part = part * 10 + (uint64_t)(*reading->at - '0');
        if (part > UINT32_MAX) {
            return tell_bad(reading, "a part of it is over 4294967295");
        }
    }
    return append(reading, (uint32_t)part);
}

/* In single or double quotes; a backslash takes the next character as it is. */
static int read_quoted(struct reading *reading)
{
    char text[COMPONENT_MAX];
    size_t size = 0;
    char quote = *reading->at++;
    for (; *reading->at != quote; reading->at++) {
        if (*reading->at == '\\' && reading->at[1] != '\0') {
            reading->at++;
        }
        if (*reading->at == '\0' || size + 1 >= sizeof(text)) {
            return tell_bad(reading, *reading->at == '\0' ? "a quote is not closed"
                                                          : "a text in it is too long");
        }
        text[size++] = *reading->at;
    }
    text[size] = '\0';
    reading->at++;
    return mib_index_append(reading->object, text, true, reading->out, reading->err);
}

/* The name of a child, or of a value of an index. */
static int read_word(struct reading *reading)
{
    char word[MIB_NAME_MAX];
    int error = read_name(reading, word, sizeof(word));
    if (error != 0) {
        return error;
    }
    const struct mib_object *child = mib_child(reading->mib, reading->out->oid, word);
    if (child != NULL) {
        reading->object = child;
        snmp_oid_take(reading->out, child->oid);
        return 0;
    }
    return mib_index_append(reading->object, word, false, reading->out, reading->err);
}

static int read_rest(struct reading *reading)
{
    while (*reading->at != '\0') {
        if (*reading->at != '.') {
            return tell_bad(reading, "its parts are not separated by points");
        }
        reading->at++;
        int error;
        if (*reading->at >= '0' && *reading->at <= '9') {
            error = read_number(reading);
        } else if (*reading->at == '"' || *reading->at == '\'') {
            error = read_quoted(reading);
        } else {
            error = read_word(reading);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* "IF-MIB::ifOperStatus" or "ifOperStatus". */
static int read_first(struct reading *reading)
{
    char module[MIB_NAME_MAX] = "";
    char name[MIB_NAME_MAX];
    char whole[2 * MIB_NAME_MAX + 2];
    int error = read_name(reading, name, sizeof(name));
    if (error == 0 && strncmp(reading->at, "::", 2) == 0) {
        memcpy(module, name, sizeof(module));
        reading->at += 2;
        error = read_name(reading, name, sizeof(name));
    }
    if (error != 0) {
        return error;
    }
    (void)str_format(whole, sizeof(whole), "%s%s%s", module, module[0] != '\0' ? "::" : "", name);
    reading->object = mib_named(reading->mib, whole);
    if (reading->object == NULL) {
        return tell_unknown(reading, module, name);
    }
    snmp_oid_take(reading->out, reading->object->oid);
    return 0;
}

/* What an OID is of: itself, or what it is an instance of. */
static const struct mib_object *object_of(const struct mib *mib, struct snmp_oid oid)
{
    const struct mib_object *object = mib_under(mib, oid);
    if (object == NULL || object->kind == MIB_SCALAR || object->kind == MIB_COLUMN) {
        return object;
    }
    return object->oid.size == oid.size ? object : NULL;
}

/* Other tools call sysUpTime.0 so, as DISMAN-EVENT-MIB does: it is the first line of what they print. */
static const char *usual_name(const char *text)
{
    static const char *const other[] = { "sysUpTimeInstance",
                                         "DISMAN-EVENT-MIB::sysUpTimeInstance" };
    return strcmp(text, other[0]) == 0 || strcmp(text, other[1]) == 0 ? "sysUpTime.0" : text;
}

int mib_resolve(const struct mib *mib, const char *text, struct snmp_oid_buf *out,
                const struct mib_object **object, struct err *err)
{
    struct reading reading = { .mib = mib, .at = text, .text = text, .out = out, .err = err };
    char digits[SNMP_OID_TEXT_MAX + 2];
    int error;
    *object = NULL;
    reading.at = usual_name(text);
    if (*reading.at == '.' && is_letter(reading.at[1])) {
        reading.at++;
    }
    bool iso = strncmp(reading.at, "iso.", 4) == 0;
    if (iso && is_letter(reading.at[4])) {
        reading.at += 4; /* iso.org.dod ...: the first that has an OID is org */
        iso = false;
    }
    bool named = !iso && is_letter(*reading.at);
    if (iso) {
        if (strlen(reading.at + 3) >= SNMP_OID_TEXT_MAX) {
            return tell_bad(&reading, "it is too long");
        }
        (void)str_format(digits, sizeof(digits), "1%s", reading.at + 3);
        error = snmp_oid_parse(digits, out, err);
    } else if (named) {
        error = read_first(&reading);
        error = error == 0 ? read_rest(&reading) : error;
    } else {
        error = snmp_oid_parse(text, out, err);
    }
    if (error != 0) {
        return error;
    }
    *object = object_of(mib, out->oid);
    if (*object != NULL && (*object)->kind == MIB_SCALAR && (*object)->oid.size == out->oid.size &&
        named) {
        error = append(&reading, 0);
    }
    return error;
}
