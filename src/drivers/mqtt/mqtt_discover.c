/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_discover.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_listen.h"
#include "drivers/mqtt/mqtt_propose.h"

enum {
    REMEMBERED_MAX = 4,    /* brokers whose last discovery is remembered */
    MESSAGES_MAX = 500000, /* of one discovery */
    WAIT_MAX_S = 540,
    SETTINGS_MAX = 8192,
    TEXT_MAX = 1024,
    PROGRESS_MS = 500,
};
#define WAIT_US (INT64_C(10) * CLOCK_US_PER_S)
#define TELL_US (INT64_C(2) * CLOCK_US_PER_S) /* what was heard until now is told so often */

struct job {
    struct list link; /* discoveries->jobs */
    struct mqtt_discoveries *discoveries;
    struct driver_discovery *asked;
    struct mqtt_config config; /* of the broker; texts of the setup */
    char range[MQTT_URL_TEXT_MAX + 1];
    struct mqtt_listen *listen;
    struct mqtt_seen seen;
    struct mqtt_index *known; /* topic -> struct known */
    struct arena texts;
    struct timer progress;
    int64_t began_us, wait_us, told_us;
    uint64_t told_messages;
};

struct remembered {
    char *url;
    struct mqtt_seen seen;
};

struct mqtt_discoveries {
    struct mqtt_state *state;
    struct list jobs;
    struct remembered remembered[REMEMBERED_MAX];
    size_t count, next;
};

/* ---- remembering ---- */

static char *url_text(const struct mqtt_url *url)
{
    struct buf text;
    buf_init(&text, MQTT_URL_TEXT_MAX + ADDRESS_TEXT_MAX);
    mqtt_url_print(url, &text);
    char *copy = busbar_strdup(buf_text(&text));
    buf_fini(&text);
    return copy;
}

static void forget(struct remembered *remembered)
{
    busbar_free(remembered->url);
    mqtt_seen_fini(&remembered->seen);
    *remembered = (struct remembered){ .url = NULL };
}

/* Takes over what the job has seen. */
static void remember(struct mqtt_discoveries *discoveries, struct job *job)
{
    char *url = url_text(&job->config.broker.url);
    struct remembered *place = NULL;
    for (size_t i = 0; i < discoveries->count; i++) {
        if (strcmp(discoveries->remembered[i].url, url) == 0) {
            place = &discoveries->remembered[i];
        }
    }
    if (place == NULL && discoveries->count < REMEMBERED_MAX) {
        place = &discoveries->remembered[discoveries->count++];
    } else if (place == NULL) {
        place = &discoveries->remembered[discoveries->next++ % REMEMBERED_MAX];
    }
    if (place->url != NULL) {
        forget(place);
    }
    place->url = url;
    place->seen = job->seen;
    mqtt_seen_init(&job->seen);
}

const struct mqtt_seen *mqtt_discover_seen(const struct mqtt_discoveries *discoveries,
                                           const struct mqtt_url *url)
{
    const struct mqtt_seen *found = NULL;
    char *text = url_text(url);
    for (size_t i = 0; i < discoveries->count; i++) {
        if (strcmp(discoveries->remembered[i].url, text) == 0) {
            found = &discoveries->remembered[i].seen;
        }
    }
    busbar_free(text);
    return found;
}

/* ---- which are configured ---- */

/* A device that is configured at this broker, by the topics it is subscribed to. */
struct known {
    const char *key; /* of its find */
    bool by_id;      /* one of many by this topic: who is unknown there is told by the feed */
};

struct knowing {
    struct job *job;
    struct known *device;
};

static int know_topic(void *ctx, const char *filter)
{
    const struct knowing *knowing = ctx;
    struct job *job = knowing->job;
    const char *kept = arena_strdup(&job->texts, filter);
    if (kept != NULL && mqtt_index_get(job->known, kept) == NULL) {
        (void)mqtt_index_put(job->known, kept, knowing->device);
    }
    return 0;
}

