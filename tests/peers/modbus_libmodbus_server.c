/* SPDX-License-Identifier: Apache-2.0 */
/* A device made of libmodbus, for the tests of the gateway.
 *
 * usage: modbus_libmodbus_server tcp PORT
 *        modbus_libmodbus_server rtu DEVICE UNIT BAUD PARITY
 * Prints "ready" when it listens. Commands on standard input, each answered with one line:
 *   set TABLE ADDRESS WORD...    ok
 *   get TABLE ADDRESS COUNT      the words
 *   refuse TABLE ADDRESS         ok; requests that touch it get exception 2
 *   silent UNIT                  ok; this unit does not answer (0: all do)
 *   busy COUNT                   ok; so many requests get exception 6
 * It ends with its standard input. TABLE: coil, discrete, input, holding. */
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SPACE = 2000, CLIENTS = 16, LINE = 8192, COIL = 0, DISCRETE = 1, INPUT = 2, HOLDING = 3 };

struct server {
    modbus_t *modbus;
    modbus_mapping_t *map;
    bool refused[4][SPACE];
    int silent, busy;
    int listener;         /* TCP */
    int clients[CLIENTS]; /* -1: free; RTU: only the first */
};

static int table_of(const char *word)
{
    static const char *const words[] = { "coil", "discrete", "input", "holding" };
    for (int i = 0; i < 4; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static void set(struct server *server, int table, long at, long word)
{
    switch (table) {
    case COIL: server->map->tab_bits[at] = (uint8_t)word; break;
    case DISCRETE: server->map->tab_input_bits[at] = (uint8_t)word; break;
    case INPUT: server->map->tab_input_registers[at] = (uint16_t)word; break;
    default: server->map->tab_registers[at] = (uint16_t)word; break;
    }
}

static unsigned get(const struct server *server, int table, long at)
{
    switch (table) {
    case COIL: return server->map->tab_bits[at];
    case DISCRETE: return server->map->tab_input_bits[at];
    case INPUT: return server->map->tab_input_registers[at];
    default: return server->map->tab_registers[at];
    }
}

/* ---- commands ---- */

static void words(struct server *server, bool writes, int table, long at, char *rest)
{
    char *end = rest;
    if (writes) {
        for (long word = strtol(rest, &end, 0); end != rest && at < SPACE; at++) {
            set(server, table, at, word);
            rest = end;
            word = strtol(rest, &end, 0);
        }
        puts("ok");
        return;
    }
    long count = strtol(rest, NULL, 0);
    for (long i = 0; i < count && at + i < SPACE; i++) {
        printf("%s%u", i > 0 ? " " : "", get(server, table, at + i));
    }
    puts("");
}

static void command(struct server *server, char *line)
{
    char verb[16], word[16];
    long at = 0;
    int used = 0;
    if (sscanf(line, "silent %d", &server->silent) == 1 ||
        sscanf(line, "busy %d", &server->busy) == 1) {
        puts("ok");
    } else if (sscanf(line, "%15s %15s %ld%n", verb, word, &at, &used) == 3 &&
               table_of(word) >= 0 && at >= 0 && at < SPACE) {
        if (strcmp(verb, "refuse") == 0) {
            server->refused[table_of(word)][at] = true;
            puts("ok");
        } else {
            words(server, strcmp(verb, "set") == 0, table_of(word), at, line + used);
        }
    } else {
        puts("what?");
    }
    fflush(stdout);
}

/* False: standard input ended. */
static bool read_commands(struct server *server)
{
    static char text[LINE];
    static size_t size;
    ssize_t got = read(STDIN_FILENO, text + size, sizeof(text) - 1 - size);
    if (got <= 0) {
        return false;
    }
    size += (size_t)got;
    text[size] = '\0';
    char *line = text;
    for (char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
        *end = '\0';
        command(server, line);
        line = end + 1;
    }
    size -= (size_t)(line - text);
    memmove(text, line, size);
    return true;
}

/* ---- requests ---- */

static bool is_refused(const struct server *server, const uint8_t *pdu)
{
    static const int tables[] = {
        [1] = COIL,    [2] = DISCRETE, [3] = HOLDING,  [4] = INPUT,   [5] = COIL,
        [6] = HOLDING, [15] = COIL,    [16] = HOLDING, [22] = HOLDING
    };
    unsigned function = pdu[0];
    unsigned at = (unsigned)pdu[1] << 8 | pdu[2];
    unsigned count = (unsigned)pdu[3] << 8 | pdu[4];
    if (function >= sizeof(tables) / sizeof(tables[0])) {
        return false;
    }
    count = function == 5 || function == 6 || function == 22 ? 1 : count;
    for (unsigned i = at; i < at + count && i < SPACE; i++) {
        if (server->refused[tables[function]][i]) {
            return true;
        }
    }
    return false;
}

/* False: the connection is over. */
static bool answer(struct server *server, int fd)
{
    uint8_t query[MODBUS_MAX_ADU_LENGTH] = { 0 };
    modbus_set_socket(server->modbus, fd);
    int size = modbus_receive(server->modbus, query);
    if (size < 0) {
        return false;
    }
    int header = modbus_get_header_length(server->modbus);
    if (size == 0 || (server->silent != 0 && query[header - 1] == server->silent)) {
        return true;
    }
    if (server->busy > 0) {
        server->busy--;
        modbus_reply_exception(server->modbus, query, MODBUS_EXCEPTION_SLAVE_OR_SERVER_BUSY);
    } else if (is_refused(server, query + header)) {
        modbus_reply_exception(server->modbus, query, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
    } else {
        modbus_reply(server->modbus, query, size, server->map);
    }
    return true;
}

static void accept_one(struct server *server)
{
    int fd = accept(server->listener, NULL, NULL);
    for (int i = 0; i < CLIENTS && fd >= 0; i++) {
        if (server->clients[i] < 0) {
            server->clients[i] = fd;
            return;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void serve(struct server *server)
{
    for (;;) {
        struct pollfd polled[CLIENTS + 2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                              { .fd = server->listener, .events = POLLIN } };
        for (int i = 0; i < CLIENTS; i++) {
            polled[2 + i] = (struct pollfd){ .fd = server->clients[i], .events = POLLIN };
        }
        if (poll(polled, CLIENTS + 2, -1) < 0 && errno != EINTR) {
            return;
        }
        if (polled[0].revents != 0 && !read_commands(server)) {
            return;
        }
        if (polled[1].revents != 0) {
            accept_one(server);
        }
        for (int i = 0; i < CLIENTS; i++) {
            bool ends = polled[2 + i].revents != 0 && !answer(server, server->clients[i]);
            if (ends && server->listener >= 0) {
                close(server->clients[i]);
                server->clients[i] = -1;
            }
        }
    }
}

int main(int argc, char **argv)
{
    static struct server server;
    bool tcp = argc == 3 && strcmp(argv[1], "tcp") == 0;
    bool rtu = argc == 6 && strcmp(argv[1], "rtu") == 0;
    if (!tcp && !rtu) {
        fputs("usage: modbus_libmodbus_server tcp PORT | rtu DEVICE UNIT BAUD PARITY\n", stderr);
        return 2;
    }
    server.listener = -1;
    for (int i = 0; i < CLIENTS; i++) {
        server.clients[i] = -1;
    }
    server.map = modbus_mapping_new(SPACE, SPACE, SPACE, SPACE);
    if (tcp) {
        server.modbus = modbus_new_tcp("127.0.0.1", (int)strtol(argv[2], NULL, 10));
        server.listener = modbus_tcp_listen(server.modbus, CLIENTS);
    } else {
        server.modbus = modbus_new_rtu(argv[2], (int)strtol(argv[4], NULL, 10), argv[5][0], 8, 1);
        modbus_set_slave(server.modbus, (int)strtol(argv[3], NULL, 10));
        if (modbus_connect(server.modbus) == 0) {
            server.clients[0] = modbus_get_socket(server.modbus);
        }
    }
    if (server.listener < 0 && server.clients[0] < 0) {
        fprintf(stderr, "cannot listen: %s\n", modbus_strerror(errno));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    serve(&server);
    modbus_mapping_free(server.map);
    modbus_free(server.modbus);
    return 0;
}
