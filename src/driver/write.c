/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and releases: checked, sent once, read back, told in plain words.
 *
 *     KEEPING --its hold is on disk--> SENDING --taken--> READING --equal, or released--> told
 *                                         |                  |  ^
 *                                         |                  +--+ differs: once more after a moment,
 *                                         |                       until the deadline
 *                                         +--refused, no answer, deadline---------------> told
 *
 * A point that only the device sends is not read: HEARING waits for the next value that comes by itself. One that came
 * while it was being sent counts, too.
 *
 * KEEPING only where the value is to be released by itself: what is not sure to be remembered is not
 * sent.
 *
 * A write is never repeated: when no answer came, nobody knows whether the device took it, and that
 * is what the person is told. Writes do not wait for polls; a driver that can do one thing at a
 * time puts them first. */
#include "driver/write.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

static void write_timer(struct timer *timer, void *ctx);

/* ---- its hold ---- */

static struct holds *holds_of(const struct write *write)
{
    return write->hd->host->holds;
}

static void describe_hold(struct write *write, struct host_hold *hold, struct buf *value)
{
    const struct convert_asked *asked = &write->asked;
    const char *name = asked->type == VALUE_INT    ? point_enum_name(write->pt->cls, asked->value.i)
                       : asked->type == VALUE_BOOL ? point_enum_name(write->pt->cls, asked->value.b)
                                                   : NULL;
    if (name != NULL) {
        buf_append_text(value, name);
    } else {
        value_print(asked->type, asked->value, value);
    }
    *hold = (struct host_hold){
        .path = write->path,
        .priority = write->result.priority,
        .value = buf_text(value),
        .who = write->who,
        .from = write->from,
        .since_us = clock_wall_us(),
        .until_us = write->result.until_us,
    };
}

/* The device took it: from now on somebody holds the point, or nobody does any more. */
static void note_taken(struct write *write)
{
    write->result.taken = true;
    if (write->path == NULL) {
        return;
    }
    if (write->how.release) {
        holds_released(holds_of(write), write->path, write->result.priority, write->version);
    } else if (!write->noted &&
               holds_have_room(holds_of(write), write->path, write->result.priority)) {
        struct host_hold hold;
        struct buf value;
        buf_init(&value, TEXT_BYTES_MAX + 1);
        describe_hold(write, &hold, &value);
        (void)holds_note(holds_of(write), &hold, NULL, NULL, NULL);
        buf_fini(&value);
    }
}

/* Whether the device surely did not take it. */
static bool surely_not(int error)
{
    switch (error) {
    case BUSBAR_EREFUSED:
    case BUSBAR_ERANGE:
    case BUSBAR_EUNSUPPORTED:
    case BUSBAR_EWRONGTYPE:
    case BUSBAR_EINVAL:
    case BUSBAR_ENOTCONN:
    case BUSBAR_ECONNREFUSED:
    case BUSBAR_EROUTE:
    case BUSBAR_EHOST:
    case BUSBAR_EAUTH:
    case BUSBAR_EUNTRUSTED: return true;
    default: return false;
    }
}

static void settle_hold(struct write *write)
{
    bool sent = write->state != WRITE_KEEPING;
    if (write->noted && !write->result.taken && (!sent || surely_not(write->result.error))) {
        holds_put_back(holds_of(write), write->path, write->result.priority, write->before);
        write->before = NULL;
    }
    hold_copy_free(write->before);
    if (write->keeping != NULL) {
        write->keeping->write = NULL;
    }
}

/* ---- the end ---- */

static bool is_as_asked(const struct write *write)
{
    return write->how.release || convert_same(write->pt, &write->asked, &write->sample);
}

static void write_free(struct write *write)
{
    busbar_free(write->text);
    busbar_free(write->said);
    busbar_free(write->path);
    busbar_free(write->who);
    busbar_free(write->from);
    busbar_free(write);
}

