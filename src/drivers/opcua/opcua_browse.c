/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_browse.h"

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/opcua/data/browse.h"

struct opcua_browses {
    struct opcua_thread *thread;
    struct trust *trust;
    const struct opcua_link_config *config;
    struct list looks;
    void (*stopped)(void *ctx); /* to be told when the last has ended; NULL: nobody waits */
    void *ctx;
};

/* One look. What stands under "there" belongs to the OPC UA thread from begin to end. */
struct look {
    struct list link; /* browses->looks */
    struct opcua_browses *browses;
    struct driver_browse *browse;
    bool stopping;
    char *at;                   /* there */
    struct opcua_browse *there; /* there; NULL: not begun, or ended */
    int error;                  /* how it ended */
    char message[ERR_MESSAGE_MAX];
};

/* ---- home ---- */

struct message {
    struct look *look;
    struct opcua_told *told;
};

static void told_here(void *ctx)
{
    struct message *message = ctx;
    struct driver_browse *browse = message->look->browse;
    for (size_t i = 0; i < message->told->count; i++) {
        driver_node(browse, &message->told->nodes[i]);
    }
    driver_browse_progress(browse, message->told->done, 0);
    opcua_told_free(message->told);
    busbar_free(message);
}

/* Behind a stop that may still be on its way there. */
static void gone_there(void *ctx)
{
    struct look *look = ctx;
    busbar_free(look->at);
    busbar_free(look);
}

static void ended_here(void *ctx)
{
    struct look *look = ctx;
    struct opcua_browses *browses = look->browses;
    list_remove(&look->link);
    driver_browsed(look->browse, look->error, look->message[0] != '\0' ? look->message : NULL);
    opcua_thread_do(browses->thread, gone_there, look);
    if (list_empty(&browses->looks) && browses->stopped != NULL) {
        void (*stopped)(void *ctx) = browses->stopped;
        browses->stopped = NULL;
        stopped(browses->ctx);
    }
}

/* ---- there ---- */

static void on_told(void *ctx, struct opcua_told *told)
{
    struct look *look = ctx;
    struct message *message = busbar_alloc(sizeof(*message));
    message->look = look;
    message->told = told;
    opcua_thread_tell(look->browses->thread, told_here, message);
}

static void on_ended(void *ctx, int error, const char *message)
{
    struct look *look = ctx;
    look->there = NULL;
    look->error = error;
    (void)str_copy(look->message, sizeof(look->message), message);
    opcua_thread_tell(look->browses->thread, ended_here, look);
}

static void begin_there(void *ctx)
{
    static const struct opcua_browse_events events = { .told = on_told, .ended = on_ended };
    struct look *look = ctx;
    const struct opcua_browses *browses = look->browses;
    look->there = opcua_browse_start(browses->thread, browses->trust, browses->config, look->at,
                                     &events, look);
}

static void stop_there(void *ctx)
{
    struct look *look = ctx;
    if (look->there != NULL) {
        opcua_browse_stop(look->there);
    }
}

/* ---- calls ---- */

static void stop(struct look *look)
{
    if (!look->stopping) {
        look->stopping = true;
        opcua_thread_do(look->browses->thread, stop_there, look);
    }
}

void opcua_browses_begin(struct opcua_browses *browses, struct driver_browse *browse)
{
    struct look *look = busbar_alloc(sizeof(*look));
    *look = (struct look){ .browses = browses,
                           .browse = browse,
                           .at = busbar_strdup(driver_browse_at(browse)) };
    list_append(&browses->looks, &look->link);
    opcua_thread_do(browses->thread, begin_there, look);
}

void opcua_browses_end(struct opcua_browses *browses, struct driver_browse *browse)
{
    list_each(at, &browses->looks) {
        struct look *look = list_entry(at, struct look, link);
        if (look->browse == browse) {
            stop(look);
            return;
        }
    }
}

bool opcua_browses_stop(struct opcua_browses *browses, void (*stopped)(void *ctx), void *ctx)
{
    if (list_empty(&browses->looks)) {
        return true;
    }
    browses->stopped = stopped;
    browses->ctx = ctx;
    list_each(at, &browses->looks) {
        stop(list_entry(at, struct look, link));
    }
    return false;
}

struct opcua_browses *opcua_browses_new(struct opcua_thread *thread, struct trust *trust,
                                        const struct opcua_link_config *config)
{
    struct opcua_browses *browses = busbar_alloc(sizeof(*browses));
    *browses = (struct opcua_browses){ .thread = thread, .trust = trust, .config = config };
    list_init(&browses->looks);
    return browses;
}

void opcua_browses_free(struct opcua_browses *browses)
{
    busbar_free(browses);
}
