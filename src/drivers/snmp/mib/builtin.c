/* SPDX-License-Identifier: Apache-2.0 */
/* Opened when it is first asked for, and never closed. */
#include <assert.h>
#include <pthread.h>

#include "drivers/snmp/mib/mib.h"
#include "drivers/snmp/mib/standard.h"

static struct mib *builtin;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_builtin(void)
{
    int error = mib_open(mib_standard_catalogue, mib_standard_catalogue_size, &builtin);
    assert(error == 0);
    (void)error;
}

const struct mib *mib_builtin(void)
{
    (void)pthread_once(&once, open_builtin);
    return builtin;
}