/* back: the end came while reading back (with `error`), else while sending. */
static void tell(struct write *write, bool back, int error)
{
    struct host_write_result *result = &write->result;
    struct buf words;
    timer_stop(&write->timer);
    list_remove(&write->link);
    result->error = error;
    result->took_us = host_now(write->hd) - write->began_us;
    buf_init(&words, sizeof(result->message) * 2);
    if (write->state == WRITE_KEEPING) {
        write_say_not_kept(error, &words);
    } else if (write->state == WRITE_HEARING) {
        bool other = error == 0 && write->heard && !is_as_asked(write);
        result->error = other ? BUSBAR_EREFUSED : error;
        write_say_heard(write, error, &words);
    } else if (back) {
        bool equal = error == 0 && is_as_asked(write);
        if (error == 0 && !equal) {
            result->error = BUSBAR_EREFUSED;
        }
        write_say_read_back(write, error, &words);
    } else {
        write_say_sent(write, error, &words);
    }
    str_copy(result->message, sizeof(result->message), buf_text(&words));
    buf_fini(&words);
    busbar_log(LOG_LEVEL_INFO, "driver", write->hd->dev->name, "%s %s: %s",
               write->how.release ? "release of" : "write to", write->pt->name, result->message);
    settle_hold(write);
    write->written(write->ctx, result);
    write_free(write);
}

/* The plan of what was asked, to be freed when its answer was taken: a text that was read may stand in it. */
static struct request take_plan(struct write *write)
{
    struct request asked = write->ask.req;
    write->ask.req.plan = NULL;
    return asked;
}

static void unplan(struct host_device *hd, struct request *asked)
{
    const struct driver_ops *ops = hd->driver->ops;
    if (asked->plan != NULL && ops->unplan != NULL) {
        ops->unplan(hd->dev, asked);
    }
}

/* ---- steps ---- */

static void ask_driver(struct write *write, void (*call)(struct device *dev, struct request *req))
{
    write->ask.open = true;
    write->ask.calling = true;
    write->ask.late = false;
    write->ask.req.deadline_us = write->deadline_us;
    timer_start_at_us(&write->timer, write->deadline_us, 0);
    call(write->hd->dev, &write->ask.req);
    write->ask.calling = false;
}

static void read_back(struct write *write)
{
    write->state = WRITE_READING;
    write->sample = (struct sample){ .type = VALUE_NONE };
    write->ask.req.how = NULL;
    ask_driver(write, write->hd->driver->ops->read);
}

/* ---- values that come by themselves ---- */

static void hear(struct write *write)
{
    write->state = WRITE_HEARING;
    write->sample = write->last_heard;
    write->ask.req.how = NULL;
    if (write->heard && is_as_asked(write)) {
        tell(write, true, 0);
    } else {
        timer_start_at_us(&write->timer, write->deadline_us, 0);
    }
}

static void take_heard(struct write *write, const struct sample *sample)
{
    write->heard = true;
    write->last_heard = *sample;
    if (sample->type == VALUE_TEXT) {
        write->said = text_set(write->said, sample->value.text->bytes, sample->value.text->size);
        write->last_heard.value.text = write->said;
    }
    write->result.read_back = true;
    write->result.after = *sample;
    if (sample->type == VALUE_TEXT) {
        write->result.after.type = VALUE_NONE;
        write->result.after.value.bits = 0;
    }
    if (write->state == WRITE_HEARING) {
        hear(write);
    }
}

void write_heard(struct host_device *hd, uint32_t point, const struct sample *sample)
{
    if (quality_class(sample->quality) == QUALITY_CLASS_BAD || sample->type == VALUE_NONE) {
        return;
    }
    list_each_safe(at, &hd->writes) {
        struct write *write = list_entry(at, struct write, link);
        if (write->index == point &&
            (write->state == WRITE_SENDING || write->state == WRITE_HEARING)) {
            take_heard(write, sample);
        }
    }
}

