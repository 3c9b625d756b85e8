/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_ask.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/tcp/tcp_answer.h"
#include "model/quality.h"

struct tcp_job {
    struct list link; /* in the link's jobs, or the device's finished ones */
    struct tcp_device *device;
    struct request *req;
    struct text **texts; /* values of the request that are texts */
    size_t text_count;
    size_t next; /* read: the question; write: the index in req->points */
    unsigned answered;
    bool write;
    int error;
};

/* ---- questions ---- */

static struct tcp_question *find_question(struct tcp_device *device, const char *text)
{
    for (size_t i = 0; i < device->question_count; i++) {
        if (str_equal(device->questions[i].text, text)) {
            return &device->questions[i];
        }
    }
    size_t bytes = (device->question_count + 1) * sizeof(*device->questions);
    device->questions = busbar_realloc(device->questions, bytes);
    struct tcp_question *question = &device->questions[device->question_count++];
    *question = (struct tcp_question){ .text = text };
    return question;
}

int tcp_ask_plan(struct tcp_device *device, struct err *err)
{
    struct device *dev = device->dev;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct tcp_address *address = tcp_address_of(dev, i);
        if (address->ask == NULL) {
            continue;
        }
        struct tcp_question *question = find_question(device, address->ask);
        size_t bytes = (question->count + 1) * sizeof(*question->points);
        question->points = busbar_realloc(question->points, bytes);
        question->points[question->count++] = i;
    }
    if (device->question_count == 0) {
        return 0;
    }
    int error = payload_shape_get(feed_programs(device->state->feed), dev->settings, device->id,
                                  &device->shape, err);
    for (size_t i = 0; error == 0 && i < device->question_count; i++) {
        struct tcp_question *question = &device->questions[i];
        error = tcp_answer_program(device, question, device->shape, &question->program, err);
    }
    return error;
}

void tcp_ask_unplan(struct tcp_device *device)
{
    for (size_t i = 0; i < device->question_count; i++) {
        if (device->questions[i].program != NULL) {
            payload_program_drop(device->questions[i].program);
        }
        busbar_free(device->questions[i].points);
    }
    if (device->shape != NULL) {
        payload_shape_drop(device->shape);
    }
    busbar_free(device->questions);
    device->questions = NULL;
    device->question_count = 0;
    device->shape = NULL;
}

/* ---- jobs ---- */

static struct tcp_job *new_job(struct tcp_device *device, struct request *req, bool write)
{
    struct tcp_job *job = busbar_alloc(sizeof(*job));
    list_init(&job->link);
    job->device = device;
    job->req = req;
    job->write = write;
    for (size_t i = 0; i < req->count && !write; i++) {
        req->samples[i] = (struct sample){ .quality = QUALITY_NO_ANSWER };
    }
    return job;
}

static void answer(struct tcp_job *job)
{
    struct tcp_device *device = job->device;
    list_remove(&job->link);
    driver_done(device->dev, job->req, job->error);
    for (size_t i = 0; i < job->text_count; i++) {
        busbar_free(job->texts[i]);
    }
    busbar_free(job->texts);
    busbar_free(job);
}

void tcp_ask_finish(void *ctx)
{
    struct tcp_device *device = ctx;
    while (!list_empty(&device->finished)) {
        answer(list_entry(device->finished.next, struct tcp_job, link));
    }
}

/* In the next turn: the host may be inside of a call of its own. */
static void finish(struct tcp_job *job, int error)
{
    struct tcp_device *device = job->device;
    struct tcp_link *link = device->link;
    if (link != NULL && link->asking == job) {
        link->asking = NULL;
        timer_stop(&link->patience);
        tcp_match_fini(&link->answer);
        tcp_match_fini(&link->refusal);
    }
    job->error = error;
    list_remove(&job->link);
    list_append(&device->finished, &job->link);
    loop_defer(device->state->loop, &device->finishing);
}

void tcp_ask_refuse(struct tcp_device *device, struct request *req, bool write, int error)
{
    finish(new_job(device, req, write), error);
}

/* ---- asking ---- */

static bool wants(const struct request *req, const struct tcp_question *question)
{
    for (size_t i = 0; i < req->count; i++) {
        for (size_t j = 0; j < question->count; j++) {
            if (req->points[i] == question->points[j]) {
                return true;
            }
        }
    }
    return false;
}

