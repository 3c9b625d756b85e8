/* SPDX-License-Identifier: Apache-2.0 */
/* A session against a real server: securities, users, trust, and what keeps it alive. */
#include "server_rig.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "drivers/opcua/link/session_private.h"

enum { STATE = 2259, START = 2257 }; /* variables of every server */

static struct server server;

static void begin(void)
{
    memset(&server, 0, sizeof(server));
    rig_trust_server();
}

static void end(void)
{
    server_end(&server);
    rig_forget_server();
}

/* The connection breaks: the server keeps the session. */
static void cut(const struct client *client)
{
    (void)client;
    struct opcua_session *session = list_entry(opcua_thread_sessions(rig.thread)->next,
                                               struct opcua_session, link);
    struct opcua_trouble why;
    opcua_trouble_set(&why, BUSBAR_ERESET, 0, "cut by the test");
    opcua_channel_close(session->attempt->channel, &why);
}

/* ---- trust ---- */

static void the_strongest_is_taken_once_the_server_is_trusted(void **state)
{
    (void)state;
    memset(&server, 0, sizeof(server));
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.downs, 1);
    assert_int_equal(client.why.error, BUSBAR_EUNTRUSTED);
    char command[64];
    (void)str_format(command, sizeof(command), "busbar certificate trust %.8s",
                     rig.server.fingerprint);
    assert_non_null(strstr(client.why.detail, command));

    rig_trust_server();
    client_try(&client);
    assert_int_equal(client.ups, 1);
    assert_false(client.resumed);
    const struct opcua_server_facts *facts = opcua_seat_facts(client.seat);
    assert_int_equal(facts->mode, OPCUA_MODE_SIGN_ENCRYPT);
    assert_int_equal(facts->policy, OPCUA_POLICY_AES256_SHA256_RSAPSS);
    assert_string_equal(facts->application_uri, "urn:acme:press");
    assert_string_equal(facts->url, server.url);
    assert_int_equal(facts->state, UA_SERVERSTATE_RUNNING);
    assert_true(facts->started > 0);
    assert_int_equal(facts->namespace_count, 3);
    assert_string_equal(facts->namespaces[2], "urn:acme:press:nodes");
    assert_int_equal(facts->limits.nodes_per_browse, 77);
    client_leave(&client);
    end();
}

static void a_server_that_does_not_trust_us_says_what_to_do_there(void **state)
{
    (void)state;
    begin();
    server.distrusts = true;
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.why.error, BUSBAR_EUNTRUSTED);
    assert_non_null(strstr(client.why.detail, "rejects busbar's certificate"));
    assert_non_null(strstr(client.why.detail, "`busbar certificate show own`"));
    client_leave(&client);
    end();
}

static void another_host_than_in_the_certificate_is_refused(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    config.server_name = "other.example";
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.why.error, BUSBAR_EUNTRUSTED);
    assert_non_null(strstr(client.why.detail, "other.example"));
    client_leave(&client);
    config.server_name = "localhost";
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.ups, 1);
    client_leave(&client);
    end();
}

static void trust_that_is_taken_away_ends_the_session(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    config.keep_alive_us = RIG_SECOND / 10;
    client_take(&client, &config);
    client_try(&client);
    rig_forget_server();
    wait_for(rig.loop, &client.downs, 1);
    assert_int_equal(client.why.error, BUSBAR_EUNTRUSTED);
    client_try(&client);
    assert_int_equal(client.downs, 2);
    assert_int_equal(client.why.error, BUSBAR_EUNTRUSTED);
    rig_trust_server();
    client_try(&client);
    assert_int_equal(client.ups, 2);
    client_leave(&client);
    end();
}

