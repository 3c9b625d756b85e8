/* SPDX-License-Identifier: Apache-2.0 */
/* Tags, and the primitives that services are made of (ASHRAE 135, clauses 20.2.1 to 20.2.14). Contents
 * are read by bacnet_get_content(), so a context tag and an application tag mean the same bytes.
 *
 * Nearly all tags on the wire are one byte: a number under 15 and a size under 5. Each reader looks for that byte first
 * and takes it in a few instructions; everything else, and everything wrong, goes the long way. */
#include "drivers/bacnet/wire/tag.h"

#include <limits.h>

enum {
    NUMBER_EXTENDED = 15,
    LENGTH_EXTENDED = 5,
    LENGTH_OPENING = 6,
    LENGTH_CLOSING = 7,
    LENGTH_U16 = 254,
    LENGTH_U32 = 255,
    CLASS_CONTEXT = 0x08,
    BITS_KEPT = 32,
};

/* ---- one-byte tags ---- */

/* The byte of a context tag; over any byte for a tag that does not fit into one. */
static inline unsigned context_byte(unsigned tag, unsigned length)
{
    return tag < NUMBER_EXTENDED ? tag << 4 | CLASS_CONTEXT | length : UINT_MAX;
}

static inline bool next_byte_is(const struct bytes *in, unsigned byte)
{
    return !in->failed && in->at < in->end && *in->at == byte;
}

/* The content of a primitive with this context tag and size in one byte; NULL: it is not there, nothing was moved. */
static inline const uint8_t *take_short(struct bytes *in, unsigned tag, unsigned size)
{
    if (!next_byte_is(in, context_byte(tag, size)) || bytes_left(in) <= size) {
        return NULL;
    }
    const uint8_t *content = in->at + 1;
    in->at = content + size;
    return content;
}

/* Over primitives with one-byte tags, up to the first of anything else. */
static const uint8_t *skip_short(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        unsigned size = *at & 0x07u;
        if (size >= LENGTH_EXTENDED || *at >> 4 == NUMBER_EXTENDED) {
            break;
        }
        if ((*at & ~0x07u) == BACNET_BOOLEAN << 4) {
            if (size > 1) {
                break;
            }
            size = 0; /* the value is in the tag */
        }
        if (size >= (size_t)(end - at)) {
            break;
        }
        at += 1 + size;
    }
    return at;
}

/* ---- tags ---- */

static uint32_t get_length(struct bytes *in, unsigned length)
{
    if (length < LENGTH_EXTENDED) {
        return length;
    }
    uint8_t extended = bytes_get_u8(in);
    if (extended == LENGTH_U32) {
        return bytes_get_u32(in);
    }
    return extended == LENGTH_U16 ? bytes_get_u16(in) : extended;
}

static bool get_long_tag(struct bytes *in, struct bacnet_tag *tag)
{
    uint8_t first = bytes_get_u8(in);
    unsigned length = first & 0x07u;
    bool context = (first & CLASS_CONTEXT) != 0;
    *tag = (struct bacnet_tag){ .number = first >> 4, .kind = BACNET_TAG_APPLICATION };
    if (tag->number == NUMBER_EXTENDED) {
        tag->number = bytes_get_u8(in);
        if (tag->number < NUMBER_EXTENDED || tag->number == UINT8_MAX) {
            bytes_fail(in);
        }
    }
    if (context && length >= LENGTH_OPENING) {
        tag->kind = length == LENGTH_OPENING ? BACNET_TAG_OPENING : BACNET_TAG_CLOSING;
    } else if (length >= LENGTH_OPENING) {
        bytes_fail(in);
    } else if (!context && tag->number == BACNET_BOOLEAN) {
        tag->value = (uint8_t)length;
        if (length > 1) {
            bytes_fail(in);
        }
    } else {
        tag->kind = context ? BACNET_TAG_CONTEXT : BACNET_TAG_APPLICATION;
        tag->size = get_length(in, length);
    }
    if (!bytes_short(in) && tag->size > bytes_left(in)) {
        bytes_fail(in);
    }
    if (bytes_short(in)) {
        *tag = (struct bacnet_tag){ 0 };
    }
    return !bytes_short(in);
}

