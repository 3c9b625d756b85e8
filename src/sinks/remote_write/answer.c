/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/remote_write/answer.h"

#include <string.h>

#include "base/str.h"

enum { WORDS_MAX = 200 };

/* A row a status that needs words of its own; 0 in place of the last digits stands for the rest of its class. */
static const struct row {
    unsigned status;
    enum remote_verdict verdict;
    int code;
    const char *message, *hint;
} rows[] = {
    { 400, REMOTE_REFUSED, BUSBAR_EREFUSED, "refuses what was sent", "" },
    { 401, REMOTE_WRONG, BUSBAR_EAUTH, "wants another login",
      "look at 'user' and 'password', or 'token'" },
    { 403, REMOTE_WRONG, BUSBAR_EPERM, "does not let this login write", "give it the right to" },
    { 404, REMOTE_WRONG, BUSBAR_ENOENT, "has nothing at this path",
      "Prometheus and VictoriaMetrics: /api/v1/write (Prometheus needs "
      "--web.enable-remote-write-receiver), Mimir: /api/v1/push" },
    { 405, REMOTE_WRONG, BUSBAR_EUNSUPPORTED, "does not take a POST at this path",
      "is the path that of remote write?" },
    { 408, REMOTE_AGAIN, BUSBAR_ETIMEOUT, "waited too long for the request", "" },
    { 409, REMOTE_REFUSED, BUSBAR_EREFUSED, "refuses what was sent", "" }, /* Thanos: too old */
    { 413, REMOTE_TOO_BIG, BUSBAR_ETOOBIG, "says that the request is too big",
      "make 'batch' smaller" },
    { 415, REMOTE_WRONG, BUSBAR_EUNSUPPORTED, "does not take remote write 1.0", "" },
    { 422, REMOTE_REFUSED, BUSBAR_EREFUSED, "refuses what was sent", "" },
    { 425, REMOTE_AGAIN, BUSBAR_EBUSY, "is not ready", "" },
    { 429, REMOTE_AGAIN, BUSBAR_EBUSY, "says that it gets too much",
      "raise its limits, or leave out points with 'points' and 'except'" },
    { 300, REMOTE_WRONG, BUSBAR_EINVAL, "sends us elsewhere", "write the address it sends us to" },
    { 508, REMOTE_WRONG, BUSBAR_EINVAL, "is this gateway itself, or leads back to it",
      "what is collected can be asked there already; write the address of another program" },
    { 500, REMOTE_AGAIN, BUSBAR_EIO, "has an error of its own", "look at its log" },
};

static const struct row *row_of(unsigned status)
{
    static const struct row other = { 0, REMOTE_WRONG, BUSBAR_EPROTO,
                                      "gives an answer that remote write does not have", "" };
    unsigned class = status / 100 * 100;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].status == status || (class != 400 && rows[i].status == class)) {
            return &rows[i];
        }
    }
    return &other;
}

/* The first line of the body, as far as it is text. */
static void words_of(const struct http_answer *answer, char words[WORDS_MAX])
{
    const char *text = (const char *)answer->body;
    size_t size = 0;
    words[0] = '\0';
    while (size < answer->size && (unsigned char)text[size] >= ' ') {
        size++;
    }
    size = str_utf8_cut(text, size, WORDS_MAX - 1);
    if (size > 0 && text[0] != '<') {
        memcpy(words, text, size);
        words[size] = '\0';
    }
}

/* By TLS 1.3 a server says only after the handshake that it wants a certificate of ours, or another one. */
static bool is_about_our_certificate(const struct err *err)
{
    return strstr(err->message, " alert ") != NULL &&
           (strstr(err->message, "certificate") != NULL ||
            strstr(err->message, "unknown ca") != NULL);
}

/* No answer: what passes by itself, and what does not. */
static enum remote_verdict judge_error(const struct http_answer *answer, struct err *err)
{
    *err = answer->err;
    if (is_about_our_certificate(err)) {
        err->code = BUSBAR_ETLS;
        err_hint(err, "it wants a certificate of ours that it trusts: 'certificate' and 'key'");
        return REMOTE_WRONG;
    }
    switch (answer->error) {
    case BUSBAR_EUNTRUSTED:
    case BUSBAR_ETLS:
    case BUSBAR_ECONFIG:
    case BUSBAR_EINVAL: return REMOTE_WRONG;
    case BUSBAR_ECONNREFUSED: err_hint(err, "is it running, and the port right?"); break;
    case BUSBAR_ELIMIT: err_hint(err, "is this the address of remote write?"); break;
    default: break;
    }
    return REMOTE_AGAIN;
}

enum remote_verdict remote_judge(const struct http_answer *answer, const char *host, bool empty,
                                 struct err *err)
{
    char words[WORDS_MAX];
    if (answer->error != 0) {
        return judge_error(answer, err);
    }
    if (answer->status >= 200 && answer->status < 300) {
        return REMOTE_TAKEN;
    }
    const struct row *row = row_of(answer->status);
    words_of(answer, words);
    err_set(err, row->code, words[0] != '\0' ? "%s %s (%u): %s" : "%s %s (%u)", host, row->message,
            answer->status, words);
    err_hint(err, "%s", row->hint);
    if (empty && row->verdict == REMOTE_REFUSED) {
        err_hint(err,
                 "it refuses a request with nothing in it: is this the address of remote write?");
        return REMOTE_WRONG;
    }
    return row->verdict;
}
