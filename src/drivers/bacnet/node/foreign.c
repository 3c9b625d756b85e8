/* SPDX-License-Identifier: Apache-2.0 */
/* What we have to do with BBMDs (ASHRAE 135, annex J.5): registering as a foreign device and
 * renewing it at half its time, and reading the tables of a BBMD for a person. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/node/node_private.h"

enum {
    ANSWER_MS = 5000, /* a BBMD's, to any of ours */
    RETRY_MIN_MS = 5000,
    RETRY_MAX_MS = 60000,
    GRACE_S = 30, /* annex J.5.2.3: a BBMD keeps an entry so much longer */
    TABLE_TRIES = 3,
};

struct foreign {
    struct bacnet_node *node;
    struct bacnet_foreign now;
    struct timer timer;    /* the next registration, or the end of waiting for the answer */
    bool asking;           /* an answer is due */
    int64_t registered_us; /* the last time it was accepted */
    struct backoff backoff;
};

struct table_reading {
    struct bacnet_node *node;
    struct endpoint bbmd;
    uint8_t request, answer;
    uint16_t refusal;
    unsigned tries;
    struct timer timer;
    bacnet_table_cb cb;
    void *ctx;
};

const char *bacnet_foreign_word(enum bacnet_foreign_state state)
{
    static const char *const words[] = {
        [BACNET_FOREIGN_OFF] = "off",
        [BACNET_FOREIGN_ASKING] = "asking",
        [BACNET_FOREIGN_REGISTERED] = "registered",
        [BACNET_FOREIGN_REFUSED] = "refused",
        [BACNET_FOREIGN_SILENT] = "silent",
    };
    return words[state];
}

/* ---- registration ---- */

static void enter(struct foreign *foreign, enum bacnet_foreign_state state, uint16_t code)
{
    struct bacnet_node *node = foreign->node;
    bool changed = foreign->now.state != state || foreign->now.code != code;
    if (foreign->now.state != state) {
        foreign->now.since_us = clock_mono_us();
    }
    foreign->now.state = state;
    foreign->now.code = code;
    if (changed && node->events.foreign != NULL) {
        node->events.foreign(node->ctx);
    }
}

static void register_now(struct foreign *foreign)
{
    struct bacnet_node *node = foreign->node;
    struct bacnet_bvlc bvlc = { .function = BACNET_BVLC_REGISTER,
                                .ttl_s = node->config.foreign_ttl_s };
    foreign->asking = true;
    timer_start(&foreign->timer, ANSWER_MS, 0);
    (void)node_send_bvlc(node, &node->config.bbmd, &bvlc);
}

/* No answer: what was accepted holds until its time and grace are over. */
static void unanswered(struct foreign *foreign)
{
    int64_t holds_us = ((int64_t)foreign->node->config.foreign_ttl_s + GRACE_S) * CLOCK_US_PER_S;
    foreign->asking = false;
    timer_start(&foreign->timer, backoff_next_ms(&foreign->backoff), 0);
    if (foreign->now.state != BACNET_FOREIGN_REGISTERED ||
        clock_mono_us() - foreign->registered_us >= holds_us) {
        enter(foreign, BACNET_FOREIGN_SILENT, 0);
    }
}

static void on_foreign_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct foreign *foreign = ctx;
    if (foreign->asking) {
        unanswered(foreign);
    } else {
        register_now(foreign);
    }
}

void foreign_start(struct bacnet_node *node)
{
    if (node->config.bbmd.family == 0) {
        return;
    }
    struct foreign *foreign = busbar_alloc(sizeof(*foreign));
    node->foreign = foreign;
    foreign->node = node;
    foreign->now.state = BACNET_FOREIGN_ASKING;
    foreign->now.since_us = clock_mono_us();
    backoff_init(&foreign->backoff, RETRY_MIN_MS, RETRY_MAX_MS, hash_random(&node->random));
    timer_init(&foreign->timer, node->loop, on_foreign_timer, foreign);
    register_now(foreign);
}

bool foreign_registered(const struct bacnet_node *node)
{
    return node->foreign != NULL && node->foreign->now.state == BACNET_FOREIGN_REGISTERED;
}

void bacnet_node_foreign(const struct bacnet_node *node, struct bacnet_foreign *foreign)
{
    *foreign = node->foreign != NULL ? node->foreign->now : (struct bacnet_foreign){ 0 };
}

static void accepted(struct foreign *foreign)
{
    foreign->asking = false;
    foreign->registered_us = clock_mono_us();
    foreign->now.renewed += foreign->now.state == BACNET_FOREIGN_REGISTERED ? 1 : 0;
    backoff_reset(&foreign->backoff);
    timer_start(&foreign->timer, foreign->node->config.foreign_ttl_s * INT64_C(500), 0);
    enter(foreign, BACNET_FOREIGN_REGISTERED, 0);
}

/* False: the result is not of the registration. A late one is as good as any. */
static bool take_result(struct foreign *foreign, uint16_t result)
{
    bool wanted = foreign->asking || foreign->now.state != BACNET_FOREIGN_REGISTERED;
    if (result == BACNET_RESULT_OK && wanted) {
        accepted(foreign);
        return true;
    }
    if (result == BACNET_RESULT_REGISTER && wanted) {
        foreign->asking = false;
        timer_start(&foreign->timer, backoff_next_ms(&foreign->backoff), 0);
        enter(foreign, BACNET_FOREIGN_REFUSED, result);
        return true;
    }
    if (result == BACNET_RESULT_DISTRIBUTE && foreign->now.state == BACNET_FOREIGN_REGISTERED) {
        enter(foreign, BACNET_FOREIGN_ASKING, result); /* it has forgotten us (a restart) */
        register_now(foreign);
        return true;
    }
    return false;
}

