/* SPDX-License-Identifier: Apache-2.0 */
/* Commands and acknowledgements, the half on the gateway's loop: settings, glue by posting. Private to the driver. */
#ifndef BUSBAR_DRIVERS_OPCUA_COMMAND_H
#define BUSBAR_DRIVERS_OPCUA_COMMAND_H

#include "driver/driver.h"
#include "drivers/opcua/data/features.h"
#include "drivers/opcua/data/peer.h"
#include "drivers/opcua/opcua_config.h"

extern const struct option opcua_command_options[];
/* ops->check_command. */
int opcua_command_check(const struct settings *device, const struct settings *command,
                        struct err *err);

/* What the thread must know of a device's alarms and methods. All that it points to lives in `arena`, which has to
 * outlive the peer. BUSBAR_ECONFIG, BUSBAR_ENOMEM with err filled. */
int opcua_features_init(struct opcua_features *features, struct device *dev,
                        const struct opcua_config *config, struct opcua_thread *thread,
                        struct arena *arena, struct err *err);

/* ops->call and ops->acknowledge. peer NULL: the device is stopped. The peer answers all that is open before its
 * `closed` comes home. */
void opcua_command_call(struct device *dev, struct opcua_thread *thread, struct opcua_peer *peer,
                        struct driver_call *call);
void opcua_command_acknowledge(struct device *dev, struct opcua_thread *thread,
                               struct opcua_peer *peer, struct driver_acknowledge *ack);

#endif
