/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR (RFC 8949) into the tree.
 *
 *   item = tag* head content       head: major type (3 bits), argument (5 bits, or in 1, 2, 4, 8 bytes behind)
 *
 * Read one item after the other, without recursion; containers that are open stand on a small stack. Tags say how their
 * item is meant: 2 and 3 (big integers), 4 and 5 (decimal fractions, big floats) become numbers; times (0, 1) stay
 * what is written, a text or a number; the others are passed over. Keys that are numbers (SenML has them) become
 * texts: "-3", so that a path can name them. `undefined` and simple values that mean nothing are null. */
#include <math.h>

#include "payload/message.h"
#include "payload/number.h"
#include "payload/tree_parts.h"

enum { MAJOR_UINT, MAJOR_NEGATIVE, MAJOR_BYTES, MAJOR_TEXT, MAJOR_ARRAY, MAJOR_MAP, MAJOR_TAG };
enum { MAJOR_SIMPLE = 7, INDEFINITE = 31, BREAK = 0xff };
enum { TAG_BIG = 2, TAG_BIG_NEGATIVE = 3, TAG_DECIMAL = 4, TAG_BIG_FLOAT = 5 };

#define UNTIL_BREAK UINT64_MAX

struct cbor {
    struct payload_tree *tree;
    struct bytes in;
    struct err *err;
    uint64_t
        left[PAYLOAD_DEPTH_MAX]; /* items (of a map: pairs) still to come in the open containers */
};

struct head {
    size_t offset;
    uint64_t argument;
    uint8_t major, info;
};

static int wrong(struct cbor *cbor, size_t offset, const char *what)
{
    return payload_tree_wrong(cbor->tree, cbor->err, BUSBAR_EPROTO, offset, "%s", what);
}

static int short_of(struct cbor *cbor)
{
    return payload_tree_wrong(cbor->tree, cbor->err, BUSBAR_EPROTO, bytes_offset(&cbor->in),
                              "the CBOR ends in the middle of an item");
}

static int get_head(struct cbor *cbor, struct head *head)
{
    struct bytes *in = &cbor->in;
    head->offset = bytes_offset(in);
    uint8_t first = bytes_get_u8(in);
    head->major = first >> 5;
    head->info = first & 0x1f;
    switch (head->info) {
    case 24: head->argument = bytes_get_u8(in); break;
    case 25: head->argument = bytes_get_u16(in); break;
    case 26: head->argument = bytes_get_u32(in); break;
    case 27: head->argument = bytes_get_u64(in); break;
    case 28:
    case 29:
    case 30: return wrong(cbor, head->offset, "no CBOR item begins like this");
    case INDEFINITE:
        head->argument = UNTIL_BREAK;
        if (head->major < MAJOR_BYTES || head->major == MAJOR_TAG) {
            return wrong(cbor, head->offset, "no CBOR item begins like this");
        }
        break;
    default: head->argument = head->info;
    }
    return bytes_short(in) ? short_of(cbor) : 0;
}

/* ---- texts and bytes ---- */

/* The pieces of an indefinite one, put together. */
static int join_pieces(struct cbor *cbor, uint8_t major, const uint8_t **data, size_t *size)
{
    struct bytes first_pass = cbor->in;
    size_t sum = 0;
    char *to = NULL;
    for (int pass = 0; pass < 2; pass++) {
        struct head head;
        cbor->in = first_pass;
        for (size_t at = 0;;) {
            int error = get_head(cbor, &head);
            if (error != 0) {
                return error;
            }
            if (head.major == MAJOR_SIMPLE && head.info == INDEFINITE) {
                break;
            }
            if (head.major != major || head.info == INDEFINITE) {
                return wrong(cbor, head.offset, "this is no piece of the text or bytes around it");
            }
            const uint8_t *piece = bytes_get_block(&cbor->in, head.argument);
            if (piece == NULL) {
                return short_of(cbor);
            }
            if (major == MAJOR_TEXT && !payload_utf8(piece, head.argument)) {
                return wrong(cbor, head.offset, "a text that is not UTF-8");
            }
            if (pass == 0) {
                sum += head.argument;
            } else {
                memcpy(to + at, piece, head.argument);
                at += head.argument;
            }
        }
        to = pass == 0 ? payload_tree_room(cbor->tree, sum) : to;
        if (to == NULL) {
            return payload_tree_finish(cbor->tree, cbor->err, head.offset);
        }
    }
    *data = (const uint8_t *)to;
    *size = sum;
    return 0;
}

