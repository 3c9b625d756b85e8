/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated SNMP agents: each device on its host and port, one socket for each address. Agents with communities of
 * their own may share an address, as behind a proxy; of version 3 there is one at an address.
 *
 *   datagram -> sim_snmp.c (port, device, fault) -> sim_snmp_agent.h (answer)
 *   sim_snmp_trap.c, sim_snmp_notify.c: traps and informs, on demand and by period, to where the gateway listens */
#ifndef BUSBAR_SIM_SIM_SNMP_H
#define BUSBAR_SIM_SIM_SNMP_H

#include "drivers/snmp/snmp_config.h"
#include "net/datagram.h"
#include "sim/sim_private.h"
#include "sim/sim_snmp_agent.h"

const struct sim_ops *sim_snmp(void);

/* The counterpart of the gateway's listeners. family 0: the configuration has none. */
struct sim_snmp_receiver {
    struct endpoint at;
    struct usm_engine engine; /* as learned by informs of version 3 */
};

struct sim_snmp_state {
    struct map ports;   /* "127.0.0.1:1161" -> struct sim_snmp_port */
    struct map users;   /* what makes a user -> struct usm_user, for hashing takes milliseconds */
    struct arena arena; /* keys of `users` */
    struct sim_snmp_desk *desk;
    struct prepared *prepared; /* the catalogue that points refer to */
    struct sim_snmp_receiver receiver;
    const struct mib *mib;
    uint64_t random;
};

struct sim_snmp_port {
    struct sim_snmp_state *state;
    struct sim *sim;
    char name[ADDRESS_TEXT_MAX];
    char host[ADDRESS_HOST_MAX];
    uint16_t number;
    struct datagram *socket; /* NULL: one of its devices is down */
    struct list devices;     /* struct sim_snmp_served */
};

struct sim_snmp_served { /* sd->state */
    struct list link;    /* port->devices */
    struct sim_device *sd;
    struct sim_snmp_state *state;
    struct sim_snmp_port *port;
    struct sim_snmp_agent agent;
    enum snmp_version version; /* of what it sends by itself */
    enum sim_fault_kind was;
    char *community;
    char *context;
    struct list late;    /* answers that are held back */
    struct list notices; /* struct sim_snmp_notice */
    struct list repeats; /* struct sim_snmp_repeat */
    bool quiet;          /* a status is being set by what tells it */
    bool rebooting;      /* silent until it has started again */
    uint64_t told, confirmed, resent,
        lost; /* notifications; informs: answered, sent again, given up */
};

struct sim_snmp_now sim_snmp_clock(const struct sim_snmp_served *served);
bool sim_snmp_is_mute(const struct sim_snmp_served *served);

/* ---- sim_snmp_login.c: what the settings say ---- */
int sim_snmp_login(struct sim_snmp_served *served, const struct setup *setup,
                   const struct snmp_config *config, struct err *err);

/* ---- sim_snmp_link.c ---- */
/* After an object was written or held: a status of an interface is told. */
void sim_snmp_link_written(struct sim_snmp_served *served, const struct sim_snmp_object *object);
/* ifOperStatus of an interface, told by the caller. */
void sim_snmp_set_status(struct sim_snmp_served *served, uint16_t row, bool up);

/* ---- sim_snmp_trap.c ---- */
/* What to tell, as a person says it. */
struct sim_snmp_notification {
    struct snmp_oid_buf oid;
    const struct mib_object *object;     /* NULL: not in the catalogue */
    const struct sim_snmp_object *about; /* a point's, or a row's ifOperStatus; NULL */
    int64_t every_us;
    int64_t count;
};
/* Puts the PDU of a notification before out->at. */
void sim_snmp_put_notification(struct sim_snmp_served *served,
                               const struct sim_snmp_notification *what, bool confirmed, int32_t id,
                               struct ber_out *out);

/* ---- sim_snmp_notify.c ---- */
/* "linkDown eth0 every=10s", as docs/simulator.md has it; "none" ends what is sent by period. */
int sim_snmp_tell(struct sim_device *sd, bool confirmed, const char *words, struct err *err);
void sim_snmp_told(const struct sim_device *sd, struct buf *out);
/* A datagram that answers one of its informs. False: it is none of these. */
bool sim_snmp_notice_answered(struct sim_snmp_served *served, const struct snmp_message *message);
/* One of the standard notifications about itself (coldStart), if there is a receiver. */
void sim_snmp_announce(struct sim_snmp_served *served, const char *name, uint32_t row);
void sim_snmp_notices_forget(struct sim_snmp_served *served);
#define SIM_SNMP_NO_ROW UINT32_MAX

#endif