bool bacnet_get_tag(struct bytes *in, struct bacnet_tag *tag)
{
    size_t left = bytes_left(in);
    unsigned first = !in->failed && left > 0 ? *in->at : UINT8_MAX;
    unsigned size = first & 0x07u;
    if (size >= LENGTH_EXTENDED || size >= left || first >> 4 == NUMBER_EXTENDED ||
        (first & ~0x07u) == BACNET_BOOLEAN << 4) {
        return get_long_tag(in, tag);
    }
    in->at++;
    *tag = (struct bacnet_tag){ .number = (uint8_t)(first >> 4),
                                .kind = (first & CLASS_CONTEXT) != 0 ? BACNET_TAG_CONTEXT
                                                                     : BACNET_TAG_APPLICATION,
                                .size = size };
    return true;
}

static bool next(struct bytes in, struct bacnet_tag *tag)
{
    return bytes_left(&in) > 0 && bacnet_get_tag(&in, tag);
}

bool bacnet_next_is(const struct bytes *in, unsigned tag)
{
    struct bacnet_tag found;
    if (tag < NUMBER_EXTENDED &&
        (bytes_left(in) == 0 || (*in->at & ~0x07u) != context_byte(tag, 0))) {
        return false;
    }
    if (!next(*in, &found)) {
        return false;
    }
    return tag == BACNET_APPLICATION ? found.kind == BACNET_TAG_APPLICATION
                                     : found.kind == BACNET_TAG_CONTEXT && found.number == tag;
}

bool bacnet_next_opens(const struct bytes *in, unsigned tag)
{
    struct bacnet_tag found;
    if (tag < NUMBER_EXTENDED) {
        return next_byte_is(in, context_byte(tag, LENGTH_OPENING));
    }
    return next(*in, &found) && found.kind == BACNET_TAG_OPENING && found.number == tag;
}

bool bacnet_next_closes(const struct bytes *in, unsigned tag)
{
    struct bacnet_tag found;
    if (tag < NUMBER_EXTENDED) {
        return next_byte_is(in, context_byte(tag, LENGTH_CLOSING));
    }
    return next(*in, &found) && found.kind == BACNET_TAG_CLOSING && found.number == tag;
}

static void get_bracket(struct bytes *in, unsigned tag, enum bacnet_tag_kind kind)
{
    struct bacnet_tag found;
    if (bacnet_get_tag(in, &found) && (found.kind != kind || found.number != tag)) {
        bytes_fail(in);
    }
}

void bacnet_get_open(struct bytes *in, unsigned tag)
{
    if (next_byte_is(in, context_byte(tag, LENGTH_OPENING))) {
        in->at++;
        return;
    }
    get_bracket(in, tag, BACNET_TAG_OPENING);
}

void bacnet_get_close(struct bytes *in, unsigned tag)
{
    if (next_byte_is(in, context_byte(tag, LENGTH_CLOSING))) {
        in->at++;
        return;
    }
    get_bracket(in, tag, BACNET_TAG_CLOSING);
}

/* Takes brackets of one byte each and the primitives between them, as long as nothing else comes. */
static void skip_known(struct bytes *in, uint8_t open[BACNET_DEPTH_MAX], unsigned *depth)
{
    const uint8_t *at = skip_short(in->at, in->end);
    while (*depth > 0 && at < in->end) {
        unsigned number = *at >> 4;
        unsigned rest = *at & 0x0Fu;
        if (number == NUMBER_EXTENDED) {
            break;
        }
        if (rest == (CLASS_CONTEXT | LENGTH_CLOSING) && open[*depth - 1] == number) {
            (*depth)--;
        } else if (rest == (CLASS_CONTEXT | LENGTH_OPENING) && *depth < BACNET_DEPTH_MAX) {
            open[(*depth)++] = (uint8_t)number;
        } else {
            break;
        }
        at = *depth > 0 ? skip_short(at + 1, in->end) : at + 1;
    }
    in->at = at;
}

