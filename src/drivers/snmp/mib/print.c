/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/mib/index.h"
#include "drivers/snmp/mib/mib.h"

void mib_print(const struct mib *mib, struct snmp_oid oid, struct buf *out)
{
    const struct mib_object *object = mib_under(mib, oid);
    if (object == NULL) {
        snmp_oid_print(oid, out);
        return;
    }
    struct snmp_oid tail = snmp_oid_tail(oid, object->oid);
    (void)buf_append_text(out, object->module);
    (void)buf_append_text(out, "::");
    (void)buf_append_text(out, object->name);
    if (tail.size > 0) {
        (void)buf_append_byte(out, '.');
        mib_index_print_all(mib_row_of(object), tail, out);
    }
}
