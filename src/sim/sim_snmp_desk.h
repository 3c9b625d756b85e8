/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that answers are made in. */
#ifndef BUSBAR_SIM_SIM_SNMP_DESK_H
#define BUSBAR_SIM_SIM_SNMP_DESK_H

#include "sim/sim_snmp_agent.h"

struct sim_snmp_desk {
    uint8_t message[SNMP_MESSAGE_MAX];
    uint8_t clear[SNMP_MESSAGE_MAX]; /* a question that was encrypted */
    uint8_t values[SNMP_MESSAGE_MAX + SIM_SNMP_VALUE_MAX];
    struct snmp_varbind varbinds[SNMP_VARBINDS_MAX];
    struct snmp_oid oids[SNMP_VARBINDS_MAX]; /* of repeaters */
};

#endif
