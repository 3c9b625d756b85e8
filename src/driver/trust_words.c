/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to people about a certificate: what is wrong, and the next step. The first 160 bytes have to do:
 * that is what a device's link shows. Names of the protocol's status codes come from the protocol. */
#include <string.h>

#include "base/str.h"
#include "driver/trust_private.h"

const char *trust_list_word(enum trust_list list)
{
    static const char *const words[] = {
        [TRUST_OWN] = "own",         [TRUST_TRUSTED] = "trusted",
        [TRUST_ISSUERS] = "issuer",  [TRUST_REVOCATIONS] = "revocations",
        [TRUST_REFUSED] = "refused",
    };
    return words[list];
}

const char *trust_fault_word(enum trust_fault fault)
{
    static const char *const words[] = {
        [TRUST_FINE] = "fine",
        [TRUST_MALFORMED] = "malformed",
        [TRUST_BAD_SIGNATURE] = "bad-signature",
        [TRUST_REVOKED] = "revoked",
        [TRUST_WEAK] = "weak",
        [TRUST_WRONG_USE] = "wrong-use",
        [TRUST_UNTRUSTED] = "untrusted",
        [TRUST_NO_ISSUER] = "no-issuer",
        [TRUST_EXPIRED] = "expired",
        [TRUST_NOT_YET] = "not-yet",
        [TRUST_WRONG_HOST] = "wrong-host",
        [TRUST_WRONG_URI] = "wrong-uri",
    };
    return words[fault];
}

enum { SHORT_FINGERPRINT = 16, DAY_CHARACTERS = 10 };

struct said {
    const struct trust_peer *peer;
    const struct trust_seen *seen;
    char id[SHORT_FINGERPRINT + 1];
    char whose[400]; /* "certificate 1a2b...", "the authority CN=x above certificate 1a2b..." */
    char from[STR_TIME_MAX], until[STR_TIME_MAX]; /* days of the one it is about */
    char issuer[200];
};

static void say_untrusted(const struct said *said, char *to, size_t size)
{
    str_format(to, size,
               "certificate %s is not trusted: compare its fingerprint with the device's, then: "
               "busbar certificate trust %s",
               said->id, said->id);
}

static void say_no_issuer(const struct said *said, char *to, size_t size)
{
    str_format(to, size,
               "certificate %s is not trusted: compare its fingerprint, then: busbar certificate "
               "trust %s (or import its authority %s, which is not here)",
               said->id, said->id, said->issuer);
}

static void say_host(const struct said *said, char *to, size_t size)
{
    char first[128];
    const char *hosts = said->seen->hosts;
    if (hosts[0] == '\0') {
        str_format(to, size,
                   "certificate %s names no host, so not %s either: give the device one that does",
                   said->id, said->peer->host);
        return;
    }
    str_format(first, sizeof(first), "%.*s", (int)strcspn(hosts, ","), hosts);
    str_format(to, size,
               "certificate %s is not for %s: connect to a name that it has, or set server_name: "
               "%s (it has %s)",
               said->id, said->peer->host, first, hosts);
}

static void say_uri(const struct said *said, char *to, size_t size)
{
    if (said->seen->uri[0] == '\0') {
        str_format(to, size,
                   "certificate %s has no application URI, the device says it is %s: give the "
                   "device a certificate of its own",
                   said->id, said->peer->uri);
        return;
    }
    str_format(to, size,
               "certificate %s is for %s, the device says it is %s: give the device its own "
               "certificate, or correct its application URI",
               said->id, said->seen->uri, said->peer->uri);
}

static void say_weak(const struct said *said, char *to, size_t size)
{
    str_format(to, size,
               "%s is too weak (%s %u bits, %s): give the device one of 2048 bits with SHA-256, "
               "or set a deprecated security by its name",
               said->whose, said->seen->key, said->seen->key_bits, said->seen->signature);
}

