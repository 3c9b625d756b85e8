/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL begins TLS inside its own protocol: the client sends an SSLRequest (length 8, code 80877103), the server
 * answers one byte, 'S' or 'N' (manual, "Message Flow", SSL Session Encryption). */
#include "sinks/postgres/probe.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

static int reach(const struct pg_probe *probe)
{
    char port[8];
    (void)str_format(port, sizeof(port), "%u", (unsigned)probe->port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
    struct addrinfo *found = NULL;
    if (getaddrinfo(probe->address, port, &hints, &found) != 0) {
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = { .tv_sec = PG_PROBE_S / 2 };
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
                    connect(fd, found->ai_addr, found->ai_addrlen) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static bool ask_for_tls(int fd)
{
    static const uint8_t request[8] = { 0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f };
    uint8_t answer = 0;
    return send(fd, request, sizeof(request), MSG_NOSIGNAL) == sizeof(request) &&
           recv(fd, &answer, 1, 0) == 1 && answer == 'S';
}

static int64_t asn1_time_us(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) * CLOCK_US_PER_S : 0;
}

static void name_text(X509_NAME *name, char *text, size_t size)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    if (out != NULL && X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE) >= 0) {
        long length = BIO_get_mem_data(out, &data);
        (void)str_format(text, size, "%.*s", (int)length, data);
    }
    BIO_free(out);
}

static void look(struct pg_probe *probe, SSL *tls)
{
    X509 *shown = SSL_get1_peer_certificate(tls);
    if (shown == NULL) {
        return;
    }
    probe->error = 0;
    long verdict = SSL_get_verify_result(tls);
    (void)str_copy(probe->reason, sizeof(probe->reason),
                   verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict));
    (void)str_copy(probe->version, sizeof(probe->version), SSL_get_version(tls));
    probe->until_us = asn1_time_us(X509_get0_notAfter(shown));
    name_text(X509_get_subject_name(shown), probe->subject, sizeof(probe->subject));
    name_text(X509_get_issuer_name(shown), probe->issuer, sizeof(probe->issuer));
    X509_free(shown);
}

static void shake_hands(struct pg_probe *probe, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *tls = context != NULL ? SSL_new(context) : NULL;
    if (tls != NULL) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        (void)SSL_CTX_load_verify_file(context, probe->ca);
        if (!address_is_ip(probe->host)) {
            (void)SSL_set_tlsext_host_name(tls, probe->host);
        }
        (void)SSL_set_fd(tls, fd);
        if (SSL_connect(tls) == 1) {
            look(probe, tls);
        }
    }
    SSL_free(tls);
    SSL_CTX_free(context);
}

void pg_probe_run(struct pg_probe *probe)
{
    probe->error = BUSBAR_EIO;
    int fd = reach(probe);
    if (fd < 0) {
        return;
    }
    probe->tls = ask_for_tls(fd);
    if (probe->tls) {
        shake_hands(probe, fd);
    }
    (void)close(fd);
}
