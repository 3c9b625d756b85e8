/* SPDX-License-Identifier: Apache-2.0 */
/* Columns: the first byte chooses separator, header and how lines are read, the rest is the message. */
#include "payload_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const devices[] = { "",
                                           "separator=;\ndecimal=,",
                                           "each=csv\nid_from=csv 1\nheader=true",
                                           "each=csv\nseparator=tab\ntime=csv 3",
                                           "encoding=latin-1\nheader=true",
                                           "each=csv\nonly=csv 1 == a" };
    static const char *const numbered[] = { "csv=1", "csv=2\nnone=NaN, -", "csv=7\ntype=text",
                                            NULL };
    static const char *const named[] = { "csv=t", "csv=h\ntype=text", NULL };
    if (size == 0) {
        return 0;
    }
    struct payload_rig rig;
    size_t way = data[0] % (sizeof(devices) / sizeof(devices[0]));
    bool opened = payload_rig_open(&rig, devices[way], way % 2 == 0 ? named : numbered, NULL);
    assert(opened);
    payload_rig_message(&rig, data + 1, size - 1);
    payload_rig_close(&rig);
    return 0;
}
