/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that OPC UA has, as rows of tables: of a device, of a point. Private to the driver. */
#ifndef BUSBAR_DRIVERS_OPCUA_OPTIONS_H
#define BUSBAR_DRIVERS_OPCUA_OPTIONS_H

#include "config/option.h"

enum opcua_device_option {
    DEVICE_URL,
    DEVICE_REDUNDANT,
    DEVICE_SECURITY,
    DEVICE_SERVER_NAME,
    DEVICE_USER,
    DEVICE_PASSWORD,
    DEVICE_CLEAR_PASSWORD,
    DEVICE_CERTIFICATE,
    DEVICE_KEY,
    DEVICE_LOCALE,
    DEVICE_TIMEOUT,
    DEVICE_SESSION_TIMEOUT,
    DEVICE_KEEP_ALIVE,
    DEVICE_PUBLISHING,
    DEVICE_SAMPLING,
    DEVICE_QUEUE,
    DEVICE_DISCARD,
    DEVICE_FORCE_POLLING,
    DEVICE_CHECK_EVERY,
    DEVICE_HISTORY,
    DEVICE_ALARMS,
    DEVICE_ALARM_SOURCE,
    DEVICE_ALARM_SEVERITY,
    DEVICE_ALARM_FIELDS,
};

enum opcua_point_option {
    POINT_NODE,
    POINT_RANGE,
    POINT_MEMBER,
    POINT_ATTRIBUTE,
    POINT_TYPE,
    POINT_SAMPLING,
    POINT_QUEUE,
    POINT_DISCARD,
    POINT_CHANGE,
    POINT_POLL,
    POINT_HISTORY,
};

enum opcua_alarms_word { OPCUA_ALARMS_OFF, OPCUA_ALARMS_CONDITIONS, OPCUA_ALARMS_ALL };

extern const struct option opcua_device_options[];
extern const struct option opcua_point_options[];

#endif
