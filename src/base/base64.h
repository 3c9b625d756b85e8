/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4), strict: whole groups of four, padded, no white space, unused bits zero. */
#ifndef BUSBAR_BASE_BASE64_H
#define BUSBAR_BASE_BASE64_H

#include "base/buf.h"

/* Appends the text of size bytes; returns as buf_append(). */
int base64_encode(struct buf *out, const void *data, size_t size);

/* Decodes into to[size]; *written: how many bytes came out. BUSBAR_EINVAL: not such a text; BUSBAR_ELIMIT: they
 * do not fit. size of 3/4 of the text's is always enough. */
int base64_decode(const char *text, size_t text_size, uint8_t *to, size_t size, size_t *written);

#endif
