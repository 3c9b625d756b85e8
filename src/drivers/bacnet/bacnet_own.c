/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_own.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/text.h"

/* So many a second, and as many at once. */
struct rate {
    int64_t since_us;
    uint32_t left;
};

struct bacnet_own {
    struct bacnet_network *network;
    struct bacnet_own_counts counts;
    struct rate all;
    struct rate sources[BACNET_OWN_SOURCES]; /* by the hash of an address; some may share one */
    struct buf answer;
};

struct bacnet_own *bacnet_own_new(struct bacnet_network *network)
{
    struct bacnet_own *own = busbar_alloc(sizeof(*own));
    own->network = network;
    buf_init(&own->answer, BACNET_OWN_ANSWER_MAX);
    return own;
}

void bacnet_own_free(struct bacnet_own *own)
{
    if (own != NULL) {
        buf_fini(&own->answer);
        busbar_free(own);
    }
}

void bacnet_own_counts(const struct bacnet_own *own, struct bacnet_own_counts *counts)
{
    *counts = own->counts;
}

static bool take(struct rate *rate, uint32_t most, int64_t now_us)
{
    if (now_us - rate->since_us >= CLOCK_US_PER_S || rate->since_us == 0) {
        rate->since_us = now_us;
        rate->left = most;
    }
    if (rate->left == 0) {
        return false;
    }
    rate->left--;
    return true;
}

static bool may_answer(struct bacnet_own *own, const struct bacnet_address *from)
{
    int64_t now_us = loop_now_us(own->network->state->loop);
    struct rate *source = &own->sources[bacnet_address_hash(from) % BACNET_OWN_SOURCES];
    if (!own->network->state->own.answers) {
        return false;
    }
    if (!take(source, BACNET_OWN_A_SECOND, now_us) ||
        !take(&own->all, BACNET_OWN_ALL_A_SECOND, now_us)) {
        own->counts.capped++;
        return false;
    }
    return true;
}

/* ---- Who-Is, Who-Has ---- */

