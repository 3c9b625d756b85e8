/* SPDX-License-Identifier: Apache-2.0 */
/* What a server sends as an event: an EventFieldList, as bytes, into an event of the journal, which can be encoded and
 * reads back. First byte: what was asked for, and what was known before. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <open62541/types.h>

#include "drivers/opcua/data/event_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(struct event *event)
{
    struct event_decoded decoded;
    struct buf bytes;
    event->source = "press-1";
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert(event_encode(event, &bytes) == 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert(event_decode(&in, &decoded) == 0);
    assert(strcmp(decoded.event.kind, event->kind) == 0);
    event_decoded_fini(&decoded);
    buf_fini(&bytes);
}

static void look(const UA_EventFieldList *list, uint8_t how)
{
    static const struct opcua_states before = { OPCUA_YES, OPCUA_NO, OPCUA_NO, OPCUA_YES };
    struct opcua_event_more more;
    struct opcua_event event;
    struct arena texts;
    arena_init(&texts, 0);
    assert(opcua_event_more_parse("Zone, 2:Batch/Id", &texts, &more, NULL) == 0);
    enum opcua_event_ask ask = how % OPCUA_EVENT_ASKS;
    const struct opcua_event_more *asked = (how & 8) != 0 ? &more : NULL;
    if (opcua_event_read(list, ask, asked, &event)) {
        struct opcua_event_about about = { .more = asked,
                                           .before = (how & 16) != 0 ? &before : NULL,
                                           .now_us = 1 };
        struct event out;
        (void)opcua_event_kind_of(&event);
        opcua_event_words(&event, &about, &texts, &out);
        assert(!out.ack_wanted || out.key[0] != '\0');
        encode(&out);
    }
    arena_fini(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    UA_EventFieldList list;
    if (size == 0) {
        return 0;
    }
    UA_ByteString bytes = { .length = size - 1, .data = malloc(size) };
    assert(bytes.data != NULL);
    memcpy(bytes.data, data + 1, size - 1);
    if (UA_decodeBinary(&bytes, &list, &UA_TYPES[UA_TYPES_EVENTFIELDLIST], NULL) == 0) {
        look(&list, data[0]);
        UA_EventFieldList_clear(&list);
    }
    free(bytes.data);
    return 0;
}
