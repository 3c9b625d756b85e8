/* SPDX-License-Identifier: Apache-2.0 */
/* Ports for tests that cannot ask for port 0. */
#ifndef BUSBAR_TESTS_FREE_PORT_H
#define BUSBAR_TESTS_FREE_PORT_H

#include <stdint.h>

/* A port that nothing has at 127.0.0.1, by TCP or UDP. It is below those that the system gives to whoever connects:
 * a test beside this one cannot take it by chance. */
uint16_t test_free_port(void);

#endif
