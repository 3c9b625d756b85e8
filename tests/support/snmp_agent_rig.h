/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated SNMP agent with a few points, without configuration and without sockets: for its unit tests and its
 * fuzzer. */
#ifndef BUSBAR_TESTS_SNMP_AGENT_RIG_H
#define BUSBAR_TESTS_SNMP_AGENT_RIG_H

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "sim/sim_snmp_agent.h"

enum { RIG_TEMP, RIG_SETPOINT, RIG_LABEL, RIG_STATUS, RIG_IN, RIG_IN32, RIG_ALIEN, RIG_POINTS };

struct rig {
    struct device *dev;
    struct point points[RIG_POINTS];
    struct point_class plain, writable;
    struct snmp_address addresses[RIG_POINTS];
    struct snmp_meaning meanings[RIG_POINTS];
    struct snmp_oid_buf oids[RIG_POINTS];
    struct snmp_oid_buf name_column;
    struct snmp_row_name eth0, eth1;
    struct sim_snmp_agent agent;
    struct sim_snmp_desk *desk;
    struct sim_snmp_now now;
};

static inline void rig_point(struct rig *rig, int index, const char *name, const char *oid,
                             uint8_t syntax, const struct snmp_row_name *row)
{
    int error = snmp_oid_parse(oid, &rig->oids[index], NULL);
    assert(error == 0);
    rig->points[index] = (struct point){ .name = name, .title = "", .device = rig->dev };
    rig->points[index].cls = index == RIG_SETPOINT || index == RIG_LABEL ? &rig->writable
                                                                         : &rig->plain;
    rig->meanings[index] = (struct snmp_meaning){
        .bit = -1, .syntax = syntax, .divisor = 1.0, .hint = ""
    };
    rig->addresses[index] = (struct snmp_address){
        .oid = rig->oids[index].oid, .row = row, .meaning = &rig->meanings[index], .written = oid
    };
    (void)error;
}

/* user NULL: v1 and v2c with the community "public". */
static inline void rig_init(struct rig *rig, struct usm_user *user)
{
    memset(rig, 0, sizeof(*rig));
    rig->dev = device_new();
    rig->dev->name = "switch-1";
    rig->dev->title = rig->dev->place = "";
    rig->plain = (struct point_class){ .units = "", .scale = 1.0 };
    rig->writable = rig->plain;
    rig->writable.write.allowed = true;
    int error = snmp_oid_parse("1.3.6.1.2.1.31.1.1.1.1", &rig->name_column, NULL);
    assert(error == 0);
    (void)error;
    rig->eth0 = (struct snmp_row_name){ .column = rig->name_column.oid, .text = "eth0" };
    rig->eth1 = (struct snmp_row_name){ .column = rig->name_column.oid, .text = "eth1" };
    rig_point(rig, RIG_TEMP, "temp", "1.3.6.1.4.1.32473.2.1.0", MIB_INTEGER, NULL);
    rig_point(rig, RIG_SETPOINT, "setpoint", "1.3.6.1.4.1.32473.2.2.0", MIB_INTEGER, NULL);
    rig_point(rig, RIG_LABEL, "label", "1.3.6.1.4.1.32473.2.3.0", MIB_OCTETS, NULL);
    rig_point(rig, RIG_STATUS, "status", "1.3.6.1.2.1.2.2.1.8", MIB_INTEGER, &rig->eth0);
    rig_point(rig, RIG_IN, "in", "1.3.6.1.2.1.31.1.1.1.6", MIB_COUNTER64, &rig->eth0);
    rig_point(rig, RIG_IN32, "in32", "1.3.6.1.2.1.2.2.1.10", MIB_COUNTER32, &rig->eth0);
    rig_point(rig, RIG_ALIEN, "alien", "1.3.6.1.2.1.2.2.1.10", MIB_COUNTER32, &rig->eth1);
    rig->dev->points = rig->points;
    rig->dev->point_count = RIG_POINTS;
    rig->now = (struct sim_snmp_now){ .mono_us = INT64_C(1000000000),
                                      .wall_us = INT64_C(1800000000000000) };
    rig->agent.community = user == NULL ? "public" : NULL;
    rig->agent.user = user;
    rig->agent.context = "";
    error = sim_snmp_agent_init(&rig->agent, rig->dev, rig->addresses, 1, 7, rig->now);
    assert(error == 0);
    rig->desk = sim_snmp_desk_new();
}

static inline void rig_fini(struct rig *rig)
{
    sim_snmp_agent_fini(&rig->agent);
    sim_snmp_desk_free(rig->desk);
    rig->dev->points = NULL;
    rig->dev->point_count = 0;
    device_free(rig->dev);
}

#endif
