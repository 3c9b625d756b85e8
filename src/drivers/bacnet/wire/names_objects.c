/* SPDX-License-Identifier: Apache-2.0 */
/* Object types with the short names that people use, and property identifiers. */
#include "drivers/bacnet/wire/names_tables.h"

/* clang-format off */
#define OBJECTS(X) \
    X(BACNET_ANALOG_INPUT, "analog-input", "AI") \
    X(BACNET_ANALOG_OUTPUT, "analog-output", "AO") \
    X(BACNET_ANALOG_VALUE, "analog-value", "AV") \
    X(BACNET_BINARY_INPUT, "binary-input", "BI") \
    X(BACNET_BINARY_OUTPUT, "binary-output", "BO") \
    X(BACNET_BINARY_VALUE, "binary-value", "BV") \
    X(BACNET_CALENDAR, "calendar", "CAL") \
    X(BACNET_COMMAND, "command", "CMD") \
    X(BACNET_DEVICE, "device", "DEV") \
    X(BACNET_EVENT_ENROLLMENT, "event-enrollment", "EE") \
    X(BACNET_FILE, "file", "FIL") \
    X(BACNET_GROUP, "group", "GRP") \
    X(BACNET_LOOP, "loop", "LP") \
    X(BACNET_MULTI_STATE_INPUT, "multi-state-input", "MSI") \
    X(BACNET_MULTI_STATE_OUTPUT, "multi-state-output", "MSO") \
    X(BACNET_NOTIFICATION_CLASS, "notification-class", "NC") \
    X(BACNET_PROGRAM, "program", "PRG") \
    X(BACNET_SCHEDULE, "schedule", "SCH") \
    X(BACNET_AVERAGING, "averaging", "AVG") \
    X(BACNET_MULTI_STATE_VALUE, "multi-state-value", "MSV") \
    X(BACNET_TREND_LOG, "trend-log", "TL") \
    X(BACNET_LIFE_SAFETY_POINT, "life-safety-point", "LSP") \
    X(BACNET_LIFE_SAFETY_ZONE, "life-safety-zone", "LSZ") \
    X(BACNET_ACCUMULATOR, "accumulator", "ACC") \
    X(BACNET_PULSE_CONVERTER, "pulse-converter", "PC") \
    X(BACNET_EVENT_LOG, "event-log", "EL") \
    X(BACNET_GLOBAL_GROUP, "global-group", "GG") \
    X(BACNET_TREND_LOG_MULTIPLE, "trend-log-multiple", "TLM") \
    X(BACNET_LOAD_CONTROL, "load-control", "LC") \
    X(BACNET_STRUCTURED_VIEW, "structured-view", "SV") \
    X(BACNET_ACCESS_DOOR, "access-door", "AD") \
    X(BACNET_TIMER, "timer", "TMR") \
    X(BACNET_ACCESS_CREDENTIAL, "access-credential", NULL) \
    X(BACNET_ACCESS_POINT, "access-point", NULL) \
    X(BACNET_ACCESS_RIGHTS, "access-rights", NULL) \
    X(BACNET_ACCESS_USER, "access-user", NULL) \
    X(BACNET_ACCESS_ZONE, "access-zone", NULL) \
    X(BACNET_CREDENTIAL_DATA_INPUT, "credential-data-input", NULL) \
    X(BACNET_NETWORK_SECURITY, "network-security", NULL) \
    X(BACNET_BITSTRING_VALUE, "bitstring-value", "BSV") \
    X(BACNET_CHARACTERSTRING_VALUE, "characterstring-value", "CSV") \
    X(BACNET_DATE_PATTERN_VALUE, "date-pattern-value", "DPV") \
    X(BACNET_DATE_VALUE, "date-value", "DV") \
    X(BACNET_DATETIME_PATTERN_VALUE, "datetime-pattern-value", "DTPV") \
    X(BACNET_DATETIME_VALUE, "datetime-value", "DTV") \
    X(BACNET_INTEGER_VALUE, "integer-value", "IV") \
    X(BACNET_LARGE_ANALOG_VALUE, "large-analog-value", "LAV") \
    X(BACNET_OCTETSTRING_VALUE, "octetstring-value", "OSV") \
    X(BACNET_POSITIVE_INTEGER_VALUE, "positive-integer-value", "PIV") \
    X(BACNET_TIME_PATTERN_VALUE, "time-pattern-value", "TPV") \
    X(BACNET_TIME_VALUE, "time-value", "TV") \
    X(BACNET_NOTIFICATION_FORWARDER, "notification-forwarder", "NF") \
    X(BACNET_ALERT_ENROLLMENT, "alert-enrollment", "AE") \
    X(BACNET_CHANNEL, "channel", "CH") \
    X(BACNET_LIGHTING_OUTPUT, "lighting-output", "LO") \
    X(BACNET_BINARY_LIGHTING_OUTPUT, "binary-lighting-output", "BLO") \
    X(BACNET_NETWORK_PORT, "network-port", "NP") \
    X(BACNET_ELEVATOR_GROUP, "elevator-group", "EG") \
    X(BACNET_ESCALATOR, "escalator", "ESC") \
    X(BACNET_LIFT, "lift", "LFT") \
    X(BACNET_STAGING, "staging", "STG") \
    X(BACNET_AUDIT_LOG, "audit-log", "AL") \
    X(BACNET_AUDIT_REPORTER, "audit-reporter", "AR") \
    X(BACNET_COLOR, "color", "CLR") \
    X(BACNET_COLOR_TEMPERATURE, "color-temperature", "CT")
/* clang-format on */

#define OBJECT_NAME(number, name, short_name) { number, name },
static const struct bacnet_name objects[] = { OBJECTS(OBJECT_NAME) };
#undef OBJECT_NAME

#define OBJECT_SHORT(number, name, short_name) [number] = short_name,
const char *const bacnet_object_shorts[BACNET_OBJECT_TYPES_STANDARD] = { OBJECTS(OBJECT_SHORT) };
#undef OBJECT_SHORT

#define PROPERTY_NAME(number, upper, text) { number, text },
static const struct bacnet_name properties[] = { BACNET_PROPERTIES(PROPERTY_NAME) };
#undef PROPERTY_NAME

const struct bacnet_table bacnet_table_objects = BACNET_TABLE(objects);
const struct bacnet_table bacnet_table_properties = BACNET_TABLE(properties);
