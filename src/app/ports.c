/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ports.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "drivers/catalog.h"
#include "net/address.h"

/* ---- the table ---- */

static struct port_row *find_row(struct port_table *table, const char *use, const char *transport,
                                 uint16_t port, const char *address)
{
    for (size_t i = 0; i < table->count; i++) {
        struct port_row *row = &table->rows[i];
        if (row->port == port && strcmp(row->use, use) == 0 &&
            strcmp(row->transport, transport) == 0 && strcmp(row->address, address) == 0) {
            return row;
        }
    }
    if (table->count == PORTS_MAX) {
        table->cut = true;
        return NULL;
    }
    struct port_row *row = &table->rows[table->count++];
    str_copy(row->use, sizeof row->use, use);
    str_copy(row->transport, sizeof row->transport, transport);
    str_copy(row->address, sizeof row->address, address);
    row->port = port;
    return row;
}

/* True when `word` is one of the words in `text`. */
static bool has_word(const char *text, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += size) {
        if ((at == text || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static void add_peer(struct port_row *row, const char *host)
{
    row->peers++;
    if (row->peers <= PORT_PEERS_SHOWN && !has_word(row->peer, host)) {
        size_t size = strlen(row->peer);
        str_format(row->peer + size, sizeof row->peer - size, "%s%s", size > 0 ? " " : "", host);
    }
    row->firewall = row->firewall || !address_is_loopback(host);
}

/* A device's link as its driver writes it: "TRANSPORT ADDRESS [...]", or a URL over TCP: "opc.tcp://ADDRESS/... [...]". */
static bool split_link(const char *link, char word[16], char target[ADDRESS_TEXT_MAX])
{
    const char *authority = strstr(link, "://");
    if (authority == NULL) {
        return sscanf(link, "%15s %271s", word, target) == 2;
    }
    authority += strlen("://");
    str_format(word, 16, "tcp");
    str_format(target, ADDRESS_TEXT_MAX, "%.*s", (int)strcspn(authority, "/ "), authority);
    return true;
}

/* The row of a port that devices of a protocol are reached by: that their driver told of, or one of their own. NULL: they
 * come to us there, or there is no room. */
static struct port_row *row_of_device(struct port_table *table, const struct device *dev,
                                      const char *transport, const struct address *address)
{
    for (size_t i = 0; i < table->count; i++) {
        struct port_row *row = &table->rows[i];
        if (row->port != address->port || strcmp(row->transport, transport) != 0 ||
            strcmp(row->protocol, dev->protocol) != 0) {
            continue;
        }
        if (!row->in) {
            return row;
        }
        if (strcmp(row->address, address->host) == 0) {
            return NULL;
        }
    }
    return find_row(table, dev->protocol, transport, address->port, "");
}

static void add_device(struct port_table *table, const struct device *dev, struct buf *text)
{
    char word[16], target[ADDRESS_TEXT_MAX] = "";
    struct address address;
    buf_clear(text);
    host_protocol(drivers_catalog(), dev->protocol)->link(dev, text);
    if (!split_link(buf_text(text), word, target)) {
        return;
    }
    if (target[0] == '/') {
        struct port_row *row = find_row(table, dev->protocol, "serial", 0, "");
        if (row != NULL) {
            add_peer(row, target);
            row->firewall = false;
        }
    } else if (address_parse(target, 0, &address, NULL) == 0) {
        const char *transport = strcmp(word, "udp") == 0 ? "udp" : "tcp";
        struct port_row *row = row_of_device(table, dev, transport, &address);
        if (row != NULL) {
            add_peer(row, address.host);
        }
    }
}

static struct port_row *add_ours(struct port_table *table, const char *what, const char *transport,
                                 const char *host, uint16_t port)
{
    struct port_row *row = port != 0 ? find_row(table, what, transport, port, host) : NULL;
    if (row != NULL) {
        row->in = true;
        row->ours = true;
        row->firewall = !address_is_loopback(host);
    }
    return row;
}

/* A driver while it tells of its ports. */
struct telling {
    struct port_table *table;
    const char *protocol;
};

static void add_driver_port(void *ctx, const struct driver_port *port)
{
    const struct telling *telling = ctx;
    struct port_table *table = telling->table;
    struct port_row *row;
    if (!port->out && !port->asks) {
        row = add_ours(table, port->use, port->transport, port->host, port->port);
    } else {
        row = find_row(table, port->use, port->transport, port->port, port->asks ? port->host : "");
        if (row != NULL) {
            row->ours = row->ours || port->asks;
            row->firewall = row->firewall || !port->asks;
        }
    }
    if (row != NULL) {
        str_copy(row->protocol, sizeof row->protocol, telling->protocol);
    }
}

static bool has_devices(const struct gateway *gw, const char *protocol)
{
    size_t count;
    struct device *const *devices = registry_devices(gw->registry, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(devices[i]->protocol, protocol) == 0) {
            return true;
        }
    }
    return false;
}

/* Where drivers themselves listen. */
static void add_drivers(struct port_table *table, const struct gateway *gw)
{
    for (const struct driver_ops *const *at = drivers_catalog(); *at != NULL; at++) {
        struct telling telling = { .table = table, .protocol = (*at)->name };
        if ((*at)->ports != NULL) {
            (*at)->ports(host_setup_of(gw->host, (*at)->name), has_devices(gw, (*at)->name),
                         add_driver_port, &telling);
        }
    }
}

/* What a sink connects to: "HOST:PORT[,HOST:PORT ...]/DATABASE", or a URL. A Unix socket has no port. */
static void add_sink(struct port_table *table, const struct sink_status *status)
{
    const char *at = strstr(status->where, "://");
    bool https = str_starts(status->where, "https:");
    uint16_t fallback = at == NULL ? 5432 : https ? 443 : 80;
    char target[ADDRESS_TEXT_MAX];
    struct address address;
    at = at != NULL ? at + strlen("://") : status->where;
    while (*at != '\0' && *at != '/') {
        size_t size = strcspn(at, ",/");
        str_format(target, sizeof target, "%.*s", (int)size, at);
        if (address_parse(target, fallback, &address, NULL) == 0) {
            struct port_row *row = find_row(table, status->ops->title, "tcp", address.port, "");
            if (row != NULL) {
                add_peer(row, address.host);
            }
        }
        at += size + (at[size] == ',' ? 1 : 0);
    }
}

void ports_gather(const struct gateway *gw, struct port_table *table)
{
    size_t count;
    struct buf text;
    memset(table, 0, sizeof *table);
    add_ours(table, "page and REST", "tcp", gw->places[SERVER_PAGE].host,
             server_port(gw->server, SERVER_PAGE));
    add_ours(table, "time series", "tcp", gw->places[SERVER_TIME_SERIES].host,
             server_port(gw->server, SERVER_TIME_SERIES));
    add_drivers(table, gw);
    struct device *const *devices = registry_devices(gw->registry, &count);
    buf_init(&text, 1024);
    for (size_t i = 0; i < count; i++) {
        add_device(table, devices[i], &text);
    }
    buf_fini(&text);
    struct sink_status status;
    for (size_t i = 0; gw->sinks != NULL && sinks_status_at(gw->sinks, i, &status); i++) {
        add_sink(table, &status);
    }
    for (size_t i = 0; i < table->count; i++) {
        struct port_row *row = &table->rows[i];
        if (row->peers > PORT_PEERS_SHOWN) {
            size_t size = strlen(row->peer);
            str_format(row->peer + size, sizeof row->peer - size, " ... (%u devices)", row->peers);
        }
    }
}

void ports_find_owners(struct port_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct port_row *row = &table->rows[i];
        bool udp = strcmp(row->transport, "udp") == 0;
        /* UDP far ends are not connected to; a service that a driver asks may be on this machine */
        bool local = row->in || (!row->firewall && !udp) || (row->firewall && row->peers == 0);
        if (!local || row->port == 0) {
            continue;
        }
        row->owner = udp ? port_owner_udp(row->address, row->port) : port_owner_tcp(row->port);
        if (row->in && row->owner.pid != 0 && (row->owner.pid == (int)getpid()) != row->ours) {
            str_format(row->conflict, sizeof row->conflict, "held by %s (process %d)",
                       row->owner.name, row->owner.pid);
        }
    }
}

/* ---- writing it ---- */

void ports_json(const struct port_table *table, struct buf *out)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    json_put_array(&json, "ports");
    for (size_t i = 0; i < table->count; i++) {
        const struct port_row *row = &table->rows[i];
        json_begin_object(&json);
        json_put_string(&json, "use", row->use);
        json_put_string(&json, "transport", row->transport);
        json_put_i64(&json, "port", row->port);
        json_put_string(&json, "address", row->address);
        json_put_string(&json, "direction", row->in ? "in" : "out");
        json_put_string(&json, "peer", row->peer);
        json_put_i64(&json, "peers", row->peers);
        json_put_bool(&json, "firewall", row->firewall);
        json_put_string(&json, "owner", row->owner.name);
        json_put_i64(&json, "pid", row->owner.pid);
        json_put_string(&json, "conflict", row->conflict);
        json_put_bool(&json, "running", row->owner.pid != 0);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_put_bool(&json, "cut", table->cut);
    json_end_object(&json);
}

void ports_nft(const struct port_table *table, struct buf *out)
{
    buf_append_text(out, "# rules for the running configuration; load them with: nft -f FILE\n"
                         "table inet busbar {\n");
    static const char *const chains[] = { "input", "output" };
    for (size_t c = 0; c < 2; c++) {
        buf_printf(out, "\tchain %s {\n\t\ttype filter hook %s priority filter; policy accept;\n",
                   chains[c], chains[c]);
        for (size_t i = 0; i < table->count; i++) {
            const struct port_row *row = &table->rows[i];
            if (row->in == (c == 0) && row->firewall) {
                buf_printf(out, "\t\t%s dport %u accept comment \"%s\"\n", row->transport,
                           row->port, row->use);
            }
        }
        buf_append_text(out, "\t}\n");
    }
    buf_append_text(out, "}\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct port_row *row = &table->rows[i];
        if (!row->firewall && row->port != 0) {
            buf_printf(out, "# %s %u %s: on this machine only, no rule needed\n", row->transport,
                       row->port, row->use);
        }
    }
}

void ports_ufw(const struct port_table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct port_row *row = &table->rows[i];
        if (row->firewall) {
            buf_printf(out, "ufw allow %s %u/%s comment '%s'\n", row->in ? "in" : "out", row->port,
                       row->transport, row->use);
        } else if (row->port != 0) {
            buf_printf(out, "# %u/%s %s: on this machine only, no rule needed\n", row->port,
                       row->transport, row->use);
        }
    }
}
