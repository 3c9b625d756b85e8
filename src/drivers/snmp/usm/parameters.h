/* SPDX-License-Identifier: Apache-2.0 */
/* What sealing and opening share. */
#ifndef BUSBAR_DRIVERS_SNMP_USM_PARAMETERS_H
#define BUSBAR_DRIVERS_SNMP_USM_PARAMETERS_H

#include "drivers/snmp/usm/library.h"
#include "drivers/snmp/usm/usm.h"

enum { USM_SALT_SIZE = 8, USM_TIME_MAX = INT32_MAX, USM_MODEL = 3 };

/* The initialisation vector of a message (RFC 3414, 8.1.1.1; RFC 3826, 3.1.2.1). */
void usm_iv(enum usm_priv priv, const struct usm_keys *keys, uint32_t boots, uint32_t time,
            const uint8_t salt[USM_SALT_SIZE], uint8_t iv[USM_IV_MAX]);

/* Whether a message that has passed its digest is in the time window; takes the clock of an engine that is not
 * our own. */
bool usm_in_window(const struct usm_parameters *parameters, bool authoritative, int64_t now_us,
                   struct usm_engine *engine);

#endif
