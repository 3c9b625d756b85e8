/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_discover.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "drivers/snmp/snmp_logins.h"
#include "drivers/snmp/snmp_probe.h"
#include "drivers/snmp/snmp_range.h"
#include "net/timer.h"

enum {
    TURN_MS = 10,       /* between two looks at what may be sent */
    PROBES_MAX = 512,   /* addresses asked at a time */
    KNOWN_MAX = 10000,  /* engines and senders remembered */
    HEARD_AGAIN_S = 60, /* a sender is told again after that */
    KEY_MAX = 80,       /* an address, or an engine id in hexadecimal */
    WAIT_MAX_S = 10,
    NAMES_MAX = 256,
};

/* Where an engine was found first, or when a sender was told last. By `key`. */
struct known {
    char key[KEY_MAX];
    char address[KEY_MAX];
    int64_t told_us;
};

struct job {
    struct list link; /* discover->jobs */
    struct snmp_discover *discover;
    struct driver_discovery *discovery;
    struct snmp_ranges ranges;
    uint32_t next, done, found; /* addresses */
    struct list probes;
    size_t probe_count;
    struct snmp_probe_options options;
    const struct snmp_login *logins[SNMP_DISCOVER_LOGINS_MAX]; /* held */
    char left_out[NAMES_MAX]; /* parts of `credentials:` that could not be tried */
    double tokens, rate;      /* packets that may go now; in a second */
    int64_t filled_us;
    struct timer turn;
};

struct snmp_discover {
    struct snmp_driver_state *state;
    struct list jobs;
    struct map engines, senders; /* struct known */
    const struct snmp_login *nobody,
        *everybody; /* no agent has this user; the community "public" */
};

static struct known *known_at(struct map *map, const char *key)
{
    struct known *known = map_get(map, key);
    if (known == NULL && map->count < KNOWN_MAX) {
        known = busbar_alloc(sizeof(*known));
        (void)str_copy(known->key, sizeof(known->key), key);
        map_set(map, known->key, known);
    }
    return known;
}

/* ---- the end of a discovery ---- */

static void job_free(struct job *job)
{
    timer_stop(&job->turn);
    list_each_safe(at, &job->probes) {
        snmp_probe_free(list_entry(at, struct snmp_probe, link));
    }
    for (size_t i = 0; i < job->options.login_count; i++) {
        snmp_login_drop(job->logins[i]);
    }
    list_remove(&job->link);
    busbar_free(job);
}

static void put_logins(const struct job *job, struct buf *out)
{
    for (size_t i = 0; i < job->options.login_count; i++) {
        const char *name = job->logins[i]->name;
        (void)buf_printf(out, "%s%s", i > 0 ? ", " : "",
                         name[0] != '\0' ? name : "the community public");
    }
}

/* What to know about the result. */
static void put_message(const struct job *job, bool whole, struct buf *out)
{
    if (!whole) {
        (void)buf_printf(out,
                         "%u of %u addresses were asked: --timeout 10m for more time, --rate for "
                         "more packets a second than %.0f",
                         job->done, job->ranges.addresses, job->rate);
    } else if (job->found == 0) {
        (void)buf_printf(out,
                         "none of %u %s answered. An agent does not answer a wrong community, and "
                         "often not an address that is not in its access list (tried: ",
                         job->ranges.addresses,
                         job->ranges.addresses == 1 ? "address" : "addresses");
        put_logins(job, out);
        (void)buf_append_text(out, "); a firewall must let UDP 161 pass");
    }
    if (job->left_out[0] != '\0') {
        (void)buf_printf(out, "%snot tried, as they could not be made (busbar drivers snmp): %s",
                         out->size > 0 ? ". " : "", job->left_out);
    }
}

static void finish(struct job *job, int error)
{
    struct driver_discovery *discovery = job->discovery;
    struct buf words;
    buf_init(&words, 2 * ERR_MESSAGE_MAX);
    put_message(job, error == 0, &words);
    job_free(job);
    driver_discovered(discovery, error, words.size > 0 ? buf_text(&words) : NULL);
    buf_fini(&words);
}

/* ---- finds ---- */

