/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send: a device by its own community or user, and whoever knows one of `credentials`. Of a device with a
 * password nothing without one is taken, whatever community it has (RFC 3414 would be for nothing else). */
#include <string.h>

#include <openssl/crypto.h>

#include "drivers/snmp/snmp_logins.h"
#include "drivers/snmp/snmp_traps_private.h"

static bool is_text(struct bytes bytes, const char *text)
{
    size_t size = strlen(text);
    return size == bytes_left(&bytes) && CRYPTO_memcmp(text, bytes.at, size) == 0;
}

static const struct snmp_login *login_of(const struct snmp_trap_device *device)
{
    return device != NULL ? device->device->login : NULL;
}

/* ---- v1, v2c ---- */

static bool is_credential(const struct snmp_traps *traps, struct bytes community)
{
    const struct snmp_logins *logins = traps->state->logins;
    for (size_t i = 0; i < snmp_logins_count(logins); i++) {
        const struct snmp_login *login = snmp_logins_at(logins, i);
        if (login != NULL && login->version != SNMP_V3 && is_text(community, login->community)) {
            return true;
        }
    }
    return false;
}

static bool has_password(const struct snmp_login *login)
{
    return login != NULL && login->version == SNMP_V3 &&
           (usm_user_level(login->user) & SNMP_AUTH) != 0;
}

int snmp_trap_check(const struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                    const struct snmp_trap_device *device)
{
    const struct snmp_login *login = login_of(device);
    if (device != NULL && (!device->device->config.traps || device->device->dev->paused)) {
        return SNMP_REFUSED_OFF;
    }
    if (has_password(login) && (notice->level & SNMP_AUTH) == 0) {
        return SNMP_REFUSED_INSECURE;
    }
    if (notice->version == SNMP_V3) {
        return SNMP_OPENED;
    }
    struct bytes community = notice->message->community;
    bool own = login != NULL && login->version != SNMP_V3 && is_text(community, login->community);
    own = own || (device == NULL && snmp_trap_callers(traps, notice) != NULL);
    return own || is_credential(traps, community) ? SNMP_OPENED : SNMP_REFUSED_COMMUNITY;
}

static int take_pdu(struct bytes pdu, struct snmp_trap_notice *notice)
{
    if (snmp_pdu_decode(pdu, &notice->pdu) != 0) {
        return SNMP_REFUSED_BROKEN;
    }
    uint8_t type = notice->pdu.type;
    bool v1 = notice->version == SNMP_V1;
    notice->inform = type == SNMP_INFORM;
    bool is_notice = v1 ? type == SNMP_TRAP_V1 : type == SNMP_TRAP || type == SNMP_INFORM;
    return is_notice ? SNMP_OPENED : SNMP_REFUSED_OTHER;
}

/* ---- v3 ---- */

struct candidates {
    struct usm_user *users[SNMP_TRAP_CANDIDATES_MAX];
    size_t count;
};

static void consider(struct candidates *found, const struct snmp_login *login, struct bytes name)
{
    if (login == NULL || login->version != SNMP_V3 || !is_text(name, usm_user_name(login->user)) ||
        found->count == SNMP_TRAP_CANDIDATES_MAX) {
        return;
    }
    for (size_t i = 0; i < found->count; i++) {
        if (found->users[i] == login->user) {
            return;
        }
    }
    found->users[found->count++] = login->user;
}

/* Users of this name: of the devices at this address, of that with this engine, of the credentials. */
static void find_users(const struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                       const struct usm_parameters *parameters, struct candidates *found)
{
    const struct snmp_logins *logins = traps->state->logins;
    found->count = 0;
    consider(found, login_of(snmp_trap_of_engine(traps, parameters->engine)), parameters->user);
    consider(found, login_of(snmp_trap_at(traps, notice->from)), parameters->user);
    size_t looked = 0;
    list_each(at, &notice->source->devices) {
        const struct snmp_trap_member *member = list_entry(at, struct snmp_trap_member, link);
        consider(found, login_of(member->of), parameters->user);
        if (++looked == SNMP_TRAP_LOOKED_MAX) {
            break;
        }
    }
    for (size_t i = 0; i < snmp_logins_count(logins); i++) {
        consider(found, snmp_logins_at(logins, i), parameters->user);
    }
}