static void a_certificate_that_runs_out_ends_the_session(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    config.keep_alive_us = RIG_SECOND / 10;
    client_take(&client, &config);
    client_try(&client);
    clock_fake_set(clock_mono_us(), rig.server.until_us - RIG_SECOND);
    loop_advance_for_test(rig.loop, RIG_SECOND / 10);
    assert_int_equal(client.downs, 0);
    clock_fake_set(clock_mono_us(), rig.server.until_us + RIG_SECOND);
    loop_advance_for_test(rig.loop, RIG_SECOND / 10);
    clock_fake_off();
    wait_for(rig.loop, &client.downs, 1);
    assert_int_equal(client.why.error, BUSBAR_EUNTRUSTED);
    assert_non_null(strstr(client.why.detail, "expired"));
    client_leave(&client);
    end();
}

/* ---- securities and users ---- */

static void each_security_works_by_name(void **state)
{
    (void)state;
    static const enum opcua_policy policies[] = { OPCUA_POLICY_BASIC256SHA256,
                                                  OPCUA_POLICY_AES128_SHA256_RSAOAEP,
                                                  OPCUA_POLICY_AES256_SHA256_RSAPSS };
    begin();
    server_start(&server);
    for (size_t i = 0; i < 2 * sizeof(policies) / sizeof(policies[0]); i++) {
        struct opcua_link_config config = client_config(&server);
        struct client client;
        config.automatic = false;
        config.policy = policies[i / 2];
        config.mode = i % 2 == 0 ? OPCUA_MODE_SIGN : OPCUA_MODE_SIGN_ENCRYPT;
        client_take(&client, &config);
        client_try(&client);
        assert_int_equal(client.ups, 1);
        assert_int_equal(opcua_seat_facts(client.seat)->mode, config.mode);
        assert_int_equal(opcua_seat_facts(client.seat)->policy, config.policy);
        client_leave(&client);
    }
    end();
}

static void none_is_never_taken_but_by_name(void **state)
{
    (void)state;
    begin();
    server.only_none = true;
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.why.error, BUSBAR_EUNSUPPORTED);
    assert_non_null(strstr(client.why.detail, "set `security: none`"));
    client_leave(&client);
    config.automatic = false;
    config.mode = OPCUA_MODE_NONE;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.ups, 1);
    client_leave(&client);
    end();
}

static void users_come_in_with_their_password(void **state)
{
    (void)state;
    begin();
    server.users_only = true;
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.why.error, BUSBAR_EAUTH);
    assert_non_null(strstr(client.why.detail, "set `user` and `password`"));
    client_leave(&client);

    config.user = "eva";
    config.password = "wrong";
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.why.error, BUSBAR_EAUTH);
    assert_non_null(strstr(client.why.detail, "'eva'"));
    assert_null(strstr(client.why.detail, "wrong"));
    client_leave(&client);

    config.password = "secret";
    for (int mode = OPCUA_MODE_SIGN; mode <= OPCUA_MODE_SIGN_ENCRYPT; mode++) {
        config.automatic = false;
        config.mode = (enum opcua_mode)mode;
        config.policy = OPCUA_POLICY_BASIC256SHA256;
        client_take(&client, &config);
        client_try(&client);
        assert_int_equal(client.ups, 1);
        client_leave(&client);
    }
    end();
}

/* The certificate and key of a user, DER; key: also as PEM, to be freed. */
static void make_user(struct buf *certificate, struct buf *key, char **pem_certificate,
                      char **pem_key)
{
    char path[128];
    struct trust *store;
    (void)str_format(path, sizeof(path), "%s/user", rig.folder);
    assert_int_equal(trust_open(path, &store, NULL), 0);
    const char *const hosts[] = { NULL };
    const struct trust_own own = {
        .protocol = "user", .common_name = "eva", .uri = "urn:acme:eva", .hosts = hosts
    };
    buf_init(certificate, 65536);
    buf_init(key, 65536);
    assert_int_equal(trust_own(store, &own, certificate, key, NULL, NULL), 0);
    trust_close(store);
    const uint8_t *at = certificate->data;
    X509 *x509 = d2i_X509(NULL, &at, (long)certificate->size);
    at = key->data;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)key->size);
    char **texts[] = { pem_certificate, pem_key };
    for (size_t i = 0; i < 2; i++) {
        BIO *out = BIO_new(BIO_s_mem());
        char *text;
        assert_int_equal(i == 0 ? PEM_write_bio_X509(out, x509)
                                : PEM_write_bio_PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL),
                         1);
        long size = BIO_get_mem_data(out, &text);
        *texts[i] = busbar_strndup(text, (size_t)size);
        BIO_free(out);
    }
    X509_free(x509);
    EVP_PKEY_free(pkey);
}

