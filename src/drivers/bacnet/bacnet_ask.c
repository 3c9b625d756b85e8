/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the driver ask a device, with the device's own timeout and retries. */
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/wire/apdu.h"

void bacnet_device_ask(const struct bacnet_device *device, struct bacnet_ask *ask, uint8_t service,
                       const void *data, size_t size)
{
    ask->service = service;
    ask->data = data;
    ask->size = size;
    ask->retries = device->config.retries;
    ask->timeout_us = device->config.timeout_us;
    bacnet_ask(device->peer, ask);
}

void bacnet_device_read(const struct bacnet_device *device, struct bacnet_ask *ask,
                        uint8_t data[BACNET_READ_PROPERTY_MAX],
                        const struct bacnet_read_property *read)
{
    struct bytes_out out = bytes_out_of(data, BACNET_READ_PROPERTY_MAX);
    bacnet_put_read_property(&out, read);
    bacnet_device_ask(device, ask, BACNET_READ_PROPERTY, data, bytes_out_size(&out));
}

int bacnet_outcome_error(const struct bacnet_answer *answer)
{
    switch (answer->outcome) {
    case BACNET_NOT_FOUND: return BUSBAR_EHOST;
    case BACNET_NO_ROUTE: return BUSBAR_EROUTE;
    case BACNET_UNSENT: return answer->error != 0 ? answer->error : BUSBAR_EROUTE;
    case BACNET_CANCELED: return BUSBAR_ECANCELED;
    default: return BUSBAR_ETIMEOUT;
    }
}
