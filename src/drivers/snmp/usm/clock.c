/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of an engine and the time window (RFC 3414, 2.2 and 3.2 7). */
#include "drivers/snmp/usm/parameters.h"

enum { US_PER_S = 1000000 };

uint32_t usm_engine_now(const struct usm_engine *engine, int64_t now_us)
{
    if (!engine->timed) {
        return 0;
    }
    int64_t passed = now_us > engine->at_us ? (now_us - engine->at_us) / US_PER_S : 0;
    int64_t now = engine->time + passed;
    return now < USM_TIME_MAX ? (uint32_t)now : USM_TIME_MAX;
}

static bool in_own_window(const struct usm_parameters *parameters, int64_t now_us,
                          const struct usm_engine *engine)
{
    int64_t apart = (int64_t)parameters->time - usm_engine_now(engine, now_us);
    return engine->boots != USM_TIME_MAX && parameters->boots == engine->boots &&
           apart >= -USM_WINDOW_S && apart <= USM_WINDOW_S;
}

bool usm_in_window(const struct usm_parameters *parameters, bool authoritative, int64_t now_us,
                   struct usm_engine *engine)
{
    if (authoritative) {
        return in_own_window(parameters, now_us, engine);
    }
    uint32_t boots = parameters->boots;
    uint32_t time = parameters->time;
    if (boots == USM_TIME_MAX) { /* the engine has stopped to be one: 2.2.2 */
        return false;
    }
    if (!engine->timed || boots > engine->boots ||
        (boots == engine->boots && time > engine->latest)) {
        engine->timed = true;
        engine->boots = boots;
        engine->time = time;
        engine->latest = time;
        engine->at_us = now_us;
        return true;
    }
    return boots == engine->boots &&
           (int64_t)time >= (int64_t)usm_engine_now(engine, now_us) - USM_WINDOW_S;
}
