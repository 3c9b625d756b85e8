/* SPDX-License-Identifier: Apache-2.0 */
/* One device that discovery found: what it says in its I-Am, and what its device object tells when it is
 * asked (name, vendor, model, firmware ...). Private to discovery (bacnet_discover.c). */
#ifndef BUSBAR_DRIVERS_BACNET_FIND_H
#define BUSBAR_DRIVERS_BACNET_FIND_H

#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_fetch.h"

enum {
    BACNET_FIND_HAS_MAX = 160,  /* bytes of what Who-Has found in it */
    BACNET_FIND_TEXT_MAX = 256, /* of one fact */
    BACNET_FIND_FACTS = 14,     /* properties of a device object that are read */
};

struct bacnet_job_of_discovery;

enum bacnet_facts_state {
    BACNET_FACTS_NONE,
    BACNET_FACTS_WANTED, /* in line */
    BACNET_FACTS_READING,
    BACNET_FACTS_KNOWN, /* or it did not answer */
};

struct bacnet_find {
    struct list link; /* the line of those whose facts are wanted */
    struct bacnet_network *network;
    uint32_t instance;
    bool
        elsewhere; /* the same number was found on another network before: its key names this one */
    struct bacnet_address address;
    struct bacnet_address other; /* where the same id answers too, when `duplicate` */
    uint16_t max_apdu, vendor;
    uint8_t segmentation;
    bool introduced; /* the three above are known */
    bool duplicate;
    bool silent;   /* facts were asked for, nothing came */
    uint8_t facts; /* enum bacnet_facts_state */
    int64_t answer_us;
    struct driver_discovery *asked; /* the discovery that found it last; NULL: heard */
    char *has;                      /* what Who-Has found in it; NULL */
};

/* Freed by bacnet_find_free(). */
struct bacnet_find *bacnet_find_new(struct bacnet_network *network, uint32_t instance,
                                    const struct bacnet_address *address);
void bacnet_find_free(struct bacnet_find *find);

/* "10.0.1.21", "10.0.1.1 network 7 mac 12". */
void bacnet_find_address(const struct bacnet_address *address, struct buf *out);
/* Tells the host what is known without asking. */
void bacnet_find_tell(const struct bacnet_find *find);

/* Reads the facts of one device at a time and tells them. */
struct bacnet_reader {
    struct bacnet_find *find; /* NULL: at rest */
    struct bacnet_fetch fetch;
    struct bacnet_peer *peer;
    struct bacnet_fetch_item items[BACNET_FIND_FACTS];
    char texts[BACNET_FIND_FACTS][BACNET_FIND_TEXT_MAX];
    int64_t objects;
    /* All is told, or it does not answer; the reader is at rest and may begin again in it. */
    void (*done)(struct bacnet_reader *reader, struct bacnet_find *find);
    void *user;
};

void bacnet_reader_begin(struct bacnet_reader *reader, struct bacnet_find *find);
void bacnet_reader_stop(struct bacnet_reader *reader);

/* Its key among all finds: the instance, with our address there where another network has the same. */
void bacnet_find_key(const struct bacnet_find *find, struct buf *out);

#endif
