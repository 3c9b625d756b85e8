/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/xml.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

struct xml_path {
    xmlXPathCompExprPtr code;
};

struct xml_document {
    xmlDocPtr doc;
    xmlXPathContextPtr context;
};

static void keep_error(void *ctx, xmlErrorPtr error)
{
    char *to = ctx;
    if (to[0] == '\0' && error != NULL && error->message != NULL) {
        (void)str_copy(to, 128, error->message);
        (void)str_trim(to);
    }
}

/* ---- XPath ---- */

/* A name with a prefix outside of quotes: it would find nothing, for namespaces are taken off. */
static const char *prefix_in(const char *text)
{
    char quote = '\0';
    for (const char *at = text; *at != '\0'; at++) {
        if (quote != '\0') {
            quote = *at == quote ? '\0' : quote;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        } else if (*at == ':' && at[1] == ':') {
            at++;
        } else if (*at == ':') {
            return at;
        }
    }
    return NULL;
}

int xml_path_new(const char *text, struct xml_path **out, struct err *err)
{
    *out = NULL;
    const char *prefix = prefix_in(text);
    if (prefix != NULL) {
        err_set(err, BUSBAR_ESYNTAX, "character %d: a name with a namespace's prefix",
                (int)(prefix - text) + 1);
        return err_hint(err, "leave the prefix out: names are compared without their namespaces");
    }
    xmlInitParser();
    char why[128] = "";
    xmlXPathContextPtr context = xmlXPathNewContext(NULL);
    if (context == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    context->error = keep_error;
    context->userData = why;
    xmlXPathCompExprPtr code = xmlXPathCtxtCompile(context, (const xmlChar *)text);
    xmlXPathFreeContext(context);
    if (code == NULL) {
        err_set(err, BUSBAR_ESYNTAX, "no XPath%s%s", why[0] != '\0' ? ": " : "", why);
        return err_hint(err, "such as /room/temperature, //sensor[@id='t1']/value or //t/@unit");
    }
    *out = busbar_alloc(sizeof(**out));
    (*out)->code = code;
    return 0;
}

void xml_path_free(struct xml_path *path)
{
    if (path != NULL) {
        xmlXPathFreeCompExpr(path->code);
        busbar_free(path);
    }
}

/* ---- documents ---- */

/* Names without namespaces, and how deep it is. */
static bool strip(xmlDocPtr doc)
{
    unsigned depth = 0;
    xmlNodePtr node = xmlDocGetRootElement(doc);
    while (node != NULL) {
        if (node->type == XML_ELEMENT_NODE) {
            node->ns = NULL;
            for (xmlAttrPtr attribute = node->properties; attribute != NULL;
                 attribute = attribute->next) {
                attribute->ns = NULL;
            }
        }
        if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
            node = node->children;
            if (++depth > XML_DEPTH_MAX) {
                return false;
            }
            continue;
        }
        while (node != NULL && node->next == NULL) {
            node = node->parent != NULL && node->parent->type == XML_ELEMENT_NODE ? node->parent
                                                                                  : NULL;
            depth -= node != NULL;
        }
        node = node != NULL ? node->next : NULL;
    }
    return true;
}

static int refuse_parsed(xmlParserCtxtPtr parser, struct err *err)
{
    const xmlError *error = xmlCtxtGetLastError(parser);
    char why[128] = "it is no XML";
    if (error != NULL && error->message != NULL) {
        (void)str_copy(why, sizeof(why), error->message);
        (void)str_trim(why);
    }
    return err_set(err, BUSBAR_EPROTO, "no XML: line %d: %s", error != NULL ? error->line : 1, why);
}

static int check_before(const void *data, size_t size, struct err *err)
{
    if (size > XML_BYTES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "%zu bytes of XML are over the limit of %d", size,
                       XML_BYTES_MAX);
    }
    if (size == 0) {
        return err_set(err, BUSBAR_EPROTO, "no XML: the message is empty");
    }
    if (memchr(data, '\0', size) != NULL) {
        err_set(err, BUSBAR_EPROTO, "no XML: a byte 0 is in it");
        return err_hint(err, "UTF-16 is not taken; have the device send UTF-8");
    }
    if (memmem(data, size, "<!DOCTYPE", 9) != NULL) {
        err_set(err, BUSBAR_EPROTO, "XML with a document type is not taken");
        return err_hint(err,
                        "have the device leave <!DOCTYPE out: it can make a small message huge");
    }
    return 0;
}

