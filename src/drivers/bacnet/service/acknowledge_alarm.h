/* SPDX-License-Identifier: Apache-2.0 */
/* AcknowledgeAlarm (ASHRAE 135, clause 13.5): a person has seen a transition; answered by a simple ack.
 *
 *   0 process Unsigned, 1 Object, 2 state Enumerated, 3 { TimeStamp of the event }, 4 CharacterString who,
 *   5 { TimeStamp of the acknowledgement } */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_ACKNOWLEDGE_ALARM_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_ACKNOWLEDGE_ALARM_H

#include "drivers/bacnet/wire/stamp.h"

enum { BACNET_ACKNOWLEDGE_ALARM_MAX = 80 }; /* bytes at most, and those of `who` */

struct bacnet_acknowledge_alarm {
    uint32_t process; /* of who acknowledges */
    struct bacnet_object object;
    uint32_t state;            /* event state that is acknowledged */
    struct bacnet_stamp event; /* as the notification said it */
    struct bacnet_value who;   /* CHARACTERS */
    struct bacnet_stamp now;
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_acknowledge_alarm(struct bytes *in, struct bacnet_acknowledge_alarm *ack);
void bacnet_put_acknowledge_alarm(struct bytes_out *out,
                                  const struct bacnet_acknowledge_alarm *ack);

#endif
