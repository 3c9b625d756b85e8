/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that devices post to. Nothing listens without a connector. TLS beyond this machine, unless the
 * configuration says `plain: allow`; on loopback where a certificate or client_ca is configured. Certificates are read,
 * and the gateway's own is made, by a job. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/trust.h"
#include "drivers/http/http_driver.h"
#include "net/jobs.h"

enum {
    POOL_BYTES = 16 * 1024, /* of a connection: its head (8 KB at most); cleared for each request */
    IDLE_S = 120,
    PEM_MAX = 256 * 1024,
    HOSTS_MAX = 24,
    HOST_BYTES = 256,
};

/* Borrows nothing: the setup may be gone when it ends. */
struct certificate_job {
    struct http_state *state; /* NULL: nobody waits any more */
    struct trust *trust;
    char *certificate_file, *key_file, *client_file;
    char hosts[HOSTS_MAX][HOST_BYTES];
    size_t host_count;
    struct buf certificate, key, client_ca;
    struct err err;
};

/* ---- the certificate ---- */

static void add_host(struct certificate_job *job, const char *host)
{
    for (size_t i = 0; i < job->host_count; i++) {
        if (strcmp(job->hosts[i], host) == 0) {
            return;
        }
    }
    if (job->host_count + 1 < HOSTS_MAX && host[0] != '\0' &&
        str_copy(job->hosts[job->host_count], HOST_BYTES, host)) {
        job->host_count++;
    }
}

/* The names and addresses that devices may know this machine by. */
static void add_own_hosts(struct certificate_job *job)
{
    char host[HOST_BYTES];
    struct ifaddrs *list = NULL;
    if (gethostname(host, sizeof(host)) == 0) {
        host[sizeof(host) - 1] = '\0';
        add_host(job, host);
    }
    add_host(job, "localhost");
    if (getifaddrs(&list) != 0) {
        return;
    }
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        bool v6 = at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET6;
        if (at->ifa_addr == NULL || (!v6 && at->ifa_addr->sa_family != AF_INET)) {
            continue;
        }
        socklen_t size = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        if (getnameinfo(at->ifa_addr, size, host, sizeof(host), NULL, 0, NI_NUMERICHOST) == 0 &&
            strchr(host, '%') == NULL) {
            add_host(job, host);
        }
    }
    freeifaddrs(list);
}

static int read_pem(const char *path, const char *what, struct buf *out, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    int error = file_read(file_ops_real(), path, PEM_MAX, &text, &size, err);
    if (error == 0) {
        error = buf_append(out, text, size);
    } else {
        err_prefix(err, "%s", what);
    }
    busbar_free(text);
    return error;
}

static int make_own(struct certificate_job *job)
{
    const char *hosts[HOSTS_MAX + 1] = { NULL };
    char name[HOST_BYTES + 16], uri[HOST_BYTES + 32];
    struct buf certificate, key;
    add_own_hosts(job);
    for (size_t i = 0; i < job->host_count; i++) {
        hosts[i] = job->hosts[i];
    }
    str_format(name, sizeof(name), "busbar at %s", job->hosts[0]);
    str_format(uri, sizeof(uri), "urn:%s:busbar:http", job->hosts[0]);
    const struct trust_own own = {
        .protocol = "http", .common_name = name, .uri = uri, .hosts = hosts
    };
    buf_init(&certificate, PEM_MAX);
    buf_init(&key, PEM_MAX);
    int error = trust_own(job->trust, &own, &certificate, &key, NULL, &job->err);
    if (error == 0 &&
        (http_pem_put(&job->certificate, "CERTIFICATE", certificate.data, certificate.size) != 0 ||
         http_pem_put(&job->key, "PRIVATE KEY", key.data, key.size) != 0)) {
        error = err_set(&job->err, BUSBAR_EINTERNAL, "the gateway's certificate cannot be used");
    }
    if (key.data != NULL) {
        memset(key.data, 0, key.size);
    }
    buf_fini(&certificate);
    buf_fini(&key);
    return error;
}

