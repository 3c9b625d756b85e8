/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to the gateway: REST over its Unix socket or HTTP, by libcurl. */
#ifndef BUSBAR_CLI_CLIENT_H
#define BUSBAR_CLI_CLIENT_H

#include "base/json.h"
#include "cli/cli.h"

enum { CLIENT_BODY_MAX = 64 << 20, CLIENT_URL_MAX = 4096 };

struct client_reply {
    int status; /* HTTP */
    struct buf body;
    struct json_doc *doc;          /* NULL when the body is not JSON */
    const struct json_value *root; /* of doc */
};

/* One request; body NULL = GET, else POST of JSON. Returns 0 with a 2xx reply (client_free it), or an exit code after
 * having said why on stderr; 422 is told as 0 (look at status): its problems are the answer. */
int client_call(const struct cli *cli, const char *path, const char *body,
                struct client_reply *reply);

/* As client_call(), but says nothing: returns a BUSBAR_ code with err. For completion and doctor. */
int client_try(const struct cli *cli, const char *path, const char *body,
               struct client_reply *reply, struct err *err);
/* The same with the parameters as a form ("a=1&b=2", escaped). */
int client_form(const struct cli *cli, const char *path, const char *form,
                struct client_reply *reply, struct err *err);
/* A DELETE; the reply may have no body. */
int client_delete(const struct cli *cli, const char *path, struct client_reply *reply,
                  struct err *err);
void client_free(struct client_reply *reply);

/* The same with any bytes. */
int client_send(const struct cli *cli, const char *path, const void *data, size_t size,
                struct client_reply *reply, struct err *err);

/* The body of a GET, piece by piece, however long. cb returns false to end (which is an error). Returns 0, or an
 * exit code after having said why. */
typedef bool (*client_piece_cb)(void *ctx, const char *data, size_t size);
int client_fetch(const struct cli *cli, const char *path, client_piece_cb cb, void *ctx);

/* A server-sent event stream; cb returns false to end. Ends on Ctrl-C. */
typedef bool (*client_event_cb)(void *ctx, const char *event, const char *data, size_t size);
int client_stream(const struct cli *cli, const char *path, client_event_cb cb, void *ctx);

/* Appends text percent-encoded, '/' kept when keep_slash. */
void client_escape(struct buf *out, const char *text, bool keep_slash);

/* Where the gateway listens when nothing else is said: the Unix socket's path. */
void client_default_socket(char *path, size_t size);

#endif