/* Takes one tag and its content; `open` holds the numbers of what is open. */
static void step(struct bytes *in, uint8_t open[BACNET_DEPTH_MAX], unsigned *depth)
{
    struct bacnet_tag tag;
    if (!bacnet_get_tag(in, &tag)) {
        return;
    }
    if (tag.kind == BACNET_TAG_OPENING) {
        if (*depth == BACNET_DEPTH_MAX) {
            bytes_fail(in);
            return;
        }
        open[(*depth)++] = tag.number;
    } else if (tag.kind == BACNET_TAG_CLOSING) {
        if (*depth == 0 || open[*depth - 1] != tag.number) {
            bytes_fail(in);
            return;
        }
        (*depth)--;
    } else {
        bytes_skip(in, tag.size);
    }
}

struct bytes bacnet_get_any(struct bytes *in)
{
    uint8_t open[BACNET_DEPTH_MAX];
    unsigned depth = 0;
    const uint8_t *start = in->at;
    do {
        step(in, open, &depth);
    } while (!bytes_short(in) && depth > 0);
    struct bytes whole = bytes_of(start, bytes_short(in) ? 0 : (size_t)(in->at - start));
    whole.failed = bytes_short(in);
    return whole;
}

struct bytes bacnet_get_inside(struct bytes *in, unsigned tag)
{
    uint8_t open[BACNET_DEPTH_MAX] = { (uint8_t)tag };
    unsigned depth = 1;
    bacnet_get_open(in, tag);
    const uint8_t *start = in->at;
    while (!bytes_short(in) && depth > 0) {
        skip_known(in, open, &depth);
        if (depth > 0) {
            step(in, open, &depth);
        }
    }
    size_t bracket = tag < NUMBER_EXTENDED ? 1 : 2;
    struct bytes inside = bytes_of(start, bytes_short(in) ? 0 : (size_t)(in->at - start) - bracket);
    inside.failed = bytes_short(in);
    return inside;
}

struct bytes bacnet_get_context(struct bytes *in, unsigned tag)
{
    struct bacnet_tag found;
    if (bacnet_get_tag(in, &found) && (found.kind != BACNET_TAG_CONTEXT || found.number != tag)) {
        bytes_fail(in);
    }
    return bytes_get_bytes(in, found.size);
}

/* ---- reading primitives ---- */

static struct bacnet_value get(struct bytes *in, unsigned tag, uint8_t type)
{
    struct bacnet_value value = { 0 };
    if (tag == BACNET_APPLICATION) {
        if (bacnet_get_value(in, &value) == 0 && value.type != type) {
            bytes_fail(in);
        }
    } else {
        struct bytes content = bacnet_get_context(in, tag);
        if (bytes_short(in) || bacnet_get_content(content, type, &value) != 0) {
            bytes_fail(in);
        }
    }
    return bytes_short(in) ? (struct bacnet_value){ .type = type } : value;
}

uint64_t bacnet_get_unsigned(struct bytes *in, unsigned tag, uint64_t max)
{
    const uint8_t *byte = take_short(in, tag, 1);
    uint64_t number = byte != NULL ? *byte : get(in, tag, BACNET_UNSIGNED).as.number;
    if (number > max) {
        bytes_fail(in);
        return 0;
    }
    return number;
}

uint32_t bacnet_get_enumerated(struct bytes *in, unsigned tag)
{
    const uint8_t *byte = take_short(in, tag, 1);
    uint64_t number = byte != NULL ? *byte : get(in, tag, BACNET_ENUMERATED).as.number;
    if (number > UINT32_MAX) {
        bytes_fail(in);
        return 0;
    }
    return (uint32_t)number;
}

int64_t bacnet_get_signed(struct bytes *in, unsigned tag)
{
    return get(in, tag, BACNET_SIGNED).as.integer;
}

bool bacnet_get_boolean(struct bytes *in, unsigned tag)
{
    return get(in, tag, BACNET_BOOLEAN).as.boolean;
}

float bacnet_get_real(struct bytes *in, unsigned tag)
{
    return get(in, tag, BACNET_REAL).as.real;
}

double bacnet_get_double(struct bytes *in, unsigned tag)
{
    return get(in, tag, BACNET_DOUBLE).as.real64;
}

struct bytes bacnet_get_octets(struct bytes *in, unsigned tag)
{
    struct bacnet_value value = get(in, tag, BACNET_OCTETS);
    return bytes_of(value.as.block.data, value.as.block.size);
}