static void users_come_in_with_their_certificate(void **state)
{
    (void)state;
    struct buf certificate;
    struct buf key;
    char *pem_certificate;
    char *pem_key;
    begin();
    server.users_only = true;
    server_start(&server);
    make_user(&certificate, &key, &pem_certificate, &pem_key);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    config.user_certificate = (const char *)certificate.data;
    config.user_certificate_bytes = certificate.size;
    config.user_key = (const char *)key.data;
    config.user_key_bytes = key.size;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.ups, 1);
    client_leave(&client);

    config.user_certificate = pem_certificate;
    config.user_certificate_bytes = strlen(pem_certificate);
    config.user_key = pem_key;
    config.user_key_bytes = strlen(pem_key);
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.ups, 1);
    cut(&client); /* and again on a new channel */
    wait_for(rig.loop, &client.downs, 1);
    client_try(&client);
    assert_true(client.resumed);
    client_leave(&client);

    config.user_key_bytes /= 2;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.why.error, BUSBAR_ECONFIG);
    assert_non_null(strstr(client.why.detail, "the user's key cannot be read"));
    client_leave(&client);
    end();
    buf_fini(&certificate);
    buf_fini(&key);
    busbar_free(pem_certificate);
    busbar_free(pem_key);
}

/* ---- calls ---- */

static void calls_are_answered_once_and_in_time(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    assert_non_null(client_read(&client, STATE, RIG_SECOND)); /* not connected yet */
    assert_int_equal(client.answers, 0);
    wait_for(rig.loop, &client.answers, 1);
    assert_int_equal(client.answer.error, BUSBAR_ENOTCONN);

    client_try(&client);
    (void)client_read(&client, STATE, RIG_SECOND);
    assert_int_equal(client.answers, 1);
    wait_for(rig.loop, &client.answers, 2);
    assert_int_equal(client.answer.error, 0);
    assert_true(UA_Variant_hasScalarType(&client.value.value, &UA_TYPES[UA_TYPES_INT32]));

    atomic_store(&server.still, true);
    (void)client_read(&client, STATE, RIG_SECOND / 20);
    wait_for(rig.loop, &client.answers, 3);
    assert_int_equal(client.answer.error, BUSBAR_ETIMEOUT);
    assert_string_equal(
        client.answer.detail,
        "Read: the server did not answer within 50 ms; raise `timeout` if it is slow");
    opcua_call_cancel(client_read(&client, STATE, RIG_SECOND));
    opcua_call_cancel(NULL);
    atomic_store(&server.still, false);
    (void)client_read(&client, START, RIG_SECOND); /* late answers come before this one's */
    wait_for(rig.loop, &client.answers, 4);
    assert_int_equal(client.answer.error, 0);
    assert_true(UA_Variant_hasScalarType(&client.value.value, &UA_TYPES[UA_TYPES_DATETIME]));
    assert_int_equal(client.downs, 0);

    (void)client_read(&client, STATE, RIG_SECOND);
    opcua_seat_leave(client.seat);
    assert_int_equal(client.answers, 5);
    assert_int_equal(client.answer.error, BUSBAR_ECANCELED);
    wait_for(rig.loop, &client.lefts, 1);
    end();
}

static void a_server_that_reads_few_nodes_at_once_is_read_in_parts(void **state)
{
    (void)state;
    begin();
    server.reads_max = 2;
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    const struct opcua_server_facts *facts = opcua_seat_facts(client.seat);
    assert_int_equal(facts->namespace_count, 3);
    assert_int_equal(facts->limits.nodes_per_read, 2);
    assert_int_equal(facts->limits.nodes_per_browse, 77);
    opcua_seat_learn(client.seat, &facts->limits.nodes_per_browse, 50);
    opcua_seat_learn(client.seat, &facts->limits.nodes_per_write, 9);
    assert_int_equal(facts->limits.nodes_per_browse, 50);
    assert_int_equal(facts->limits.nodes_per_write, 9);
    client_leave(&client);
    end();
}

