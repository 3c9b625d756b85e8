/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs are requests of the host under way; exchanges are their questions. Both are used again, so that a poll allocates
 * nothing once it has run. What is learned stands in snmp_learn.c, what an answer says in snmp_take.c. */
#include "drivers/snmp/snmp_read.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_reads.h"
#include "model/quality.h"

enum {
    LOST_MOST = 2, /* unanswered questions of one job, then the rest is left for the next poll */
    UPTIME_S = 60, /* a device without counters is asked for its uptime so often */
};

static void on_answer(void *ctx, const struct snmp_answer *answer);
static void pump(struct snmp_reads *reads);

/* ---- exchanges ---- */

static struct snmp_exchange *exchange_take(struct snmp_job *job)
{
    struct snmp_reads *reads = job->reads;
    struct list *spare = list_shift(&reads->spare_exchanges);
    struct snmp_exchange *exchange = spare != NULL ? list_entry(spare, struct snmp_exchange, link)
                                                   : busbar_alloc(sizeof(*exchange));
    exchange->job = job;
    exchange->probe = false;
    list_append(&reads->open, &exchange->link);
    job->open++;
    reads->open_count++;
    return exchange;
}

static void exchange_give(struct snmp_exchange *exchange)
{
    struct snmp_job *job = exchange->job;
    list_remove(&exchange->link);
    list_append(&job->reads->spare_exchanges, &exchange->link);
    exchange->asked = NULL;
    job->open--;
    job->reads->open_count--;
    job->reads->probing = job->reads->probing && !exchange->probe;
}

/* ---- jobs ---- */

static struct snmp_job *job_take(struct snmp_reads *reads, struct request *req)
{
    struct list *spare = list_shift(&reads->spare_jobs);
    struct snmp_job *job = spare != NULL ? list_entry(spare, struct snmp_job, link)
                                         : busbar_alloc(sizeof(*job));
    struct snmp_span *again = job->again;
    uint32_t capacity = job->again_capacity;
    *job = (struct snmp_job){ .reads = reads,
                              .req = req,
                              .again = again,
                              .again_capacity = capacity,
                              .skipped_from = SNMP_PLAN_NONE };
    list_init(&job->link);
    return job;
}

static void job_done(struct snmp_job *job, int error)
{
    struct snmp_reads *reads = job->reads;
    struct request *req = job->req;
    assert(job->open == 0);
    list_remove(&job->link);
    list_append(&reads->spare_jobs, &job->link);
    driver_done(reads->device->dev, req, error);
}

/* The row may have moved between two answers of one poll: then none of its values counts. */
static void check_rows(struct snmp_job *job)
{
    const struct snmp_plan *plan = job->req->plan;
    for (size_t i = 0; plan->rows != NULL && i < plan->count; i++) {
        if (plan->rows[i] != SNMP_PLAN_NONE &&
            snmp_rows_lost(job->reads->device->rows, plan->rows[i])) {
            job->req->samples[i] = (struct sample){ .quality = QUALITY_REFUSED,
                                                    .detail = SNMP_DETAIL_ROW_MOVED };
        }
    }
}

static void end(struct snmp_job *job)
{
    struct snmp_plan *plan = job->req->plan;
    struct snmp_reads *reads = job->reads;
    int error = job->answered > 0 ? 0 : job->why.error;
    if (plan->span_count > 0) {
        plan->next = job->skipped_from != SNMP_PLAN_NONE
                         ? (plan->next + job->skipped_from) % plan->span_count
                         : 0;
    }
    if (error == 0) {
        check_rows(job);
    } else {
        reads->proven = false;
        snmp_device_silent(reads->device, &job->why);
    }
    job_done(job, error);
}

/* ---- what is asked next ---- */

void snmp_job_ask(struct snmp_job *job, const struct snmp_span *span)
{
    if (job->again_count == job->again_capacity) {
        job->again_capacity = job->again_capacity == 0 ? 16 : job->again_capacity * 2;
        job->again = busbar_realloc(job->again, job->again_capacity * sizeof(*job->again));
    }
    job->again[job->again_count++] = *span;
}

