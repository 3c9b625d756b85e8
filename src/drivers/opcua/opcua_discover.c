/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_discover.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "drivers/opcua/link/search.h"
#include "drivers/opcua/opcua_find.h"
#include "drivers/opcua/opcua_heard.h"
#include "drivers/opcua/opcua_seen.h"
#include "drivers/opcua/text/url.h"
#include "net/timer.h"

enum { SETUP_MDNS, PLACES_MAX = 3, ASK_AGAIN_MS = 1000, COLLECT_MS = 3000, WORDS_MAX = 600 };

const struct option opcua_setup_options[] = {
    [SETUP_MDNS] = { .key = "mdns",
                     .type = OPTION_BOOL,
                     .fallback = "false",
                     .help = "listen to servers that announce themselves by multicast DNS "
                             "(UDP 5353)" },
    { .key = NULL },
};

/* A search, from here to the other thread and back. What stands under "there" belongs to that thread. */
struct job {
    struct list link;                /* discover->jobs */
    struct opcua_discover *discover; /* NULL: it is gone */
    struct opcua_thread *thread;
    struct trust *trust;
    struct driver_discovery *discovery; /* NULL: of what was heard */
    struct timer listening;             /* while announcements are added */
    int64_t until_us;                   /* monotonic */
    bool asks;                          /* by multicast DNS */
    bool stopping;
    unsigned asked;               /* how often */
    char host[OPCUA_URL_MAX + 1]; /* that was asked for; "" = everywhere */
    char places[PLACES_MAX][OPCUA_URL_MAX + 1];
    size_t place_count;
    size_t found;
    struct opcua_search *search; /* there */
    int error;                   /* there, until it has ended */
    char message[WORDS_MAX];
};

struct opcua_discover {
    struct driver *drv;
    struct loop *loop;
    struct opcua_thread *thread;
    bool listen; /* the configuration says so */
    struct opcua_heard *heard;
    struct err trouble; /* why it does not listen */
    struct list jobs;
    struct job *collecting; /* of what was heard without asking */
    struct opcua_seen seen;
    struct map places; /* "10.0.3.5:48250" -> struct place */
};

/* Where an application was found last. */
struct place {
    char at[OPCUA_HOST_MAX + 8];
    char *uri;
};

/* ---- to the other thread ---- */

/* Something for a job's search there, or from it. */
struct message {
    struct job *job;
    struct opcua_found *found;
    uint64_t done, total;
    char *url, *host, *name, *capabilities;
};

static void message_free(struct message *message)
{
    busbar_free(message->url);
    busbar_free(message->host);
    busbar_free(message->name);
    busbar_free(message->capabilities);
    busbar_free(message);
}

static void job_free(struct job *job)
{
    timer_stop(&job->listening);
    list_remove(&job->link);
    busbar_free(job);
}

/* Behind everything that may still be on its way there. */
static void gone_here(void *ctx)
{
    busbar_free(ctx);
}

static void gone_there(void *ctx)
{
    struct job *job = ctx;
    opcua_thread_tell(job->thread, gone_here, job);
}

static void stop_listening(struct opcua_discover *discover);

static void words_of(const struct job *job, struct buf *out)
{
    bool tried = job->place_count > 1;
    if (job->error != 0 && job->error != BUSBAR_ECANCELED && job->host[0] != '\0' && tried) {
        (void)buf_printf(out,
                         "nothing answers at %s, neither a discovery server (port %d) nor a server "
                         "(ports %d and %d): %s; another port: busbar discover opcua "
                         "opc.tcp://%s:PORT",
                         job->host, OPCUA_DISCOVERY_PORT, OPCUA_PORT, OPCUA_SECOND_PORT,
                         job->message, job->host);
    } else {
        (void)buf_append_text(out, job->message);
    }
}

static void ended_here(void *ctx)
{
    struct job *job = ctx;
    struct opcua_discover *discover = job->discover;
    struct buf words;
    if (discover == NULL) {
        job_free(job);
        return;
    }
    timer_stop(&job->listening);
    list_remove(&job->link);
    discover->collecting = discover->collecting == job ? NULL : discover->collecting;
    /* Nobody at home, but others were heard: that is an answer. */
    bool everywhere = job->host[0] == '\0';
    if (everywhere && job->error != BUSBAR_ECANCELED) {
        job->error = 0;
        job->message[0] = '\0';
    }
    buf_init(&words, WORDS_MAX + 2 * OPCUA_URL_MAX);
    words_of(job, &words);
    if (job->asks && discover->heard == NULL) {
        (void)buf_printf(&words, "announcements were not heard: %s", discover->trouble.message);
    } else if (everywhere && job->found == 0 && words.size == 0) {
        (void)buf_append_text(&words, "no server on this machine, and none announced itself by "
                                      "multicast DNS; name a host: busbar discover opcua HOST");
    }
    if (job->discovery != NULL) {
        driver_discovered(job->discovery, job->error, buf_text(&words));
    }
    buf_fini(&words);
    opcua_thread_do(discover->thread, gone_there, job);
    stop_listening(discover);
}

