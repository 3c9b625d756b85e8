/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/trouble.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "drivers/opcua/text/status.h"

void opcua_trouble_set(struct opcua_trouble *trouble, int error, UA_StatusCode status,
                       const char *format, ...)
{
    trouble->error = error;
    trouble->status = status;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(trouble->detail, sizeof(trouble->detail), format, args);
    va_end(args);
}

void opcua_trouble_status(struct opcua_trouble *trouble, const char *what, UA_StatusCode status)
{
    int error = opcua_status_error(status);
    const char *name = opcua_status_name(status);
    const char *words = opcua_status_words(status);
    error = error == 0 ? BUSBAR_EREFUSED : error;
    if (name == NULL) {
        opcua_trouble_set(trouble, error, status,
                          "%s: status 0x%08X, which no standard knows: see "
                          "the manual of the server",
                          what, (unsigned)status);
    } else {
        opcua_trouble_set(trouble, error, status, "%s: %s%s%s", what, name,
                          words != NULL ? ": " : "", words != NULL ? words : "");
    }
}

bool opcua_trouble_lost(const struct opcua_trouble *trouble)
{
    return trouble->error == BUSBAR_ENOTCONN || trouble->error == BUSBAR_ECLOSED ||
           trouble->error == BUSBAR_ERESET || trouble->error == BUSBAR_ECANCELED;
}
