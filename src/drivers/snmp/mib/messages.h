/* SPDX-License-Identifier: Apache-2.0 */
/* What net-snmp's parser says, as problems for a person: where it is, in plain words, and what to do. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_MESSAGES_H
#define BUSBAR_DRIVERS_SNMP_MIB_MESSAGES_H

#include <stdbool.h>

#include "base/err.h"

/* One line of the parser. path: out, the file it names; "" = none. out: message, line and hint; its file is the
 * caller's. False: nothing that a person needs to know. */
bool mib_message_read(const char *text, char path[ERR_FILE_MAX], struct err *out);

#endif
