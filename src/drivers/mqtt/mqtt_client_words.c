/* SPDX-License-Identifier: Apache-2.0 */
/* Why a connection could not be made, or ended, for a person: what happened, where, and what to do about it. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client_private.h"

enum { LIVES_SHORT = 3, SAID_MAX = 160 };

/* ---- no connection ---- */

static const struct hint {
    const char *in; /* the detail; NULL: any */
    int error;
    const char *hint;
} link_hints[] = {
    { .error = BUSBAR_ETLS,
      .in = "hostname mismatch",
      .hint = "the certificate is of another name: set server_name to one that is in it" },
    { .error = BUSBAR_ETLS,
      .in = "IP address mismatch",
      .hint = "the certificate is not of this address: set server_name to a name that is in it" },
    { .error = BUSBAR_ETLS,
      .in = "expired",
      .hint = "renew the broker's certificate, or set this machine's clock" },
    { .error = BUSBAR_ETLS,
      .in = "not yet valid",
      .hint = "set this machine's clock, or look at the broker's" },
    { .error = BUSBAR_ETLS,
      .in = "certificate not accepted",
      .hint = "name the authority that signed the broker's certificate with ca" },
    { .error = BUSBAR_ETLS,
      .in = "wrong version number",
      .hint = "this port speaks no TLS: use mqtt:// (ws://) or the TLS port, usually 8883" },
    { .error = BUSBAR_ETLS,
      .in = "certificate required",
      .hint = "the broker wants a client certificate: set certificate and key" },
    { .error = BUSBAR_ETLS,
      .in = "alert",
      .hint = "the broker refuses; it may want another client certificate: look at certificate "
              "and key, and at the broker's log" },
    { .error = BUSBAR_ECONNREFUSED,
      .hint = "is the broker running, and is it this port (1883 plain, 8883 TLS)?" },
    { .error = BUSBAR_EHOST, .hint = "look at the name in url" },
    { .error = BUSBAR_EROUTE, .hint = "look at the address, the network and the firewall" },
    { .error = BUSBAR_ETIMEOUT, .hint = "look at the address, the network and the firewall" },
};

static const char *link_hint(int error, const char *detail)
{
    for (size_t i = 0; i < sizeof(link_hints) / sizeof(link_hints[0]); i++) {
        const struct hint *row = &link_hints[i];
        if (row->error == error && (row->in == NULL || strstr(detail, row->in) != NULL)) {
            return row->hint;
        }
    }
    return NULL;
}

/* What a peer that just closes may mean. */
static const char *closed_hint(struct mqtt_client *client, bool was_up)
{
    if (was_up && client_filters_asks_many(client)) {
        return "it closed on a SUBSCRIBE: perhaps it takes fewer filters at once (fewer are asked "
               "for "
               "from now on), or one of them is not allowed";
    }
    if (was_up) {
        return ++client->short_lives >= LIVES_SHORT
                   ? "it closes again and again soon after each connect: most often another client "
                     "uses the same id (see client_id), or the user may not do something; the "
                     "broker's log tells"
                   : "the broker stopped, or another client uses the same id";
    }
    if (client->state == CLIENT_SHAKING) {
        return "it closed without an answer to CONNECT: does the port want TLS (mqtts://) or "
               "WebSocket (ws://)? The broker's log tells more";
    }
    return client->options.target.kind == STREAM_TLS ? "it closed when TLS began: is it the TLS "
                                                       "port (usually 8883)? mqtt:// and ws:// are "
                                                       "without TLS"
                                                     : NULL;
}

void client_say_link(struct mqtt_client *client, bool was_up, int error, const char *detail)
{
    struct client_end *end = &client->end;
    bool closed = error == BUSBAR_ECLOSED || error == BUSBAR_ERESET;
    const char *hint = closed ? closed_hint(client, was_up) : link_hint(error, detail);
    end->why = MQTT_DOWN_LINK;
    end->reason = 0;
    end->error = error;
    (void)str_format(end->detail, sizeof(end->detail), "%s%s%s", detail, hint != NULL ? "; " : "",
                     hint != NULL ? hint : "");
    const char *id = client->options.client_id;
    if (was_up && hint != NULL && closed && id[0] != '\0') {
        (void)str_format(end->detail + strlen(end->detail),
                         sizeof(end->detail) - strlen(end->detail), " (client id '%s')", id);
    }
}

const char *client_say_stranger(const struct mqtt_client *client, const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "HTTP", 4) == 0) {
        return "answers in HTTP: it is a web server, or a broker that wants WebSocket: use ws:// "
               "or "
               "wss://";
    }
    if (size >= 2 && data[0] == 0x15 && data[1] == 3) {
        return "answers in TLS: use mqtts://";
    }
    return client->options.websocket_path != NULL
               ? "does not speak MQTT in its WebSocket: look at the path in url"
               : "does not speak MQTT: look at address and port";
}

