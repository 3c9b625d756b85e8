/* SPDX-License-Identifier: Apache-2.0 */
/* Which questions are asked in which order; what an answer says is read in search_found.c. */
#include "drivers/opcua/link/search.h"

#include <open62541/types_generated.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "drivers/opcua/link/lookup.h"
#include "drivers/opcua/link/search_found.h"
#include "drivers/opcua/text/url.h"
#include "net/address.h"

enum { RECORDS_IN_ANSWER = 500, URL_SIZE = OPCUA_URL_MAX + 1, HOST_SIZE = OPCUA_HOST_MAX + 1 };

enum what { ASK_SERVERS, ASK_NETWORK, ASK_ENDPOINTS };

/* Where a server is asked for its endpoints, one after another. */
enum place {
    AT_ASKED, /* where we asked: it is the one that answered there, by its port */
    AT_TOLD,  /* where it says that it is */
    AT_HOST,  /* the host that we asked, with the told port */
    NOWHERE,
};

/* A question, waiting or asked. */
struct question {
    struct list link; /* search->waiting or search->asked */
    struct opcua_search *search;
    enum what what;
    char url[URL_SIZE];
    char host[HOST_SIZE]; /* that was asked, for servers it tells of; "" */
    bool tried;
    uint32_t first;             /* record, of ASK_NETWORK */
    struct search_server about; /* of ASK_ENDPOINTS */
    enum place place;
    int64_t began_us;
    struct opcua_lookup *lookup;
};

struct opcua_search {
    struct opcua_thread *thread;
    struct trust *trust;
    const struct opcua_search_events *events;
    void *ctx;
    int64_t timeout_us;
    struct list waiting, asked;
    size_t flight;
    struct loop_deferred turn; /* asks more, or ends */
    struct map seen;           /* URLs and application URIs of servers -> itself */
    struct map told;           /* URL as it was told -> URI of the application there */
    struct arena texts;        /* of `seen` and `told` */
    uint64_t done, total, servers, left_out;
    size_t places, silent;      /* asked by opcua_search_ask(), and those that did not answer */
    struct opcua_trouble first; /* why */
    bool finished;
};

/* ---- what was seen before ---- */

static bool seen_before(struct opcua_search *search, const char *text)
{
    if (text[0] == '\0' || map_get(&search->seen, text) != NULL) {
        return text[0] != '\0';
    }
    const char *kept = arena_strdup(&search->texts, text);
    if (kept != NULL) {
        map_set(&search->seen, kept, search);
    }
    return false;
}

/* ---- questions ---- */

static void question_free(struct question *question)
{
    list_remove(&question->link);
    search_server_fini(&question->about);
    busbar_free(question);
}

static struct question *question_new(struct opcua_search *search, enum what what, const char *url,
                                     const char *host)
{
    struct question *question = busbar_alloc(sizeof(*question));
    question->search = search;
    question->what = what;
    list_init(&question->link);
    (void)str_copy(question->url, sizeof(question->url), url);
    (void)str_copy(question->host, sizeof(question->host), host);
    list_append(&search->waiting, &question->link);
    search->total++;
    loop_defer(opcua_thread_loop(search->thread), &search->turn);
    return question;
}

/* The same place with another host; false: it is the same host, or no URL. */
static bool with_host(const char *url, const char *host, char *to, size_t size)
{
    struct opcua_url parts;
    struct buf text;
    if (host[0] == '\0' || opcua_url_parse(url, OPCUA_DISCOVERY_PORT, &parts, NULL) != 0 ||
        strcasecmp(parts.host, host) == 0) {
        return false;
    }
    (void)str_copy(parts.host, sizeof(parts.host), host);
    buf_init(&text, OPCUA_URL_MAX);
    opcua_url_print(&parts, &text);
    bool fits = !text.overflow && str_copy(to, size, buf_text(&text));
    buf_fini(&text);
    return fits;
}

/* "localhost" of another machine is not ours. */
static bool is_local(const char *url, const char *host)
{
    struct opcua_url parts;
    return opcua_url_parse(url, OPCUA_DISCOVERY_PORT, &parts, NULL) == 0 &&
           address_is_loopback(parts.host) && host[0] != '\0' && !address_is_loopback(host);
}

/* The next place that is worth asking, from `place` on; NOWHERE. asked: the URL whose answer told of it; "" = none. */
static enum place next_place(const struct search_server *server, enum place place,
                             const char *asked, const char *host, char url[URL_SIZE])
{
    struct opcua_url told;
    struct opcua_url here;
    bool parsed = opcua_url_parse(server->url, OPCUA_DISCOVERY_PORT, &told, NULL) == 0;
    if (place == AT_ASKED) {
        if (parsed && asked[0] != '\0' &&
            opcua_url_parse(asked, OPCUA_DISCOVERY_PORT, &here, NULL) == 0 &&
            here.port == told.port && str_copy(url, URL_SIZE, asked)) {
            return AT_ASKED;
        }
        place = AT_TOLD;
    }
    if (place == AT_TOLD) {
        if (!is_local(server->url, host) && str_copy(url, URL_SIZE, server->url)) {
            return AT_TOLD;
        }
        place = AT_HOST;
    }
    return place == AT_HOST && with_host(server->url, host, url, URL_SIZE) ? AT_HOST : NOWHERE;
}

