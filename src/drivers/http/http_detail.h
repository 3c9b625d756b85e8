/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind a bad value: a status of HTTP (100 to 599), or one of our own. */
#ifndef BUSBAR_DRIVERS_HTTP_HTTP_DETAIL_H
#define BUSBAR_DRIVERS_HTTP_HTTP_DETAIL_H

#include <stdint.h>

enum { HTTP_DETAIL_MISSING = 1, HTTP_DETAIL_WRONG = 2 };

/* In plain words with the next step; NULL: not known. */
const char *http_explain(uint16_t detail);

#endif
