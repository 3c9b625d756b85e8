/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an Error PDU (ASHRAE 135, clause 21, BACnet-Error): two enumerations; some services wrap
 * them and say what failed first.
 *
 *   most services                class Enumerated, code Enumerated
 *   WritePropertyMultiple        0 { class, code }, 1 { 0 Object, 1 property, [2 index] }
 *   list elements, CreateObject  0 { class, code }, 1 number Unsigned
 *   SubscribeCOVPropertyMultiple 0 { class, code } or 1 { 0 Object, 1 { reference }, 2 { class, code } }
 *   others                       0 { class, code }, whatever follows  */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_ERROR_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_ERROR_H

#include "drivers/bacnet/wire/tag.h"

enum {
    BACNET_ERROR_MAX = 6,
    BACNET_ERROR_FIRST_MAX = 28
}; /* bytes: plain, and with what failed first */

struct bacnet_refusal {
    uint16_t error_class, code; /* enum bacnet_error_class, bacnet_error */
};

struct bacnet_error_body {
    struct bacnet_refusal why;
    bool has_object; /* WritePropertyMultiple, SubscribeCOVPropertyMultiple: what failed first */
    struct bacnet_object object;
    uint32_t property, index; /* index BACNET_INDEX_ALL: none */
    uint32_t element;         /* list elements, CreateObject: its number from 1; 0: not said */
};

/* Class and code alone, inside of something. */
struct bacnet_refusal bacnet_get_refusal(struct bytes *in);
void bacnet_put_refusal(struct bytes_out *out, struct bacnet_refusal why);

/* `service`: enum bacnet_service. What follows the error of services not listed above is not looked
 * at. 0 or BUSBAR_EPROTO. */
int bacnet_get_error(struct bytes *in, uint8_t service, struct bacnet_error_body *error);
void bacnet_put_error(struct bytes_out *out, uint8_t service,
                      const struct bacnet_error_body *error);

#endif
