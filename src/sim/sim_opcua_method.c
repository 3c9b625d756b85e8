/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of the commands that devices have. What one takes and does follows from its name: with `reset` in it, alarms
 * end; with `load`, `set`, `select` or `move`, it takes a number and a text; all others take nothing. Each says what it
 * did. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sim/sim_opcua.h"

enum { TEXT_MAX = 300, INPUTS = 2 };

struct sim_opcua_method {
    struct sim_opcua_device *device;
    const struct device_command *command;
    struct opcua_id method, object;
    bool has_object, takes, resets;
    struct arena texts;
};

const char *sim_opcua_setting(const struct settings *settings, const char *key)
{
    int row = settings != NULL ? option_find(settings->options, key) : -1;
    return row >= 0 && (settings->options[row].type == OPTION_TEXT ||
                        settings->options[row].type == OPTION_SECRET)
               ? settings_text(settings, (size_t)row)
               : NULL;
}

static bool has_word(const char *name, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strstr(name, *words) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- from commands ---- */

void sim_opcua_methods_make(struct sim_opcua_device *device)
{
    static const char *const takers[] = { "load", "set", "select", "move", NULL };
    static const char *const resetters[] = { "reset", NULL };
    device->methods = busbar_alloc_array(device->dev->command_count + 1,
                                         sizeof(struct sim_opcua_method));
    for (size_t i = 0; i < device->dev->command_count; i++) {
        const struct device_command *command = &device->dev->commands[i];
        struct sim_opcua_method *made = &device->methods[i];
        const char *method = sim_opcua_setting(command->settings, "method");
        const char *object = sim_opcua_setting(command->settings, "object");
        const char *uri = NULL;
        struct err err = { 0 };
        arena_init(&made->texts, 0);
        if (method == NULL ||
            opcua_id_parse(method, &made->texts, &uri, &made->method, &err) != 0) {
            continue; /* presets: values that are written */
        }
        made->device = device;
        made->command = command;
        made->has_object = object != NULL &&
                           opcua_id_parse(object, &made->texts, &uri, &made->object, &err) == 0;
        made->resets = has_word(command->name, resetters);
        made->takes = !made->resets && has_word(command->name, takers);
    }
}

void sim_opcua_methods_free(struct sim_opcua_device *device)
{
    for (size_t i = 0; device->methods != NULL && i < device->dev->command_count; i++) {
        arena_fini(&device->methods[i].texts);
    }
    busbar_free(device->methods);
}

/* ---- called ---- */

static UA_StatusCode call(UA_Server *server, const UA_NodeId *session, void *session_context,
                          const UA_NodeId *id, void *context, const UA_NodeId *object,
                          void *object_context, size_t input_count, const UA_Variant *input,
                          size_t output_count, UA_Variant *output)
{
    struct sim_opcua_method *method = context;
    char words[TEXT_MAX];
    (void)server;
    (void)session;
    (void)session_context;
    (void)id;
    (void)object;
    (void)object_context;
    str_format(words, sizeof(words), "%s: done", method->command->name);
    if (method->takes && input_count == INPUTS) {
        UA_UInt16 number = *(UA_UInt16 *)input[0].data;
        const UA_String *text = input[1].data;
        if (number == 0) {
            return UA_STATUSCODE_BADOUTOFRANGE; /* so that a refusal can be seen */
        }
        str_format(words, sizeof(words), "%s: %u %.*s", method->command->name, number,
                   (int)text->length, (const char *)text->data);
    }
    if (method->resets) {
        sim_opcua_alarms_reset(method->device);
    }
    if (output_count == 1) {
        UA_String result = sim_opcua_text(words);
        return UA_Variant_setScalarCopy(output, &result, &UA_TYPES[UA_TYPES_STRING]);
    }
    return UA_STATUSCODE_GOOD;
}

/* ---- into the server ---- */

static UA_Argument argument(const char *name, size_t type, const char *description)
{
    return (UA_Argument){
        .name = sim_opcua_text(name),
        .dataType = UA_TYPES[type].typeId,
        .valueRank = UA_VALUERANK_SCALAR,
        .description = { .text = sim_opcua_text(description) },
    };
}

static void add_method(struct sim_opcua_method *made)
{
    struct sim_opcua_host *host = made->device->host;
    UA_NodeId id = sim_opcua_id(host, &made->method), parent = made->device->object;
    UA_Argument inputs[INPUTS] = { argument("Number", UA_TYPES_UINT16, "1 or more"),
                                   argument("Text", UA_TYPES_STRING, "What for") };
    UA_Argument result = argument("Result", UA_TYPES_STRING, "What was done");
    const char *name = made->command->name;
    if (made->has_object) {
        parent = sim_opcua_id(host, &made->object);
        sim_opcua_object_add(host, &parent, &made->device->object, made->device->dev->name);
    }
    UA_MethodAttributes attributes = UA_MethodAttributes_default;
    attributes.displayName.text = sim_opcua_text(name);
    attributes.executable = true;
    attributes.userExecutable = true;
    UA_QualifiedName browse = { .namespaceIndex = id.namespaceIndex, .name = sim_opcua_text(name) };
    (void)UA_Server_addMethodNode(host->server, id, parent,
                                  UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT), browse, attributes,
                                  call, made->takes ? INPUTS : 0, inputs, 1, &result, made, NULL);
}

void sim_opcua_methods_add(struct sim_opcua_device *device)
{
    for (size_t i = 0; i < device->dev->command_count; i++) {
        if (device->methods[i].command != NULL) {
            add_method(&device->methods[i]);
        }
    }
}
