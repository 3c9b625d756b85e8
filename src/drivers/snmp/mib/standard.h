/* SPDX-License-Identifier: Apache-2.0 */
/* The standard modules of standard/, as the build has embedded them: compiled, and as texts for modules of a site that
 * import from them. Made by cmake/embed_mibs.c. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_STANDARD_H
#define BUSBAR_DRIVERS_SNMP_MIB_STANDARD_H

#include <stddef.h>

extern const unsigned char mib_standard_catalogue[];
extern const size_t mib_standard_catalogue_size;
/* One module behind the other. */
extern const unsigned char mib_standard_text[];
extern const size_t mib_standard_text_size;

#endif
