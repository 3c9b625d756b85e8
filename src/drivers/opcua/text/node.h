/* SPDX-License-Identifier: Apache-2.0 */
/* A node id as a person writes it, and as it is kept for a point. Pure; knows no library.
 *
 *   nsu=urn:acme:press;s=Oil.Temp     namespace by its URI: the one busbar writes, for indexes move
 *   ns=2;s=Oil.Temp   i=2258          by index; without one: 0
 *   kinds: i= number, s= text, g= GUID, b= base64 bytes (Part 6, 5.3.1.10)
 *
 * What a namespace index means is looked up at each connect, in the server's own table. */
#ifndef BUSBAR_DRIVERS_OPCUA_TEXT_NODE_H
#define BUSBAR_DRIVERS_OPCUA_TEXT_NODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum opcua_id_kind { OPCUA_ID_NUMBER, OPCUA_ID_TEXT, OPCUA_ID_GUID, OPCUA_ID_BYTES };
enum { OPCUA_ID_BYTES_MAX = 4096, OPCUA_URI_MAX = 512 };

/* 24 bytes: there is one for each point. */
struct opcua_id {
    const char *uri; /* of the namespace; NULL: by index */
    union {
        uint32_t number;
        const uint8_t *bytes; /* text (UTF-8, no NUL counted), GUID (16, as on the wire), bytes */
    } id;
    uint16_t index; /* of the namespace, where uri is NULL */
    uint16_t size;  /* of bytes */
    uint8_t kind;   /* enum opcua_id_kind */
};

/* Copies bytes and URI into the arena, equal URIs one after another once. Returns 0, or with err filled (what is wrong, where
 * in the text, how it should be written): BUSBAR_EINVAL, BUSBAR_ELIMIT. */
int opcua_id_parse(const char *text, struct arena *arena, struct opcua_id *out, struct err *err);
void opcua_id_print(const struct opcua_id *id, struct buf *out);
bool opcua_id_equal(const struct opcua_id *a, const struct opcua_id *b);

/* A range of an array (NumericRange, Part 4, 7.27): "3", "0:9", "1,2:4". False: not one. */
bool opcua_range_valid(const char *text);

#endif