static bool uptime_due(const struct snmp_device *device)
{
    return device->uptime_us == 0 ||
           loop_now_us(device->state->loop) - device->uptime_us >= UPTIME_S * CLOCK_US_PER_S;
}

static bool take_span(struct snmp_job *job, struct snmp_span *span)
{
    const struct snmp_plan *plan = job->req->plan;
    if (job->again_count > 0) {
        *span = job->again[--job->again_count];
        return true;
    }
    if (job->given < plan->span_count) {
        *span = plan->spans[(plan->next + job->given++) % plan->span_count];
        if (span->spare && !uptime_due(job->reads->device)) {
            snmp_plan_spare(plan, span);
        }
        return true;
    }
    return false;
}

static void fail_span(struct snmp_job *job, const struct snmp_span *span)
{
    snmp_plan_fail(job->req->plan, span->item, span->item_end, QUALITY_NO_ANSWER, SNMP_DETAIL_LOST,
                   job->req->samples);
}

/* False: too many questions are under way in all; the span has no answer then. */
static bool ask_span(struct snmp_job *job, const struct snmp_span *span, bool probe)
{
    struct snmp_reads *reads = job->reads;
    const struct snmp_device *device = reads->device;
    struct snmp_exchange *exchange = exchange_take(job);
    struct snmp_ask ask = { .type = span->columns > 0 ? SNMP_GETBULK : SNMP_GET,
                            .encoded = snmp_plan_question(job->req->plan, span),
                            .non_repeaters = span->heads,
                            .max_repetitions = span->rows,
                            .deadline_us = job->req->deadline_us,
                            .cb = on_answer,
                            .ctx = exchange };
    exchange->span = *span;
    exchange->probe = probe;
    reads->probing = reads->probing || probe;
    exchange->asked = snmp_ask(device->agent, &ask);
    if (exchange->asked != NULL) {
        return true;
    }
    exchange_give(exchange);
    fail_span(job, span);
    job->why = (struct snmp_answer){ .error = BUSBAR_ELIMIT };
    return false;
}

/* A device that is silent is asked for one value; the rest follows when it is answered. */
static void probe(struct snmp_job *job)
{
    struct snmp_span span;
    if (!take_span(job, &span)) {
        return;
    }
    struct snmp_span one = { .item = span.item, .item_end = span.item + 1 };
    snmp_job_ask(job, &span);
    (void)ask_span(job, &one, true);
}

static void finish_later(struct snmp_job *job)
{
    struct snmp_reads *reads = job->reads;
    list_remove(&job->link);
    list_append(&reads->finished, &job->link);
    loop_defer(driver_loop(reads->device->drv), &reads->finishing);
}

static void on_finishing(void *ctx)
{
    struct snmp_reads *reads = ctx;
    struct list finished;
    list_init(&finished);
    list_move_all(&finished, &reads->finished);
    while (!list_empty(&finished)) {
        end(list_entry(finished.next, struct snmp_job, link));
    }
}

static bool has_more(const struct snmp_job *job)
{
    const struct snmp_plan *plan = job->req->plan;
    return job->again_count > 0 || job->given < plan->span_count;
}

/* No more than the device gets at a time, so that a SET or a walk waits for few. */
static void pump(struct snmp_reads *reads)
{
    unsigned window = (unsigned)reads->device->config.in_flight;
    list_each_safe(at, &reads->jobs) {
        struct snmp_job *job = list_entry(at, struct snmp_job, link);
        struct snmp_span span;
        if (!reads->proven) {
            if (!reads->probing && has_more(job)) {
                probe(job);
            }
        } else {
            while (reads->open_count < window && take_span(job, &span)) {
                (void)ask_span(job, &span, false);
            }
        }
        if (job->open == 0 && !has_more(job)) {
            finish_later(job);
        }
    }
}

/* ---- beginning ---- */

