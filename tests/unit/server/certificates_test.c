/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/certificates: what was refused is shown, trusted with one request, and noted with who did it. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "unit/server/gateway.h"

struct place {
    struct gateway gw;
    uint8_t der[4096];
    size_t size;
    struct trust_seen seen;
};

static void make(struct place *place)
{
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), 100L * 86400 + 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)"press-1", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    unsigned char *at = place->der;
    int size = i2d_X509(cert, NULL);
    assert_in_range(size, 1, sizeof(place->der));
    (void)i2d_X509(cert, &at);
    place->size = (size_t)size;
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void check(struct place *place)
{
    struct trust_peer peer = { .protocol = "opcua",
                               .device = "press-1",
                               .address = "opc.tcp://10.0.3.5:48250" };
    (void)trust_check(place->gw.trust, &peer, place->der, place->size, clock_wall_us(),
                      &place->seen);
}

static int open_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    gateway_open(&place->gw, GATEWAY_STORES);
    make(place);
    check(place);
    *state = place;
    return 0;
}

static int close_place(void **state)
{
    struct place *place = *state;
    gateway_close(&place->gw);
    gateway_remove_folder(&place->gw);
    free(place);
    return 0;
}

static struct answer ask_one(struct place *place, const char *method, const char *rest,
                             const char *body)
{
    char target[200];
    str_format(target, sizeof(target), "/api/v1/certificates/%.12s%s", place->seen.fingerprint,
               rest);
    return ask(&place->gw, method, target, NULL, body);
}

static void the_refused_one_is_shown_first(void **state)
{
    struct place *place = *state;
    struct answer answer = ask(&place->gw, "GET", "/api/v1/certificates", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "waiting"), 1);
    assert_string_equal(text_at(&answer, "certificates.0.list"), "refused");
    assert_string_equal(text_at(&answer, "certificates.0.fingerprint"), place->seen.fingerprint);
    assert_string_equal(text_at(&answer, "certificates.0.subject"), "CN=press-1");
    assert_string_equal(text_at(&answer, "certificates.0.fault"), "untrusted");
    assert_string_equal(text_at(&answer, "certificates.0.device"), "press-1");
    assert_string_equal(text_at(&answer, "certificates.0.words"), place->seen.words);
    assert_true(true_at(&answer, "certificates.0.waits"));
    assert_int_equal(number_at(&answer, "certificates.0.days_left"), 100);
    answer_fini(&answer);
    answer = ask(&place->gw, "GET", "/api/v1/certificates?list=trusted", NULL, NULL);
    assert_null(at(&answer, "certificates.0"));
    assert_int_equal(number_at(&answer, "refused"), 1);
    answer_fini(&answer);
}

static void one_comes_with_its_text(void **state)
{
    struct place *place = *state;
    struct answer answer = ask_one(place, "GET", "", NULL);
    assert_int_equal(answer.status, 200);
    const char *pem = text_at(&answer, "pem");
    BIO *in = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
    assert_non_null(cert);
    uint8_t der[4096];
    unsigned char *to = der;
    assert_int_equal(i2d_X509(cert, &to), place->size);
    assert_memory_equal(der, place->der, place->size);
    X509_free(cert);
    BIO_free(in);
    char *kept = strdup(pem);
    answer_fini(&answer);
    answer = ask_one(place, "GET", "/file", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, kept);
    assert_non_null(strstr(answer.head, "application/x-pem-file"));
    assert_non_null(strstr(answer.head, "attachment; filename="));
    free(kept);
    answer_fini(&answer);
    answer = ask_one(place, "GET", "/file?format=der", NULL);
    assert_non_null(strstr(answer.head, "application/pkix-cert"));
    answer_fini(&answer);
    answer = ask(&place->gw, "GET", "/api/v1/certificates/0123", NULL, NULL);
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
    answer = ask(&place->gw, "GET", "/api/v1/certificates/0123456789", NULL, NULL);
    assert_int_equal(answer.status, 404);
    assert_string_equal(text_at(&answer, "error.hint"), "see all of them: busbar certificate list");
    answer_fini(&answer);
}