static void say(enum trust_fault fault, const struct said *said, char *to, size_t size)
{
    switch (fault) {
    case TRUST_FINE: to[0] = '\0'; break;
    case TRUST_MALFORMED:
        str_format(to, size,
                   "the device sent a certificate that cannot be read: give it a new one "
                   "(X.509, DER), and look whether it is up to date");
        break;
    case TRUST_BAD_SIGNATURE:
        str_format(to, size,
                   "the signature of %s is wrong: it was changed, or was not made by %s; do not "
                   "trust it, give the device a new one",
                   said->whose, said->issuer);
        break;
    case TRUST_REVOKED:
        str_format(to, size,
                   "%s was revoked by its authority %s: give the device a new one, and ask why "
                   "this one was withdrawn",
                   said->whose, said->issuer);
        break;
    case TRUST_WEAK: say_weak(said, to, size); break;
    case TRUST_WRONG_USE:
        str_format(to, size,
                   "%s is not made for this use (key usage): give the device one for signing, "
                   "encipherment and server authentication",
                   said->whose);
        break;
    case TRUST_UNTRUSTED: say_untrusted(said, to, size); break;
    case TRUST_NO_ISSUER: say_no_issuer(said, to, size); break;
    case TRUST_EXPIRED:
        str_format(to, size, "%s expired on %s: renew it on the device", said->whose, said->until);
        break;
    case TRUST_NOT_YET:
        str_format(to, size,
                   "%s is valid only from %s on: look at the clocks of the device and of this "
                   "machine",
                   said->whose, said->from);
        break;
    case TRUST_WRONG_HOST: say_host(said, to, size); break;
    case TRUST_WRONG_URI: say_uri(said, to, size); break;
    }
}

static void prepare(struct said *said, const struct trust_seen *at, const struct trust_seen *seen)
{
    str_format(said->id, sizeof(said->id), "%s", seen->fingerprint);
    str_copy(said->issuer, sizeof(said->issuer), at->issuer);
    str_format_time(said->from, sizeof(said->from), at->from_us, 0, true);
    str_format_time(said->until, sizeof(said->until), at->until_us, 0, true);
    said->from[DAY_CHARACTERS] = said->until[DAY_CHARACTERS] = '\0';
    if (strcmp(at->fingerprint, seen->fingerprint) == 0) {
        str_format(said->whose, sizeof(said->whose), "certificate %s", said->id);
    } else {
        str_format(said->whose, sizeof(said->whose), "the authority %s above certificate %s",
                   at->subject, said->id);
    }
}

void trust_say(const struct trust_peer *peer, const struct trust_finding *found,
               struct trust_seen *seen)
{
    struct trust_seen at = *seen;
    if (found->at != NULL) {
        trust_describe(found->at, &at);
    }
    struct said said = { .peer = peer, .seen = found->fault == TRUST_WEAK ? &at : seen };
    prepare(&said, &at, seen);
    say(found->fault, &said, seen->words, sizeof(seen->words));
}

void trust_say_kept(struct trust_seen *seen, bool own)
{
    struct said said = { .seen = seen };
    prepare(&said, seen, seen);
    if (seen->fault == TRUST_EXPIRED && own) {
        str_format(seen->words, sizeof(seen->words),
                   "expired on %s: busbar certificate renew, then trust the new one on the devices",
                   said.until);
    } else if (seen->fault == TRUST_EXPIRED) {
        str_format(seen->words, sizeof(seen->words), "expired on %s: renew it on the device",
                   said.until);
    } else if (seen->fault == TRUST_NOT_YET) {
        str_format(seen->words, sizeof(seen->words),
                   "valid only from %s on: look at the clocks of the device and of this machine",
                   said.from);
    } else if (seen->fault == TRUST_MALFORMED) {
        str_format(seen->words, sizeof(seen->words),
                   "this file holds no certificate: put one there (PEM or DER), or remove it");
    }
}