static int get_string(struct cbor *cbor, const struct head *head, const uint8_t **data,
                      size_t *size)
{
    if (head->info == INDEFINITE) {
        return join_pieces(cbor, head->major, data, size);
    }
    *size = head->argument;
    *data = bytes_get_block(&cbor->in, *size);
    if (*data == NULL) {
        return short_of(cbor);
    }
    if (head->major == MAJOR_TEXT && !payload_utf8(*data, *size)) {
        return wrong(cbor, head->offset, "a text that is not UTF-8");
    }
    return 0;
}

/* ---- numbers ---- */

/* A number as it stands in decimal fractions and in keys: *whole (true), else *real. */
static bool get_integer(const struct head *head, int64_t *whole, double *real)
{
    if (head->argument <= INT64_MAX) {
        *whole = head->major == MAJOR_UINT ? (int64_t)head->argument : -1 - (int64_t)head->argument;
        return true;
    }
    *real = head->major == MAJOR_UINT ? (double)head->argument : -1.0 - (double)head->argument;
    return false;
}

static double get_float(const struct head *head)
{
    float single;
    double number;
    uint32_t narrow = (uint32_t)head->argument;
    switch (head->info) {
    case 25: return payload_half((uint16_t)head->argument);
    case 26: memcpy(&single, &narrow, sizeof(single)); return (double)single;
    default: memcpy(&number, &head->argument, sizeof(number)); return number;
    }
}

static int get_big(struct cbor *cbor, const struct head *head, bool negative, bool *fits,
                   int64_t *whole, double *real)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    if (head->major != MAJOR_BYTES) {
        return wrong(cbor, head->offset, "a big integer (tag 2 or 3) has bytes behind its tag");
    }
    int error = get_string(cbor, head, &data, &size);
    if (error == 0) {
        *fits = payload_big_integer(data, size, negative, whole, real);
    }
    return error;
}

/* Tags 4 and 5: [exponent, mantissa]. */
static int put_fraction(struct cbor *cbor, const struct head *array, bool decimal)
{
    static const char what[] = "a fraction (tag 4 or 5) is an array of two whole numbers";
    struct head head;
    int64_t exponent = 0;
    int64_t whole = 0;
    double real = 0;
    bool fits = true;
    if (array->major != MAJOR_ARRAY || array->argument != 2) {
        return wrong(cbor, array->offset, what);
    }
    int error = get_head(cbor, &head);
    if (error == 0 && (head.major > MAJOR_NEGATIVE || !get_integer(&head, &exponent, &real))) {
        error = wrong(cbor, head.offset, what);
    }
    if (error == 0) {
        error = get_head(cbor, &head);
    }
    if (error == 0 && head.major == MAJOR_TAG &&
        (head.argument == TAG_BIG || head.argument == TAG_BIG_NEGATIVE)) {
        bool negative = head.argument == TAG_BIG_NEGATIVE;
        error = get_head(cbor, &head);
        error = error == 0 ? get_big(cbor, &head, negative, &fits, &whole, &real) : error;
    } else if (error == 0 && head.major <= MAJOR_NEGATIVE) {
        fits = get_integer(&head, &whole, &real);
    } else if (error == 0) {
        error = wrong(cbor, head.offset, what);
    }
    if (error != 0) {
        return error;
    }
    int power = exponent > 4096 ? 4096 : exponent < -4096 ? -4096 : (int)exponent;
    if (!decimal) {
        payload_tree_double(cbor->tree, ldexp(fits ? (double)whole : real, power));
    } else {
        payload_tree_double(cbor->tree, fits ? payload_decimal(whole, exponent)
                                             : real * payload_decimal(1, exponent));
    }
    return 0;
}

