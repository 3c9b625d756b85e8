/* SPDX-License-Identifier: Apache-2.0 */
/* BACnet tags and primitive contents (ASHRAE 135, clause 20.2): the letters that services are written in.
 *
 *   first byte  number << 4 | class << 3 | length      number 15: the number is in the next byte
 *               class 0 application, 1 context         length 5: one byte of length follows,
 *               length 6 opening, 7 closing (context)  or 254 and u16, or 255 and u32
 *
 * Readers are sticky as the cursor is: anything wrong (another tag, a content that cannot be, the end)
 * fails the cursor and gives 0, so a structure is read whole and bytes_short() is asked once.
 * `tag` of readers and writers: a context tag's number 0-254, or BACNET_APPLICATION for the
 * application tag of the type. Nothing is allocated; nothing recurses. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_TAG_H
#define BUSBAR_DRIVERS_BACNET_WIRE_TAG_H

#include "drivers/bacnet/wire/value.h"

enum {
    BACNET_DEPTH_MAX = 16,      /* constructed values in one another, in what we read */
    BACNET_APPLICATION = 0x100, /* instead of a context tag's number */
    BACNET_TAG_MAX = 7,         /* bytes of a tag: number, and a length of 32 bits */
    BACNET_NUMBER_MAX = BACNET_TAG_MAX +
                        8, /* bytes of any number, date, time or object with its tag */
};

enum bacnet_tag_kind {
    BACNET_TAG_APPLICATION,
    BACNET_TAG_CONTEXT,
    BACNET_TAG_OPENING,
    BACNET_TAG_CLOSING,
};

struct bacnet_tag {
    uint8_t number;
    uint8_t kind;  /* enum bacnet_tag_kind */
    uint32_t size; /* of the content; application booleans: 0, and `value` */
    uint8_t value; /* application boolean: 0 or 1 */
};

/* Reads a tag; its content is wholly in the cursor then. False: failed. */
bool bacnet_get_tag(struct bytes *in, struct bacnet_tag *tag);

/* Looks without moving; false also at the end. next_is: a primitive with this context tag (for
 * BACNET_APPLICATION: any application tag). */
bool bacnet_next_is(const struct bytes *in, unsigned tag);
bool bacnet_next_opens(const struct bytes *in, unsigned tag);
bool bacnet_next_closes(const struct bytes *in, unsigned tag);

void bacnet_get_open(struct bytes *in, unsigned tag);
void bacnet_get_close(struct bytes *in, unsigned tag);
/* One value whole, primitive or constructed, with its tags. At most BACNET_DEPTH_MAX deep. */
struct bytes bacnet_get_any(struct bytes *in);
/* What is between opening and closing tag `tag`, checked to be whole values. */
struct bytes bacnet_get_inside(struct bytes *in, unsigned tag);
/* The content of a primitive with this context tag, whatever it is. */
struct bytes bacnet_get_context(struct bytes *in, unsigned tag);

/* Numbers over max fail. */
uint64_t bacnet_get_unsigned(struct bytes *in, unsigned tag, uint64_t max);
uint32_t bacnet_get_enumerated(struct bytes *in, unsigned tag);
int64_t bacnet_get_signed(struct bytes *in, unsigned tag);
bool bacnet_get_boolean(struct bytes *in, unsigned tag);
float bacnet_get_real(struct bytes *in, unsigned tag);
double bacnet_get_double(struct bytes *in, unsigned tag);
struct bytes bacnet_get_octets(struct bytes *in, unsigned tag);
/* CHARACTERS as they came; to UTF-8 with wire/text.h. */
struct bacnet_value bacnet_get_characters(struct bytes *in, unsigned tag);
/* Bit 0 of the result is the standard's bit 0 (the first); *count bits were there, over 32 are
 * dropped; count may be NULL. */
uint32_t bacnet_get_bits(struct bytes *in, unsigned tag, unsigned *count);
struct bacnet_date bacnet_get_date(struct bytes *in, unsigned tag);
struct bacnet_time bacnet_get_time(struct bytes *in, unsigned tag);
struct bacnet_object bacnet_get_object(struct bytes *in, unsigned tag);
void bacnet_get_null(struct bytes *in, unsigned tag);

/* If the next is this context tag: reads it and is true. */
bool bacnet_try_unsigned(struct bytes *in, unsigned tag, uint64_t max, uint64_t *out);

void bacnet_put_tag(struct bytes_out *out, unsigned number, enum bacnet_tag_kind kind,
                    uint32_t size);
void bacnet_put_open(struct bytes_out *out, unsigned tag);
void bacnet_put_close(struct bytes_out *out, unsigned tag);
void bacnet_put_unsigned(struct bytes_out *out, unsigned tag, uint64_t value);
void bacnet_put_enumerated(struct bytes_out *out, unsigned tag, uint32_t value);
void bacnet_put_signed(struct bytes_out *out, unsigned tag, int64_t value);
void bacnet_put_boolean(struct bytes_out *out, unsigned tag, bool value);
void bacnet_put_real(struct bytes_out *out, unsigned tag, float value);
void bacnet_put_double(struct bytes_out *out, unsigned tag, double value);
void bacnet_put_octets(struct bytes_out *out, unsigned tag, const void *data, size_t size);
/* UTF-8 (character set 0). */
void bacnet_put_text(struct bytes_out *out, unsigned tag, const char *text, size_t size);
void bacnet_put_bits(struct bytes_out *out, unsigned tag, uint32_t bits, unsigned count);
void bacnet_put_date(struct bytes_out *out, unsigned tag, const struct bacnet_date *date);
void bacnet_put_time(struct bytes_out *out, unsigned tag, const struct bacnet_time *time);
void bacnet_put_object(struct bytes_out *out, unsigned tag, struct bacnet_object object);
void bacnet_put_null(struct bytes_out *out, unsigned tag);
/* Bytes that bacnet_put_tag() takes for a primitive with `size` bytes of content. */
size_t bacnet_tag_size(unsigned number, uint32_t size);

#endif