/* The driver knows how the device spells the text that was written: so it will be read back. */
static void take_spelling(struct write *write)
{
    const struct text *spelt = write->sample.value.text;
    if (write->asked.type == VALUE_TEXT && write->sample.type == VALUE_TEXT &&
        spelt != write->text) {
        struct text *before = write->text;
        write->text = text_new(spelt->bytes, spelt->size);
        write->asked.value.text = write->text;
        write->asked.raw.text = write->text;
        busbar_free(before);
    }
}

static void sent(struct write *write, int error)
{
    struct host_device *hd = write->hd;
    write->result.detail = write->sample.detail;
    if (error == 0 && quality_class(write->sample.quality) == QUALITY_CLASS_BAD) {
        error = write->sample.quality == QUALITY_NO_ANSWER ? BUSBAR_ETIMEOUT : BUSBAR_EREFUSED;
    }
    if (error != 0) {
        stats_failure(hd, error);
        tell(write, false, error);
        return;
    }
    take_spelling(write);
    note_taken(write);
    breaker_answered(hd);
    if (write->pt->pushed && write->pt->readable && host_running(hd)) {
        hear(write);
    } else if (!write->pt->readable || hd->driver->ops->read == NULL || write->pt->pushed) {
        tell(write, false, 0);
    } else if (host_running(hd)) {
        read_back(write);
    } else {
        tell(write, true, BUSBAR_ECANCELED);
    }
    poll_pump(hd);
}

static int read_error(const struct write *write, int error)
{
    if (error != 0) {
        return error;
    }
    switch (write->sample.quality) {
    case QUALITY_NO_ANSWER: return BUSBAR_ETIMEOUT;
    case QUALITY_LINK_DOWN: return BUSBAR_ENOTCONN;
    case QUALITY_REFUSED: return BUSBAR_EREFUSED;
    case QUALITY_DECODE:
    case QUALITY_OUT_OF_RANGE: return BUSBAR_EPROTO;
    default: return 0;
    }
}

static void was_read(struct write *write, int error)
{
    struct host_device *hd = write->hd;
    struct host_write_result *result = &write->result;
    error = read_error(write, error);
    if (error != 0) {
        result->detail = write->sample.detail;
        tell(write, true, error);
        return;
    }
    publish_answer(hd, &write->index, &write->sample, 1);
    result->read_back = true;
    result->after = write->sample;
    if (result->after.type == VALUE_TEXT) {
        result->after.type = VALUE_NONE;
        result->after.value.bits = 0;
    }
    int64_t again_us = host_now(hd) + HOST_READ_BACK_RETRY_MS * CLOCK_US_PER_MS;
    if (is_as_asked(write) || again_us >= write->deadline_us || !host_running(hd)) {
        tell(write, true, 0);
        return;
    }
    if (write->sample.type == VALUE_TEXT) { /* its bytes are the driver's, until this returns */
        write->sample.type = VALUE_NONE;
        write->sample.value.bits = 0;
    }
    write->state = WRITE_RESTING;
    timer_start_at_us(&write->timer, again_us, 0);
}

void write_done(struct ask *ask, int error)
{
    struct write *write = (struct write *)(void *)ask;
    struct host_device *hd = write->hd;
    struct request asked = take_plan(write);
    bool stopping = !host_running(hd);
    timer_stop(&write->timer);
    if (error == BUSBAR_ECANCELED && ask->late && !stopping) {
        error = BUSBAR_ETIMEOUT;
    }
    if (write->state == WRITE_SENDING) {
        sent(write, error);
    } else {
        was_read(write, error);
    }
    unplan(hd, &asked);
}

static void write_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct write *write = ctx;
    if (write->state == WRITE_KEEPING) {
        tell(write, false, BUSBAR_ETIMEOUT);
    } else if (write->state == WRITE_RESTING) {
        read_back(write);
    } else if (write->state == WRITE_HEARING) {
        tell(write, true, 0);
    } else {
        write->ask.late = true;
        write->hd->driver->ops->cancel(write->hd->dev, &write->ask.req);
    }
}