/* ---- items ---- */

static int put_tagged(struct cbor *cbor, struct head *head, bool *done)
{
    uint64_t tag = head->argument;
    int error = get_head(cbor, head);
    *done = tag >= TAG_BIG && tag <= TAG_BIG_FLOAT;
    if (error != 0 || !*done) {
        return error;
    }
    if (tag >= TAG_DECIMAL) {
        return put_fraction(cbor, head, tag == TAG_DECIMAL);
    }
    bool fits = false;
    int64_t whole = 0;
    double real = 0;
    error = get_big(cbor, head, tag == TAG_BIG_NEGATIVE, &fits, &whole, &real);
    if (error == 0 && fits) {
        payload_tree_int(cbor->tree, whole);
    } else if (error == 0) {
        payload_tree_double(cbor->tree, real);
    }
    return error;
}

static int put_simple(struct cbor *cbor, const struct head *head)
{
    switch (head->info) {
    case 20:
    case 21: payload_tree_bool(cbor->tree, head->info == 21); return 0;
    case 25:
    case 26:
    case 27: payload_tree_double(cbor->tree, get_float(head)); return 0;
    case INDEFINITE: return wrong(cbor, head->offset, "an end where nothing has begun");
    case 24:
        if (head->argument < 32) {
            return wrong(cbor, head->offset, "no CBOR item begins like this");
        }
        break;
    default: break;
    }
    payload_tree_null(cbor->tree);
    return 0;
}

static int put_container(struct cbor *cbor, const struct head *head)
{
    bool map = head->major == MAJOR_MAP;
    uint64_t least = bytes_left(&cbor->in) / (map ? 2 : 1); /* an item has at least a byte */
    if (head->argument != UNTIL_BREAK && head->argument > least) {
        return short_of(cbor);
    }
    if (head->argument == UNTIL_BREAK && head->info != INDEFINITE) {
        return short_of(cbor);
    }
    payload_tree_open(cbor->tree, map ? PAYLOAD_OBJECT : PAYLOAD_ARRAY);
    if (cbor->tree->error != 0) {
        return payload_tree_finish(cbor->tree, cbor->err, head->offset);
    }
    cbor->left[cbor->tree->depth - 1] = head->argument;
    return 0;
}

static int put_item(struct cbor *cbor, struct head *head)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    bool done = false;
    int error = 0;
    while (error == 0 && !done && head->major == MAJOR_TAG) {
        error = put_tagged(cbor, head, &done);
    }
    if (error != 0 || done) {
        return error;
    }
    int64_t whole;
    double real;
    switch (head->major) {
    case MAJOR_UINT:
    case MAJOR_NEGATIVE:
        if (get_integer(head, &whole, &real)) {
            payload_tree_int(cbor->tree, whole);
        } else {
            payload_tree_double(cbor->tree, real);
        }
        return 0;
    case MAJOR_BYTES:
    case MAJOR_TEXT:
        error = get_string(cbor, head, &data, &size);
        if (error == 0 && head->major == MAJOR_TEXT) {
            payload_tree_text(cbor->tree, (const char *)data, size);
        } else if (error == 0) {
            payload_tree_bytes(cbor->tree, data, size);
        }
        return error;
    case MAJOR_ARRAY:
    case MAJOR_MAP: return put_container(cbor, head);
    default: return put_simple(cbor, head);
    }
}

/* ---- keys ---- */

static int put_word_key(struct cbor *cbor, const char *word, size_t size, size_t offset)
{
    char *room = payload_tree_room(cbor->tree, size);
    if (room == NULL) {
        return payload_tree_finish(cbor->tree, cbor->err, offset);
    }
    memcpy(room, word, size);
    payload_tree_key(cbor->tree, room, size);
    return 0;
}

