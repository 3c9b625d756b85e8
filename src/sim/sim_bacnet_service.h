/* SPDX-License-Identifier: Apache-2.0 */
/* Services of the simulator that stand in files of their own. */
#ifndef BUSBAR_SIM_SIM_BACNET_SERVICE_H
#define BUSBAR_SIM_SIM_BACNET_SERVICE_H

#include "drivers/bacnet/node/request.h"

struct sim_bacnet_served;

/* sim_bacnet_range.c */
void sim_bacnet_read_range(struct sim_bacnet_served *served, struct bacnet_request *request);
/* sim_bacnet_event.c */
void sim_bacnet_event_information(struct sim_bacnet_served *served, struct bacnet_request *request);
void sim_bacnet_alarm_summary(struct sim_bacnet_served *served, struct bacnet_request *request);
/* Answers that are held back are not given any more. */
void sim_bacnet_late_forget(struct sim_bacnet_served *served);

#endif
