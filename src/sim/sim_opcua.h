/* SPDX-License-Identifier: Apache-2.0 */
/* The OPC UA simulator: servers made with the same library that the driver uses as a client.
 *
 *   host    one address and port: a server, its event loop and the thread that runs it. Devices of one address share it
 *   device  an object below Objects with the nodes that its points name
 *   node    a variable: a number, an array, a structure, as the points say that share it
 *
 *   sim_opcua.c          devices, faults, control lines: the simulator's loop
 *   sim_opcua_host.c     hosts: thread, posted calls, life of the server
 *   sim_opcua_setup.c    how a server is set up: endpoints, certificate, users, limits
 *   sim_opcua_space.c    nodes into the address space
 *   sim_opcua_type.c     structures
 *   sim_opcua_value.c    reading and writing nodes, history
 *   sim_opcua_alarm.c    conditions and their methods
 *   sim_opcua_method.c   commands
 *
 * Two threads: the simulator's loop and, for each host, the thread of its server. The thread begins when the loop turns
 * first; until then the loop builds everything itself. From then on all of a host's devices, nodes and values are the
 * thread's; the loop reaches them with sim_opcua_do() only. What is read by both does not change: the devices of the
 * configuration and their points. */
#ifndef BUSBAR_SIM_SIM_OPCUA_H
#define BUSBAR_SIM_SIM_OPCUA_H

#include <open62541/server.h>
#include <pthread.h>

#include "drivers/opcua/data/peer.h"
#include "sim/sim_private.h"
#include "sim/sim_value.h"

const struct sim_ops *sim_opcua(void);

/* Serves as a Local Discovery Server too ("127.0.0.1:4840"), where the other servers register. Before the loop
 * turns first. BUSBAR_EADDRINUSE ... */
int sim_opcua_discovery(struct sim *sim, const char *at, struct err *err);

enum {
    SIM_OPCUA_HOSTS_MAX = 256,    /* a thread each */
    SIM_OPCUA_TURN_MS = 20,       /* how long a posted call waits at most */
    SIM_OPCUA_LOOK_MS = 500,      /* how often alarms are looked at */
    SIM_OPCUA_REGISTER_MS = 5000, /* how often servers register at the discovery server */
    SIM_OPCUA_SESSIONS_MAX = 1000,
    SIM_OPCUA_ARRAY_MAX = 1000,   /* elements */
    SIM_OPCUA_MEMBERS_MAX = 64,   /* of a structure */
    SIM_OPCUA_HISTORY_MAX = 1000, /* values of one answer; more with a continuation point */
};

struct sim_opcua_device;

/* A member of a structure: of a built-in type, or a structure itself. */
struct sim_opcua_member {
    char *name;
    struct sim_opcua_struct *inner; /* NULL: built in */
    uint32_t point;                 /* where its value comes from */
    uint8_t base;
    uint16_t offset; /* bytes, in the structure */
};

struct sim_opcua_struct {
    char *name; /* "Machine.State type" */
    struct sim_opcua_member *members;
    size_t member_count;
    UA_DataType type; /* of the server as it is now */
    UA_DataTypeMember *type_members;
    UA_DataTypeArray *entry; /* in the list of the server's types */
};

/* A node of the address space. */
struct sim_opcua_node {
    const struct opcua_id *id;
    struct sim_opcua_device *device;
    struct sim_opcua_struct *shape; /* NULL: none */
    UA_Variant *held;               /* what was written; NULL: it lives */
    UA_Variant *told;               /* what it was held at when subscriptions fell silent */
    uint32_t point;                 /* the first that names it */
    uint16_t rows, columns;         /* of an array; 0: none */
    uint8_t base;                   /* index into UA_TYPES, of an element */
    bool writable;
};

struct sim_opcua_alarm;
struct sim_opcua_method;

struct sim_opcua_device { /* sd->state */
    struct list link;     /* host->devices */
    struct sim_device *sd;
    struct sim_opcua_host *host;
    struct device *dev;
    struct sim_value *values; /* of the points */
    struct sim_opcua_node *nodes;
    size_t node_count;
    uint32_t *node_of;      /* of each point; UINT32_MAX: an attribute that is no value */
    struct list alarms;     /* struct sim_opcua_alarm */
    UA_NodeId object;       /* in the server as it is now */
    struct sim_fault fault; /* the thread's copy */
    enum sim_fault_kind now;
    uint32_t traits;
    int64_t frozen_us;                /* wall; since when values stand still; 0: they live */
    int64_t mute_us;                  /* the same for what subscriptions are told */
    bool loading;                     /* its nodes are not there yet */
    struct sim_opcua_method *methods; /* of its commands */
};

/* Posted to a host's thread. */
typedef void (*sim_opcua_cb)(void *ctx);

struct sim_opcua_host {
    struct list link; /* state->hosts */
    struct opcua_sim_state *state;
    struct list devices;
    char name[256]; /* "127.0.0.1", to listen at */
    uint16_t port;
    bool discovery;    /* a discovery server */
    char trouble[200]; /* what the library said last that was an error */
    UA_ByteString certificate, key;
    UA_Server *server; /* NULL: down */
    UA_Logger logger;
    UA_UInt64 look, registers; /* its timers */
    UA_NodeId *sessions;       /* that are active */
    size_t session_count;
    uint32_t starts;      /* how many times it was opened */
    uint32_t types;       /* entered since */
    const char *last_uri; /* a namespace looked up, and what it is */
    UA_UInt16 last_index;
    bool sampling; /* in the part of a turn in which subscriptions are served */
    UA_DelayedCallback sampled;
    /* Of the library's own access control, that ours asks after itself. */
    UA_StatusCode (*activate)(UA_Server *, UA_AccessControl *, const UA_EndpointDescription *,
                              const UA_ByteString *, const UA_NodeId *, const UA_ExtensionObject *,
                              void **);
    void (*closed)(UA_Server *, UA_AccessControl *, const UA_NodeId *, void *);

