/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a frame in words, for bacnet_words.c (layers), bacnet_words_ask.c (requests) and
 * bacnet_words_answer.c (answers). Pure; what cannot be read is said as far as it goes. */
#ifndef BUSBAR_DRIVERS_BACNET_WORDS_PARTS_H
#define BUSBAR_DRIVERS_BACNET_WORDS_PARTS_H

#include "base/buf.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/names.h"

enum { BACNET_WORDS_SHOWN = 3 }; /* things of a list that are named */

void bacnet_words_name(enum bacnet_list list, uint32_t number, struct buf *out);
void bacnet_words_object(struct bacnet_object object, struct buf *out);
/* "analog-input:1 high-limit[3]" */
void bacnet_words_property(struct bacnet_object object, uint32_t property, uint32_t index,
                           struct buf *out);
void bacnet_words_value(struct bacnet_object object, uint32_t property, struct bytes elements,
                        struct buf *out);
/* The rest is missing or broken. */
void bacnet_words_cut(struct buf *out);

/* bacnet_words_ask.c: service and what is asked. */
void bacnet_words_request(const struct bacnet_apdu *apdu, struct buf *out);
void bacnet_words_unconfirmed(const struct bacnet_apdu *apdu, struct buf *out);

/* bacnet_words_answer.c */
void bacnet_words_ack(const struct bacnet_apdu *apdu, struct buf *out);
void bacnet_words_refused(const struct bacnet_apdu *apdu, struct buf *out);

#endif
