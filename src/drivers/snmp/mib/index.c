/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/mib/index.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "drivers/snmp/mib/hint.h"

enum { TEXT_MAX = 4096 };

/* By InetAddressType (RFC 4001): ipv4, ipv6, and each with a zone. */
static const char *const inet_hints[] = { [1] = "1d.1d.1d.1d",
                                          [2] = "2x:2x:2x:2x:2x:2x:2x:2x",
                                          [3] = "1d.1d.1d.1d%4d",
                                          [4] = "2x:2x:2x:2x:2x:2x:2x:2x%4d" };

/* ---- from sub-identifiers ---- */

/* The one size that octets may have; 0: there are several. */
static uint16_t fixed_size(const struct mib_object *object)
{
    if (object->syntax == MIB_IP_ADDRESS) {
        return strcmp(object->convention, "NetworkAddress") == 0 ? 5 : 4;
    }
    if (object->syntax == MIB_OCTETS && object->range_count == 1 &&
        object->ranges[0].low == object->ranges[0].high && object->ranges[0].low > 0 &&
        object->ranges[0].low <= SNMP_OID_PARTS_MAX) {
        return (uint16_t)object->ranges[0].low;
    }
    return 0;
}

static bool has_parts(uint8_t syntax)
{
    return syntax == MIB_OCTETS || syntax == MIB_BITS || syntax == MIB_OPAQUE ||
           syntax == MIB_OID || syntax == MIB_IP_ADDRESS;
}

/* Whether the length of this index stands before it. */
static bool is_counted(const struct mib_object *row, size_t at)
{
    bool implied = row->implied && at + 1 == row->index_count;
    return fixed_size(row->indexes[at]) == 0 && !implied;
}

static bool take(struct snmp_oid *tail, bool octets, size_t count, struct mib_index *out)
{
    if (count > SNMP_OID_PARTS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!snmp_oid_next(tail, &out->parts[i]) || (octets && out->parts[i] > UINT8_MAX)) {
            return false;
        }
        out->bytes[i] = (uint8_t)out->parts[i];
    }
    out->size = (uint16_t)count;
    return true;
}

static size_t count_of(struct snmp_oid tail)
{
    size_t count = 0;
    uint32_t part;
    while (snmp_oid_next(&tail, &part)) {
        count++;
    }
    return count;
}

bool mib_index_next(const struct mib_object *row, size_t at, const struct mib_index *previous,
                    struct snmp_oid *tail, struct mib_index *out)
{
    struct snmp_oid left = *tail;
    if (row == NULL || at >= row->index_count) {
        return false;
    }
    const struct mib_object *object = row->indexes[at];
    out->object = object;
    out->syntax = object->syntax;
    out->size = 0;
    out->counted = false;
    out->inet = previous != NULL && strcmp(previous->object->convention, "InetAddressType") == 0
                    ? previous->number
                    : 0;
    bool good;
    if (has_parts(object->syntax)) {
        uint32_t count = fixed_size(object);
        out->counted = is_counted(row, at);
        good = !out->counted || snmp_oid_next(&left, &count);
        if (count == 0 && !out->counted) {
            count = (uint32_t)count_of(left);
        }
        good = good && take(&left, object->syntax != MIB_OID, count, out);
    } else {
        good = snmp_oid_next(&left, &out->number);
    }
    if (good) {
        *tail = left;
    }
    return good;
}

/* ---- for people ---- */

/* How octets of this index are read; "" = as they are. */
static const char *hint_of(const struct mib_object *object, uint32_t inet)
{
    if (object->hint[0] == '\0' && inet > 0 && inet < sizeof(inet_hints) / sizeof(inet_hints[0])) {
        return inet_hints[inet];
    }
    return object->hint;
}

/* The octets of a text as a person writes it. */
static int octets_of(const char *hint, uint32_t inet, const char *text, struct buf *out)
{
    uint8_t address[16];
    if ((inet == 2 || inet == 4) && inet_pton(AF_INET6, text, address) == 1) {
        return buf_append(out, address, sizeof(address));
    }
    if (hint[0] != '\0') {
        return mib_hint_parse_octets(hint, text, out);
    }
    return buf_append_text(out, text);
}