struct bacnet_value bacnet_get_characters(struct bytes *in, unsigned tag)
{
    return get(in, tag, BACNET_CHARACTERS);
}

uint32_t bacnet_get_bits(struct bytes *in, unsigned tag, unsigned *count)
{
    struct bacnet_value value = get(in, tag, BACNET_BITS);
    unsigned there = bacnet_value_bits(&value);
    uint32_t bits = 0;
    for (unsigned i = 0; i < there && i < BITS_KEPT; i++) {
        bits |= (uint32_t)bacnet_value_bit(&value, i) << i;
    }
    if (count != NULL) {
        *count = there;
    }
    return bits;
}

struct bacnet_date bacnet_get_date(struct bytes *in, unsigned tag)
{
    return get(in, tag, BACNET_DATE).as.date;
}

struct bacnet_time bacnet_get_time(struct bytes *in, unsigned tag)
{
    return get(in, tag, BACNET_TIME).as.time;
}

struct bacnet_object bacnet_get_object(struct bytes *in, unsigned tag)
{
    const uint8_t *four = take_short(in, tag, 4);
    if (four != NULL) {
        struct bytes number = bytes_of(four, 4);
        return bacnet_object_of(bytes_get_u32(&number));
    }
    return get(in, tag, BACNET_OBJECT).as.object;
}

void bacnet_get_null(struct bytes *in, unsigned tag)
{
    (void)get(in, tag, BACNET_NULL);
}

bool bacnet_try_unsigned(struct bytes *in, unsigned tag, uint64_t max, uint64_t *out)
{
    if (bytes_short(in) || !bacnet_next_is(in, tag)) {
        return false;
    }
    uint64_t number = bacnet_get_unsigned(in, tag, max);
    if (bytes_short(in)) {
        return false;
    }
    *out = number;
    return true;
}

/* ---- writing ---- */

size_t bacnet_tag_size(unsigned number, uint32_t size)
{
    size_t bytes = number < NUMBER_EXTENDED ? 1 : 2;
    if (size < LENGTH_EXTENDED) {
        return bytes;
    }
    return bytes + (size < LENGTH_U16 ? 1 : size <= UINT16_MAX ? 3 : 5);
}

void bacnet_put_tag(struct bytes_out *out, unsigned number, enum bacnet_tag_kind kind,
                    uint32_t size)
{
    if (kind >= BACNET_TAG_OPENING && number < NUMBER_EXTENDED) {
        unsigned length = kind == BACNET_TAG_OPENING ? LENGTH_OPENING : LENGTH_CLOSING;
        bytes_put_u8(out, (uint8_t)context_byte(number, length));
        return;
    }
    assert(number < UINT8_MAX);
    unsigned length = size < LENGTH_EXTENDED ? size : LENGTH_EXTENDED;
    if (kind == BACNET_TAG_OPENING || kind == BACNET_TAG_CLOSING) {
        length = kind == BACNET_TAG_OPENING ? LENGTH_OPENING : LENGTH_CLOSING;
    }
    unsigned class = kind == BACNET_TAG_APPLICATION ? 0 : CLASS_CONTEXT;
    unsigned short_number = number < NUMBER_EXTENDED ? number : NUMBER_EXTENDED;
    bytes_put_u8(out, (uint8_t)(short_number << 4 | class | length));
    if (number >= NUMBER_EXTENDED) {
        bytes_put_u8(out, (uint8_t)number);
    }
    if (length != LENGTH_EXTENDED) {
        return;
    }
    if (size < LENGTH_U16) {
        bytes_put_u8(out, (uint8_t)size);
    } else if (size <= UINT16_MAX) {
        bytes_put_u8(out, LENGTH_U16);
        bytes_put_u16(out, (uint16_t)size);
    } else {
        bytes_put_u8(out, LENGTH_U32);
        bytes_put_u32(out, size);
    }
}

/* Head and content of one byte; false: it takes more. */
static bool put_short(struct bytes_out *out, unsigned tag, uint64_t value)
{
    if (tag >= NUMBER_EXTENDED || value > UINT8_MAX) {
        return false;
    }
    uint8_t *space = bytes_put_space(out, 2);
    space[0] = (uint8_t)context_byte(tag, 1);
    space[1] = (uint8_t)value;
    return true;
}

