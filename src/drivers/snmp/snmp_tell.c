/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_tell.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_propose.h"
#include "drivers/snmp/snmp_value.h"
#include "model/quality.h"

enum { NAME_MAX = SNMP_OID_TEXT_MAX + MIB_NAME_MAX, TEXT_MAX = 65536, ABOUT_MAX = 160 };

/* The first sentence, as far as it fits a line. */
static void about(const struct mib_object *object, char to[ABOUT_MAX])
{
    const char *text = object != NULL && object->description != NULL ? object->description : "";
    const char *end = strstr(text, ". ");
    size_t size = end != NULL ? (size_t)(end - text) : strlen(text);
    size = str_utf8_cut(text, size, ABOUT_MAX - 1);
    memcpy(to, text, size);
    to[size] = '\0';
}

static struct snmp_meaning meaning_of(const struct mib_object *object)
{
    struct snmp_meaning meaning = { .type = SNMP_AUTO, .bit = -1, .divisor = 1, .hint = "" };
    if (object != NULL) {
        meaning.syntax = object->syntax;
        meaning.divisor = mib_hint_divisor(object->hint);
        meaning.object = object;
        meaning.enums = object->enums;
        meaning.enum_count = object->enum_count;
        meaning.hint = object->hint;
    }
    return meaning;
}

static size_t make_enums(const struct mib_object *object, struct point_enum **out)
{
    size_t count = object != NULL && object->syntax == MIB_INTEGER ? object->enum_count : 0;
    count = count <= POINT_ENUM_MAX ? count : POINT_ENUM_MAX;
    *out = count > 0 ? busbar_alloc_array(count, sizeof(**out)) : NULL;
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = (struct point_enum){ .value = object->enums[i].value,
                                         .name = object->enums[i].name };
    }
    return count;
}

static void scale_sample(struct sample *sample, double scale)
{
    double number = 0;
    if (scale != 1 && value_number(sample->type, sample->value, &number)) {
        double divisor = 1 / scale;
        bool whole = divisor > 1 && divisor == (double)(int64_t)(divisor + 0.5);
        sample->value.d = whole ? number / divisor : number * scale;
        sample->type = VALUE_DOUBLE;
    }
}

static bool shown_as_text(const struct mib_object *object, const struct snmp_value *value)
{
    return value->tag != BER_INTEGER && value->tag != BER_COUNTER32 &&
           value->tag != BER_COUNTER64 && value->tag != BER_GAUGE32 &&
           value->tag != BER_UINTEGER32 && (value->tag != BER_OPAQUE || object == NULL);
}

void snmp_tell_cell(const struct snmp_telling *to, const struct snmp_row *row,
                    const struct snmp_cell *cell, const char *parent)
{
    struct snmp_table *table = to->table;
    const struct mib_object *object = cell->object;
    const struct snmp_address *point = snmp_added_find(to->added, row, cell);
    struct snmp_meaning meaning = meaning_of(object);
    struct snmp_proposal proposal;
    struct text *text = NULL;
    struct point_enum *enums = NULL;
    struct buf id;
    struct buf shown;
    char description[ABOUT_MAX];
    buf_init(&id, NAME_MAX);
    buf_init(&shown, TEXT_MAX);
    if (point != NULL) {
        snmp_address_print(point, &id);
    } else {
        mib_print(table->mib, cell->oid, &id);
    }
    about(object, description);
    struct driver_node node = {
        .id = buf_text(&id),
        .parent = parent,
        .kind = "object",
        .name = object != NULL ? object->name : "",
        .description = description,
        .readable = true,
        .writable = object != NULL && object->access >= MIB_READ_WRITE,
        .units = object != NULL ? object->units : NULL,
        .value = { .quality = QUALITY_NOT_YET },
    };
    node.enum_count = make_enums(object, &enums);
    node.enums = enums;
    snmp_value_read(&meaning, table->mib, &cell->value, &text, &node.value);
    if (shown_as_text(object, &cell->value)) {
        snmp_value_print(table->mib, object, &cell->value, &shown);
        node.value_text = buf_text(&shown);
    }
    if (snmp_propose(table, row, cell, &proposal)) {
        node.point_name = proposal.name;
        node.point = proposal.point;
        node.proposed = proposal.proposed && node.value.quality == QUALITY_GOOD;
        node.units = proposal.units[0] != '\0' ? proposal.units : node.units;
        scale_sample(&node.value, meaning.divisor != 1 ? 1 : proposal.scale);
    }
    driver_node(to->browse, &node);
    busbar_free(enums);
    busbar_free(text);
    buf_fini(&shown);
    buf_fini(&id);
}

