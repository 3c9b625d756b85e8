/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/node.h"

#include <string.h>

#include "base/base64.h"
#include "base/str.h"

enum { GUID_BYTES = 16, GUID_TEXT = 36 };

static const char how[] = "write it as nsu=urn:acme:press;s=Oil.Temp, ns=2;s=Oil.Temp or i=2258; "
                          "'busbar device browse' shows it";

static int wrong(struct err *err, int code, const char *text, const char *at, const char *what)
{
    struct position position = { .line = 0, .column = (int)(at - text) + 1 };
    return err_at(err, code, position, how, "%s, at character %d of the node id", what,
                  position.column);
}

/* ---- namespaces ---- */

/* Undoes %3B and %25; what is written without them stays as it is. Returns the length. */
static size_t unescape(const char *from, size_t size, char *to)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        bool escape = from[i] == '%' && size - i >= 3;
        if (escape && (memcmp(from + i, "%3B", 3) == 0 || memcmp(from + i, "%3b", 3) == 0)) {
            to[length++] = ';';
            i += 2;
        } else if (escape && memcmp(from + i, "%25", 3) == 0) {
            to[length++] = '%';
            i += 2;
        } else {
            to[length++] = from[i];
        }
    }
    return length;
}

static int parse_uri(const char *text, const char *at, size_t size, struct arena *arena,
                     const char **uri, struct opcua_id *out, struct err *err)
{
    char plain[OPCUA_URI_MAX];
    if (size == 0) {
        return wrong(err, BUSBAR_EINVAL, text, at, "the namespace has no URI");
    }
    if (size > OPCUA_URI_MAX) {
        return wrong(err, BUSBAR_ELIMIT, text, at,
                     "the URI of the namespace is longer than 512 characters");
    }
    if (!str_is_utf8(at, size)) {
        return wrong(err, BUSBAR_EINVAL, text, at, "the URI of the namespace is not UTF-8");
    }
    size_t length = unescape(at, size, plain);
    if (length == strlen(OPCUA_STANDARD_URI) && memcmp(plain, OPCUA_STANDARD_URI, length) == 0) {
        return 0;
    }
    if (uri != NULL && *uri != NULL && strlen(*uri) == length && memcmp(*uri, plain, length) == 0) {
        out->uri = *uri;
        return 0;
    }
    out->uri = arena_strndup(arena, plain, length);
    if (out->uri == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "no memory for a node id");
    }
    if (uri != NULL) {
        *uri = out->uri;
    }
    return 0;
}

static int parse_index(const char *text, const char *at, size_t size, struct opcua_id *out,
                       struct err *err)
{
    uint32_t index = 0;
    for (size_t i = 0; i < size; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return wrong(err, BUSBAR_EINVAL, text, at + i, "the namespace index is no number");
        }
        index = index * 10 + (uint32_t)(at[i] - '0');
        if (index > UINT16_MAX) {
            return wrong(err, BUSBAR_EINVAL, text, at, "the namespace index is above 65535");
        }
    }
    if (size == 0) {
        return wrong(err, BUSBAR_EINVAL, text, at, "the namespace index is missing");
    }
    out->index = (uint16_t)index;
    return 0;
}

/* The part before the first ';'; *rest: behind it. */
static int parse_namespace(const char *text, struct arena *arena, const char **uri,
                           struct opcua_id *out, const char **rest, struct err *err)
{
    *rest = text;
    if (str_starts(text, "svr=")) {
        return wrong(err, BUSBAR_EINVAL, text, text,
                     "'svr=' points into another server, which is a device of its own");
    }
    bool by_uri = str_starts(text, "nsu=");
    if (!by_uri && !str_starts(text, "ns=")) {
        return 0;
    }
    const char *at = text + (by_uri ? 4 : 3);
    const char *end = strchr(at, ';');
    if (end == NULL) {
        return wrong(err, BUSBAR_EINVAL, text, text + strlen(text),
                     "';' and the identifier are missing");
    }
    *rest = end + 1;
    size_t size = (size_t)(end - at);
    return by_uri ? parse_uri(text, at, size, arena, uri, out, err)
                  : parse_index(text, at, size, out, err);
}

/* ---- identifiers ---- */

