/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog: every protocol this gateway speaks. A new driver is a row in catalog.c. */
#ifndef BUSBAR_DRIVERS_CATALOG_H
#define BUSBAR_DRIVERS_CATALOG_H

#include "driver/driver.h"

/* Static, ends with NULL. */
const struct driver_ops *const *drivers_catalog(void);

#endif
