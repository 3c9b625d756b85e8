/* SPDX-License-Identifier: Apache-2.0 */
/* Informs. The answer is written when the inform came, sealed as it was, and sent when its event is on disk; on a full
 * disk it is not sent, and the sender tries again.
 *
 * A repeated inform is known by its sender's address, its request id and its variables: it is answered again, or goes on
 * waiting, and is stored once. Whoever repeats it over a restart of ours has it stored twice. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/snmp/snmp_traps_private.h"

struct snmp_trap_repeat {
    uint64_t key; /* 0: free */
    int64_t at_us;
    bool done; /* on disk, answered */
};

struct snmp_trap_answer {
    struct list link;         /* traps->answers */
    struct snmp_traps *traps; /* NULL: closed meanwhile */
    struct snmp_trap_listener *listener;
    uint64_t setups; /* the listener is the same only while traps->setups is */
    struct endpoint to;
    uint64_t key;
    size_t size;
    uint8_t data[];
};

/* ---- known informs ---- */

static uint64_t key_of(const struct snmp_trap_notice *notice)
{
    const struct bytes *varbinds = &notice->pdu.varbinds;
    uint64_t parts[4] = { 0, 0, (uint32_t)notice->pdu.request_id,
                          hash_keyed(varbinds->at, bytes_left(varbinds)) };
    memcpy(parts, notice->from->ip, sizeof(notice->from->ip));
    uint64_t key = hash_keyed(parts, sizeof(parts));
    return key != 0 ? key : 1;
}

static struct snmp_trap_repeat *repeat_of(const struct snmp_traps *traps, uint64_t key,
                                          int64_t now_us)
{
    struct snmp_trap_repeat *repeat = map64_get(&traps->repeats, key);
    bool old = repeat != NULL && repeat->done &&
               now_us - repeat->at_us > SNMP_TRAP_REPEAT_S * CLOCK_US_PER_S;
    return old ? NULL : repeat;
}

/* The oldest place is taken. */
static void remember(struct snmp_traps *traps, uint64_t key, int64_t now_us)
{
    struct snmp_trap_repeat *known = map64_get(&traps->repeats, key);
    if (known != NULL) {
        *known = (struct snmp_trap_repeat){ .key = key, .at_us = now_us };
        return;
    }
    if (traps->ring == NULL) {
        traps->ring = busbar_alloc_array(SNMP_TRAP_REPEATS_MAX, sizeof(*traps->ring));
    }
    struct snmp_trap_repeat *place = &traps->ring[traps->ring_at++ % SNMP_TRAP_REPEATS_MAX];
    if (place->key != 0) {
        (void)map64_remove(&traps->repeats, place->key);
    }
    *place = (struct snmp_trap_repeat){ .key = key, .at_us = now_us };
    (void)map64_set(&traps->repeats, key, place);
}

static void forget(struct snmp_traps *traps, uint64_t key)
{
    struct snmp_trap_repeat *repeat = map64_remove(&traps->repeats, key);
    if (repeat != NULL) {
        repeat->key = 0;
    }
}

/* ---- writing ---- */

/* Seals what is in `out` with our engine; 0. */
static int seal(struct snmp_traps *traps, const struct snmp_trap_notice *notice, uint8_t level,
                struct ber_out *out)
{
    bool secure = (level & SNMP_AUTH) != 0;
    struct usm_seal how = {
        .id = notice->message->id,
        .flags = level,
        .user = notice->user != NULL ? usm_user_name(notice->user) : "",
        .engine = &traps->engine.usm,
        .keys = secure ? notice->keys : NULL,
        .auth = secure ? usm_user_auth(notice->user) : USM_AUTH_NONE,
        .priv = (level & SNMP_PRIV) != 0 ? usm_user_priv(notice->user) : USM_PRIV_NONE,
        .salt = ++traps->salt,
        .now_us = loop_now_us(traps->state->loop),
    };
    return usm_seal(out, &how);
}

/* The inform's own variables come back (RFC 3416, 4.2.7). */
static int write_response(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                          struct ber_out *out)
{
    struct snmp_pdu pdu = { .type = SNMP_RESPONSE, .request_id = notice->pdu.request_id };
    const struct bytes *varbinds = &notice->pdu.varbinds;
    *out = ber_out_of(traps->scratch->reply, sizeof(traps->scratch->reply));
    const uint8_t *mark = ber_mark(out);
    ber_put_raw(out, varbinds->at, bytes_left(varbinds));
    snmp_put_pdu_head(out, &pdu, mark);
    if (notice->version != SNMP_V3) {
        const struct bytes *community = &notice->message->community;
        snmp_put_message_head(out, notice->version, community->at, bytes_left(community), mark);
        return out->failed ? BUSBAR_ETOOBIG : 0;
    }
    snmp_put_scoped_head(out, notice->engine, notice->context, mark); /* as they came */
    return out->failed ? BUSBAR_ETOOBIG : seal(traps, notice, notice->level, out);
}

