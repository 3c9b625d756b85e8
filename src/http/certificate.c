/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificate of a client says, and whether the authorities of the listener vouch for it (libmicrohttpd asks
 * for it, and leaves the judgement to us). */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "http/http_parts.h"

enum { NAMES_MAX = 32, NAME_BYTES_MAX = 256 };

static void put_name(struct http_certificate *out, const char *name, size_t size, unsigned type)
{
    char text[INET6_ADDRSTRLEN];
    size_t used = strlen(out->others);
    if (type == GNUTLS_SAN_IPADDRESS) {
        int family = size == 16 ? AF_INET6 : AF_INET;
        if ((size != 4 && size != 16) || inet_ntop(family, name, text, sizeof(text)) == NULL) {
            return;
        }
        name = text;
        size = strlen(text);
    } else if ((type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_URI) ||
               memchr(name, '\0', size) != NULL) {
        return;
    }
    if (used + size + 3 < sizeof(out->others)) {
        str_format(out->others + used, sizeof(out->others) - used, "%s%.*s", used > 0 ? ", " : "",
                   (int)size, name);
    }
}

static void read_names(gnutls_x509_crt_t certificate, struct http_certificate *out)
{
    size_t size = sizeof(out->name);
    if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out->name,
                                      &size) != 0 ||
        memchr(out->name, '\0', size) != NULL) {
        out->name[0] = '\0';
    }
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        char name[NAME_BYTES_MAX];
        unsigned type = 0;
        size = sizeof(name);
        int got = gnutls_x509_crt_get_subject_alt_name2(certificate, i, name, &size, &type, NULL);
        if (got == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            return;
        }
        if (got >= 0) {
            put_name(out, name, size, type);
        }
    }
}

static void judge(gnutls_session_t session, struct http_certificate *out)
{
    unsigned status = 0;
    gnutls_datum_t words = { 0 };
    gnutls_typed_vdata_st use = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                  .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
    if (gnutls_certificate_verify_peers(session, &use, 1, &status) != 0) {
        str_copy(out->trouble, sizeof(out->trouble), "it cannot be checked");
    } else if (status == 0) {
        out->trusted = true;
    } else if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &words, 0) ==
               0) {
        str_copy(out->trouble, sizeof(out->trouble), (const char *)words.data);
        gnutls_free(words.data);
    } else {
        str_copy(out->trouble, sizeof(out->trouble), "it is not trusted");
    }
}

static void look(struct MHD_Connection *mhd, struct http_certificate *out)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned count = 0;
    gnutls_x509_crt_t certificate = NULL;
    if (info == NULL || info->tls_session == NULL) {
        return;
    }
    gnutls_session_t session = info->tls_session;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (chain == NULL || count == 0 || gnutls_x509_crt_init(&certificate) != 0) {
        return;
    }
    out->given = true;
    if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0) {
        read_names(certificate, out);
        judge(session, out);
    }
    gnutls_x509_crt_deinit(certificate);
}

const struct http_certificate *http_certificate(const struct http_request *req)
{
    static const struct http_certificate none = { 0 };
    struct http_connection *connection = req->connection;
    if (connection == NULL || connection->listener->client_ca == NULL) {
        return &none;
    }
    if (connection->certificate == NULL) {
        connection->certificate = busbar_alloc(sizeof(*connection->certificate));
        look(connection->mhd, connection->certificate);
    }
    return connection->certificate;
}

int http_pem_put(struct buf *out, const char *word, const void *der, size_t size)
{
    gnutls_datum_t in = { .data = (unsigned char *)(uintptr_t)der, .size = (unsigned)size };
    gnutls_datum_t pem = { 0 };
    if (gnutls_pem_base64_encode2(word, &in, &pem) != 0) {
        return BUSBAR_EINVAL;
    }
    int error = buf_append(out, pem.data, pem.size);
    memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return error;
}