static void it_is_trusted_with_one_request_and_noted(void **state)
{
    struct place *place = *state;
    struct answer answer = ask_one(place, "POST", "/trust", "{}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "list"), "trusted");
    assert_string_equal(text_at(&answer, "words"), "");
    answer_fini(&answer);
    check(place);
    assert_int_equal(place->seen.fault, TRUST_FINE);
    answer = ask(&place->gw, "GET", "/api/v1/journal", NULL, NULL);
    assert_string_equal(text_at(&answer, "entries.0.what"), "trust certificate");
    assert_string_equal(text_at(&answer, "entries.0.path"), place->seen.fingerprint);
    assert_string_equal(text_at(&answer, "entries.0.new"),
                        "CN=press-1 of opc.tcp://10.0.3.5:48250");
    assert_string_equal(text_at(&answer, "entries.0.from"), "127.0.0.1");
    answer_fini(&answer);
    answer = ask_one(place, "DELETE", "", NULL);
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    check(place);
    assert_int_equal(place->seen.fault, TRUST_UNTRUSTED);
}

static void one_is_brought_along(void **state)
{
    struct place *place = *state;
    struct answer one = ask_one(place, "GET", "", NULL);
    struct buf text;
    buf_init(&text, 65536);
    const char *pem = text_at(&one, "pem");
    (void)buf_printf(&text,
                     "POST /api/v1/certificates HTTP/1.1\r\nConnection: close\r\n"
                     "Host: 127.0.0.1:%u\r\nContent-Type: application/octet-stream\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     server_port(place->gw.server, SERVER_PAGE), strlen(pem), pem);
    struct answer answer = ask_raw(&place->gw, buf_text(&text));
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "list"), "trusted");
    answer_fini(&answer);
    answer_fini(&one);
    buf_fini(&text);
    check(place);
    assert_int_equal(place->seen.fault, TRUST_FINE);
    answer = ask(&place->gw, "POST", "/api/v1/certificates?issuer=true", NULL, "{}");
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(text_at(&answer, "error.message"), "there is no certificate in it"));
    answer_fini(&answer);
}

static void our_own_is_renewed(void **state)
{
    struct place *place = *state;
    struct buf cert, key;
    struct trust_seen seen;
    struct answer answer = ask(&place->gw, "POST", "/api/v1/certificates/own/opcua/renew", NULL,
                               "{}");
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
    buf_init(&cert, 65536);
    buf_init(&key, 65536);
    struct trust_own own = { .protocol = "opcua", .common_name = "busbar", .uri = "urn:a" };
    assert_int_equal(trust_own(place->gw.trust, &own, &cert, &key, &seen, NULL), 0);
    answer = ask(&place->gw, "POST", "/api/v1/certificates/own/opcua/renew", NULL, "{}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "list"), "own");
    assert_string_equal(text_at(&answer, "protocol"), "opcua");
    assert_string_equal(text_at(&answer, "uri"), "urn:a");
    assert_string_not_equal(text_at(&answer, "fingerprint"), seen.fingerprint);
    answer_fini(&answer);
    answer = ask(&place->gw, "POST", "/api/v1/certificates/own/..%2f..%2fx/renew", NULL, "{}");
    assert_int_not_equal(answer.status, 200);
    answer_fini(&answer);
    buf_fini(&cert);
    buf_fini(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_refused_one_is_shown_first, open_place, close_place),
        cmocka_unit_test_setup_teardown(one_comes_with_its_text, open_place, close_place),
        cmocka_unit_test_setup_teardown(it_is_trusted_with_one_request_and_noted, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(one_is_brought_along, open_place, close_place),
        cmocka_unit_test_setup_teardown(our_own_is_renewed, open_place, close_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
