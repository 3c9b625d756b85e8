/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_command.h"

#include <string.h>

#include "base/alloc.h"
#include "drivers/opcua/data/alarm.h"
#include "drivers/opcua/data/method.h"

enum { COMMAND_METHOD, COMMAND_OBJECT, NODE_TEXT_MAX = 4600 };

const struct option opcua_command_options[] = {
    [COMMAND_METHOD] = { .key = "method",
                         .type = OPTION_TEXT,
                         .min = 1,
                         .max = NODE_TEXT_MAX,
                         .help = "node of the method: nsu=urn:acme:press;s=Press.Reset" },
    [COMMAND_OBJECT] = { .key = "object",
                         .type = OPTION_TEXT,
                         .min = 1,
                         .max = NODE_TEXT_MAX,
                         .help = "node it is called on; what the method belongs to by default" },
    { .key = NULL },
};

/* ---- settings ---- */

static int parse_node(const struct settings *command, size_t option, struct arena *arena,
                      struct opcua_id *out, struct err *err)
{
    struct err reason = { 0 };
    int error = opcua_id_parse(settings_text(command, option), arena, NULL, out, &reason);
    if (error != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(command, option), reason.hint, "%s",
                      reason.message);
    }
    return 0;
}

static int read_method(const struct settings *command, struct arena *arena,
                       struct opcua_method_address *out, struct err *err)
{
    *out = (struct opcua_method_address){ .used = true,
                                          .has_object = settings_has(command, COMMAND_OBJECT) };
    if (!settings_has(command, COMMAND_METHOD)) {
        return err_at(err, BUSBAR_ECONFIG, command->at,
                      "add 'method: NODE'; busbar device browse shows the methods of a server",
                      "the command does not say which method to call");
    }
    int error = parse_node(command, COMMAND_METHOD, arena, &out->method, err);
    return error == 0 && out->has_object
               ? parse_node(command, COMMAND_OBJECT, arena, &out->object, err)
               : error;
}

int opcua_command_check(const struct settings *device, const struct settings *command,
                        struct err *err)
{
    struct opcua_method_address address;
    struct arena arena;
    (void)device;
    arena_init(&arena, 0);
    int error = read_method(command, &arena, &address, err);
    arena_fini(&arena);
    return error;
}

/* ---- what methods take ---- */

struct home {
    struct device *dev;
    struct opcua_thread *thread;
};

static void take_signature(void *ctx)
{
    struct opcua_signature *signature = ctx;
    struct device *dev = ((const struct home *)signature->home)->dev;
    struct driver_argument inputs[OPCUA_ARGUMENTS_MAX], outputs[OPCUA_ARGUMENTS_MAX];
    for (size_t i = 0; i < signature->input_count; i++) {
        inputs[i] = (struct driver_argument){ signature->inputs[i].name, signature->inputs[i].type,
                                              signature->inputs[i].description };
    }
    for (size_t i = 0; i < signature->output_count; i++) {
        outputs[i] = (struct driver_argument){ signature->outputs[i].name,
                                               signature->outputs[i].type,
                                               signature->outputs[i].description };
    }
    driver_signed(dev, &dev->commands[signature->command],
                  &(struct driver_signature){ .inputs = inputs,
                                              .outputs = outputs,
                                              .input_count = signature->input_count,
                                              .output_count = signature->output_count,
                                              .description = signature->description,
                                              .trouble = signature->trouble });
    opcua_signature_free(signature);
}

/* OPC UA thread. */
static void tell_signature(void *ctx, struct opcua_signature *signature)
{
    const struct home *home = ctx;
    signature->home = ctx;
    opcua_thread_tell(home->thread, take_signature, signature);
}

/* ---- the device ---- */

static int read_methods(struct opcua_features *features, const struct device *dev,
                        struct arena *arena, struct err *err)
{
    struct opcua_method_address *methods = arena_alloc_array(arena, dev->command_count,
                                                             sizeof(*methods));
    bool any = false;
    if (methods == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "no memory for the commands of '%s'", dev->name);
    }
    for (size_t i = 0; i < dev->command_count; i++) {
        methods[i].used = false;
        if (dev->commands[i].settings != NULL) {
            int error = read_method(dev->commands[i].settings, arena, &methods[i], err);
            if (error != 0) {
                return error;
            }
            any = true;
        }
    }
    features->methods = methods;
    features->method_count = any ? dev->command_count : 0;
    return 0;
}

static int read_alarms(struct opcua_features *features, const struct opcua_config *config,
                       struct arena *arena, struct err *err)
{
    static const enum opcua_alarm_mode modes[] = {
        [OPCUA_ALARMS_OFF] = OPCUA_ALARM_OFF,
        [OPCUA_ALARMS_CONDITIONS] = OPCUA_ALARM_CONDITIONS,
        [OPCUA_ALARMS_ALL] = OPCUA_ALARM_ALL,
    };
    features->alarms.mode = modes[config->alarms];
    features->alarms.severity = config->alarm_severity;
    features->alarms.fields = config->alarm_fields;
    if (config->alarm_source == NULL) {
        return 0;
    }
    struct opcua_id *source = arena_alloc(arena, sizeof(*source));
    if (source == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "no memory for 'alarm_source'");
    }
    features->alarms.source = source;
    return opcua_id_parse(config->alarm_source, arena, NULL, source, err);
}

