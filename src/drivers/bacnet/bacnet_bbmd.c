/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_bbmd.h"

#include "base/str.h"

static void on_table(void *ctx, int error, uint16_t code, const struct bacnet_table_entry *entries,
                     size_t count)
{
    struct bacnet_bbmd *bbmd = ctx;
    (void)code;
    bbmd->known = error == 0;
    bbmd->count = error == 0 ? count : 0;
    for (size_t i = 0; i < bbmd->count && i < BACNET_BBMD_KEPT; i++) {
        bbmd->others[i] = entries[i].at;
    }
}

void bacnet_bbmd_changed(struct bacnet_bbmd *bbmd, struct bacnet_node *node)
{
    struct bacnet_foreign foreign;
    bacnet_node_foreign(node, &foreign);
    bool registered = foreign.state == BACNET_FOREIGN_REGISTERED;
    if (!registered) {
        bbmd->asked = false; /* it may have another table when it takes us again */
    } else if (!bbmd->asked) {
        bbmd->asked = bacnet_node_read_table(node, NULL, BACNET_TABLE_BROADCAST, on_table, bbmd) ==
                      0;
    }
}

bool bacnet_bbmd_words(const struct bacnet_bbmd *bbmd, char *to, size_t size)
{
    size_t at = 0;
    to[0] = '\0';
    for (size_t i = 0; i < bbmd->count && i < BACNET_BBMD_KEPT; i++) {
        char text[ADDRESS_TEXT_MAX];
        endpoint_format(text, sizeof(text), &bbmd->others[i]);
        at += str_format(to + at, size - at, "%s%s", i > 0 ? ", " : "", text);
    }
    if (bbmd->count > BACNET_BBMD_KEPT) {
        (void)str_format(to + at, size - at, ", %zu more", bbmd->count - BACNET_BBMD_KEPT);
    }
    return bbmd->known && bbmd->count > 0;
}