static int parse_number(const char *text, const char *at, struct opcua_id *out, struct err *err)
{
    uint64_t number = 0;
    const char *digit = at;
    for (; *digit >= '0' && *digit <= '9' && number <= UINT32_MAX; digit++) {
        number = number * 10 + (uint64_t)(*digit - '0');
    }
    if (number > UINT32_MAX) {
        return wrong(err, BUSBAR_EINVAL, text, at, "the number is above 4294967295");
    }
    if (digit == at || *digit != '\0') {
        return wrong(err, BUSBAR_EINVAL, text, digit, "a number stands after 'i='");
    }
    out->id.number = (uint32_t)number;
    return 0;
}

static int keep_bytes(struct arena *arena, const uint8_t *bytes, size_t size, struct opcua_id *out,
                      struct err *err)
{
    uint8_t *copy = arena_alloc(arena, size);
    if (copy == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "no memory for a node id");
    }
    memcpy(copy, bytes, size);
    out->id.bytes = copy;
    out->size = (uint16_t)size;
    return 0;
}

static int parse_text(const char *text, const char *at, struct arena *arena, struct opcua_id *out,
                      struct err *err)
{
    size_t size = strlen(at);
    if (size == 0) {
        return wrong(err, BUSBAR_EINVAL, text, at, "the text after 's=' is missing");
    }
    if (size > OPCUA_ID_BYTES_MAX) {
        return wrong(err, BUSBAR_ELIMIT, text, at, "the text is longer than 4096 bytes");
    }
    if (!str_is_utf8(at, size)) {
        return wrong(err, BUSBAR_EINVAL, text, at, "the text is not UTF-8");
    }
    out->id.bytes = (const uint8_t *)arena_strdup(arena, at);
    out->size = (uint16_t)size;
    return out->id.bytes != NULL ? 0 : err_set(err, BUSBAR_ENOMEM, "no memory for a node id");
}

/* Where each byte of a GUID stands on the wire (Part 6, 5.2.2.6), in the order of its digits. */
static const uint8_t guid_places[GUID_BYTES] = { 3, 2, 1,  0,  5,  4,  7,  6,
                                                 8, 9, 10, 11, 12, 13, 14, 15 };

bool opcua_guid_parse(const char *text, uint8_t guid[16])
{
    const char *at = text;
    for (size_t i = 0; i < GUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            if (*at++ != '-') {
                return false;
            }
        }
        int high = str_hex_digit(at[0]);
        int low = high >= 0 ? str_hex_digit(at[1]) : -1;
        if (low < 0) {
            return false;
        }
        guid[guid_places[i]] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return *at == '\0';
}

void opcua_guid_print(const uint8_t guid[16], struct buf *out)
{
    for (size_t i = 0; i < GUID_BYTES; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        buf_printf(out, "%s%02x", dash ? "-" : "", guid[guid_places[i]]);
    }
}

static int parse_guid(const char *text, const char *at, struct arena *arena, struct opcua_id *out,
                      struct err *err)
{
    uint8_t guid[GUID_BYTES];
    if (!opcua_guid_parse(at, guid)) {
        return wrong(err, BUSBAR_EINVAL, text, at,
                     "a GUID is written 09087e75-8e5e-499b-954f-f2a9603db28a");
    }
    return keep_bytes(arena, guid, sizeof(guid), out, err);
}

static int parse_bytes(const char *text, const char *at, struct arena *arena, struct opcua_id *out,
                       struct err *err)
{
    uint8_t bytes[OPCUA_ID_BYTES_MAX];
    size_t size = 0;
    int error = base64_decode(at, strlen(at), bytes, sizeof(bytes), &size);
    if (error == BUSBAR_ELIMIT) {
        return wrong(err, error, text, at, "these are more than 4096 bytes");
    }
    if (error != 0 || size == 0) {
        return wrong(err, BUSBAR_EINVAL, text, at, "base64 stands after 'b='");
    }
    return keep_bytes(arena, bytes, size, out, err);
}

