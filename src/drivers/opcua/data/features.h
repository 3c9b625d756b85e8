/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver's half tells the alarms and the methods of a device on the OPC UA thread. Immutable from
 * opcua_peer_open() until `closed`; it is opcua_peer_config.driver. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_FEATURES_H
#define BUSBAR_DRIVERS_OPCUA_DATA_FEATURES_H

#include "drivers/opcua/text/node.h"

struct opcua_signature; /* method.h */

/* Which events of the server are taken. */
enum opcua_alarm_mode { OPCUA_ALARM_OFF, OPCUA_ALARM_CONDITIONS, OPCUA_ALARM_ALL };

struct opcua_alarm_settings {
    enum opcua_alarm_mode mode;
    const struct opcua_id *source; /* whose events; NULL: the whole server */
    uint16_t severity;             /* at least; 0: all */
    const char *fields;            /* more fields to be kept: "Zone, 2:Batch/Id"; NULL: none */
};

/* The method of a command. */
struct opcua_method_address {
    bool used;       /* false: the command writes presets */
    bool has_object; /* false: what the method is a component of */
    struct opcua_id object, method;
};

struct opcua_features {
    struct opcua_alarm_settings alarms;
    const struct opcua_method_address *methods; /* by the number of the command */
    size_t method_count;
    /* What a method takes and gives; on the OPC UA thread; home frees it (method.h). */
    void (*signature)(void *ctx, struct opcua_signature *signature);
    void *ctx;
};

#endif
