/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for servers: real ones of the library, one that accepts and says nothing, places where nobody is, addresses
 * that are not true from here. */
#include "server_rig.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/err.h"
#include "drivers/opcua/link/search.h"

enum { FOUND_MAX = 16, DEAF = 20 };

struct heard {
    struct opcua_search *search;
    struct opcua_found *found[FOUND_MAX];
    size_t count;
    uint64_t done, total;
    int ended, error;
    char message[512];
};

static void on_found(void *ctx, struct opcua_found *found)
{
    struct heard *heard = ctx;
    assert_true(heard->count < FOUND_MAX);
    heard->found[heard->count++] = found;
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct heard *heard = ctx;
    assert_true(done > heard->done && done <= total);
    heard->done = done;
    heard->total = total;
}

static void on_ended(void *ctx, int error, const char *message)
{
    struct heard *heard = ctx;
    heard->ended++;
    heard->error = error;
    (void)str_copy(heard->message, sizeof(heard->message), message);
    opcua_search_free(heard->search);
}

static void begin(struct heard *heard, int64_t timeout_us)
{
    static const struct opcua_search_events events = { .found = on_found,
                                                       .progress = on_progress,
                                                       .ended = on_ended };
    *heard = (struct heard){ .count = 0 };
    heard->search = opcua_search_new(rig.thread, rig.trust, timeout_us, &events, heard);
}

static void finish(struct heard *heard)
{
    opcua_search_finish(heard->search);
    assert_int_equal(heard->ended, 0);
    wait_for(rig.loop, &heard->ended, 1);
    assert_true(heard->done == heard->total);
}

static void forget(struct heard *heard)
{
    for (size_t i = 0; i < heard->count; i++) {
        opcua_found_free(heard->found[i]);
    }
}

static void a_server_with_its_endpoints(void **state)
{
    (void)state;
    struct server server = { .users_only = true };
    struct heard heard;
    size_t none = 0;
    server_start(&server);
    begin(&heard, 3 * RIG_SECOND);
    opcua_search_ask(heard.search, server.url, false);
    opcua_search_ask(heard.search, server.url, false); /* twice is once */
    finish(&heard);
    assert_int_equal(heard.error, 0);
    assert_string_equal(heard.message, "");
    assert_int_equal(heard.count, 1);
    const struct opcua_found *found = heard.found[0];
    assert_string_equal(found->uri, "urn:acme:press");
    assert_string_equal(found->url, server.url);
    assert_string_equal(found->kind, "server");
    assert_string_equal(found->trouble, "");
    assert_true(found->answer_us > 0);
    assert_true(found->endpoint_count >= 7); /* none, and three policies both ways */
    for (size_t i = 0; i < found->endpoint_count; i++) {
        none += found->endpoints[i].mode == OPCUA_MODE_NONE;
        assert_true(found->endpoints[i].known);
        assert_string_equal(found->endpoints[i].fingerprint, rig.server.fingerprint);
        assert_non_null(strstr(found->endpoints[i].users, "password"));
        assert_null(strstr(found->endpoints[i].users, "anonymous"));
    }
    assert_int_equal(none, 1);
    assert_non_null(strstr(found->trust, "busbar certificate trust"));
    forget(&heard);
    rig_trust_server();
    begin(&heard, 3 * RIG_SECOND);
    opcua_search_ask(heard.search, server.url, false);
    finish(&heard);
    assert_string_equal(heard.found[0]->trust, "trusted");
    forget(&heard);
    rig_forget_server();
    server_end(&server);
}

/* A listener whose connections nobody takes: what is sent is never answered. */
static int deaf_open(char *url, size_t size)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t length = sizeof(at);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(fd, DEAF), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    str_format(url, size, "opc.tcp://127.0.0.1:%u", ntohs(at.sin_port));
    return fd;
}

