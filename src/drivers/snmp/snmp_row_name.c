/* SPDX-License-Identifier: Apache-2.0 */
/* Which row a name means: the column that it stands in, written or guessed by what columns are called. */
#include <string.h>

#include "base/str.h"
#include "drivers/snmp/snmp_address.h"

static const char *const name_ends[] = { "Name",        "Names", "Label",   "Descr",
                                         "Description", "Path",  "Location" };

/* The column of a table that names its rows; NULL: none looks like it. */
static const struct mib_object *name_column(const struct mib *mib, const struct mib_object *row)
{
    enum { COLUMNS = 64 };
    const struct mib_object *best = NULL;
    size_t best_end = sizeof(name_ends) / sizeof(name_ends[0]);
    for (uint32_t i = 1; i <= COLUMNS; i++) {
        struct snmp_oid_buf oid;
        snmp_oid_take(&oid, row->oid);
        const struct mib_object *column = snmp_oid_append(&oid, i) == 0 ? mib_exact(mib, oid.oid)
                                                                        : NULL;
        if (column == NULL || column->syntax != MIB_OCTETS || column->access < MIB_READ_ONLY) {
            continue;
        }
        for (size_t end = 0; end < best_end; end++) {
            if (str_ends(column->name, name_ends[end])) {
                best = column;
                best_end = end;
            }
        }
    }
    return best;
}

/* Whether the rows of two tables are counted by the same. */
static bool same_rows(const struct mib_object *a, const struct mib_object *b)
{
    bool same = a != NULL && b != NULL && a->index_count == b->index_count && a->index_count > 0;
    for (size_t i = 0; same && i < a->index_count; i++) {
        same = snmp_oid_equal(a->indexes[i]->oid, b->indexes[i]->oid);
    }
    return same;
}

static const struct mib_object *usual_names(const struct mib *mib, const struct mib_object *row)
{
    const struct mib_object *index = row->index_count > 0 ? row->indexes[row->index_count - 1]
                                                          : NULL;
    if (index != NULL && strcmp(index->name, "ifIndex") == 0) {
        const struct mib_object *names = mib_named(mib, "IF-MIB::ifName");
        if (names != NULL && same_rows(mib_row_of(names), row)) {
            return names;
        }
    }
    const struct mib_object *names = name_column(mib, row);
    if (names == NULL && index != NULL) {
        const struct mib_object *other = mib_row_of(index);
        names = same_rows(other, row) ? name_column(mib, other) : NULL;
    }
    return names;
}

static int named_column(const struct mib *mib, const struct mib_object *column, const char *text,
                        size_t size, const struct mib_object **names, struct err *err)
{
    char word[2 * MIB_NAME_MAX];
    struct snmp_oid_buf oid;
    const struct mib_object *found = NULL;
    (void)str_format(word, sizeof(word), "%.*s", (int)size, text);
    int error = mib_resolve(mib, str_trim(word), &oid, &found, err);
    if (error != 0) {
        return error;
    }
    if (found == NULL || found->kind != MIB_COLUMN || found->oid.size != oid.oid.size) {
        (void)err_set(err, BUSBAR_EINVAL, "'%s' is no column of a table", str_trim(word));
        return err_hint(err, "write it as COLUMN=text: \"ifAlias=uplink to core\"");
    }
    if (!same_rows(mib_row_of(found), mib_row_of(column))) {
        (void)err_set(err, BUSBAR_EINVAL, "the rows of %s are not those of %s", found->name,
                      column->name);
        return err_hint(err, "name a column of the same table, or of one with the same index");
    }
    *names = found;
    return 0;
}

int snmp_row_parse(const struct mib *mib, const struct mib_object *column, const char *text,
                   const struct mib_object **names, const char **name, struct err *err)
{
    const struct mib_object *row = mib_row_of(column);
    const char *equals = strchr(text, '=');
    *name = text;
    if (row == NULL) {
        (void)err_set(err, BUSBAR_EINVAL, "the table of %s is not known", column->name);
        return err_hint(err, "write the row's index: '%s.1'", column->name);
    }
    if (equals != NULL) {
        *name = equals + 1;
        int error = named_column(mib, column, text, (size_t)(equals - text), names, err);
        if (error == 0 && **name == '\0') {
            (void)err_set(err, BUSBAR_EINVAL, "the text behind '%.60s' is missing", text);
            error = err_hint(err, "write the text that stands in that column of the row");
        }
        return error;
    }
    *names = usual_names(mib, row);
    if (*names == NULL) {
        (void)err_set(err, BUSBAR_EINVAL, "which column of the table of %s names its rows?",
                      column->name);
        return err_hint(err, "write it: 'row: \"COLUMN=%.60s\"', or the index: '%s.1'", text,
                        column->name);
    }
    return 0;
}
