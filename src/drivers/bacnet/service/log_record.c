/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/log_record.h"

#include "base/err.h"

enum { LOG_STATUS_BITS = 3, STATUS_FLAGS = 4, NOT_THERE = 255 };

/* A datum's choices in a record; in a multiple record those from 1 on are one less, and the clock's
 * is not among them. */
enum {
    CHOICE_STATUS = 0,
    CHOICE_NULL = 7,
    CHOICE_FAILURE = 8,
    CHOICE_TIME = 9,
    CHOICE_ANY = 10,
    MULTIPLE_ANY = 8,
};

static const uint8_t types[CHOICE_NULL + 1] = {
    [1] = BACNET_BOOLEAN, [2] = BACNET_REAL, [3] = BACNET_ENUMERATED, [4] = BACNET_UNSIGNED,
    [5] = BACNET_SIGNED,  [6] = BACNET_BITS, [7] = BACNET_NULL,
};

static struct bacnet_datetime get_datetime_in(struct bytes *in)
{
    bacnet_get_open(in, 0);
    struct bacnet_datetime at = bacnet_get_datetime(in);
    bacnet_get_close(in, 0);
    return at;
}

static void put_datetime_in(struct bytes_out *out, const struct bacnet_datetime *at)
{
    bacnet_put_open(out, 0);
    bacnet_put_datetime(out, at);
    bacnet_put_close(out, 0);
}

static uint8_t get_log_status(struct bytes *in)
{
    unsigned count;
    uint32_t bits = bacnet_get_bits(in, CHOICE_STATUS, &count);
    if (count < 2 || count > LOG_STATUS_BITS) { /* two before revision 7 of the protocol */
        bytes_fail(in);
    }
    return (uint8_t)bits;
}

static void get_plain(struct bytes *in, unsigned choice, unsigned tag, struct bacnet_value *value)
{
    if (choice > CHOICE_NULL) {
        bytes_fail(in);
        return;
    }
    struct bytes content = bacnet_get_context(in, tag);
    if (bytes_short(&content) || bacnet_get_content(content, types[choice], value) != 0) {
        bytes_fail(in);
    }
}

/* choice: as in a record; tag: as it is there. */
static void get_datum(struct bytes *in, unsigned choice, unsigned tag, struct bacnet_datum *datum)
{
    *datum = (struct bacnet_datum){ .kind = BACNET_DATUM_VALUE };
    switch (choice) {
    case CHOICE_STATUS:
        datum->kind = BACNET_DATUM_STATUS;
        datum->status = get_log_status(in);
        break;
    case CHOICE_FAILURE:
        datum->kind = BACNET_DATUM_FAILURE;
        bacnet_get_open(in, tag);
        datum->error_class = bacnet_get_enumerated(in, BACNET_APPLICATION);
        datum->error_code = bacnet_get_enumerated(in, BACNET_APPLICATION);
        bacnet_get_close(in, tag);
        break;
    case CHOICE_TIME:
        datum->kind = BACNET_DATUM_TIME;
        datum->seconds = bacnet_get_real(in, tag);
        break;
    case CHOICE_ANY:
        datum->kind = BACNET_DATUM_ANY;
        datum->any = bacnet_get_inside(in, tag);
        break;
    default: get_plain(in, choice, tag, &datum->value); break;
    }
}

static void put_datum(struct bytes_out *out, unsigned choice, unsigned tag,
                      const struct bacnet_datum *datum)
{
    switch (choice) {
    case CHOICE_STATUS: bacnet_put_bits(out, tag, datum->status, LOG_STATUS_BITS); break;
    case CHOICE_FAILURE:
        bacnet_put_open(out, tag);
        bacnet_put_enumerated(out, BACNET_APPLICATION, datum->error_class);
        bacnet_put_enumerated(out, BACNET_APPLICATION, datum->error_code);
        bacnet_put_close(out, tag);
        break;
    case CHOICE_TIME: bacnet_put_real(out, tag, datum->seconds); break;
    case CHOICE_ANY:
        bacnet_put_open(out, tag);
        bytes_put_block(out, datum->any.at, bytes_left(&datum->any));
        bacnet_put_close(out, tag);
        break;
    default: bacnet_put_value(out, tag, &datum->value); break;
    }
}

