/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a catalogue, with its sum put right: opened only when nothing in it points outside; then all of it can be
 * looked at, and each object is found by its OID and by its name. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "drivers/snmp/mib/format.h"
#include "drivers/snmp/mib/mib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 1 << 16, TEXT_MAX = 1 << 20, LOOKED_MAX = 200 };

static void look_at(const struct mib *mib, const struct mib_object *object, struct buf *text)
{
    const struct mib_object *exact = mib_exact(mib, object->oid);
    assert(exact != NULL && snmp_oid_equal(exact->oid, object->oid));
    assert(mib_under(mib, object->oid) == exact);
    (void)mib_named(mib, object->name);
    (void)mib_row_of(object);
    (void)mib_child(mib, object->oid, object->name);
    mib_print(mib, object->oid, text);
    (void)buf_printf(text, "%s%s%s%s%s%s", object->name, object->module, object->convention,
                     object->hint, object->units, object->description);
    for (size_t i = 0; i < object->enum_count; i++) {
        (void)buf_append_text(text, object->enums[i].name);
    }
    for (size_t i = 0; i < object->range_count; i++) {
        (void)buf_printf(text, "%lld", (long long)object->ranges[i].high);
    }
    for (size_t i = 0; i < object->index_count; i++) {
        (void)buf_append_text(text, object->indexes[i]->name);
    }
    for (size_t i = 0; i < object->object_count; i++) {
        (void)buf_append_text(text, object->objects[i]->name);
    }
    buf_clear(text);
    (void)exact;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mib *mib;
    struct buf text;
    if (size < MIB_HEADER || size > IN_MAX) {
        return 0;
    }
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    memcpy(copy, MIB_MAGIC, 8);
    uint32_t sizes[] = { MIB_VERSION, (uint32_t)size };
    for (size_t i = 0; i < 8; i++) {
        copy[12 + i] = (uint8_t)(sizes[i / 4] >> (8 * (i % 4)));
    }
    uint32_t crc = crc32c(0, copy + 12, size - 12);
    for (size_t i = 0; i < 4; i++) {
        copy[8 + i] = (uint8_t)(crc >> (8 * i));
    }
    buf_init(&text, TEXT_MAX);
    if (mib_open(copy, size, &mib) == 0) {
        for (size_t i = 0; i < mib_count(mib) && i < LOOKED_MAX; i++) {
            look_at(mib, mib_at(mib, i), &text);
        }
        for (size_t i = 0; i < mib_module_count(mib) && i < LOOKED_MAX; i++) {
            (void)buf_append_text(&text, mib_module_at(mib, i)->name);
        }
        mib_close(mib);
    }
    buf_fini(&text);
    free(copy);
    return 0;
}