static void put_row_id(const struct snmp_row *row, struct buf *out)
{
    struct snmp_oid index = row->index;
    uint32_t part = 0;
    const char *before = "[";
    (void)buf_append_text(out, row->entry->name);
    while (snmp_oid_next(&index, &part)) {
        (void)buf_printf(out, "%s%u", before, part);
        before = ".";
    }
    (void)buf_append_byte(out, ']');
}

void snmp_tell_row(const struct snmp_telling *to, const struct snmp_row *row, const char *parent)
{
    struct buf id;
    buf_init(&id, NAME_MAX);
    put_row_id(row, &id);
    struct driver_node node = { .id = buf_text(&id),
                                .parent = parent,
                                .kind = "group",
                                .name = row->title,
                                .value = { .quality = QUALITY_NOT_YET } };
    driver_node(to->browse, &node);
    for (const struct snmp_cell *cell = row->cells; cell != NULL; cell = cell->next) {
        snmp_tell_cell(to, row, cell, buf_text(&id));
    }
    buf_fini(&id);
}

void snmp_tell_branch(struct driver_browse *browse, const struct mib *mib, struct snmp_oid oid,
                      const char *parent, bool branch)
{
    const struct mib_object *object = mib_exact(mib, oid);
    char description[ABOUT_MAX];
    struct buf id;
    buf_init(&id, NAME_MAX);
    mib_print(mib, oid, &id);
    about(object, description);
    struct driver_node node = { .id = buf_text(&id),
                                .parent = parent,
                                .kind = "group",
                                .name = object != NULL ? object->name : "",
                                .description = description,
                                .branch = branch,
                                .value = { .quality = QUALITY_NOT_YET } };
    driver_node(browse, &node);
    buf_fini(&id);
}

/* ---- as it came ---- */

static bool is_text(const struct snmp_value *value)
{
    const struct bytes *content = &value->content;
    size_t size = bytes_left(content);
    for (size_t i = 0; i < size; i++) {
        uint8_t c = content->at[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            return false;
        }
    }
    return str_is_utf8((const char *)content->at, size);
}

const char *snmp_tell_type(const struct snmp_value *value, const struct mib_object *object)
{
    switch (value->tag) {
    case BER_INTEGER: return "INTEGER";
    case BER_OCTETS:
        if (object != NULL && object->syntax == MIB_BITS) {
            return "BITS";
        }
        return (object != NULL && object->hint[0] != '\0') || is_text(value) ? "STRING"
                                                                             : "Hex-STRING";
    case BER_OID: return "OID";
    case BER_IP_ADDRESS: return "IpAddress";
    case BER_COUNTER32: return "Counter32";
    case BER_GAUGE32: return "Gauge32";
    case BER_UINTEGER32: return "UInteger32";
    case BER_TIMETICKS: return "Timeticks";
    case BER_OPAQUE: return "Opaque";
    case BER_COUNTER64: return "Counter64";
    case BER_NULL: return "NULL";
    case BER_NO_SUCH_OBJECT: return "No Such Object";
    case BER_NO_SUCH_INSTANCE: return "No Such Instance";
    default: return "Other";
    }
}

void snmp_tell_flat(struct driver_browse *browse, const struct mib *mib,
                    const struct snmp_varbind *varbind)
{
    const struct mib_object *object = mib_under(mib, varbind->oid);
    struct buf id;
    struct buf oid;
    struct buf shown;
    object = object != NULL && (object->kind == MIB_SCALAR || object->kind == MIB_COLUMN) ? object
                                                                                          : NULL;
    struct snmp_meaning meaning = meaning_of(object);
    struct text *text = NULL;
    buf_init(&id, NAME_MAX);
    buf_init(&oid, NAME_MAX);
    buf_init(&shown, TEXT_MAX);
    mib_print(mib, varbind->oid, &id);
    snmp_oid_print(varbind->oid, &oid);
    snmp_value_print(mib, object, &varbind->value, &shown);
    struct driver_node node = { .id = buf_text(&id),
                                .parent = "",
                                .kind = snmp_tell_type(&varbind->value, object),
                                .name = buf_text(&oid),
                                .readable = true,
                                .units = object != NULL ? object->units : NULL,
                                .value = { .quality = QUALITY_NOT_YET },
                                .value_text = buf_text(&shown) };
    snmp_value_read(&meaning, mib, &varbind->value, &text, &node.value);
    driver_node(browse, &node);
    busbar_free(text);
    buf_fini(&shown);
    buf_fini(&oid);
    buf_fini(&id);
}
