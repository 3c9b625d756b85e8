/* SPDX-License-Identifier: Apache-2.0 */
/* What of the log sinks still need, asked before the history is open. */
#include "config/config.h"
#include "config/setup.h"
#include "sinks/sinks.h"
#include "state/state.h"

/* The first record that a sink needs; 0: none. */
static int first_of(struct state *state, const struct config_sink *sink, uint64_t *first)
{
    struct state_sink place;
    const struct settings *common = &sink->common->settings;
    *first = 0;
    if (!settings_bool(common, SINK_ENABLED)) {
        return 0;
    }
    int error = state_sink_get(state, sink->name, &place);
    if (error == 0) {
        *first = place.place.sequence > 0 ? place.place.sequence : 1;
    } else if (error == BUSBAR_ENOENT) { /* it is new */
        *first = settings_int(common, SINK_START) == 0 ? 1 : 0;
        error = 0;
    }
    return error;
}

int sinks_from(struct state *state, const struct config *config, uint64_t *from, struct err *err)
{
    char log_id[STATE_LOG_ID_SIZE], reason[160];
    *from = 0;
    int error = state_log_id(state, log_id);
    for (size_t i = 0; i < config->sink_count && error == 0; i++) {
        uint64_t first;
        error = first_of(state, &config->sinks[i], &first);
        *from = first != 0 && (*from == 0 || first < *from) ? first : *from;
    }
    if (error != 0) {
        state_reason(state, reason, sizeof(reason));
        (void)err_set(err, error, "cannot read from state.db where sinks stand: %s", reason);
    }
    return error;
}
