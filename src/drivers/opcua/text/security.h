/* SPDX-License-Identifier: Apache-2.0 */
/* Security modes and policies (Part 4, 7.15; Part 7, 6.6) by name. Pure.
 *
 * As a person writes them in `security:`
 *
 *     auto                          the strongest that the server offers; never none, never a deprecated one
 *     none                          nothing is checked, anyone may read and change what is said
 *     sign Basic256Sha256           signed, readable by others
 *     encrypt Aes256_Sha256_RsaPss  signed and encrypted
 *     Basic256Sha256                the same as encrypt Basic256Sha256 */
#ifndef BUSBAR_DRIVERS_OPCUA_TEXT_SECURITY_H
#define BUSBAR_DRIVERS_OPCUA_TEXT_SECURITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* As on the wire. */
enum opcua_mode { OPCUA_MODE_NONE = 1, OPCUA_MODE_SIGN, OPCUA_MODE_SIGN_ENCRYPT };

/* From the weakest to the strongest. */
enum opcua_policy {
    OPCUA_POLICY_NONE,
    OPCUA_POLICY_BASIC128RSA15, /* deprecated: only by name */
    OPCUA_POLICY_BASIC256,      /* deprecated: only by name */
    OPCUA_POLICY_BASIC256SHA256,
    OPCUA_POLICY_AES128_SHA256_RSAOAEP,
    OPCUA_POLICY_AES256_SHA256_RSAPSS,
    OPCUA_POLICIES,
};

enum { OPCUA_SECURITY_TEXT_MAX = 64 };

/* Returns 0, or with err filled: BUSBAR_EINVAL. With `auto`, mode and policy are left alone. */
int opcua_security_parse(const char *text, bool *automatic, enum opcua_mode *mode,
                         enum opcua_policy *policy, struct err *err);
/* "none", "sign Basic256Sha256", "encrypt Basic256Sha256". Returns the length. */
size_t opcua_security_print(enum opcua_mode mode, enum opcua_policy policy, char *to, size_t size);

const char *opcua_policy_name(enum opcua_policy policy); /* "Basic256Sha256" */
const char *opcua_policy_uri(enum opcua_policy policy);
bool opcua_policy_deprecated(enum opcua_policy policy);
/* The policy of a URI (not terminated by 0); an empty one is None. False: not one of ours. */
bool opcua_policy_of_uri(const char *uri, size_t size, enum opcua_policy *out);

/* To compare: a greater number is stronger. Encryption counts more than the policy. */
int opcua_security_strength(enum opcua_mode mode, enum opcua_policy policy);

#endif
