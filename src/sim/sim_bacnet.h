/* SPDX-License-Identifier: Apache-2.0 */
/* The BACnet simulator: devices (objects, pure: sim_bacnet_object.h) behind ports.
 *
 *   port   one UDP address: a socket, a node (drivers/bacnet/node) on it, and who is served there: one device,
 *          or as a virtual router any number of devices of a remote network
 *   ear    one broadcast address: hears Who-Is, Who-Has and times for all devices near it
 *
 *   sim_bacnet.c          ports and ears, from settings to devices, faults of datagrams
 *   sim_bacnet_spot.c     where a device is served
 *   sim_bacnet_hear.c     what is heard by broadcast, and who answers when
 *   sim_bacnet_service.c  confirmed services
 *   sim_bacnet_cov.c      subscriptions
 *   sim_bacnet_event.c    event notifications and their acknowledgement */
#ifndef BUSBAR_SIM_SIM_BACNET_H
#define BUSBAR_SIM_SIM_BACNET_H

#include "drivers/bacnet/bacnet_config.h"
#include "drivers/bacnet/node/node.h"
#include "drivers/bacnet/wire/apdu.h"
#include "net/datagram.h"
#include "sim/sim_bacnet_object.h"
#include "sim/sim_private.h"

const struct sim_ops *sim_bacnet(void);

enum {
    SIM_BACNET_TICK_MS = 500,        /* how often values are compared for COV and alarms */
    SIM_BACNET_SUBSCRIPTIONS = 2000, /* of one device */
    SIM_BACNET_NOTES = 64,           /* event notifications under way, of one device */
    SIM_BACNET_ANSWER_MAX = BACNET_MESSAGE_MAX, /* bytes */
    SIM_BACNET_VIRTUAL = 64000, /* network of devices that have no address of their own */
};

struct sim_bacnet_served;

struct sim_bacnet_port {
    struct list link; /* state->ports */
    struct bacnet_state *state;
    struct sim *sim;
    struct sim_bacnet_ear *ear; /* NULL: no broadcasts there */
    struct endpoint at;
    struct datagram *socket; /* NULL: down */
    struct bacnet_node *node;
    struct sim_bacnet_served *own; /* at this address itself */
    uint16_t network;              /* behind it; 0: none */
    struct map64 macs;             /* hash of a mac -> struct sim_bacnet_served */
    size_t device_count;
    struct sim_bacnet_served *current; /* who is answering now; NULL: own */
    uint64_t random;
};

/* A round of I-Am, paced so that it does not flood who asked. */
struct sim_bacnet_survey;

struct sim_bacnet_ear {
    struct list link; /* state->ears */
    struct sim *sim;
    struct bacnet_state *state;
    struct endpoint at; /* the broadcast address */
    struct datagram *socket;
    struct list surveys;
    size_t survey_count;
    struct timer pace;
};

struct bacnet_state { /* the protocol's */
    struct list ports, ears;
    struct map64 by_address;   /* IPv4 address and port -> struct sim_bacnet_port */
    struct bacnet_card *cards; /* of this machine, as they were at the start */
    size_t card_count;
    struct list devices; /* struct sim_bacnet_served */
    uint8_t *answer;     /* SIM_BACNET_ANSWER_MAX bytes to write answers into */
    uint8_t *value;      /* the same for one property's value */
};

struct sim_bacnet_served { /* sd->state */
    struct list link;      /* state->devices */
    struct sim_device *sd;
    struct bacnet_state *state;
    struct sim_bacnet_port *port;
    struct bacnet_address source; /* network and mac behind the port; all zero: the port itself */
    struct sim_bacnet_device device;
    struct timer tick;
    struct list subscriptions;
    struct list notes; /* event notifications under way */
    struct list late;  /* answers that are held back */
    size_t note_count;
    struct bacnet_address writer; /* who wrote the recipient list last */
    struct datagram *twin;        /* another with its number */
    uint16_t max_apdu;            /* as configured */
    bool segments;
    enum sim_fault_kind was; /* before the last change */
};

/* ---- sim_bacnet_spot.c ---- */
struct sim_bacnet_spot {
    struct endpoint at, broadcast;
    uint16_t network; /* 0: at the address itself */
    uint8_t mac_size;
    uint8_t mac[BACNET_MAC_MAX];
};
int sim_bacnet_find_spot(const struct sim_device *sd, const struct bacnet_state *state,
                         const struct bacnet_config *config, struct sim_bacnet_spot *spot,
                         struct err *err);

/* ---- sim_bacnet.c ---- */
/* The source to give to the node; NULL: the port itself. */
const struct bacnet_address *sim_bacnet_source(const struct sim_bacnet_served *served);
bool sim_bacnet_is_mute(const struct sim_bacnet_served *served); /* says and hears nothing */

/* ---- sim_bacnet_hear.c ---- */
int sim_bacnet_ear_get(struct bacnet_state *state, struct sim *sim, const struct endpoint *at,
                       struct sim_bacnet_ear **out, struct err *err);
void sim_bacnet_ear_free(struct sim_bacnet_ear *ear);
/* An unconfirmed request for one device, or for all that `ear` is near to (served NULL). */
void sim_bacnet_told(struct sim_bacnet_served *served, const struct bacnet_address *from,
                     uint8_t service, struct bytes data);
/* I-Am; to NULL: to everybody. */
void sim_bacnet_introduce(struct sim_bacnet_served *served, const struct bacnet_address *to);
void sim_bacnet_twin(struct sim_bacnet_served *served, bool on);

/* ---- sim_bacnet_service.c ---- */
void sim_bacnet_asked(struct sim_bacnet_served *served, struct bacnet_request *request);

/* ---- sim_bacnet_cov.c ---- */
/* 0 or an error. property and index: of SubscribeCOVProperty; BACNET_PROP_ALL: the object's usual ones. */
struct bacnet_subscribe_cov;
uint32_t sim_bacnet_subscribe(struct sim_bacnet_served *served, const struct bacnet_address *from,
                              const struct bacnet_subscribe_cov *ask, bool of_property);
void sim_bacnet_cov_forget(struct sim_bacnet_served *served);
/* Compares what is watched with what was told. */
void sim_bacnet_cov_look(struct sim_bacnet_served *served);
/* Starts or stops the tick as it is needed. */
void sim_bacnet_tick_set(struct sim_bacnet_served *served, bool soon);

/* ---- sim_bacnet_event.c ---- */
void sim_bacnet_event_happened(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                               uint8_t from, uint8_t to, int64_t wall_us);
struct bacnet_acknowledge_alarm;
uint32_t sim_bacnet_acknowledge(struct sim_bacnet_served *served,
                                const struct bacnet_acknowledge_alarm *ack);
void sim_bacnet_events_forget(struct sim_bacnet_served *served);
void sim_bacnet_events_look(struct sim_bacnet_served *served);

#endif