void write_stop_all(struct host_device *hd)
{
    list_each_safe(at, &hd->writes) {
        struct write *write = list_entry(at, struct write, link);
        if (write->state == WRITE_KEEPING || write->state == WRITE_RESTING ||
            write->state == WRITE_HEARING) {
            tell(write, write->state != WRITE_KEEPING, BUSBAR_ECANCELED);
        }
    }
}

/* ---- the call ---- */

static int check(const struct host_device *hd, const struct point *pt, struct err *err)
{
    if (hd == NULL || hd->removing) {
        return err_set(err, BUSBAR_ECANCELED, "the device is being removed");
    }
    if (!pt->writable || hd->driver->ops->write == NULL) {
        err_set(err, BUSBAR_EPERM, "'%s' cannot be written", pt->name);
        err_hint(err, "%s",
                 pt->cls->write.allowed
                     ? "its address is read-only by its protocol"
                     : "allow it in its configuration: write: { min: ..., max: ... }");
        return BUSBAR_EPERM;
    }
    if (hd->dev->paused || hd->run != RUN_STARTED) {
        err_set(err, BUSBAR_EBUSY, "device '%s' is paused", hd->dev->name);
        err_hint(err, "resume it first: busbar device resume %s", hd->dev->name);
        return BUSBAR_EBUSY;
    }
    return 0;
}

static int check_how(const struct point *pt, const struct host_write_how *how, struct err *err)
{
    bool asks = how->priority != 0 || how->release || how->for_us != 0;
    if (asks && !pt->releasable) {
        err_set(err, BUSBAR_EUNSUPPORTED,
                "'%s' has no priorities: what is written there stays, and nothing gives it up",
                pt->name);
        err_hint(err, "write the value that shall hold afterwards");
        return BUSBAR_EUNSUPPORTED;
    }
    if (how->priority > POINT_PRIORITIES) {
        return err_set(err, BUSBAR_ERANGE, "a priority is 1 (goes first) to %d", POINT_PRIORITIES);
    }
    int64_t most_us = pt->cls->write.max_time_us;
    if (most_us > 0 && how->for_us > most_us) {
        char most[32], asked[32];
        str_format_duration(most, sizeof(most), most_us);
        str_format_duration(asked, sizeof(asked), how->for_us);
        return err_set(
            err, BUSBAR_ERANGE,
            "'%s' may be held for %s at most (max_time in its configuration), not for %s", pt->name,
            most, asked);
    }
    if (how->for_us < 0 || how->for_us > HOST_HOLD_FOR_MAX_US ||
        (how->release && how->for_us != 0)) {
        return err_set(err, BUSBAR_ERANGE, "a value is released by itself after at most a year%s",
                       how->release ? "; a release itself has no end" : "");
    }
    return 0;
}

static struct write *write_new(struct host_device *hd, struct point *pt,
                               const struct convert_asked *asked, int64_t timeout_us)
{
    struct write *write = busbar_alloc(sizeof(*write));
    write->ask.kind = ASK_WRITE;
    write->hd = hd;
    write->pt = pt;
    write->index = (uint32_t)(pt - hd->dev->points);
    write->state = WRITE_SENDING;
    write->asked = *asked;
    if (asked->type == VALUE_TEXT) {
        write->text = text_new(asked->value.text->bytes, asked->value.text->size);
        write->asked.value.text = write->text;
        write->asked.raw.text = write->text;
    }
    write->sample.type = asked->raw_type;
    write->sample.value = write->asked.raw;
    write->ask.req.points = &write->index;
    write->ask.req.samples = &write->sample;
    write->ask.req.count = 1;
    write->began_us = host_now(hd);
    write->deadline_us = write->began_us +
                         (timeout_us > 0 ? timeout_us : HOST_WRITE_TIMEOUT_MS * CLOCK_US_PER_MS);
    write->result.before = pt->last;
    if (pt->last.type == VALUE_TEXT) {
        write->result.before.type = VALUE_NONE;
        write->result.before.value.bits = 0;
    }
    timer_init(&write->timer, hd->host->config.loop, write_timer, write);
    list_append(&hd->writes, &write->link);
    return write;
}

