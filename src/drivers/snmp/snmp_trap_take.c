/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram, from the socket to its end: kept, or refused and counted. What costs least is looked at first, and nothing is
 * allocated for one that is refused. */
#include "drivers/snmp/snmp_discover.h"
#include "drivers/snmp/snmp_traps_private.h"

/* Somebody at an address that nobody knows may be a device all the same, if it has a password: by its engine. */
static bool may_be_device(const struct snmp_traps *traps, const struct snmp_message *message)
{
    struct usm_parameters parameters;
    return message->version == SNMP_V3 && (message->flags & SNMP_AUTH) != 0 &&
           usm_parameters_decode(message->security, &parameters) == 0 &&
           snmp_trap_group_of(&traps->engines, parameters.engine) != NULL;
}

static bool is_allowed(const struct snmp_traps *traps, const struct snmp_trap_notice *notice)
{
    return notice->named || traps->allow.any || !list_empty(&notice->source->devices);
}

/* Discover shows who sends, before anybody asks; also whoever is not allowed to. Told once. */
static void tell_stranger(struct snmp_traps *traps, const struct snmp_trap_notice *notice)
{
    struct snmp_trap_source *source = notice->source;
    if (source->heard || source->from.family == 0 || !list_empty(&source->devices)) {
        return;
    }
    bool named = notice->trap.size > 0;
    source->heard = true;
    snmp_discover_heard(traps->state->discover,
                        &(struct snmp_heard){
                            .from = *notice->from,
                            .version = notice->version,
                            .engine = notice->engine,
                            .enterprise = notice->enterprise,
                            .trap = named ? snmp_trap_name(traps, notice->trap, true) : "",
                        });
}

static int keep(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                struct snmp_trap_device *device)
{
    struct snmp_trap_answer *answer = NULL;
    int made = notice->inform ? snmp_trap_answer_make(traps, notice, &answer) : 0;
    traps->informs += notice->inform ? 1 : 0;
    if (made != 0) {
        traps->repeated += made > 0 ? 1 : 0;
        return made > 0 ? SNMP_OPENED : SNMP_REFUSED_BUSY;
    }
    int error = snmp_trap_event(traps, notice, device,
                                answer != NULL ? snmp_trap_answer_on_disk : NULL, answer);
    if (error != 0) {
        if (answer != NULL) {
            snmp_trap_answer_on_disk(answer, error);
        }
        return SNMP_REFUSED_STORE;
    }
    traps->kept++;
    if (device != NULL) {
        snmp_trap_points_apply(traps, notice, device);
    } else {
        tell_stranger(traps, notice);
    }
    return SNMP_OPENED;
}

/* SNMP_OPENED: it is kept. */
static int take(struct snmp_traps *traps, struct snmp_trap_notice *notice, const uint8_t *data,
                size_t size)
{
    struct snmp_message message;
    struct snmp_trap_source *source = notice->source;
    bool allowed = is_allowed(traps, notice);
    bool decoded = snmp_message_decode(data, size, &message) == 0;
    if (!allowed && !(decoded && may_be_device(traps, &message))) {
        bool known = decoded && (message.version == SNMP_V1 || message.version == SNMP_V2C ||
                                 message.version == SNMP_V3);
        if (known) {
            notice->version = (enum snmp_version)message.version;
            tell_stranger(traps, notice);
        }
        return SNMP_REFUSED_SENDER;
    }
    if (!snmp_trap_source_admit(traps, source, loop_now_us(traps->state->loop))) {
        return SNMP_REFUSED_RATE;
    }
    if (!decoded) {
        return SNMP_REFUSED_BROKEN;
    }
    notice->message = &message;
    int opened = snmp_trap_open(traps, notice);
    if (opened != SNMP_OPENED) {
        return opened;
    }
    if (!snmp_trap_read(traps, notice)) {
        return SNMP_REFUSED_BROKEN;
    }
    struct snmp_trap_device *device = snmp_trap_whose(traps, notice);
    if (device == NULL && !allowed) {
        return SNMP_REFUSED_SENDER;
    }
    int fits = snmp_trap_check(traps, notice, device);
    return fits == SNMP_OPENED ? keep(traps, notice, device) : fits;
}

void snmp_trap_take(struct snmp_trap_listener *listener, const struct endpoint *from,
                    const uint8_t *data, size_t size)
{
    struct snmp_traps *traps = listener->traps;
    struct snmp_trap_notice notice = { .listener = listener, .from = from };
    notice.source = snmp_trap_source_of(traps, from);
    notice.named = notice.source->from.family != 0 ? notice.source->named
                                                   : allow_names(&traps->allow, from);
    traps->received++;
    int end = take(traps, &notice, data, size);
    if (end >= 0) {
        snmp_trap_refuse(traps, notice.source, (enum snmp_trap_refusal)end);
    }
}
