/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled catalogue as bytes: made by draft.h, kept in the cache and embedded in the program, opened by mib.h.
 * All numbers are little-endian. Records of one size stand in tables, one table behind the other in this order:
 *
 *   header    MIB_HEADER bytes:  0 magic   8 crc32c of all from 12 on   12 version   16 size of all
 *                                20 modules  24 types  28 enums  32 ranges  36 objects  40 names  44 links
 *                                48 bytes of OIDs  52 bytes of texts   56 hash of what it was made of (u64)
 *   modules   u32 name  u32 file  u32 objects  u32 0
 *   types     u32 convention  u32 hint  u32 first enum  u32 first range  u16 enums  u16 ranges  u8 syntax  u8 0  u16 0
 *   enums     i64 value  u32 name  u32 0
 *   ranges    i64 low  i64 high
 *   objects   u32 oid  u32 name  u32 units  u32 description  u32 parent + 1 (0: none)  u32 type  u32 first link
 *             u16 links  u16 module  u16 size of the OID  u8 kind  u8 access, and MIB_IMPLIED_FLAG
 *   names     u32 object  u16 module  u16 0          by name, then by module; one more for each further module
 *   links     u32 object                             indexes of a row, objects of a notification
 *   OIDs      content octets of BER
 *   texts     each ends in a NUL; the first is ""
 *
 * Objects stand in the order of their OIDs, and of their modules where two have the same. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_FORMAT_H
#define BUSBAR_DRIVERS_SNMP_MIB_FORMAT_H

#include <stdint.h>

#define MIB_MAGIC "busmib\r\n"

enum {
    MIB_VERSION = 1,
    MIB_HEADER = 64,
    MIB_MODULE_RECORD = 16,
    MIB_TYPE_RECORD = 24,
    MIB_ENUM_RECORD = 16,
    MIB_RANGE_RECORD = 16,
    MIB_OBJECT_RECORD = 36,
    MIB_NAME_RECORD = 8,
    MIB_LINK_RECORD = 4,
    MIB_IMPLIED_FLAG = 0x80,
    MIB_LINKS_MAX = 1024, /* objects of one notification */
    MIB_RANGES_MAX = 1024,
    MIB_TEXT_BYTES_MAX = 1 << 30,
    MIB_TABLE_MAX = 1 << 24, /* records of enums, ranges, links, types */
};

static inline uint16_t mib_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | (unsigned)at[1] << 8);
}

static inline uint32_t mib_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t mib_u64(const uint8_t *at)
{
    return mib_u32(at) | (uint64_t)mib_u32(at + 4) << 32;
}

#endif
