/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on loopback with certificates made on the spot: who is accepted, who is not and why, and the same life as TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"
#include "support/certificates.h"
#include "support/end.h"
#include "support/wait.h"

static struct certificates *certificates;

struct fixture {
    struct loop *loop;
    struct end_server server;
    struct tls_context *server_tls;
    struct tls_context *client_tls;
    struct end client;
    struct end ends[1];
};

static int make_certificates(void **state)
{
    (void)state;
    certificates = certificates_new();
    certificates_make(certificates, "server", "DNS:localhost,IP:127.0.0.1", 30);
    certificates_make(certificates, "other", "DNS:other.example", 30);
    certificates_make(certificates, "expired", "IP:127.0.0.1", -1);
    certificates_make(certificates, "client", "DNS:gateway", 30);
    certificates_make(certificates, "many", "DNS:panel-7,IP:10.0.7.4,URI:urn:plant:7", 30);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    certificates_free(certificates);
    return 0;
}

static struct tls_context *server_context(const char *name, const char *client_ca)
{
    struct tls_options options = { .server = true,
                                   .cert_file = certificates_cert(certificates, name),
                                   .key_file = certificates_key(certificates, name),
                                   .ca_file = client_ca };
    struct tls_context *context = NULL;
    struct err err = { 0 };
    assert_int_equal(tls_context_new(&options, &context, &err), 0);
    return context;
}

static struct tls_context *client_context(const char *name, bool trust, bool verify_off)
{
    struct tls_options options = { .verify_off = verify_off };
    options.ca_file = certificates_cert(certificates, trust ? "ca" : "other");
    if (name != NULL) {
        options.cert_file = certificates_cert(certificates, name);
        options.key_file = certificates_key(certificates, name);
    }
    struct tls_context *context = NULL;
    assert_int_equal(tls_context_new(&options, &context, NULL), 0);
    return context;
}

static int set_up(void **state)
{
    struct fixture *f = busbar_alloc(sizeof(*f));
    f->loop = loop_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    listener_close(f->server.listener);
    struct end *all[] = { &f->client, &f->ends[0] };
    for (size_t i = 0; i < 2; i++) {
        if (all[i]->stream != NULL) {
            stream_close(all[i]->stream);
            wait_for(f->loop, &all[i]->closed, 1);
        }
    }
    tls_context_unref(f->server_tls);
    tls_context_unref(f->client_tls);
    loop_free(f->loop);
    busbar_free(f);
    return 0;
}

static struct stream_target begin(struct fixture *f, struct tls_context *server,
                                  struct tls_context *client)
{
    f->server_tls = server;
    f->client_tls = client;
    f->server.ends = f->ends;
    f->server.count = 1;
    struct listener_target listen = { .tls = server };
    end_listen(&f->server, f->loop, &listen);
    struct stream_target target = end_target(&f->server);
    target.kind = STREAM_TLS;
    target.tls = client;
    return target;
}

static void connect_both(struct fixture *f, const struct stream_target *target)
{
    end_open(&f->client, f->loop, target);
    wait_for(f->loop, &f->client.opened, 1);
    wait_for(f->loop, &f->ends[0].opened, 1);
}

static void assert_client_fails(struct fixture *f, const struct stream_target *target,
                                const char *reason)
{
    end_open(&f->client, f->loop, target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.opened, 0);
    assert_int_equal(f->client.error, BUSBAR_ETLS);
    assert_non_null(strstr(f->client.detail, reason));
    wait_for(f->loop, &f->ends[0].closed, 1);
    assert_int_equal(f->ends[0].opened, 0);
}

static void bytes_go_both_ways(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("server", NULL),
                                        client_context(NULL, true, false));
    f->ends[0].echo = true;
    connect_both(f, &target);
    for (int i = 1; i <= 50; i++) {
        assert_int_equal(stream_send(f->client.stream, "ping", 4), 0);
        wait_for(f->loop, &f->client.received, i);
        assert_memory_equal(f->client.data, "ping", 4);
    }
    assert_int_equal(stream_bytes_in(f->client.stream), 200);
    stream_close(f->client.stream);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, 0);
    wait_for(f->loop, &f->ends[0].closed, 1);
    assert_int_equal(f->ends[0].error, BUSBAR_ECLOSED);
}

