/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf messages by their descriptors: files made by `protoc --descriptor_set_out=FILE --include_imports`, in the folder
 * that a driver's section names (`schemas:`). Immutable, held as config/prepared.h says; any thread. */
#ifndef BUSBAR_PAYLOAD_SCHEMAS_H
#define BUSBAR_PAYLOAD_SCHEMAS_H

#include "config/prepared.h"
#include "payload/tree.h"

enum { PAYLOAD_SCHEMA_BYTES_MAX = 4 << 20 /* of one file */, PAYLOAD_SCHEMA_FILES_MAX = 100 };

struct payload_schemas; /* begins with struct prepared */
struct payload_schema;  /* one message type */

/* For a driver's ops->prepare: reads the folder (NULL or "": one with nothing in it). Files that are no descriptors are
 * warned of. */
int payload_schemas_load(const char *folder, const struct prepare *how, struct prepared **out,
                         struct err *err);
/* The same from bytes, for tests and the fuzzer. */
int payload_schemas_read(struct bytes descriptors, struct prepared **out, struct err *err);

/* "acme.Reading", or "Reading" where that is clear; NULL schemas are fine. BUSBAR_ENOENT: err names the nearest. */
int payload_schemas_find(const struct payload_schemas *schemas, const char *name,
                         const struct payload_schema **out, struct err *err);

/* A message of that type: fields by their names (proto, not JSON names), enumerations as their names' texts, maps as objects,
 * unknown fields left out. Proto2 and proto3. */
int payload_tree_protobuf(struct payload_tree *tree, const struct payload_schema *schema,
                          struct bytes in, struct err *err);

#endif