static void know(struct job *job, const struct mqtt_device *device)
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    const struct device *dev = device->dev;
    const struct mqtt_topic_names names = mqtt_device_names(dev, &device->config, base);
    struct known *known = arena_alloc(&job->texts, sizeof(*known));
    struct knowing knowing = { .job = job, .device = known };
    struct buf key;
    if (known == NULL) {
        return;
    }
    buf_init(&key, SETTINGS_MAX);
    mqtt_discover_key(device, &key);
    known->key = arena_strdup(&job->texts, buf_text(&key));
    known->by_id = device->shape != NULL && payload_shape_has_id(device->shape);
    buf_fini(&key);
    if (known->key == NULL || known->key[0] == '\0') {
        return;
    }
    (void)mqtt_topics_each(device->config.topic, &names, know_topic, &knowing, NULL);
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct mqtt_address *address = driver_address(dev, i);
        (void)mqtt_topics_each(address->topic, &names, know_topic, &knowing, NULL);
    }
}

static void know_devices(struct job *job)
{
    struct driver *drv = job->discoveries->state->drv;
    char *url = url_text(&job->config.broker.url);
    job->known = mqtt_index_new();
    arena_init(&job->texts, 0);
    for (struct device *dev = driver_next_device(drv, NULL); dev != NULL;
         dev = driver_next_device(drv, dev)) {
        const struct mqtt_device *device = mqtt_device_of(dev);
        char *at = url_text(&device->config.broker.url);
        if (strcmp(at, url) == 0 && device->config.sparkplug == NULL) {
            know(job, device);
        }
        busbar_free(at);
    }
    busbar_free(url);
}

static void on_known(void *ctx, void *value)
{
    const struct known **found = ctx;
    *found = value;
}

/* Whose topic it is; NULL: nobody's. */
static const struct known *known_of(const struct job *job, const struct mqtt_proposal *proposal)
{
    const struct known *found = NULL;
    if (proposal->topics != NULL && proposal->topic != NULL) {
        mqtt_index_match(job->known, proposal->topic, on_known, &found);
    }
    return found;
}

/* ---- keys ---- */

static int put_topic(void *ctx, const char *filter)
{
    struct buf *out = ctx;
    (void)buf_printf(out, "%s%s", out->size > 0 ? ", " : "", filter);
    return 0;
}

static void put_key(struct buf *out, const struct mqtt_url *url, const char *topics,
                    const char *sparkplug)
{
    mqtt_url_print(url, out);
    if (sparkplug != NULL) {
        (void)buf_printf(out, " sparkplug %s", sparkplug);
    } else {
        (void)buf_printf(out, " %s", topics);
    }
}

void mqtt_discover_key(const struct mqtt_device *device, struct buf *out)
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    const struct mqtt_config *config = &device->config;
    const struct mqtt_topic_names names = mqtt_device_names(device->dev, config, base);
    struct buf topics;
    size_t before = out->size;
    feed_find_key(device->state->feed, device->dev, out);
    if (out->size > before || (config->topic == NULL && config->sparkplug == NULL)) {
        return;
    }
    buf_init(&topics, MQTT_TOPICS_TEXT_MAX);
    (void)mqtt_topics_each(config->topic, &names, put_topic, &topics, NULL);
    put_key(out, &config->broker.url, buf_text(&topics), config->sparkplug);
    buf_fini(&topics);
}

/* ---- telling ---- */

struct facts {
    struct driver_fact list[8];
    char texts[4][TEXT_MAX];
    size_t count;
};

static void add_fact(struct facts *facts, const char *name, const char *text)
{
    if (text[0] != '\0') {
        facts->list[facts->count++] = (struct driver_fact){ name, text };
    }
}

static void put_settings(const struct job *job, const struct mqtt_proposal *proposal,
                         struct buf *out)
{
    struct json_writer json = json_writer(out);
    (void)buf_append_text(out, "{ broker: ");
    json_string(&json, job->config.part != NULL ? job->config.part : job->range);
    json = json_writer(out);
    (void)buf_append_text(out, proposal->sparkplug != NULL ? ", sparkplug: " : ", topic: ");
    json_string(&json, proposal->sparkplug != NULL ? proposal->sparkplug : proposal->topics);
    (void)buf_append_text(out, " }");
}

