/* SPDX-License-Identifier: Apache-2.0 */
#include "config/prepared.h"

#include <stddef.h>

struct prepared *prepared_hold(struct prepared *prepared)
{
    if (prepared != NULL) {
        (void)atomic_fetch_add(&prepared->holders, 1);
    }
    return prepared;
}

void prepared_drop(struct prepared *prepared)
{
    if (prepared != NULL && atomic_fetch_sub(&prepared->holders, 1) == 1) {
        prepared->free(prepared);
    }
}