int xml_read(const void *data, size_t size, const char *encoding, struct xml_document **out,
             struct err *err)
{
    *out = NULL;
    int error = check_before(data, size, err);
    if (error != 0) {
        return error;
    }
    xmlInitParser();
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (parser == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    xmlDocPtr doc = xmlCtxtReadMemory(parser, data, (int)size, NULL, encoding,
                                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                          XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
    if (doc == NULL) {
        error = refuse_parsed(parser, err);
    } else if (doc->intSubset != NULL || doc->extSubset != NULL) {
        error = err_set(err, BUSBAR_EPROTO, "XML with a document type is not taken");
    } else if (!strip(doc)) {
        error = err_set(err, BUSBAR_ELIMIT, "XML deeper than %d elements", XML_DEPTH_MAX);
    }
    xmlFreeParserCtxt(parser);
    xmlXPathContextPtr context = error == 0 ? xmlXPathNewContext(doc) : NULL;
    if (context == NULL) {
        xmlFreeDoc(doc);
        return error != 0 ? error : err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    *out = busbar_alloc(sizeof(**out));
    **out = (struct xml_document){ .doc = doc, .context = context };
    return 0;
}

void xml_free(struct xml_document *document)
{
    if (document != NULL) {
        xmlXPathFreeContext(document->context);
        xmlFreeDoc(document->doc);
        busbar_free(document);
    }
}

/* ---- finding ---- */

static int evaluate(struct xml_document *document, const struct xml_path *path, const void *part,
                    xmlXPathObjectPtr *out, struct err *err)
{
    char why[128] = "";
    xmlXPathContextPtr context = document->context;
    context->node = part != NULL ? (xmlNodePtr)part : xmlDocGetRootElement(document->doc);
    context->opLimit = XML_STEPS_MAX;
    context->opCount = 0;
    context->error = keep_error;
    context->userData = why;
    *out = xmlXPathCompiledEval(path->code, context);
    if (*out == NULL) {
        return err_set(err, BUSBAR_EPROTO, "the XPath cannot be followed: %s",
                       why[0] != '\0' ? why : "too many steps");
    }
    return 0;
}

static int put_text(const xmlChar *text, struct scratch *scratch, struct payload_node *node)
{
    size_t size = text != NULL ? strlen((const char *)text) : 0;
    char *room = scratch_room(scratch, size + 1);
    if (room == NULL) {
        return BUSBAR_ENOMEM;
    }
    if (size > 0) {
        memcpy(room, text, size);
    }
    node->type = PAYLOAD_TEXT;
    node->value.text = room;
    node->size = (uint32_t)size;
    return 0;
}

static int tell_nodes(const xmlNodeSet *set, struct scratch *scratch, xml_found_cb found, void *ctx,
                      struct err *err)
{
    int count = set != NULL ? set->nodeNr : 0;
    if (count > XML_NODES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "the XPath finds more than %d", XML_NODES_MAX);
    }
    for (int i = 0; i < count; i++) {
        struct payload_node node = { .next = 1 };
        xmlChar *text = set->nodeTab[i]->type == XML_NAMESPACE_DECL
                            ? NULL
                            : xmlNodeGetContent(set->nodeTab[i]);
        int error = put_text(text, scratch, &node);
        xmlFree(text);
        if (error != 0) {
            return err_set(err, error, "out of memory");
        }
        if (!found(ctx, &node)) {
            break;
        }
    }
    return 0;
}

int xml_find(struct xml_document *document, const struct xml_path *path, const void *part,
             struct scratch *scratch, xml_found_cb found, void *ctx, struct err *err)
{
    xmlXPathObjectPtr result;
    int error = evaluate(document, path, part, &result, err);
    if (error != 0) {
        return error;
    }
    struct payload_node node = { .next = 1 };
    switch (result->type) {
    case XPATH_NODESET: error = tell_nodes(result->nodesetval, scratch, found, ctx, err); break;
    case XPATH_BOOLEAN:
        node.type = PAYLOAD_BOOL;
        node.value.b = result->boolval != 0;
        (void)found(ctx, &node);
        break;
    case XPATH_NUMBER:
        node.type = PAYLOAD_DOUBLE;
        node.value.d = result->floatval;
        (void)found(ctx, &node);
        break;
    default:
        error = put_text(result->stringval, scratch, &node);
        if (error == 0) {
            (void)found(ctx, &node);
        }
    }
    xmlXPathFreeObject(result);
    return error;
}

int xml_parts(struct xml_document *document, const struct xml_path *path, const void **parts,
              size_t max, size_t *count, struct err *err)
{
    xmlXPathObjectPtr result;
    *count = 0;
    int error = evaluate(document, path, NULL, &result, err);
    if (error != 0) {
        return error;
    }
    const xmlNodeSet *set = result->type == XPATH_NODESET ? result->nodesetval : NULL;
    for (int i = 0; set != NULL && i < set->nodeNr; i++) {
        if (set->nodeTab[i]->type == XML_ELEMENT_NODE) {
            if (*count < max) {
                parts[*count] = set->nodeTab[i];
            }
            ++*count;
        }
    }
    xmlXPathFreeObject(result);
    return 0;
}