static void work(void *ctx)
{
    struct certificate_job *job = ctx;
    int error = 0;
    if (job->certificate_file != NULL) {
        error = read_pem(job->certificate_file, "certificate", &job->certificate, &job->err);
        error = error == 0 ? read_pem(job->key_file, "key", &job->key, &job->err) : error;
    } else {
        error = make_own(job);
    }
    if (error == 0 && job->client_file != NULL) {
        error = read_pem(job->client_file, "client_ca", &job->client_ca, &job->err);
    }
    job->err.code = error;
}

static void free_job(struct certificate_job *job)
{
    buf_fini(&job->certificate);
    buf_fini(&job->key);
    buf_fini(&job->client_ca);
    busbar_free(job->certificate_file);
    busbar_free(job->key_file);
    busbar_free(job->client_file);
    busbar_free(job);
}

static void bind_all(struct http_state *state, const struct certificate_job *job);

static void on_made(void *ctx, int error)
{
    struct certificate_job *job = ctx;
    struct http_state *state = job->state;
    if (state != NULL) {
        state->making = NULL;
        job->err.code = error != 0 ? error : job->err.code;
        bind_all(state, job);
    }
    free_job(job);
}

static void begin_job(struct http_state *state)
{
    struct certificate_job *job = busbar_alloc(sizeof(*job));
    job->state = state;
    job->trust = driver_trust(state->drv);
    job->certificate_file = busbar_strdup(state->own.certificate);
    job->key_file = busbar_strdup(state->own.key);
    job->client_file = busbar_strdup(state->own.client_ca);
    buf_init(&job->certificate, PEM_MAX);
    buf_init(&job->key, PEM_MAX);
    buf_init(&job->client_ca, PEM_MAX);
    for (size_t i = 0; i < state->own.listen_count; i++) {
        const char *host = state->own.listen[i].host;
        if (!str_equal(host, "0.0.0.0") && !str_equal(host, "::")) {
            add_host(job, host);
        }
    }
    state->making = job;
    jobs_submit(state->loop, work, on_made, job);
}

/* ---- sockets ---- */

static bool wants_tls(const struct http_setup *own, const struct address *address)
{
    bool set = own->certificate != NULL || own->client_ca != NULL;
    return !own->plain && (set || !address_is_loopback(address->host));
}

static int bind_one(struct http_state *state, struct http_bound *bound,
                    const struct address *address, const struct certificate_job *job)
{
    struct http_tls tls = { 0 };
    struct http_settings settings = {
        .name = "http",
        .address = address->host,
        .pool_bytes = POOL_BYTES,
        .connections_max = state->own.connections_max,
        .per_address_max = state->own.per_source,
        .idle_s = IDLE_S,
    };
    if (bound->tls) {
        if (job->err.code != 0) {
            bound->broken = job->err;
            return job->err.code;
        }
        tls.certificate = buf_text(&job->certificate);
        tls.key = buf_text(&job->key);
        tls.client_ca = state->own.client_ca != NULL ? buf_text(&job->client_ca) : NULL;
        settings.tls = &tls;
    }
    int fd = http_bind(address->host, address->port, &bound->port, &bound->broken);
    return fd < 0
               ? fd
               : http_listener_open(&state->http, fd, &settings, &bound->listener, &bound->broken);
}

