/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_table.h"

#include <string.h>

#include "base/str.h"
#include "drivers/snmp/snmp_known.h"

enum { NAMES_MAX = 3, TITLE_MAX = 64, KEY_MAX = 2 * SNMP_OID_BYTES_MAX + 32 };

/* ---- which columns name a row ---- */

static const struct {
    struct snmp_known entry;
    struct snmp_known names[NAMES_MAX - 1];
} named[] = {
    { SNMP_KNOWN(SNMP_IF), { SNMP_KNOWN(SNMP_IFX, 1), SNMP_KNOWN(SNMP_IF, 2) } },
    { SNMP_KNOWN(SNMP_IFX), { SNMP_KNOWN(SNMP_IFX, 1), SNMP_KNOWN(SNMP_IF, 2) } },
    { SNMP_KNOWN(SNMP_ENTITY), { SNMP_KNOWN(SNMP_ENTITY, 7), SNMP_KNOWN(SNMP_ENTITY, 2) } },
    { SNMP_KNOWN(SNMP_SENSOR), { SNMP_KNOWN(SNMP_ENTITY, 7), SNMP_KNOWN(SNMP_ENTITY, 2) } },
    { SNMP_KNOWN(SNMP_STORAGE), { SNMP_KNOWN(SNMP_STORAGE, 3) } },
    { SNMP_KNOWN(SNMP_HRDEVICE), { SNMP_KNOWN(SNMP_HRDEVICE, 3) } },
    { SNMP_KNOWN(SNMP_MIB2, 25, 3, 3, 1), { SNMP_KNOWN(SNMP_HRDEVICE, 3) } }, /* hrProcessorEntry */
    { SNMP_KNOWN(SNMP_MIB2, 25, 3, 5, 1), { SNMP_KNOWN(SNMP_HRDEVICE, 3) } }, /* hrPrinterEntry */
    { SNMP_KNOWN(SNMP_MIB2, 25, 4, 2, 1), { SNMP_KNOWN(SNMP_MIB2, 25, 4, 2, 1, 2) } }, /* hrSWRun */
    { SNMP_KNOWN(SNMP_SUPPLIES), { SNMP_KNOWN(SNMP_SUPPLIES, 6) } },
    { SNMP_KNOWN(SNMP_MIB2, 43, 8, 2, 1),
      { SNMP_KNOWN(SNMP_MIB2, 43, 8, 2, 1, 13) } },                          /* prtInput */
    { SNMP_KNOWN(SNMP_UCD, 10, 1), { SNMP_KNOWN(SNMP_UCD, 10, 1, 2) } },     /* laEntry: laNames */
    { SNMP_KNOWN(SNMP_UCD, 9, 1), { SNMP_KNOWN(SNMP_UCD, 9, 1, 2) } },       /* dskEntry: dskPath */
    { SNMP_KNOWN(SNMP_PDU, 4, 3, 1), { SNMP_KNOWN(SNMP_PDU, 4, 3, 1, 3) } }, /* device's name */
    { SNMP_KNOWN(SNMP_PDU, 9, 2, 3, 1), { SNMP_KNOWN(SNMP_PDU, 9, 2, 3, 1, 3) } }, /* outlet's */
};

size_t snmp_table_name_columns(const struct mib_object *entry, struct snmp_oid columns[2])
{
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (snmp_known_is(&named[i].entry, entry->oid)) {
            size_t count = 0;
            while (count < NAMES_MAX - 1 && named[i].names[count].size > 0) {
                columns[count] = snmp_known_oid(&named[i].names[count]);
                count++;
            }
            return count;
        }
    }
    return 0;
}

/* ---- adding ---- */

void snmp_table_init(struct snmp_table *table, const struct mib *mib, size_t bytes_max)
{
    *table = (struct snmp_table){ .mib = mib };
    arena_init(&table->arena, bytes_max);
    map_init(&table->keys);
}

void snmp_table_fini(struct snmp_table *table)
{
    map_fini(&table->keys);
    arena_fini(&table->arena);
}

/* Rows of tables with the same index objects are one: their key is of those, then of the index. */
static void make_key(const struct mib_object *entry, struct snmp_oid index, char key[KEY_MAX])
{
    const struct mib_object *of = entry->index_count > 0 ? entry->indexes[entry->index_count - 1]
                                                         : entry;
    size_t used = str_format(key, KEY_MAX, "%p ", (const void *)of);
    (void)str_hex(key + used, KEY_MAX - used, index.bytes, index.size, 0);
}

static struct snmp_oid copy_oid(struct snmp_table *table, struct snmp_oid oid)
{
    uint8_t *bytes = arena_alloc(&table->arena, oid.size);
    if (bytes == NULL) {
        return (struct snmp_oid){ .size = 0 };
    }
    if (oid.size > 0) {
        memcpy(bytes, oid.bytes, oid.size);
    }
    return (struct snmp_oid){ .bytes = bytes, .size = oid.size };
}

