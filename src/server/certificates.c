/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/certificates: those that were refused, those that are trusted, our own; and what a person does with
 * them. The store reads and writes files, so each request is a job; what it changed is told to the host, which
 * asks the devices that were refused again at once. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "driver/trust.h"
#include "server/core.h"
#include "server/journal.h"
#include "server/shape.h"

enum { FINGERPRINT_TEXT_MAX = 200, PEM_MAX = 128 * 1024, PEM_LINE = 64 };

struct work {
    struct server_request *req;
    struct trust *trust;
    void (*run)(struct work *work);  /* job thread: fills out or err */
    const char *what;                /* for the journal; NULL: it only looks */
    char name[FINGERPRINT_TEXT_MAX]; /* fingerprint, or protocol */
    char list[32];                   /* only this one; "" = all */
    const uint8_t *raw;
    size_t raw_size;
    bool issuer, pem, found;
    struct trust_seen seen; /* what it was about */
    const char *content_type;
    struct buf out;
    struct json_writer json;
    struct err err;
    struct trust_counts counts;
};

/* ---- shapes ---- */

static bool waits(enum trust_list list, const struct trust_seen *seen)
{
    return list == TRUST_REFUSED &&
           (seen->fault == TRUST_UNTRUSTED || seen->fault == TRUST_NO_ISSUER);
}

static void put_members(struct json_writer *json, enum trust_list list,
                        const struct trust_seen *seen, int64_t now_us)
{
    json_put_string(json, "list", trust_list_word(list));
    json_put_string(json, "fingerprint", seen->fingerprint);
    json_put_string(json, "fault", trust_fault_word(seen->fault));
    json_put_string(json, "words", seen->words);
    json_put_bool(json, "waits", waits(list, seen));
    json_put_string(json, "subject", seen->subject);
    json_put_string(json, "issuer", seen->issuer);
    json_put_string(json, "hosts", seen->hosts);
    json_put_string(json, "uri", seen->uri);
    shape_time(json, "from", seen->from_us);
    shape_time(json, "until", seen->until_us);
    json_key(json, "days_left");
    if (seen->until_us != 0) {
        json_i64(json, (int64_t)floor((double)(seen->until_us - now_us) / 86400e6));
    } else {
        json_null(json);
    }
    json_put_string(json, "key", seen->key);
    json_put_i64(json, "key_bits", seen->key_bits);
    json_put_string(json, "signature", seen->signature);
    json_put_string(json, "protocol", seen->protocol);
    json_put_string(json, "peer", seen->peer);
    json_put_string(json, "device", seen->device);
    shape_time(json, "first", seen->first_us);
    shape_time(json, "last", seen->last_us);
    json_put_u64(json, "times", seen->times);
}