/* Another address with the same engine id is remembered at the find. */
static void look_for_twin(struct snmp_discover *discover, struct snmp_found *found)
{
    char hex[KEY_MAX];
    struct buf address;
    if (found->engine_size == 0) {
        return;
    }
    buf_init(&address, KEY_MAX);
    snmp_find_address(&found->address, &address);
    (void)str_hex(hex, sizeof(hex), found->engine, found->engine_size, 0);
    struct known *known = known_at(&discover->engines, hex);
    if (known != NULL && known->address[0] == '\0') {
        (void)str_copy(known->address, sizeof(known->address), buf_text(&address));
    } else if (known != NULL && strcmp(known->address, buf_text(&address)) != 0) {
        (void)str_copy(found->twin, sizeof(found->twin), known->address);
    }
    buf_fini(&address);
}

static bool is_configured(struct driver *drv, const struct endpoint *address)
{
    struct device *dev = driver_next_device(drv, NULL);
    while (dev != NULL && !endpoint_equal(&snmp_device_of(dev)->address, address)) {
        dev = driver_next_device(drv, dev);
    }
    return dev != NULL;
}

static void on_probed(void *ctx, struct snmp_probe *probe)
{
    struct job *job = ctx;
    struct snmp_discover *discover = job->discover;
    if (probe->answered) {
        job->found++;
        look_for_twin(discover, &probe->found);
        probe->found.configured = is_configured(discover->state->drv, &probe->found.address);
        snmp_find_tell(discover->state->drv, job->discovery, discover->state->mib, &probe->found);
    }
    snmp_probe_free(probe);
    job->probe_count--;
    job->done++;
    driver_discovery_progress(job->discovery, job->done, job->ranges.addresses);
    if (job->done == job->ranges.addresses) {
        finish(job, 0);
    }
}

static void on_sent(void *ctx)
{
    ((struct job *)ctx)->tokens -= 1;
}

/* As many new addresses as there are packets to send. What is asked further of those that answered is counted as well
 * and makes the next ones wait. */
static void on_turn(struct timer *timer, void *ctx)
{
    struct job *job = ctx;
    int64_t now_us = loop_now_us(job->discover->state->loop);
    (void)timer;
    job->tokens += (double)(now_us - job->filled_us) * job->rate / 1e6;
    double most = job->rate * TURN_MS * 2 / 1000 + 1;
    job->tokens = job->tokens > most ? most : job->tokens;
    job->filled_us = now_us;
    double budget = job->tokens;
    while (budget >= 1 && job->probe_count < PROBES_MAX && job->next < job->ranges.addresses) {
        struct endpoint address = snmp_ranges_at(&job->ranges, job->next++);
        struct snmp_probe *probe = snmp_probe_new(&job->options, &address);
        list_append(&job->probes, &probe->link);
        job->probe_count++;
        budget -= 1;
    }
    if (job->next == job->ranges.addresses) {
        timer_stop(&job->turn);
    }
}

/* ---- options ---- */

static int read_number(const struct driver_discovery *discovery, const char *name, int64_t fallback,
                       int64_t most, int64_t *out, struct err *err)
{
    const char *text = driver_discovery_option(discovery, name);
    *out = fallback;
    if (text != NULL && (str_parse_i64(text, out) != 0 || *out < 1 || *out > most)) {
        return err_set(err, BUSBAR_EINVAL, "'%.40s' is no %s: 1 to %lld", text, name,
                       (long long)most);
    }
    return 0;
}

static int read_wait(const struct driver_discovery *discovery, int64_t *wait_us, struct err *err)
{
    const char *text = driver_discovery_option(discovery, "wait");
    *wait_us = CLOCK_US_PER_S;
    if (text != NULL && (str_parse_duration_us(text, wait_us) != 0 || *wait_us <= 0 ||
                         *wait_us > WAIT_MAX_S * CLOCK_US_PER_S)) {
        return err_set(err, BUSBAR_EINVAL,
                       "'%.40s' is no time to wait for an answer: up to %ds, as 2s", text,
                       WAIT_MAX_S);
    }
    return 0;
}

