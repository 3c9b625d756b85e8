/* SPDX-License-Identifier: Apache-2.0 */
/* What the values of each kind of event are made of (BACnetNotificationParameters), and the states that a
 * "change of state" can tell (BACnetPropertyStates); ASHRAE 135-2020, clause 21. */
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/service/whole.h"

#define FORM(tag_, name_, kind_)                                \
    {                                                           \
        .tag = (tag_), .name = (name_), .kind = BACNET_##kind_, \
    }
#define FORM_OF(tag_, name_, kind_, list_)                                                   \
    {                                                                                        \
        .tag = (tag_), .name = (name_), .kind = BACNET_##kind_, .list = BACNET_LIST_##list_, \
    }
#define FORM_OR_NOT(tag_, name_, kind_)                                           \
    {                                                                             \
        .tag = (tag_), .name = (name_), .kind = BACNET_##kind_, .optional = true, \
    }
#define FLAGS(tag_) FORM_OF(tag_, "status-flags", BITS, STATUS_FLAGS)

static const struct bacnet_event_form change_of_bitstring[] = {
    FORM(0, "referenced-bitstring", BITS),
    FLAGS(1),
};
static const struct bacnet_event_form change_of_state[] = {
    FORM(0, "new-state", FIELD_STATE),
    FLAGS(1),
};
static const struct bacnet_event_form change_of_value[] = {
    FORM(0, "new-value", FIELD_CHANGE),
    FLAGS(1),
};
static const struct bacnet_event_form command_failure[] = {
    FORM(0, "command-value", FIELD_ANY),
    FLAGS(1),
    FORM(2, "feedback-value", FIELD_ANY),
};
static const struct bacnet_event_form floating_limit[] = {
    FORM(0, "reference-value", REAL),
    FLAGS(1),
    FORM(2, "setpoint-value", REAL),
    FORM(3, "error-limit", REAL),
};
static const struct bacnet_event_form out_of_range[] = {
    FORM(0, "exceeding-value", REAL),
    FLAGS(1),
    FORM(2, "deadband", REAL),
    FORM(3, "exceeded-limit", REAL),
};
static const struct bacnet_event_form complex_event_type[] = {
    FORM(BACNET_EVENT_UNTAGGED, "values", FIELD_PROPERTY_VALUES),
};
static const struct bacnet_event_form change_of_life_safety[] = {
    FORM_OF(0, "new-state", ENUMERATED, LIFE_SAFETY_STATES),
    FORM_OF(1, "new-mode", ENUMERATED, LIFE_SAFETY_MODES),
    FLAGS(2),
    FORM_OF(3, "operation-expected", ENUMERATED, LIFE_SAFETY_OPERATIONS),
};
static const struct bacnet_event_form extended[] = {
    FORM(0, "vendor-id", UNSIGNED),
    FORM(1, "extended-event-type", UNSIGNED),
    FORM(2, "parameters", FIELD_PARAMETERS),
};
static const struct bacnet_event_form buffer_ready[] = {
    FORM(0, "buffer-property", FIELD_REFERENCE),
    FORM(1, "previous-notification", UNSIGNED),
    FORM(2, "current-notification", UNSIGNED),
};
static const struct bacnet_event_form unsigned_range[] = {
    FORM(0, "exceeding-value", UNSIGNED),
    FLAGS(1),
    FORM(2, "exceeded-limit", UNSIGNED),
};
static const struct bacnet_event_form access_event[] = {
    FORM(0, "access-event", ENUMERATED),
    FLAGS(1),
    FORM(2, "access-event-tag", UNSIGNED),
    FORM(3, "access-event-time", FIELD_STAMP),
    FORM(4, "access-credential", FIELD_DEVICE_OBJECT),
    FORM_OR_NOT(5, "authentication-factor", FIELD_FACTOR),
};
static const struct bacnet_event_form double_out_of_range[] = {
    FORM(0, "exceeding-value", DOUBLE),
    FLAGS(1),
    FORM(2, "deadband", DOUBLE),
    FORM(3, "exceeded-limit", DOUBLE),
};
static const struct bacnet_event_form signed_out_of_range[] = {
    FORM(0, "exceeding-value", SIGNED),
    FLAGS(1),
    FORM(2, "deadband", UNSIGNED),
    FORM(3, "exceeded-limit", SIGNED),
};
static const struct bacnet_event_form unsigned_out_of_range[] = {
    FORM(0, "exceeding-value", UNSIGNED),
    FLAGS(1),
    FORM(2, "deadband", UNSIGNED),
    FORM(3, "exceeded-limit", UNSIGNED),
};
static const struct bacnet_event_form change_of_characterstring[] = {
    FORM(0, "changed-value", CHARACTERS),
    FLAGS(1),
    FORM(2, "alarm-value", CHARACTERS),
};
static const struct bacnet_event_form change_of_status_flags[] = {
    FORM_OR_NOT(0, "present-value", FIELD_ANY),
    FORM_OF(1, "referenced-flags", BITS, STATUS_FLAGS),
};
static const struct bacnet_event_form change_of_reliability[] = {
    FORM_OF(0, "reliability", ENUMERATED, RELIABILITY),
    FLAGS(1),
    FORM(2, "property-values", FIELD_PROPERTY_VALUES),
};
static const struct bacnet_event_form change_of_discrete_value[] = {
    FORM(0, "new-value", FIELD_DISCRETE),
    FLAGS(1),
};
static const struct bacnet_event_form change_of_timer[] = {
    FORM_OF(0, "new-state", ENUMERATED, TIMER_STATES),
    FLAGS(1),
    FORM(2, "update-time", FIELD_DATETIME),
    { .tag = 3,
      .name = "last-state-change",
      .kind = BACNET_ENUMERATED,
      .optional = true,
      .list = BACNET_LIST_TIMER_TRANSITIONS },
    FORM_OR_NOT(4, "initial-timeout", UNSIGNED),
    FORM_OR_NOT(5, "expiration-time", FIELD_DATETIME),
};

