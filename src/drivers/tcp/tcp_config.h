/* SPDX-License-Identifier: Apache-2.0 */
/* What a listener or a connection is to be, out of the settings of a part or of a device. Pure. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_CONFIG_H
#define BUSBAR_DRIVERS_TCP_TCP_CONFIG_H

#include "config/setup.h"
#include "drivers/tcp/tcp_frame.h"
#include "net/address.h"
#include "net/allow.h"

enum {
    TCP_PORT = 42000,
    TCP_TEXT_MAX = 4096, /* bytes of what is sent: ask, send, ack, hello */
    TCP_STREAMS_MAX = 100000,
    TCP_BAD_MAX = 3, /* bad messages in a row after which a connection is closed */
};

/* Texts are borrowed from the settings, or owned by tcp_config_dup(). NULL: not set; times 0: never. */
struct tcp_config {
    bool server, udp, tls, plain, verify_off, close_unknown;
    struct address address;
    struct tcp_frame_rule frame;
    const char *certificate, *key, *ca, *server_name;
    const char *allow, *first, *ack, *nack, *hello, *password, *keep_alive_text;
    int64_t idle_us, keep_alive_us, first_byte_us, frame_time_us, timeout_us;
    uint32_t streams_max, per_source;
    struct position at; /* of the address */
};

struct tcp_device_config {
    const char *listener;   /* a part's name; NULL: link says it */
    struct tcp_config link; /* of the part, or its own */
};

/* err: BUSBAR_ECONFIG with the place. After 0 a message in it is a warning. */
int tcp_config_part(const struct setup_part *part, struct tcp_config *out, struct err *err);
/* setup NULL: what it names is not looked up. */
int tcp_config_device(const struct setup *setup, const struct settings *device,
                      struct tcp_device_config *out, struct err *err);
int tcp_config_check_setup(const struct setup *setup, struct err *err);
int tcp_config_check(const struct setup *setup, const struct settings *device, struct err *err);

bool tcp_config_equal(const struct tcp_config *a, const struct tcp_config *b);
struct tcp_config *tcp_config_dup(const struct tcp_config *config);
void tcp_config_free(struct tcp_config *config); /* of tcp_config_dup(); NULL is fine */

/* "tcp 10.0.7.4:42000", "tls 0.0.0.0:4001", "udp ..." */
void tcp_config_print(const struct tcp_config *config, struct buf *out);
const char *tcp_config_transport(const struct tcp_config *config); /* "tcp", "tls", "udp" */

#endif
