/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate or list of an authority, as it comes out of a file that a person gave: PEM (any number, with
 * other things between) or DER (one after another). */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver/trust_private.h"

void trust_entry_free(struct trust_entry *entry)
{
    list_remove(&entry->link);
    X509_free(entry->cert);
    X509_CRL_free(entry->crl);
    busbar_free(entry->refusal);
    busbar_free(entry->name);
    busbar_free(entry);
}

void trust_fingerprint(const uint8_t *der, size_t size, char text[65])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    text[0] = '\0';
    if (EVP_Digest(der, size, digest, &digest_size, EVP_sha256(), NULL) == 1) {
        str_hex(text, 65, digest, digest_size, 0);
    }
}

static void print_of(int (*encode)(const void *what, unsigned char **to), const void *what,
                     char text[65])
{
    unsigned char *der = NULL;
    int size = encode(what, &der);
    text[0] = '\0';
    if (size > 0) {
        trust_fingerprint(der, (size_t)size, text);
    }
    OPENSSL_free(der);
}

static int encode_cert(const void *what, unsigned char **to)
{
    return i2d_X509((const X509 *)what, to);
}

static int encode_list(const void *what, unsigned char **to)
{
    return i2d_X509_CRL((const X509_CRL *)what, to);
}

/* Takes the certificate. */
static void add_cert(struct list *certs, X509 *cert)
{
    struct trust_entry *entry = busbar_alloc(sizeof(*entry));
    entry->cert = cert;
    print_of(encode_cert, cert, entry->fingerprint);
    list_append(certs, &entry->link);
}

/* Takes the list. */
static void add_list(struct list *lists, X509_CRL *crl)
{
    struct trust_entry *entry = busbar_alloc(sizeof(*entry));
    entry->crl = crl;
    print_of(encode_list, crl, entry->fingerprint);
    list_append(lists, &entry->link);
}

static size_t read_der(const uint8_t *bytes, size_t size, struct list *certs, struct list *lists)
{
    const unsigned char *at = bytes, *end = bytes + size;
    size_t count = 0;
    while (at < end && count < TRUST_IN_FILE_MAX) {
        X509 *cert = d2i_X509(NULL, &at, (long)(end - at));
        if (cert == NULL) {
            break;
        }
        add_cert(certs, cert);
        count++;
    }
    if (count == 0) {
        X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)size);
        if (crl != NULL) {
            add_list(lists, crl);
            count++;
        }
    }
    return at == end ? count : 0;
}

static size_t read_pem(const uint8_t *bytes, size_t size, struct list *certs, struct list *lists)
{
    BIO *in = BIO_new_mem_buf(bytes, (int)size);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long der_size = 0;
    size_t count = 0;
    while (in != NULL && count < TRUST_IN_FILE_MAX &&
           PEM_read_bio(in, &name, &header, &der, &der_size) == 1) {
        const unsigned char *at = der;
        X509 *cert = NULL;
        X509_CRL *crl = NULL;
        if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0) {
            cert = d2i_X509(NULL, &at, der_size);
        } else if (strcmp(name, PEM_STRING_X509_CRL) == 0) {
            crl = d2i_X509_CRL(NULL, &at, der_size);
        }
        if (cert != NULL) {
            add_cert(certs, cert);
            count++;
        } else if (crl != NULL) {
            add_list(lists, crl);
            count++;
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(in);
    return count;
}

static void drop_all(struct list *entries)
{
    list_each_safe(at, entries) {
        trust_entry_free(list_entry(at, struct trust_entry, link));
    }
}

int trust_read(const uint8_t *bytes, size_t size, struct list *certs, struct list *lists)
{
    struct list some_certs, some_lists;
    list_init(&some_certs);
    list_init(&some_lists);
    size_t count = 0;
    if (size > 0 && size <= TRUST_LIST_MAX) {
        count = read_der(bytes, size, &some_certs, &some_lists);
        if (count == 0) {
            drop_all(&some_certs);
            drop_all(&some_lists);
            count = read_pem(bytes, size, &some_certs, &some_lists);
        }
    }
    ERR_clear_error();
    list_move_all(certs, &some_certs);
    list_move_all(lists, &some_lists);
    return count > 0 ? 0 : BUSBAR_EINVAL;
}

struct trust_entry *trust_find(const struct trust_folder *folder, const char *fingerprint)
{
    list_each(at, &folder->entries) {
        struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        if (entry->fingerprint[0] != '\0' && strcmp(entry->fingerprint, fingerprint) == 0) {
            return entry;
        }
    }
    return NULL;
}

int trust_der(const struct trust_entry *entry, struct buf *out)
{
    unsigned char *der = NULL;
    int size = entry->cert != NULL  ? i2d_X509(entry->cert, &der)
               : entry->crl != NULL ? i2d_X509_CRL(entry->crl, &der)
                                    : -1;
    int error = size > 0 ? buf_append(out, der, (size_t)size) : BUSBAR_EINVAL;
    OPENSSL_free(der);
    return error;
}