static int refusal_of(enum usm_trouble trouble)
{
    switch (trouble) {
    case USM_UNKNOWN_USER: return SNMP_REFUSED_USER;
    case USM_UNSUPPORTED_LEVEL: return SNMP_REFUSED_LEVEL;
    case USM_WRONG_DIGEST: return SNMP_REFUSED_DIGEST;
    case USM_NOT_IN_WINDOW: return SNMP_REFUSED_WINDOW;
    case USM_DECRYPTION: return SNMP_REFUSED_CIPHER;
    case USM_UNKNOWN_ENGINE: return SNMP_REFUSED_ENGINE;
    default: return SNMP_REFUSED_BROKEN;
    }
}

/* What is in clear of a message that could not be opened, for its Report; 0: it cannot be known. */
static int32_t request_id_of(const struct snmp_message *message)
{
    struct snmp_scoped scoped;
    struct snmp_pdu pdu;
    bool clear = (message->flags & SNMP_PRIV) == 0 &&
                 snmp_scoped_decode(message->data, &scoped) == 0 &&
                 snmp_pdu_decode(scoped.pdu, &pdu) == 0;
    return clear ? pdu.request_id : 0;
}

static int refuse(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                  enum usm_trouble trouble)
{
    bool asks = (notice->message->flags & SNMP_REPORTABLE) != 0;
    if (asks && trouble != USM_BROKEN && traps->engine.usm.size > 0) {
        snmp_trap_report(traps, notice, trouble, request_id_of(notice->message));
    }
    return refusal_of(trouble);
}

static bool is_ours(const struct snmp_traps *traps, struct bytes engine)
{
    const struct usm_engine *own = &traps->engine.usm;
    return own->size > 0 && own->size == bytes_left(&engine) &&
           memcmp(own->id, engine.at, own->size) == 0;
}

static int open_v3(struct snmp_traps *traps, struct snmp_trap_notice *notice)
{
    struct usm_parameters parameters;
    struct snmp_scoped scoped;
    struct candidates found;
    const struct snmp_message *message = notice->message;
    if (usm_parameters_decode(message->security, &parameters) != 0) {
        return SNMP_REFUSED_BROKEN;
    }
    bool asks = (message->flags & SNMP_REPORTABLE) != 0;
    bool ours = is_ours(traps, parameters.engine);
    if (asks && !ours) { /* it looks for our engine, or mistakes it (RFC 3414, 4) */
        int refusal = refuse(traps, notice, USM_UNKNOWN_ENGINE);
        return bytes_left(&parameters.engine) == 0 ? SNMP_ANSWERED : refusal;
    }
    find_users(traps, notice, &parameters, &found);
    const struct snmp_trap_device *polled = snmp_trap_of_engine(traps, parameters.engine);
    const struct snmp_agent *agent = polled != NULL ? polled->device->agent : NULL;
    struct snmp_trap_try attempt = {
        .message = message,
        .parameters = &parameters,
        .candidates = found.users,
        .candidate_count = found.count,
        .own = ours ? &traps->engine.usm : NULL,
        .known = agent != NULL ? snmp_agent_engine(agent) : NULL,
        .now_us = loop_now_us(traps->state->loop),
        .room = traps->scratch->room,
        .room_size = sizeof(traps->scratch->room),
    };
    enum usm_trouble trouble = snmp_trap_users_open(&traps->users, &attempt, &scoped, &notice->user,
                                                    &notice->keys);
    if (trouble != USM_FINE) {
        return refuse(traps, notice, trouble);
    }
    notice->level = message->flags & (SNMP_AUTH | SNMP_PRIV);
    notice->engine = ours ? scoped.engine : parameters.engine;
    notice->context = scoped.context;
    int opened = take_pdu(scoped.pdu, notice);
    /* a trap is sealed by its sender's engine, an inform by ours */
    return opened == SNMP_OPENED && notice->inform != ours ? SNMP_REFUSED_ENGINE : opened;
}

int snmp_trap_open(struct snmp_traps *traps, struct snmp_trap_notice *notice)
{
    switch (notice->message->version) {
    case SNMP_V1:
    case SNMP_V2C:
        notice->version = (enum snmp_version)notice->message->version;
        return take_pdu(notice->message->pdu, notice);
    case SNMP_V3: notice->version = SNMP_V3; return open_v3(traps, notice);
    default: return SNMP_REFUSED_BROKEN;
    }
}
