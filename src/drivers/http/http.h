/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP: devices that post, and devices that are asked. */
#ifndef BUSBAR_DRIVERS_HTTP_HTTP_H
#define BUSBAR_DRIVERS_HTTP_HTTP_H

#include "driver/driver.h"

const struct driver_ops *http_driver(void);

#endif
