/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/read_property_multiple.h"

#include "base/err.h"

/* Asks and answers have the same frame. */
static int get_frame(struct bytes *in, struct bacnet_object *object, struct bytes *items)
{
    *object = bacnet_get_object(in, 0);
    *items = bacnet_get_inside(in, 1);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

int bacnet_get_read_specification(struct bytes *in, struct bacnet_object *object,
                                  struct bytes *references)
{
    return get_frame(in, object, references);
}

void bacnet_put_read_begin(struct bytes_out *out, struct bacnet_object object)
{
    bacnet_put_object(out, 0, object);
    bacnet_put_open(out, 1);
}

void bacnet_put_read_end(struct bytes_out *out)
{
    bacnet_put_close(out, 1);
}

size_t bacnet_property_reference_size(const struct bacnet_property_reference *reference)
{
    uint8_t data[BACNET_PROPERTY_REFERENCE_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_property_reference(&out, reference);
    return bytes_out_size(&out);
}

int bacnet_get_read_object(struct bytes *in, struct bacnet_object *object, struct bytes *results)
{
    return get_frame(in, object, results);
}

int bacnet_get_read_result(struct bytes *results, struct bacnet_read_result *result)
{
    *result = (struct bacnet_read_result){ .property = bacnet_get_enumerated(results, 2) };
    result->index = bacnet_get_index(results, 3);
    result->refused = bacnet_next_opens(results, 5);
    if (result->refused) {
        bacnet_get_open(results, 5);
        result->why = bacnet_get_refusal(results);
        bacnet_get_close(results, 5);
    } else {
        result->value = bacnet_get_inside(results, 4);
    }
    return bytes_short(results) ? BUSBAR_EPROTO : 0;
}

static void put_what(struct bytes_out *out, const struct bacnet_read_result *result)
{
    bacnet_put_enumerated(out, 2, result->property);
    bacnet_put_index(out, 3, result->index);
}

void bacnet_put_read_result(struct bytes_out *out, const struct bacnet_read_result *result)
{
    put_what(out, result);
    if (result->refused) {
        bacnet_put_open(out, 5);
        bacnet_put_refusal(out, result->why);
        bacnet_put_close(out, 5);
    } else {
        bacnet_put_inside(out, 4, result->value);
    }
}

size_t bacnet_read_result_size(const struct bacnet_read_result *result)
{
    struct bacnet_read_result frame = *result;
    frame.value = bytes_of(NULL, 0);
    uint8_t data[BACNET_READ_RESULT_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_read_result(&out, &frame);
    return bytes_out_size(&out) + (result->refused ? 0 : bytes_left(&result->value));
}

bool bacnet_read_next(struct bacnet_read_walk *walk, struct bacnet_read_result *result)
{
    struct bytes *in = &walk->in;
    while (walk->error == 0) {
        if (walk->inside && !bacnet_next_closes(in, 1)) {
            walk->error = bacnet_get_read_result(in, result);
            return walk->error == 0;
        }
        if (walk->inside) {
            bacnet_get_close(in, 1);
        } else if (bytes_left(in) > 0) {
            walk->object = bacnet_get_object(in, 0);
            bacnet_get_open(in, 1);
        } else {
            return false;
        }
        walk->inside = !walk->inside;
        walk->error = bytes_short(in) ? BUSBAR_EPROTO : 0;
    }
    return false;
}
