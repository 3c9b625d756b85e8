/* SPDX-License-Identifier: Apache-2.0 */
/* Commands, the half on the gateway's loop: settings, calls on their way to the server (data/method.h) and back, and
 * what the other half is told of methods and alarms. Private to the driver. */
#ifndef BUSBAR_DRIVERS_OPCUA_COMMAND_H
#define BUSBAR_DRIVERS_OPCUA_COMMAND_H

#include "driver/driver.h"
#include "drivers/opcua/data/features.h"
#include "drivers/opcua/opcua_config.h"

extern const struct option opcua_command_options[];
/* ops->check_command. */
int opcua_command_check(const struct settings *device, const struct settings *command,
                        struct err *err);

/* What the thread must know of a device's alarms and methods, whose settings were checked with the configuration. All
 * that it points to lives in `arena`, which has to outlive the peer. BUSBAR_ENOMEM. */
int opcua_features_init(struct opcua_features *features, struct device *dev,
                        const struct opcua_config *config, struct arena *arena);

/* ops->call. The peer answers all that is open before its `closed` comes home. */
void opcua_command_call(struct device *dev, struct driver_call *call);

#endif