static void much_data_survives_pauses(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("server", NULL),
                                        client_context(NULL, true, false));
    connect_both(f, &target);
    static uint8_t chunk[50000];
    size_t sent = 0;
    stream_pause(f->ends[0].stream, true);
    for (int i = 0; i < 400; i++) {
        int error = stream_send(f->client.stream, chunk, sizeof(chunk));
        sent += error == 0 ? sizeof(chunk) : 0;
        loop_turn(f->loop, false);
    }
    assert_int_equal(f->ends[0].received, 0);
    assert_true(sent < 400 * sizeof(chunk)); /* the ceiling refused some */
    for (int i = 0; f->ends[0].size < sent; i++) {
        stream_pause(f->ends[0].stream, i % 3 == 0);
        loop_turn(f->loop, false);
    }
    assert_int_equal(f->ends[0].size, sent);
    wait_for(f->loop, &f->client.drained, 1);
    stream_pause(f->ends[0].stream, false);
    assert_int_equal(stream_send(f->client.stream, "x", 1), 0);
    wait_for(f->loop, &f->ends[0].received, f->ends[0].received + 1);
}

static void a_name_may_be_given(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("other", NULL),
                                        client_context(NULL, true, false));
    target.server_name = "other.example";
    connect_both(f, &target);
}

static void another_name_is_not_accepted(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("other", NULL),
                                        client_context(NULL, true, false));
    assert_client_fails(f, &target, "IP address mismatch");
}

static void an_unknown_authority_is_not_accepted(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("server", NULL),
                                        client_context(NULL, false, false));
    assert_client_fails(f, &target, "certificate not accepted");
}

static void an_expired_certificate_is_not_accepted(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("expired", NULL),
                                        client_context(NULL, true, false));
    assert_client_fails(f, &target, "expired");
}

static void verification_can_be_switched_off(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("expired", NULL),
                                        client_context(NULL, false, true));
    connect_both(f, &target);
}

static void a_client_certificate_opens_the_door(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(
        f, server_context("server", certificates_cert(certificates, "ca")),
        client_context("client", true, false));
    connect_both(f, &target);
}

static void names_in_a_certificate_are_told(void **state)
{
    struct fixture *f = *state;
    struct stream_certificate names;
    struct stream_target target = begin(
        f, server_context("server", certificates_cert(certificates, "ca")),
        client_context("many", true, false));
    connect_both(f, &target);
    assert_true(stream_certificate(f->ends[0].stream, &names));
    assert_string_equal(names.common_name, "many");
    assert_string_equal(names.names, "panel-7, 10.0.7.4, urn:plant:7");
    assert_true(stream_certificate(f->client.stream, &names));
    assert_string_equal(names.names, "localhost, 127.0.0.1");
}

static void no_client_certificate_keeps_it_shut(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(
        f, server_context("server", certificates_cert(certificates, "ca")),
        client_context(NULL, true, false));
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->ends[0].closed, 1);
    assert_int_equal(f->ends[0].opened, 0);
    assert_int_equal(f->ends[0].error, BUSBAR_ETLS);
    wait_for(f->loop, &f->client.closed, 1); /* TLS 1.3: the client learns it after its handshake */
    assert_int_equal(f->client.error, BUSBAR_ETLS);
    assert_int_equal(f->client.received, 0);
}

static void a_peer_without_tls_fails_in_plain_words(void **state)
{
    struct fixture *f = *state;
    f->client_tls = client_context(NULL, true, false);
    f->server.ends = f->ends;
    f->server.count = 1;
    f->ends[0].greeting = "220 not TLS at all, but a long enough greeting\r\n";
    struct listener_target listen = { 0 };
    end_listen(&f->server, f->loop, &listen);
    struct stream_target target = end_target(&f->server);
    target.kind = STREAM_TLS;
    target.tls = f->client_tls;
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, BUSBAR_ETLS);
    assert_int_equal(f->client.opened, 0);
}