static void bind_all(struct http_state *state, const struct certificate_job *job)
{
    bool renewed = job != NULL && job->err.code == 0 &&
                   !str_equal(state->certificate, buf_text(&job->certificate));
    if (renewed) {
        busbar_free(state->certificate);
        state->certificate = busbar_strdup(buf_text(&job->certificate));
    }
    for (size_t i = 0; i < state->bound_count; i++) {
        struct http_bound *bound = &state->bound[i];
        if (bound->tls && renewed && bound->listener != NULL) {
            http_listener_close(bound->listener);
            bound->listener = NULL;
        }
        if (bound->listener != NULL || bound->tls != (job != NULL)) {
            continue;
        }
        bool told = bound->broken.code != 0;
        bound->broken = (struct err){ 0 };
        if (bind_one(state, bound, &state->own.listen[i], job) == 0) {
            busbar_log(LOG_LEVEL_INFO, "http", "", "listening on %s%s", bound->where,
                       bound->tls ? " with TLS" : "");
        } else if (!told) {
            busbar_log(LOG_LEVEL_ERROR, "http", "", "%s", bound->broken.message);
        }
    }
    http_listen_tell(state);
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

bool http_listen_equal(const struct http_setup *a, const struct http_setup *b)
{
    bool equal = a->listen_count == b->listen_count && a->plain == b->plain &&
                 a->connections_max == b->connections_max && a->per_source == b->per_source &&
                 same_text(a->certificate, b->certificate) && same_text(a->key, b->key) &&
                 same_text(a->client_ca, b->client_ca);
    for (size_t i = 0; equal && i < a->listen_count; i++) {
        equal = strcmp(a->listen[i].host, b->listen[i].host) == 0 &&
                a->listen[i].port == b->listen[i].port;
    }
    return equal;
}

void http_listen_upkeep(struct http_state *state)
{
    uint64_t generation = trust_generation(driver_trust(state->drv));
    bool plain = false, tls = false;
    for (size_t i = 0; i < state->bound_count; i++) {
        const struct http_bound *bound = &state->bound[i];
        plain = plain || (!bound->tls && bound->listener == NULL);
        tls = tls || (bound->tls && (bound->listener == NULL || generation != state->generation));
    }
    if (plain) {
        bind_all(state, NULL);
    }
    if (tls && state->making == NULL) {
        begin_job(state);
    }
    state->generation = generation;
}

void http_listen_open(struct http_state *state)
{
    bool tls = false;
    state->bound_count = state->connector_count > 0 ? state->own.listen_count : 0;
    for (size_t i = 0; i < state->bound_count; i++) {
        struct http_bound *bound = &state->bound[i];
        *bound = (struct http_bound){ .port = state->own.listen[i].port };
        (void)address_format(bound->where, sizeof(bound->where), &state->own.listen[i]);
        bound->tls = wants_tls(&state->own, &state->own.listen[i]);
        tls = tls || bound->tls;
    }
    state->generation = trust_generation(driver_trust(state->drv));
    bind_all(state, NULL);
    if (tls) {
        begin_job(state);
    }
}

void http_listen_close(struct http_state *state)
{
    if (state->making != NULL) {
        state->making->state = NULL;
        state->making = NULL;
    }
    http_close(&state->http);
    busbar_free(state->certificate);
    state->certificate = NULL;
    state->bound_count = 0;
}

/* ---- for people ---- */

const struct err *http_listen_trouble(const struct http_state *state)
{
    static const struct err starting = { .code = BUSBAR_EAGAIN,
                                         .message = "the certificate is being made" };
    const struct err *trouble = state->broken.code != 0 ? &state->broken : &starting;
    for (size_t i = 0; i < state->bound_count; i++) {
        if (state->bound[i].listener != NULL) {
            return NULL;
        }
        trouble = state->bound[i].broken.code != 0 ? &state->bound[i].broken : trouble;
    }
    return trouble;
}

void http_listen_print(const struct http_state *state, struct buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < state->bound_count; i++) {
        const struct http_bound *bound = &state->bound[i];
        if (bound->listener != NULL) {
            (void)buf_printf(out, "%s%s://%s", before, bound->tls ? "https" : "http", bound->where);
            before = ", ";
        }
    }
}

void http_listen_tell(struct http_state *state)
{
    list_each_safe(at, &state->devices) {
        struct http_device *device = list_entry(at, struct http_device, link);
        if (device->config.url == NULL) {
            http_device_tell(device);
        }
    }
}
