/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack into the tree. One item after the other, without recursion.
 *
 *   first byte:  00-7f whole number   80-8f map   90-9f array   a0-bf text   c0 nil   c2 c3 bool   c4-c6 bytes
 *                c7-c9 ext   ca cb float   cc-d3 whole numbers   d4-d8 ext of a fixed size   d9-db text   dc dd array
 *                de df map   e0-ff -32 to -1
 *
 * Times (ext -1) become RFC 3339 texts, other extensions bytes. Keys that are numbers become texts. */
#include "payload/message.h"
#include "payload/tree_parts.h"

enum { EXT_TIME = -1 };

struct pack {
    struct payload_tree *tree;
    struct bytes in;
    struct err *err;
    size_t offset; /* of the item that is read */
    uint32_t left[PAYLOAD_DEPTH_MAX];
};

static int wrong(struct pack *pack, const char *what)
{
    return payload_tree_wrong(pack->tree, pack->err, BUSBAR_EPROTO, pack->offset, "%s", what);
}

static int short_of(struct pack *pack)
{
    return payload_tree_wrong(pack->tree, pack->err, BUSBAR_EPROTO, bytes_offset(&pack->in),
                              "the MessagePack ends in the middle of an item");
}

/* A length of 1, 2 or 4 bytes: 0, 1, 2. */
static uint32_t get_length(struct bytes *in, unsigned power)
{
    return power == 0 ? bytes_get_u8(in) : power == 1 ? bytes_get_u16(in) : bytes_get_u32(in);
}

static bool is_text(uint8_t first)
{
    return (first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb);
}

static int get_text(struct pack *pack, uint8_t first, const char **text, size_t *size)
{
    *size = first <= 0xbf ? first & 0x1fU : get_length(&pack->in, first - 0xd9U);
    *text = (const char *)bytes_get_block(&pack->in, *size);
    return *text != NULL ? 0 : short_of(pack);
}

/* ---- numbers ---- */

static bool is_whole(uint8_t first)
{
    return first <= 0x7f || first >= 0xe0 || (first >= 0xcc && first <= 0xd3);
}

/* True: *whole; false: it is beyond, in *real. */
static bool get_whole(struct bytes *in, uint8_t first, int64_t *whole, double *real)
{
    uint64_t natural;
    switch (first) {
    case 0xcc: *whole = bytes_get_u8(in); return true;
    case 0xcd: *whole = bytes_get_u16(in); return true;
    case 0xce: *whole = bytes_get_u32(in); return true;
    case 0xcf:
        natural = bytes_get_u64(in);
        *whole = (int64_t)(natural & INT64_MAX);
        *real = (double)natural;
        return natural <= INT64_MAX;
    case 0xd0: *whole = bytes_get_i8(in); return true;
    case 0xd1: *whole = bytes_get_i16(in); return true;
    case 0xd2: *whole = bytes_get_i32(in); return true;
    case 0xd3: *whole = bytes_get_i64(in); return true;
    default: *whole = (int8_t)first; return true;
    }
}

static void put_number(struct pack *pack, uint8_t first)
{
    int64_t whole = 0;
    double real = 0;
    if (first == 0xca) {
        payload_tree_double(pack->tree, (double)bytes_get_f32(&pack->in));
    } else if (first == 0xcb) {
        payload_tree_double(pack->tree, bytes_get_f64(&pack->in));
    } else if (get_whole(&pack->in, first, &whole, &real)) {
        payload_tree_int(pack->tree, whole);
    } else {
        payload_tree_double(pack->tree, real);
    }
}

/* ---- bytes and extensions ---- */

static int put_time(struct pack *pack, struct bytes in)
{
    enum { YEAR_0 = -62167219200, YEAR_10000 = 253402300800 };
    int64_t seconds = 0;
    uint64_t nanoseconds = 0;
    uint64_t both;
    switch (bytes_left(&in)) {
    case 4: seconds = bytes_get_u32(&in); break;
    case 8:
        both = bytes_get_u64(&in);
        seconds = (int64_t)(both & 0x3ffffffff);
        nanoseconds = both >> 34;
        break;
    case 12:
        nanoseconds = bytes_get_u32(&in);
        seconds = bytes_get_i64(&in);
        break;
    default: return wrong(pack, "a time (extension -1) has 4, 8 or 12 bytes");
    }
    if (nanoseconds >= 1000000000 || seconds < YEAR_0 || seconds >= YEAR_10000) {
        return wrong(pack, "a time (extension -1) that is none");
    }
    char *room = payload_tree_room(pack->tree, STR_TIME_MAX);
    if (room != NULL) {
        size_t size = str_format_time(room, STR_TIME_MAX,
                                      seconds * 1000000 + (int64_t)(nanoseconds / 1000), 0, true);
        payload_tree_text(pack->tree, room, size);
    }
    return 0;
}

static int put_extension(struct pack *pack, size_t size)
{
    int8_t type = bytes_get_i8(&pack->in);
    const uint8_t *data = bytes_get_block(&pack->in, size);
    if (data == NULL) {
        return short_of(pack);
    }
    if (type == EXT_TIME) {
        return put_time(pack, bytes_of(data, size));
    }
    payload_tree_bytes(pack->tree, data, size);
    return 0;
}

static int put_bytes(struct pack *pack, size_t size)
{
    const uint8_t *data = bytes_get_block(&pack->in, size);
    if (data == NULL) {
        return short_of(pack);
    }
    payload_tree_bytes(pack->tree, data, size);
    return 0;
}

/* ---- items ---- */

