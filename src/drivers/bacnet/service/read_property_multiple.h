/* SPDX-License-Identifier: Apache-2.0 */
/* ReadPropertyMultiple (ASHRAE 135, clause 15.7): many properties of many objects in one exchange.
 *
 *   ask     specification ...   0 Object, 1 { reference ... }
 *                               reference  0 property Enumerated, [1 index Unsigned]
 *   answer  object ...          0 Object, 1 { result ... }
 *                               result     2 property, [3 index], 4 { value } or 5 { class, code }
 *
 * Pure, both directions, no lists are kept: readers go over them one by one while bytes_left(),
 *     while (bytes_left(&in) > 0 && bacnet_get_read_object(&in, &object, &results) == 0)
 *         while (bytes_left(&results) > 0 && bacnet_get_read_result(&results, &result) == 0)
 * and writers put begin, items, end, as long as there is room. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_READ_PROPERTY_MULTIPLE_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_READ_PROPERTY_MULTIPLE_H

#include "drivers/bacnet/service/error.h"
#include "drivers/bacnet/service/property.h"

enum {
    BACNET_READ_OBJECT_MAX = 7,  /* bytes of begin and end together, of both asks and answers */
    BACNET_READ_RESULT_MAX = 18, /* bytes at most, and those of the value */
};

struct bacnet_read_result {
    uint32_t property;
    uint32_t index; /* BACNET_INDEX_ALL: none */
    bool refused;
    struct bacnet_refusal why; /* refused */
    struct bytes value;        /* else: elements with their tags */
};

/* ---- ask ---- */

/* One specification. references: to be read by bacnet_get_property_reference(); the properties ALL,
 * REQUIRED and OPTIONAL may be among them. 0 or BUSBAR_EPROTO (the cursor is failed then). */
int bacnet_get_read_specification(struct bytes *in, struct bacnet_object *object,
                                  struct bytes *references);
void bacnet_put_read_begin(struct bytes_out *out, struct bacnet_object object);
/* Between them: bacnet_put_property_reference(). */
void bacnet_put_read_end(struct bytes_out *out);
/* Bytes of one reference. */
size_t bacnet_property_reference_size(const struct bacnet_property_reference *reference);

/* ---- answer ---- */

int bacnet_get_read_object(struct bytes *in, struct bacnet_object *object, struct bytes *results);
int bacnet_get_read_result(struct bytes *results, struct bacnet_read_result *result);
/* Between bacnet_put_read_begin() and bacnet_put_read_end(). */
void bacnet_put_read_result(struct bytes_out *out, const struct bacnet_read_result *result);
size_t bacnet_read_result_size(const struct bacnet_read_result *result);

/* All results of an answer in a row, whichever object they are of, in one pass: nothing is read twice, and
 * what comes before a break is given before it is found.
 *     struct bacnet_read_walk walk = { .in = data };
 *     while (bacnet_read_next(&walk, &result)) { ... walk.object ... }
 *     if (walk.error != 0) { broken from here on } */
struct bacnet_read_walk {
    struct bytes in;
    struct bacnet_object object;
    bool inside; /* of the object's results */
    int error;   /* 0 or BUSBAR_EPROTO */
};

bool bacnet_read_next(struct bacnet_read_walk *walk, struct bacnet_read_result *result);

#endif
