/* SPDX-License-Identifier: Apache-2.0 */
/* One question, from snmp_ask() to its answer. Its bytes are kept, as they are sent again: of v1 and v2c the whole
 * message, of v3 the PDU, which is sealed for each transmission as the engine's time moves on. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/snmp/snmp_agent.h"

/* ---- making it ---- */

static void keep(struct snmp_asked *asked, const struct ber_out *out)
{
    size_t size = ber_out_size(out);
    if (asked->capacity < size) {
        asked->data = busbar_realloc(asked->data, size);
        asked->capacity = size;
    }
    memcpy(asked->data, out->at, size);
    asked->size = size;
}

/* 0, or BUSBAR_ETOOBIG. */
static int make(struct snmp_asked *asked, const struct snmp_ask *ask)
{
    struct snmp_client *client = asked->agent->client;
    const struct snmp_login *login = asked->agent->login;
    struct ber_out out = ber_out_of(client->room, sizeof(client->room));
    const uint8_t *mark = ber_mark(&out);
    struct snmp_pdu pdu = { .type = ask->type, .request_id = asked->id };
    if (ask->type == SNMP_GETBULK && login->version == SNMP_V1) {
        pdu.type = SNMP_GETNEXT;
    } else if (ask->type == SNMP_GETBULK) {
        pdu.error_status = ask->non_repeaters;
        pdu.error_index = ask->max_repetitions;
    }
    if (bytes_left(&ask->encoded) > 0) {
        ber_put_raw(&out, ask->encoded.at, bytes_left(&ask->encoded));
    } else {
        for (size_t i = ask->count; i > 0; i--) {
            snmp_put_varbind(&out, ask->varbinds[i - 1].oid,
                             ask->varbinds[i - 1].value.tag != 0 ? &ask->varbinds[i - 1].value
                                                                 : NULL);
        }
    }
    snmp_put_pdu_head(&out, &pdu, mark);
    if (login->version != SNMP_V3) {
        snmp_put_message_head(&out, login->version, login->community, strlen(login->community),
                              mark);
    }
    if (out.failed) {
        return BUSBAR_ETOOBIG;
    }
    keep(asked, &out);
    return 0;
}

/* Those that are asked once (SET) go before those that only read. */
static void queue(struct snmp_agent *agent, struct snmp_asked *asked)
{
    struct list *before = &agent->waiting;
    if (asked->once) {
        before = agent->waiting.next;
        while (before != &agent->waiting && list_entry(before, struct snmp_asked, link)->once) {
            before = before->next;
        }
    }
    asked->state = SNMP_ASKED_WAITING;
    list_insert_before(before, &asked->link);
}

struct snmp_asked *snmp_ask(struct snmp_agent *agent, const struct snmp_ask *ask)
{
    struct snmp_asked *asked = agent->closing ? NULL : snmp_slot_take(agent->client);
    if (asked == NULL) {
        return NULL;
    }
    asked->agent = agent;
    asked->cb = ask->cb;
    asked->ctx = ask->ctx;
    asked->sent_us = 0;
    asked->deadline_us = ask->deadline_us;
    asked->tries = ask->once ? 1 : 1 + agent->options.retries;
    asked->once = ask->once;
    asked->discovery = ask->cb == NULL;
    asked->resyncs = 0;
    asked->trouble = USM_FINE;
    list_append(&agent->asked, &asked->of_agent);
    int error = make(asked, ask);
    error = error == 0 && agent->socket == NULL ? agent->error : error;
    if (asked->discovery) {
        snmp_asked_send(asked);
        return asked;
    }
    queue(agent, asked);
    if (error != 0) {
        agent->under_way++;
        snmp_asked_fail(asked, error);
    } else {
        snmp_agent_pump(agent);
    }
    return asked;
}

/* ---- sending it ---- */

static void show(const struct snmp_asked *asked, const void *data, size_t size, struct bytes clear)
{
    const struct snmp_agent_options *options = &asked->agent->options;
    if (options->ops != NULL && options->ops->frame != NULL) {
        options->ops->frame(options->ctx, true, bytes_of(data, size), clear);
    }
}