static void a_silent_peer_times_out(void **state)
{
    struct fixture *f = *state;
    f->client_tls = client_context(NULL, true, false);
    f->server.ends = f->ends;
    f->server.count = 1;
    struct listener_target listen = { 0 };
    end_listen(&f->server, f->loop, &listen);
    struct stream_target target = end_target(&f->server);
    target.kind = STREAM_TLS;
    target.tls = f->client_tls;
    target.connect_timeout_ms = 60;
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(f->client.detail, "handshake"));
}

static void a_refused_connection_is_told_as_such(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("server", NULL),
                                        client_context(NULL, true, false));
    listener_close(f->server.listener);
    f->server.listener = NULL;
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, BUSBAR_ECONNREFUSED);
}

static void closing_during_the_handshake_is_clean(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("server", NULL),
                                        client_context(NULL, true, false));
    for (int turns = 0; turns < 6; turns++) {
        memset(&f->client, 0, sizeof(f->client));
        memset(&f->ends[0], 0, sizeof(f->ends[0]));
        f->server.taken = 0;
        end_open(&f->client, f->loop, &target);
        for (int i = 0; i < turns; i++) {
            loop_turn(f->loop, false);
        }
        stream_close(f->client.stream);
        wait_for(f->loop, &f->client.closed, 1);
        assert_int_equal(f->client.error, 0);
        wait_ms(f->loop, 5);
        if (f->server.taken > 0) {
            wait_for(f->loop, &f->ends[0].closed, 1);
        }
    }
}

static void bad_files_are_named(void **state)
{
    (void)state;
    struct tls_context *context = NULL;
    struct err err = { 0 };
    struct tls_options options = { .ca_file = "/nowhere/ca.pem" };
    assert_int_equal(tls_context_new(&options, &context, &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.message, "/nowhere/ca.pem"));
    options = (struct tls_options){ .server = true };
    assert_int_equal(tls_context_new(&options, &context, &err), BUSBAR_EINVAL);
    options.cert_file = certificates_cert(certificates, "server");
    options.key_file = certificates_key(certificates, "client");
    assert_int_equal(tls_context_new(&options, &context, &err), BUSBAR_ETLS);
    assert_non_null(strstr(err.message, "mismatch"));
    options.cert_file = certificates_key(certificates, "server");
    assert_int_equal(tls_context_new(&options, &context, &err), BUSBAR_ETLS);
    assert_null(context);
    tls_context_unref(NULL);
}

static void protocols_are_offered(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("server", NULL),
                                        client_context(NULL, true, false));
    target.alpn = "mqtt,x-amzn-mqtt-ca";
    connect_both(f, &target);
    assert_int_equal(f->client.opened, 1);
}

static void protocols_that_are_none(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = begin(f, server_context("server", NULL),
                                        client_context(NULL, true, false));
    target.alpn = "mqtt,,x";
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, BUSBAR_EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_both_ways),
        TEST(much_data_survives_pauses),
        TEST(a_name_may_be_given),
        TEST(another_name_is_not_accepted),
        TEST(an_unknown_authority_is_not_accepted),
        TEST(an_expired_certificate_is_not_accepted),
        TEST(verification_can_be_switched_off),
        TEST(a_client_certificate_opens_the_door),
        TEST(no_client_certificate_keeps_it_shut),
        TEST(names_in_a_certificate_are_told),
        TEST(a_peer_without_tls_fails_in_plain_words),
        TEST(a_silent_peer_times_out),
        TEST(a_refused_connection_is_told_as_such),
        TEST(closing_during_the_handshake_is_clean),
        TEST(protocols_are_offered),
        TEST(protocols_that_are_none),
        cmocka_unit_test(bad_files_are_named),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
