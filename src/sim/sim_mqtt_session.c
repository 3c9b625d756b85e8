/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_mqtt_session.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"

/* ---- messages ---- */

struct broker_message *broker_message_new(const struct sim_broker_message *from)
{
    size_t topic = strlen(from->topic) + 1;
    struct broker_message *message = busbar_alloc(sizeof(*message) + from->size + topic);
    message->holders = 1;
    message->qos = from->qos;
    message->retain = from->retain;
    message->size = from->size;
    message->topic = (char *)message->payload + from->size;
    if (from->size > 0) {
        memcpy(message->payload, from->payload, from->size);
    }
    memcpy(message->topic, from->topic, topic);
    return message;
}

void broker_message_drop(struct broker_message *message)
{
    if (message != NULL && --message->holders == 0) {
        busbar_free(message);
    }
}

/* ---- sessions ---- */

struct broker_session *broker_session_find(const struct sim_broker *broker, const char *id)
{
    list_each(at, &broker->sessions) {
        struct broker_session *session = list_entry(at, struct broker_session, link);
        if (strcmp(session->id, id) == 0) {
            return session;
        }
    }
    return NULL;
}

struct broker_session *broker_session_new(struct sim_broker *broker, const char *id)
{
    struct broker_session *session = busbar_alloc(sizeof(*session));
    session->broker = broker;
    session->id = busbar_strdup(id);
    list_init(&session->filters);
    list_init(&session->deliveries);
    list_append(&broker->sessions, &session->link);
    return session;
}

static void delivery_free(struct broker_session *session, struct broker_delivery *delivery)
{
    session->waiting--;
    session->sent -= delivery->way != WAY_QUEUED ? 1 : 0;
    session->broker->stats.waiting--;
    list_remove(&delivery->link);
    broker_message_drop(delivery->message);
    busbar_free(delivery);
}

static void filter_free(struct broker_filter *filter)
{
    struct broker_filter_set *set = filter->set;
    struct sim_broker *broker = filter->session->broker;
    list_remove(&filter->link);
    list_remove(&filter->session_link);
    filter->session->filter_count--;
    if (list_empty(&set->filters)) {
        (void)map_remove(&broker->exact, set->text);
        (void)map_remove(&broker->all_sets, set->text);
        list_remove(&set->link);
        busbar_free(set->text);
        busbar_free(set);
    }
    busbar_free(filter->whole);
    busbar_free(filter->share);
    busbar_free(filter);
}

void broker_session_free(struct broker_session *session)
{
    list_each_safe(at, &session->deliveries) {
        delivery_free(session, list_entry(at, struct broker_delivery, link));
    }
    list_each_safe(at, &session->filters) {
        filter_free(list_entry(at, struct broker_filter, session_link));
    }
    list_remove(&session->link);
    busbar_free(session->taken);
    busbar_free(session->id);
    busbar_free(session);
}

/* ---- subscriptions ---- */

static struct broker_filter *find_filter(const struct broker_session *session, const char *whole)
{
    list_each(at, &session->filters) {
        struct broker_filter *filter = list_entry(at, struct broker_filter, session_link);
        if (strcmp(filter->whole, whole) == 0) {
            return filter;
        }
    }
    return NULL;
}

static struct broker_filter_set *get_set(struct sim_broker *broker, const char *text)
{
    struct broker_filter_set *set = map_get(&broker->all_sets, text);
    if (set != NULL) {
        return set;
    }
    set = busbar_alloc(sizeof(*set));
    list_init(&set->link);
    list_init(&set->filters);
    set->text = busbar_strdup(text);
    (void)map_set(&broker->all_sets, set->text, set);
    if (strpbrk(text, "+#") != NULL) {
        list_append(&broker->wild, &set->link);
    } else {
        (void)map_set(&broker->exact, set->text, set);
    }
    return set;
}

/* "$share/NAME/FILTER" taken apart; share: caller frees, NULL: it is not shared. */
static const char *take_share(const char *whole, char **share)
{
    static const char prefix[] = "$share/";
    *share = NULL;
    if (strncmp(whole, prefix, sizeof(prefix) - 1) != 0) {
        return whole;
    }
    const char *name = whole + sizeof(prefix) - 1;
    size_t size = strcspn(name, "/");
    *share = busbar_strndup(name, size);
    return name[size] == '/' ? name + size + 1 : "";
}

