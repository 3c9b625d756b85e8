/* SPDX-License-Identifier: Apache-2.0 */
/* What a person or a peer chooses: addresses as text, OIDs, and texts and octets against hints. What is printed is read
 * as the same again. The first byte chooses which. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/mib/messages.h"
#include "drivers/snmp/mib/mib.h"
#include "drivers/snmp/mib/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 4096, TEXT_MAX = 1 << 20 };

/* An OID as it is printed is that OID when it is read. */
static void print_and_resolve(struct snmp_oid oid)
{
    struct snmp_oid_buf again;
    const struct mib_object *object;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    mib_print(mib_builtin(), oid, &text);
    int error = mib_resolve(mib_builtin(), buf_text(&text), &again, &object, NULL);
    bool scalar = object != NULL && object->kind == MIB_SCALAR && object->oid.size == oid.size;
    assert(error == 0 || scalar);
    assert(error != 0 || scalar || snmp_oid_equal(again.oid, oid) ||
           (object != NULL && object->kind == MIB_SCALAR));
    (void)error;
    (void)scalar;
    buf_fini(&text);
}

static void address(const char *text)
{
    struct snmp_oid_buf oid;
    const struct mib_object *object;
    struct err err;
    if (mib_resolve(mib_builtin(), text, &oid, &object, &err) == 0) {
        assert(snmp_oid_good(oid.oid.bytes, oid.oid.size));
        print_and_resolve(oid.oid);
    }
}

/* The hint ends with the first NUL, the rest is the value. */
static void hint_octets(const char *hint, const uint8_t *value, size_t size)
{
    struct buf text;
    struct buf back;
    struct buf again;
    buf_init(&text, TEXT_MAX);
    buf_init(&back, TEXT_MAX);
    buf_init(&again, TEXT_MAX);
    if (mib_hint_octets(hint, value, size, &text)) {
        (void)mib_hint_parse_octets(hint, buf_text(&text), &back);
    }
    buf_clear(&back);
    char *as_text = strndup((const char *)value, size);
    if (mib_hint_parse_octets(hint, as_text, &back) == 0) {
        (void)mib_hint_octets(hint, back.data, back.size, &again);
    }
    int64_t number;
    struct buf digits;
    buf_init(&digits, TEXT_MAX);
    if (mib_hint_parse_int(hint, as_text, &number) == 0) {
        int64_t same;
        bool shown = mib_hint_int(hint, number, &digits);
        assert(shown);
        int error = mib_hint_parse_int(hint, buf_text(&digits), &same);
        assert(error == 0 && same == number);
        (void)shown;
        (void)error;
    }
    (void)mib_hint_divisor(hint);
    free(as_text);
    buf_fini(&digits);
    buf_fini(&text);
    buf_fini(&back);
    buf_fini(&again);
}

static void modules(const char *text, size_t size)
{
    struct mib_part part;
    size_t at = 0;
    int line = 1;
    size_t before = 0;
    while (mib_part_next(text, size, &at, &line, &part)) {
        assert(part.at >= before && part.at + part.size <= size && part.size > 0);
        assert(part.name == text + part.at && part.name_size <= part.size);
        before = part.at + part.size;
    }
}

static void message(const char *text)
{
    char path[ERR_FILE_MAX];
    struct err err;
    if (mib_message_read(text, path, &err)) {
        assert(err.code != 0 && err.message[0] != '\0' && err.hint[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > IN_MAX) {
        return 0;
    }
    struct bytes exact = bytes_dup(data + 1, size - 1);
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 5) {
    case 0: address(text); break;
    case 1:
        if (size > 1 && snmp_oid_good(exact.start, size - 1)) {
            print_and_resolve(
                (struct snmp_oid){ .bytes = exact.start, .size = (uint16_t)(size - 1) });
        }
        break;
    case 2: {
        size_t hint = strnlen(text, size - 1);
        size_t value = hint + 1 < size ? hint + 1 : size - 1;
        hint_octets(text, (const uint8_t *)text + value,
                    size - 1 - (value < size - 1 ? value : size - 1));
        break;
    }
    case 3: modules((const char *)exact.start, size - 1); break;
    default: message(text); break;
    }
    free(text);
    bytes_fini(&exact);
    return 0;
}