static void told_who_is(struct bacnet_own *own, const struct bacnet_notice *notice)
{
    const struct bacnet_setup *setup = &own->network->state->own;
    struct bytes in = notice->data;
    struct bacnet_who_is who;
    uint8_t data[BACNET_I_AM_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    if (bacnet_get_who_is(&in, &who) != 0) {
        own->counts.malformed++;
        return;
    }
    if (!bacnet_who_is_asks(&who, setup->device_id) || !may_answer(own, notice->from)) {
        return;
    }
    struct bacnet_i_am i_am = {
        .instance = setup->device_id,
        .max_apdu = BACNET_APDU_MAX,
        .segmentation = BACNET_SEGMENTED_BOTH,
        .vendor = setup->vendor_id,
    };
    own->counts.answered++;
    bacnet_put_i_am(&out, &i_am);
    (void)bacnet_tell(own->network->node, NULL, notice->from, BACNET_I_AM, data,
                      bytes_out_size(&out));
}

static bool is_name(const struct bacnet_value *name, const char *ours)
{
    struct buf text;
    buf_init(&text, 4 * BACNET_OWN_NAME_MAX);
    bool same = bacnet_print_characters(name, &text) == 0 && strcmp(buf_text(&text), ours) == 0;
    buf_fini(&text);
    return same;
}

static void told_who_has(struct bacnet_own *own, const struct bacnet_notice *notice)
{
    const struct bacnet_setup *setup = &own->network->state->own;
    struct bytes in = notice->data;
    struct bacnet_who_has who;
    char name[BACNET_OWN_NAME_MAX];
    uint8_t data[BACNET_I_HAVE_MAX + BACNET_OWN_NAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_object self = { .type = BACNET_DEVICE, .instance = setup->device_id };
    if (bacnet_get_who_has(&in, &who) != 0) {
        own->counts.malformed++;
        return;
    }
    bacnet_own_name(setup, name, sizeof(name));
    bool ours = setup->device_id >= who.low && setup->device_id <= who.high &&
                (who.by_name ? is_name(&who.name, name) : bacnet_object_equal(who.object, self));
    if (!ours || !may_answer(own, notice->from)) {
        return;
    }
    struct bacnet_i_have i_have = { .instance = setup->device_id, .object = self };
    i_have.name.type = BACNET_CHARACTERS;
    i_have.name.as.block.data = (const uint8_t *)name;
    i_have.name.as.block.size = (uint32_t)strlen(name);
    own->counts.answered++;
    bacnet_put_i_have(&out, &i_have);
    (void)bacnet_tell(own->network->node, NULL, notice->from, BACNET_I_HAVE, data,
                      bytes_out_size(&out));
}

void bacnet_own_told(struct bacnet_own *own, const struct bacnet_notice *notice)
{
    if (own == NULL || !own->network->state->own.answers) {
        return;
    }
    if (notice->service == BACNET_WHO_IS) {
        told_who_is(own, notice);
    } else if (notice->service == BACNET_WHO_HAS) {
        told_who_has(own, notice);
    }
}

/* ---- reads ---- */

/* 4194303 means whoever is asked (clause 15.5.2). */
static bool is_self(const struct bacnet_own *own, struct bacnet_object object)
{
    return object.type == BACNET_DEVICE && (object.instance == own->network->state->own.device_id ||
                                            object.instance == BACNET_INSTANCE_MAX);
}

static struct bacnet_object self_of(const struct bacnet_own *own, struct bacnet_object object)
{
    if (is_self(own, object)) {
        object.instance = own->network->state->own.device_id;
    }
    return object;
}

static void reply_refused(struct bacnet_own *own, struct bacnet_request *request, uint16_t class_,
                          uint16_t code)
{
    own->counts.refused++;
    bacnet_reply_error(request, class_, code);
}

static void reply_malformed(struct bacnet_own *own, struct bacnet_request *request)
{
    own->counts.malformed++;
    bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
}

static void asked_read(struct bacnet_own *own, struct bacnet_request *request)
{
    struct bytes in = request->data;
    struct bacnet_read_property read;
    struct buf value;
    uint16_t error_class = BACNET_CLASS_OBJECT;
    uint16_t error_code = BACNET_ERROR_UNKNOWN_OBJECT;
    if (bacnet_get_read_property(&in, &read) != 0) {
        reply_malformed(own, request);
        return;
    }
    buf_init(&value, BACNET_OWN_ANSWER_MAX);
    read.object = self_of(own, read.object);
    if (!is_self(own, read.object) || !bacnet_own_put(own->network, read.property, read.index,
                                                      &value, &error_class, &error_code)) {
        reply_refused(own, request, error_class, error_code);
    } else {
        uint8_t data[BACNET_OWN_ANSWER_MAX];
        struct bytes_out out = bytes_out_of(data, sizeof(data));
        bacnet_put_read_property_ack(&out, &read, bytes_of(value.data, value.size));
        own->counts.answered++;
        bacnet_reply_data(request, data, bytes_out_size(&out));
    }
    buf_fini(&value);
}

/* One result behind the others. */
static void put_result(struct bacnet_own *own, bool self, uint32_t property, uint32_t index)
{
    uint8_t data[BACNET_OWN_ANSWER_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_read_result result = { .property = property, .index = index };
    struct buf value;
    result.why = (struct bacnet_refusal){ BACNET_CLASS_OBJECT, BACNET_ERROR_UNKNOWN_OBJECT };
    buf_init(&value, BACNET_OWN_ANSWER_MAX - BACNET_READ_RESULT_MAX);
    result.refused = !self || !bacnet_own_put(own->network, property, index, &value,
                                              &result.why.error_class, &result.why.code);
    result.value = bytes_of(value.data, value.size);
    bacnet_put_read_result(&out, &result);
    (void)buf_append(&own->answer, data, bytes_out_size(&out));
    buf_fini(&value);
}

static void put_results(struct bacnet_own *own, bool self,
                        const struct bacnet_property_reference *reference)
{
    size_t count;
    const uint32_t *all = bacnet_own_properties(reference->property, &count);
    if (!self || all == NULL) {
        put_result(own, self, reference->property, reference->index);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        /* the property list is not among "all" (clause 15.7.3.1.2) */
        if (all[i] != BACNET_PROP_PROPERTY_LIST) {
            put_result(own, true, all[i], BACNET_INDEX_ALL);
        }
    }
}

static void put_marks(struct bacnet_own *own, bool begin, struct bacnet_object object)
{
    uint8_t data[BACNET_READ_OBJECT_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    if (begin) {
        bacnet_put_read_begin(&out, object);
    } else {
        bacnet_put_read_end(&out);
    }
    (void)buf_append(&own->answer, data, bytes_out_size(&out));
}

static void asked_read_multiple(struct bacnet_own *own, struct bacnet_request *request)
{
    struct bytes in = request->data;
    struct bytes references;
    struct bacnet_object object;
    struct bacnet_property_reference reference;
    bool good = bytes_left(&in) > 0;
    buf_clear(&own->answer);
    while (good && bytes_left(&in) > 0 && !own->answer.overflow) {
        good = bacnet_get_read_specification(&in, &object, &references) == 0;
        if (!good) {
            break;
        }
        object = self_of(own, object);
        put_marks(own, true, object);
        while (good && bytes_left(&references) > 0 && !own->answer.overflow) {
            good = bacnet_get_property_reference(&references, &reference) == 0;
            if (good) {
                put_results(own, is_self(own, object), &reference);
            }
        }
        put_marks(own, false, object);
    }
    if (!good) {
        reply_malformed(own, request);
    } else if (own->answer.overflow) {
        own->counts.refused++;
        bacnet_reply_abort(request, BACNET_ABORT_BUFFER_OVERFLOW);
    } else {
        own->counts.answered++;
        bacnet_reply_data(request, own->answer.data, own->answer.size);
    }
}

void bacnet_own_asked(struct bacnet_own *own, struct bacnet_request *request)
{
    if (own == NULL || !may_answer(own, request->from)) {
        bacnet_reply_none(request);
        return;
    }
    switch (request->service) {
    case BACNET_READ_PROPERTY: asked_read(own, request); break;
    case BACNET_READ_PROPERTY_MULTIPLE: asked_read_multiple(own, request); break;
    default:
        own->counts.refused++;
        bacnet_reply_reject(request, BACNET_REJECT_UNRECOGNIZED_SERVICE);
        break;
    }
}
