/* SPDX-License-Identifier: Apache-2.0 */
/* What a person writes for OPC UA: node ids, ranges, members, endpoint URLs. What is taken reads back as itself. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/opcua/data/decode.h"
#include "drivers/opcua/text/node.h"
#include "drivers/opcua/text/url.h"

static void ids(const char *text)
{
    struct arena arena;
    struct opcua_id id;
    struct opcua_id again;
    struct err err = { 0 };
    struct buf out;
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 16);
    if (opcua_id_parse(text, &arena, NULL, &id, &err) == 0) {
        opcua_id_print(&id, &out);
        const char *uri = id.uri;
        int error = opcua_id_parse(buf_text(&out), &arena, &uri, &again, &err);
        /* '%' of a URI takes three characters there. */
        assert(error == 0 || error == BUSBAR_ELIMIT);
        assert(error != 0 || opcua_id_equal(&id, &again));
    } else {
        assert(err.message[0] != '\0' && err.code != 0);
    }
    buf_fini(&out);
    arena_fini(&arena);
}

static void urls(const char *text)
{
    struct opcua_url url;
    struct opcua_url again;
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, 1 << 12);
    if (opcua_url_parse(text, OPCUA_PORT, &url, &err) == 0) {
        opcua_url_print(&url, &out);
        int error = opcua_url_parse(buf_text(&out), 1, &again, &err);
        assert(error == 0 || error == BUSBAR_ELIMIT);
        assert(error != 0 || (strcmp(url.host, again.host) == 0 && url.port == again.port));
    } else {
        assert(err.message[0] != '\0');
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct opcua_range range;
    char *text = busbar_strndup(size > 0 ? (const char *)data : "", size);
    ids(text);
    urls(text);
    if (opcua_range_parse(text, &range)) {
        assert(range.dimensions > 0 && opcua_range_count(&range) > 0);
    }
    (void)opcua_member_valid(text);
    busbar_free(text);
    return 0;
}
