/* SPDX-License-Identifier: Apache-2.0 */
/* A catalogue being made: modules, types and objects are put in, in any order; finish sorts them and writes the
 * bytes that mib_open() reads. The same input gives the same bytes. One thread at a time. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_DRAFT_H
#define BUSBAR_DRIVERS_SNMP_MIB_DRAFT_H

#include "drivers/snmp/mib/mib.h"

struct mib_draft;

struct mib_draft *mib_draft_new(void);
void mib_draft_free(struct mib_draft *draft); /* NULL is fine */

/* Where two modules say the same, the one that was put in first is preferred. Gives its number. */
uint32_t mib_draft_module(struct mib_draft *draft, const char *name, const char *file);

/* One object; texts are copied, `mib`, `module`, `indexes` and `objects` are not looked at. Gives its number, or
 * UINT32_MAX: MIB_OBJECTS_MAX is reached. */
uint32_t mib_draft_object(struct mib_draft *draft, uint32_t module,
                          const struct mib_object *object);
/* It is also found by this module's name. */
void mib_draft_alias(struct mib_draft *draft, uint32_t object, uint32_t module);
/* The indexes of a row, or the objects of a notification, in their order; at most MIB_INDEXES_MAX or MIB_LINKS_MAX. */
void mib_draft_links(struct mib_draft *draft, uint32_t object, const uint32_t *to, size_t count);

size_t mib_draft_count(const struct mib_draft *draft);

/* 0, BUSBAR_ENOMEM or BUSBAR_ELIMIT (of `out`). The draft is used up. */
int mib_draft_finish(struct mib_draft *draft, uint64_t hash, struct buf *out);

#endif