static void who_is_silent_holds_up_nobody(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard;
    char url[64];
    int deaf = deaf_open(url, sizeof(url));
    server_start(&server);
    begin(&heard, RIG_SECOND / 2);
    for (int i = 0; i < DEAF; i++) {
        char path[80];
        str_format(path, sizeof(path), "%s/%d", url, i);
        opcua_search_ask(heard.search, path, true);
    }
    opcua_search_ask(heard.search, server.url, true);
    finish(&heard);
    assert_int_equal(heard.error, 0);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.found[0]->uri, "urn:acme:press");
    assert_int_equal(heard.found[0]->endpoint_count, 1);
    forget(&heard);
    server_end(&server);
    close(deaf);
}

static void nobody_is_there(void **state)
{
    (void)state;
    struct heard heard;
    char url[64];
    str_format(url, sizeof(url), "opc.tcp://127.0.0.1:%u", test_free_port());
    begin(&heard, RIG_SECOND);
    opcua_search_ask(heard.search, url, false);
    finish(&heard);
    assert_int_equal(heard.count, 0);
    assert_int_equal(heard.error, BUSBAR_ECONNREFUSED);
    assert_non_null(strstr(heard.message, "refused"));
    forget(&heard);
    begin(&heard, RIG_SECOND);
    finish(&heard); /* nothing was asked for */
    assert_int_equal(heard.error, 0);
}

/* Told by 127.0.0.1: a server that names itself by a host that there is not. */
static void an_address_that_is_not_true_from_here(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard;
    char told[80];
    server_start(&server);
    str_format(told, sizeof(told), "opc.tcp://plc-3.invalid:%u", server.port);
    begin(&heard, 2 * RIG_SECOND);
    opcua_search_server(heard.search, told, "127.0.0.1", "press", "DA,HD");
    finish(&heard);
    assert_int_equal(heard.count, 1);
    const struct opcua_found *found = heard.found[0];
    assert_string_equal(found->url, server.url);
    assert_string_equal(found->told, told);
    assert_string_equal(found->capabilities, "DA,HD");
    assert_string_equal(found->source, "heard by multicast DNS");
    assert_non_null(strstr(found->trouble, "says that it is at"));
    forget(&heard);
    server_end(&server);
    begin(&heard, 2 * RIG_SECOND); /* and now it is nowhere */
    opcua_search_server(heard.search, told, "127.0.0.1", "press", "");
    finish(&heard);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.found[0]->url, "");
    assert_string_equal(heard.found[0]->told, told);
    assert_true(heard.found[0]->trouble[0] != '\0');
    forget(&heard);
}

/* localhost told by another machine is that machine, not ours. */
static void localhost_of_another_machine(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard;
    char told[80];
    server_start(&server);
    str_format(told, sizeof(told), "opc.tcp://localhost:%u", server.port);
    begin(&heard, 2 * RIG_SECOND);
    opcua_search_server(heard.search, told, "203.0.113.9", "press", "");
    opcua_search_finish(heard.search);
    wait_for(rig.loop, &heard.ended, 1);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.found[0]->url, ""); /* ours was not taken for it */
    forget(&heard);
    server_end(&server);
}

static void stopped_in_the_middle(void **state)
{
    (void)state;
    struct heard heard;
    char url[64];
    int deaf = deaf_open(url, sizeof(url));
    begin(&heard, RIG_SECOND);
    opcua_search_ask(heard.search, url, false);
    for (int i = 0; i < 20; i++) {
        loop_turn(rig.loop, false);
    }
    opcua_search_free(heard.search);
    for (int i = 0; i < 20; i++) {
        loop_turn(rig.loop, false);
    }
    assert_int_equal(heard.ended, 0);
    close(deaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_with_its_endpoints),
        cmocka_unit_test(who_is_silent_holds_up_nobody),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(an_address_that_is_not_true_from_here),
        cmocka_unit_test(localhost_of_another_machine),
        cmocka_unit_test(stopped_in_the_middle),
    };
    return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
