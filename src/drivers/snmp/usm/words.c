/* SPDX-License-Identifier: Apache-2.0 */
/* The words of algorithms, and what is to be said against some. */
#include "drivers/snmp/usm/user.h"

const char *const usm_auth_words[] = {
    [USM_AUTH_NONE] = "none", [USM_MD5] = "MD5",        [USM_SHA] = "SHA",
    [USM_SHA224] = "SHA-224", [USM_SHA256] = "SHA-256", [USM_SHA384] = "SHA-384",
    [USM_SHA512] = "SHA-512", [USM_SHA512 + 1] = NULL,
};

const char *const usm_priv_words[] = {
    [USM_PRIV_NONE] = "none",
    [USM_DES] = "DES",
    [USM_AES128] = "AES-128",
    [USM_AES192] = "AES-192",
    [USM_AES256] = "AES-256",
    [USM_AES192_CISCO] = "AES-192-Cisco",
    [USM_AES256_CISCO] = "AES-256-Cisco",
    [USM_AES256_CISCO + 1] = NULL,
};

const char *usm_weak_auth(enum usm_auth auth)
{
    switch (auth) {
    case USM_AUTH_NONE: return "without authentication anyone can pose as the device or as busbar";
    case USM_MD5: return "MD5 is broken";
    case USM_SHA: return "SHA-1 is broken";
    default: return NULL;
    }
}

const char *usm_weak_priv(enum usm_priv priv)
{
    switch (priv) {
    case USM_PRIV_NONE: return "without encryption anyone on the way can read the values";
    case USM_DES: return "the key of DES is found in a day";
    default: return NULL;
    }
}
