/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of a configuration against those of the registry: which are made new, which go; and the
 * setups of drivers. Used by apply.c.
 *
 *   devices that are gone, and all of a driver whose setup changed, are removed
 *   the new setups come into force
 *   the other devices that changed are removed, all new ones are added
 */
#ifndef BUSBAR_APP_SWAP_H
#define BUSBAR_APP_SWAP_H

#include "app/gateway.h"
#include "config/config.h"

struct swap {
    struct gateway *gw;
    const struct config *config;
    struct device **fresh; /* one for each device of the config; NULL: unchanged */
    size_t at;             /* next device of the config */
    size_t going;          /* host_remove() calls whose callback has not run */
    struct setup **setups; /* one for each driver of the config; NULL: unchanged, or handed over */
    bool set_up;           /* all are handed over */
    size_t setting;        /* host_setup() calls whose callback has not run */
    char **gone; /* names in the registry that are not in the config, or wait for a setup */
    size_t gone_count;
    uint32_t *left; /* series of points that are in no device any more */
    size_t left_count, left_capacity;
    int error;
    struct err err;
};

void swap_init(struct swap *swap, struct gateway *gw, const struct config *config);
void swap_fini(struct swap *swap); /* frees fresh devices that were not added */

/* Makes devices until budget_us is used (0: all). True: done, see error. */
bool swap_make(struct swap *swap, int64_t budget_us);
/* Series ids of the fresh devices' points; any thread (touches state and the fresh devices only). */
int swap_ids(struct swap *swap, struct err *err);
/* Before the first swap_step(). */
void swap_begin(struct swap *swap);
/* Swaps devices in until budget_us is used (0: all). True: all are on their way; done when going is 0. */
bool swap_step(struct swap *swap, int64_t budget_us);

#endif
