/* SPDX-License-Identifier: Apache-2.0 */
/* Address text and type of a point -> struct modbus_address, with errors that say what to write. */
#include "drivers/modbus/modbus_address.h"

#include <string.h>

#include "base/str.h"
#include "drivers/modbus/modbus_codec.h"
#include "model/sample.h"

enum {
    AT_REGISTER,
    AT_HOLDING,
    AT_INPUT,
    AT_COIL,
    AT_DISCRETE,
    AT_TYPE,
    AT_ORDER,
    AT_BIT,
    AT_BITS,
    AT_BYTE,
    AT_LENGTH,
    AT_WRITE_FUNCTION,
};

static const char *const type_words[] = {
#define X(name, word, registers, value) word,
    MODBUS_TYPES(X)
#undef X
        NULL
};
static const uint8_t type_registers[] = {
#define X(name, word, registers, value) registers,
    MODBUS_TYPES(X)
#undef X
};
static const uint8_t type_values[] = {
#define X(name, word, registers, value) value,
    MODBUS_TYPES(X)
#undef X
};
static const char *const byte_words[] = { "low", "high", NULL };
static const char *const write_words[] = {
    "auto", "single", "multiple", "mask", "read-write", NULL
};
static const char *const table_words[] = { "coil", "discrete", "input", "holding" };
const char *const modbus_order_words[] = { "ABCD", "CDAB", "BADC", "DCBA", NULL };

const struct option modbus_point_options[] = {
    [AT_REGISTER] = { .key = "register",
                      .type = OPTION_TEXT,
                      .min = 1,
                      .max = 16,
                      .help = "number in the data sheet, counts from 1: 40101, 400101, 40101.3" },
    [AT_HOLDING] = { .key = "holding",
                     .type = OPTION_TEXT,
                     .min = 1,
                     .max = 16,
                     .help = "holding register, protocol address from 0: 100 or 0x64" },
    [AT_INPUT] = { .key = "input",
                   .type = OPTION_TEXT,
                   .min = 1,
                   .max = 16,
                   .help = "input register, protocol address from 0" },
    [AT_COIL] = { .key = "coil",
                  .type = OPTION_TEXT,
                  .min = 1,
                  .max = 16,
                  .help = "coil, protocol address from 0" },
    [AT_DISCRETE] = { .key = "discrete",
                      .type = OPTION_TEXT,
                      .min = 1,
                      .max = 16,
                      .help = "discrete input, protocol address from 0" },
    [AT_TYPE] = { .key = "type",
                  .type = OPTION_CHOICE,
                  .choices = type_words,
                  .help = "how registers make a value; without it uint16, bool for bits" },
    [AT_ORDER] = { .key = "order",
                   .type = OPTION_CHOICE,
                   .choices = modbus_order_words,
                   .help = "order of bytes; without it the device's" },
    [AT_BIT] = { .key = "bit",
                 .type = OPTION_INT,
                 .min = 0,
                 .max = 15,
                 .help = "one bit of a register as a bool, 0 = least significant" },
    [AT_BITS] = { .key = "bits",
                  .type = OPTION_TEXT,
                  .min = 1,
                  .max = 8,
                  .help = "bit range of a register as a number, first-last: 4-7" },
    [AT_BYTE] = { .key = "byte",
                  .type = OPTION_CHOICE,
                  .fallback = "low",
                  .choices = byte_words,
                  .help = "which byte of the register int8 and uint8 are" },
    [AT_LENGTH] = { .key = "length",
                    .type = OPTION_INT,
                    .min = 1,
                    .max = 123,
                    .help = "registers of a string, two characters each" },
    [AT_WRITE_FUNCTION] = { .key = "write_function",
                            .type = OPTION_CHOICE,
                            .fallback = "auto",
                            .choices = write_words,
                            .help = "single: 5, 6; multiple: 15, 16; mask: 22; read-write: 23" },
    { .key = NULL },
};

const char *modbus_table_word(uint8_t table)
{
    return table < MODBUS_TABLES ? table_words[table] : "?";
}

const char *modbus_type_word(uint8_t type)
{
    return type <= MODBUS_STRING ? type_words[type] : "?";
}

const char *modbus_order_word(uint8_t order)
{
    return order < MODBUS_ORDERS ? modbus_order_words[order] : "?";
}