void bacnet_put_open(struct bytes_out *out, unsigned tag)
{
    bacnet_put_tag(out, tag, BACNET_TAG_OPENING, 0);
}

void bacnet_put_close(struct bytes_out *out, unsigned tag)
{
    bacnet_put_tag(out, tag, BACNET_TAG_CLOSING, 0);
}

void bacnet_put_unsigned(struct bytes_out *out, unsigned tag, uint64_t value)
{
    if (!put_short(out, tag, value)) {
        bacnet_put_value(out, tag,
                         &(struct bacnet_value){ .type = BACNET_UNSIGNED, .as.number = value });
    }
}

void bacnet_put_enumerated(struct bytes_out *out, unsigned tag, uint32_t value)
{
    if (!put_short(out, tag, value)) {
        bacnet_put_value(out, tag,
                         &(struct bacnet_value){ .type = BACNET_ENUMERATED, .as.number = value });
    }
}

void bacnet_put_signed(struct bytes_out *out, unsigned tag, int64_t value)
{
    bacnet_put_value(out, tag,
                     &(struct bacnet_value){ .type = BACNET_SIGNED, .as.integer = value });
}

void bacnet_put_boolean(struct bytes_out *out, unsigned tag, bool value)
{
    bacnet_put_value(out, tag,
                     &(struct bacnet_value){ .type = BACNET_BOOLEAN, .as.boolean = value });
}

void bacnet_put_real(struct bytes_out *out, unsigned tag, float value)
{
    bacnet_put_value(out, tag, &(struct bacnet_value){ .type = BACNET_REAL, .as.real = value });
}

void bacnet_put_double(struct bytes_out *out, unsigned tag, double value)
{
    bacnet_put_value(out, tag, &(struct bacnet_value){ .type = BACNET_DOUBLE, .as.real64 = value });
}

static void put_block(struct bytes_out *out, unsigned tag, uint8_t type, uint8_t set,
                      struct bytes content)
{
    struct bacnet_value value = { .type = type };
    value.as.block.data = content.start;
    value.as.block.size = (uint32_t)bytes_left(&content);
    value.as.block.set = set;
    bacnet_put_value(out, tag, &value);
}

void bacnet_put_octets(struct bytes_out *out, unsigned tag, const void *data, size_t size)
{
    put_block(out, tag, BACNET_OCTETS, 0, bytes_of(data, size));
}

void bacnet_put_text(struct bytes_out *out, unsigned tag, const char *text, size_t size)
{
    put_block(out, tag, BACNET_CHARACTERS, 0, bytes_of(text, size));
}

void bacnet_put_bits(struct bytes_out *out, unsigned tag, uint32_t bits, unsigned count)
{
    assert(count <= BITS_KEPT);
    uint8_t data[BITS_KEPT / 8] = { 0 };
    for (unsigned i = 0; i < count; i++) {
        data[i / 8] = (uint8_t)(data[i / 8] | (bits >> i & 1u) << (7 - i % 8));
    }
    size_t size = (count + 7) / 8;
    put_block(out, tag, BACNET_BITS, (uint8_t)(size * 8 - count), bytes_of(data, size));
}

void bacnet_put_date(struct bytes_out *out, unsigned tag, const struct bacnet_date *date)
{
    bacnet_put_value(out, tag, &(struct bacnet_value){ .type = BACNET_DATE, .as.date = *date });
}

void bacnet_put_time(struct bytes_out *out, unsigned tag, const struct bacnet_time *time)
{
    bacnet_put_value(out, tag, &(struct bacnet_value){ .type = BACNET_TIME, .as.time = *time });
}

void bacnet_put_object(struct bytes_out *out, unsigned tag, struct bacnet_object object)
{
    if (tag < NUMBER_EXTENDED) {
        bytes_put_u8(out, (uint8_t)context_byte(tag, 4));
        bytes_put_u32(out, bacnet_object_number(object));
        return;
    }
    bacnet_put_value(out, tag,
                     &(struct bacnet_value){ .type = BACNET_OBJECT, .as.object = object });
}

void bacnet_put_null(struct bytes_out *out, unsigned tag)
{
    bacnet_put_value(out, tag, &(struct bacnet_value){ .type = BACNET_NULL });
}