static int put_container(struct pack *pack, bool map, uint32_t count)
{
    if (bytes_short(&pack->in) || count > bytes_left(&pack->in) / (map ? 2 : 1)) {
        return short_of(pack);
    }
    payload_tree_open(pack->tree, map ? PAYLOAD_OBJECT : PAYLOAD_ARRAY);
    if (pack->tree->error != 0) {
        return payload_tree_finish(pack->tree, pack->err, pack->offset);
    }
    pack->left[pack->tree->depth - 1] = count;
    return 0;
}

static int put_text(struct pack *pack, uint8_t first)
{
    const char *text;
    size_t size;
    int error = get_text(pack, first, &text, &size);
    if (error == 0 && payload_utf8(text, size)) {
        payload_tree_text(pack->tree, text, size);
    } else if (error == 0) { /* encoders before 2013 had no other form for bytes */
        payload_tree_bytes(pack->tree, text, size);
    }
    return error;
}

static int put_item(struct pack *pack, uint8_t first)
{
    if (is_whole(first) || first == 0xca || first == 0xcb) {
        put_number(pack, first);
        return 0;
    }
    if (is_text(first)) {
        return put_text(pack, first);
    }
    if (first <= 0x9f) {
        return put_container(pack, first <= 0x8f, first & 0x0f);
    }
    switch (first) {
    case 0xc0: payload_tree_null(pack->tree); return 0;
    case 0xc2:
    case 0xc3: payload_tree_bool(pack->tree, first == 0xc3); return 0;
    case 0xc4:
    case 0xc5:
    case 0xc6: return put_bytes(pack, get_length(&pack->in, first - 0xc4U));
    case 0xc7:
    case 0xc8:
    case 0xc9: return put_extension(pack, get_length(&pack->in, first - 0xc7U));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: return put_extension(pack, (size_t)1 << (first - 0xd4U));
    case 0xdc:
    case 0xdd: return put_container(pack, false, get_length(&pack->in, first - 0xdcU + 1));
    case 0xde:
    case 0xdf: return put_container(pack, true, get_length(&pack->in, first - 0xdeU + 1));
    default: return wrong(pack, "no MessagePack item begins with c1");
    }
}

/* Keys that are texts are borrowed, the others written out. */
static int put_key(struct pack *pack)
{
    const char *text;
    size_t size;
    pack->offset = bytes_offset(&pack->in);
    uint8_t first = bytes_get_u8(&pack->in);
    if (is_text(first)) {
        int error = get_text(pack, first, &text, &size);
        if (error == 0 && !payload_utf8(text, size)) {
            return wrong(pack, "a key that is not UTF-8");
        }
        if (error == 0) {
            payload_tree_key(pack->tree, text, size);
        }
        return error;
    }
    char word[40];
    int64_t whole = 0;
    double real = 0;
    if (first == 0xc2 || first == 0xc3) {
        size = str_format(word, sizeof(word), "%s", first == 0xc3 ? "true" : "false");
    } else if (first == 0xca || first == 0xcb) {
        real = first == 0xca ? (double)bytes_get_f32(&pack->in) : bytes_get_f64(&pack->in);
        size = str_format_double(word, sizeof(word), real);
    } else if (is_whole(first)) {
        size = get_whole(&pack->in, first, &whole, &real)
                   ? str_format(word, sizeof(word), "%lld", (long long)whole)
                   : str_format_double(word, sizeof(word), real);
    } else {
        return wrong(pack, "a key that is no text and no number");
    }
    char *room = payload_tree_room(pack->tree, size);
    if (room == NULL) {
        return payload_tree_finish(pack->tree, pack->err, pack->offset);
    }
    memcpy(room, word, size);
    payload_tree_key(pack->tree, room, size);
    return 0;
}

static bool close_full(struct pack *pack)
{
    struct payload_tree *tree = pack->tree;
    while (tree->depth > 0) {
        if (pack->left[tree->depth - 1] > 0) {
            pack->left[tree->depth - 1]--;
            return true;
        }
        payload_tree_close(tree);
    }
    return false;
}

int payload_tree_msgpack(struct payload_tree *tree, struct bytes in, struct err *err)
{
    struct pack pack = { .tree = tree, .in = in, .err = err };
    payload_tree_begin(tree);
    if (bytes_left(&in) > PAYLOAD_PLAIN_MAX) {
        return payload_tree_wrong(tree, err, BUSBAR_ELIMIT, 0, "more than %d bytes",
                                  PAYLOAD_PLAIN_MAX);
    }
    do {
        int error = 0;
        if (tree->depth > 0 && tree->nodes[tree->open[tree->depth - 1]].type == PAYLOAD_OBJECT) {
            error = put_key(&pack);
        }
        pack.offset = bytes_offset(&pack.in);
        uint8_t first = bytes_get_u8(&pack.in);
        if (error == 0 && bytes_short(&pack.in)) {
            error = short_of(&pack);
        }
        error = error == 0 ? put_item(&pack, first) : error;
        if (error == 0 && bytes_short(&pack.in)) {
            error = short_of(&pack);
        }
        if (error == 0 && tree->error != 0) {
            error = payload_tree_finish(tree, err, pack.offset);
        }
        if (error != 0) {
            return error;
        }
    } while (close_full(&pack));
    if (bytes_left(&pack.in) > 0) {
        return payload_tree_wrong(tree, err, BUSBAR_EPROTO, bytes_offset(&pack.in),
                                  "the item has ended, and %zu bytes follow", bytes_left(&pack.in));
    }
    return payload_tree_finish(tree, err, pack.offset);
}