void snmp_asked_send(struct snmp_asked *asked)
{
    struct snmp_agent *agent = asked->agent;
    struct snmp_client *client = agent->client;
    const uint8_t *data = asked->data;
    size_t size = asked->size;
    struct bytes clear = bytes_of(NULL, 0);
    int error = agent->socket == NULL ? agent->error : 0;
    if (error == 0 && agent->login->version == SNMP_V3) {
        struct ber_out out = ber_out_of(client->room, sizeof(client->room));
        error = snmp_engine_seal(asked, &out, &clear);
        data = out.at;
        size = ber_out_size(&out);
    }
    error = error == 0 ? datagram_queue(agent->socket, &agent->options.address, data, size) : error;
    asked->sent_us = clock_mono_us();
    if (error == BUSBAR_EAGAIN) {
        asked->state = SNMP_ASKED_UNSENT;
        list_append(&client->unsent, &asked->link);
        if (!timer_running(&client->unsent_timer)) {
            timer_start(&client->unsent_timer, SNMP_UNSENT_MS, 0);
        }
        return;
    }
    if (error != 0) {
        snmp_asked_fail(asked, error);
        return;
    }
    asked->tries--;
    snmp_lane_add(agent->lane, asked, asked->sent_us);
    show(asked, data, size, clear);
}

void snmp_asked_timed_out(struct snmp_asked *asked)
{
    struct snmp_agent *agent = asked->agent;
    int64_t now_us = clock_mono_us();
    if (asked->once && now_us < asked->deadline_us) { /* a device may take its time over a SET */
        list_remove(&asked->link);
        snmp_lane_add(agent->lane, asked, now_us);
        return;
    }
    if (asked->tries <= 0 || (asked->deadline_us != 0 && now_us >= asked->deadline_us)) {
        snmp_asked_end_error(asked, asked->trouble != USM_FINE ? BUSBAR_EAUTH : BUSBAR_ETIMEOUT,
                             (enum usm_trouble)asked->trouble);
        return;
    }
    if (agent->options.ops != NULL && agent->options.ops->retried != NULL) {
        agent->options.ops->retried(agent->options.ctx);
    }
    list_remove(&asked->link);
    snmp_asked_send(asked);
}

/* ---- its end ---- */

void snmp_asked_fail(struct snmp_asked *asked, int error)
{
    struct snmp_client *client = asked->agent->client;
    list_remove(&asked->link);
    asked->state = SNMP_ASKED_FAILED;
    asked->error = error;
    list_append(&client->failed, &asked->link);
    loop_defer(client->loop, &client->failing);
}

void snmp_asked_end(struct snmp_asked *asked, struct snmp_answer *answer)
{
    struct snmp_agent *agent = asked->agent;
    snmp_answer_cb cb = asked->cb;
    void *ctx = asked->ctx;
    answer->sent_us = asked->sent_us;
    list_remove(&asked->link);
    list_remove(&asked->of_agent);
    if (asked->discovery) {
        agent->discovery = NULL;
        snmp_slot_give(agent->client, asked);
        if (answer->error != 0) {
            snmp_engine_failed(agent, answer->error, answer->trouble);
        }
        return;
    }
    if (asked->state != SNMP_ASKED_WAITING) {
        assert(agent->under_way > 0);
        agent->under_way--;
    }
    snmp_slot_give(agent->client, asked);
    snmp_agent_pump(agent);
    cb(ctx, answer);
}

void snmp_asked_end_error(struct snmp_asked *asked, int error, enum usm_trouble trouble)
{
    struct snmp_answer answer = { .error = error,
                                  .trouble = trouble,
                                  .answered_us = loop_now_us(asked->agent->client->loop) };
    snmp_asked_end(asked, &answer);
}

void snmp_asked_cancel(struct snmp_asked *asked)
{
    snmp_asked_end_error(asked, BUSBAR_ECANCELED, USM_FINE);
}
