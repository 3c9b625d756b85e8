/* SPDX-License-Identifier: Apache-2.0 */
/* The enumerations and bit strings of ASHRAE 135-2020, clause 21, that people meet in values. */
#include "drivers/bacnet/wire/names_tables.h"

static const struct bacnet_name confirmed_services[] = {
    { 0, "acknowledge-alarm" },
    { 1, "confirmed-cov-notification" },
    { 2, "confirmed-event-notification" },
    { 3, "get-alarm-summary" },
    { 4, "get-enrollment-summary" },
    { 5, "subscribe-cov" },
    { 6, "atomic-read-file" },
    { 7, "atomic-write-file" },
    { 8, "add-list-element" },
    { 9, "remove-list-element" },
    { 10, "create-object" },
    { 11, "delete-object" },
    { 12, "read-property" },
    { 13, "read-property-conditional" },
    { 14, "read-property-multiple" },
    { 15, "write-property" },
    { 16, "write-property-multiple" },
    { 17, "device-communication-control" },
    { 18, "confirmed-private-transfer" },
    { 19, "confirmed-text-message" },
    { 20, "reinitialize-device" },
    { 21, "vt-open" },
    { 22, "vt-close" },
    { 23, "vt-data" },
    { 24, "authenticate" },
    { 25, "request-key" },
    { 26, "read-range" },
    { 27, "life-safety-operation" },
    { 28, "subscribe-cov-property" },
    { 29, "get-event-information" },
    { 30, "subscribe-cov-property-multiple" },
    { 31, "confirmed-cov-notification-multiple" },
    { 32, "confirmed-audit-notification" },
    { 33, "audit-log-query" },
};
static const struct bacnet_name unconfirmed_services[] = {
    { 0, "i-am" },
    { 1, "i-have" },
    { 2, "unconfirmed-cov-notification" },
    { 3, "unconfirmed-event-notification" },
    { 4, "unconfirmed-private-transfer" },
    { 5, "unconfirmed-text-message" },
    { 6, "time-synchronization" },
    { 7, "who-has" },
    { 8, "who-is" },
    { 9, "utc-time-synchronization" },
    { 10, "write-group" },
    { 11, "unconfirmed-cov-notification-multiple" },
    { 12, "unconfirmed-audit-notification" },
    { 13, "who-am-i" },
    { 14, "you-are" },
};
static const struct bacnet_name binary[] = {
    { 0, "inactive" },
    { 1, "active" },
};
static const struct bacnet_name event_states[] = {
    { 0, "normal" },     { 1, "fault" },     { 2, "offnormal" },
    { 3, "high-limit" }, { 4, "low-limit" }, { 5, "life-safety-alarm" },
};
static const struct bacnet_name event_types[] = {
    { 0, "change-of-bitstring" },
    { 1, "change-of-state" },
    { 2, "change-of-value" },
    { 3, "command-failure" },
    { 4, "floating-limit" },
    { 5, "out-of-range" },
    { 6, "complex-event-type" },
    { 8, "change-of-life-safety" },
    { 9, "extended" },
    { 10, "buffer-ready" },
    { 11, "unsigned-range" },
    { 13, "access-event" },
    { 14, "double-out-of-range" },
    { 15, "signed-out-of-range" },
    { 16, "unsigned-out-of-range" },
    { 17, "change-of-characterstring" },
    { 18, "change-of-status-flags" },
    { 19, "change-of-reliability" },
    { 20, "none" },
    { 21, "change-of-discrete-value" },
    { 22, "change-of-timer" },
};
static const struct bacnet_name notify_types[] = {
    { 0, "alarm" },
    { 1, "event" },
    { 2, "ack-notification" },
};
static const struct bacnet_name segmentation[] = {
    { 0, "segmented-both" },
    { 1, "segmented-transmit" },
    { 2, "segmented-receive" },
    { 3, "no-segmentation" },
};
static const struct bacnet_name device_status[] = {
    { 0, "operational" },          { 1, "operational-read-only" }, { 2, "download-required" },
    { 3, "download-in-progress" }, { 4, "non-operational" },       { 5, "backup-in-progress" },
};
static const struct bacnet_name polarity[] = {
    { 0, "normal" },
    { 1, "reverse" },
};
static const struct bacnet_name action[] = {
    { 0, "direct" },
    { 1, "reverse" },
};
static const struct bacnet_name logging_types[] = {
    { 0, "polled" },
    { 1, "cov" },
    { 2, "triggered" },
};
static const struct bacnet_name file_access[] = {
    { 0, "record-access" },
    { 1, "stream-access" },
};
static const struct bacnet_name program_states[] = {
    { 0, "idle" },    { 1, "loading" }, { 2, "running" },
    { 3, "waiting" }, { 4, "halted" },  { 5, "unloading" },
};
static const struct bacnet_name program_requests[] = {
    { 0, "ready" }, { 1, "load" }, { 2, "run" }, { 3, "halt" }, { 4, "restart" }, { 5, "unload" },
};
static const struct bacnet_name program_errors[] = {
    { 0, "normal" }, { 1, "load-failed" }, { 2, "internal" }, { 3, "program" }, { 4, "other" },
};
static const struct bacnet_name backup_states[] = {
    { 0, "idle" },
    { 1, "preparing-for-backup" },
    { 2, "preparing-for-restore" },
    { 3, "performing-a-backup" },
    { 4, "performing-a-restore" },
    { 5, "backup-failure" },
    { 6, "restore-failure" },
};
static const struct bacnet_name restart_reasons[] = {
    { 0, "unknown" },
    { 1, "coldstart" },
    { 2, "warmstart" },
    { 3, "detected-power-lost" },
    { 4, "detected-powered-off" },
    { 5, "hardware-watchdog" },
    { 6, "software-watchdog" },
    { 7, "suspended" },
    { 8, "activate-changes" },
};
static const struct bacnet_name life_safety_states[] = {
    { 0, "quiet" },
    { 1, "pre-alarm" },
    { 2, "alarm" },
    { 3, "fault" },
    { 4, "fault-pre-alarm" },
    { 5, "fault-alarm" },
    { 6, "not-ready" },
    { 7, "active" },
    { 8, "tamper" },
    { 9, "test-alarm" },
    { 10, "test-active" },
    { 11, "test-fault" },
    { 12, "test-fault-alarm" },
    { 13, "holdup" },
    { 14, "duress" },
    { 15, "tamper-alarm" },
    { 16, "abnormal" },
    { 17, "emergency-power" },
    { 18, "delayed" },
    { 19, "blocked" },
    { 20, "local-alarm" },
    { 21, "general-alarm" },
    { 22, "supervisory" },
    { 23, "test-supervisory" },
};
static const struct bacnet_name life_safety_modes[] = {
    { 0, "off" },           { 1, "on" },
    { 2, "test" },          { 3, "manned" },
    { 4, "unmanned" },      { 5, "armed" },
    { 6, "disarmed" },      { 7, "prearmed" },
    { 8, "slow" },          { 9, "fast" },
    { 10, "disconnected" }, { 11, "enabled" },
    { 12, "disabled" },     { 13, "automatic-release-disabled" },
    { 14, "default" },
};
static const struct bacnet_name life_safety_operations[] = {
    { 0, "none" },
    { 1, "silence" },
    { 2, "silence-audible" },
    { 3, "silence-visual" },
    { 4, "reset" },
    { 5, "reset-alarm" },
    { 6, "reset-fault" },
    { 7, "unsilence" },
    { 8, "unsilence-audible" },
    { 9, "unsilence-visual" },
};
static const struct bacnet_name silenced_states[] = {
    { 0, "unsilenced" },
    { 1, "audible-silenced" },
    { 2, "visible-silenced" },
    { 3, "all-silenced" },
};
static const struct bacnet_name maintenance[] = {
    { 0, "none" },
    { 1, "periodic-test" },
    { 2, "need-service-operational" },
    { 3, "need-service-inoperative" },
};
static const struct bacnet_name node_types[] = {
    { 0, "unknown" },        { 1, "system" },    { 2, "network" },     { 3, "device" },
    { 4, "organizational" }, { 5, "area" },      { 6, "equipment" },   { 7, "point" },
    { 8, "collection" },     { 9, "property" },  { 10, "functional" }, { 11, "other" },
    { 12, "subsystem" },     { 13, "building" }, { 14, "floor" },      { 15, "section" },
    { 16, "module" },        { 17, "tree" },     { 18, "member" },     { 19, "protocol" },
    { 20, "room" },          { 21, "zone" },
};
static const struct bacnet_name shed_states[] = {
    { 0, "shed-inactive" },
    { 1, "shed-request-pending" },
    { 2, "shed-compliant" },
    { 3, "shed-non-compliant" },
};
static const struct bacnet_name door_values[] = {
    { 0, "lock" },
    { 1, "unlock" },
    { 2, "pulse-unlock" },
    { 3, "extended-pulse-unlock" },
};
static const struct bacnet_name door_status[] = {
    { 0, "closed" },        { 1, "opened" },         { 2, "unknown" }, { 3, "door-fault" },
    { 4, "unused" },        { 5, "none" },           { 6, "closing" }, { 7, "opening" },
    { 8, "safety-locked" }, { 9, "limited-opened" },
};
static const struct bacnet_name door_alarm_states[] = {
    { 0, "normal" },      { 1, "alarm" },       { 2, "door-open-too-long" },
    { 3, "forced-open" }, { 4, "tamper" },      { 5, "door-fault" },
    { 6, "lock-down" },   { 7, "free-access" }, { 8, "egress-open" },
};
static const struct bacnet_name door_secured_status[] = {
    { 0, "secured" },
    { 1, "unsecured" },
    { 2, "unknown" },
};
static const struct bacnet_name lock_status[] = {
    { 0, "locked" }, { 1, "unlocked" }, { 2, "lock-fault" }, { 3, "unused" }, { 4, "unknown" },
};
static const struct bacnet_name lighting_in_progress[] = {
    { 0, "idle" },           { 1, "fade-active" }, { 2, "ramp-active" },
    { 3, "not-controlled" }, { 4, "other" },
};
static const struct bacnet_name lighting_operations[] = {
    { 0, "none" },      { 1, "fade-to" },         { 2, "ramp-to" },  { 3, "step-up" },
    { 4, "step-down" }, { 5, "step-on" },         { 6, "step-off" }, { 7, "warn" },
    { 8, "warn-off" },  { 9, "warn-relinquish" }, { 10, "stop" },
};
static const struct bacnet_name lighting_transitions[] = {
    { 0, "none" },
    { 1, "fade" },
    { 2, "ramp" },
};
static const struct bacnet_name binary_lighting[] = {
    { 0, "off" },  { 1, "on" }, { 2, "warn" }, { 3, "warn-off" }, { 4, "warn-relinquish" },
    { 5, "stop" },
};
static const struct bacnet_name write_status[] = {
    { 0, "idle" },
    { 1, "in-progress" },
    { 2, "successful" },
    { 3, "failed" },
};
static const struct bacnet_name timer_states[] = {
    { 0, "idle" },
    { 1, "running" },
    { 2, "expired" },
};
static const struct bacnet_name timer_transitions[] = {
    { 0, "none" },
    { 1, "idle-to-running" },
    { 2, "running-to-idle" },
    { 3, "running-to-running" },
    { 4, "running-to-expired" },
    { 5, "forced-to-expired" },
    { 6, "expired-to-idle" },
    { 7, "expired-to-running" },
};
static const struct bacnet_name fault_types[] = {
    { 0, "none" },
    { 1, "fault-characterstring" },
    { 2, "fault-extended" },
    { 3, "fault-life-safety" },
    { 4, "fault-state" },
    { 5, "fault-status-flags" },
    { 6, "fault-out-of-range" },
    { 7, "fault-listed" },
};
static const struct bacnet_name network_types[] = {
    { 0, "ethernet" }, { 1, "arcnet" },          { 2, "mstp" },
    { 3, "ptp" },      { 4, "lontalk" },         { 5, "ipv4" },
    { 6, "zigbee" },   { 7, "virtual" },         { 9, "ipv6" },
    { 10, "serial" },  { 11, "secure-connect" },
};
static const struct bacnet_name network_number_quality[] = {
    { 0, "unknown" },
    { 1, "learned" },
    { 2, "learned-configured" },
    { 3, "configured" },
};
static const struct bacnet_name network_port_commands[] = {
    { 0, "idle" },
    { 1, "discard-changes" },
    { 2, "renew-fd-registration" },
    { 3, "restart-slave-discovery" },
    { 4, "renew-dhcp" },
    { 5, "restart-autonegotiation" },
    { 6, "disconnect" },
    { 7, "restart-port" },
};
static const struct bacnet_name protocol_levels[] = {
    { 0, "physical" },
    { 1, "protocol" },
    { 2, "bacnet-application" },
    { 3, "non-bacnet-application" },
};
static const struct bacnet_name ip_modes[] = {
    { 0, "normal" },
    { 1, "foreign" },
    { 2, "bbmd" },
};
static const struct bacnet_name relationships[] = {
    { 0, "unknown" },
    { 1, "default" },
    { 2, "contains" },
    { 3, "contained-by" },
    { 4, "uses" },
    { 5, "used-by" },
    { 6, "commands" },
    { 7, "commanded-by" },
    { 8, "adjusts" },
    { 9, "adjusted-by" },
    { 10, "ingress" },
    { 11, "egress" },
    { 12, "supplies-air" },
    { 13, "receives-air" },
    { 14, "supplies-hot-air" },
    { 15, "receives-hot-air" },
    { 16, "supplies-cool-air" },
    { 17, "receives-cool-air" },
    { 18, "supplies-power" },
    { 19, "receives-power" },
    { 20, "supplies-gas" },
    { 21, "receives-gas" },
    { 22, "supplies-water" },
    { 23, "receives-water" },
    { 24, "supplies-hot-water" },
    { 25, "receives-hot-water" },
    { 26, "supplies-cool-water" },
    { 27, "receives-cool-water" },
    { 28, "supplies-steam" },
    { 29, "receives-steam" },
};
static const struct bacnet_name escalator_modes[] = {
    { 0, "unknown" }, { 1, "stop" },       { 2, "up" },
    { 3, "down" },    { 4, "inspection" }, { 5, "out-of-service" },
};
static const struct bacnet_name escalator_faults[] = {
    { 0, "controller-fault" },           { 1, "drive-and-motor-fault" },
    { 2, "mechanical-component-fault" }, { 3, "overspeed-fault" },
    { 4, "power-supply-fault" },         { 5, "safety-device-fault" },
    { 6, "controller-supply-fault" },    { 7, "drive-temperature-exceeded" },
    { 8, "comb-plate-fault" },
};
static const struct bacnet_name escalator_directions[] = {
    { 0, "unknown" },          { 1, "stopped" },          { 2, "up-rated-speed" },
    { 3, "up-reduced-speed" }, { 4, "down-rated-speed" }, { 5, "down-reduced-speed" },
};
static const struct bacnet_name lift_car_directions[] = {
    { 0, "unknown" }, { 1, "none" }, { 2, "stopped" },
    { 3, "up" },      { 4, "down" }, { 5, "up-and-down" },
};
static const struct bacnet_name lift_car_door_commands[] = {
    { 0, "none" },
    { 1, "open" },
    { 2, "close" },
};
static const struct bacnet_name lift_car_drive_status[] = {
    { 0, "unknown" },           { 1, "stationary" },     { 2, "braking" },
    { 3, "accelerate" },        { 4, "decelerate" },     { 5, "rated-speed" },
    { 6, "single-floor-jump" }, { 7, "two-floor-jump" }, { 8, "three-floor-jump" },
    { 9, "multi-floor-jump" },
};
static const struct bacnet_name lift_car_modes[] = {
    { 0, "unknown" },
    { 1, "normal" },
    { 2, "vip" },
    { 3, "homing" },
    { 4, "parking" },
    { 5, "attendant-control" },
    { 6, "firefighter-control" },
    { 7, "emergency-power" },
    { 8, "inspection" },
    { 9, "cabinet-recall" },
    { 10, "earthquake-operation" },
    { 11, "fire-operation" },
    { 12, "out-of-service" },
    { 13, "occupant-evacuation" },
};
static const struct bacnet_name lift_faults[] = {
    { 0, "controller-fault" },
    { 1, "drive-and-motor-fault" },
    { 2, "governor-and-safety-gear-fault" },
    { 3, "lift-shaft-device-fault" },
    { 4, "power-supply-fault" },
    { 5, "safety-interlock-fault" },
    { 6, "door-closing-fault" },
    { 7, "door-opening-fault" },
    { 8, "car-stopped-outside-landing-zone" },
    { 9, "call-button-stuck" },
    { 10, "start-failure" },
    { 11, "controller-supply-fault" },
    { 12, "self-test-failure" },
    { 13, "runtime-limit-exceeded" },
    { 14, "position-lost" },
    { 15, "drive-temperature-exceeded" },
    { 16, "load-measurement-fault" },
};
static const struct bacnet_name lift_group_modes[] = {
    { 0, "unknown" },  { 1, "normal" },          { 2, "down-peak" }, { 3, "two-way" },
    { 4, "four-way" }, { 5, "emergency-power" }, { 6, "up-peak" },
};
static const struct bacnet_name occupancy_states[] = {
    { 0, "normal" },         { 1, "below-lower-limit" }, { 2, "at-lower-limit" },
    { 3, "at-upper-limit" }, { 4, "above-upper-limit" }, { 5, "disabled" },
    { 6, "not-supported" },
};
static const struct bacnet_name authentication_status[] = {
    { 0, "not-ready" },
    { 1, "ready" },
    { 2, "disabled" },
    { 3, "waiting-for-authentication-factor" },
    { 4, "waiting-for-accompaniment" },
    { 5, "waiting-for-verification" },
    { 6, "in-progress" },
};
static const struct bacnet_name status_flags[] = {
    { 0, "in-alarm" },
    { 1, "fault" },
    { 2, "overridden" },
    { 3, "out-of-service" },
};
static const struct bacnet_name event_transitions[] = {
    { 0, "to-offnormal" },
    { 1, "to-fault" },
    { 2, "to-normal" },
};
static const struct bacnet_name limit_enable[] = {
    { 0, "low-limit-enable" },
    { 1, "high-limit-enable" },
};
static const struct bacnet_name log_status[] = {
    { 0, "log-disabled" },
    { 1, "buffer-purged" },
    { 2, "log-interrupted" },
};
static const struct bacnet_name result_flags[] = {
    { 0, "first-item" },
    { 1, "last-item" },
    { 2, "more-items" },
};
static const struct bacnet_name days_of_week[] = {
    { 0, "monday" }, { 1, "tuesday" },  { 2, "wednesday" }, { 3, "thursday" },
    { 4, "friday" }, { 5, "saturday" }, { 6, "sunday" },
};
static const struct bacnet_name services_supported[] = {
    { 0, "acknowledge-alarm" },
    { 1, "confirmed-cov-notification" },
    { 2, "confirmed-event-notification" },
    { 3, "get-alarm-summary" },
    { 4, "get-enrollment-summary" },
    { 5, "subscribe-cov" },
    { 6, "atomic-read-file" },
    { 7, "atomic-write-file" },
    { 8, "add-list-element" },
    { 9, "remove-list-element" },
    { 10, "create-object" },
    { 11, "delete-object" },
    { 12, "read-property" },
    { 13, "read-property-conditional" },
    { 14, "read-property-multiple" },
    { 15, "write-property" },
    { 16, "write-property-multiple" },
    { 17, "device-communication-control" },
    { 18, "confirmed-private-transfer" },
    { 19, "confirmed-text-message" },
    { 20, "reinitialize-device" },
    { 21, "vt-open" },
    { 22, "vt-close" },
    { 23, "vt-data" },
    { 24, "authenticate" },
    { 25, "request-key" },
    { 26, "i-am" },
    { 27, "i-have" },
    { 28, "unconfirmed-cov-notification" },
    { 29, "unconfirmed-event-notification" },
    { 30, "unconfirmed-private-transfer" },
    { 31, "unconfirmed-text-message" },
    { 32, "time-synchronization" },
    { 33, "who-has" },
    { 34, "who-is" },
    { 35, "read-range" },
    { 36, "utc-time-synchronization" },
    { 37, "life-safety-operation" },
    { 38, "subscribe-cov-property" },
    { 39, "get-event-information" },
    { 40, "write-group" },
    { 41, "subscribe-cov-property-multiple" },
    { 42, "confirmed-cov-notification-multiple" },
    { 43, "unconfirmed-cov-notification-multiple" },
    { 44, "confirmed-audit-notification" },
    { 45, "audit-log-query" },
    { 46, "unconfirmed-audit-notification" },
    { 47, "who-am-i" },
    { 48, "you-are" },
};

