/* SPDX-License-Identifier: Apache-2.0 */
#include "net/name.h"

#include "base/alloc.h"
#include "net/socket.h"

struct name {
    struct lookup *lookup;
    name_cb cb;
    void *ctx;
};

static void found(void *ctx, int error, const struct socket_address *addresses, size_t count)
{
    struct name *name = ctx;
    struct endpoint endpoints[NAME_ADDRESSES_MAX];
    size_t known = 0;
    for (size_t i = 0; i < count && known < NAME_ADDRESSES_MAX; i++) {
        socket_to_endpoint(&addresses[i].storage, &endpoints[known]);
        known += endpoints[known].family != 0 ? 1 : 0;
    }
    name->cb(name->ctx, error == 0 && known == 0 ? BUSBAR_EHOST : error, endpoints, known);
    busbar_free(name);
}

struct name *name_find(struct loop *loop, const char *host, uint16_t port, name_cb cb, void *ctx)
{
    struct name *name = busbar_alloc(sizeof(*name));
    *name = (struct name){ .cb = cb, .ctx = ctx };
    name->lookup = lookup_start(loop, host, port, found, name);
    if (name->lookup == NULL) {
        busbar_free(name);
        return NULL;
    }
    return name;
}

void name_cancel(struct name *name)
{
    if (name != NULL) {
        lookup_cancel(name->lookup);
        busbar_free(name);
    }
}
