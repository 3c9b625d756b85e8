/* SPDX-License-Identifier: Apache-2.0 */
/* A node id as a person writes it, and as it is kept for a point. Pure; knows no library.
 *
 *   nsu=urn:acme:press;s=Oil.Temp     namespace by its URI: the one busbar writes, for indexes move
 *   ns=2;s=Oil.Temp   i=2258          by index; without one: 0
 *                                     ';' and '%' of a URI as %3B and %25 (Part 6, 5.3.1.11)
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

#define OPCUA_STANDARD_URI "http://opcfoundation.org/UA/" /* index 0 in every server */

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

/* Copies bytes and URI into the arena. The URI of the standard's own namespace becomes index 0.
 *   uri  in and out: that of the id before (NULL at first), shared when it is the same; NULL: nothing is shared
 * Returns 0, or with err filled (what is wrong, where in the text, how it should be written): BUSBAR_EINVAL,
 * BUSBAR_ELIMIT. */
int opcua_id_parse(const char *text, struct arena *arena, const char **uri, struct opcua_id *out,
                   struct err *err);
/* As it is written: reads back as the same id. */
void opcua_id_print(const struct opcua_id *id, struct buf *out);
bool opcua_id_equal(const struct opcua_id *a, const struct opcua_id *b);

/* "09087e75-8e5e-499b-954f-f2a9603db28a" from and to the 16 bytes on the wire. False: not one. */
bool opcua_guid_parse(const char *text, uint8_t guid[16]);
void opcua_guid_print(const uint8_t guid[16], struct buf *out);

enum { OPCUA_DIMENSIONS_MAX = 8 }; /* of an array */

/* A range of an array (NumericRange, Part 4, 7.27): "3", "0:9", "1,2:4": per dimension first and last, both
 * counted from 0 and both within. */
struct opcua_range {
    size_t dimensions;
    uint32_t first[OPCUA_DIMENSIONS_MAX], last[OPCUA_DIMENSIONS_MAX];
};

/* False: not one. */
bool opcua_range_parse(const char *text, struct opcua_range *out);
bool opcua_range_valid(const char *text);
/* How many elements it names at most; 1: a single one. UINT64_MAX when that is more than fits. */
uint64_t opcua_range_count(const struct opcua_range *range);

#endif