static void begin(struct snmp_job *job)
{
    struct snmp_reads *reads = job->reads;
    const struct snmp_plan *plan = snmp_reads_plan(reads, job->req);
    for (size_t i = 0; i < job->req->count; i++) {
        uint16_t detail = plan->details[i];
        job->req->samples[i] = (struct sample){
            .quality = detail != 0 ? QUALITY_REFUSED : QUALITY_NO_ANSWER,
            .detail = detail != 0 ? detail : SNMP_DETAIL_LOST,
        };
    }
    list_append(&reads->jobs, &job->link);
    pump(reads);
}

void snmp_read_begin(struct snmp_device *device, struct request *req)
{
    struct snmp_reads *reads = device->reads;
    assert(device->agent != NULL);
    struct snmp_job *job = job_take(reads, req);
    snmp_learn_refresh(reads);
    if (device->rows != NULL && snmp_rows_wake(device->rows)) {
        list_append(&reads->waiting, &job->link);
        return;
    }
    begin(job);
}

void snmp_rows_ready(struct snmp_device *device, const struct snmp_answer *answer, bool moved)
{
    struct snmp_reads *reads = device->reads;
    struct list waiting;
    list_init(&waiting);
    list_move_all(&waiting, &reads->waiting);
    if (moved) {
        reads->generation++;
    }
    if (answer == NULL) {
        reads->proven = true;
    }
    struct list *at;
    while ((at = list_shift(&waiting)) != NULL) {
        struct snmp_job *job = list_entry(at, struct snmp_job, link);
        if (answer == NULL) {
            begin(job);
            continue;
        }
        job->why = *answer;
        job->why.pdu = NULL;
        (void)snmp_reads_plan(reads, job->req);
        end(job);
    }
}

/* ---- answers ---- */

static void give_up_rest(struct snmp_job *job)
{
    struct snmp_span span;
    struct snmp_reads *reads = job->reads;
    while (take_span(job, &span)) {
        fail_span(job, &span);
    }
    list_each_safe(at, &reads->open) {
        struct snmp_exchange *exchange = list_entry(at, struct snmp_exchange, link);
        if (exchange->job == job) {
            fail_span(job, &exchange->span);
            snmp_asked_cancel(exchange->asked); /* gives it back */
        }
    }
}

/* All that wait for a device that does not answer one value. */
static void probe_failed(struct snmp_reads *reads, const struct snmp_answer *answer)
{
    struct list silent;
    list_init(&silent);
    list_each_safe(waits, &reads->jobs) {
        if (list_entry(waits, struct snmp_job, link)->open == 0) { /* others wait for their own */
            list_remove(waits);
            list_append(&silent, waits);
        }
    }
    struct list *at;
    while ((at = list_shift(&silent)) != NULL) {
        struct snmp_job *job = list_entry(at, struct snmp_job, link);
        job->why = *answer;
        job->why.pdu = NULL;
        end(job);
    }
}

static void on_lost(struct snmp_exchange *exchange, const struct snmp_answer *answer)
{
    struct snmp_job *job = exchange->job;
    struct snmp_span span = exchange->span;
    bool probed = exchange->probe;
    exchange_give(exchange);
    if (answer->error == BUSBAR_ECANCELED) {
        return; /* who cancelled it does the rest */
    }
    if (probed) {
        probe_failed(job->reads, answer);
        return;
    }
    job->why = *answer;
    job->why.pdu = NULL;
    fail_span(job, &span);
    bool others = job->answered > 0;
    if (!(others && snmp_learn_silent(job, &span)) && (!others || ++job->lost >= LOST_MOST)) {
        job->skipped_from = job->given > 0 && others ? job->given - 1 : SNMP_PLAN_NONE;
        give_up_rest(job);
    }
}

/* What came of a probe is not looked at: the same value is asked for again with others. */
static void on_probed(struct snmp_exchange *exchange)
{
    struct snmp_reads *reads = exchange->job->reads;
    exchange_give(exchange);
    reads->proven = true;
}