/* ---- tables ---- */

static void table_over(struct table_reading *table, int error, uint16_t code,
                       const struct bacnet_table_entry *entries, size_t count)
{
    table->node->table = NULL;
    timer_stop(&table->timer);
    table->cb(table->ctx, error, code, entries, count);
    busbar_free(table);
}

static void ask_table(struct table_reading *table)
{
    table->tries++;
    timer_start(&table->timer, ANSWER_MS, 0);
    (void)node_send_bvlc(table->node, &table->bbmd,
                         &(struct bacnet_bvlc){ .function = table->request });
}

static void on_table_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct table_reading *table = ctx;
    if (table->tries < TABLE_TRIES) {
        ask_table(table);
    } else {
        table_over(table, BUSBAR_ETIMEOUT, 0, NULL, 0);
    }
}

int bacnet_node_read_table(struct bacnet_node *node, const struct endpoint *bbmd,
                           enum bacnet_table which, bacnet_table_cb cb, void *ctx)
{
    bbmd = bbmd != NULL ? bbmd : &node->config.bbmd;
    if (node->closed || bbmd->family == 0) {
        return BUSBAR_EINVAL;
    }
    if (node->table != NULL) {
        return BUSBAR_EBUSY;
    }
    struct table_reading *table = busbar_alloc(sizeof(*table));
    bool broadcast = which == BACNET_TABLE_BROADCAST;
    *table = (struct table_reading){
        .node = node,
        .bbmd = *bbmd,
        .request = broadcast ? BACNET_BVLC_READ_BDT : BACNET_BVLC_READ_FDT,
        .answer = broadcast ? BACNET_BVLC_READ_BDT_ACK : BACNET_BVLC_READ_FDT_ACK,
        .refusal = broadcast ? BACNET_RESULT_READ_BDT : BACNET_RESULT_READ_FDT,
        .cb = cb,
        .ctx = ctx
    };
    node->table = table;
    timer_init(&table->timer, node->loop, on_table_timer, table);
    ask_table(table);
    return 0;
}

static void set_endpoint(struct endpoint *to, const struct bacnet_ip *from)
{
    *to = (struct endpoint){ .family = 4, .port = from->port };
    memcpy(to->ip, from->ip, sizeof(from->ip));
}

static void take_table(struct table_reading *table, struct bytes data)
{
    struct bacnet_table_entry entries[BACNET_TABLE_MAX] = { 0 };
    size_t count = 0;
    struct bacnet_bdt_entry bdt;
    struct bacnet_fdt_entry fdt;
    if (table->answer == BACNET_BVLC_READ_BDT_ACK) {
        while (count < BACNET_TABLE_MAX && bacnet_get_bdt_entry(&data, &bdt)) {
            set_endpoint(&entries[count].at, &bdt.address);
            memcpy(entries[count++].mask, bdt.mask, sizeof(bdt.mask));
        }
    } else {
        while (count < BACNET_TABLE_MAX && bacnet_get_fdt_entry(&data, &fdt)) {
            set_endpoint(&entries[count].at, &fdt.address);
            entries[count].ttl_s = fdt.ttl_s;
            entries[count++].left_s = fdt.left_s;
        }
    }
    table_over(table, 0, 0, entries, count);
}

void foreign_receive(struct bacnet_node *node, const struct incoming *in,
                     const struct bacnet_bvlc *bvlc)
{
    struct table_reading *table = node->table;
    if (table != NULL && endpoint_equal(&in->at, &table->bbmd)) {
        if (bvlc->function == table->answer) {
            take_table(table, bvlc->data);
            return;
        }
        if (bvlc->function == BACNET_BVLC_RESULT && bvlc->result == table->refusal) {
            table_over(table, BUSBAR_EREFUSED, bvlc->result, NULL, 0);
            return;
        }
    }
    bool its = node->foreign != NULL && endpoint_equal(&in->at, &node->config.bbmd) &&
               bvlc->function == BACNET_BVLC_RESULT && take_result(node->foreign, bvlc->result);
    if (!its) {
        node_drop(node, in, BACNET_DROP_STRAY);
    }
}

void foreign_stop(struct bacnet_node *node)
{
    if (node->table != NULL) {
        table_over(node->table, BUSBAR_ECANCELED, 0, NULL, 0);
    }
    if (node->foreign == NULL) {
        return;
    }
    static const uint8_t any[4];
    if (foreign_registered(node) && memcmp(node->config.local.ip, any, sizeof(any)) != 0) {
        struct bacnet_bvlc leave = { .function = BACNET_BVLC_DELETE_FDT,
                                     .from.port = node->config.local.port };
        memcpy(leave.from.ip, node->config.local.ip, sizeof(leave.from.ip));
        (void)node_send_bvlc(node, &node->config.bbmd, &leave);
    }
    timer_stop(&node->foreign->timer);
    busbar_free(node->foreign);
    node->foreign = NULL;
}
