/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of a server (Part 4, 5.11.2): what they take and give back, and calling them. OPC UA thread only, but for the
 * structs, which travel.
 *
 *   method.c            the part; a call: arguments from texts, results as JSON, why it failed in words
 *   method_signature.c  InputArguments and OutputArguments of all methods, read when the link is up
 *
 * A call waits for what it needs to know first: the arguments of its method, the definition of a type. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_METHOD_H
#define BUSBAR_DRIVERS_OPCUA_DATA_METHOD_H

#include "drivers/opcua/data/ask.h"
#include "drivers/opcua/data/features.h"
#include "drivers/opcua/data/peer.h"

enum {
    OPCUA_ARGUMENTS_MAX = 32, /* of a method, of each kind */
    OPCUA_RESULTS_MAX = 256 * 1024,
};

/* The part: begin function for opcua_peer_config.parts; nothing without methods. */
void opcua_method_part(struct opcua_peer *peer);

/* A method to be called. Home owns it and leaves it alone until it is answered; texts borrowed. */
struct opcua_method_call {
    struct list link;
    struct opcua_peer *peer;
    size_t command; /* number of the device's command */
    const char *const *arguments;
    size_t argument_count;
    int64_t deadline_us; /* monotonic */
    /* On the OPC UA thread. */
    void (*answered)(struct opcua_method_call *call);
    void *home;
    /* the answer */
    int error;
    uint16_t detail;
    char *results; /* JSON object; NULL: nothing. Whoever has the call frees it */
    char words[320];
    /* private */
    struct opcua_call *call;
};
/* Begins one (call->peer is set). ctx for opcua_thread_do(). */
void opcua_method_call(void *call);

/* What a method takes and gives back, for home: opcua_signature_free(). */
struct opcua_signature {
    size_t command;
    struct {
        const char *name, *type, *description;
    } inputs[OPCUA_ARGUMENTS_MAX], outputs[OPCUA_ARGUMENTS_MAX];
    size_t input_count, output_count;
    const char *description;
    const char *trouble; /* NULL: none */
    struct arena texts;
    void *home; /* home's own */
};
void opcua_signature_free(struct opcua_signature *signature);

/* ---- among its files ---- */

/* A method of this server. Cleared by opcua_method_forget(). */
struct opcua_method {
    const struct opcua_method_address *address;
    UA_NodeId id; /* as the server has it; borrows the address */
    bool found;   /* its namespace is there */
    UA_NodeId object, inputs_id, outputs_id;
    UA_Argument *inputs, *outputs;
    size_t input_count, output_count;
    UA_LocalizedText description;
    UA_StatusCode status; /* of the method's own attributes */
};

enum opcua_methods_state { OPCUA_METHODS_UNKNOWN, OPCUA_METHODS_LEARNING, OPCUA_METHODS_KNOWN };

struct opcua_methods {
    struct opcua_part part;
    struct opcua_peer *peer;
    const struct opcua_features *features;
    struct opcua_method *list; /* one for each command */
    enum opcua_methods_state state;
    struct opcua_ask ask;
    struct opcua_ask_item *items;
    UA_BrowseDescription *descriptions;
    size_t *places; /* what an item, or a description, is for */
    size_t count;
    struct list waiting, open; /* struct opcua_method_call */
    bool stopping;
};

/* method_signature.c: learns all; opcua_methods_known() follows, when it came to an end. */
void opcua_methods_learn(struct opcua_methods *methods);
void opcua_methods_learn_stop(struct opcua_methods *methods);
void opcua_method_forget(struct opcua_method *method);
/* method.c */
void opcua_methods_known(struct opcua_methods *methods);

#endif