/* ---- refused, ended ---- */

/* " (it says: ...)" */
static void add_said(struct client_end *end, const struct mqtt_properties *properties)
{
    size_t used = strlen(end->detail);
    struct mqtt_slice said = properties->reason_string;
    if (mqtt_has(properties, MQTT_REASON_STRING) && said.size > 0) {
        (void)str_format(end->detail + used, sizeof(end->detail) - used, " (it says: %.*s)",
                         (int)str_utf8_cut((const char *)said.data, said.size, SAID_MAX),
                         (const char *)said.data);
    }
}

/* The codes of 3.1.1 as those of 5. */
static uint8_t modern(uint8_t code)
{
    static const uint8_t codes[] = { 0,
                                     MQTT_UNSUPPORTED_VERSION,
                                     MQTT_ID_NOT_VALID,
                                     MQTT_SERVER_UNAVAILABLE,
                                     MQTT_BAD_LOGIN,
                                     MQTT_NOT_AUTHORIZED };
    return code < sizeof(codes) ? codes[code] : code;
}

/* What to do about a code; *final: nothing changes until a person does it. */
static void next_step(const struct mqtt_client *client, uint8_t code,
                      const struct mqtt_properties *properties, char *to, size_t size, bool *final)
{
    const struct mqtt_client_options *options = &client->options;
    struct mqtt_slice server = properties->server_reference;
    *final = true;
    switch (code) {
    case MQTT_UNSUPPORTED_VERSION:
        (void)str_copy(to, size, "; set version to 5, 3.1.1 or auto");
        return;
    case MQTT_ID_NOT_VALID:
        (void)str_format(to, size, "; choose another client_id than '%s'", options->client_id);
        return;
    case MQTT_BAD_LOGIN:
        (void)str_format(to, size,
                         options->user != NULL ? "; look at user ('%s') and password"
                                               : "; it wants a user and a password%s",
                         options->user != NULL ? options->user : "");
        return;
    case MQTT_NOT_AUTHORIZED:
        (void)str_format(to, size,
                         "; the broker's access list must allow user '%s', client id '%s'",
                         options->user != NULL ? options->user : "(none)", options->client_id);
        return;
    case MQTT_USE_ANOTHER_SERVER:
    case MQTT_SERVER_MOVED:
        (void)str_format(to, size, "; change url%s%.*s", server.size > 0 ? " to " : "",
                         (int)(server.size < SAID_MAX ? server.size : SAID_MAX),
                         (const char *)server.data);
        return;
    case MQTT_RETAIN_UNSUPPORTED: (void)str_copy(to, size, "; leave out status_topic"); return;
    case MQTT_BANNED:
    case MQTT_BAD_AUTH_METHOD: to[0] = '\0'; return;
    case MQTT_SESSION_TAKEN_OVER:
        *final = false;
        (void)str_format(to, size, "; it uses the same id '%s': give each its own client_id",
                         options->client_id);
        return;
    default: *final = false; to[0] = '\0';
    }
}

static void say(struct mqtt_client *client, enum mqtt_down why, const char *what, uint8_t code,
                const struct mqtt_properties *properties)
{
    struct client_end *end = &client->end;
    struct mqtt_properties none = { 0 };
    uint8_t known = modern(code);
    char step[256];
    next_step(client, known, mqtt_has(properties, MQTT_SERVER_REFERENCE) ? properties : &none, step,
              sizeof(step), &end->final);
    end->known = true;
    end->why = why;
    end->reason = code;
    end->error = known == MQTT_BAD_LOGIN || known == MQTT_NOT_AUTHORIZED ? BUSBAR_EAUTH
                 : why == MQTT_DOWN_REFUSED                              ? BUSBAR_EREFUSED
                                                                         : BUSBAR_ECLOSED;
    (void)str_format(end->detail, sizeof(end->detail), "%s %s: %s%s", stream_peer(client->stream),
                     what, mqtt_reason_text(MQTT_VERSION_5, known), step);
    add_said(end, properties);
}

void client_say_refused(struct mqtt_client *client, const struct mqtt_packet_connack *packet)
{
    say(client, MQTT_DOWN_REFUSED, "refuses the connection", packet->code, &packet->properties);
}

void client_say_dismissed(struct mqtt_client *client, const struct mqtt_packet_end *packet)
{
    if (packet->code == MQTT_SUCCESS) {
        client->end.known = true;
        client->end.why = MQTT_DOWN_CLOSED;
        client->end.error = BUSBAR_ECLOSED;
        (void)str_format(client->end.detail, sizeof(client->end.detail),
                         "%s ended the connection without saying why", stream_peer(client->stream));
        add_said(&client->end, &packet->properties);
        return;
    }
    say(client, MQTT_DOWN_CLOSED, "ended the connection", packet->code, &packet->properties);
}