static void take_how(struct write *write, const struct host_write_how *how)
{
    const struct point *pt = write->pt;
    struct buf path;
    if (!pt->releasable) {
        return;
    }
    buf_init(&path, DEVICE_NAME_MAX + POINT_NAME_MAX + 2);
    point_path(pt, &path);
    write->path = busbar_strdup(buf_text(&path));
    buf_fini(&path);
    write->who = busbar_strdup(how->who != NULL ? how->who : "");
    write->from = busbar_strdup(how->from != NULL ? how->from : "");
    write->for_us = how->for_us;
    write->result.priority = how->priority != 0 ? how->priority : pt->priority;
    write->result.until_us = how->for_us > 0 ? clock_wall_us() + how->for_us : 0;
    write->how = (struct driver_write){ .priority = write->result.priority,
                                        .release = how->release };
    write->ask.req.how = &write->how;
    write->version = holds_version(holds_of(write), write->path, write->result.priority);
}

/* The hold of the write is on disk: now it may be sent. */
static void kept(void *ctx, int error)
{
    struct keeping *keeping = ctx;
    struct write *write = keeping->write;
    busbar_free(keeping);
    if (write == NULL) {
        return;
    }
    write->keeping = NULL;
    timer_stop(&write->timer);
    if (error == 0 && !host_running(write->hd)) {
        error = BUSBAR_ECANCELED;
    }
    if (error != 0) {
        tell(write, false, error);
        return;
    }
    write->state = WRITE_SENDING;
    ask_driver(write, write->hd->driver->ops->write);
}

/* True: the hold is on its way to the disk, the write goes on after it. */
static bool keep_first(struct write *write)
{
    struct host_hold hold;
    struct buf value;
    struct keeping *keeping = busbar_alloc(sizeof(*keeping));
    keeping->write = write;
    buf_init(&value, TEXT_BYTES_MAX + 1);
    describe_hold(write, &hold, &value);
    write->noted = true;
    write->keeping = keeping;
    write->state = WRITE_KEEPING;
    timer_start_at_us(&write->timer, write->deadline_us, 0);
    bool waits = holds_note(holds_of(write), &hold, &write->before, kept, keeping);
    buf_fini(&value);
    if (!waits) {
        write->keeping = NULL;
        write->state = WRITE_SENDING;
        timer_stop(&write->timer);
        busbar_free(keeping);
    }
    return waits;
}

int host_write(struct host *host, struct point *pt, uint8_t type, union value value,
               const struct host_write_how *how, int64_t timeout_us, host_written_cb written,
               void *ctx, struct err *err)
{
    static const struct host_write_how plain;
    struct host_device *hd = host_of(pt->device);
    struct convert_asked asked = { 0 };
    struct host_write_how own = how != NULL ? *how : plain;
    how = &own;
    int error = check(hd, pt, err);
    error = error == 0 ? check_how(pt, how, err) : error;
    if (own.for_us == 0 && !own.release && pt->releasable) {
        own.for_us = pt->cls->write.max_time_us;
    }
    if (error == 0 && !how->release) {
        error = convert_out(pt, type, value, &asked, err);
    }
    if (error != 0) {
        return error;
    }
    struct write *write = write_new(hd, pt, &asked, timeout_us);
    write->written = written;
    write->ctx = ctx;
    take_how(write, how);
    if (how->for_us > 0 && !holds_have_room(host->holds, write->path, write->result.priority)) {
        list_remove(&write->link);
        write_free(write);
        err_set(err, BUSBAR_ELIMIT, "%d values are held already, so this one could not be released",
                HOST_HOLDS_MAX);
        return err_hint(err, "release some: busbar point list --manual");
    }
    if (how->for_us == 0 || !keep_first(write)) {
        ask_driver(write, hd->driver->ops->write);
    }
    return 0;
}
