/* SPDX-License-Identifier: Apache-2.0 */
/* XML and XPath 1.0, by libxml2: without network, document types and entities of their own; names without namespaces. */
#ifndef BUSBAR_PAYLOAD_XML_H
#define BUSBAR_PAYLOAD_XML_H

#include "payload/text.h"
#include "payload/tree.h"

enum {
    XML_BYTES_MAX = 4 << 20,
    XML_DEPTH_MAX = 100,
    XML_STEPS_MAX = 1000000, /* of one XPath on one message */
    XML_NODES_MAX = 100000,  /* found by one XPath */
};

struct xml_path;     /* a compiled XPath */
struct xml_document; /* a message, taken apart */

int xml_path_new(const char *text, struct xml_path **out, struct err *err);
void xml_path_free(struct xml_path *path); /* NULL is fine */

/* encoding: NULL: as the message says, else "ISO-8859-1". BUSBAR_EPROTO with the line, BUSBAR_ELIMIT. */
int xml_read(const void *data, size_t size, const char *encoding, struct xml_document **out,
             struct err *err);
void xml_free(struct xml_document *document); /* NULL is fine */

/* Calls found for what it finds: texts of elements and attributes in the order of the document, or one number, text or yes
 * and no. part: of xml_parts; NULL: the document. Texts live in the scratch. Returns 0. */
typedef bool (*xml_found_cb)(void *ctx, const struct payload_node *node);
int xml_find(struct xml_document *document, const struct xml_path *path, const void *part,
             struct scratch *scratch, xml_found_cb found, void *ctx, struct err *err);
/* The elements that it finds, to look into: at most max; returns how many there are. */
int xml_parts(struct xml_document *document, const struct xml_path *path, const void **parts,
              size_t max, size_t *count, struct err *err);

#endif
