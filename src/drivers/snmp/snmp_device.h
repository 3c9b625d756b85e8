/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a device: its login is made, its host name looked up, its agent made; then it is asked. Loop thread only.
 *
 *   add -> start -> (login ready) -> (address known) -> agent -> asked -> up | down -> stop -> remove
 *
 * UDP has no connection: the link is up when something came of the device, and down when nothing came to a whole
 * request, or the login was refused. What snmp_read.h tells of it ends here too. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_DEVICE_H
#define BUSBAR_DRIVERS_SNMP_SNMP_DEVICE_H

#include "drivers/snmp/snmp_driver.h"

enum {
    SNMP_LOOK_PAUSE_S =
        30, /* a name is looked up again at most so often while the device is silent */
};

int snmp_device_add(struct snmp_device *device, struct err *err);
void snmp_device_start(struct snmp_device *device);
/* The next step to an agent; what cannot be is told, and tried again with the next request. */
void snmp_device_wake(struct snmp_device *device);
void snmp_device_request(struct snmp_device *device, struct request *req, bool write);
void snmp_device_cancel(struct snmp_device *device, struct request *req);
void snmp_device_stop(struct snmp_device *device);
void snmp_device_remove(struct snmp_device *device);

/* A datagram for the ring of frames; what was encrypted in it is put behind it, for people. */
void snmp_device_frame(struct snmp_device *device, bool sent, struct bytes datagram,
                       struct bytes clear);

/* "reason; what to do". */
enum { SNMP_REASON_MAX = ERR_MESSAGE_MAX + ERR_HINT_MAX + 4 };
void snmp_reason(const struct err *err, char to[SNMP_REASON_MAX]);

/* Why nothing came, for a person, with what to do. */
void snmp_device_words(const struct snmp_device *device, int error, enum usm_trouble trouble,
                       struct buf *out);
/* "10.0.4.2:161", "switch-1.example.com:161 (10.0.4.2)". */
void snmp_device_where(const struct snmp_device *device, struct buf *out);

#endif
