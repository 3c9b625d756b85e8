/* SPDX-License-Identifier: Apache-2.0 */
/* The protocols that can be simulated; a new one is a row. */
#include <string.h>

#include "sim/sim_bacnet.h"
#include "sim/sim_http.h"
#include "sim/sim_modbus.h"
#include "sim/sim_mqtt.h"
#include "sim/sim_opcua.h"
#include "sim/sim_private.h"
#include "sim/sim_snmp.h"
#include "sim/sim_tcp.h"

const struct sim_ops *sim_catalog_find(const char *protocol)
{
    const struct sim_ops *const rows[] = { sim_modbus(), sim_bacnet(), sim_opcua(), sim_snmp(),
                                           sim_mqtt(),   sim_http(),   sim_tcp() };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i]->protocol, protocol) == 0) {
            return rows[i];
        }
    }
    return NULL;
}