uint8_t modbus_table_function(uint8_t table)
{
    static const uint8_t codes[] = {
        [MODBUS_COIL] = 1, [MODBUS_DISCRETE] = 2, [MODBUS_INPUT] = 4, [MODBUS_HOLDING] = 3
    };
    return codes[table];
}

bool modbus_address_is_part(const struct modbus_address *address)
{
    return !modbus_table_is_bits(address->table) &&
           (address->bit != MODBUS_BIT_ALL || address->type == MODBUS_INT8 ||
            address->type == MODBUS_UINT8);
}

/* ---- the number ---- */

/* "40101.3" -> "40101" and bit 3; -1: no bit; -2: not a bit. */
static int split_bit(const char *text, char *number, size_t size)
{
    str_copy(number, size, text);
    char *dot = strchr(number, '.');
    if (dot == NULL) {
        return -1;
    }
    *dot = '\0';
    uint64_t bit = 0;
    return str_parse_u64(dot + 1, &bit) == 0 && bit <= 15 ? (int)bit : -2;
}

static int sheet_number(const char *text, struct modbus_address *address)
{
    static const uint8_t tables[] = { ['0' - '0'] = MODBUS_COIL,
                                      ['1' - '0'] = MODBUS_DISCRETE,
                                      ['3' - '0'] = MODBUS_INPUT,
                                      ['4' - '0'] = MODBUS_HOLDING };
    size_t length = strlen(text);
    if ((length != 5 && length != 6) || strspn(text, "0123456789") != length ||
        strchr("0134", text[0]) == NULL) {
        return BUSBAR_EINVAL;
    }
    uint32_t number = 0;
    for (const char *at = text + 1; *at != '\0'; at++) {
        number = number * 10 + (uint32_t)(*at - '0');
    }
    if (number < 1 || number > 65536) {
        return BUSBAR_ERANGE;
    }
    address->table = tables[text[0] - '0'];
    address->start = (uint16_t)(number - 1);
    return 0;
}

static int resolve_register(const struct settings *point, const char *text,
                            struct modbus_address *address, struct err *err)
{
    int error = sheet_number(text, address);
    struct position at = settings_at(point, AT_REGISTER);
    if (error == BUSBAR_ERANGE) {
        return err_at(
            err, BUSBAR_ECONFIG, at,
            "the numbers of a data sheet run from 40001 to 49999, long form 400001 to 465536",
            "register %s is outside the table", text);
    }
    if (error != 0) {
        return err_at(
            err, BUSBAR_ECONFIG, at,
            "write 5 or 6 digits: 0xxxx coil, 1xxxx discrete, 3xxxx input, 4xxxx holding; "
            "for a protocol address write 'holding: 100'",
            "'%s' is not a register number of a data sheet", text);
    }
    return 0;
}

static int resolve_protocol(const struct settings *point, int option, const char *text,
                            struct modbus_address *address, struct err *err)
{
    static const uint8_t tables[] = { [AT_HOLDING] = MODBUS_HOLDING,
                                      [AT_INPUT] = MODBUS_INPUT,
                                      [AT_COIL] = MODBUS_COIL,
                                      [AT_DISCRETE] = MODBUS_DISCRETE };
    const char *key = modbus_point_options[option].key;
    uint64_t number = 0;
    int error = str_parse_u64(text, &number);
    if (error == 0 && number <= UINT16_MAX) {
        address->table = tables[option];
        address->start = (uint16_t)number;
        return 0;
    }
    struct position at = settings_at(point, (size_t)option);
    struct modbus_address sheet;
    if (error == 0 && sheet_number(text, &sheet) == 0) {
        err_at(err, BUSBAR_ECONFIG, at, NULL, "%s %s is above 65535", key, text);
        err_hint(err, "is it the number of the data sheet? then write 'register: %s'", text);
        return BUSBAR_ECONFIG;
    }
    return err_at(err, BUSBAR_ECONFIG, at,
                  "a protocol address counts from 0: a number from 0 to 65535, or 0x0 to 0xffff",
                  "'%s' is not an address of a %s", text, modbus_table_word(tables[option]));
}