const struct bacnet_table bacnet_enum_tables[BACNET_LISTS] = {
    [BACNET_LIST_CONFIRMED_SERVICES] = BACNET_TABLE(confirmed_services),
    [BACNET_LIST_UNCONFIRMED_SERVICES] = BACNET_TABLE(unconfirmed_services),
    [BACNET_LIST_BINARY] = BACNET_TABLE(binary),
    [BACNET_LIST_EVENT_STATES] = BACNET_TABLE(event_states),
    [BACNET_LIST_EVENT_TYPES] = BACNET_TABLE(event_types),
    [BACNET_LIST_NOTIFY_TYPES] = BACNET_TABLE(notify_types),
    [BACNET_LIST_SEGMENTATION] = BACNET_TABLE(segmentation),
    [BACNET_LIST_DEVICE_STATUS] = BACNET_TABLE(device_status),
    [BACNET_LIST_POLARITY] = BACNET_TABLE(polarity),
    [BACNET_LIST_ACTION] = BACNET_TABLE(action),
    [BACNET_LIST_LOGGING_TYPES] = BACNET_TABLE(logging_types),
    [BACNET_LIST_FILE_ACCESS] = BACNET_TABLE(file_access),
    [BACNET_LIST_PROGRAM_STATES] = BACNET_TABLE(program_states),
    [BACNET_LIST_PROGRAM_REQUESTS] = BACNET_TABLE(program_requests),
    [BACNET_LIST_PROGRAM_ERRORS] = BACNET_TABLE(program_errors),
    [BACNET_LIST_BACKUP_STATES] = BACNET_TABLE(backup_states),
    [BACNET_LIST_RESTART_REASONS] = BACNET_TABLE(restart_reasons),
    [BACNET_LIST_LIFE_SAFETY_STATES] = BACNET_TABLE(life_safety_states),
    [BACNET_LIST_LIFE_SAFETY_MODES] = BACNET_TABLE(life_safety_modes),
    [BACNET_LIST_LIFE_SAFETY_OPERATIONS] = BACNET_TABLE(life_safety_operations),
    [BACNET_LIST_SILENCED_STATES] = BACNET_TABLE(silenced_states),
    [BACNET_LIST_MAINTENANCE] = BACNET_TABLE(maintenance),
    [BACNET_LIST_NODE_TYPES] = BACNET_TABLE(node_types),
    [BACNET_LIST_SHED_STATES] = BACNET_TABLE(shed_states),
    [BACNET_LIST_DOOR_VALUES] = BACNET_TABLE(door_values),
    [BACNET_LIST_DOOR_STATUS] = BACNET_TABLE(door_status),
    [BACNET_LIST_DOOR_ALARM_STATES] = BACNET_TABLE(door_alarm_states),
    [BACNET_LIST_DOOR_SECURED_STATUS] = BACNET_TABLE(door_secured_status),
    [BACNET_LIST_LOCK_STATUS] = BACNET_TABLE(lock_status),
    [BACNET_LIST_LIGHTING_IN_PROGRESS] = BACNET_TABLE(lighting_in_progress),
    [BACNET_LIST_LIGHTING_OPERATIONS] = BACNET_TABLE(lighting_operations),
    [BACNET_LIST_LIGHTING_TRANSITIONS] = BACNET_TABLE(lighting_transitions),
    [BACNET_LIST_BINARY_LIGHTING] = BACNET_TABLE(binary_lighting),
    [BACNET_LIST_WRITE_STATUS] = BACNET_TABLE(write_status),
    [BACNET_LIST_TIMER_STATES] = BACNET_TABLE(timer_states),
    [BACNET_LIST_TIMER_TRANSITIONS] = BACNET_TABLE(timer_transitions),
    [BACNET_LIST_FAULT_TYPES] = BACNET_TABLE(fault_types),
    [BACNET_LIST_NETWORK_TYPES] = BACNET_TABLE(network_types),
    [BACNET_LIST_NETWORK_NUMBER_QUALITY] = BACNET_TABLE(network_number_quality),
    [BACNET_LIST_NETWORK_PORT_COMMANDS] = BACNET_TABLE(network_port_commands),
    [BACNET_LIST_PROTOCOL_LEVELS] = BACNET_TABLE(protocol_levels),
    [BACNET_LIST_IP_MODES] = BACNET_TABLE(ip_modes),
    [BACNET_LIST_RELATIONSHIPS] = BACNET_TABLE(relationships),
    [BACNET_LIST_ESCALATOR_MODES] = BACNET_TABLE(escalator_modes),
    [BACNET_LIST_ESCALATOR_FAULTS] = BACNET_TABLE(escalator_faults),
    [BACNET_LIST_ESCALATOR_DIRECTIONS] = BACNET_TABLE(escalator_directions),
    [BACNET_LIST_LIFT_CAR_DIRECTIONS] = BACNET_TABLE(lift_car_directions),
    [BACNET_LIST_LIFT_CAR_DOOR_COMMANDS] = BACNET_TABLE(lift_car_door_commands),
    [BACNET_LIST_LIFT_CAR_DRIVE_STATUS] = BACNET_TABLE(lift_car_drive_status),
    [BACNET_LIST_LIFT_CAR_MODES] = BACNET_TABLE(lift_car_modes),
    [BACNET_LIST_LIFT_FAULTS] = BACNET_TABLE(lift_faults),
    [BACNET_LIST_LIFT_GROUP_MODES] = BACNET_TABLE(lift_group_modes),
    [BACNET_LIST_OCCUPANCY_STATES] = BACNET_TABLE(occupancy_states),
    [BACNET_LIST_AUTHENTICATION_STATUS] = BACNET_TABLE(authentication_status),
    [BACNET_LIST_STATUS_FLAGS] = BACNET_TABLE(status_flags),
    [BACNET_LIST_EVENT_TRANSITIONS] = BACNET_TABLE(event_transitions),
    [BACNET_LIST_LIMIT_ENABLE] = BACNET_TABLE(limit_enable),
    [BACNET_LIST_LOG_STATUS] = BACNET_TABLE(log_status),
    [BACNET_LIST_RESULT_FLAGS] = BACNET_TABLE(result_flags),
    [BACNET_LIST_DAYS_OF_WEEK] = BACNET_TABLE(days_of_week),
    [BACNET_LIST_SERVICES_SUPPORTED] = BACNET_TABLE(services_supported),
};
