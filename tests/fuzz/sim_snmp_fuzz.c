/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated agent is asked: the input is a row of datagrams, each behind its length (two octets) and a byte that
 * says what goes wrong with the agent. Answers must be sound messages, no longer than the agent sends. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "../support/snmp_agent_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DATAGRAMS_MAX = 32 };

static void ask(struct rig *rig, uint8_t how, const uint8_t *data, size_t size)
{
    struct bytes in = bytes_dup(data, size);
    struct snmp_message message;
    struct snmp_pdu pdu;
    uint8_t *answer;
    enum sim_fault_kind kind = (enum sim_fault_kind)(how & 0x1f);
    rig->agent.size_max = (how & 0x20) != 0 ? 484 : SIM_SNMP_MESSAGE;
    rig->agent.oids_max = (how & 0x40) != 0 ? 4 : 0;
    rig->now.mono_us += INT64_C(1000000);
    size_t said = sim_snmp_answer(&rig->agent, rig->desk, in.at, size, kind, 5, rig->now, &answer);
    if (said > 0) {
        int error = snmp_message_decode(answer, said, &message);
        assert(error == 0);
        if (message.version != SNMP_V3) {
            error = snmp_pdu_decode(message.pdu, &pdu);
            assert(error == 0 && pdu.type == SNMP_RESPONSE);
        }
        bool echo = message.version == SNMP_V3 ||
                    pdu.error_status != 0; /* may be as long as the question */
        assert(said <= rig->agent.size_max || echo || said <= size + 64);
    }
    bytes_fini(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct usm_user *user = NULL;
    struct rig rig;
    bool v3 = (bytes_get_u8(&in) & 1) != 0;
    if (v3 && usm_user_make("busbar", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, &user, NULL) != 0) {
        return 0;
    }
    rig_init(&rig, user);
    for (int i = 0; i < DATAGRAMS_MAX && bytes_left(&in) > 3; i++) {
        uint8_t how = bytes_get_u8(&in);
        size_t length = bytes_get_u16(&in);
        length = length < bytes_left(&in) ? length : bytes_left(&in);
        ask(&rig, how, bytes_get_block(&in, length), length);
    }
    rig_fini(&rig);
    usm_user_drop(user);
    return 0;
}
