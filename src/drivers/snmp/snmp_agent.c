/* SPDX-License-Identifier: Apache-2.0 */
/* An agent: what it is asked stands in a queue, SETs first, and goes out while no more than `in_flight` is under way. */
#include "drivers/snmp/snmp_agent.h"

#include <assert.h>

#include "base/alloc.h"

struct snmp_agent *snmp_agent_new(struct snmp_client *client,
                                  const struct snmp_agent_options *options)
{
    assert(options->timeout_us > 0 && options->retries >= 0 && options->in_flight > 0);
    struct snmp_agent *agent = busbar_alloc(sizeof(*agent));
    agent->client = client;
    agent->options = *options;
    agent->login = snmp_login_hold(options->login);
    agent->options.login = agent->login;
    agent->socket = snmp_sockets_pick(&client->sockets, options->address.family, &agent->error);
    agent->lane = snmp_lane_for(client, options->timeout_us);
    list_init(&agent->waiting);
    list_init(&agent->asked);
    client->agents++;
    return agent;
}

void snmp_agent_free(struct snmp_agent *agent)
{
    if (agent == NULL) {
        return;
    }
    agent->closing = true; /* nothing is sent any more, nothing is asked anew */
    while (!list_empty(&agent->asked)) {
        struct snmp_asked *asked = list_entry(agent->asked.next, struct snmp_asked, of_agent);
        snmp_asked_end_error(asked, BUSBAR_ECANCELED, USM_FINE);
    }
    usm_keys_wipe(&agent->keys);
    snmp_login_drop(agent->login);
    agent->client->agents--;
    busbar_free(agent);
}

void snmp_agent_move(struct snmp_agent *agent, const struct endpoint *address)
{
    if (endpoint_equal(&agent->options.address, address)) {
        return;
    }
    if (agent->socket == NULL || agent->options.address.family != address->family) {
        agent->socket = snmp_sockets_pick(&agent->client->sockets, address->family, &agent->error);
    }
    agent->options.address = *address;
    agent->engine_replaces |= agent->engine.size > 0 && !agent->engine_untold;
    agent->engine = (struct usm_engine){ .size = 0 };
}

const struct usm_engine *snmp_agent_engine(const struct snmp_agent *agent)
{
    return &agent->engine;
}

const struct snmp_login *snmp_agent_login(const struct snmp_agent *agent)
{
    return agent->login;
}

struct snmp_client *snmp_agent_client(const struct snmp_agent *agent)
{
    return agent->client;
}

void snmp_agent_pump(struct snmp_agent *agent)
{
    while (!agent->closing && !list_empty(&agent->waiting) &&
           agent->under_way < (unsigned)agent->options.in_flight) {
        if (agent->login->version == SNMP_V3 && !snmp_engine_ready(agent)) {
            return;
        }
        struct list *first = list_shift(&agent->waiting);
        agent->under_way++;
        snmp_asked_send(list_entry(first, struct snmp_asked, link));
    }
}
