/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: checked, sent once, read back, told in plain words.
 *
 *     SENDING --taken--> READING --equal--------------------------------------> told
 *        |                  |  ^
 *        |                  +--+ differs: once more after a moment, until the deadline
 *        +--refused, no answer, deadline------------------------------------> told
 *
 * A write is never repeated: when no answer came, nobody knows whether the device took it, and that
 * is what the person is told. Writes do not wait for polls; a driver that can do one thing at a
 * time puts them first. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/convert.h"
#include "driver/host_private.h"

enum write_state { WRITE_SENDING, WRITE_READING, WRITE_RESTING };

struct write {
    struct ask ask;
    struct list link; /* hd->writes */
    struct host_device *hd;
    struct point *pt;
    uint32_t index;
    enum write_state state;
    struct sample sample; /* raw while sending, what was read back then */
    struct convert_asked asked;
    struct text *text;  /* our copy of a text that was asked for */
    struct timer timer; /* the deadline, or the rest before one more read-back */
    int64_t began_us, deadline_us;
    struct host_write_result result;
    host_written_cb written;
    void *ctx;
};

static void write_timer(struct timer *timer, void *ctx);

/* ---- words ---- */

static void append_value(struct buf *out, const struct point *pt, uint8_t type, union value value)
{
    const char *name = type == VALUE_INT    ? point_enum_name(pt->cls, value.i)
                       : type == VALUE_BOOL ? point_enum_name(pt->cls, value.b)
                                            : NULL;
    if (name != NULL) {
        buf_append_text(out, name);
        return;
    }
    value_print(type, value, out);
    if (pt->cls->units[0] != '\0' && type != VALUE_TEXT && type != VALUE_NONE) {
        buf_printf(out, " %s", pt->cls->units);
    }
}

static const char *explain(const struct write *write, uint16_t detail)
{
    const struct driver_ops *ops = write->hd->driver->ops;
    const char *text = detail != 0 && ops->explain != NULL ? ops->explain(detail) : NULL;
    return text != NULL ? text : "the device answered that it will not";
}

static void say_sent(struct write *write, int error, struct buf *out)
{
    switch (error) {
    case 0: buf_append_text(out, "written; this point cannot be read back"); break;
    case BUSBAR_EREFUSED:
        buf_printf(out, "refused: %s", explain(write, write->result.detail));
        break;
    case BUSBAR_ERANGE:
        buf_append_text(out, "not sent: the value does not fit the type the device has for it");
        break;
    case BUSBAR_ETIMEOUT:
        buf_append_text(out, "no answer in time; whether the device took the value is not known: "
                             "look at the point before you write again");
        break;
    case BUSBAR_ECANCELED:
        buf_append_text(out, "the device was stopped before it answered; whether it took the value "
                             "is not known");
        break;
    default:
        buf_printf(out, "failed: %s; look at the point before you write again", err_text(error));
    }
}

static void say_read_back(struct write *write, int error, struct buf *out)
{
    char took[32];
    if (error == 0 && write->result.error == 0) {
        str_format_duration(took, sizeof(took), (write->result.took_us + 999) / 1000 * 1000);
        buf_append_text(out, "written, read back ");
        append_value(out, write->pt, write->sample.type, write->sample.value);
        buf_printf(out, " after %s", took);
    } else if (error == 0) {
        buf_append_text(out, "the device took the write but reads back ");
        append_value(out, write->pt, write->sample.type, write->sample.value);
        buf_append_text(out, " instead of ");
        append_value(out, write->pt, write->asked.type, write->asked.value);
        buf_append_text(out, ": it limits the value, or something else writes it too");
    } else {
        buf_printf(out, "the device took the write, but it could not be read back: %s",
                   err_text(error));
    }
}

/* ---- the end ---- */

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
    if (back) {
        bool equal = error == 0 && convert_same(write->pt, &write->asked, &write->sample);
        if (error == 0 && !equal) {
            result->error = BUSBAR_EREFUSED;
        }
        say_read_back(write, error, &words);
    } else {
        say_sent(write, error, &words);
    }
    str_copy(result->message, sizeof(result->message), buf_text(&words));
    buf_fini(&words);
    busbar_log(LOG_LEVEL_INFO, "driver", write->hd->dev->name, "write to %s: %s", write->pt->name,
               result->message);
    write->written(write->ctx, result);
    busbar_free(write->text);
    busbar_free(write);
}

static void unplan(struct write *write)
{
    const struct driver_ops *ops = write->hd->driver->ops;
    if (write->ask.req.plan != NULL && ops->unplan != NULL) {
        ops->unplan(write->hd->dev, &write->ask.req);
    }
    write->ask.req.plan = NULL;
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
    ask_driver(write, write->hd->driver->ops->read);
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
    breaker_answered(hd);
    if (!write->pt->readable || hd->driver->ops->read == NULL) {
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
    if (convert_same(write->pt, &write->asked, &write->sample) || again_us >= write->deadline_us ||
        !host_running(hd)) {
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
    bool stopping = !host_running(write->hd);
    timer_stop(&write->timer);
    unplan(write);
    if (error == BUSBAR_ECANCELED && ask->late && !stopping) {
        error = BUSBAR_ETIMEOUT;
    }
    if (write->state == WRITE_SENDING) {
        sent(write, error);
    } else {
        was_read(write, error);
    }
}

static void write_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct write *write = ctx;
    if (write->state == WRITE_RESTING) {
        read_back(write);
        return;
    }
    write->ask.late = true;
    write->hd->driver->ops->cancel(write->hd->dev, &write->ask.req);
}

void write_stop_all(struct host_device *hd)
{
    list_each_safe(at, &hd->writes) {
        struct write *write = list_entry(at, struct write, link);
        if (!write->ask.open) {
            tell(write, true, BUSBAR_ECANCELED);
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

static struct write *write_new(struct host_device *hd, struct point *pt,
                               const struct convert_asked *asked, int64_t timeout_us)
{
    struct write *write = busbar_alloc(sizeof(*write));
    write->ask.kind = ASK_WRITE;
    write->hd = hd;
    write->pt = pt;
    write->index = (uint32_t)(pt - hd->dev->points);
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

int host_write(struct host *host, struct point *pt, uint8_t type, union value value,
               const struct host_write_how *how, int64_t timeout_us, host_written_cb written,
               void *ctx, struct err *err)
{
    struct host_device *hd = host_of(pt->device);
    struct convert_asked asked;
    (void)host;
    (void)how;
    int error = check(hd, pt, err);
    if (error == 0) {
        error = convert_out(pt, type, value, &asked, err);
    }
    if (error != 0) {
        return error;
    }
    struct write *write = write_new(hd, pt, &asked, timeout_us);
    write->written = written;
    write->ctx = ctx;
    ask_driver(write, hd->driver->ops->write);
    return 0;
}
