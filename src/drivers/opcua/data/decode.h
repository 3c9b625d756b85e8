/* SPDX-License-Identifier: Apache-2.0 */
/* A Variant's bytes (Part 6, 5.2.2.16) into a sample, whatever is in it: arrays, matrices, structures by the definitions of
 * their server, variants in variants. Reads with a bounded cursor and trusts nothing; depth, number of values and length
 * of the text have limits.
 *
 * A plain value comes out as itself, an array or a structure as JSON. With a member, what stands there:
 *
 *   member = step *( "." step )     step = name *( "[" number "]" )     Position.X   Axes[2].Speed   [0].Name */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_DECODE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_DECODE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "drivers/opcua/data/types.h"
#include "model/sample.h"

enum {
    OPCUA_DEPTH_MAX = 24,        /* containers in containers */
    OPCUA_VALUES_MAX = 1 << 20,  /* values looked at for one sample */
    OPCUA_ELEMENTS_MAX = 1 << 20 /* of one array */
};

/* member NULL: all of it. single: a range names one element: an array of one is that element. texts: where a text goes.
 * Sets type and value of `out` and returns 0, or OPCUA_FOUND_... (text/status.h) and leaves it without a value.
 * *raw: it is said as it came, for the server does not tell how it is built. */
uint16_t opcua_decode(struct bytes variant, const char *member, bool single,
                      struct opcua_types *types, struct arena *texts, struct sample *out,
                      bool *raw);

/* False: not written as a member is. */
bool opcua_member_valid(const char *member);

#endif