static bool place_of(const char *url, char *to, size_t size)
{
    struct opcua_url parts;
    if (opcua_url_parse(url, OPCUA_PORT, &parts, NULL) != 0) {
        return false;
    }
    str_format(to, size, "%s:%u", parts.host, parts.port);
    return true;
}

const char *opcua_discover_uri(const struct opcua_discover *discover, const char *url)
{
    char at[OPCUA_HOST_MAX + 8];
    const struct place *place = place_of(url, at, sizeof(at)) ? map_get(&discover->places, at)
                                                              : NULL;
    return place != NULL ? place->uri : NULL;
}

static void remember_place(struct opcua_discover *discover, const struct opcua_found *found)
{
    char at[OPCUA_HOST_MAX + 8];
    if (found->uri[0] == '\0' || !place_of(found->url, at, sizeof(at))) {
        return;
    }
    struct place *place = map_get(&discover->places, at);
    if (place == NULL && discover->places.count < OPCUA_PLACES_MAX) {
        place = busbar_alloc(sizeof(*place));
        (void)str_copy(place->at, sizeof(place->at), at);
        map_set(&discover->places, place->at, place);
    }
    if (place != NULL) {
        busbar_free(place->uri);
        place->uri = busbar_strdup(found->uri);
    }
}

static void found_here(void *ctx)
{
    struct message *message = ctx;
    struct job *job = message->job;
    if (job->discover != NULL) {
        job->found++;
        remember_place(job->discover, message->found);
        opcua_find_tell(job->discover->drv, job->discovery, message->found);
    }
    opcua_found_free(message->found);
    message_free(message);
}

static void progress_here(void *ctx)
{
    struct message *message = ctx;
    const struct job *job = message->job;
    if (job->discover != NULL && job->discovery != NULL) {
        driver_discovery_progress(job->discovery, message->done, message->total);
    }
    message_free(message);
}

/* ---- there ---- */

static void on_found(void *ctx, struct opcua_found *found)
{
    struct job *job = ctx;
    struct message *message = busbar_alloc(sizeof(*message));
    message->job = job;
    message->found = found;
    opcua_thread_tell(job->thread, found_here, message);
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct job *job = ctx;
    struct message *message = busbar_alloc(sizeof(*message));
    message->job = job;
    message->done = done;
    message->total = total;
    opcua_thread_tell(job->thread, progress_here, message);
}

static void on_ended(void *ctx, int error, const char *text)
{
    struct job *job = ctx;
    opcua_search_free(job->search);
    job->search = NULL;
    job->error = error;
    (void)str_copy(job->message, sizeof(job->message), text);
    opcua_thread_tell(job->thread, ended_here, job);
}

static void begin_there(void *ctx)
{
    static const struct opcua_search_events events = { .found = on_found,
                                                       .progress = on_progress,
                                                       .ended = on_ended };
    struct job *job = ctx;
    job->search = opcua_search_new(job->thread, job->trust, OPCUA_QUESTION_US, &events, job);
    for (size_t i = 0; i < job->place_count; i++) {
        opcua_search_ask(job->search, job->places[i], job->place_count > 1);
    }
}

static void add_there(void *ctx)
{
    struct message *message = ctx;
    struct opcua_search *search = message->job->search;
    if (search != NULL) {
        opcua_search_server(search, message->url, message->host, message->name,
                            message->capabilities);
    }
    message_free(message);
}

static void finish_there(void *ctx)
{
    struct job *job = ctx;
    if (job->search != NULL) {
        opcua_search_finish(job->search);
    }
}

static void stop_there(void *ctx)
{
    struct job *job = ctx;
    if (job->search != NULL) {
        on_ended(job, BUSBAR_ECANCELED, "");
    }
}

/* ---- jobs ---- */

static void listened(struct timer *timer, void *ctx)
{
    struct job *job = ctx;
    (void)timer;
    if (job->asks && job->asked == 1 && job->discover->heard != NULL) {
        job->asked++;
        (void)opcua_heard_ask(job->discover->heard);
    }
    if (loop_now_us(job->discover->loop) < job->until_us) {
        timer_start_at_us(&job->listening, job->until_us, 0);
        return;
    }
    opcua_thread_do(job->thread, finish_there, job);
}

static struct job *job_new(struct opcua_discover *discover, struct driver_discovery *discovery)
{
    struct job *job = busbar_alloc(sizeof(*job));
    job->discover = discover;
    job->thread = discover->thread;
    job->discovery = discovery;
    timer_init(&job->listening, discover->loop, listened, job);
    list_append(&discover->jobs, &job->link);
    return job;
}