static struct snmp_cell *make_cell(struct snmp_table *table, const struct snmp_varbind *varbind,
                                   const struct mib_object *object)
{
    size_t size = bytes_left(&varbind->value.content);
    struct snmp_cell *cell = arena_alloc(&table->arena, sizeof(*cell));
    uint8_t *content = arena_alloc(&table->arena, size);
    struct snmp_oid oid = copy_oid(table, varbind->oid);
    if (cell == NULL || content == NULL || oid.size == 0) {
        return NULL;
    }
    if (size > 0) {
        memcpy(content, varbind->value.content.at, size);
    }
    *cell = (struct snmp_cell){
        .oid = oid,
        .object = object,
        .value = { .tag = varbind->value.tag, .content = bytes_of(content, size) },
    };
    return cell;
}

static struct snmp_row *row_at(struct snmp_table *table, const struct mib_object *entry,
                               struct snmp_oid index, bool only_known)
{
    char key[KEY_MAX];
    make_key(entry, index, key);
    struct snmp_row *row = map_get(&table->keys, key);
    if (row != NULL || only_known) {
        return row;
    }
    row = arena_alloc(&table->arena, sizeof(*row));
    char *kept = arena_strdup(&table->arena, key);
    struct snmp_oid copied = copy_oid(table, index);
    if (row == NULL || kept == NULL || (index.size > 0 && copied.size == 0)) {
        return NULL;
    }
    row->entry = entry;
    row->index = copied;
    row->title = "";
    map_set(&table->keys, kept, row);
    if (table->last_row != NULL) {
        table->last_row->next = row;
    } else {
        table->rows = row;
    }
    table->last_row = row;
    return row;
}

static void append(struct snmp_cell **first, struct snmp_cell **last, struct snmp_cell *cell)
{
    if (*last != NULL) {
        (*last)->next = cell;
    } else {
        *first = cell;
    }
    *last = cell;
}

void snmp_table_add(struct snmp_table *table, const struct snmp_varbind *varbind, bool only_known)
{
    const struct mib_object *object = mib_under(table->mib, varbind->oid);
    const struct mib_object *entry = NULL;
    struct snmp_row *row = NULL;
    if (object != NULL && object->kind == MIB_COLUMN) {
        entry = mib_row_of(object);
    } else if (object != NULL && object->kind != MIB_SCALAR) {
        object = NULL;
    }
    if (entry != NULL) {
        row = row_at(table, entry, snmp_oid_tail(varbind->oid, object->oid), only_known);
        if (row == NULL && only_known) {
            return;
        }
    }
    struct snmp_cell *cell = entry == NULL || row != NULL ? make_cell(table, varbind, object)
                                                          : NULL;
    if (cell == NULL) {
        table->left_out++;
        return;
    }
    table->count++;
    if (row != NULL) {
        append(&row->cells, &row->last, cell);
    } else {
        append(&table->scalars, &table->last_scalar, cell);
    }
}

/* ---- looking ---- */

const struct snmp_cell *snmp_row_cell(const struct snmp_row *row, struct snmp_oid column)
{
    for (const struct snmp_cell *cell = row->cells; cell != NULL; cell = cell->next) {
        if (cell->object != NULL && snmp_oid_equal(cell->object->oid, column)) {
            return cell;
        }
    }
    return NULL;
}

bool snmp_row_number(const struct snmp_row *row, struct snmp_oid column, int64_t *out)
{
    const struct snmp_cell *cell = snmp_row_cell(row, column);
    return cell != NULL && cell->value.tag != BER_OCTETS && ber_int(cell->value.content, out);
}

/* Octets as a title: text in one line, nothing else. */
static const char *title_of(struct snmp_table *table, const struct snmp_cell *cell)
{
    const struct bytes *content = &cell->value.content;
    const char *text = (const char *)content->at;
    size_t size = bytes_left(content);
    if (cell->value.tag != BER_OCTETS || size == 0 || size > TITLE_MAX ||
        !str_is_utf8(text, size)) {
        return "";
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) {
            return "";
        }
    }
    const char *title = arena_strndup(&table->arena, text, size);
    return title != NULL ? title : "";
}

static void name_row(struct snmp_table *table, struct snmp_row *row)
{
    struct snmp_oid columns[2];
    size_t count = snmp_table_name_columns(row->entry, columns);
    for (size_t i = 0; i < count && row->title[0] == '\0'; i++) {
        row->named = snmp_row_cell(row, columns[i]);
        row->title = row->named != NULL ? title_of(table, row->named) : "";
    }
    row->named = row->title[0] != '\0' ? row->named : NULL;
}

void snmp_table_name_rows(struct snmp_table *table)
{
    struct map titles;
    map_init(&titles);
    for (struct snmp_row *row = table->rows; row != NULL; row = row->next) {
        name_row(table, row);
        char *key = row->named != NULL ? arena_printf(&table->arena, "%p %s",
                                                      (const void *)row->named->object, row->title)
                                       : NULL;
        if (key == NULL) {
            continue;
        }
        struct snmp_row *other = map_get(&titles, key);
        row->unique = other == NULL;
        if (other != NULL) {
            other->unique = false;
        } else {
            map_set(&titles, key, row);
        }
    }
    map_fini(&titles);
}
