/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a built-in type that is no container: from its bytes (Part 6, 5.2.2), and into a sample or JSON. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_SCALAR_H
#define BUSBAR_DRIVERS_OPCUA_DATA_SCALAR_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/opcua/data/definition.h"
#include "drivers/opcua/link/session.h"
#include "model/sample.h"

enum opcua_scalar_type {
    OPCUA_SCALAR_BOOL,
    OPCUA_SCALAR_INT,
    OPCUA_SCALAR_UINT, /* above INT64_MAX */
    OPCUA_SCALAR_DOUBLE,
    OPCUA_SCALAR_TEXT,
    OPCUA_SCALAR_NONE, /* finding says why */
};

struct opcua_scalar {
    enum opcua_scalar_type type;
    uint16_t finding; /* OPCUA_FOUND_..., 0: none */
    bool b;
    int64_t i;
    uint64_t u;
    double d;
    const char *text; /* in the bytes it was read from, or in scratch */
    size_t size;
};

/* Reads one; in fails when it ends too early or is none. scratch: for texts that are made; cleared here. facts: to
 * print namespaces; may be NULL. A String that is null is the empty text. */
void opcua_scalar_get(struct bytes *in, enum opcua_builtin type,
                      const struct opcua_server_facts *facts, struct buf *scratch,
                      struct opcua_scalar *out);

/* What cannot be said in JSON is null there. */
void opcua_scalar_json(const struct opcua_scalar *scalar, struct json_writer *json);
/* Into value and type of a sample, a text into `texts`. Returns 0 or what was found. */
uint16_t opcua_scalar_sample(const struct opcua_scalar *scalar, struct arena *texts,
                             struct sample *out);
/* A text into a sample: too long, not UTF-8 ... are findings. */
uint16_t opcua_text_sample(const void *text, size_t size, struct arena *texts, struct sample *out);

/* A NodeId or ExpandedNodeId; what it points to is in the bytes read. False: in has failed. */
bool opcua_get_node_id(struct bytes *in, UA_ExpandedNodeId *out);
/* Length (-1 and below: null) and bytes of a String, ByteString, XmlElement. NULL: in has failed. */
const uint8_t *opcua_get_string(struct bytes *in, size_t *size);

/* UA_DateTime as RFC 3339, UTC; 0: outside of 1601 to 9999. */
size_t opcua_date_text(int64_t date, char to[STR_TIME_MAX]);

#endif
