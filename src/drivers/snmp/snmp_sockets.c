/* SPDX-License-Identifier: Apache-2.0 */
/* A port that another program has is left out: the others do its work. */
#include "drivers/snmp/snmp_sockets.h"

#include "base/alloc.h"

enum { RECEIVE_BYTES = 4 * 1024 * 1024 };

static void open_pool(struct snmp_sockets *sockets, const char *host, struct snmp_port_pool *pool,
                      struct err *err)
{
    for (uint32_t port = sockets->first_port; port <= sockets->last_port; port++) {
        struct datagram_options options = { .host = host,
                                            .port = (uint16_t)port,
                                            .receive_bytes = sockets->receive_bytes,
                                            .many = true,
                                            .refused = sockets->refused };
        struct err why = { 0 };
        int error = datagram_open(sockets->loop, &options, sockets->cb, sockets->ctx,
                                  &pool->ports[pool->count], &why);
        if (error == 0) {
            pool->count++;
            continue;
        }
        pool->missing++;
        if (pool->error == 0) {
            pool->error = error;
            *err = why;
        }
    }
}

static void close_pool(struct snmp_port_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        datagram_close(pool->ports[i]);
    }
}

int snmp_sockets_open(struct snmp_sockets *sockets, struct loop *loop,
                      const struct snmp_client_options *options, datagram_cb cb,
                      datagram_refused_cb refused, void *ctx, struct err *err)
{
    if (options->last_port < options->first_port ||
        options->last_port - options->first_port >= SNMP_SOURCE_PORTS_MAX) {
        return err_set(err, BUSBAR_EINVAL, "%u to %u is no range of at most %d source ports",
                       options->first_port, options->last_port, SNMP_SOURCE_PORTS_MAX);
    }
    *sockets = (struct snmp_sockets){ .loop = loop,
                                      .host = busbar_strdup(options->host),
                                      .first_port = options->first_port,
                                      .last_port = options->last_port,
                                      .receive_bytes = options->receive_bytes > 0
                                                           ? options->receive_bytes
                                                           : RECEIVE_BYTES,
                                      .cb = cb,
                                      .refused = refused,
                                      .ctx = ctx };
    struct endpoint local = { .family = 4 };
    if (options->host != NULL && endpoint_parse(options->host, 0, &local) != 0) {
        busbar_free(sockets->host);
        return err_set(err, BUSBAR_EINVAL, "%s is no address of this machine", options->host);
    }
    bool v6 = local.family == 6;
    struct snmp_port_pool *pool = v6 ? &sockets->v6 : &sockets->v4;
    struct err why = { 0 };
    sockets->v6_opened = v6;
    open_pool(sockets, sockets->host, pool, &why);
    if (pool->count == 0) {
        busbar_free(sockets->host);
        if (err != NULL) {
            *err = why;
        }
        return pool->error;
    }
    return 0;
}

void snmp_sockets_close(struct snmp_sockets *sockets)
{
    close_pool(&sockets->v4);
    close_pool(&sockets->v6);
    busbar_free(sockets->host);
}

struct datagram *snmp_sockets_pick(struct snmp_sockets *sockets, uint8_t family, int *error)
{
    if (family == 6 && !sockets->v6_opened && sockets->host == NULL) {
        struct err why;
        sockets->v6_opened = true;
        open_pool(sockets, "::", &sockets->v6, &why);
    }
    struct snmp_port_pool *pool = family == 6 ? &sockets->v6 : &sockets->v4;
    if (pool->count == 0) {
        *error = pool->error != 0 ? pool->error : BUSBAR_EROUTE;
        return NULL;
    }
    return pool->ports[pool->next++ % pool->count];
}

static uint64_t lost_of(const struct snmp_port_pool *pool)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < pool->count; i++) {
        lost += datagram_lost(pool->ports[i]);
    }
    return lost;
}

uint64_t snmp_sockets_lost(const struct snmp_sockets *sockets)
{
    return lost_of(&sockets->v4) + lost_of(&sockets->v6);
}
