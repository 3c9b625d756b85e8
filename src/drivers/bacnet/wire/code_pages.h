/* SPDX-License-Identifier: Apache-2.0 */
/* Code pages of character set 1 (ASHRAE 135, clause 20.2.9): bytes 0x80 to 0xff to Unicode. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_CODE_PAGES_H
#define BUSBAR_DRIVERS_BACNET_WIRE_CODE_PAGES_H

#include <stddef.h>
#include <stdint.h>

enum { BACNET_CODE_PAGE_HALF = 128 };

/* BACNET_CODE_PAGE_HALF characters, for byte 0x80 on; NULL: not one of 437, 850, 1252. */
const uint16_t *bacnet_code_page(uint16_t number);

#endif
