/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings of the protocol, of a connector, of a device and of a point say, taken out and checked. Pure:
 * settings in, plain structs out; their texts are borrowed from the settings.
 *
 *   drivers:
 *     http: { listen: "0.0.0.0:56789" }
 *   connectors:
 *     meters: { allow: 10.0.0.0/8 }
 *   devices:
 *     pv-1:     { http: { connector: meters }, points: { yield: { json: $.ac.power } } }
 *     inverter: { http: { url: "http://10.0.0.9/status" }, points: { p: { json: $.p, every: 10s } } }
 *
 * A call returns 0, or BUSBAR_ECONFIG with place and hint in err, which may be NULL. */
#ifndef BUSBAR_DRIVERS_HTTP_HTTP_CONFIG_H
#define BUSBAR_DRIVERS_HTTP_HTTP_CONFIG_H

#include "config/setup.h"
#include "http/fetch.h"
#include "net/address.h"
#include "net/allow.h"
#include "payload/point.h"

enum { HTTP_LISTEN_MAX = 8, HTTP_ID_MAX = 128, HTTP_NAMES_MAX = 32 };

struct http_setup {
    struct address listen[HTTP_LISTEN_MAX];
    size_t listen_count;
    const char *certificate, *key, *client_ca, *schemas; /* files; NULL */
    bool plain;                                          /* allowed beyond this machine */
    unsigned connections_max, per_source;
};

struct http_connector_config {
    const char *key;    /* the secret's name; NULL */
    struct allow allow; /* of nothing set: any */
    bool open, query_key;
    unsigned rate;                 /* messages a second and address; 0: any */
    const char *certificate_names; /* patterns, ", " between; NULL */
};

enum { HTTP_GET, HTTP_POST };

struct http_device_config {
    const char *connector; /* NULL: it is asked */
    const char *id;        /* NULL: the device's name */
    const char *url;       /* NULL: it posts */
    const char *body, *header;
    const char *user, *password, *token; /* password, token: names of secrets */
    const char *ca, *certificate, *key;
    int method;
    enum http_login login;
    bool verify;
    unsigned redirects;
};

/* The address of a point. Texts in the device's arena. */
struct http_address {
    struct payload_point payload;
    const char *url;             /* whole; NULL: the device's, or it is posted */
    const char *send, *send_url; /* send_url NULL: it is not written */
    uint8_t value_type;          /* enum value_type, before conversion */
    uint8_t send_method;         /* as in http_send_method() */
};
const char *http_send_method(uint8_t method);

/* After 0 a message in err is a warning. */
int http_config_check_setup(const struct setup *setup, struct err *err);
int http_config_setup(const struct setup *setup, struct http_setup *out, struct err *err);
int http_config_connector(const struct setup_part *part, struct http_connector_config *out,
                          struct err *err);
const char *http_config_schemas(const struct setup *setup); /* the folder; NULL: none */

/* A device; setup NULL: that its connector exists is not checked. After 0 a message in err is a warning. */
int http_config_read(const struct setup *setup, const struct settings *device,
                     struct http_device_config *out, struct err *err);
/* A point; see driver_ops.resolve. */
int http_config_point(const struct setup *setup, const struct settings *device,
                      const struct settings *point, struct http_address *out,
                      struct point_facts *facts, struct err *err);
int http_config_event(const struct setup *setup, const struct settings *device,
                      const struct settings *event, struct err *err);

/* Whether an id can stand in a path as it is: letters, digits, - . _ ~ : @ and no more than HTTP_ID_MAX of them. */
bool http_id_is_fine(const char *id);

#endif
