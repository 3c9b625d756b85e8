/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a certificate is: the common name of its subject and its alternative names (RFC 5280 section 4.2.1.6). Names
 * with NULs or control characters in them are left out: they are there to deceive. */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/str.h"
#include "net/address.h"
#include "net/tls_private.h"

/* False: it is no text for a person, or does not fit. */
static bool copy_name(char *to, size_t size, const unsigned char *text, int length)
{
    if (text == NULL || length <= 0 || (size_t)length >= size ||
        !str_is_utf8((const char *)text, (size_t)length)) {
        return false;
    }
    for (int i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] == 0x7f) {
            return false;
        }
    }
    memcpy(to, text, (size_t)length);
    to[length] = '\0';
    return true;
}

static void take_common_name(X509 *cert, char *to, size_t size)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    to[0] = '\0';
    if (at < 0) {
        return;
    }
    ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    int length = ASN1_STRING_to_UTF8(&text, value);
    (void)copy_name(to, size, text, length);
    OPENSSL_free(text);
}

static bool print_address(char *to, size_t size, const ASN1_OCTET_STRING *address)
{
    struct endpoint endpoint = { .family = ASN1_STRING_length(address) == 4 ? 4 : 6 };
    int length = ASN1_STRING_length(address);
    if (length != 4 && length != (int)sizeof(endpoint.ip)) {
        return false;
    }
    memcpy(endpoint.ip, ASN1_STRING_get0_data(address), (size_t)length);
    return endpoint_format_host(to, size, &endpoint) > 0;
}

static bool print_name(char *to, size_t size, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &type);
    switch (type) {
    case GEN_DNS:
    case GEN_URI:
    case GEN_EMAIL:
        return copy_name(to, size, ASN1_STRING_get0_data(text), ASN1_STRING_length(text));
    case GEN_IPADD: return print_address(to, size, text);
    default: return false;
    }
}

void tls_names(X509 *cert, struct stream_certificate *out)
{
    char one[STREAM_NAME_MAX];
    size_t size = 0;
    take_common_name(cert, out->common_name, sizeof(out->common_name));
    out->names[0] = '\0';
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        if (print_name(one, sizeof(one), sk_GENERAL_NAME_value(names, i))) {
            size += str_format(out->names + size, sizeof(out->names) - size, "%s%s",
                               size > 0 ? ", " : "", one);
        }
    }
    GENERAL_NAMES_free(names);
}
