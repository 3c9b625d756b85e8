/* SPDX-License-Identifier: Apache-2.0 */
/* What OIDs are called and what they mean: a catalogue compiled from MIB modules. Immutable; any thread.
 *
 *   modules (text) --compile.h (net-snmp's parser, in a process of its own)--> catalogue (bytes) --> struct mib
 *
 * busbar knows the usual standard modules by itself (mib_builtin); a folder of modules adds to them. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_MIB_H
#define BUSBAR_DRIVERS_SNMP_MIB_MIB_H

#include "base/buf.h"
#include "base/err.h"
#include "drivers/snmp/ber/oid.h"

enum {
    MIB_NAME_MAX = 128,
    MIB_OBJECTS_MAX = 2000000,
    MIB_MODULES_MAX = 20000,
    MIB_INDEXES_MAX = 32,
    MIB_ENUMS_MAX = 1024, /* names of one object's values */
};

enum mib_kind {
    MIB_NODE, /* a place in the tree only */
    MIB_SCALAR,
    MIB_TABLE,
    MIB_ROW,
    MIB_COLUMN,
    MIB_NOTIFICATION,
};

/* What a value is, after its textual convention is followed down. */
enum mib_syntax {
    MIB_NONE,
    MIB_INTEGER,  /* Integer32 and enumerations */
    MIB_UNSIGNED, /* Unsigned32, Gauge32 */
    MIB_COUNTER32,
    MIB_COUNTER64,
    MIB_TIMETICKS,
    MIB_OCTETS,
    MIB_OID,
    MIB_BITS,
    MIB_IP_ADDRESS,
    MIB_OPAQUE,
};

enum mib_access {
    MIB_NOT_ACCESSIBLE,
    MIB_FOR_NOTIFY,
    MIB_READ_ONLY,
    MIB_READ_WRITE,
    MIB_READ_CREATE
};

struct mib_enum {
    int64_t value; /* of BITS: the bit's number */
    const char *name;
};

struct mib_range {
    int64_t low, high;
};

struct mib; /* opaque */

struct mib_object {
    const struct mib *mib;
    struct snmp_oid oid;
    const char *name;        /* "ifOperStatus" */
    const char *module;      /* "IF-MIB" */
    const char *convention;  /* "DisplayString", "TruthValue", "MacAddress"; "" = none */
    const char *hint;        /* DISPLAY-HINT: "1x:", "d-2"; "" = none */
    const char *units;       /* "" = none */
    const char *description; /* in one paragraph; "" = not kept */
    uint8_t kind;            /* enum mib_kind */
    uint8_t syntax;          /* enum mib_syntax */
    uint8_t access;          /* enum mib_access */
    bool implied;            /* of a row: the last index is IMPLIED */
    uint16_t enum_count, range_count, index_count, object_count;
    const struct mib_enum *enums;
    const struct mib_range *ranges;          /* of the value, or of its size */
    const struct mib_object *const *indexes; /* of a row (also one that AUGMENTS) */
    const struct mib_object *const *objects; /* of a notification, in their order */
};

/* Of standard modules; valid for ever. */
const struct mib *mib_builtin(void);

/* A catalogue from its bytes (mmap or heap; they must live as long). BUSBAR_EDAMAGED. */
int mib_open(const void *data, size_t size, struct mib **out);
void mib_close(struct mib *mib);

struct mib_module {
    const char *name; /* "IF-MIB" */
    const char *file; /* where it was read from; "" = busbar knows it by itself */
    uint32_t objects; /* defined in it */
};
size_t mib_module_count(const struct mib *mib);
const struct mib_module *mib_module_at(const struct mib *mib, size_t index);
/* Of what the catalogue was made of; 0 for mib_builtin(). */
uint64_t mib_hash(const struct mib *mib);

size_t mib_count(const struct mib *mib);
/* By OID, ascending. */
const struct mib_object *mib_at(const struct mib *mib, size_t index);
/* The object of exactly this OID, or NULL. */
const struct mib_object *mib_exact(const struct mib *mib, struct snmp_oid oid);
/* The object with the longest OID that `oid` is under; NULL: none. */
const struct mib_object *mib_under(const struct mib *mib, struct snmp_oid oid);
/* "IF-MIB::ifOperStatus", "ifOperStatus" (the one that is unique, or else of the module named first in the
 * catalogue). NULL: none. */
const struct mib_object *mib_named(const struct mib *mib, const char *name);
/* The object of this name right below `parent`, or NULL. */
const struct mib_object *mib_child(const struct mib *mib, struct snmp_oid parent, const char *name);
const struct mib_object *mib_row_of(const struct mib_object *column);

/* An address as a person writes it -> its OID: "IF-MIB::ifOperStatus.7", "sysUpTime.0", "sysUpTime" (of a scalar: .0),
 * "1.3.6.1.2.1.1.3.0", "enterprises.8072.1", and indexes in quotes or by type as net-snmp writes them
 * ("vacmGroupName.3.\"wes\"", "ipAdEntAddr.10.0.0.1"). object: what it is of, NULL when unknown. BUSBAR_EINVAL with the
 * nearest names as hint. */
int mib_resolve(const struct mib *mib, const char *text, struct snmp_oid_buf *out,
                const struct mib_object **object, struct err *err);
/* "IF-MIB::ifOperStatus.7"; digits where nothing is known. Indexes by their types. */
void mib_print(const struct mib *mib, struct snmp_oid oid, struct buf *out);

#endif