/* Exactly one of register, holding, input, coil, discrete. *bit: from a ".3", else -1. */
static int resolve_number(const struct settings *point, struct modbus_address *address, int *bit,
                          struct err *err)
{
    int found = -1;
    for (int option = AT_REGISTER; option <= AT_DISCRETE; option++) {
        if (!settings_has(point, (size_t)option)) {
            continue;
        }
        if (found >= 0) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, (size_t)option),
                          "keep the one that you mean", "both '%s' and '%s' are set",
                          modbus_point_options[found].key, modbus_point_options[option].key);
        }
        found = option;
    }
    if (found < 0) {
        return err_at(err, BUSBAR_ECONFIG, point->at,
                      "add 'register: 40101' (data sheet) or 'holding: 100' (from 0); also input, "
                      "coil, discrete",
                      "a Modbus point needs its address");
    }
    char number[32];
    *bit = split_bit(settings_text(point, (size_t)found), number, sizeof(number));
    if (*bit == -2) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, (size_t)found),
                      "write the bit as 40101.3, from 0 (least significant) to 15",
                      "'%s' names no bit of a register", settings_text(point, (size_t)found));
    }
    return found == AT_REGISTER ? resolve_register(point, number, address, err)
                                : resolve_protocol(point, found, number, address, err);
}

/* ---- the type ---- */

static int bit_range(const struct settings *point, struct modbus_address *address, struct err *err)
{
    char first[16];
    str_copy(first, sizeof(first), settings_text(point, AT_BITS));
    uint64_t low = 0;
    uint64_t high = 0;
    char *dash = strpbrk(first, "-:.");
    int error = dash == NULL ? BUSBAR_EINVAL : 0;
    if (error == 0) {
        const char *last = dash + 1 + strspn(dash + 1, ".");
        *dash = '\0';
        error = str_parse_u64(first, &low) != 0 || str_parse_u64(last, &high) != 0;
    }
    if (error != 0 || low > high || high > 15) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, AT_BITS),
                      "write first-last, 0 = least significant, 15 = most: 4-7",
                      "'%s' is not a bit range of a register", settings_text(point, AT_BITS));
    }
    address->bit = (uint8_t)low;
    address->bits = (uint8_t)(high - low + 1);
    return 0;
}

/* bit:, bits: and the bit of "40101.3". */
static int resolve_bits(const struct settings *point, int dotted, struct modbus_address *address,
                        struct err *err)
{
    int given = (dotted >= 0) + settings_has(point, AT_BIT) + settings_has(point, AT_BITS);
    if (given == 0) {
        return 0;
    }
    size_t option = settings_has(point, AT_BITS) ? AT_BITS : AT_BIT;
    if (given > 1) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, option), "keep one of them",
                      "the bit is given twice");
    }
    if (modbus_table_is_bits(address->table)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, option),
                      "a coil or discrete input is one bit; bits are for registers",
                      "a %s has no bits", modbus_table_word(address->table));
    }
    bool range = settings_has(point, AT_BITS);
    if (settings_has(point, AT_TYPE)) {
        int64_t type = settings_int(point, AT_TYPE);
        if (type != MODBUS_UINT16 && !(type == MODBUS_BOOL && !range)) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, AT_TYPE),
                          "bits are taken from one register: leave 'type' out",
                          "bits do not go with type %s", type_words[type]);
        }
    }
    address->type = range ? MODBUS_UINT16 : MODBUS_BOOL;
    if (range) {
        return bit_range(point, address, err);
    }
    address->bit = (uint8_t)(dotted >= 0 ? dotted : settings_int(point, AT_BIT));
    address->bits = 1;
    return 0;
}

