/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_fetch.h"

#include <assert.h>

#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_target.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"

enum {
    TEXT_BYTES = 48,  /* taken for a text in an answer */
    OTHER_BYTES = 24, /* for what has no kind */
    ALL_BYTES = 1000, /* for all properties of an object */
};

static void ask_next(struct bacnet_fetch *fetch);

static bool is_all(const struct bacnet_fetch_item *item)
{
    return item->property == BACNET_PROP_ALL;
}

/* ---- how many fit ---- */

static size_t value_bytes(const struct bacnet_fetch_item *item)
{
    if (is_all(item)) {
        return ALL_BYTES;
    }
    uint8_t kind = bacnet_kind(item->object.type, item->property, item->index);
    if (kind == BACNET_CHARACTERS) {
        return TEXT_BYTES;
    }
    return kind < BACNET_TYPES ? bacnet_kind_size(kind) : OTHER_BYTES;
}

static size_t answer_budget(const struct bacnet_fetch *fetch)
{
    size_t most = bacnet_peer_answer_max(fetch->peer);
    size_t wanted = (size_t)BACNET_FETCH_SEGMENTS * BACNET_APDU_MAX;
    return most < wanted ? most : wanted;
}

static unsigned count_next(const struct bacnet_fetch *fetch)
{
    size_t left = fetch->count - fetch->at;
    unsigned most = fetch->most > 0 ? fetch->most : BACNET_FETCH_AT_ONCE;
    if (fetch->cautious > 0 && fetch->cautious < most) {
        most = fetch->cautious;
    }
    size_t request = bacnet_peer_request_max(fetch->peer);
    size_t ask_bytes = 0;
    size_t answer_bytes = 0;
    size_t answer = answer_budget(fetch);
    unsigned count = 0;
    request = request < BACNET_FETCH_BYTES ? request : BACNET_FETCH_BYTES;
    while (count < left && count < most) {
        const struct bacnet_fetch_item *item = &fetch->items[fetch->at + count];
        bool same = count > 0 && bacnet_object_equal(item[-1].object, item->object);
        size_t head = same ? 0 : BACNET_READ_OBJECT_MAX;
        ask_bytes += head + BACNET_PROPERTY_REFERENCE_MAX;
        answer_bytes += head + BACNET_READ_RESULT_MAX / 2 + value_bytes(item);
        if (count > 0 && (ask_bytes > request || answer_bytes > answer || is_all(item))) {
            break;
        }
        count++;
        if (is_all(item)) {
            break;
        }
    }
    return count;
}

/* ---- telling ---- */

static void tell(struct bacnet_fetch *fetch, size_t i, uint32_t property, uint32_t index,
                 uint16_t refused, struct bytes value)
{
    struct bacnet_fetched fetched = {
        .item = i,
        .property = property,
        .index = index,
        .refused = refused,
        .value = value,
    };
    fetch->ops->got(fetch, &fetched);
}

static void tell_refused(struct bacnet_fetch *fetch, size_t i, uint16_t refused)
{
    const struct bacnet_fetch_item *item = &fetch->items[i];
    tell(fetch, i, item->property, item->index, refused, bytes_of(NULL, 0));
}

static void end(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    fetch->items = NULL;
    fetch->ops->done(fetch, answer);
}

/* ---- answers ---- */

