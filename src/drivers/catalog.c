/* SPDX-License-Identifier: Apache-2.0 */
/* A new protocol is a folder beside this file and a row here. */
#include "drivers/catalog.h"

#include "drivers/bacnet/bacnet.h"
#include "drivers/http/http.h"
#include "drivers/modbus/modbus.h"
#include "drivers/mqtt/mqtt.h"
#include "drivers/opcua/opcua.h"
#include "drivers/snmp/snmp.h"
#include "drivers/tcp/tcp.h"

enum { CATALOG_SIZE = 7 };

const struct driver_ops *const *drivers_catalog(void)
{
    static const struct driver_ops *drivers[CATALOG_SIZE + 1];
    if (drivers[0] == NULL) {
        drivers[0] = modbus_driver();
        drivers[1] = bacnet_driver();
        drivers[2] = opcua_driver();
        drivers[3] = snmp_driver();
        drivers[4] = mqtt_driver();
        drivers[5] = http_driver();
        drivers[6] = tcp_driver();
    }
    return drivers;
}