/* ---- seats ---- */

static void devices_of_the_same_settings_share_a_session(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client a, b, c, other;
    client_take(&a, &config);
    config.device = "press-2";
    client_take(&b, &config);
    assert_ptr_equal(opcua_seat_slot(a.seat), opcua_seat_slot(b.seat));
    assert_null(*opcua_seat_slot(a.seat));
    client_try(&a);
    assert_int_equal(b.ups, 1);
    client_take(&c, &config);
    client_try(&c);
    assert_int_equal(c.ups, 1);
    assert_int_equal(a.ups, 1);
    assert_ptr_equal(opcua_seat_facts(a.seat), opcua_seat_facts(c.seat));
    config.user = "eva";
    config.password = "secret";
    client_take(&other, &config);
    assert_ptr_not_equal(opcua_seat_slot(a.seat), opcua_seat_slot(other.seat));
    client_leave(&other);
    client_leave(&a);
    (void)client_read(&b, STATE, RIG_SECOND);
    wait_for(rig.loop, &b.answers, 1);
    assert_int_equal(b.answer.error, 0);
    client_leave(&c);
    client_leave(&b);
    assert_int_equal(b.downs, 0);
    end();
}

/* ---- loss ---- */

static void a_lost_session_is_taken_up_again(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    (void)client_read(&client, STATE, 0);
    cut(&client);
    wait_for(rig.loop, &client.downs, 1);
    assert_int_equal(client.answers, 1);
    assert_int_equal(client.answer.error, client.why.error);
    assert_non_null(strstr(client.why.detail, "cut by the test"));
    client_try(&client);
    assert_int_equal(client.ups, 2);
    assert_true(client.resumed);
    assert_int_equal(client.generation, 1);
    (void)client_read(&client, STATE, RIG_SECOND);
    wait_for(rig.loop, &client.answers, 2);
    assert_int_equal(client.answer.error, 0);
    client_leave(&client);
    end();
}

static void leave(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct client *client = ctx;
    assert_null(response);
    assert_non_null(trouble);
    client->answers++;
    opcua_seat_leave(client->seat);
}

static void who_leaves_when_an_answer_fails_hears_no_more(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    struct opcua_session *session = list_entry(opcua_thread_sessions(rig.thread)->next,
                                               struct opcua_session, link);
    struct opcua_trouble why;
    opcua_trouble_set(&why, BUSBAR_ERESET, 0, "cut by the test");
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    (void)opcua_call(client.seat, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                     &UA_TYPES[UA_TYPES_READRESPONSE], RIG_SECOND, leave, &client);
    opcua_session_tell_down(session, &why);
    assert_int_equal(client.answers, 1);
    assert_int_equal(client.downs, 0);
    wait_for(rig.loop, &client.lefts, 1);
    assert_int_equal(client.downs, 0);
    end();
}

static void a_server_that_starts_anew_gets_a_new_session(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    client_take(&client, &config);
    client_try(&client);
    server_end(&server);
    wait_for(rig.loop, &client.downs, 1);
    client_try(&client);
    assert_int_equal(client.downs, 2);
    assert_int_equal(client.why.error, BUSBAR_ECONNREFUSED);
    assert_non_null(strstr(client.why.detail, server.url));
    server_start(&server);
    client_try(&client);
    assert_int_equal(client.ups, 2);
    assert_false(client.resumed);
    assert_int_equal(client.generation, 2);
    client_leave(&client);
    end();
}

static void a_silent_server_is_noticed(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    config.keep_alive_us = RIG_SECOND / 10;
    config.timeout_us = RIG_SECOND / 4;
    client_take(&client, &config);
    client_try(&client);
    wait_ms(rig.loop, 400);
    assert_int_equal(client.downs, 0);
    atomic_store(&server.still, true);
    wait_for(rig.loop, &client.downs, 1);
    assert_int_equal(client.why.error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(client.why.detail, "gone silent"));
    client_try(&client);
    assert_int_equal(client.why.error, BUSBAR_ETIMEOUT);
    atomic_store(&server.still, false);
    client_try(&client);
    assert_int_equal(client.ups, 2);
    client_leave(&client);
    end();
}

