/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a local port, from /proc (proc(5)): the socket's inode in the tables of the network, then the
 * process that has it open. */
#include "net/port_owner.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { STATE_LISTENING = 0x0a, STATE_UNCONNECTED = 0x07, ADDRESS_ANY = 0 };

/* What is looked for: TCP that listens at a port, or UDP at a port of an address. */
struct wanted {
    uint16_t port;
    unsigned state;
    bool any;         /* at whatever address */
    uint32_t address; /* IPv4, in the order of the network */
};

/* One socket of a table of IPv4; those of IPv6 are matched by their port. */
static bool fits(const struct wanted *wanted, const char *address, unsigned port, unsigned state)
{
    if (port != wanted->port || state != wanted->state) {
        return false;
    }
    if (wanted->any || strlen(address) > 8) {
        return true;
    }
    unsigned bound = 0;
    return sscanf(address, "%x", &bound) == 1 && (bound == wanted->address || bound == ADDRESS_ANY);
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

/* The inode of a socket that fits, of another process where there is one; 0 = none. */
static unsigned long find_inode(const char *table, const struct wanted *wanted)
{
    char line[512], address[40];
    unsigned long ours = 0, found = 0;
    FILE *file = fopen(table, "re");
    while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL) {
        unsigned port, state;
        unsigned long inode;
        if (sscanf(line, " %*u: %39[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*u %*u %lu", address, &port,
                   &state, &inode) != 4 ||
            !fits(wanted, address, port, state)) {
            continue;
        }
        if (holds_inode("self", inode)) {
            ours = inode;
        } else {
            found = inode;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return found != 0 ? found : ours;
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

static struct port_owner owner_of(unsigned long inode)
{
    struct port_owner owner = { 0 };
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

struct port_owner port_owner_tcp(uint16_t port)
{
    struct wanted wanted = { .port = port, .state = STATE_LISTENING, .any = true };
    unsigned long inode = find_inode("/proc/net/tcp", &wanted);
    return owner_of(inode != 0 ? inode : find_inode("/proc/net/tcp6", &wanted));
}

struct port_owner port_owner_udp(const char *host, uint16_t port)
{
    struct wanted wanted = { .port = port, .state = STATE_UNCONNECTED };
    struct in_addr address = { 0 };
    wanted.any = inet_pton(AF_INET, host, &address) != 1 || address.s_addr == ADDRESS_ANY;
    wanted.address = address.s_addr;
    unsigned long inode = find_inode("/proc/net/udp", &wanted);
    return owner_of(inode != 0 ? inode : find_inode("/proc/net/udp6", &wanted));
}
