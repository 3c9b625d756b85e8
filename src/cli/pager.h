/* SPDX-License-Identifier: Apache-2.0 */
/* A table longer than the screen goes through the program that the variable PAGER names. */
#ifndef BUSBAR_CLI_PAGER_H
#define BUSBAR_CLI_PAGER_H

#include <stddef.h>

/* stdout goes to the pager until pager_end(), when it is a terminal with fewer lines than `lines` and PAGER is set.
 * Where it cannot be started, nothing changes. */
struct pager {
    int terminal; /* the descriptor that stdout was; -1: no pager runs */
    int pid;
};

void pager_begin(struct pager *pager, size_t lines);
/* Waits until the person has seen enough. */
void pager_end(struct pager *pager);

#endif