bool broker_subscribe(struct broker_session *session, const char *whole,
                      const struct mqtt_filter_row *row)
{
    struct broker_filter *filter = find_filter(session, whole);
    bool is_new = filter == NULL;
    if (is_new) {
        filter = busbar_alloc(sizeof(*filter));
        filter->session = session;
        filter->whole = busbar_strdup(whole);
        filter->set = get_set(session->broker, take_share(whole, &filter->share));
        list_append(&filter->set->filters, &filter->link);
        list_append(&session->filters, &filter->session_link);
        session->filter_count++;
    }
    filter->qos = row->qos;
    filter->no_local = row->no_local;
    filter->retain_as_published = row->retain_as_published;
    return is_new;
}

bool broker_unsubscribe(struct broker_session *session, const char *whole)
{
    struct broker_filter *filter = find_filter(session, whole);
    if (filter != NULL) {
        filter_free(filter);
    }
    return filter != NULL;
}

/* ---- on the way ---- */

/* False: it did not fit. */
static bool send_publish(struct broker_session *session, const struct broker_message *message,
                         const struct broker_delivery *delivery, bool again, bool retained)
{
    struct buf *out = &session->broker->out;
    struct mqtt_packet_publish packet = { .duplicate = again, .retain = retained };
    mqtt_no_properties(&packet.properties);
    packet.qos = delivery != NULL ? delivery->qos : 0;
    packet.id = delivery != NULL ? delivery->id : 0;
    packet.topic = (struct mqtt_slice){ (const uint8_t *)message->topic, strlen(message->topic) };
    packet.payload = (struct mqtt_slice){ message->payload, message->size };
    buf_clear(out);
    return mqtt_put_publish(out, session->client->version, &packet) == 0 &&
           broker_send(session->client, out);
}

static bool send_release(struct broker_session *session, const struct broker_delivery *delivery)
{
    struct buf *out = &session->broker->out;
    const struct mqtt_packet_ack packet = { .type = MQTT_PUBREL, .id = delivery->id };
    buf_clear(out);
    return mqtt_put_ack(out, session->client->version, &packet) == 0 &&
           broker_send(session->client, out);
}

/* As many as the client takes at a time. */
static void send_queued(struct broker_session *session)
{
    if (session->client == NULL || session->sent == session->waiting) {
        return;
    }
    list_each(at, &session->deliveries) {
        struct broker_delivery *delivery = list_entry(at, struct broker_delivery, link);
        if (session->sent >= session->client->receive_max) {
            return;
        }
        if (delivery->way != WAY_QUEUED) {
            continue;
        }
        if (!send_publish(session, delivery->message, delivery, false, delivery->retained)) {
            return;
        }
        delivery->way = WAY_SENT;
        session->sent++;
        session->broker->stats.sent++;
    }
}

static bool id_in_use(const struct broker_session *session, uint16_t id)
{
    list_each(at, &session->deliveries) {
        if (list_entry(at, struct broker_delivery, link)->id == id) {
            return true;
        }
    }
    return false;
}

static uint16_t next_id(struct broker_session *session)
{
    do {
        session->next_id = session->next_id == UINT16_MAX ? 1 : session->next_id + 1;
    } while (session->waiting > UINT16_MAX / 2 && id_in_use(session, session->next_id));
    return session->next_id;
}

static void give(struct broker_session *session, struct broker_message *message, uint8_t qos,
                 bool retained)
{
    struct sim_broker *broker = session->broker;
    if (qos == 0) {
        bool fits = session->client != NULL &&
                    send_publish(session, message, NULL, false, retained);
        broker->stats.sent += fits ? 1 : 0;
        broker->stats.lost += session->client != NULL && !fits ? 1 : 0;
        return;
    }
    if (session->waiting >= UINT16_MAX - 1 || session->waiting >= SIM_BROKER_QUEUE_MAX) {
        broker->stats.lost++;
        return;
    }
    struct broker_delivery *delivery = busbar_alloc(sizeof(*delivery));
    message->holders++;
    delivery->message = message;
    delivery->qos = qos;
    delivery->retained = retained;
    delivery->id = next_id(session);
    list_append(&session->deliveries, &delivery->link);
    session->waiting++;
    broker->stats.waiting++;
    if (session->sent + 1 == session->waiting && session->client != NULL &&
        session->sent <
            session->client->receive_max) { /* all before it are sent: no need to look for it */
        if (send_publish(session, message, delivery, false, retained)) {
            delivery->way = WAY_SENT;
            session->sent++;
            broker->stats.sent++;
        }
        return;
    }
}

void broker_session_resume(struct broker_session *session)
{
    list_each(at, &session->deliveries) {
        struct broker_delivery *delivery = list_entry(at, struct broker_delivery, link);
        if (delivery->way == WAY_SENT) {
            (void)send_publish(session, delivery->message, delivery, true, delivery->retained);
            session->broker->stats.again++;
        } else if (delivery->way == WAY_RELEASED) {
            (void)send_release(session, delivery);
        }
    }
    send_queued(session);
}