static void leave_out(struct job *job, const char *name)
{
    size_t used = strlen(job->left_out);
    (void)str_format(job->left_out + used, sizeof(job->left_out) - used, "%s%s",
                     used > 0 ? ", " : "", name);
}

static void add_login(struct job *job, const struct snmp_login *login)
{
    if (job->options.login_count < SNMP_DISCOVER_LOGINS_MAX) {
        job->logins[job->options.login_count++] = snmp_login_hold(login);
    }
}

/* "plant, old": only these, in this order. */
static int read_chosen(struct job *job, const char *text, struct err *err)
{
    static const char apart[] = ", ";
    const struct snmp_logins *logins = job->discover->state->logins;
    for (text += strspn(text, apart); *text != '\0'; text += strspn(text, apart)) {
        char name[KEY_MAX];
        size_t size = strcspn(text, apart);
        bool there = false;
        (void)str_format(name, sizeof(name), "%.*s", (int)(size < KEY_MAX ? size : 0), text);
        text += size;
        for (size_t i = 0; i < snmp_logins_count(logins) && !there; i++) {
            there = strcmp(snmp_logins_name(logins, i), name) == 0;
            if (there && snmp_logins_at(logins, i) == NULL) {
                leave_out(job, name);
            } else if (there) {
                add_login(job, snmp_logins_at(logins, i));
            }
        }
        if (!there) {
            (void)err_set(err, BUSBAR_EINVAL, "there are no credentials '%s'", name);
            return err_hint(err, "the parts of drivers: snmp: credentials: in the configuration");
        }
    }
    return 0;
}

static int read_logins(struct job *job, struct err *err)
{
    const struct snmp_logins *logins = job->discover->state->logins;
    const char *chosen = driver_discovery_option(job->discovery, "credentials");
    const char *public = driver_discovery_option(job->discovery, "public");
    bool also = public != NULL && strcmp(public, "false") != 0;
    size_t count = snmp_logins_count(logins);
    if (chosen != NULL) {
        int error = read_chosen(job, chosen, err);
        if (error != 0) {
            return error;
        }
    }
    for (size_t i = 0; chosen == NULL && i < count; i++) {
        if (snmp_logins_at(logins, i) == NULL) {
            leave_out(job, snmp_logins_name(logins, i));
        } else {
            add_login(job, snmp_logins_at(logins, i));
        }
    }
    if (also || (chosen == NULL && count == 0)) {
        add_login(job, job->discover->everybody);
    }
    return 0;
}

static int read_options(struct job *job, struct err *err)
{
    const char *range = driver_discovery_option(job->discovery, "range");
    int64_t port = 0;
    int64_t rate = 0;
    int error = read_number(job->discovery, "port", SNMP_PORT, UINT16_MAX, &port, err);
    error = error != 0 ? error
                       : read_number(job->discovery, "rate", SNMP_DISCOVER_RATE,
                                     SNMP_DISCOVER_RATE_MAX, &rate, err);
    error = error != 0 ? error : read_wait(job->discovery, &job->options.wait_us, err);
    error = error != 0
                ? error
                : snmp_ranges_parse(range != NULL ? range : "", (uint16_t)port, &job->ranges, err);
    job->rate = (double)rate;
    return error != 0 ? error : read_logins(job, err);
}

/* ---- ops ---- */

static struct job *job_new(struct snmp_discover *discover, struct driver_discovery *discovery)
{
    struct job *job = busbar_alloc(sizeof(*job));
    job->discover = discover;
    job->discovery = discovery;
    job->options = (struct snmp_probe_options){
        .client = discover->state->client,
        .loop = discover->state->loop,
        .nobody = discover->nobody,
        .logins = job->logins,
        .sent = on_sent,
        .done = on_probed,
        .ctx = job,
    };
    list_init(&job->probes);
    list_append(&discover->jobs, &job->link);
    timer_init(&job->turn, discover->state->loop, on_turn, job);
    return job;
}

