/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_heard.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/opcua/text/url.h"
#include "net/datagram.h"
#include "net/interfaces.h"

static const struct endpoint group = { .family = 4,
                                       .ip = { 224, 0, 0, 251 },
                                       .port = OPCUA_MDNS_PORT };

struct opcua_heard {
    struct datagram *socket;
    opcua_heard_cb cb;
    void *ctx;
    uint64_t count, bad;
    struct opcua_mdns_server servers[OPCUA_MDNS_SERVERS_MAX];
    struct interface cards[INTERFACES_MAX];
};

/* Announcements are for the network they are made on (RFC 6762, 11). */
static bool is_near(const struct endpoint *from)
{
    struct interface card;
    return from->family == 4 && (from->ip[0] == 127 || interfaces_of(from, &card));
}

/* The announced address that the message came from; else the first IPv4 one; else where it came from. */
static void address_of(const struct opcua_mdns_server *server, const struct endpoint *from,
                       struct endpoint *out)
{
    *out = *from;
    for (size_t i = 0; i < server->address_count; i++) {
        if (server->addresses[i].size == 4 && memcmp(server->addresses[i].ip, from->ip, 4) == 0) {
            return;
        }
    }
    for (size_t i = 0; i < server->address_count; i++) {
        const uint8_t *ip = server->addresses[i].ip;
        if (server->addresses[i].size == 4 && ip[0] != 127 && ip[0] != 0) {
            memcpy(out->ip, ip, 4);
            return;
        }
    }
}

static void ip_text(const struct endpoint *at, char *to, size_t size)
{
    str_format(to, size, "%u.%u.%u.%u", at->ip[0], at->ip[1], at->ip[2], at->ip[3]);
}

static void tell(struct opcua_heard *heard, const struct opcua_mdns_server *server,
                 const struct endpoint *from)
{
    struct endpoint address;
    struct opcua_url url = { .port = server->port, .path = server->path };
    char host[ADDRESS_TEXT_MAX];
    struct buf text;
    address_of(server, from, &address);
    ip_text(&address, url.host, sizeof(url.host));
    ip_text(from, host, sizeof(host));
    if (server->path[0] != '\0' && server->path[0] != '/') {
        url.path = "";
    }
    buf_init(&text, OPCUA_URL_MAX);
    opcua_url_print(&url, &text);
    if (!text.overflow) {
        heard->count++;
        heard->cb(heard->ctx, server, buf_text(&text), host);
    }
    buf_fini(&text);
}

static void on_message(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct opcua_heard *heard = ctx;
    int count = opcua_mdns_servers(bytes_of(data, size), heard->servers);
    heard->bad += count < 0;
    if (count <= 0 || !is_near(from)) {
        return;
    }
    for (int i = 0; i < count; i++) {
        const struct opcua_mdns_server *server = &heard->servers[i];
        if (server->gone) {
            heard->cb(heard->ctx, server, NULL, NULL);
        } else if (server->placed && server->port != 0) {
            tell(heard, server, from);
        }
    }
}

static int cards_of(struct opcua_heard *heard)
{
    return interfaces_list(heard->cards, INTERFACES_MAX);
}

int opcua_heard_open(struct loop *loop, opcua_heard_cb cb, void *ctx, struct opcua_heard **out,
                     struct err *err)
{
    struct datagram_options options = { .port = OPCUA_MDNS_PORT,
                                        .reuse = true,
                                        .size_max = OPCUA_MDNS_MESSAGE_MAX };
    struct opcua_heard *heard = busbar_alloc(sizeof(*heard));
    heard->cb = cb;
    heard->ctx = ctx;
    *out = NULL;
    int error = datagram_open(loop, &options, on_message, heard, &heard->socket, err);
    if (error != 0) {
        busbar_free(heard);
        return error;
    }
    int count = cards_of(heard);
    for (int i = 0; i < count; i++) {
        if (heard->cards[i].up) {
            (void)datagram_join_on(heard->socket, &group, &heard->cards[i].address);
        }
    }
    *out = heard;
    return 0;
}

unsigned opcua_heard_ask(struct opcua_heard *heard)
{
    unsigned sent = 0;
    struct buf question;
    buf_init(&question, OPCUA_MDNS_WIRE_NAME_MAX + 32);
    opcua_mdns_put_question(&question);
    int count = cards_of(heard);
    for (int i = 0; i < count; i++) {
        const struct interface *card = &heard->cards[i];
        if (card->up && datagram_join_on(heard->socket, &group, &card->address) == 0 &&
            datagram_send_by(heard->socket, &card->address) == 0 &&
            datagram_send(heard->socket, &group, question.data, question.size) == 0) {
            sent++;
        }
    }
    buf_fini(&question);
    return sent;
}

uint64_t opcua_heard_count(const struct opcua_heard *heard)
{
    return heard->count;
}

uint64_t opcua_heard_bad(const struct opcua_heard *heard)
{
    return heard->bad;
}

void opcua_heard_close(struct opcua_heard *heard)
{
    if (heard != NULL) {
        datagram_close(heard->socket);
        busbar_free(heard);
    }
}
