/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_detail.h"

#include <stddef.h>

#include "drivers/bacnet/wire/names.h"

static uint16_t detail_of(uint16_t base, uint32_t number)
{
    uint32_t within = number < BACNET_DETAIL_PROPRIETARY ? number : BACNET_DETAIL_PROPRIETARY;
    return (uint16_t)(base + within);
}

uint16_t bacnet_detail_error(uint32_t code)
{
    return detail_of(BACNET_DETAIL_ERROR, code);
}

uint16_t bacnet_detail_reliability(uint32_t reliability)
{
    return detail_of(BACNET_DETAIL_RELIABILITY, reliability);
}

uint16_t bacnet_detail_answer(const struct bacnet_answer *answer)
{
    switch (answer->outcome) {
    case BACNET_ERRORED: return bacnet_detail_error(answer->error_code);
    case BACNET_REJECTED: return detail_of(BACNET_DETAIL_REJECT, answer->code);
    case BACNET_ABORTED:
        if (!answer->by_us) {
            return detail_of(BACNET_DETAIL_ABORT, answer->code);
        }
        return answer->code == BACNET_ABORT_BUFFER_OVERFLOW ||
                       answer->code == BACNET_ABORT_APDU_TOO_LONG
                   ? BACNET_DETAIL_TOO_BIG_FOR_US
                   : BACNET_DETAIL_SEGMENTS;
    case BACNET_NOT_FOUND: return BACNET_DETAIL_NOT_FOUND;
    case BACNET_NO_ROUTE: return BACNET_DETAIL_NO_ROUTE;
    case BACNET_UNSENT: return BACNET_DETAIL_UNSENT;
    default: return BACNET_DETAIL_LOST;
    }
}

static const char *words_of(const struct bacnet_problem *problem)
{
    return problem != NULL ? problem->words : NULL;
}

const char *bacnet_explain(uint16_t detail)
{
    uint16_t number = detail % 1000;
    if (number == BACNET_DETAIL_PROPRIETARY && detail / 1000 >= 1 && detail / 1000 <= 4) {
        return "a code of the vendor's own; its documentation says what it means, and 'busbar "
               "device "
               "frames' shows it";
    }
    switch (detail - number) {
    case BACNET_DETAIL_ERROR: return words_of(bacnet_error_code(number));
    case BACNET_DETAIL_REJECT: return words_of(bacnet_reject_reason(number));
    case BACNET_DETAIL_ABORT: return words_of(bacnet_abort_reason(number));
    case BACNET_DETAIL_RELIABILITY: return words_of(bacnet_reliability(number));
    default: break;
    }
    switch (detail) {
#define BACNET_DETAIL_CASE(name, number_, words) \
    case BACNET_DETAIL_##name: return words;
        BACNET_DETAILS(BACNET_DETAIL_CASE)
#undef BACNET_DETAIL_CASE
    default: return NULL;
    }
}
