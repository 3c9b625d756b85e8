/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_own.h"

#include <openssl/crypto.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver/trust.h"
#include "net/jobs.h"

enum { OWN_BYTES_MAX = 64 * 1024, HOST_BYTES_MAX = 256 };

struct tcp_own {
    struct loop *loop;
    struct trust *trust;
    void (*ready)(void *ctx);
    void *ctx;
    struct buf certificate, key;
    struct err err;
    bool begun, done, gone;
};

static void work(void *ctx)
{
    struct tcp_own *own = ctx;
    char host[HOST_BYTES_MAX] = "";
    char name[HOST_BYTES_MAX + 16];
    char uri[HOST_BYTES_MAX + 16];
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
        (void)str_copy(host, sizeof(host), "localhost");
    }
    (void)str_format(name, sizeof(name), "busbar at %s", host);
    (void)str_format(uri, sizeof(uri), "urn:%s:busbar", host);
    const char *const hosts[] = { host, "localhost", "127.0.0.1", NULL };
    const struct trust_own wanted = {
        .protocol = "tcp", .common_name = name, .uri = uri, .hosts = hosts
    };
    /* err may hold what went wrong before it went well */
    own->err.code = trust_own(own->trust, &wanted, &own->certificate, &own->key, NULL, &own->err);
}

static void free_now(struct tcp_own *own)
{
    if (own->key.data != NULL) {
        OPENSSL_cleanse(own->key.data, own->key.size);
    }
    buf_fini(&own->certificate);
    buf_fini(&own->key);
    busbar_free(own);
}

static void on_done(void *ctx, int error)
{
    struct tcp_own *own = ctx;
    own->done = true;
    if (own->gone) {
        free_now(own);
        return;
    }
    if (error != 0) {
        (void)err_set(&own->err, error, "%s", err_text(error));
    }
    own->ready(own->ctx);
}

struct tcp_own *tcp_own_new(struct driver *drv, void (*ready)(void *ctx), void *ctx)
{
    struct tcp_own *own = busbar_alloc(sizeof(*own));
    own->loop = driver_loop(drv);
    own->trust = driver_trust(drv);
    own->ready = ready;
    own->ctx = ctx;
    buf_init(&own->certificate, OWN_BYTES_MAX);
    buf_init(&own->key, OWN_BYTES_MAX);
    return own;
}

void tcp_own_free(struct tcp_own *own)
{
    if (own != NULL && own->begun && !own->done) {
        own->gone = true;
    } else if (own != NULL) {
        free_now(own);
    }
}

int tcp_own_get(struct tcp_own *own, const struct buf **certificate, const struct buf **key,
                struct err *err)
{
    if (!own->begun) {
        own->begun = true;
        jobs_submit(own->loop, work, on_done, own);
    }
    if (!own->done) {
        return err_set(err, BUSBAR_EAGAIN, "busbar's own certificate is being made");
    }
    *certificate = &own->certificate;
    *key = &own->key;
    if (own->err.code != 0 && err != NULL) {
        *err = own->err;
    }
    return own->err.code;
}
