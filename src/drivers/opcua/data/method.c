/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/method.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/opcua/data/value.h"
#include "drivers/opcua/text/status.h"

static struct opcua_methods *methods_of(struct opcua_peer *peer)
{
    return (struct opcua_methods *)(void *)opcua_peer_part(peer, "methods");
}

static void answer(struct opcua_method_call *call, int error, UA_StatusCode status)
{
    list_remove(&call->link);
    call->call = NULL;
    call->error = error;
    call->detail = opcua_status_detail(status);
    call->answered(call);
}

/* ---- an argument from its text ---- */

static struct text *text_in(struct arena *arena, const char *text)
{
    size_t size = strlen(text);
    struct text *copy = arena_alloc(arena, sizeof(*copy) + size + 1);
    if (copy != NULL) {
        copy->size = (uint32_t)size;
        memcpy(copy->bytes, text, size + 1);
    }
    return copy;
}

/* The text as what it looks like; a text stays one where the method wants one. */
static bool next_guess(const char *text, int guess, struct arena *arena, struct sample *out)
{
    *out = (struct sample){ 0 };
    switch (guess) {
    case 0:
        out->value.text = text_in(arena, text);
        out->type = VALUE_TEXT;
        return out->value.text != NULL;
    case 1: out->type = VALUE_INT; return str_parse_i64(text, &out->value.i) == 0;
    case 2: out->type = VALUE_DOUBLE; return str_parse_double(text, &out->value.d) == 0;
    default: out->type = VALUE_BOOL; return str_parse_bool(text, &out->value.b) == 0;
    }
}

static int convert(const struct opcua_methods *methods, const char *text,
                   const UA_Argument *argument, UA_Variant *out)
{
    static const struct opcua_want all;
    int error = BUSBAR_EINVAL;
    for (int guess = 0; guess < 4; guess++) {
        struct arena arena;
        struct sample sample;
        arena_init(&arena, 0);
        if (next_guess(text, guess, &arena, &sample)) {
            int found = opcua_variant(&sample, &all, &argument->dataType, NULL, argument->valueRank,
                                      opcua_peer_types(methods->peer), out);
            error = found == BUSBAR_EWRONGTYPE && error != BUSBAR_EINVAL ? error : found;
        }
        arena_fini(&arena);
        if (error == 0 || error == BUSBAR_EAGAIN || error == BUSBAR_ERANGE) {
            break;
        }
    }
    return error;
}

/* "argument 2 'speed' (Double)" */
static void name_argument(const struct opcua_method *method, size_t index, char *to, size_t size)
{
    const UA_Argument *argument = &method->inputs[index];
    const UA_DataType *type = UA_findDataType(&argument->dataType);
    str_format(to, size, "argument %zu '%.*s'%s%s%s%s", index + 1,
               (int)(argument->name.length < 64 ? argument->name.length : 64),
               argument->name.length > 0 ? (const char *)argument->name.data : "",
               type != NULL ? " (" : "", type != NULL ? type->typeName : "",
               argument->valueRank >= 0 ? "[]" : "", type != NULL ? ")" : "");
}

static void say_argument(struct opcua_method_call *call, const struct opcua_method *method,
                         size_t index, int error)
{
    char name[160];
    name_argument(method, index, name, sizeof(name));
    const char *why = error == BUSBAR_ERANGE         ? "does not fit: it is out of range"
                      : error == BUSBAR_EUNSUPPORTED ? "is of a type that cannot be written here"
                                                     : "does not fit: it is no such value";
    str_format(call->words, sizeof(call->words), "not sent: %s %s: '%.60s'", name, why,
               call->arguments[index]);
}

/* ---- the answer ---- */