static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((uint8_t)text[i] < 0x20 || (uint8_t)text[i] == 0x7f) {
            return false;
        }
    }
    return str_is_utf8(text, size);
}

static void put_quoted(struct buf *out, const char *text)
{
    (void)buf_append_byte(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            (void)buf_append_byte(out, '\\');
        }
        (void)buf_append_byte(out, (uint8_t)*text);
    }
    (void)buf_append_byte(out, '"');
}

/* Octets as a text that reads back the same; false: there is none. */
static bool print_octets(const struct mib_index *index, struct buf *out)
{
    const char *hint = hint_of(index->object, index->inet);
    struct buf text;
    struct buf back;
    buf_init(&text, TEXT_MAX);
    buf_init(&back, TEXT_MAX);
    bool good = hint[0] != '\0' ? mib_hint_octets(hint, index->bytes, index->size, &text)
                                : buf_append(&text, index->bytes, index->size) == 0;
    good = good && is_plain(buf_text(&text), text.size) && strlen(buf_text(&text)) == text.size &&
           octets_of(hint, index->inet, buf_text(&text), &back) == 0 && back.size == index->size &&
           (back.size == 0 || memcmp(back.data, index->bytes, back.size) == 0);
    if (good) {
        put_quoted(out, buf_text(&text));
    }
    buf_fini(&text);
    buf_fini(&back);
    return good;
}

static void print_parts(const struct mib_index *index, struct buf *out)
{
    if (index->counted) {
        (void)buf_printf(out, "%u%s", index->size, index->size > 0 ? "." : "");
    }
    for (size_t i = 0; i < index->size; i++) {
        (void)buf_printf(out, "%s%u", i > 0 ? "." : "", index->parts[i]);
    }
}

static const char *enum_name(const struct mib_object *object, int64_t value)
{
    for (size_t i = 0; i < object->enum_count; i++) {
        if (object->enums[i].value == value) {
            return object->enums[i].name;
        }
    }
    return NULL;
}

/* A word that is read as one component of an address. */
static bool is_word(const char *text)
{
    bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    return letter && strpbrk(text, ".\"'\\ \t") == NULL;
}

void mib_index_print(const struct mib_index *index, struct buf *out)
{
    const char *name = enum_name(index->object, index->number);
    if (index->syntax == MIB_OCTETS) {
        if (!print_octets(index, out)) {
            print_parts(index, out);
        }
    } else if (has_parts(index->syntax)) {
        print_parts(index, out);
    } else if (name != NULL && is_word(name)) {
        (void)buf_append_text(out, name);
    } else {
        (void)buf_printf(out, "%u", index->number);
    }
}

static void print_digits(struct snmp_oid tail, bool first, struct buf *out)
{
    uint32_t part;
    for (; snmp_oid_next(&tail, &part); first = false) {
        (void)buf_printf(out, "%s%u", first ? "" : ".", part);
    }
}

void mib_index_print_all(const struct mib_object *row, struct snmp_oid tail, struct buf *out)
{
    struct mib_index index[2];
    struct snmp_oid left = tail;
    size_t count = row != NULL ? row->index_count : 0;
    struct buf text;
    bool good = count > 0;
    buf_init(&text, TEXT_MAX);
    for (size_t at = 0; good && at < count; at++) {
        good = mib_index_next(row, at, at > 0 ? &index[(at - 1) % 2] : NULL, &left, &index[at % 2]);
        if (good) {
            if (index[at % 2].size == 0 && has_parts(index[at % 2].syntax) &&
                !index[at % 2].counted) {
                good = false; /* nothing would stand there */
                break;
            }
            (void)buf_append_text(&text, at > 0 ? "." : "");
            mib_index_print(&index[at % 2], &text);
        }
    }
    if (good && left.size == 0 && !text.overflow) {
        (void)buf_append(out, text.data, text.size);
    } else {
        print_digits(tail, true, out);
    }
    buf_fini(&text);
}

/* ---- from people ---- */

/* Which index the next component is of: the tail so far must end where one ends. -1: inside of one, or behind all. */
static int next_index(const struct mib_object *row, struct snmp_oid tail,
                      struct mib_index *previous)
{
    struct mib_index index;
    int at = 0;
    while (tail.size > 0) {
        if (!mib_index_next(row, (size_t)at, at > 0 ? previous : NULL, &tail, &index)) {
            return -1;
        }
        *previous = index;
        at++;
    }
    return at < row->index_count ? at : -1;
}

