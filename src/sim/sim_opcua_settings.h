/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulator asks of settings of devices and commands, by their keys. */
#ifndef BUSBAR_SIM_SIM_OPCUA_SETTINGS_H
#define BUSBAR_SIM_SIM_OPCUA_SETTINGS_H

#include "config/option.h"

/* A text that was set; NULL: it was not, or there is no such key. settings may be NULL. */
const char *sim_opcua_setting(const struct settings *settings, const char *key);

#endif