static int send_text(struct tcp_link *link, const struct tcp_device *device, const char *text,
                     const struct payload_template_facts *facts)
{
    struct buf out;
    buf_init(&out, TCP_TEXT_MAX + TEXT_BYTES_MAX);
    int error = tcp_text_print(text, facts, NULL, &out, NULL);
    if (error == 0) {
        error = tcp_link_send(link, out.data, out.size);
        driver_frame(device->dev, true, out.data, out.size);
    }
    buf_fini(&out);
    return error;
}

static struct payload_template_facts facts_of(const struct tcp_device *device, uint32_t point)
{
    return (struct payload_template_facts){
        .id = device->id,
        .device = device->dev->name,
        .point = device->dev->points[point].name,
        .time_us = clock_wall_us(),
    };
}

/* Waits for an answer of the job. */
static void wait_for(struct tcp_link *link, struct tcp_job *job)
{
    link->asking = job;
    timer_start_us(&link->patience, link->config->timeout_us, 0);
}

/* True: it waits for an answer, or is finished. */
static void step_read(struct tcp_link *link, struct tcp_job *job)
{
    struct tcp_device *device = job->device;
    while (job->next < device->question_count && !wants(job->req, &device->questions[job->next])) {
        job->next++;
    }
    if (job->next == device->question_count) {
        finish(job, job->answered > 0 ? 0 : BUSBAR_ETIMEOUT);
        return;
    }
    const struct tcp_question *question = &device->questions[job->next];
    const struct payload_template_facts facts = facts_of(device, question->points[0]);
    int error = send_text(link, device, question->text, &facts);
    if (error != 0) {
        finish(job, error);
    } else {
        wait_for(link, job);
    }
}

static void step_write(struct tcp_link *link, struct tcp_job *job)
{
    struct tcp_device *device = job->device;
    if (job->next == job->req->count) {
        finish(job, 0);
        return;
    }
    uint32_t point = job->req->points[job->next];
    const struct sample *sample = &job->req->samples[job->next];
    const struct tcp_address *address = tcp_address_of(device->dev, point);
    struct payload_programs *programs = feed_programs(device->state->feed);
    struct payload_template_facts facts = facts_of(device, point);
    facts.type = sample->type;
    facts.value = sample->value;
    int error = send_text(link, device, address->send, &facts);
    if (error == 0 && address->answer != NULL) {
        error = tcp_match_init(&link->answer, programs, address->answer, false, NULL);
    }
    if (error == 0 && address->refused != NULL) {
        error = tcp_match_init(&link->refusal, programs, address->refused, false, NULL);
    }
    if (error != 0) {
        tcp_match_fini(&link->answer);
        finish(job, error);
    } else if (address->answer != NULL) {
        wait_for(link, job);
    } else {
        tcp_match_fini(&link->refusal);
        job->next++;
    }
}

void tcp_ask_next(struct tcp_link *link)
{
    while (link->up && link->asking == NULL && !link->late.waits && !list_empty(&link->jobs)) {
        struct tcp_job *job = list_entry(link->jobs.next, struct tcp_job, link);
        if (job->write) {
            step_write(link, job);
        } else {
            step_read(link, job);
        }
    }
}

/* What a write is put before: behind what has an answer to come, and the writes that wait already. */
static struct list *behind_writes(struct tcp_link *link)
{
    struct list *at = link->jobs.next;
    if (link->asking != NULL) {
        at = at->next;
    }
    while (at != &link->jobs && list_entry(at, struct tcp_job, link)->write) {
        at = at->next;
    }
    return at;
}

void tcp_ask_begin(struct tcp_device *device, struct request *req, bool write)
{
    struct tcp_job *job = new_job(device, req, write);
    struct tcp_link *link = device->link;
    if (!link->up && write) {
        finish(job, BUSBAR_ENOTCONN);
        return;
    }
    if (write) { /* people wait for it */
        list_insert_before(behind_writes(link), &job->link);
    } else {
        list_append(&link->jobs, &job->link);
    }
    if (link->up) {
        tcp_ask_next(link);
    } else {
        tcp_link_wake(link);
    }
}

/* ---- answers ---- */

