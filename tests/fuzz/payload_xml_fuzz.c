/* SPDX-License-Identifier: Apache-2.0 */
/* XPath up to the first 0, then the message. Without one: fixed XPaths on all of it. */
#include "payload/xml.h"
#include "payload_rig.h"

static bool found(void *ctx, const struct payload_node *node)
{
    size_t *bytes = ctx;
    *bytes += node->type == PAYLOAD_TEXT ? node->size : 1;
    return *bytes < 1 << 20;
}

static void find(const char *text, const uint8_t *data, size_t size)
{
    struct xml_path *path;
    struct xml_document *document;
    struct scratch scratch = { 0 };
    size_t bytes = 0;
    if (xml_path_new(text, &path, NULL) != 0) {
        return;
    }
    if (xml_read(data, size, NULL, &document, NULL) == 0) {
        const void *parts[16];
        size_t count;
        (void)xml_find(document, path, NULL, &scratch, found, &bytes, NULL);
        (void)xml_parts(document, path, parts, 16, &count, NULL);
        xml_free(document);
    }
    xml_path_free(path);
    scratch_fini(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const points[] = { "xml=//t", "xml=/r/s[@id='a']/@v\ntype=number",
                                          "xml=count(//*)", NULL };
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    if (end == NULL) {
        struct payload_rig rig;
        bool opened = payload_rig_open(&rig, "each=xml //row\ntime=xml @t\nid_from=xml @id", points,
                                       NULL);
        assert(opened);
        payload_rig_message(&rig, data, size);
        payload_rig_close(&rig);
        return 0;
    }
    if (end - data < 200) {
        find((const char *)data, end + 1, size - (size_t)(end - data) - 1);
    }
    return 0;
}
