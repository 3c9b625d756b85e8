/* SPDX-License-Identifier: Apache-2.0 */
/* The tree that net-snmp's parser has made -> a draft of a catalogue. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_TREE_H
#define BUSBAR_DRIVERS_SNMP_MIB_TREE_H

#include "drivers/snmp/mib/draft.h"

struct mib_tree_modules {
    /* By the parser's number of a module: the draft's; UINT32_MAX: none. */
    const uint32_t *numbers;
    size_t count;
};

/* 0 or BUSBAR_ELIMIT (more than MIB_OBJECTS_MAX). */
int mib_tree_read(const struct mib_tree_modules *modules, bool descriptions,
                  struct mib_draft *draft);

#endif
