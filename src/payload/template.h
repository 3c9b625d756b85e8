/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent to a device: a text with words in braces.
 *
 *   {value}          the value: true, 21.5, a text as it is
 *   {value:ON|OFF}   of a value that is true or not 0 the first, else the second
 *   {id} {device} {point}      names
 *   {time}           2026-11-22T10:44:08Z    {time_ms}  milliseconds since 1970
 *
 * All other braces stay as they are, so that JSON can be written plainly: {"limit": {value}}. In a template that begins
 * with { or [ a text becomes a JSON string: in quotes where the template has none, escaped where it has. Elsewhere a text
 * with control characters is refused: it could break the frame it is sent in. Pure; any thread. */
#ifndef BUSBAR_PAYLOAD_TEMPLATE_H
#define BUSBAR_PAYLOAD_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/sample.h"

enum { PAYLOAD_TEMPLATE_MAX = 4096 /* bytes of a template */ };

struct payload_template_facts {
    const char *id, *device, *point; /* NULL: "" */
    int64_t time_us;                 /* wall */
    uint8_t type;                    /* enum value_type */
    union value value;
};

/* That its words are known: BUSBAR_EINVAL, with a hint. */
int payload_template_check(const char *text, struct err *err);
/* Whether {value} is in it, in any form. */
bool payload_template_has_value(const char *text);

/* Appends. BUSBAR_EINVAL (control characters), BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int payload_template_print(const char *text, const struct payload_template_facts *facts,
                           struct buf *out, struct err *err);

#endif