/* Arrays and structures come as JSON in a text. */
static void put_value(struct json_writer *json, const UA_Variant *value,
                      const struct sample *sample)
{
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = OPCUA_RESULTS_MAX };
    const struct text *text = sample->value.text;
    switch (sample->type) {
    case VALUE_BOOL: json_bool(json, sample->value.b); return;
    case VALUE_INT: json_i64(json, sample->value.i); return;
    case VALUE_DOUBLE: json_double(json, sample->value.d); return;
    case VALUE_TEXT: break;
    default: json_null(json); return;
    }
    bool composed = !UA_Variant_isScalar(value) ||
                    value->type->typeKind > UA_DATATYPEKIND_VARIANT ||
                    value->type->typeKind == UA_DATATYPEKIND_EXTENSIONOBJECT;
    if (composed && json_parse(text->bytes, text->size, &limits, &doc, NULL) == 0) {
        json_copy(json, json_root(doc));
        json_free(doc);
    } else {
        json_string_n(json, text->bytes, text->size);
    }
}

static void put_results(struct opcua_methods *methods, const struct opcua_method *method,
                        const UA_CallMethodResult *result, struct opcua_method_call *call)
{
    static const struct opcua_want all;
    struct arena texts;
    struct buf out;
    char name[80];
    buf_init(&out, OPCUA_RESULTS_MAX);
    arena_init(&texts, 0);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    for (size_t i = 0; i < result->outputArgumentsSize && i < OPCUA_ARGUMENTS_MAX; i++) {
        UA_DataValue value = { .value = result->outputArguments[i], .hasValue = true };
        struct sample sample = { 0 };
        str_format(name, sizeof(name), "result-%zu", i + 1);
        if (i < method->output_count && method->outputs[i].name.length > 0) {
            size_t size = str_utf8_cut((const char *)method->outputs[i].name.data,
                                       method->outputs[i].name.length, sizeof(name) - 1);
            str_format(name, sizeof(name), "%.*s", (int)size,
                       (const char *)method->outputs[i].name.data);
        }
        opcua_sample(&value, &all, opcua_peer_types(methods->peer), &texts, &sample);
        json_key(&json, name);
        put_value(&json, &result->outputArguments[i], &sample);
    }
    json_end_object(&json);
    if (result->outputArgumentsSize > 0 && !out.overflow) {
        call->results = busbar_strdup(buf_text(&out));
    } else if (out.overflow) {
        str_copy(call->words, sizeof(call->words),
                 "done; what it gave back is too much to be shown");
    }
    arena_fini(&texts);
    buf_fini(&out);
}

/* "BadInvalidArgument: argument 1 'speed' (Double): BadTypeMismatch" */
static void say_refused(const struct opcua_method *method, const UA_CallMethodResult *result,
                        struct opcua_method_call *call)
{
    const char *name = opcua_status_name(result->statusCode);
    const char *words = opcua_status_words(result->statusCode);
    char argument[160];
    for (size_t i = 0; i < result->inputArgumentResultsSize && i < method->input_count; i++) {
        UA_StatusCode status = result->inputArgumentResults[i];
        const char *why = opcua_status_name(status);
        if (opcua_status_bad(status)) {
            name_argument(method, i, argument, sizeof(argument));
            str_format(call->words, sizeof(call->words), "refused: %s: %s does not fit: %s",
                       name != NULL ? name : "refused", argument, why != NULL ? why : "refused");
            return;
        }
    }
    str_format(call->words, sizeof(call->words), "refused: %s%s%s",
               name != NULL ? name : "the server will not", words != NULL ? ": " : "",
               words != NULL ? words : "");
}

static void called(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_method_call *call = ctx;
    struct opcua_methods *methods = methods_of(call->peer);
    const struct opcua_method *method = &methods->list[call->command];
    const UA_CallResponse *reply = response;
    if (reply == NULL) {
        bool timeout = trouble->error == BUSBAR_ETIMEOUT;
        if (!timeout && trouble->detail[0] != '\0') {
            str_copy(call->words, sizeof(call->words), trouble->detail);
        }
        answer(call, trouble->error != 0 ? trouble->error : BUSBAR_ENOTCONN, trouble->status);
        return;
    }
    if (reply->resultsSize != 1) {
        answer(call, BUSBAR_EPROTO, 0);
        return;
    }
    const UA_CallMethodResult *result = &reply->results[0];
    const char *name = opcua_status_name(result->statusCode);
    opcua_peer_say(call->peer, false, "Call: %s, %zu results", name != NULL ? name : "answered",
                   result->outputArgumentsSize);
    if (opcua_status_bad(result->statusCode)) {
        say_refused(method, result, call);
        answer(call, BUSBAR_EREFUSED, result->statusCode);
    } else {
        put_results(methods, method, result, call);
        answer(call, 0, 0);
    }
}

