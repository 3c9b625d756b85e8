/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP driver: devices that connect to us, devices that we connect to, and UDP. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_H
#define BUSBAR_DRIVERS_TCP_TCP_H

#include "driver/driver.h"

const struct driver_ops *tcp_driver(void);

#endif