static unsigned choice_of(const struct bacnet_datum *datum)
{
    switch (datum->kind) {
    case BACNET_DATUM_STATUS: return CHOICE_STATUS;
    case BACNET_DATUM_FAILURE: return CHOICE_FAILURE;
    case BACNET_DATUM_TIME: return CHOICE_TIME;
    case BACNET_DATUM_ANY: return CHOICE_ANY;
    default: break;
    }
    for (unsigned choice = 1; choice <= CHOICE_NULL; choice++) {
        if (types[choice] == datum->value.type) {
            return choice;
        }
    }
    assert(datum->kind != BACNET_DATUM_VALUE); /* other types are put as BACNET_DATUM_ANY */
    return CHOICE_NULL;
}

static unsigned next_tag(const struct bytes *in)
{
    struct bytes at = *in;
    struct bacnet_tag tag;
    bool is = bacnet_get_tag(&at, &tag) && tag.kind != BACNET_TAG_APPLICATION;
    return is ? tag.number : NOT_THERE;
}

int bacnet_get_log_record(struct bytes *in, struct bacnet_log_record *record)
{
    record->at = get_datetime_in(in);
    bacnet_get_open(in, 1);
    unsigned tag = next_tag(in);
    get_datum(in, tag, tag, &record->datum);
    bacnet_get_close(in, 1);
    record->has_flags = bacnet_next_is(in, 2);
    record->flags = 0;
    if (record->has_flags) {
        unsigned count;
        record->flags = (uint8_t)bacnet_get_bits(in, 2, &count);
        if (count != STATUS_FLAGS) {
            bytes_fail(in);
        }
    }
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_log_record(struct bytes_out *out, const struct bacnet_log_record *record)
{
    put_datetime_in(out, &record->at);
    bacnet_put_open(out, 1);
    unsigned choice = choice_of(&record->datum);
    put_datum(out, choice, choice, &record->datum);
    bacnet_put_close(out, 1);
    if (record->has_flags) {
        bacnet_put_bits(out, 2, record->flags, STATUS_FLAGS);
    }
}

int bacnet_get_log_multiple(struct bytes *in, struct bacnet_log_multiple *record)
{
    *record = (struct bacnet_log_multiple){ .kind = BACNET_DATUM_VALUE };
    record->at = get_datetime_in(in);
    bacnet_get_open(in, 1);
    if (bacnet_next_opens(in, 1)) {
        record->data = bacnet_get_inside(in, 1);
    } else if (bacnet_next_is(in, 2)) {
        record->kind = BACNET_DATUM_TIME;
        record->seconds = bacnet_get_real(in, 2);
    } else {
        record->kind = BACNET_DATUM_STATUS;
        record->status = get_log_status(in);
    }
    bacnet_get_close(in, 1);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_log_multiple(struct bytes_out *out, const struct bacnet_log_multiple *record)
{
    put_datetime_in(out, &record->at);
    bacnet_put_open(out, 1);
    switch (record->kind) {
    case BACNET_DATUM_STATUS:
        bacnet_put_bits(out, CHOICE_STATUS, record->status, LOG_STATUS_BITS);
        break;
    case BACNET_DATUM_TIME: bacnet_put_real(out, 2, record->seconds); break;
    default:
        bacnet_put_open(out, 1);
        bytes_put_block(out, record->data.at, bytes_left(&record->data));
        bacnet_put_close(out, 1);
        break;
    }
    bacnet_put_close(out, 1);
}

int bacnet_get_log_datum(struct bytes *data, struct bacnet_datum *datum)
{
    unsigned tag = next_tag(data);
    if (tag > MULTIPLE_ANY) {
        bytes_fail(data);
        return BUSBAR_EPROTO;
    }
    get_datum(data, tag == MULTIPLE_ANY ? (unsigned)CHOICE_ANY : tag + 1, tag, datum);
    return bytes_short(data) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_log_datum(struct bytes_out *out, const struct bacnet_datum *datum)
{
    unsigned choice = choice_of(datum);
    assert(choice != CHOICE_STATUS && choice != CHOICE_TIME);
    put_datum(out, choice, choice == CHOICE_ANY ? (unsigned)MULTIPLE_ANY : choice - 1, datum);
}