int opcua_features_init(struct opcua_features *features, struct device *dev,
                        const struct opcua_config *config, struct opcua_thread *thread,
                        struct arena *arena, struct err *err)
{
    struct home *home = arena_alloc(arena, sizeof(*home));
    *features = (struct opcua_features){ .signature = tell_signature, .ctx = home };
    if (home == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "no memory for '%s'", dev->name);
    }
    *home = (struct home){ .dev = dev, .thread = thread };
    int error = read_methods(features, dev, arena, err);
    return error == 0 ? read_alarms(features, config, arena, err) : error;
}

/* ---- calling ---- */

struct calling {
    struct opcua_method_call call;
    struct opcua_thread *thread;
    struct device *dev;
    struct driver_call *asked;
};

static void call_is_home(void *ctx)
{
    struct calling *calling = ctx;
    const struct opcua_method_call *call = &calling->call;
    driver_called(calling->dev, calling->asked, call->error, call->detail, call->results,
                  call->words);
    busbar_free(call->results);
    busbar_free(calling);
}

/* OPC UA thread. */
static void call_answered(struct opcua_method_call *call)
{
    struct calling *calling = call->home;
    opcua_thread_tell(calling->thread, call_is_home, calling);
}

void opcua_command_call(struct device *dev, struct opcua_thread *thread, struct opcua_peer *peer,
                        struct driver_call *call)
{
    if (peer == NULL) {
        driver_called(dev, call, BUSBAR_ENOTCONN, 0, NULL, NULL);
        return;
    }
    struct calling *calling = busbar_alloc(sizeof(*calling));
    *calling = (struct calling){ .thread = thread, .dev = dev, .asked = call };
    calling->call = (struct opcua_method_call){ .peer = peer,
                                                .command = (size_t)(call->command - dev->commands),
                                                .arguments = call->arguments,
                                                .argument_count = call->argument_count,
                                                .deadline_us = call->deadline_us,
                                                .answered = call_answered,
                                                .home = calling };
    opcua_thread_do(thread, opcua_method_call, &calling->call);
}

/* ---- acknowledging ---- */

struct acknowledging {
    struct opcua_ack ack;
    struct opcua_thread *thread;
    struct device *dev;
    struct driver_acknowledge *asked;
    char *comment;
};

static void ack_is_home(void *ctx)
{
    struct acknowledging *acknowledging = ctx;
    driver_acknowledged(acknowledging->dev, acknowledging->asked, acknowledging->ack.error,
                        acknowledging->ack.detail);
    busbar_free(acknowledging->comment);
    busbar_free(acknowledging);
}

/* OPC UA thread. */
static void ack_answered(struct opcua_ack *ack)
{
    struct acknowledging *acknowledging = ack->home;
    opcua_thread_tell(acknowledging->thread, ack_is_home, acknowledging);
}

static const struct event_argument *argument_of(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->argument_count; i++) {
        if (strcmp(event->arguments[i].name, name) == 0) {
            return &event->arguments[i];
        }
    }
    return NULL;
}

static const char *text_argument(const struct event *event, const char *name)
{
    const struct event_argument *argument = argument_of(event, name);
    return argument != NULL && argument->type == VALUE_TEXT ? argument->value.text->bytes : "";
}

static bool is_acked(const struct event *event)
{
    const struct event_argument *argument = argument_of(event, OPCUA_ARGUMENT_ACKED);
    return argument != NULL && argument->type == VALUE_BOOL && argument->value.b;
}

/* The server's journal has who by our session's user only: the person is named in the comment. */
static char *comment_of(const struct driver_acknowledge *ack)
{
    struct buf text;
    buf_init(&text, EVENT_TEXT_MAX);
    buf_printf(&text, "%s%s%s", ack->note, ack->note[0] != '\0' && ack->who[0] != '\0' ? " - " : "",
               ack->who);
    char *copy = busbar_strdup(buf_text(&text));
    buf_fini(&text);
    return copy;
}

void opcua_command_acknowledge(struct device *dev, struct opcua_thread *thread,
                               struct opcua_peer *peer, struct driver_acknowledge *ack)
{
    if (peer == NULL) {
        driver_acknowledged(dev, ack, BUSBAR_ENOTCONN, 0);
        return;
    }
    struct acknowledging *acknowledging = busbar_alloc(sizeof(*acknowledging));
    *acknowledging = (struct acknowledging){ .thread = thread, .dev = dev, .asked = ack };
    acknowledging->comment = comment_of(ack);
    acknowledging->ack = (struct opcua_ack){
        .peer = peer,
        .key = ack->event->key,
        .condition = text_argument(ack->event, OPCUA_ARGUMENT_CONDITION),
        .event_id = text_argument(ack->event, OPCUA_ARGUMENT_EVENT),
        .acked = is_acked(ack->event),
        .comment = acknowledging->comment,
        .answered = ack_answered,
        .home = acknowledging,
    };
    opcua_thread_do(thread, opcua_alarm_ack, &acknowledging->ack);
}
