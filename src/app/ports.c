/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ports.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "drivers/catalog.h"
#include "net/address.h"

/* ---- owners, from /proc (proc(5)) ---- */

/* The inode of the socket that listens on the port; 0 = none. */
static unsigned long listening_inode(const char *table, uint16_t port)
{
    char line[512];
    unsigned long found = 0;
    FILE *file = fopen(table, "re");
    while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL) {
        unsigned local_port, state;
        unsigned long inode;
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*u %*u %lu", &local_port,
                   &state, &inode) == 3 &&
            local_port == port && state == 0x0a) {
            found = inode;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

static bool holds_inode(const char *pid, unsigned long inode)
{
    char folder[300], path[600], wanted[64], target[128];
    str_format(wanted, sizeof wanted, "socket:[%lu]", inode);
    str_format(folder, sizeof folder, "/proc/%s/fd", pid);
    DIR *dir = opendir(folder);
    bool found = false;
    for (struct dirent *entry; dir != NULL && !found && (entry = readdir(dir)) != NULL;) {
        str_format(path, sizeof path, "%s/%s", folder, entry->d_name);
        ssize_t size = readlink(path, target, sizeof target - 1);
        if (size > 0) {
            target[size] = '\0';
            found = strcmp(target, wanted) == 0;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return found;
}

static void name_of(const char *pid, char *name, size_t size)
{
    char path[300];
    str_format(path, sizeof path, "/proc/%s/comm", pid);
    FILE *file = fopen(path, "re");
    name[0] = '\0';
    if (file != NULL) {
        if (fgets(name, (int)size, file) != NULL) {
            name[strcspn(name, "\n")] = '\0';
        }
        fclose(file);
    }
}

struct port_owner ports_owner(uint16_t port)
{
    struct port_owner owner = { 0 };
    unsigned long inode = listening_inode("/proc/net/tcp", port);
    inode = inode != 0 ? inode : listening_inode("/proc/net/tcp6", port);
    if (inode == 0) {
        return owner;
    }
    str_copy(owner.name, sizeof owner.name, "another user's process");
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir != NULL && owner.pid == 0 && (entry = readdir(dir)) != NULL;) {
        int64_t pid;
        if (str_parse_i64(entry->d_name, &pid) == 0 && holds_inode(entry->d_name, inode)) {
            owner.pid = (int)pid;
            name_of(entry->d_name, owner.name, sizeof owner.name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return owner;
}

/* ---- the table ---- */

static struct port_row *find_row(struct port_table *table, const char *use, const char *transport,
                                 uint16_t port)
{
    for (size_t i = 0; i < table->count; i++) {
        struct port_row *row = &table->rows[i];
        if (row->port == port && strcmp(row->use, use) == 0 &&
            strcmp(row->transport, transport) == 0) {
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

/* A device's link as its driver writes it: "TRANSPORT ADDRESS [...]". */
static void add_device(struct port_table *table, const struct device *dev, struct buf *text)
{
    char word[16], target[ADDRESS_TEXT_MAX] = "";
    struct address address;
    buf_clear(text);
    host_protocol(drivers_catalog(), dev->protocol)->link(dev, text);
    if (sscanf(buf_text(text), "%15s %271s", word, target) != 2) {
        return;
    }
    if (target[0] == '/') {
        struct port_row *row = find_row(table, dev->protocol, "serial", 0);
        if (row != NULL) {
            add_peer(row, target);
            row->firewall = false;
        }
    } else if (address_parse(target, 0, &address, NULL) == 0) {
        struct port_row *row = find_row(table, dev->protocol, "tcp", address.port);
        if (row != NULL) {
            add_peer(row, address.host);
        }
    }
}

static void add_ours(struct port_table *table, const char *what, const char *host, uint16_t port)
{
    if (port == 0) {
        return;
    }
    struct port_row *row = find_row(table, what, "tcp", port);
    row->in = true;
    row->ours = true;
    str_copy(row->address, sizeof row->address, host);
    row->firewall = !address_is_loopback(host);
}

void ports_gather(const struct gateway *gw, struct port_table *table)
{
    size_t count;
    struct buf text;
    memset(table, 0, sizeof *table);
    add_ours(table, "page and REST", gw->places[SERVER_PAGE].host,
             server_port(gw->server, SERVER_PAGE));
    add_ours(table, "time series", gw->places[SERVER_TIME_SERIES].host,
             server_port(gw->server, SERVER_TIME_SERIES));
    struct device *const *devices = registry_devices(gw->registry, &count);
    buf_init(&text, 1024);
    for (size_t i = 0; i < count; i++) {
        add_device(table, devices[i], &text);
    }
    buf_fini(&text);
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
        bool local = row->in || !row->firewall;
        if (!local || row->port == 0) {
            continue;
        }
        row->owner = ports_owner(row->port);
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