static bool ask_endpoints(struct opcua_search *search, const struct search_server *server,
                          enum place place, const char *asked, const char *host)
{
    char url[URL_SIZE];
    place = next_place(server, place, asked, host, url);
    if (place == NOWHERE) {
        return false;
    }
    struct question *question = question_new(search, ASK_ENDPOINTS, url, host);
    search_server_copy(&question->about, server);
    question->place = place;
    return true;
}

static void look_at(struct opcua_search *search, const struct search_server *server,
                    const char *asked, const char *host)
{
    if (!str_starts(server->url, "opc.tcp://") || seen_before(search, server->url)) {
        return;
    }
    if (search->servers == OPCUA_SEARCH_SERVERS_MAX) {
        search->left_out++;
        return;
    }
    search->servers++;
    (void)ask_endpoints(search, server, AT_ASKED, asked, host);
}

/* ---- answers ---- */

static void host_of(const char *url, char to[HOST_SIZE])
{
    struct opcua_url parts;
    to[0] = '\0';
    if (opcua_url_parse(url, OPCUA_DISCOVERY_PORT, &parts, NULL) == 0) {
        (void)str_copy(to, HOST_SIZE, parts.host);
    }
}

static void take_servers(struct question *question, const UA_FindServersResponse *response)
{
    bool network = false;
    for (size_t i = 0; i < response->serversSize; i++) {
        struct search_server server;
        const UA_ApplicationDescription *description = &response->servers[i];
        if (!search_server_of(&server, description, question->url)) {
            continue;
        }
        network = network || description->applicationType == UA_APPLICATIONTYPE_DISCOVERYSERVER;
        look_at(question->search, &server, question->url, question->host);
        search_server_fini(&server);
    }
    if (network) {
        (void)question_new(question->search, ASK_NETWORK, question->url, question->host);
    }
}

/* What only FindServersOnNetwork tells of a server that FindServers told of too. */
static void add_capabilities(struct opcua_search *search, const struct search_server *server)
{
    struct list *const lists[] = { &search->waiting, &search->asked };
    const char *uri = map_get(&search->told, server->url);
    if (uri != NULL) {
        search->events->found(search->ctx, search_found_more(server, uri));
        return;
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        list_each(at, lists[i]) {
            struct question *question = list_entry(at, struct question, link);
            if (question->what == ASK_ENDPOINTS && strcmp(question->about.url, server->url) == 0) {
                busbar_free(question->about.capabilities);
                question->about.capabilities = busbar_strdup(server->capabilities);
            }
        }
    }
}

static void take_network(struct question *question, const UA_FindServersOnNetworkResponse *response)
{
    uint32_t next = question->first;
    for (size_t i = 0; i < response->serversSize; i++) {
        struct search_server server;
        const UA_ServerOnNetwork *record = &response->servers[i];
        next = record->recordId >= next ? record->recordId + 1 : next;
        search_server_on_network(&server, record, question->url);
        if (map_get(&question->search->seen, server.url) != NULL) {
            add_capabilities(question->search, &server);
        }
        look_at(question->search, &server, "", question->host);
        search_server_fini(&server);
    }
    if (response->serversSize >= RECORDS_IN_ANSWER && next > question->first &&
        next < OPCUA_SEARCH_RECORDS_MAX) {
        question_new(question->search, ASK_NETWORK, question->url, question->host)->first = next;
    }
}

static void tell(struct question *question, const UA_GetEndpointsResponse *response,
                 const struct opcua_trouble *trouble)
{
    struct opcua_search *search = question->search;
    struct search_answer answer = {
        .server = &question->about,
        .url = question->url,
        .elsewhere = question->place == AT_HOST,
        .response = response,
        .trouble = trouble,
        .trust = search->trust,
        .answer_us = loop_now_us(opcua_thread_loop(search->thread)) - question->began_us,
    };
    struct opcua_found *found = search_found_new(&answer);
    bool known = found->url[0] != '\0' ? seen_before(search, found->uri)
                                       : map_get(&search->seen, found->uri) != NULL;
    if (known) {
        opcua_found_free(found); /* by another of its addresses */
        return;
    }
    const char *told = arena_strdup(&search->texts, question->about.url);
    char *uri = arena_strdup(&search->texts, found->uri);
    if (told != NULL && uri != NULL && uri[0] != '\0') {
        map_set(&search->told, told, uri);
    }
    search->events->found(search->ctx, found);
}