static void put_pem(const struct buf *der, bool list, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *kind = list ? "X509 CRL" : "CERTIFICATE";
    buf_printf(out, "-----BEGIN %s-----\n", kind);
    for (size_t i = 0; i < der->size; i += 3) {
        size_t left = der->size - i;
        uint32_t bits = (uint32_t)der->data[i] << 16 |
                        (left > 1 ? (uint32_t)der->data[i + 1] << 8 : 0) |
                        (left > 2 ? der->data[i + 2] : 0);
        buf_append_byte(out, (uint8_t)digits[bits >> 18]);
        buf_append_byte(out, (uint8_t)digits[bits >> 12 & 63]);
        buf_append_byte(out, left > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=');
        buf_append_byte(out, left > 2 ? (uint8_t)digits[bits & 63] : '=');
        if ((i / 3 + 1) % (PEM_LINE / 4) == 0 || left <= 3) {
            buf_append_byte(out, '\n');
        }
    }
    buf_printf(out, "-----END %s-----\n", kind);
}

/* ---- jobs ---- */

static void put_one(void *ctx, enum trust_list list, const struct trust_seen *seen)
{
    struct work *work = ctx;
    if (work->list[0] == '\0' || strcmp(work->list, trust_list_word(list)) == 0) {
        json_begin_object(&work->json);
        put_members(&work->json, list, seen, clock_wall_us());
        json_end_object(&work->json);
    }
}

static void run_list(struct work *work)
{
    json_begin_object(&work->json);
    json_put_array(&work->json, "certificates");
    trust_each(work->trust, clock_wall_us(), put_one, work);
    json_end_array(&work->json);
    trust_counts(work->trust, &work->counts);
    json_put_i64(&work->json, "waiting", work->counts.waiting);
    json_put_i64(&work->json, "refused", work->counts.refused);
    json_put_i64(&work->json, "trusted", work->counts.trusted);
    json_end_object(&work->json);
}

/* The first row of the one that is meant: as refused before as anything else. */
static void put_found(void *ctx, enum trust_list list, const struct trust_seen *seen)
{
    struct work *work = ctx;
    if (!work->found && strcmp(seen->fingerprint, work->seen.fingerprint) == 0) {
        work->found = true;
        put_members(&work->json, list, seen, clock_wall_us());
        str_copy(work->list, sizeof(work->list), trust_list_word(list));
    }
}

static void digest(struct work *work, const struct buf *der)
{
    struct trust_seen seen;
    if (trust_describe_bytes(der->data, der->size, &seen) == 0) {
        work->seen = seen;
    }
}

static void run_show(struct work *work)
{
    struct buf der, pem;
    buf_init(&der, SERVER_ANSWER_MAX);
    buf_init(&pem, SERVER_ANSWER_MAX);
    if (trust_get(work->trust, work->name, &der, &work->err) == 0) {
        digest(work, &der);
        json_begin_object(&work->json);
        trust_each(work->trust, clock_wall_us(), put_found, work);
        put_pem(&der, strcmp(work->list, trust_list_word(TRUST_REVOCATIONS)) == 0, &pem);
        json_put_string(&work->json, "pem", buf_text(&pem));
        json_end_object(&work->json);
    }
    buf_fini(&pem);
    buf_fini(&der);
}

static void run_file(struct work *work)
{
    struct buf der;
    buf_init(&der, SERVER_ANSWER_MAX);
    if (trust_get(work->trust, work->name, &der, &work->err) == 0) {
        digest(work, &der);
        work->content_type = work->pem ? "application/x-pem-file" : "application/pkix-cert";
        if (work->pem) {
            put_pem(&der, work->seen.key[0] == '\0', &work->out);
        } else {
            (void)buf_append(&work->out, der.data, der.size);
        }
    }
    buf_fini(&der);
}

static void put_change(struct work *work, enum trust_list list)
{
    json_begin_object(&work->json);
    put_members(&work->json, list, &work->seen, clock_wall_us());
    json_end_object(&work->json);
}

static void run_trust(struct work *work)
{
    if (trust_accept(work->trust, work->name, &work->seen, &work->err) == 0) {
        put_change(work, TRUST_TRUSTED);
    }
}

static void run_remove(struct work *work)
{
    if (trust_remove(work->trust, work->name, &work->seen, &work->err) == 0) {
        put_change(work, TRUST_REFUSED);
    }
}

static void run_import(struct work *work)
{
    if (trust_import(work->trust, work->raw, work->raw_size, work->issuer, &work->seen,
                     &work->err) == 0) {
        bool list = work->seen.key[0] == '\0';
        put_change(work, list ? TRUST_REVOCATIONS : work->issuer ? TRUST_ISSUERS : TRUST_TRUSTED);
    }
}

static void run_renew(struct work *work)
{
    if (trust_renew(work->trust, work->name, &work->seen, &work->err) == 0) {
        put_change(work, TRUST_OWN);
    }
}

static void on_job(void *ctx)
{
    struct work *work = ctx;
    work->run(work);
}

/* "CN=press-1 of opc.tcp://10.0.3.5:48250" */
static void note(const struct work *work)
{
    char whom[400];
    const struct trust_seen *seen = &work->seen;
    str_format(whom, sizeof(whom), "%s%s%s",
               seen->subject[0] != '\0' ? seen->subject : seen->issuer,
               seen->peer[0] != '\0' ? " of " : "", seen->peer);
    journal_note(work->req, work->what, seen->fingerprint, "", whom, "done");
}

static void name_file(struct work *work)
{
    char value[64];
    str_format(value, sizeof(value), "attachment; filename=\"%.16s.%s\"", work->seen.fingerprint,
               work->pem ? "pem" : "der");
    server_answer_header(work->req, "Content-Disposition", value);
}

static void on_done(void *ctx, int error)
{
    struct work *work = ctx;
    struct server *server = server_of(work->req);
    if (server == NULL || error != 0) {
        server_reply_error(work->req, BUSBAR_ECANCELED, "busbar is stopping");
    } else if (work->err.code != 0) {
        server_reply_err(work->req, &work->err);
    } else {
        if (work->what != NULL) {
            note(work);
            host_trusted(server->config.host);
        }
        if (work->content_type != NULL) {
            name_file(work);
            server_reply_as(work->req, 200, work->content_type, &work->out);
        } else {
            server_reply_json(work->req, 200, &work->out);
        }
    }
    buf_fini(&work->out);
    busbar_free(work);
}

/* ---- routes ---- */

static void begin(struct server_request *req, void (*run)(struct work *), const char *what,
                  const char *name)
{
    struct server *server = server_of(req);
    if (server->config.trust == NULL) {
        server_reply_error(req, BUSBAR_EUNSUPPORTED, "there are no certificates here");
        return;
    }
    struct work *work = busbar_alloc(sizeof(*work));
    work->req = req;
    work->trust = server->config.trust;
    work->run = run;
    work->what = what;
    str_copy(work->name, sizeof(work->name), name);
    str_copy(work->list, sizeof(work->list),
             server_query(req, "list") != NULL ? server_query(req, "list") : "");
    work->issuer = server_query_bool(req, "issuer");
    const char *format = server_query(req, "format");
    work->pem = format == NULL || strcmp(format, "der") != 0;
    work->raw = server_raw(req, &work->raw_size);
    buf_init(&work->out, SERVER_ANSWER_MAX);
    work->json = json_writer(&work->out);
    jobs_submit(server->config.loop, on_job, on_done, work);
}

static void get_list(struct server_request *req)
{
    begin(req, run_list, NULL, "");
}

static void get_one(struct server_request *req)
{
    begin(req, run_show, NULL, server_param(req, "fingerprint"));
}

static void get_file(struct server_request *req)
{
    begin(req, run_file, NULL, server_param(req, "fingerprint"));
}

static void post_trust(struct server_request *req)
{
    begin(req, run_trust, "trust certificate", server_param(req, "fingerprint"));
}

static void delete_one(struct server_request *req)
{
    begin(req, run_remove, "remove certificate", server_param(req, "fingerprint"));
}

static void post_import(struct server_request *req)
{
    begin(req, run_import,
          server_query_bool(req, "issuer") ? "import issuer" : "import certificate", "");
}

static void post_renew(struct server_request *req)
{
    begin(req, run_renew, "renew certificate", server_param(req, "protocol"));
}

void server_certificates_routes(struct server *server)
{
    static const struct server_query_param list_query[] = {
        { "list", "string", "only refused, own, trusted, issuer or revocations" },
        { NULL, NULL, NULL },
    };
    static const struct server_query_param file_query[] = {
        { "format", "string", "pem (the default) or der" },
        { NULL, NULL, NULL },
    };
    static const struct server_query_param import_query[] = {
        { "issuer", "boolean", "it completes chains, and is trusted for nothing" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/certificates",
          .handler = get_list,
          .summary = "certificates: refused ones first, our own, trusted ones",
          .query = list_query,
          .answer = "CertificateList" },
        { .method = "POST",
          .path = "/api/v1/certificates",
          .handler = post_import,
          .summary = "trust certificates that are sent along (PEM or DER), or a list of an "
                     "authority",
          .query = import_query,
          .answer = "Certificate",
          .flags = SERVER_ROUTE_RAW },
        { .method = "GET",
          .path = "/api/v1/certificates/{fingerprint}",
          .handler = get_one,
          .summary = "one certificate, by the beginning of its fingerprint",
          .answer = "CertificateDetail" },
        { .method = "GET",
          .path = "/api/v1/certificates/{fingerprint}/file",
          .handler = get_file,
          .summary = "the certificate as a file",
          .query = file_query,
          .answer = SERVER_ANSWER_TEXT },
        { .method = "POST",
          .path = "/api/v1/certificates/{fingerprint}/trust",
          .handler = post_trust,
          .summary = "trust one; devices refused for it are asked again at once",
          .answer = "Certificate" },
        { .method = "DELETE",
          .path = "/api/v1/certificates/{fingerprint}",
          .handler = delete_one,
          .summary = "trust one no more, or forget one that was refused",
          .answer = "Certificate" },
        { .method = "POST",
          .path = "/api/v1/certificates/own/{protocol}/renew",
          .handler = post_renew,
          .summary = "a new key and certificate of our own",
          .answer = "Certificate" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
