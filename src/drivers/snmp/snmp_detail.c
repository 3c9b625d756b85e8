/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_detail.h"

#include <stddef.h>

/* By error-status. The first five are all that v1 has: it says noSuchName also for what may not be read or written. */
static const char *const status_texts[] = {
    [SNMP_TOO_BIG] = "tooBig: the answer does not fit into one message of the device; busbar asks "
                     "for less at once, lower 'max_oids' if it stays",
    [SNMP_NO_SUCH_NAME] = "noSuchName: the device has no such object, or this login may not see "
                          "or write it; 'busbar snmp walk' shows what it has",
    [SNMP_BAD_VALUE] = "badValue: the device does not take this value; compare type and range with "
                       "its MIB",
    [SNMP_READ_ONLY] = "readOnly: the device says that this object cannot be written",
    [SNMP_GEN_ERR] = "genErr: the device failed to read or write this and does not say why; its "
                     "own log may",
    [SNMP_NO_ACCESS] = "noAccess: this login may not do that; allow it in the device's views, or "
                       "use another login",
    [SNMP_WRONG_TYPE] = "wrongType: the device wants a value of another type; set 'type' of the "
                        "point",
    [SNMP_WRONG_LENGTH] = "wrongLength: the device wants a value of another length; see the size "
                          "in its MIB",
    [SNMP_WRONG_ENCODING] = "wrongEncoding: the device could not read the value; set 'type' of "
                            "the point",
    [SNMP_WRONG_VALUE] = "wrongValue: the device does not take this value; see the range in its "
                         "MIB",
    [SNMP_NO_CREATION] = "noCreation: there is no such row, and the device lets nobody make it",
    [SNMP_INCONSISTENT_VALUE] = "inconsistentValue: the device does not take this value as things "
                                "are now; another object may have to be set first",
    [SNMP_RESOURCE_UNAVAILABLE] = "resourceUnavailable: the device has no memory left for this",
    [SNMP_COMMIT_FAILED] = "commitFailed: the device took the value and then failed to set it; "
                           "nothing was changed",
    [SNMP_UNDO_FAILED] = "undoFailed: setting failed and could not be undone; read the object "
                         "before anything is written again",
    [SNMP_AUTHORIZATION_ERROR] = "authorizationError: this login may not do that; use another one, "
                                 "or allow it in the device's views",
    [SNMP_NOT_WRITABLE] = "notWritable: the device says that this object cannot be written",
    [SNMP_INCONSISTENT_NAME] = "inconsistentName: there is no such row, and it cannot be made as "
                               "things are now",
};

enum {
    STATUSES = sizeof(status_texts) / sizeof(status_texts[0]),
    EXCEPTIONS_FROM = BER_NO_SUCH_OBJECT - 1, /* the first exception has number 1 */
};

static const char *const exception_texts[] = {
    [BER_NO_SUCH_OBJECT - EXCEPTIONS_FROM] =
        "noSuchObject: the device does not have this object, or this login may not see it; "
        "'busbar snmp walk' shows what it has",
    [BER_NO_SUCH_INSTANCE - EXCEPTIONS_FROM] =
        "noSuchInstance: the device has the object, but not with this index; a scalar ends in .0, "
        "and rows of a table come and go ('row' names one)",
    [BER_END_OF_MIB_VIEW -
        EXCEPTIONS_FROM] = "endOfMibView: behind this the device has nothing more",
};

enum { EXCEPTIONS = sizeof(exception_texts) / sizeof(exception_texts[0]) };

uint16_t snmp_detail_status(int32_t status)
{
    bool known = status > 0 && status < STATUSES;
    return (uint16_t)(SNMP_DETAIL_STATUS + (known ? status : SNMP_DETAIL_UNKNOWN));
}

uint16_t snmp_detail_exception(uint8_t tag)
{
    bool known = tag >= BER_NO_SUCH_OBJECT && tag <= BER_END_OF_MIB_VIEW;
    return known ? (uint16_t)(SNMP_DETAIL_EXCEPTION + tag - EXCEPTIONS_FROM) : 0;
}

uint16_t snmp_detail_trouble(enum usm_trouble trouble)
{
    return (uint16_t)(SNMP_DETAIL_TROUBLE + (unsigned)trouble);
}

/* The row `number` of a range of details. */
static const char *explain_range(unsigned range, unsigned number)
{
    switch (range) {
    case SNMP_DETAIL_STATUS:
        if (number == SNMP_DETAIL_UNKNOWN) {
            return "an error-status that the standard does not have; 'busbar device frames' shows "
                   "its number, the vendor knows its meaning";
        }
        return number < STATUSES ? status_texts[number] : NULL;
    case SNMP_DETAIL_EXCEPTION: return number < EXCEPTIONS ? exception_texts[number] : NULL;
    case SNMP_DETAIL_TROUBLE:
        return number > USM_FINE && number < USM_TROUBLES
                   ? usm_trouble_words((enum usm_trouble)number)
                   : NULL;
    default: return NULL;
    }
}

const char *snmp_explain(uint16_t detail)
{
    switch (detail) {
#define SNMP_DETAIL_CASE(name, number, words) \
    case SNMP_DETAIL_##name: return words;
        SNMP_DETAILS(SNMP_DETAIL_CASE)
#undef SNMP_DETAIL_CASE
    default: return explain_range(detail / 1000U * 1000U, detail % 1000U);
    }
}