/* ---- the call ---- */

static void send_call(struct opcua_methods *methods, struct opcua_method_call *call,
                      const struct opcua_method *method, UA_Variant *arguments)
{
    UA_CallMethodRequest one;
    UA_CallRequest request;
    int64_t left_us = call->deadline_us - clock_mono_us();
    UA_CallMethodRequest_init(&one);
    if (left_us <= 0) { /* whoever asked was told so already: it must not be done behind his back */
        str_copy(call->words, sizeof(call->words),
                 "not sent: the time was over before the server had told what the method takes");
        answer(call, BUSBAR_ETIMEOUT, 0);
        return;
    }
    one.objectId = method->object;
    if (method->address->has_object &&
        opcua_peer_node(call->peer, &method->address->object, &one.objectId) != 0) {
        str_copy(call->words, sizeof(call->words),
                 "not sent: the server does not have the namespace of 'object'");
        answer(call, BUSBAR_EREFUSED, UA_STATUSCODE_BADNODEIDUNKNOWN);
        return;
    }
    one.methodId = method->id;
    one.inputArguments = arguments;
    one.inputArgumentsSize = method->input_count;
    UA_CallRequest_init(&request);
    request.methodsToCall = &one;
    request.methodsToCallSize = 1;
    opcua_peer_say(call->peer, true, "Call: command %zu, %zu arguments", call->command,
                   call->argument_count);
    list_append(&methods->open, &call->link);
    call->call = opcua_call(opcua_peer_seat(call->peer), &request, &UA_TYPES[UA_TYPES_CALLREQUEST],
                            &UA_TYPES[UA_TYPES_CALLRESPONSE], left_us, called, call);
}

/* Arguments fit, one for one: send; else say which does not. */
static void begin(struct opcua_methods *methods, struct opcua_method_call *call)
{
    const struct opcua_method *method = &methods->list[call->command];
    UA_Variant arguments[OPCUA_ARGUMENTS_MAX];
    size_t count = 0;
    int error = 0;
    if (call->argument_count != method->input_count) {
        str_format(call->words, sizeof(call->words), "not sent: the method takes %zu argument%s",
                   method->input_count, method->input_count == 1 ? "" : "s");
        answer(call, BUSBAR_EINVAL, 0);
        return;
    }
    for (; count < call->argument_count && error == 0; count++) {
        UA_Variant_init(&arguments[count]);
        error = convert(methods, call->arguments[count], &method->inputs[count], &arguments[count]);
    }
    if (error == 0) {
        send_call(methods, call, method, arguments);
    } else if (error == BUSBAR_EAGAIN) {
        list_append(&methods->waiting, &call->link); /* typed() begins it again */
    } else {
        say_argument(call, method, count - 1, error);
        answer(call, error == BUSBAR_ERANGE ? BUSBAR_ERANGE : BUSBAR_EINVAL, 0);
    }
    while (count > 0) {
        UA_Variant_clear(&arguments[--count]);
    }
}

static void begin_or_wait(struct opcua_methods *methods, struct opcua_method_call *call)
{
    const struct opcua_method *method = &methods->list[call->command];
    const char *name = opcua_status_name(method->status);
    const char *words = opcua_status_words(method->status);
    if (opcua_peer_facts(call->peer) == NULL || methods->stopping) {
        opcua_peer_connect(call->peer);
        answer(call, BUSBAR_ENOTCONN, 0);
    } else if (methods->state != OPCUA_METHODS_KNOWN) {
        list_append(&methods->waiting, &call->link);
        if (methods->state == OPCUA_METHODS_UNKNOWN) {
            opcua_methods_learn(methods);
        }
    } else if (!method->found || opcua_status_bad(method->status)) {
        str_format(call->words, sizeof(call->words), "not sent: %s%s%s",
                   !method->found ? "the server does not have the namespace of 'method'"
                   : name != NULL ? name
                                  : "the server refuses the method",
                   method->found && words != NULL ? ": " : "",
                   method->found && words != NULL ? words : "");
        answer(call, BUSBAR_EREFUSED, method->status);
        methods->state = OPCUA_METHODS_UNKNOWN; /* it may be there later */
    } else {
        begin(methods, call);
    }
}

