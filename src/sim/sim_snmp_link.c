/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that go down and come up: by a manager (ifAdminStatus), by a person (a held ifOperStatus, a linkDown that
 * is told). Each change is told by a trap. */
#include "sim/sim_snmp.h"

enum { ADMIN_STATUS = 7, OPER_STATUS = 8 };

static int64_t read_status(const struct sim_snmp_served *served,
                           const struct sim_snmp_object *object)
{
    uint8_t room[SIM_SNMP_VALUE_MAX];
    struct bytes_out scratch = bytes_out_of(room, sizeof(room));
    struct snmp_value value;
    int64_t status = SIM_SNMP_DOWN;
    sim_snmp_value_read(&served->agent, object, sim_snmp_clock(served), &scratch, &value);
    (void)ber_int(value.content, &status);
    return status;
}

void sim_snmp_set_status(struct sim_snmp_served *served, uint16_t row, bool up)
{
    const struct sim_snmp_object *object = sim_snmp_interface_object(
        &served->agent, row, sim_snmp_column_find(0, OPER_STATUS));
    uint8_t room[8];
    struct bytes_out scratch = bytes_out_of(room, sizeof(room));
    struct snmp_value value = sim_snmp_int(&scratch, up ? SIM_SNMP_UP : SIM_SNMP_DOWN);
    if (object != NULL) {
        served->quiet = true;
        sim_snmp_value_hold(&served->agent, object, &value, sim_snmp_clock(served));
        served->quiet = false;
    }
}

void sim_snmp_link_written(struct sim_snmp_served *served, const struct sim_snmp_object *object)
{
    const struct sim_snmp_column *column = &sim_snmp_columns[object->column];
    bool status = object->what == SIM_SNMP_INTERFACE && column->extended == 0 &&
                  (column->number == ADMIN_STATUS || column->number == OPER_STATUS);
    if (!status || served->quiet) {
        return;
    }
    bool up = read_status(served, object) == SIM_SNMP_UP;
    if (column->number == ADMIN_STATUS) {
        sim_snmp_set_status(served, object->row, up);
    }
    sim_snmp_announce(served, up ? "linkUp" : "linkDown", object->row);
}