static int put_bytes_key(struct cbor *cbor, const uint8_t *data, size_t size, size_t offset)
{
    char *room = payload_tree_room(cbor->tree, 2 * size + 1);
    if (room == NULL) {
        return payload_tree_finish(cbor->tree, cbor->err, offset);
    }
    payload_tree_key(cbor->tree, room, str_hex(room, 2 * size + 1, data, size, '\0'));
    return 0;
}

static int put_key(struct cbor *cbor, struct head *head)
{
    static const char *const words[] = { "false", "true", "null", "undefined" };
    const uint8_t *data = NULL;
    size_t size = 0;
    int error = 0;
    while (error == 0 && head->major == MAJOR_TAG) {
        error = get_head(cbor, head);
    }
    if (error == 0 && (head->major == MAJOR_TEXT || head->major == MAJOR_BYTES)) {
        error = get_string(cbor, head, &data, &size);
        if (error == 0 && head->major == MAJOR_BYTES) {
            return put_bytes_key(cbor, data, size, head->offset);
        }
        if (error == 0) {
            payload_tree_key(cbor->tree, (const char *)data, size);
        }
    }
    if (error != 0 || head->major == MAJOR_TEXT) {
        return error;
    }
    char text[40];
    int64_t whole = 0;
    double real = 0;
    if (head->major <= MAJOR_NEGATIVE) {
        size = get_integer(head, &whole, &real)
                   ? str_format(text, sizeof(text), "%lld", (long long)whole)
                   : str_format_double(text, sizeof(text), real);
    } else if (head->major == MAJOR_SIMPLE && head->info >= 20 && head->info <= 23) {
        size = str_format(text, sizeof(text), "%s", words[head->info - 20]);
    } else if (head->major == MAJOR_SIMPLE && head->info >= 25 && head->info <= 27) {
        size = str_format_double(text, sizeof(text), get_float(head));
    } else {
        return wrong(cbor, head->offset, "a key that is no text and no number");
    }
    return put_word_key(cbor, text, size, head->offset);
}

/* ---- */

/* Closes what is full. True: the container that is open now takes one more. */
static bool close_full(struct cbor *cbor)
{
    struct payload_tree *tree = cbor->tree;
    while (tree->depth > 0) {
        uint64_t *left = &cbor->left[tree->depth - 1];
        if (*left == UNTIL_BREAK && bytes_left(&cbor->in) > 0 && *cbor->in.at == BREAK) {
            bytes_skip(&cbor->in, 1);
            *left = 0;
        }
        if (*left != 0) {
            *left -= *left != UNTIL_BREAK;
            return true;
        }
        payload_tree_close(tree);
    }
    return false;
}

int payload_tree_cbor(struct payload_tree *tree, struct bytes in, struct err *err)
{
    struct cbor cbor = { .tree = tree, .in = in, .err = err };
    struct head head;
    payload_tree_begin(tree);
    if (bytes_left(&in) > PAYLOAD_PLAIN_MAX) {
        return payload_tree_wrong(tree, err, BUSBAR_ELIMIT, 0, "more than %d bytes",
                                  PAYLOAD_PLAIN_MAX);
    }
    do {
        int error = get_head(&cbor, &head);
        if (error == 0 && tree->depth > 0 &&
            tree->nodes[tree->open[tree->depth - 1]].type == PAYLOAD_OBJECT) {
            error = put_key(&cbor, &head);
            error = error == 0 ? get_head(&cbor, &head) : error;
        }
        error = error == 0 ? put_item(&cbor, &head) : error;
        if (error == 0 && tree->error != 0) {
            error = payload_tree_finish(tree, err, head.offset);
        }
        if (error != 0) {
            return error;
        }
    } while (close_full(&cbor));
    if (bytes_left(&cbor.in) > 0) {
        return payload_tree_wrong(tree, err, BUSBAR_EPROTO, bytes_offset(&cbor.in),
                                  "the item has ended, and %zu bytes follow", bytes_left(&cbor.in));
    }
    return payload_tree_finish(tree, err, head.offset);
}
