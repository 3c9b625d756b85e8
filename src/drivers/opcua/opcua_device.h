/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's half of the driver: what runs on the loop. Its other half, a device on the OPC UA thread, is
 * data/peer.h; they talk by posting, and what is posted owns what it carries.
 *
 *   opcua_driver.c    the slots of the interface
 *   opcua_device.c    a device: started, stopped, what comes home from its peer
 *   opcua_request.c   reads and writes of the host
 *   opcua_test.c      why does it not answer
 *   opcua_address.c, opcua_config.c, opcua_options.c   settings
 *
 * Home is the loop thread; functions named *_there run on the OPC UA thread. */
#ifndef BUSBAR_DRIVERS_OPCUA_DEVICE_H
#define BUSBAR_DRIVERS_OPCUA_DEVICE_H

#include "driver/driver.h"
#include "drivers/opcua/data/access.h"
#include "drivers/opcua/data/features.h"
#include "drivers/opcua/opcua_browse.h"
#include "drivers/opcua/opcua_config.h"
#include "drivers/opcua/opcua_discover.h"

struct opcua_driver_state {
    struct driver *drv;
    struct loop *loop;
    struct opcua_thread *thread; /* NULL: it is closed */
    struct opcua_discover *discover;
    struct list batches, news; /* of the peers, until they are on disk; home_link */
};

struct opcua_device {
    struct device *dev;
    struct driver *drv;
    struct opcua_driver_state *state;
    struct opcua_config config;
    struct opcua_link_config link; /* its texts live till remove */
    struct opcua_features features;
    struct arena arena;      /* of what is made from the settings */
    char *password;          /* a copy: an apply may replace the store of secrets */
    char *certificate, *key; /* the files' bytes */
    struct err broken;       /* code 0: nothing is */
    struct opcua_peer *peer; /* from start() to stop() */
    bool started;
    unsigned open_ends; /* of a stop: the peer, looks, tests that have not ended yet */
    struct opcua_browses *browses;
    char *application_uri; /* of the server, once it told; NULL */
    char *server_name;     /* likewise */
    bool up;
    char url[OPCUA_URL_TEXT_MAX];           /* of the link that is up, or was last */
    char security[OPCUA_SECURITY_TEXT_MAX]; /* of the link that is up, or was last */
    struct list jobs, spare_jobs;           /* opcua_request.c */
    struct list tests;                      /* opcua_test.c */
};

static inline struct opcua_device *opcua_device_of(const struct device *dev)
{
    return dev->driver;
}

/* ---- opcua_device.c ---- */
/* NULL while it is stopped. Valid for what is posted to the thread before the next stop. */
struct opcua_peer *opcua_device_peer(const struct device *dev);
struct opcua_thread *opcua_device_thread(const struct device *dev);
int opcua_device_add(struct opcua_device *device, struct err *err);
void opcua_device_start(struct opcua_device *device);
void opcua_device_stop(struct opcua_device *device);
void opcua_device_remove(struct opcua_device *device);
/* Something that a stop waits for has ended. */
void opcua_device_ended(struct opcua_device *device);
/* What is not on disk yet belongs to nobody any more: the driver closes. */
void opcua_device_abandon(struct opcua_driver_state *state);

/* ---- opcua_request.c ---- */
void opcua_request_begin(struct opcua_device *device, struct request *req, bool write);
void opcua_request_cancel(struct opcua_device *device, struct request *req);
void opcua_requests_free(struct opcua_device *device);

/* ---- opcua_test.c ---- */
void opcua_test_begin(struct opcua_device *device, struct driver_test *test);
void opcua_tests_stop(struct opcua_device *device);

#endif
