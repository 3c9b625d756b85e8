/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong with SNMPv3, in words, and as the counters that Reports name (RFC 3414, 5). */
#include <string.h>

#include "drivers/snmp/usm/usm.h"

/* usmStatsUnsupportedSecLevels.0 ... usmStatsDecryptionErrors.0: 1.3.6.1.6.3.15.1.1.N.0 */
#define REPORT(n)                          \
    {                                      \
        0x2b, 6, 1, 6, 3, 15, 1, 1, (n), 0 \
    }

static const struct row {
    const char *words;
    uint8_t oid[10]; /* zeros: no Report tells it */
} rows[USM_TROUBLES] = {
    [USM_FINE] = { .words = "fine" },
    [USM_BROKEN] = { .words = "the message is broken" },
    [USM_UNSUPPORTED_LEVEL] = { .words =
                                    "the user may not log in this way: the device wants another "
                                    "level or other algorithms; compare auth_type and "
                                    "priv_type with the device's",
                                .oid = REPORT(1) },
    [USM_NOT_IN_WINDOW] = { .words = "the clock of the SNMP engine is outside the window of 150 s: "
                                     "it is asked again, else restart the device's SNMP agent",
                            .oid = REPORT(2) },
    [USM_UNKNOWN_USER] = { .words = "the device does not know the user: make it there, or correct "
                                    "`user`",
                           .oid = REPORT(3) },
    [USM_UNKNOWN_ENGINE] = { .words =
                                 "the engine id is not the device's: two devices may answer at "
                                 "one address",
                             .oid = REPORT(4) },
    [USM_WRONG_DIGEST] = { .words = "the authentication password or auth_type of the user is wrong",
                           .oid = REPORT(5) },
    [USM_DECRYPTION] = { .words =
                             "it cannot be decrypted: the privacy password or priv_type of the "
                             "user is wrong",
                         .oid = REPORT(6) },
};

const char *usm_trouble_words(enum usm_trouble trouble)
{
    return rows[trouble].words;
}

enum usm_trouble usm_trouble_of_report(struct snmp_oid oid)
{
    for (int i = USM_UNSUPPORTED_LEVEL; i < USM_TROUBLES; i++) {
        if (oid.size == sizeof(rows[i].oid) && memcmp(oid.bytes, rows[i].oid, oid.size) == 0) {
            return (enum usm_trouble)i;
        }
    }
    return USM_FINE;
}

struct snmp_oid usm_report_oid(enum usm_trouble trouble)
{
    const struct row *row = &rows[trouble];
    return (struct snmp_oid){ .bytes = row->oid, .size = row->oid[0] != 0 ? sizeof(row->oid) : 0 };
}