static void send_now(const struct snmp_trap_listener *listener, const struct endpoint *to,
                     const void *data, size_t size)
{
    if (listener->socket != NULL) {
        (void)datagram_send(listener->socket, to, data, size); /* lost: it is repeated */
    }
}

/* RFC 3414, 3.2; only what says that the clock is wrong is sealed, for whoever believes it sets its own. */
void snmp_trap_report(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                      enum usm_trouble trouble, int32_t request_id)
{
    uint8_t count[5];
    struct ber_out counted = ber_out_of(count, sizeof(count));
    const struct bytes own = bytes_of(traps->engine.usm.id, traps->engine.usm.size);
    struct snmp_pdu pdu = { .type = SNMP_REPORT, .request_id = request_id };
    struct ber_out out = ber_out_of(traps->scratch->reply, sizeof(traps->scratch->reply));
    bool sealed = trouble == USM_NOT_IN_WINDOW && notice->keys != NULL;
    for (uint32_t value = ++traps->reports[trouble], i = 0; i < 4; i++, value >>= 8) {
        ber_put_raw(&counted, &(uint8_t){ (uint8_t)value }, 1);
    }
    ber_put_raw(&counted, &(uint8_t){ 0 }, 1);
    struct snmp_value value = { .tag = BER_COUNTER32,
                                .content = bytes_of(counted.at, ber_out_size(&counted)) };
    const uint8_t *mark = ber_mark(&out);
    snmp_put_varbind(&out, usm_report_oid(trouble), &value);
    snmp_put_pdu_head(&out, &pdu, mark);
    snmp_put_scoped_head(&out, own, bytes_of(NULL, 0), mark);
    if (!out.failed && seal(traps, notice, sealed ? SNMP_AUTH : 0, &out) == 0) {
        send_now(notice->listener, notice->from, out.at, ber_out_size(&out));
    }
}

/* ---- the way of an inform ---- */

int snmp_trap_answer_make(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                          struct snmp_trap_answer **made)
{
    int64_t now_us = loop_now_us(traps->state->loop);
    uint64_t key = key_of(notice);
    struct ber_out out;
    *made = NULL;
    const struct snmp_trap_repeat *repeat = repeat_of(traps, key, now_us);
    if (repeat != NULL && !repeat->done) {
        return 1;
    }
    int error = write_response(traps, notice, &out);
    if (error != 0) {
        return error;
    }
    size_t size = ber_out_size(&out);
    if (repeat != NULL) {
        send_now(notice->listener, notice->from, out.at, size);
        return 1;
    }
    if (traps->answer_count == SNMP_TRAP_WAITING_MAX ||
        traps->answer_bytes + size > SNMP_TRAP_WAITING_BYTES) {
        return BUSBAR_ELIMIT;
    }
    struct snmp_trap_answer *answer = busbar_alloc(sizeof(*answer) + size);
    *answer = (struct snmp_trap_answer){ .traps = traps,
                                         .listener = notice->listener,
                                         .setups = traps->setups,
                                         .to = *notice->from,
                                         .key = key,
                                         .size = size };
    memcpy(answer->data, out.at, size);
    list_append(&traps->answers, &answer->link);
    traps->answer_count++;
    traps->answer_bytes += size;
    remember(traps, key, now_us);
    *made = answer;
    return 0;
}

static void settle(struct snmp_traps *traps, const struct snmp_trap_answer *answer, int error)
{
    struct snmp_trap_repeat *repeat = map64_get(&traps->repeats, answer->key);
    traps->answer_count--;
    traps->answer_bytes -= answer->size;
    if (error != 0) { /* when it comes again it is as if it came first */
        forget(traps, answer->key);
        traps->unanswered++;
        return;
    }
    if (repeat != NULL) {
        repeat->done = true;
    }
    if (answer->setups == traps->setups) {
        send_now(answer->listener, &answer->to, answer->data, answer->size);
        traps->answered++;
    }
}

void snmp_trap_answer_on_disk(void *ctx, int error)
{
    struct snmp_trap_answer *answer = ctx;
    list_remove(&answer->link);
    if (answer->traps != NULL) {
        settle(answer->traps, answer, error);
    }
    busbar_free(answer);
}

void snmp_trap_answers_close(struct snmp_traps *traps)
{
    list_each_safe(at, &traps->answers) {
        struct snmp_trap_answer *answer = list_entry(at, struct snmp_trap_answer, link);
        list_remove(&answer->link);
        answer->traps = NULL;
    }
    map64_fini(&traps->repeats);
    busbar_free(traps->ring);
    traps->ring = NULL;
}
