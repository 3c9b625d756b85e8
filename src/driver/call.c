/* SPDX-License-Identifier: Apache-2.0 */
/* Commands. Those of a protocol go to its driver, with a deadline; presets are writes, one after another, each
 * checked and read back as any other write. Nothing is ever sent twice: when no answer came, nobody
 * knows whether the device did it, and that is what the person is told. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host_private.h"

enum { RESULTS_MAX = 256 * 1024 /* bytes of what a command gave back */ };

struct call {
    struct driver_call call; /* first: what the driver has */
    struct list link;        /* hd->calls */
    struct host_device *hd;
    const struct device_command *command;
    char **arguments;
    char *who, *from;
    size_t written; /* presets that the device took */
    struct timer deadline;
    int64_t began_us, timeout_us;
    host_called_cb called;
    void *ctx;
    bool calling; /* inside the driver's call() */
    bool over;    /* answered inside it: ends with `end` */
    bool told;    /* nobody waits for it any more: the driver was late */
    struct host_call_result result;
    char *results;
    struct loop_deferred end;
};

static void free_call(struct call *self)
{
    for (size_t i = 0; i < self->call.argument_count; i++) {
        busbar_free(self->arguments[i]);
    }
    busbar_free(self->arguments);
    busbar_free(self->who);
    busbar_free(self->from);
    busbar_free(self->results);
    busbar_free(self);
}

/* ---- the end ---- */

static void say(const struct call *self, const char *words, char *to, size_t size)
{
    const struct driver_ops *ops = self->hd->driver->ops;
    const char *known = NULL;
    if (words != NULL && words[0] != '\0') {
        str_copy(to, size, words);
        return;
    }
    switch (self->result.error) {
    case 0: str_copy(to, size, "done"); break;
    case BUSBAR_EREFUSED:
        known = self->result.detail != 0 && ops->explain != NULL ? ops->explain(self->result.detail)
                                                                 : NULL;
        str_format(to, size, "refused: %s",
                   known != NULL ? known : "the device answered that it will not");
        break;
    case BUSBAR_ETIMEOUT:
        str_copy(to, size,
                 "no answer in time; whether the device did it is not known: look at the device "
                 "before you run it again");
        break;
    case BUSBAR_ECANCELED:
        str_copy(to, size,
                 "the device was stopped before it answered; whether it did it is not known");
        break;
    case BUSBAR_ENOTCONN:
        str_copy(to, size,
                 "not sent: there is no link to the device; busbar device test shows why");
        break;
    default: str_format(to, size, "failed: %s", err_text(self->result.error));
    }
}

static void tell(struct call *self)
{
    struct host_call_result *result = &self->result;
    if (self->told) {
        return;
    }
    self->told = true;
    result->results = self->results != NULL ? self->results : "";
    result->took_us = host_now(self->hd) - self->began_us;
    busbar_log(LOG_LEVEL_INFO, "driver", self->hd->dev->name, "command %s by %s: %s",
               self->command->name, self->who, result->message);
    self->called(self->ctx, result);
}

static void end(void *ctx)
{
    struct call *self = ctx;
    timer_stop(&self->deadline);
    loop_defer_cancel(&self->end);
    list_remove(&self->link);
    self->hd->call_count--;
    tell(self);
    free_call(self);
}

void call_end_all(struct host_device *hd)
{
    list_each_safe(at, &hd->calls) {
        struct call *self = list_entry(at, struct call, link);
        if (self->over) {
            end(self);
        }
    }
}

/* ---- by the driver ---- */

/* The driver still has it; the person need not wait. */
static void deadline_passed(struct timer *timer, void *ctx)
{
    (void)timer;
    struct call *self = ctx;
    self->result.error = BUSBAR_ETIMEOUT;
    say(self, NULL, self->result.message, sizeof(self->result.message));
    tell(self);
}

static void keep_results(struct call *self, const char *results)
{
    if (results != NULL && results[0] != '\0' && strlen(results) <= RESULTS_MAX) {
        self->results = busbar_strdup(results);
    } else if (results != NULL && results[0] != '\0') {
        str_copy(self->result.message, sizeof(self->result.message),
                 "done; what it gave back is too much to be shown");
    }
}

void driver_called(struct device *dev, struct driver_call *call, int error, uint16_t detail,
                   const char *results, const char *words)
{
    struct call *self = (struct call *)(void *)call;
    if (!self->told) {
        self->result.error = error;
        self->result.detail = detail;
        say(self, words, self->result.message, sizeof(self->result.message));
        keep_results(self, results);
    }
    if (self->calling) {
        self->over = true;
        loop_defer(host_of(dev)->host->config.loop, &self->end);
    } else {
        end(self);
    }
}

static int ask_driver(struct call *self)
{
    struct host_device *hd = self->hd;
    self->call.deadline_us = self->began_us + self->timeout_us;
    timer_start_us(&self->deadline, self->timeout_us + HOST_CALL_GRACE_MS * CLOCK_US_PER_MS, 0);
    self->calling = true;
    hd->driver->ops->call(hd->dev, &self->call);
    self->calling = false;
    return 0;
}

/* ---- presets ---- */

static int write_next(struct call *self, struct err *err);

static void on_written(void *ctx, const struct host_write_result *result)
{
    struct call *self = ctx;
    struct err err = { 0 };
    const struct device_preset *preset = &self->command->presets[self->written];
    const char *name = self->hd->dev->points[preset->point].name;
    if (result->error != 0) {
        self->result.error = result->error;
        self->result.detail = result->detail;
        err_set(&err, result->error, "%s", result->message);
    } else if (++self->written == self->command->preset_count) {
        str_format(self->result.message, sizeof(self->result.message), "%zu value%s written",
                   self->written, self->written == 1 ? "" : "s");
        end(self);
        return;
    } else {
        name = self->hd->dev->points[self->command->presets[self->written].point].name;
        self->result.error = write_next(self, &err);
    }
    if (self->result.error != 0) {
        str_format(self->result.message, sizeof(self->result.message),
                   "%zu of %zu values written; %s: %s", self->written, self->command->preset_count,
                   name, err.message);
        end(self);
    }
}