/* Where another application answers it is not; that one is told by itself, if at all. */
static void take_endpoints(struct question *question, const UA_GetEndpointsResponse *response,
                           const struct opcua_trouble *trouble)
{
    bool same = trouble == NULL && search_same(&question->about, response);
    if (same || !ask_endpoints(question->search, &question->about,
                               (enum place)(question->place + 1), "", question->host)) {
        tell(question, same ? response : NULL, trouble);
    }
}

static void place_silent(struct question *question, const struct opcua_trouble *trouble)
{
    struct opcua_search *search = question->search;
    search->silent++;
    if (search->first.error == 0 || !question->tried) {
        search->first = *trouble;
    }
}

static void on_answer(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct question *question = ctx;
    struct opcua_search *search = question->search;
    search->flight--;
    search->done++;
    switch (question->what) {
    case ASK_SERVERS:
        if (trouble != NULL) {
            place_silent(question, trouble);
        } else {
            take_servers(question, response);
        }
        break;
    case ASK_NETWORK:
        if (trouble == NULL) { /* few servers can; what they know otherwise was asked */
            take_network(question, response);
        }
        break;
    case ASK_ENDPOINTS: take_endpoints(question, response, trouble); break;
    }
    question_free(question);
    search->events->progress(search->ctx, search->done, search->total);
    loop_defer(opcua_thread_loop(search->thread), &search->turn);
}

/* ---- in turn ---- */

static void ask(struct question *question)
{
    struct opcua_search *search = question->search;
    list_remove(&question->link);
    list_append(&search->asked, &question->link);
    search->flight++;
    question->began_us = loop_now_us(opcua_thread_loop(search->thread));
    switch (question->what) {
    case ASK_SERVERS:
        question->lookup = opcua_lookup_servers(search->thread, question->url, search->timeout_us,
                                                on_answer, question);
        break;
    case ASK_NETWORK:
        question->lookup = opcua_lookup_network(search->thread, question->url, search->timeout_us,
                                                question->first, RECORDS_IN_ANSWER, on_answer,
                                                question);
        break;
    case ASK_ENDPOINTS:
        question->lookup = opcua_lookup_endpoints(search->thread, question->url, search->timeout_us,
                                                  on_answer, question);
        break;
    }
}

static void end(struct opcua_search *search)
{
    char message[OPCUA_DETAIL_MAX + 80] = "";
    int error = 0;
    if (search->places > 0 && search->silent == search->places) {
        error = search->first.error;
        (void)str_copy(message, sizeof(message), search->first.detail);
    } else if (search->left_out > 0) {
        str_format(message, sizeof(message), "%llu servers more were not looked at",
                   (unsigned long long)search->left_out);
    }
    search->finished = false; /* once */
    search->events->ended(search->ctx, error, message);
}

static void turn(void *ctx)
{
    struct opcua_search *search = ctx;
    while (search->flight < OPCUA_SEARCH_FLIGHT && !list_empty(&search->waiting)) {
        ask(list_entry(search->waiting.next, struct question, link));
    }
    if (search->flight == 0 && search->finished) {
        end(search);
    }
}

/* ---- calls ---- */

struct opcua_search *opcua_search_new(struct opcua_thread *thread, struct trust *trust,
                                      int64_t timeout_us, const struct opcua_search_events *events,
                                      void *ctx)
{
    struct opcua_search *search = busbar_alloc(sizeof(*search));
    *search = (struct opcua_search){
        .thread = thread, .trust = trust, .events = events, .ctx = ctx, .timeout_us = timeout_us
    };
    list_init(&search->waiting);
    list_init(&search->asked);
    map_init(&search->seen);
    map_init(&search->told);
    arena_init(&search->texts, 0);
    loop_deferred_init(&search->turn, turn, search);
    return search;
}

void opcua_search_ask(struct opcua_search *search, const char *url, bool tried)
{
    char host[HOST_SIZE];
    host_of(url, host);
    search->places++;
    question_new(search, ASK_SERVERS, url, host)->tried = tried;
}

void opcua_search_server(struct opcua_search *search, const char *url, const char *host,
                         const char *name, const char *capabilities)
{
    struct search_server server;
    search_server_heard(&server, url, name, capabilities);
    look_at(search, &server, "", host);
    search_server_fini(&server);
}

void opcua_search_finish(struct opcua_search *search)
{
    search->finished = true;
    loop_defer(opcua_thread_loop(search->thread), &search->turn);
}

void opcua_search_free(struct opcua_search *search)
{
    if (search == NULL) {
        return;
    }
    loop_defer_cancel(&search->turn);
    while (!list_empty(&search->waiting)) {
        question_free(list_entry(search->waiting.next, struct question, link));
    }
    while (!list_empty(&search->asked)) {
        struct question *question = list_entry(search->asked.next, struct question, link);
        opcua_lookup_cancel(question->lookup);
        question_free(question);
    }
    map_fini(&search->seen);
    map_fini(&search->told);
    arena_fini(&search->texts);
    busbar_free(search);
}