static void put_value(struct tcp_job *job, struct sample *sample,
                      const struct payload_reading *reading)
{
    sample->type = reading->type;
    sample->quality = reading->quality;
    sample->time_us = reading->time_us;
    if (reading->type != VALUE_TEXT) {
        sample->value.bits = 0;
        if (reading->type == VALUE_BOOL) {
            sample->value.b = reading->value.b;
        } else {
            sample->value.i = reading->value.i;
        }
        return;
    }
    size_t size = reading->value.text.size;
    if (size > TEXT_BYTES_MAX) {
        *sample = (struct sample){ .quality = QUALITY_OUT_OF_RANGE };
        return;
    }
    struct text *text = text_new(reading->value.text.bytes, size);
    job->texts = busbar_realloc(job->texts, (job->text_count + 1) * sizeof(struct text *));
    job->texts[job->text_count++] = text;
    sample->value.text = text;
}

static struct sample *sample_of(struct request *req, uint32_t point)
{
    for (size_t i = 0; i < req->count; i++) {
        if (req->points[i] == point) {
            return &req->samples[i];
        }
    }
    return NULL;
}

/* The question's points of which nothing was found, or none could be read. */
static void put_fault(struct tcp_job *job, const struct tcp_question *question, uint8_t quality)
{
    for (size_t i = 0; i < question->count; i++) {
        struct sample *sample = sample_of(job->req, question->points[i]);
        if (sample != NULL && sample->type == VALUE_NONE && sample->quality == QUALITY_NO_ANSWER) {
            sample->quality = quality;
        }
    }
}

static struct payload_message message_of(const struct tcp_link *link, const uint8_t *data,
                                         size_t size)
{
    return (struct payload_message){ .body = data,
                                     .size = size,
                                     .fields = link->sender.fields,
                                     .field_count = link->sender.field_count,
                                     .receive_us = link->receive_us };
}

static bool answer_read(struct tcp_link *link, struct tcp_job *job, const uint8_t *data,
                        size_t size)
{
    struct tcp_device *device = job->device;
    const struct tcp_question *question = &device->questions[job->next];
    const struct payload_message message = message_of(link, data, size);
    struct payload_taken taken = { 0 };
    struct err err = { 0 };
    int error = tcp_answer_take(link->state->reader, &message, device->shape, question->program,
                                device->id, &taken, &err);
    if (error == 0 ? taken.reading_count == 0 : link->routes.count > 0) {
        return false; /* what cannot be read may be what a device sends by itself */
    }
    driver_frame(device->dev, false, data, size);
    device->heard_us = link->receive_us;
    if (error != 0) {
        driver_bad_frame(device->dev, data, size, err.message);
        put_fault(job, question, QUALITY_DECODE);
    }
    for (size_t i = 0; error == 0 && i < taken.reading_count; i++) {
        struct sample *sample = sample_of(job->req, taken.readings[i].index);
        if (sample != NULL) {
            put_value(job, sample, &taken.readings[i]);
        }
    }
    put_fault(job, question, QUALITY_CONFIGURATION);
    job->answered++;
    return true;
}

static bool answer_write(struct tcp_link *link, struct tcp_job *job, const uint8_t *data,
                         size_t size, bool *refused)
{
    const struct payload_message message = { .body = data, .size = size };
    struct payload_reader *reader = link->state->reader;
    *refused = link->refusal.program != NULL &&
               tcp_match_try(&link->refusal, reader, &message, NULL, 0);
    if (!*refused && !tcp_match_try(&link->answer, reader, &message, NULL, 0)) {
        return false;
    }
    driver_frame(job->device->dev, false, data, size);
    return true;
}

/* The question under way has its answer, or will not get one. */
static void go_on(struct tcp_link *link, struct tcp_job *job)
{
    link->asking = NULL;
    timer_stop(&link->patience);
    tcp_match_fini(&link->answer);
    tcp_match_fini(&link->refusal);
    job->next++;
}

static bool is_late(struct tcp_link *link, const uint8_t *data, size_t size)
{
    const struct payload_message message = message_of(link, data, size);
    if (!tcp_late_is(&link->late, link->state->reader, &message)) {
        return false;
    }
    link->late_count++;
    list_each(at, &link->devices) {
        driver_bad_frame(list_entry(at, struct tcp_device, on_link)->dev, data, size,
                         "a late answer: it came after 'timeout' and was not taken");
    }
    tcp_late_drop(&link->late);
    timer_stop(&link->patience);
    return true;
}

