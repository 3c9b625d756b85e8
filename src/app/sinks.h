/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks of the gateway: what they need of its modules, and when. Private to app/. */
#ifndef BUSBAR_APP_SINKS_H
#define BUSBAR_APP_SINKS_H

#include "app/gateway.h"
#include "config/config.h"

/* None of them yet; before the server, which shows them. */
void gateway_sinks_new(struct gateway *gw);
/* Makes them of the configuration, after the registry has its devices. They connect with gateway_sinks_start(). */
int gateway_sinks_open(struct gateway *gw, const struct config *config, struct err *err);
/* When the labels of all points are there. */
void gateway_sinks_start(struct gateway *gw);
/* An apply: sinks and points as they are now. */
void gateway_sinks_apply(struct gateway *gw, const struct config *config);

#endif
