/* SPDX-License-Identifier: Apache-2.0 */
/* Packets for people. Pure. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_WORDS_H
#define BUSBAR_DRIVERS_MQTT_MQTT_WORDS_H

#include <stdbool.h>

#include "base/buf.h"

/* One packet in one line: PUBLISH zigbee/hall-3, QoS 1, id 7, retained, 23 bytes: {"co2": 612}
 * Packets of the ring of last frames may be cut or broken: what can be read is said. version 5 or 4: the connection's.
 * Passwords are never shown. */
void mqtt_describe(int version, bool sent, const void *data, size_t size, struct buf *out);

#endif