bool tcp_ask_answered(struct tcp_link *link, const uint8_t *data, size_t size)
{
    struct tcp_job *job = link->asking;
    bool refused = false;
    if (job == NULL) {
        bool late = is_late(link, data, size);
        if (late) {
            tcp_ask_next(link);
        }
        return late;
    }
    if (job->write ? !answer_write(link, job, data, size, &refused)
                   : !answer_read(link, job, data, size)) {
        return false;
    }
    go_on(link, job);
    if (refused) {
        finish(job, BUSBAR_EREFUSED);
    }
    tcp_ask_next(link);
    return true;
}

/* ---- silence ---- */

/* The answer may still come. */
static void remember_late(struct tcp_link *link, const struct tcp_job *job)
{
    if (job->write) {
        tcp_late_write(&link->late, &link->answer, &link->refusal);
    } else {
        tcp_late_question(&link->late, job->device, &job->device->questions[job->next]);
    }
}

static void on_patience(struct timer *timer, void *ctx)
{
    struct tcp_link *link = ctx;
    struct tcp_job *job = link->asking;
    (void)timer;
    if (job == NULL) {
        tcp_late_drop(&link->late);
        tcp_ask_next(link);
        return;
    }
    remember_late(link, job);
    go_on(link, job);
    if (job->write) {
        finish(job, BUSBAR_ETIMEOUT);
    } else {
        driver_retried(job->device->dev);
    }
    if (link->late.waits) {
        timer_start_us(&link->patience, link->config->timeout_us, 0);
    }
    tcp_ask_next(link);
}

static void cut(struct tcp_link *link, struct tcp_job *job, uint8_t quality, int error)
{
    if (link->asking == job) {
        remember_late(link, job);
    }
    for (size_t i = 0; !job->write && i < job->req->count; i++) {
        struct sample *sample = &job->req->samples[i];
        if (sample->type == VALUE_NONE && sample->quality == QUALITY_NO_ANSWER) {
            sample->quality = quality;
        }
    }
    finish(job, job->answered > 0 && error == BUSBAR_ETIMEOUT ? 0 : error);
    if (link->late.waits && link->asking == NULL) {
        timer_start_us(&link->patience, link->config->timeout_us, 0);
    }
}

void tcp_ask_cancel(struct tcp_device *device, struct request *req)
{
    struct tcp_link *link = device->link;
    if (link == NULL) {
        return;
    }
    list_each_safe(at, &link->jobs) {
        struct tcp_job *job = list_entry(at, struct tcp_job, link);
        if (job->req == req) {
            cut(link, job, QUALITY_NO_ANSWER, BUSBAR_ETIMEOUT);
            break;
        }
    }
    tcp_ask_next(link);
}

void tcp_ask_stop(struct tcp_device *device)
{
    struct tcp_link *link = device->link;
    if (link != NULL) {
        list_each_safe(at, &link->jobs) {
            struct tcp_job *job = list_entry(at, struct tcp_job, link);
            if (job->device == device) {
                cut(link, job, QUALITY_PAUSED, BUSBAR_ECANCELED);
            }
        }
        tcp_ask_next(link);
    }
    tcp_ask_finish(device);
    loop_defer_cancel(&device->finishing);
}

void tcp_ask_down(struct tcp_link *link, int error)
{
    tcp_late_drop(&link->late);
    timer_stop(&link->patience);
    while (!list_empty(&link->jobs)) {
        struct tcp_job *job = list_entry(link->jobs.next, struct tcp_job, link);
        for (size_t i = 0; !job->write && i < job->req->count; i++) {
            struct sample *sample = &job->req->samples[i];
            sample->quality = sample->type == VALUE_NONE ? QUALITY_LINK_DOWN : sample->quality;
        }
        finish(job, error);
    }
}

void tcp_ask_init(struct tcp_link *link)
{
    list_init(&link->jobs);
    timer_init(&link->patience, link->state->loop, on_patience, link);
}

void tcp_ask_fini(struct tcp_link *link)
{
    tcp_late_drop(&link->late);
    timer_stop(&link->patience);
    tcp_match_fini(&link->answer);
    tcp_match_fini(&link->refusal);
}