static int append_octets(const struct mib_object *object, uint32_t inet, bool counted,
                         const char *text, struct snmp_oid_buf *to, struct err *err)
{
    const char *hint = hint_of(object, inet);
    uint16_t fixed = fixed_size(object);
    struct buf octets;
    buf_init(&octets, TEXT_MAX);
    int error = octets_of(hint, inet, text, &octets);
    if (error != 0) {
        error = err_set(err, BUSBAR_EINVAL, "'%.60s' is not a value of the index '%s'", text,
                        object->name);
        (void)err_hint(err, "it is written like its DISPLAY-HINT '%s' says", hint);
    } else if (fixed != 0 && octets.size != fixed) {
        error = err_set(err, BUSBAR_EINVAL, "the index '%s' has %u octets, '%.60s' has %zu",
                        object->name, fixed, text, octets.size);
    }
    if (error == 0 && counted) {
        error = snmp_oid_append(to, (uint32_t)octets.size);
    }
    for (size_t i = 0; i < octets.size && error == 0; i++) {
        error = snmp_oid_append(to, octets.data[i]);
    }
    buf_fini(&octets);
    return error != BUSBAR_ELIMIT
               ? error
               : err_set(err, BUSBAR_ELIMIT, "the index '%.60s' is too long for an OID", text);
}

static int append_name(const struct mib_object *object, const char *text, struct snmp_oid_buf *to,
                       struct err *err)
{
    const char *names[MIB_ENUMS_MAX];
    for (size_t i = 0; i < object->enum_count; i++) {
        names[i] = object->enums[i].name;
        if (strcmp(names[i], text) == 0 && object->enums[i].value >= 0 &&
            object->enums[i].value <= UINT32_MAX) {
            return snmp_oid_append(to, (uint32_t)object->enums[i].value);
        }
    }
    const char *near = str_nearest(text, names, object->enum_count);
    (void)err_set(err, BUSBAR_EINVAL, "'%.60s' is not a value of the index '%s'", text,
                  object->name);
    (void)(near != NULL
               ? err_hint(err, "did you mean '%s'?", near)
               : err_hint(err,
                          object->enum_count > 0 ? "it is a number, or one of its names: %s, ..."
                                                 : "it is a number",
                          object->enum_count > 0 ? names[0] : ""));
    return BUSBAR_EINVAL;
}

/* Without a row that says how: as the library of the field's tools takes it, the length first. */
static int append_plain(const char *text, struct snmp_oid_buf *to)
{
    size_t size = strlen(text);
    int error = snmp_oid_append(to, (uint32_t)size);
    for (size_t i = 0; i < size && error == 0; i++) {
        error = snmp_oid_append(to, (uint8_t)text[i]);
    }
    return error;
}

int mib_index_append(const struct mib_object *column, const char *text, bool quoted,
                     struct snmp_oid_buf *to, struct err *err)
{
    const struct mib_object *row = mib_row_of(column);
    struct mib_index previous;
    if (row == NULL || row->index_count == 0) {
        return quoted ? append_plain(text, to)
                      : err_set(err, BUSBAR_EINVAL, "'%.60s' is unknown below '%s'", text,
                                column->name);
    }
    int at = next_index(row, snmp_oid_tail(to->oid, column->oid), &previous);
    if (at < 0) {
        (void)err_set(err, BUSBAR_EINVAL, "'%.60s' does not fit into the index of '%s'", text,
                      column->name);
        return err_hint(err, "a row of it is known by %u %s; the first is '%s'", row->index_count,
                        row->index_count == 1 ? "value" : "values", row->indexes[0]->name);
    }
    const struct mib_object *object = row->indexes[at];
    if (object->syntax == MIB_OCTETS) {
        uint32_t inet = at > 0 && strcmp(previous.object->convention, "InetAddressType") == 0
                            ? previous.number
                            : 0;
        return append_octets(object, inet, is_counted(row, (size_t)at), text, to, err);
    }
    return append_name(object, text, to, err);
}