static void refuse(struct job *job, const struct err *err)
{
    struct driver_discovery *discovery = job->discovery;
    struct buf words;
    buf_init(&words, ERR_MESSAGE_MAX + ERR_HINT_MAX);
    (void)buf_printf(&words, "%s%s%s", err->message, err->hint[0] != '\0' ? ": " : "", err->hint);
    job_free(job);
    driver_discovered(discovery, err->code, buf_text(&words));
    buf_fini(&words);
}

void snmp_discover_begin(struct snmp_discover *discover, struct driver_discovery *discovery)
{
    struct err err = { 0 };
    if (discover->state->client == NULL) {
        driver_discovered(discovery, discover->state->broken.code, discover->state->broken.message);
        return;
    }
    struct job *job = job_new(discover, discovery);
    if (read_options(job, &err) != 0) {
        refuse(job, &err);
        return;
    }
    job->filled_us = loop_now_us(discover->state->loop);
    job->tokens = 1;
    timer_start(&job->turn, 0, TURN_MS);
}

void snmp_discover_end(struct snmp_discover *discover, struct driver_discovery *discovery)
{
    list_each(at, &discover->jobs) {
        struct job *job = list_entry(at, struct job, link);
        if (job->discovery == discovery) {
            finish(job, BUSBAR_ECANCELED);
            return;
        }
    }
}

void snmp_discover_heard(struct snmp_discover *discover, const struct snmp_heard *heard)
{
    struct buf key;
    if (discover == NULL) {
        return;
    }
    struct endpoint from = heard->from;
    int64_t now_us = loop_now_us(discover->state->loop);
    from.port = SNMP_PORT; /* it sends from any; it is asked there */
    buf_init(&key, KEY_MAX);
    snmp_find_address(&from, &key);
    struct known *sender = known_at(&discover->senders, buf_text(&key));
    buf_fini(&key);
    if (sender == NULL ||
        (sender->told_us != 0 && now_us - sender->told_us < HEARD_AGAIN_S * CLOCK_US_PER_S)) {
        return;
    }
    sender->told_us = now_us;
    struct snmp_found *found = busbar_alloc(sizeof(*found));
    found->address = from;
    found->interfaces = -1;
    size_t size = bytes_left(&heard->engine);
    if (size >= USM_ENGINE_MIN && size <= USM_ENGINE_MAX) {
        memcpy(found->engine, heard->engine.at, size);
        found->engine_size = (uint8_t)size;
    }
    snmp_oid_take(&found->object_id, heard->enterprise);
    (void)str_format(found->trap, sizeof(found->trap), "a trap%s%s",
                     heard->trap != NULL && heard->trap[0] != '\0' ? ": " : "",
                     heard->trap != NULL ? heard->trap : "");
    snmp_find_tell(discover->state->drv, NULL, discover->state->mib, found);
    busbar_free(found);
}

void snmp_discover_key(const struct snmp_device *device, struct buf *out)
{
    if (device->address.family != 0) {
        snmp_find_address(&device->address, out);
    }
}

struct snmp_discover *snmp_discover_new(struct snmp_driver_state *state)
{
    struct snmp_discover *discover = busbar_alloc(sizeof(*discover));
    struct usm_user *user = NULL;
    discover->state = state;
    list_init(&discover->jobs);
    map_init(&discover->engines);
    map_init(&discover->senders);
    if (usm_user_make("busbar-discovery", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, &user, NULL) ==
        0) {
        discover->nobody = snmp_login_new(&(struct snmp_login){ .version = SNMP_V3, .user = user });
        usm_user_drop(user);
    }
    discover->everybody = snmp_login_new(
        &(struct snmp_login){ .version = SNMP_V2C, .community = "public" });
    return discover;
}

static void forget(struct map *map)
{
    size_t at = 0;
    void *known;
    while (map_next(map, &at, NULL, &known)) {
        busbar_free(known);
    }
    map_fini(map);
}

void snmp_discover_free(struct snmp_discover *discover)
{
    if (discover == NULL) {
        return;
    }
    list_each_safe(at, &discover->jobs) {
        job_free(list_entry(at, struct job, link));
    }
    forget(&discover->engines);
    forget(&discover->senders);
    snmp_login_drop(discover->nobody);
    snmp_login_drop(discover->everybody);
    busbar_free(discover);
}