static int resolve_type(const struct settings *point, struct modbus_address *address,
                        struct err *err)
{
    bool bits = modbus_table_is_bits(address->table);
    address->type = bits ? MODBUS_BOOL : MODBUS_UINT16;
    if (settings_has(point, AT_TYPE)) {
        address->type = (uint8_t)settings_int(point, AT_TYPE);
    }
    if (bits && address->type != MODBUS_BOOL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, AT_TYPE),
                      "leave 'type' out, or did you mean a holding or input register?",
                      "a %s is a bool, not %s", modbus_table_word(address->table),
                      modbus_type_word(address->type));
    }
    address->count = type_registers[address->type];
    bool has_length = settings_has(point, AT_LENGTH);
    if (address->type == MODBUS_STRING) {
        if (!has_length) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, AT_TYPE),
                          "add 'length: 8' (registers, two characters each)",
                          "a string needs its length");
        }
        address->count = (uint16_t)settings_int(point, AT_LENGTH);
    } else if (has_length) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, AT_LENGTH),
                      "add 'type: string' or leave 'length' out", "only a string has a length");
    }
    bool byte = address->type == MODBUS_INT8 || address->type == MODBUS_UINT8;
    if (settings_has(point, AT_BYTE) && !byte) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, AT_BYTE),
                      "add 'type: uint8' or leave 'byte' out", "only int8 and uint8 are one byte");
    }
    address->high = byte && settings_int(point, AT_BYTE) == 1;
    return 0;
}

/* ---- writing ---- */

static int resolve_write(const struct settings *point, struct modbus_address *address,
                         struct err *err)
{
    address->write = (uint8_t)settings_int(point, AT_WRITE_FUNCTION);
    bool part = modbus_address_is_part(address);
    bool wrong = false;
    const char *hint = "";
    switch (address->write) {
    case MODBUS_WRITE_SINGLE:
        wrong = address->count > 1;
        hint = "several registers are written with 'multiple' (function 16)";
        break;
    case MODBUS_WRITE_MASK:
        wrong = !part;
        hint = "function 22 writes bits of one register";
        break;
    case MODBUS_WRITE_READ_WRITE:
        wrong = address->table != MODBUS_HOLDING || address->count > MODBUS_READ_WRITE_MAX;
        hint = "function 23 writes up to 121 holding registers";
        break;
    default: break;
    }
    if (wrong) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, AT_WRITE_FUNCTION), hint,
                      "write_function %s cannot write this point", write_words[address->write]);
    }
    return 0;
}

int modbus_address_resolve(const struct settings *point, enum modbus_order order,
                           struct modbus_address *address, struct point_facts *facts,
                           struct err *err)
{
    *address = (struct modbus_address){ .bit = MODBUS_BIT_ALL };
    int dotted = -1;
    int error = resolve_number(point, address, &dotted, err);
    if (error == 0) {
        error = resolve_type(point, address, err);
    }
    if (error == 0) {
        error = resolve_bits(point, dotted, address, err);
    }
    if (error == 0) {
        error = resolve_write(point, address, err);
    }
    if (error != 0) {
        return error;
    }
    address->order = (uint8_t)(settings_has(point, AT_ORDER) ? settings_int(point, AT_ORDER)
                                                             : (int64_t)order);
    if ((uint32_t)address->start + address->count > 65536) {
        return err_at(err, BUSBAR_ECONFIG, point->at, "the last address of a table is 65535",
                      "%s %u %s runs over the end of the table", modbus_table_word(address->table),
                      address->start, modbus_type_word(address->type));
    }
    facts->value_type = type_values[address->type];
    facts->readable = true;
    facts->writable = address->table == MODBUS_COIL || address->table == MODBUS_HOLDING;
    return 0;
}

void modbus_address_print(const struct modbus_address *address, struct buf *out)
{
    buf_printf(out, "%s %u", modbus_table_word(address->table), address->start);
    if (modbus_table_is_bits(address->table)) {
        return;
    }
    if (address->bit != MODBUS_BIT_ALL) {
        if (address->bits == 1 && address->type == MODBUS_BOOL) {
            buf_printf(out, " bit %u", address->bit);
        } else {
            buf_printf(out, " bits %u-%u", address->bit, address->bit + address->bits - 1);
        }
    } else {
        buf_printf(out, " %s", modbus_type_word(address->type));
    }
    if (address->type == MODBUS_STRING) {
        buf_printf(out, " length %u", address->count);
    }
    if (address->type == MODBUS_INT8 || address->type == MODBUS_UINT8) {
        buf_printf(out, " %s byte", byte_words[address->high]);
    }
    bool swapped = address->order == MODBUS_BADC || address->order == MODBUS_DCBA;
    if (address->count > 1) {
        buf_printf(out, " %s", modbus_order_word(address->order));
    } else if (swapped) {
        buf_append_text(out, " BA");
    }
}
