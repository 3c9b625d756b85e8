/* SPDX-License-Identifier: Apache-2.0 */
/* How the connections are doing, and the ports they use. */
#include "base/clock.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_driver.h"
#include "drivers/mqtt/mqtt_sparkplug.h"

enum { TEXT_MAX = 512 };

struct teller {
    driver_status_cb cb;
    void *ctx;
    const char *part;
};

static void tell(const struct teller *teller, const char *name, const char *text,
                 const char *trouble, bool closed)
{
    const struct driver_status status = {
        .part = teller->part, .name = name, .text = text, .trouble = trouble, .closed = closed
    };
    teller->cb(teller->ctx, &status);
}

static void tell_connection(const struct teller *teller, const struct mqtt_broker *broker)
{
    char text[TEXT_MAX];
    char ping[32] = "";
    struct buf url;
    struct mqtt_client_stats stats = { 0 };
    buf_init(&url, MQTT_URL_TEXT_MAX + ADDRESS_TEXT_MAX);
    mqtt_url_print(&broker->config.broker.url, &url);
    if (broker->broken.code != 0) {
        tell(teller, "connection", buf_text(&url), broker->broken.message, true);
    } else if (!broker->up) {
        tell(teller, "connection", buf_text(&url), broker->tried ? broker->down_words : NULL,
             broker->tried);
    } else {
        mqtt_client_stats(broker->client, &stats);
        if (stats.ping_us > 0) {
            str_format_duration(ping, sizeof(ping), stats.ping_us);
        }
        str_format(text, sizeof(text), "%s, MQTT %s, as %s%s%s%s", buf_text(&url),
                   mqtt_client_version(broker->client) == 5 ? "5" : "3.1.1", broker->client_id,
                   broker->session ? ", session kept" : "", ping[0] != '\0' ? ", answers in " : "",
                   ping);
        tell(teller, "connection", text, NULL, false);
    }
    buf_fini(&url);
}

static void tell_messages(const struct teller *teller, const struct mqtt_broker *broker)
{
    char text[TEXT_MAX];
    struct mqtt_client_stats stats = { 0 };
    if (broker->client == NULL) {
        return;
    }
    mqtt_client_stats(broker->client, &stats);
    str_format(
        text, sizeof(text),
        "%llu received, %llu sent, %llu repeated, %llu retained, %llu refused, %zu not yet on "
        "disk, %llu reconnects",
        (unsigned long long)stats.messages_in, (unsigned long long)stats.messages_out,
        (unsigned long long)stats.duplicates, (unsigned long long)broker->retained,
        (unsigned long long)broker->refused, stats.unacknowledged,
        (unsigned long long)stats.reconnects);
    tell(teller, "messages", text, NULL, false);
    if (broker->unwanted > 0) {
        str_format(text, sizeof(text), "%llu", (unsigned long long)broker->unwanted);
        tell(teller, "messages of no device", text,
             "the broker still has subscriptions that no device needs any more: set 'clean: true' "
             "of it once, or another 'client_id'",
             false);
    }
}

static void tell_subscriptions(const struct teller *teller, const struct mqtt_broker *broker)
{
    char text[TEXT_MAX];
    char trouble[TEXT_MAX] = "";
    size_t asked = 0;
    size_t granted = 0;
    size_t covered = 0;
    size_t refused = 0;
    list_each(at, &broker->filters) {
        const struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        asked += filter->wire != NULL ? 1 : 0;
        granted += filter->state == MQTT_FILTER_GRANTED ? 1 : 0;
        covered += filter->cover != NULL ? 1 : 0;
        if (filter->state == MQTT_FILTER_REFUSED && refused++ == 0) {
            str_format(trouble, sizeof(trouble), "'%.200s' is refused: %s", filter->text,
                       filter->reason != NULL ? filter->reason : "no reason given");
        }
    }
    size_t size = str_format(text, sizeof(text), "%zu of %zu granted", granted, asked);
    if (covered > 0) {
        (void)str_format(text + size, sizeof(text) - size, ", %zu more are covered by them",
                         covered);
    }
    tell(teller, "subscriptions", text, refused > 0 ? trouble : NULL, false);
}

void mqtt_status(struct driver *drv, driver_status_cb cb, void *ctx)
{
    const struct mqtt_state *state = driver_state(drv);
    feed_status(state->feed, cb, ctx);
    list_each(at, &state->brokers) {
        const struct mqtt_broker *broker = list_entry(at, struct mqtt_broker, link);
        const struct teller teller = { .cb = cb, .ctx = ctx, .part = broker->name };
        tell_connection(&teller, broker);
        tell_subscriptions(&teller, broker);
        tell_messages(&teller, broker);
        mqtt_sparkplug_status(broker, cb, ctx);
    }
}

/* ---- ports ---- */

void mqtt_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx)
{
    (void)used;
    for (size_t i = 0; i < setup->part_count; i++) {
        const struct setup_part *part = &setup->parts[i];
        char use[SETUP_NAME_MAX + 32];
        struct mqtt_broker_config config;
        if (mqtt_config_part(part, &config, NULL) != 0) {
            continue;
        }
        str_format(use, sizeof(use), "MQTT broker %s", part->name);
        const struct driver_port port = { .use = use,
                                          .transport = "tcp",
                                          .host = "",
                                          .out = true,
                                          .port = config.url.host.port,
                                          .at = part->settings.at };
        cb(ctx, &port);
    }
}