static void add(struct job *job, const struct opcua_mdns_server *server, const char *url,
                const char *host)
{
    struct message *message = busbar_alloc(sizeof(*message));
    message->job = job;
    message->url = busbar_strdup(url);
    message->host = busbar_strdup(host);
    message->name = busbar_strdup(server->name);
    message->capabilities = busbar_strdup(server->caps);
    opcua_thread_do(job->thread, add_there, message);
}

/* ---- what is heard ---- */

static void on_heard(void *ctx, const struct opcua_mdns_server *server, const char *url,
                     const char *host)
{
    struct opcua_discover *discover = ctx;
    bool asked = false;
    if (server->gone) {
        opcua_seen_forget(&discover->seen, server->name);
        return;
    }
    list_each(at, &discover->jobs) {
        struct job *job = list_entry(at, struct job, link);
        if (job->asks && timer_running(&job->listening)) {
            add(job, server, url, host);
            asked = true;
        }
    }
    if (asked || !discover->listen ||
        opcua_seen_known(&discover->seen, server, loop_now_us(discover->loop))) {
        return;
    }
    if (discover->collecting == NULL || !timer_running(&discover->collecting->listening)) {
        struct job *job = job_new(discover, NULL);
        job->until_us = loop_now_us(discover->loop) + COLLECT_MS * CLOCK_US_PER_MS;
        timer_start_at_us(&job->listening, job->until_us, 0);
        opcua_thread_do(job->thread, begin_there, job);
        discover->collecting = job;
    }
    add(discover->collecting, server, url, host);
}

static int start_listening(struct opcua_discover *discover)
{
    if (discover->heard != NULL) {
        return 0;
    }
    discover->trouble = (struct err){ 0 };
    return opcua_heard_open(discover->loop, on_heard, discover, &discover->heard,
                            &discover->trouble);
}

/* Unless somebody needs it. */
static void stop_listening(struct opcua_discover *discover)
{
    bool needed = discover->listen;
    list_each(at, &discover->jobs) {
        needed = needed || list_entry(at, struct job, link)->asks;
    }
    if (!needed) {
        opcua_heard_close(discover->heard);
        discover->heard = NULL;
    }
}

/* ---- ops ---- */

static void put_place(struct job *job, const char *host, uint16_t port, const char *path)
{
    struct opcua_url url = { .port = port, .path = path };
    struct buf text;
    (void)str_copy(url.host, sizeof(url.host), host);
    buf_init(&text, OPCUA_URL_MAX);
    opcua_url_print(&url, &text);
    (void)str_copy(job->places[job->place_count++], sizeof(job->places[0]), buf_text(&text));
    buf_fini(&text);
}

static void put_usual(struct job *job, const char *host)
{
    put_place(job, host, OPCUA_DISCOVERY_PORT, "");
    put_place(job, host, OPCUA_PORT, "");
    put_place(job, host, OPCUA_SECOND_PORT, "");
}

static int read_port(const struct driver_discovery *discovery, uint16_t *port, struct err *err)
{
    const char *text = driver_discovery_option(discovery, "port");
    int64_t number = 0;
    if (text != NULL && (str_parse_i64(text, &number) != 0 || number < 1 || number > UINT16_MAX)) {
        return err_set(err, BUSBAR_EINVAL, "'%.40s' is no port: 1 to 65535", text);
    }
    *port = (uint16_t)number;
    return 0;
}

static int read_places(struct job *job, const char *range, struct err *err)
{
    struct opcua_url url;
    struct opcua_url other;
    uint16_t port = 0;
    int error = read_port(job->discovery, &port, err);
    bool whole = range != NULL && str_starts(range, "opc.tcp://");
    if (error != 0 || range == NULL) {
        if (error == 0 && port != 0) {
            put_place(job, "localhost", port, "");
        } else if (error == 0) {
            put_usual(job, "localhost");
        }
        return error;
    }
    if (!whole && strchr(range, '/') != NULL) {
        return err_set(err, BUSBAR_EINVAL,
                       "'%.80s' is not one host: OPC UA servers are looked for host by host, "
                       "or everywhere by leaving it out",
                       range);
    }
    error = opcua_url_parse(range, OPCUA_PORT, &url, err);
    if (error != 0 || opcua_url_parse(range, OPCUA_SECOND_PORT, &other, err) != 0) {
        return error;
    }
    (void)str_copy(job->host, sizeof(job->host), url.host);
    if (port != 0 || whole || url.port == other.port) {
        put_place(job, url.host, port != 0 ? port : url.port, url.path);
    } else {
        put_usual(job, url.host);
    }
    return 0;
}