static void on_proposal(void *ctx, const struct mqtt_proposal *proposal)
{
    struct job *job = ctx;
    const struct known *known = known_of(job, proposal);
    struct facts facts = { .count = 0 };
    struct buf key;
    struct buf settings;
    struct buf address;
    if (known != NULL && known->by_id) {
        return;
    }
    buf_init(&key, SETTINGS_MAX);
    buf_init(&settings, SETTINGS_MAX);
    buf_init(&address, SETTINGS_MAX);
    if (known != NULL) {
        (void)buf_append_text(&key, known->key);
    } else {
        put_key(&key, &job->config.broker.url, proposal->topics, proposal->sparkplug);
    }
    put_settings(job, proposal, &settings);
    mqtt_url_print(&job->config.broker.url, &address);
    str_format(facts.texts[0], TEXT_MAX, "%zu", proposal->topic_count);
    str_format(facts.texts[1], TEXT_MAX, "%llu", (unsigned long long)proposal->messages);
    add_fact(&facts, "topics", facts.texts[0]);
    add_fact(&facts, "messages", facts.texts[1]);
    add_fact(&facts, "says", proposal->sample);
    add_fact(&facts, "software", proposal->version);
    const struct driver_find find = {
        .key = buf_text(&key),
        .id = proposal->sparkplug != NULL ? proposal->sparkplug : proposal->topics,
        .name = proposal->name,
        .vendor = proposal->maker,
        .model = proposal->model,
        .description = proposal->sample,
        .address = buf_text(&address),
        .settings = buf_text(&settings),
        .trouble = proposal->binary && proposal->field_count == 0
                       ? "its messages are no text: points with cbor, msgpack, protobuf or bytes "
                         "can read them"
                       : "",
        .objects = proposal->sparkplug != NULL ? -1 : (int64_t)proposal->field_count,
        .facts = facts.list,
        .fact_count = facts.count,
    };
    if (!key.overflow && !settings.overflow) {
        driver_found(job->discoveries->state->drv, job->asked, &find);
    }
    buf_fini(&key);
    buf_fini(&settings);
    buf_fini(&address);
}

/* ---- a job ---- */

static void job_free(struct job *job)
{
    timer_stop(&job->progress);
    list_remove(&job->link);
    mqtt_seen_fini(&job->seen);
    mqtt_index_free(job->known);
    arena_fini(&job->texts);
    busbar_free(job);
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct job *job = ctx;
    const char *own = job->config.broker.status_topic;
    if (own != NULL && strcmp(own, message->topic) == 0) {
        return; /* our own word */
    }
    if (job->seen.messages < MESSAGES_MAX) {
        mqtt_seen_add(&job->seen, message->topic, message->payload, message->size,
                      message->retained);
    }
}

static void say_result(const struct job *job, const char *words, struct buf *out)
{
    (void)buf_append_text(out, words);
    if (words[0] == '\0' && job->seen.messages == 0) {
        (void)buf_append_text(out, "nothing was said while we listened: wait longer (--wait 1m), "
                                   "or look whether the user may read these topics");
    }
    if (job->seen.more_topics > 0) {
        (void)buf_printf(out,
                         "there are more than %d topics: name some, --topic 'plant/#'; %llu "
                         "messages were passed over",
                         MQTT_SEEN_TOPICS_MAX, (unsigned long long)job->seen.more_topics);
    }
}

static void on_ended(void *ctx, int error, const char *words)
{
    struct job *job = ctx;
    struct driver_discovery *asked = job->asked;
    struct buf message;
    buf_init(&message, MQTT_WORDS_MAX * 2);
    if (error == 0 || error == BUSBAR_ECANCELED) {
        mqtt_propose_devices(&job->seen, on_proposal, job);
    }
    say_result(job, words, &message);
    if (error == 0) {
        remember(job->discoveries, job);
    }
    job_free(job);
    driver_discovered(asked, error, message.size > 0 ? buf_text(&message) : NULL);
    buf_fini(&message);
}

static const struct mqtt_listen_events listen_events = { .message = on_message, .ended = on_ended };

static void on_progress(struct timer *timer, void *ctx)
{
    struct job *job = ctx;
    int64_t past_us = loop_now_us(timer->loop) - job->began_us;
    uint64_t total = (uint64_t)(job->wait_us / CLOCK_US_PER_S);
    uint64_t done = (uint64_t)(past_us / CLOCK_US_PER_S);
    driver_discovery_progress(job->asked, done < total ? done : total, total);
    if (past_us - job->told_us >= TELL_US && job->seen.messages > job->told_messages) {
        job->told_us = past_us;
        job->told_messages = job->seen.messages;
        mqtt_propose_devices(&job->seen, on_proposal, job);
    }
}