void broker_acknowledged(struct broker_session *session, uint8_t type, uint16_t id, uint8_t code)
{
    list_each_safe(at, &session->deliveries) {
        struct broker_delivery *delivery = list_entry(at, struct broker_delivery, link);
        if (delivery->id != id || delivery->way == WAY_QUEUED) {
            continue;
        }
        if (type == MQTT_PUBREC && delivery->qos == 2 && code < MQTT_FAILURE) {
            delivery->way = WAY_RELEASED;
            (void)send_release(session, delivery);
        } else if ((type == MQTT_PUBACK && delivery->qos == 1) || type == MQTT_PUBREC ||
                   (type == MQTT_PUBCOMP && delivery->way == WAY_RELEASED)) {
            session->broker->stats.acknowledged++;
            delivery_free(session, delivery);
            send_queued(session);
        }
        return;
    }
}

/* ---- who gets it ---- */

struct best {
    struct broker_session *session;
    uint8_t qos;
    bool retained;
};
enum { BEST_MAX = SIM_BROKER_CLIENTS_MAX };

struct round {
    struct broker_message *message;
    const struct broker_session *from;
    struct best best[BEST_MAX]; /* a session gets one copy, by its best subscription */
    size_t count;
};

static void note(struct round *round, const struct broker_filter *filter)
{
    uint8_t qos = filter->qos < round->message->qos ? filter->qos : round->message->qos;
    bool retained = filter->retain_as_published && round->message->retain;
    for (size_t i = 0; i < round->count; i++) {
        if (round->best[i].session == filter->session) {
            round->best[i].qos = round->best[i].qos > qos ? round->best[i].qos : qos;
            return;
        }
    }
    if (round->count < BEST_MAX) {
        round->best[round->count++] = (struct best){ filter->session, qos, retained };
    }
}

/* Of those that share: who is connected and was served the longest time ago. */
static void note_shared(struct round *round, struct broker_filter_set *set,
                        const struct broker_filter *first)
{
    struct broker_filter *chosen = NULL;
    list_each(at, &set->filters) {
        struct broker_filter *filter = list_entry(at, struct broker_filter, link);
        if (filter->share == NULL || strcmp(filter->share, first->share) != 0) {
            continue;
        }
        bool better = chosen == NULL ||
                      (filter->session->client != NULL && chosen->session->client == NULL) ||
                      ((filter->session->client != NULL) == (chosen->session->client != NULL) &&
                       filter->turn < chosen->turn);
        chosen = better ? filter : chosen;
    }
    if (chosen != NULL) {
        chosen->turn = ++chosen->session->broker->turn;
        note(round, chosen);
    }
}

static bool is_first_of_share(const struct broker_filter_set *set, const struct broker_filter *one)
{
    list_each(at, &set->filters) {
        const struct broker_filter *filter = list_entry(at, struct broker_filter, link);
        if (filter->share != NULL && strcmp(filter->share, one->share) == 0) {
            return filter == one;
        }
    }
    return false;
}

static void note_set(struct round *round, struct broker_filter_set *set)
{
    list_each(at, &set->filters) {
        struct broker_filter *filter = list_entry(at, struct broker_filter, link);
        if (filter->share != NULL) {
            if (is_first_of_share(set, filter)) {
                note_shared(round, set, filter);
            }
        } else if (!filter->no_local || filter->session != round->from) {
            note(round, filter);
        }
    }
}

void broker_deliver(struct sim_broker *broker, struct broker_message *message,
                    const struct broker_session *from)
{
    struct round *round = busbar_alloc(sizeof(*round));
    struct broker_filter_set *exact = map_get(&broker->exact, message->topic);
    round->message = message;
    round->from = from;
    if (exact != NULL) {
        note_set(round, exact);
    }
    list_each(at, &broker->wild) {
        struct broker_filter_set *set = list_entry(at, struct broker_filter_set, link);
        if (mqtt_topic_fits(set->text, message->topic)) {
            note_set(round, set);
        }
    }
    for (size_t i = 0; i < round->count; i++) {
        give(round->best[i].session, message, round->best[i].qos, round->best[i].retained);
    }
    busbar_free(round);
    broker->stats.published++;
}

void broker_send_retained(struct broker_session *session, const char *whole, uint8_t qos)
{
    char *share;
    const char *filter = take_share(whole, &share);
    size_t at = 0;
    void *value;
    while (share == NULL && map_next(&session->broker->retained, &at, NULL, &value)) {
        struct broker_message *message = value;
        if (mqtt_topic_fits(filter, message->topic)) {
            give(session, message, qos < message->qos ? qos : message->qos, true);
        }
    }
    busbar_free(share);
}