static void on_answer(void *ctx, const struct snmp_answer *answer)
{
    struct snmp_exchange *exchange = ctx;
    struct snmp_job *job = exchange->job;
    struct snmp_reads *reads = job->reads;
    exchange->asked = NULL;
    if (answer->error != 0) {
        bool alone = exchange->probe || answer->error == BUSBAR_ECANCELED;
        on_lost(exchange, answer);
        if (alone) {
            return; /* the job is gone */
        }
    } else {
        snmp_device_answered(reads->device);
        job->answered++;
        if (exchange->probe) {
            on_probed(exchange);
        } else {
            struct snmp_span span = exchange->span;
            exchange_give(exchange);
            snmp_take_answer(job, &span, answer);
        }
    }
    if (job->open == 0 && !has_more(job)) {
        end(job);
    }
    pump(reads);
}

/* ---- the end ---- */

static bool find_job(struct list *list, const struct request *req, struct snmp_job **out)
{
    list_each(at, list) {
        *out = list_entry(at, struct snmp_job, link);
        if ((*out)->req == req) {
            return true;
        }
    }
    return false;
}

/* A question that the deadline cut off, while others were answered: was it too big? */
static void note_open(struct snmp_job *job)
{
    list_each(at, &job->reads->open) {
        struct snmp_exchange *exchange = list_entry(at, struct snmp_exchange, link);
        if (exchange->job == job && !exchange->probe) {
            snmp_learn_cut(job, &exchange->span);
            return;
        }
    }
}

static void cut(struct snmp_job *job, int error)
{
    job->why = (struct snmp_answer){ .error = error };
    if (job->answered > 0 && job->req->plan != NULL) {
        job->skipped_from = job->given > job->open ? job->given - job->open : 0;
        note_open(job);
    }
    if (job->req->plan != NULL) {
        give_up_rest(job);
    }
    if (error == BUSBAR_ECANCELED || job->req->plan == NULL) {
        job_done(job, error);
    } else {
        end(job);
    }
}

bool snmp_read_cancel(struct snmp_device *device, struct request *req)
{
    struct snmp_reads *reads = device->reads;
    struct snmp_job *job;
    if (!find_job(&reads->jobs, req, &job) && !find_job(&reads->waiting, req, &job) &&
        !find_job(&reads->finished, req, &job)) {
        return false;
    }
    cut(job, BUSBAR_ETIMEOUT);
    pump(reads);
    return true;
}

void snmp_reads_stop(struct snmp_device *device)
{
    struct snmp_reads *reads = device->reads;
    struct list *lists[] = { &reads->waiting, &reads->jobs, &reads->finished };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        while (!list_empty(lists[i])) {
            cut(list_entry(lists[i]->next, struct snmp_job, link), BUSBAR_ECANCELED);
        }
    }
    loop_defer_cancel(&reads->finishing);
    reads->proven = false;
}

struct snmp_reads *snmp_reads_new(struct snmp_device *device)
{
    struct snmp_reads *reads = busbar_alloc(sizeof(*reads));
    reads->device = device;
    list_init(&reads->jobs);
    list_init(&reads->waiting);
    list_init(&reads->finished);
    list_init(&reads->open);
    list_init(&reads->spare_jobs);
    list_init(&reads->spare_exchanges);
    loop_deferred_init(&reads->finishing, on_finishing, reads);
    snmp_learn_init(reads);
    return reads;
}

void snmp_reads_free(struct snmp_reads *reads)
{
    struct list *at;
    if (reads == NULL) {
        return;
    }
    assert(list_empty(&reads->jobs) && list_empty(&reads->waiting) && list_empty(&reads->open));
    while ((at = list_shift(&reads->spare_jobs)) != NULL) {
        struct snmp_job *job = list_entry(at, struct snmp_job, link);
        busbar_free(job->again);
        busbar_free(job);
    }
    while ((at = list_shift(&reads->spare_exchanges)) != NULL) {
        busbar_free(list_entry(at, struct snmp_exchange, link));
    }
    snmp_learn_fini(reads);
    busbar_free(reads);
}

void snmp_unplan(struct device *dev, struct request *req)
{
    (void)dev;
    snmp_plan_free(req->plan);
    req->plan = NULL;
}