/* ---- what was asked for ---- */

static int no_broker(const struct setup *setup, struct err *err)
{
    struct buf names;
    buf_init(&names, ERR_HINT_MAX);
    for (size_t i = 0; i < setup->part_count && names.size < ERR_HINT_MAX / 2; i++) {
        (void)buf_printf(&names, "%s%s", i > 0 ? ", " : "", setup->parts[i].name);
    }
    (void)err_set(err, BUSBAR_EINVAL,
                  "which broker? a name of drivers: mqtt: brokers:%s%s, or a URL: busbar discover "
                  "mqtt mqtt://10.0.5.1",
                  names.size > 0 ? " " : "", buf_text(&names));
    buf_fini(&names);
    return BUSBAR_EINVAL;
}

static int read_broker(struct job *job, const struct setup *setup, struct err *err)
{
    const char *range = driver_discovery_option(job->asked, "range");
    const struct setup_part *part = NULL;
    range = range != NULL ? range : "";
    if (range[0] == '\0' && setup->part_count == 1) {
        part = &setup->parts[0];
    } else if (range[0] == '\0') {
        return no_broker(setup, err);
    } else {
        part = setup_part(setup, range);
    }
    if (part != NULL) {
        job->config.part = part->name;
        return mqtt_config_part(part, &job->config.broker, err);
    }
    job->config.broker = (struct mqtt_broker_config){ .packet_max = MQTT_PACKET_MAX };
    (void)str_copy(job->range, sizeof(job->range), range);
    int error = mqtt_url_parse(range, &job->config.broker.url, err);
    if (error != 0 && strpbrk(range, ":./") == NULL) {
        return no_broker(setup, err);
    }
    return error;
}

static int read_wait(const struct driver_discovery *asked, int64_t *wait_us, struct err *err)
{
    const char *text = driver_discovery_option(asked, "wait");
    *wait_us = WAIT_US;
    if (text != NULL && (str_parse_duration_us(text, wait_us) != 0 || *wait_us <= 0 ||
                         *wait_us > WAIT_MAX_S * CLOCK_US_PER_S)) {
        return err_set(err, BUSBAR_EINVAL, "'%.40s' is no time to wait: up to 9m, as 30s", text);
    }
    return 0;
}

void mqtt_discover_begin(struct mqtt_discoveries *discoveries, struct driver_discovery *asked)
{
    struct mqtt_state *state = discoveries->state;
    const char *topics = driver_discovery_option(asked, "topic");
    struct err err = { 0 };
    struct job *job = busbar_alloc(sizeof(*job));
    job->discoveries = discoveries;
    job->asked = asked;
    job->began_us = loop_now_us(state->loop);
    mqtt_seen_init(&job->seen);
    timer_init(&job->progress, state->loop, on_progress, job);
    list_append(&discoveries->jobs, &job->link);
    int error = read_broker(job, driver_setup(state->drv), &err);
    error = error == 0 ? read_wait(asked, &job->wait_us, &err) : error;
    know_devices(job);
    if (error == 0) {
        error = mqtt_listen_start(state, &job->config.broker, topics != NULL ? topics : "#",
                                  job->wait_us, &listen_events, job, &job->listen, &err);
    }
    if (error != 0) {
        job_free(job);
        driver_discovered(asked, error, err.message);
        return;
    }
    timer_start(&job->progress, PROGRESS_MS, PROGRESS_MS);
}

void mqtt_discover_end(struct mqtt_discoveries *discoveries, struct driver_discovery *asked)
{
    list_each(at, &discoveries->jobs) {
        struct job *job = list_entry(at, struct job, link);
        if (job->asked == asked) {
            mqtt_listen_stop(job->listen);
            return;
        }
    }
}

struct mqtt_discoveries *mqtt_discoveries_new(struct mqtt_state *state)
{
    struct mqtt_discoveries *discoveries = busbar_alloc(sizeof(*discoveries));
    discoveries->state = state;
    list_init(&discoveries->jobs);
    return discoveries;
}

void mqtt_discoveries_free(struct mqtt_discoveries *discoveries)
{
    for (size_t i = 0; i < discoveries->count; i++) {
        forget(&discoveries->remembered[i]);
    }
    busbar_free(discoveries);
}