/* The value of a preset: a number, a truth value, or a text, which may be the name of an enum. */
static uint8_t preset_value(const struct point *pt, const char *text, union value *value,
                            struct text **held)
{
    for (size_t i = 0; i < pt->cls->enum_count; i++) {
        if (strcmp(pt->cls->enums[i].name, text) == 0) {
            value->text = *held = text_new(text, strlen(text));
            return VALUE_TEXT;
        }
    }
    if (pt->value_type == VALUE_TEXT) {
        value->text = *held = text_new(text, strlen(text));
        return VALUE_TEXT;
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        value->b = text[0] == 't';
        return VALUE_BOOL;
    }
    if (str_parse_i64(text, &value->i) == 0) {
        return VALUE_INT;
    }
    return str_parse_double(text, &value->d) == 0 ? VALUE_DOUBLE : VALUE_NONE;
}

static int write_next(struct call *self, struct err *err)
{
    const struct device_preset *preset = &self->command->presets[self->written];
    struct point *pt = &self->hd->dev->points[preset->point];
    struct host_write_how how = { .who = self->who, .from = self->from };
    union value value = { 0 };
    struct text *held = NULL;
    uint8_t type = preset_value(pt, preset->value, &value, &held);
    int64_t left_us = self->began_us + self->timeout_us - host_now(self->hd);
    if (left_us <= 0) {
        return err_set(err, BUSBAR_ETIMEOUT, "the time for the command is over");
    }
    int error = host_write(self->hd->host, pt, type, value, &how, left_us, on_written, self, err);
    busbar_free(held);
    return error;
}

/* ---- the call ---- */

static int check_count(const struct device *dev, const struct device_command *command,
                       const struct host_call_how *how, struct err *err)
{
    const struct driver_signature *signature = host_signature(dev, command);
    size_t wanted = 0;
    if (how->argument_count > DRIVER_ARGUMENTS_MAX) {
        return err_set(err, BUSBAR_EINVAL, "a command takes at most %d arguments",
                       DRIVER_ARGUMENTS_MAX);
    }
    if (command->settings != NULL && (signature == NULL || signature->trouble != NULL)) {
        return 0; /* the device will say it */
    }
    wanted = command->settings != NULL ? signature->input_count : 0;
    if (how->argument_count == wanted) {
        return 0;
    }
    err_set(err, BUSBAR_EINVAL, "'%s' takes %zu argument%s, not %zu", command->name, wanted,
            wanted == 1 ? "" : "s", how->argument_count);
    return err_hint(err, "busbar command list %s shows which", dev->name);
}

static int check(const struct host_device *hd, const struct device *dev,
                 const struct device_command *command, const struct host_call_how *how,
                 struct err *err)
{
    if (hd == NULL || hd->removing) {
        return err_set(err, BUSBAR_EBUSY, "device '%s' is being set up or removed", dev->name);
    }
    if (!host_running(hd)) {
        err_set(err, BUSBAR_EBUSY, "device '%s' is paused", dev->name);
        return err_hint(err, "resume it first: busbar device resume %s", dev->name);
    }
    if (command->settings != NULL && hd->driver->ops->call == NULL) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "a %s device has no such commands", dev->protocol);
    }
    if (hd->call_count >= HOST_CALLS_MAX) {
        return err_set(err, BUSBAR_EBUSY, "%d commands of '%s' are under way already",
                       HOST_CALLS_MAX, dev->name);
    }
    return check_count(dev, command, how, err);
}

static struct call *call_new(struct host_device *hd, const struct device_command *command,
                             const struct host_call_how *how)
{
    struct call *self = busbar_alloc(sizeof(*self));
    self->hd = hd;
    self->command = command;
    self->arguments = busbar_alloc_array(how->argument_count + 1, sizeof(*self->arguments));
    for (size_t i = 0; i < how->argument_count; i++) {
        self->arguments[i] = busbar_strdup(how->arguments[i]);
    }
    self->call = (struct driver_call){ .command = command,
                                       .arguments = (const char *const *)self->arguments,
                                       .argument_count = how->argument_count };
    self->who = busbar_strdup(how->who != NULL ? how->who : "");
    self->from = busbar_strdup(how->from != NULL ? how->from : "");
    self->began_us = host_now(hd);
    self->timeout_us = how->timeout_us > 0 ? how->timeout_us : HOST_CALL_MS * CLOCK_US_PER_MS;
    loop_deferred_init(&self->end, end, self);
    timer_init(&self->deadline, hd->host->config.loop, deadline_passed, self);
    return self;
}

int host_call(struct host *host, struct device *dev, const struct device_command *command,
              const struct host_call_how *how, host_called_cb called, void *ctx, struct err *err)
{
    struct host_device *hd = host_of(dev);
    (void)host;
    int error = check(hd, dev, command, how, err);
    if (error != 0) {
        return error;
    }
    struct call *self = call_new(hd, command, how);
    self->called = called;
    self->ctx = ctx;
    list_append(&hd->calls, &self->link);
    hd->call_count++;
    error = command->settings != NULL ? ask_driver(self) : write_next(self, err);
    if (error != 0) {
        list_remove(&self->link);
        hd->call_count--;
        free_call(self);
    }
    return error;
}