/* Which of those under way this is of; looked for from the first one that is not answered yet. */
static size_t find(const struct bacnet_fetch *fetch, struct bacnet_object object, uint32_t property,
                   uint32_t index)
{
    for (unsigned i = 0; i < fetch->asked; i++) {
        const struct bacnet_fetch_item *item = &fetch->items[fetch->at + i];
        if (!bacnet_object_equal(item->object, object)) {
            continue;
        }
        bool same = item->property == property && item->index == index;
        if (is_all(item) || (same && (fetch->seen & UINT64_C(1) << i) == 0)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void take_results(struct bacnet_fetch *fetch, struct bytes in)
{
    struct bacnet_object object;
    struct bytes results;
    struct bacnet_read_result result;
    while (bytes_left(&in) > 0 && bacnet_get_read_object(&in, &object, &results) == 0) {
        while (bytes_left(&results) > 0 && bacnet_get_read_result(&results, &result) == 0) {
            size_t i = find(fetch, object, result.property, result.index);
            if (i == SIZE_MAX) {
                continue;
            }
            fetch->seen |= UINT64_C(1) << i;
            tell(fetch, fetch->at + i, result.property, result.index,
                 result.refused ? bacnet_detail_error(result.why.code) : 0, result.value);
        }
    }
    for (unsigned i = 0; i < fetch->asked; i++) {
        if ((fetch->seen & UINT64_C(1) << i) == 0) {
            tell_refused(fetch, fetch->at + i, BACNET_DETAIL_MISSING);
        }
    }
}

static void take_single(struct bacnet_fetch *fetch, struct bytes in)
{
    const struct bacnet_fetch_item *item = &fetch->items[fetch->at];
    struct bacnet_read_property read;
    struct bytes value;
    if (bacnet_get_read_property_ack(&in, &read, &value) != 0 ||
        !bacnet_object_equal(read.object, item->object) || read.property != item->property ||
        read.index != item->index) {
        tell_refused(fetch, fetch->at, BACNET_DETAIL_BROKEN);
        return;
    }
    tell(fetch, fetch->at, read.property, read.index, 0, value);
}

static bool is_silent(const struct bacnet_answer *answer)
{
    switch (answer->outcome) {
    case BACNET_SILENT:
    case BACNET_NOT_FOUND:
    case BACNET_NO_ROUTE:
    case BACNET_UNSENT:
    case BACNET_CANCELED: return true;
    default: return false;
    }
}

static bool is_unknown_service(const struct bacnet_answer *answer)
{
    return answer->outcome == BACNET_REJECTED && answer->code == BACNET_REJECT_UNRECOGNIZED_SERVICE;
}

/* A request for several was refused as a whole. What is too much stays known; of a refusal for
 * another reason only these are asked for in smaller parts. */
static void take_fewer(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    unsigned half = fetch->asked / 2 > 0 ? fetch->asked / 2 : 1;
    if (is_unknown_service(answer)) {
        fetch->no_multiple = true;
    } else if (answer->outcome == BACNET_SILENT) {
        fetch->most = half;
        fetch->cautious = 1; /* is it there at all? */
    } else if (answer->outcome == BACNET_ABORTED) {
        fetch->most = half;
    } else {
        fetch->cautious = half;
    }
    ask_next(fetch);
}

static void answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_fetch *fetch = ask->user;
    bool single = ask->service == BACNET_READ_PROPERTY;
    bool several = fetch->asked > 1 || (!single && is_unknown_service(answer));
    if (answer->outcome == BACNET_ACKED) {
        if (single) {
            take_single(fetch, answer->data);
        } else {
            take_results(fetch, answer->data);
        }
        fetch->cautious = fetch->cautious > 0 ? 2 * fetch->cautious : 0;
    } else if (several && (!is_silent(answer) || answer->outcome == BACNET_SILENT)) {
        /* some say nothing at all to a request that is too much for them */
        take_fewer(fetch, answer);
        return;
    } else if (is_silent(answer)) {
        end(fetch, answer);
        return;
    } else {
        for (unsigned i = 0; i < fetch->asked; i++) {
            tell_refused(fetch, fetch->at + i, bacnet_detail_answer(answer));
        }
    }
    fetch->at += fetch->asked;
    ask_next(fetch);
}

/* ---- asking ---- */

static void put_multiple(const struct bacnet_fetch *fetch, struct bytes_out *out)
{
    for (unsigned i = 0; i < fetch->asked; i++) {
        const struct bacnet_fetch_item *item = &fetch->items[fetch->at + i];
        struct bacnet_property_reference reference = { .property = item->property,
                                                       .index = item->index };
        if (i == 0 || !bacnet_object_equal(item[-1].object, item->object)) {
            if (i > 0) {
                bacnet_put_read_end(out);
            }
            bacnet_put_read_begin(out, item->object);
        }
        bacnet_put_property_reference(out, &reference);
    }
    bacnet_put_read_end(out);
}

static void ask_next(struct bacnet_fetch *fetch)
{
    /* all properties of an object cannot be asked for one by one */
    while (fetch->no_multiple && fetch->at < fetch->count && is_all(&fetch->items[fetch->at])) {
        tell_refused(fetch, fetch->at, BACNET_DETAIL_MISSING);
        fetch->at++;
    }
    if (fetch->at == fetch->count) {
        end(fetch, NULL);
        return;
    }
    const struct bacnet_fetch_item *item = &fetch->items[fetch->at];
    struct bytes_out out = bytes_out_of(fetch->data, sizeof(fetch->data));
    fetch->asked = fetch->no_multiple ? 1 : count_next(fetch);
    fetch->seen = 0;
    if (fetch->asked == 1 && !is_all(item)) {
        struct bacnet_read_property read = { .object = item->object,
                                             .property = item->property,
                                             .index = item->index };
        bacnet_put_read_property(&out, &read);
        fetch->ask.service = BACNET_READ_PROPERTY;
    } else {
        put_multiple(fetch, &out);
        fetch->ask.service = BACNET_READ_PROPERTY_MULTIPLE;
    }
    fetch->ask.data = fetch->data;
    fetch->ask.size = bytes_out_size(&out);
    fetch->ask.timeout_us = fetch->timeout_us;
    fetch->ask.retries = fetch->retries;
    bacnet_ask(fetch->peer, &fetch->ask);
}

/* ---- calls ---- */

void bacnet_fetch_init(struct bacnet_fetch *fetch, const struct bacnet_fetch_ops *ops, void *user,
                       struct bacnet_peer *peer)
{
    *fetch = (struct bacnet_fetch){
        .ops = ops,
        .user = user,
        .peer = peer,
        .retries = BACNET_RETRIES,
        .ask = { .answered = answered },
    };
    fetch->ask.user = fetch;
}

void bacnet_fetch_start(struct bacnet_fetch *fetch, const struct bacnet_fetch_item *items,
                        size_t count)
{
    assert(count > 0 && fetch->items == NULL);
    assert(!fetch->no_multiple || !is_all(&items[0]));
    fetch->items = items;
    fetch->count = count;
    fetch->at = 0;
    fetch->cautious = 0;
    ask_next(fetch);
}

void bacnet_fetch_stop(struct bacnet_fetch *fetch)
{
    bacnet_ask_cancel(&fetch->ask);
    fetch->items = NULL;
}

bool bacnet_fetch_running(const struct bacnet_fetch *fetch)
{
    return fetch->items != NULL;
}