static void namespaces_that_come_later_are_noticed(void **state)
{
    (void)state;
    for (unsigned reads_max = 0; reads_max <= 2; reads_max += 2) {
        begin();
        server.reads_max = reads_max;
        server_start(&server);
        struct opcua_link_config config = client_config(&server);
        struct client client;
        client_take(&client, &config);
        opcua_seat_look(client.seat); /* there is nothing to look at */
        client_try(&client);
        opcua_seat_look(client.seat);
        wait_ms(rig.loop, 50);
        assert_int_equal(client.changes, 0);
        (void)UA_Server_addNamespace(server.server, "urn:acme:late");
        opcua_seat_look(client.seat);
        wait_for(rig.loop, &client.changes, 1);
        assert_int_equal(opcua_seat_facts(client.seat)->namespace_count, 4);
        assert_string_equal(opcua_seat_facts(client.seat)->namespaces[3], "urn:acme:late");
        assert_string_equal(opcua_seat_facts(client.seat)->url, server.url);
        client_leave(&client);
        end();
    }
}

static void a_young_session_looks_by_itself(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    config.keep_alive_us = RIG_SECOND / 10;
    client_take(&client, &config);
    client_try(&client);
    (void)UA_Server_addNamespace(server.server, "urn:acme:late");
    wait_for(rig.loop, &client.changes, 1);
    assert_int_equal(opcua_seat_facts(client.seat)->namespace_count, 4);
    client_leave(&client);
    end();
}

static void the_next_url_is_tried_when_one_fails(void **state)
{
    (void)state;
    begin();
    server_start(&server);
    struct opcua_link_config config = client_config(&server);
    struct client client;
    char dead[64];
    (void)str_format(dead, sizeof(dead), "opc.tcp://127.0.0.1:%u/dead", test_free_port());
    config.urls[0] = dead;
    config.urls[1] = server.url;
    config.url_count = 2;
    client_take(&client, &config);
    client_try(&client);
    assert_int_equal(client.ups, 1);
    assert_string_equal(opcua_seat_facts(client.seat)->url, server.url);
    server_end(&server);
    wait_for(rig.loop, &client.downs, 1);
    client_try(&client);
    assert_int_equal(client.downs, 2);
    assert_non_null(strstr(client.why.detail, dead)); /* the first is what is told */
    client_leave(&client);
    rig_forget_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_is_taken_once_the_server_is_trusted),
        cmocka_unit_test(a_server_that_does_not_trust_us_says_what_to_do_there),
        cmocka_unit_test(another_host_than_in_the_certificate_is_refused),
        cmocka_unit_test(trust_that_is_taken_away_ends_the_session),
        cmocka_unit_test(a_certificate_that_runs_out_ends_the_session),
        cmocka_unit_test(each_security_works_by_name),
        cmocka_unit_test(none_is_never_taken_but_by_name),
        cmocka_unit_test(users_come_in_with_their_password),
        cmocka_unit_test(users_come_in_with_their_certificate),
        cmocka_unit_test(calls_are_answered_once_and_in_time),
        cmocka_unit_test(a_server_that_reads_few_nodes_at_once_is_read_in_parts),
        cmocka_unit_test(devices_of_the_same_settings_share_a_session),
        cmocka_unit_test(a_lost_session_is_taken_up_again),
        cmocka_unit_test(who_leaves_when_an_answer_fails_hears_no_more),
        cmocka_unit_test(a_server_that_starts_anew_gets_a_new_session),
        cmocka_unit_test(a_silent_server_is_noticed),
        cmocka_unit_test(namespaces_that_come_later_are_noticed),
        cmocka_unit_test(a_young_session_looks_by_itself),
        cmocka_unit_test(the_next_url_is_tried_when_one_fails),
    };
    return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
