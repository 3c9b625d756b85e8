/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BUSBAR_HISTORY_TIERS_H
#define BUSBAR_HISTORY_TIERS_H
#endif