int opcua_id_parse(const char *text, struct arena *arena, const char **uri, struct opcua_id *out,
                   struct err *err)
{
    struct opcua_id id = { 0 };
    const char *at;
    int error = parse_namespace(text, arena, uri, &id, &at, err);
    if (error != 0) {
        return error;
    }
    if (at[0] == '\0' || at[1] != '=') {
        return wrong(err, BUSBAR_EINVAL, text, at, "an identifier begins with i=, s=, g= or b=");
    }
    switch (at[0]) {
    case 'i':
        id.kind = OPCUA_ID_NUMBER;
        error = parse_number(text, at + 2, &id, err);
        break;
    case 's':
        id.kind = OPCUA_ID_TEXT;
        error = parse_text(text, at + 2, arena, &id, err);
        break;
    case 'g':
        id.kind = OPCUA_ID_GUID;
        error = parse_guid(text, at + 2, arena, &id, err);
        break;
    case 'b':
        id.kind = OPCUA_ID_BYTES;
        error = parse_bytes(text, at + 2, arena, &id, err);
        break;
    default:
        return wrong(err, BUSBAR_EINVAL, text, at, "an identifier begins with i=, s=, g= or b=");
    }
    if (error == 0) {
        *out = id;
    }
    return error;
}

static void print_uri(const char *uri, struct buf *out)
{
    for (; *uri != '\0'; uri++) {
        if (*uri == ';') {
            buf_append_text(out, "%3B");
        } else if (*uri == '%') {
            buf_append_text(out, "%25");
        } else {
            buf_append_byte(out, (uint8_t)*uri);
        }
    }
}

void opcua_id_print(const struct opcua_id *id, struct buf *out)
{
    if (id->uri != NULL) {
        buf_append_text(out, "nsu=");
        print_uri(id->uri, out);
        buf_append_byte(out, ';');
    } else if (id->index != 0) {
        buf_printf(out, "ns=%u;", id->index);
    }
    switch (id->kind) {
    case OPCUA_ID_NUMBER: buf_printf(out, "i=%u", id->id.number); break;
    case OPCUA_ID_TEXT:
        buf_append_text(out, "s=");
        buf_append(out, id->id.bytes, id->size);
        break;
    case OPCUA_ID_GUID:
        buf_append_text(out, "g=");
        opcua_guid_print(id->id.bytes, out);
        break;
    default:
        buf_append_text(out, "b=");
        base64_encode(out, id->id.bytes, id->size);
        break;
    }
}

bool opcua_id_equal(const struct opcua_id *a, const struct opcua_id *b)
{
    if (a->kind != b->kind || a->index != b->index || !str_equal(a->uri, b->uri)) {
        return false;
    }
    if (a->kind == OPCUA_ID_NUMBER) {
        return a->id.number == b->id.number;
    }
    return a->size == b->size && memcmp(a->id.bytes, b->id.bytes, a->size) == 0;
}

/* ---- ranges ---- */

static bool parse_bound(const char **at, uint32_t *out)
{
    uint64_t number = 0;
    const char *digit = *at;
    for (; *digit >= '0' && *digit <= '9' && number <= UINT32_MAX; digit++) {
        number = number * 10 + (uint64_t)(*digit - '0');
    }
    if (digit == *at || number > UINT32_MAX) {
        return false;
    }
    *at = digit;
    *out = (uint32_t)number;
    return true;
}

bool opcua_range_parse(const char *text, struct opcua_range *out)
{
    struct opcua_range range = { 0 };
    const char *at = text;
    for (;;) {
        size_t i = range.dimensions;
        if (i == OPCUA_DIMENSIONS_MAX || !parse_bound(&at, &range.first[i])) {
            return false;
        }
        range.last[i] = range.first[i];
        /* "3:3" is none: a range of one is written "3". */
        if (*at == ':' &&
            (at++, !parse_bound(&at, &range.last[i]) || range.last[i] <= range.first[i])) {
            return false;
        }
        range.dimensions++;
        if (*at != ',') {
            break;
        }
        at++;
    }
    if (*at != '\0') {
        return false;
    }
    *out = range;
    return true;
}

bool opcua_range_valid(const char *text)
{
    struct opcua_range range;
    return opcua_range_parse(text, &range);
}

uint64_t opcua_range_count(const struct opcua_range *range)
{
    uint64_t count = 1;
    for (size_t i = 0; i < range->dimensions; i++) {
        uint64_t length = (uint64_t)range->last[i] - range->first[i] + 1;
        if (count > UINT64_MAX / length) {
            return UINT64_MAX;
        }
        count *= length;
    }
    return count;
}
