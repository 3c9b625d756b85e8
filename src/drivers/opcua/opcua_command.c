/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_command.h"

#include <string.h>

#include "base/alloc.h"
#include "drivers/opcua/data/method.h"
#include "drivers/opcua/opcua_device.h"

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
                        struct arena *arena)
{
    struct opcua_method_address *methods = arena_alloc_array(arena, dev->command_count,
                                                             sizeof(*methods));
    bool any = false;
    if (methods == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < dev->command_count; i++) {
        methods[i].used = false;
        if (dev->commands[i].settings != NULL) {
            int error = read_method(dev->commands[i].settings, arena, &methods[i], NULL);
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
                       struct arena *arena)
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
        return BUSBAR_ENOMEM;
    }
    features->alarms.source = source;
    return opcua_id_parse(config->alarm_source, arena, NULL, source, NULL);
}

int opcua_features_init(struct opcua_features *features, struct device *dev,
                        const struct opcua_config *config, struct arena *arena)
{
    struct home *home = arena_alloc(arena, sizeof(*home));
    *features = (struct opcua_features){ .signature = tell_signature, .ctx = home };
    if (home == NULL) {
        return BUSBAR_ENOMEM;
    }
    *home = (struct home){ .dev = dev, .thread = opcua_device_thread(dev) };
    int error = read_methods(features, dev, arena);
    return error == 0 ? read_alarms(features, config, arena) : error;
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

void opcua_command_call(struct device *dev, struct driver_call *call)
{
    struct opcua_thread *thread = opcua_device_thread(dev);
    struct opcua_peer *peer = opcua_device_peer(dev);
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