static int read_wait(const struct driver_discovery *discovery, int64_t *wait_us, struct err *err)
{
    const char *text = driver_discovery_option(discovery, "wait");
    *wait_us = OPCUA_LISTEN_US;
    if (text != NULL && (str_parse_duration_us(text, wait_us) != 0 || *wait_us <= 0 ||
                         *wait_us > OPCUA_LISTEN_MAX_US)) {
        return err_set(err, BUSBAR_EINVAL, "'%.40s' is no time to wait: up to 2m, as 5s", text);
    }
    return 0;
}

void opcua_discover_begin(struct opcua_discover *discover, struct driver_discovery *discovery)
{
    const char *range = driver_discovery_option(discovery, "range");
    struct err err = { 0 };
    int64_t wait_us = 0;
    range = range != NULL && range[0] != '\0' ? range : NULL;
    struct job *job = job_new(discover, discovery);
    job->trust = driver_trust(discover->drv);
    if (read_wait(discovery, &wait_us, &err) != 0 || read_places(job, range, &err) != 0) {
        job_free(job);
        driver_discovered(discovery, err.code, err.message);
        return;
    }
    opcua_thread_do(discover->thread, begin_there, job);
    if (range != NULL) {
        opcua_thread_do(discover->thread, finish_there, job);
        return;
    }
    job->asks = true;
    job->asked = 1;
    job->until_us = loop_now_us(discover->loop) + wait_us;
    timer_start(&job->listening, wait_us < ASK_AGAIN_MS * CLOCK_US_PER_MS ? 0 : ASK_AGAIN_MS, 0);
    if (start_listening(discover) == 0) {
        (void)opcua_heard_ask(discover->heard);
    }
}

void opcua_discover_end(struct opcua_discover *discover, struct driver_discovery *discovery)
{
    list_each(at, &discover->jobs) {
        struct job *job = list_entry(at, struct job, link);
        if (job->discovery == discovery && !job->stopping) {
            job->stopping = true;
            timer_stop(&job->listening);
            opcua_thread_do(discover->thread, stop_there, job);
            return;
        }
    }
}

void opcua_discover_setup(struct opcua_discover *discover, const struct setup *setup)
{
    discover->listen = setup->given && settings_bool(&setup->settings, SETUP_MDNS);
    if (discover->listen) {
        (void)start_listening(discover);
    } else {
        stop_listening(discover);
    }
}

void opcua_discover_ports(const struct setup *setup, driver_port_cb cb, void *ctx)
{
    if (setup->given && settings_bool(&setup->settings, SETUP_MDNS)) {
        struct driver_port port = { .use = "OPC UA servers that announce themselves",
                                    .transport = "udp",
                                    .host = "0.0.0.0",
                                    .port = OPCUA_MDNS_PORT,
                                    .at = settings_at(&setup->settings, SETUP_MDNS) };
        cb(ctx, &port);
    }
}

void opcua_discover_status(const struct opcua_discover *discover, driver_status_cb cb, void *ctx)
{
    char text[160];
    struct driver_status status = { .part = "", .name = "announcements", .text = text };
    if (!discover->listen) {
        return;
    }
    if (discover->heard == NULL) {
        str_format(text, sizeof(text), "not heard");
        status.trouble = discover->trouble.message;
        status.closed = true;
    } else {
        str_format(text, sizeof(text), "%llu heard, %llu messages not understood",
                   (unsigned long long)opcua_heard_count(discover->heard),
                   (unsigned long long)opcua_heard_bad(discover->heard));
        if (discover->seen.pushed_out > 0) {
            size_t size = strlen(text);
            str_format(text + size, sizeof(text) - size, ", %llu names made place for newer ones",
                       (unsigned long long)discover->seen.pushed_out);
        }
    }
    cb(ctx, &status);
}

struct opcua_discover *opcua_discover_new(struct driver *drv, struct opcua_thread *thread)
{
    struct opcua_discover *discover = busbar_alloc(sizeof(*discover));
    *discover = (struct opcua_discover){ .drv = drv, .loop = driver_loop(drv), .thread = thread };
    list_init(&discover->jobs);
    opcua_seen_init(&discover->seen);
    map_init(&discover->places);
    return discover;
}

void opcua_discover_free(struct opcua_discover *discover)
{
    size_t at = 0;
    void *place;
    if (discover == NULL) {
        return;
    }
    list_each_safe(job_at, &discover->jobs) {
        struct job *job = list_entry(job_at, struct job, link);
        timer_stop(&job->listening);
        list_remove(&job->link);
        opcua_thread_do(discover->thread, stop_there, job);
        job->discover = NULL;
    }
    opcua_heard_close(discover->heard);
    opcua_seen_fini(&discover->seen);
    while (map_next(&discover->places, &at, NULL, &place)) {
        busbar_free(((struct place *)place)->uri);
        busbar_free(place);
    }
    map_fini(&discover->places);
    busbar_free(discover);
}
