/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a device and of a point, read and checked, each mistake told with what to write instead. Pure: no
 * socket, no file, no library. */
#ifndef BUSBAR_DRIVERS_OPCUA_CONFIG_H
#define BUSBAR_DRIVERS_OPCUA_CONFIG_H

#include "drivers/opcua/data/peer.h"
#include "drivers/opcua/opcua_options.h"
#include "drivers/opcua/text/url.h"
#include "model/point.h"

enum { OPCUA_URL_TEXT_MAX = 512, OPCUA_USER_FILE_MAX = 64 * 1024 };

/* Texts are borrowed from the settings. */
struct opcua_config {
    char urls[OPCUA_URLS_MAX][OPCUA_URL_TEXT_MAX]; /* with their ports */
    size_t url_count;
    bool automatic;
    enum opcua_mode mode;
    enum opcua_policy policy;
    const char *server_name, *user, *password_secret, *certificate, *key, *locale;
    bool clear_password;
    int64_t timeout_us, session_timeout_us, keep_alive_us;
    int64_t publishing_us, check_us;
    bool force_polling;
    uint8_t alarms;           /* enum opcua_alarms_word */
    const char *alarm_source; /* NULL: the server */
    uint16_t alarm_severity;  /* 0: all */
    const char *alarm_fields; /* NULL: none besides the usual */
};

/* Returns 0, or BUSBAR_ECONFIG with err filled (may be NULL). */
int opcua_config_read(const struct settings *device, struct opcua_config *out, struct err *err);

/* ops->resolve. */
int opcua_config_resolve(const struct settings *device, const struct settings *point,
                         struct opcua_address *address, struct point_facts *facts, struct err *err);

/* "nsu=urn:acme:press;s=Oil.Temp range 0:9". */
void opcua_address_print(const struct opcua_address *address, struct buf *out);
/* "description"; NULL: not one that has a name. */
const char *opcua_attribute_name(uint8_t attribute);

#endif
