/* SPDX-License-Identifier: Apache-2.0 */
/* How the driver is doing, and its ports. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/str.h"
#include "drivers/http/http_driver.h"

enum { TEXT_MAX = 128 };

struct teller {
    driver_status_cb cb;
    void *ctx;
};

static void tell(const struct teller *teller, const char *part, const char *name, const char *text,
                 const char *trouble, bool closed)
{
    const struct driver_status status = {
        .part = part, .name = name, .text = text, .trouble = trouble, .closed = closed
    };
    teller->cb(teller->ctx, &status);
}

static void tell_count(const struct teller *teller, const char *part, const char *name,
                       uint64_t count)
{
    char text[32];
    str_format(text, sizeof(text), "%" PRIu64, count);
    tell(teller, part, name, text, NULL, false);
}

static void tell_bound(const struct teller *teller, const struct http_state *state,
                       const struct http_bound *bound)
{
    char text[TEXT_MAX + ADDRESS_TEXT_MAX];
    char trouble[ERR_MESSAGE_MAX + ERR_HINT_MAX + 4];
    bool makes = bound->listener == NULL && bound->broken.code == 0;
    str_format(text, sizeof(text), "%s://%s%s", bound->tls ? "https" : "http", bound->where,
               makes ? ", its certificate is being made" : "");
    str_format(trouble, sizeof(trouble), "%s; %s", bound->broken.message, bound->broken.hint);
    tell(teller, "", "listens on", text, bound->broken.code != 0 ? trouble : NULL,
         bound->broken.code != 0);
    if (bound->listener != NULL) {
        str_format(text, sizeof(text), "%zu of %u", http_listener_connections(bound->listener),
                   state->own.connections_max);
        tell(teller, "", "connections", text, NULL, false);
    }
}

static void tell_connector(const struct teller *teller, const struct http_state *state,
                           const struct http_connector *connector)
{
    char text[TEXT_MAX], when[STR_TIME_MAX];
    struct keyring *ring = driver_keyring(state->drv);
    size_t keys = (ring != NULL ? keyring_count(ring, connector->name) : 0) + connector->has_key;
    bool shut = keys == 0 && !connector->config.open && connector->config.certificate_names == NULL;
    str_format(text, sizeof(text), "%zu", keys);
    tell(teller, connector->name, "keys", text,
         shut ? "nobody can post by it: make a key with busbar connector key add" : NULL, false);
    tell_count(teller, connector->name, "devices", connector->device_count);
    tell_count(teller, connector->name, "messages", connector->messages);
    tell_count(teller, connector->name, "refused", connector->refused);
    if (connector->last_us != 0) {
        (void)str_format_time(when, sizeof(when), connector->last_us, 0, true);
        tell(teller, connector->name, "last message", when, NULL, false);
    }
}

void http_status(struct driver *drv, driver_status_cb cb, void *ctx)
{
    static const char *const why[HTTP_REFUSALS] = {
        [HTTP_REFUSED_KEY] = "refused: no key, or a wrong one",
        [HTTP_REFUSED_ADDRESS] = "refused: not in allow",
        [HTTP_REFUSED_RATE] = "refused: too often",
        [HTTP_REFUSED_UNKNOWN] = "refused: unknown device",
        [HTTP_REFUSED_FORM] = "refused: wrong request",
        [HTTP_REFUSED_CONTENT] = "refused: does not fit the rules",
        [HTTP_REFUSED_BUSY] = "put off: busy",
    };
    const struct http_state *state = driver_state(drv);
    const struct teller teller = { cb, ctx };
    for (size_t i = 0; i < state->bound_count; i++) {
        tell_bound(&teller, state, &state->bound[i]);
    }
    for (size_t i = 0; i < HTTP_REFUSALS; i++) {
        if (state->refused[i] > 0) {
            tell_count(&teller, "", why[i], state->refused[i]);
        }
    }
    if (state->http.cut_slow > 0) {
        tell_count(&teller, "", "connections cut for being slow", state->http.cut_slow);
    }
    feed_status(state->feed, cb, ctx);
    for (size_t i = 0; i < state->connector_count; i++) {
        tell_connector(&teller, state, &state->connectors[i]);
    }
}

void http_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx)
{
    struct http_setup own;
    (void)used;
    if (setup->part_count == 0 || http_config_setup(setup, &own, NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < own.listen_count; i++) {
        const struct driver_port port = {
            .use = "devices that post (HTTP)",
            .transport = "tcp",
            .host = own.listen[i].host,
            .port = own.listen[i].port,
            .at = settings_at(&setup->settings, 0),
        };
        cb(ctx, &port);
    }
}