struct choice {
    const struct bacnet_event_form *forms;
    size_t count;
};
#define CHOICE(number, forms_) \
    [BACNET_EVENT_##number] = { .forms = (forms_), .count = sizeof(forms_) / sizeof((forms_)[0]) }

static const struct choice choices[] = {
    CHOICE(CHANGE_OF_BITSTRING, change_of_bitstring),
    CHOICE(CHANGE_OF_STATE, change_of_state),
    CHOICE(CHANGE_OF_VALUE, change_of_value),
    CHOICE(COMMAND_FAILURE, command_failure),
    CHOICE(FLOATING_LIMIT, floating_limit),
    CHOICE(OUT_OF_RANGE, out_of_range),
    CHOICE(COMPLEX_EVENT_TYPE, complex_event_type),
    CHOICE(CHANGE_OF_LIFE_SAFETY, change_of_life_safety),
    CHOICE(EXTENDED, extended),
    CHOICE(BUFFER_READY, buffer_ready),
    CHOICE(UNSIGNED_RANGE, unsigned_range),
    CHOICE(ACCESS_EVENT, access_event),
    CHOICE(DOUBLE_OUT_OF_RANGE, double_out_of_range),
    CHOICE(SIGNED_OUT_OF_RANGE, signed_out_of_range),
    CHOICE(UNSIGNED_OUT_OF_RANGE, unsigned_out_of_range),
    CHOICE(CHANGE_OF_CHARACTERSTRING, change_of_characterstring),
    CHOICE(CHANGE_OF_STATUS_FLAGS, change_of_status_flags),
    CHOICE(CHANGE_OF_RELIABILITY, change_of_reliability),
    CHOICE(CHANGE_OF_DISCRETE_VALUE, change_of_discrete_value),
    CHOICE(CHANGE_OF_TIMER, change_of_timer),
};

const struct bacnet_event_form *bacnet_event_forms(uint8_t choice, size_t *count)
{
    if (choice >= sizeof(choices) / sizeof(choices[0])) {
        *count = 0;
        return NULL;
    }
    *count = choices[choice].count;
    return choices[choice].forms;
}

/* ---- states ---- */

enum { STATE_BOOLEAN = 0, STATE_UNSIGNED = 11, STATE_INTEGER = 41, STATE_EXTENDED = 63 };

static const uint8_t state_lists[] = {
    [1] = BACNET_LIST_BINARY,
    [2] = BACNET_LIST_EVENT_TYPES,
    [3] = BACNET_LIST_POLARITY,
    [4] = BACNET_LIST_PROGRAM_REQUESTS,
    [5] = BACNET_LIST_PROGRAM_STATES,
    [6] = BACNET_LIST_PROGRAM_ERRORS,
    [7] = BACNET_LIST_RELIABILITY,
    [8] = BACNET_LIST_EVENT_STATES,
    [9] = BACNET_LIST_DEVICE_STATUS,
    [10] = BACNET_LIST_UNITS,
    [12] = BACNET_LIST_LIFE_SAFETY_MODES,
    [13] = BACNET_LIST_LIFE_SAFETY_STATES,
    [14] = BACNET_LIST_RESTART_REASONS,
    [15] = BACNET_LIST_DOOR_ALARM_STATES,
    [16] = BACNET_LIST_ACTION,
    [17] = BACNET_LIST_DOOR_SECURED_STATUS,
    [18] = BACNET_LIST_DOOR_STATUS,
    [19] = BACNET_LIST_DOOR_VALUES,
    [20] = BACNET_LIST_FILE_ACCESS,
    [21] = BACNET_LIST_LOCK_STATUS,
    [22] = BACNET_LIST_LIFE_SAFETY_OPERATIONS,
    [23] = BACNET_LIST_MAINTENANCE,
    [24] = BACNET_LIST_NODE_TYPES,
    [25] = BACNET_LIST_NOTIFY_TYPES,
    [27] = BACNET_LIST_SHED_STATES,
    [28] = BACNET_LIST_SILENCED_STATES,
    [31] = BACNET_LIST_OCCUPANCY_STATES,
    [34] = BACNET_LIST_AUTHENTICATION_STATUS,
    [36] = BACNET_LIST_BACKUP_STATES,
    [37] = BACNET_LIST_WRITE_STATUS,
    [38] = BACNET_LIST_LIGHTING_IN_PROGRESS,
    [39] = BACNET_LIST_LIGHTING_OPERATIONS,
    [40] = BACNET_LIST_LIGHTING_TRANSITIONS,
    [42] = BACNET_LIST_BINARY_LIGHTING,
    [43] = BACNET_LIST_TIMER_STATES,
    [44] = BACNET_LIST_TIMER_TRANSITIONS,
    [45] = BACNET_LIST_IP_MODES,
    [46] = BACNET_LIST_NETWORK_PORT_COMMANDS,
    [47] = BACNET_LIST_NETWORK_TYPES,
    [48] = BACNET_LIST_NETWORK_NUMBER_QUALITY,
    [49] = BACNET_LIST_ESCALATOR_DIRECTIONS,
    [50] = BACNET_LIST_ESCALATOR_FAULTS,
    [51] = BACNET_LIST_ESCALATOR_MODES,
    [52] = BACNET_LIST_LIFT_CAR_DIRECTIONS,
    [53] = BACNET_LIST_LIFT_CAR_DOOR_COMMANDS,
    [54] = BACNET_LIST_LIFT_CAR_DRIVE_STATUS,
    [55] = BACNET_LIST_LIFT_CAR_MODES,
    [56] = BACNET_LIST_LIFT_GROUP_MODES,
    [57] = BACNET_LIST_LIFT_FAULTS,
    [58] = BACNET_LIST_PROTOCOL_LEVELS,
};

static uint8_t state_type(uint8_t choice)
{
    switch (choice) {
    case STATE_BOOLEAN: return BACNET_BOOLEAN;
    case STATE_UNSIGNED:
    case STATE_EXTENDED: return BACNET_UNSIGNED;
    case STATE_INTEGER: return BACNET_SIGNED;
    default: return BACNET_ENUMERATED;
    }
}

int bacnet_get_property_state(struct bytes inside, struct bacnet_property_state *state)
{
    struct bytes at = inside;
    struct bacnet_tag tag;
    struct bacnet_value value;
    *state = (struct bacnet_property_state){ .choice = 0 };
    if (!bacnet_get_tag(&at, &tag) || tag.kind != BACNET_TAG_CONTEXT) {
        return BUSBAR_EPROTO;
    }
    state->choice = tag.number;
    state->type = state_type(tag.number);
    state->list = tag.number < sizeof(state_lists) ? state_lists[tag.number] : BACNET_LIST_NONE;
    struct bytes content = bacnet_get_context(&inside, tag.number);
    if (bacnet_whole(&inside) != 0 || bacnet_get_content(content, state->type, &value) != 0) {
        return BUSBAR_EPROTO;
    }
    switch (state->type) {
    case BACNET_BOOLEAN: state->number = value.as.boolean; break;
    case BACNET_SIGNED: state->integer = value.as.integer; break;
    default: state->number = value.as.number; break;
    }
    return 0;
}

void bacnet_put_property_state(struct bytes_out *out, const struct bacnet_property_state *state)
{
    switch (state_type(state->choice)) {
    case BACNET_BOOLEAN: bacnet_put_boolean(out, state->choice, state->number != 0); break;
    case BACNET_SIGNED: bacnet_put_signed(out, state->choice, state->integer); break;
    default: bacnet_put_unsigned(out, state->choice, state->number); break;
    }
}
