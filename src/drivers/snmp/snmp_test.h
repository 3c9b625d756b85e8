/* SPDX-License-Identifier: Apache-2.0 */
/* `busbar device test`: why does the device not answer? One step after the other, each a finding for people. Loop thread
 * only. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_TEST_H
#define BUSBAR_DRIVERS_SNMP_SNMP_TEST_H

#include "drivers/snmp/snmp_driver.h"

/* Ends in driver_tested(). */
void snmp_test_begin(struct snmp_device *device, struct driver_test *asked);
/* All end now. In stop(). */
void snmp_tests_stop(struct snmp_device *device);

#endif
