/* SPDX-License-Identifier: Apache-2.0 */
/* The protocols that this gateway speaks: one row for each. */
#ifndef BUSBAR_DRIVERS_CATALOG_H
#define BUSBAR_DRIVERS_CATALOG_H

#include "driver/driver.h"

/* NULL-terminated; valid for ever. */
const struct driver_ops *const *drivers_catalog(void);

#endif
