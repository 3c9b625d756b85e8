/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/remote_write/probe.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/address.h"
#include "net/loop.h"
#include "payload/coding.h"
#include "sinks/remote_write/answer.h"
#include "sinks/remote_write/options.h"

enum { EMPTY_MAX = 64 };                       /* of nothing, packed */
#define PROBE_TIMEOUT_US (14 * CLOCK_US_PER_S) /* the test ends within 15 s */

struct probe {
    struct loop *loop;
    struct loop_deferred end;
    struct http_fetcher *fetcher;
    struct remote_ask ask;
    struct sink_finding findings[SINK_FINDINGS_MAX];
    size_t count;
    sink_tested_cb tested;
    void *ctx;
};

static struct sink_finding *found(struct probe *probe, const char *what, enum sink_verdict verdict)
{
    struct sink_finding *finding = &probe->findings[probe->count++];
    finding->what = what;
    finding->verdict = verdict;
    return finding;
}

static void found_bad(struct probe *probe, const char *what, const struct err *err)
{
    struct sink_finding *finding = found(probe, what, SINK_BAD);
    str_copy(finding->text, sizeof(finding->text), err->message);
    str_copy(finding->hint, sizeof(finding->hint), err->hint);
}

static void end(void *ctx)
{
    struct probe *probe = ctx;
    probe->tested(probe->ctx, probe->findings, probe->count);
    http_fetcher_free(probe->fetcher);
    remote_ask_fini(&probe->ask);
    busbar_free(probe);
}

static bool is_local(const char *host)
{
    struct address address;
    return address_parse(host, 0, &address, NULL) == 0 && address_is_loopback(address.host);
}

static void say_tls(struct probe *probe, const struct http_answer *answer)
{
    struct sink_finding *finding;
    if (!answer->encrypted && is_local(probe->ask.host)) {
        finding = found(probe, "TLS", SINK_GOOD);
        str_copy(finding->text, sizeof(finding->text), "none, which is fine on this machine");
    } else if (!answer->encrypted) {
        finding = found(probe, "TLS", SINK_WARNING);
        str_copy(finding->text, sizeof(finding->text), "none: everything is sent in the open");
        str_copy(finding->hint, sizeof(finding->hint), "write https:// where the target speaks it");
    } else if (probe->ask.http.tls.unverified) {
        finding = found(probe, "TLS", SINK_WARNING);
        str_copy(finding->text, sizeof(finding->text),
                 "encrypted, but whoever answers is believed ('unverified')");
        str_copy(finding->hint, sizeof(finding->hint), "name its authority with 'ca'");
    } else {
        finding = found(probe, "TLS", SINK_GOOD);
        str_copy(finding->text, sizeof(finding->text), "encrypted, its certificate is trusted");
    }
}

static void say_login(struct probe *probe)
{
    static const char *const words[] = {
        [HTTP_LOGIN_NONE] = "none was asked for",
        [HTTP_LOGIN_BASIC] = "user and password were taken",
        [HTTP_LOGIN_BEARER] = "the token was taken",
    };
    struct sink_finding *finding = found(probe, "login", SINK_GOOD);
    str_copy(finding->text, sizeof(finding->text), words[probe->ask.http.login]);
}

static const char *part_of(const struct err *err)
{
    switch (err->code) {
    case BUSBAR_EAUTH:
    case BUSBAR_EPERM: return "login";
    default: return "remote write";
    }
}

static void say_answer(struct probe *probe, const struct http_answer *answer)
{
    struct err err = { 0 };
    struct sink_finding *finding;
    enum remote_verdict verdict = remote_judge(answer, probe->ask.host, true, &err);
    if (answer->status == 0) {
        bool tls = err.code == BUSBAR_ETLS || err.code == BUSBAR_EUNTRUSTED ||
                   err.code == BUSBAR_ECONFIG;
        found_bad(probe, tls ? "TLS" : "address", &err);
        return;
    }
    finding = found(probe, "address", SINK_GOOD);
    str_format(finding->text, sizeof(finding->text), "%s answers after %.0f ms", probe->ask.host,
               (double)answer->took_us / (double)CLOCK_US_PER_MS);
    say_tls(probe, answer);
    if (verdict == REMOTE_TAKEN) {
        say_login(probe);
        finding = found(probe, "remote write", SINK_GOOD);
        str_format(finding->text, sizeof(finding->text), "it takes remote write 1.0 (%u)",
                   answer->status);
    } else {
        found_bad(probe, part_of(&err), &err);
    }
}

static void answered(void *ctx, const struct http_answer *answer)
{
    struct probe *probe = ctx;
    say_answer(probe, answer);
    loop_defer(probe->loop, &probe->end);
}

void remote_probe(const struct sink_env *env, const struct settings *settings,
                  sink_tested_cb tested, void *ctx)
{
    struct probe *probe = busbar_alloc(sizeof(*probe));
    struct buf empty;
    struct err err = { 0 };
    probe->loop = env->loop;
    probe->tested = tested;
    probe->ctx = ctx;
    loop_deferred_init(&probe->end, end, probe);
    if (remote_ask_init(&probe->ask, env, settings, &err) != 0) {
        found_bad(probe, "settings", &err);
        loop_defer(env->loop, &probe->end);
        return;
    }
    probe->fetcher = http_fetcher_new(env->loop);
    buf_init(&empty, EMPTY_MAX);
    (void)payload_snappy("", 0, &empty);
    probe->ask.http.body = empty.data;
    probe->ask.http.body_size = empty.size;
    if (probe->ask.http.timeout_us > PROBE_TIMEOUT_US) {
        probe->ask.http.timeout_us = PROBE_TIMEOUT_US;
    }
    (void)http_fetch(probe->fetcher, &probe->ask.http, answered, probe);
    buf_fini(&empty);
}