void opcua_method_call(void *ctx)
{
    struct opcua_method_call *call = ctx;
    struct opcua_methods *methods = methods_of(call->peer);
    list_init(&call->link);
    begin_or_wait(methods, call);
}

static void begin_waiting(struct opcua_methods *methods)
{
    struct list due;
    list_init(&due);
    while (!list_empty(&methods->waiting)) {
        struct list *at = methods->waiting.next;
        list_remove(at);
        list_append(&due, at);
    }
    while (!list_empty(&due)) {
        struct opcua_method_call *call = list_entry(due.next, struct opcua_method_call, link);
        list_remove(&call->link);
        begin_or_wait(methods, call);
    }
}

/* ---- the part ---- */

static void up(struct opcua_part *part, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_methods *methods = (struct opcua_methods *)(void *)part;
    (void)facts;
    if (!resumed || methods->state != OPCUA_METHODS_KNOWN) {
        opcua_methods_learn(methods);
    }
}

static void answer_all(struct list *calls, int error)
{
    while (!list_empty(calls)) {
        struct opcua_method_call *call = list_entry(calls->next, struct opcua_method_call, link);
        opcua_call_cancel(call->call);
        answer(call, error, 0);
    }
}

void opcua_methods_known(struct opcua_methods *methods)
{
    if (methods->state == OPCUA_METHODS_KNOWN) {
        begin_waiting(methods);
    } else {
        answer_all(&methods->waiting, BUSBAR_EPROTO);
    }
}

static void down(struct opcua_part *part)
{
    struct opcua_methods *methods = (struct opcua_methods *)(void *)part;
    if (methods->state == OPCUA_METHODS_LEARNING) {
        opcua_methods_learn_stop(methods);
    }
    answer_all(&methods->waiting, BUSBAR_ENOTCONN);
}

static void changed(struct opcua_part *part, const struct opcua_server_facts *facts)
{
    (void)facts;
    opcua_methods_learn((struct opcua_methods *)(void *)part);
}

static void typed(struct opcua_part *part)
{
    begin_waiting((struct opcua_methods *)(void *)part);
}

static void stop(struct opcua_part *part)
{
    struct opcua_methods *methods = (struct opcua_methods *)(void *)part;
    methods->stopping = true;
    opcua_methods_learn_stop(methods);
    answer_all(&methods->waiting, BUSBAR_ECANCELED);
    answer_all(&methods->open, BUSBAR_ECANCELED);
}

static void free_part(struct opcua_part *part)
{
    struct opcua_methods *methods = (struct opcua_methods *)(void *)part;
    for (size_t i = 0; i < methods->features->method_count; i++) {
        opcua_method_forget(&methods->list[i]);
    }
    busbar_free(methods->list);
    busbar_free(methods);
}

void opcua_method_part(struct opcua_peer *peer)
{
    const struct opcua_features *features = opcua_peer_config(peer)->driver;
    if (features == NULL || features->method_count == 0) {
        return;
    }
    struct opcua_methods *methods = busbar_alloc(sizeof(*methods));
    methods->part = (struct opcua_part){ .name = "methods",
                                         .up = up,
                                         .down = down,
                                         .changed = changed,
                                         .typed = typed,
                                         .stop = stop,
                                         .free = free_part };
    methods->peer = peer;
    methods->features = features;
    methods->list = busbar_alloc_array(features->method_count, sizeof(*methods->list));
    for (size_t i = 0; i < features->method_count; i++) {
        methods->list[i].address = &features->methods[i];
    }
    list_init(&methods->waiting);
    list_init(&methods->open);
    opcua_peer_add(peer, &methods->part);
}
