/* SPDX-License-Identifier: Apache-2.0 */
/* Polls of a device: a request of the host -> questions -> samples. Loop thread only.
 *
 * What is asked together was planned once for each request (snmp_plan.h) and is copied together each time; it is
 * planned anew when something was learned (the largest read, a point that must be asked alone) or a row has moved.
 *
 *   answered                  each point by itself: a value, or why there is none
 *   an error with an index    -> that point is bad, the rest is asked again; it is asked alone from then on
 *   tooBig                    -> both halves are asked; when they are answered, that is the largest read
 *   no answer, others come    -> the same: many devices drop what they cannot answer
 *   no answer at all          -> the request is; from then on one point is asked first, the rest when it is answered
 *   fewer values than asked   -> the rest is asked on
 *   other OIDs than asked     -> refused as broken */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_READ_H
#define BUSBAR_DRIVERS_SNMP_SNMP_READ_H

#include "driver/driver.h"
#include "drivers/snmp/snmp_client.h"

struct snmp_device;
struct snmp_reads;
struct snmp_counter;

/* device->dev, drv, config are set, points are resolved; snmp_rows_new() was called before. */
struct snmp_reads *snmp_reads_new(struct snmp_device *device);
void snmp_reads_free(struct snmp_reads *reads); /* after snmp_reads_stop(); NULL is fine */

/* device->agent must be there; ends in driver_done(), never before this returned. */
void snmp_read_begin(struct snmp_device *device, struct request *req);
/* The deadline passed: answered now. False: no such request is under way here. */
bool snmp_read_cancel(struct snmp_device *device, struct request *req);
/* All are answered BUSBAR_ECANCELED, now; what was learned is kept. Before snmp_agent_free(). */
void snmp_reads_stop(struct snmp_device *device);
void snmp_unplan(struct device *dev, struct request *req); /* for driver_ops */

/* Plans are made anew: rows moved, points changed. */
void snmp_reads_changed(struct snmp_device *device);
/* What came before of a point that is a counter; NULL: it is none. */
struct snmp_counter *snmp_reads_counter(struct snmp_device *device, uint32_t point);

/* ---- told to the device; snmp_device.c ---- */

/* Something came of it. Cheap: once for each answer. */
void snmp_device_answered(struct snmp_device *device);
/* A whole request came to nothing: the answer says why (error, trouble). Before driver_done(). */
void snmp_device_silent(struct snmp_device *device, const struct snmp_answer *answer);
/* sysUpTime came, hundredths of a second; the device keeps it (uptime, uptime_us) and notices a restart. */
void snmp_device_uptime(struct snmp_device *device, uint32_t uptime, int64_t at_us);

#endif