    pthread_t thread;
    bool running;         /* the thread is */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct list calls;
    bool stop;
};

struct opcua_sim_state { /* the protocol's */
    struct sim *sim;
    struct list hosts;
    size_t host_count;
    struct sim_opcua_host *discovery; /* NULL: none */
    struct loop_deferred begin;       /* starts the threads */
};

/* ---- sim_opcua_host.c ---- */
/* The host of an address, opened when it is new. */
int sim_opcua_host_get(struct opcua_sim_state *state, const char *name, uint16_t port,
                       bool discovery, struct sim_opcua_host **out, struct err *err);
void sim_opcua_host_begin(struct sim_opcua_host *host);
/* Ends the thread and the server. */
void sim_opcua_host_end(struct sim_opcua_host *host);
void sim_opcua_host_register(
    struct sim_opcua_host *host); /* at the discovery server, from now on */
/* When its devices are gone. */
void sim_opcua_host_free(struct sim_opcua_host *host);
/* Runs cb(ctx) on the host's thread, in the order of posting; at once when there is none. */
void sim_opcua_do(struct sim_opcua_host *host, sim_opcua_cb cb, void *ctx);
/* The server goes, or comes again as after a restart. The host's thread. */
void sim_opcua_host_down(struct sim_opcua_host *host);
int sim_opcua_host_up(struct sim_opcua_host *host, struct err *err);
/* Whether one of its devices has this fault. */
bool sim_opcua_host_has(const struct sim_opcua_host *host, enum sim_fault_kind kind);

/* ---- sim_opcua_setup.c ---- */
int sim_opcua_server_new(struct sim_opcua_host *host, struct err *err);
/* Limits and refusals as the traits of the devices say. */
void sim_opcua_limit(struct sim_opcua_host *host);
void sim_opcua_register(UA_Server *server, void *host);
/* Closes the sessions of all clients, without a word to them. */
void sim_opcua_sessions_close(struct sim_opcua_host *host);

/* ---- sim_opcua_space.c ---- */
/* From the device's points. 0 or BUSBAR_ELIMIT. */
int sim_opcua_nodes_make(struct sim_opcua_device *device, struct err *err);
void sim_opcua_nodes_free(struct sim_opcua_device *device);
/* Into the host's server. */
void sim_opcua_space_add(struct sim_opcua_device *device);
/* After each start the namespaces of devices have another index, as servers do that load them in another order. */
void sim_opcua_namespaces_move(struct sim_opcua_host *host);
UA_NodeId sim_opcua_id(struct sim_opcua_host *host, const struct opcua_id *id);
/* An object below `parent`, unless it is there. */
void sim_opcua_object_add(struct sim_opcua_host *host, const UA_NodeId *id, const UA_NodeId *parent,
                          const char *name);
UA_String sim_opcua_text(const char *text); /* borrowed */

/* ---- sim_opcua_type.c ---- */
/* Adds the point's member to the node's structure. */
int sim_opcua_shape_add(struct sim_opcua_node *node, uint32_t point, uint8_t base,
                        const char *member, struct err *err);
void sim_opcua_shape_free(struct sim_opcua_struct *shape);
/* Into the server: the data type, its encoding and what decodes it. */
void sim_opcua_shape_enter(struct sim_opcua_node *node);
void sim_opcua_shape_leave(struct sim_opcua_struct *shape); /* the server is gone */

/* ---- sim_opcua_value.c ---- */
static inline const struct opcua_address *sim_opcua_addresses(const struct device *dev)
{
    return dev->addresses;
}
uint8_t sim_opcua_base(const struct point *pt, const struct opcua_address *address);
uint8_t sim_opcua_raw_type(uint8_t base); /* enum value_type */
/* The node's value at a time, as if nobody wrote it. */
void sim_opcua_value_at(const struct sim_opcua_node *node, int64_t wall_us, UA_Variant *out);
UA_DataSource sim_opcua_source(void);
int sim_opcua_hold(struct sim_opcua_node *node, uint32_t point, uint8_t type, union value raw);
void sim_opcua_release(struct sim_opcua_node *node);
/* Subscriptions are told what is now, from now on; 0: they are told all again. */
void sim_opcua_mute(struct sim_opcua_device *device, int64_t wall_us);
UA_HistoryDatabase sim_opcua_history(struct sim_opcua_host *host);

/* ---- sim_opcua_alarm.c ---- */
void sim_opcua_alarms_make(struct sim_opcua_device *device);
void sim_opcua_alarms_free(struct sim_opcua_device *device);
void sim_opcua_alarms_add(struct sim_opcua_device *device); /* into the server */
void sim_opcua_alarms_look(struct sim_opcua_device *device);
void sim_opcua_alarms_methods(struct sim_opcua_host *host); /* Acknowledge ... of the standard */
/* Ends what alarms stand on: the values go back to normal. */
void sim_opcua_alarms_reset(struct sim_opcua_device *device);

/* ---- sim_opcua_method.c ---- */
/* A text that was set; NULL: it was not, or there is no such key. settings may be NULL. */
const char *sim_opcua_setting(const struct settings *settings, const char *key);
void sim_opcua_methods_make(struct sim_opcua_device *device);
void sim_opcua_methods_free(struct sim_opcua_device *device);
void sim_opcua_methods_add(struct sim_opcua_device *device); /* into the server */

#endif
