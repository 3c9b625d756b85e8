/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes (Part 4, 7.39; Part 6, annex A.2) in words, and into quality. Pure.
 *
 * A status code has 32 bits, a sample's detail has 16: the upper half of the code, which holds severity and
 * sub-code; the lower half is flags (semantics changed, overflow, limit), of which overflow is counted. */
#ifndef BUSBAR_DRIVERS_OPCUA_TEXT_STATUS_H
#define BUSBAR_DRIVERS_OPCUA_TEXT_STATUS_H

#include <stdint.h>

/* "BadNodeIdUnknown"; NULL when unknown. */
const char *opcua_status_name(uint32_t status);
/* Plain words with the next step: "the server has no such node; look for it: busbar device browse". NULL when unknown. */
const char *opcua_status_words(uint32_t status);
/* enum quality. */
uint8_t opcua_status_quality(uint32_t status);
/* base/err.h code for a whole call or a link: BUSBAR_ETIMEOUT, BUSBAR_EREFUSED, BUSBAR_ETOOBIG, ... */
int opcua_status_error(uint32_t status);

static inline uint16_t opcua_status_detail(uint32_t status)
{
    return (uint16_t)(status >> 16);
}

#endif
