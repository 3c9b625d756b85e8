/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of certificates as a peer sends it, and files as a person gives them. The store holds one authority, made
 * at the start, so that nothing of the input can be trusted but what that authority signed: nothing. What is
 * refused is kept, bounded, and can be looked at. */
#include <assert.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "driver/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trust *trust;
static char folder[] = "/tmp/busbar-fuzz-trust-XXXXXX";

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static void close_store(void)
{
    trust_close(trust);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void open_store(void)
{
    struct buf cert, key;
    busbar_log_level(LOG_LEVEL_ERROR + 1);
    clock_fake_set(1, INT64_C(1790000000) * CLOCK_US_PER_S);
    assert(mkdtemp(folder) != NULL && trust_open(folder, &trust, NULL) == 0);
    assert(atexit(close_store) == 0);
    buf_init(&cert, TRUST_CERTIFICATE_MAX);
    buf_init(&key, TRUST_CERTIFICATE_MAX);
    struct trust_own own = { .protocol = "opcua", .common_name = "fuzz", .uri = "urn:fuzz" };
    assert(trust_own(trust, &own, &cert, &key, NULL, NULL) == 0);
    assert(trust_import(trust, cert.data, cert.size, false, NULL, NULL) == 0);
    buf_fini(&cert);
    buf_fini(&key);
}

static void look(void *ctx, enum trust_list list, const struct trust_seen *seen)
{
    unsigned *refused = ctx;
    *refused += list == TRUST_REFUSED;
    assert(memchr(seen->subject, '\0', sizeof(seen->subject)) != NULL);
    assert(memchr(seen->hosts, '\0', sizeof(seen->hosts)) != NULL);
    for (const char *at = seen->words; *at != '\0'; at++) {
        assert((unsigned char)*at >= 0x20);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trust_seen seen;
    struct trust_peer peer = {
        .protocol = "opcua", .address = "opc.tcp://a", .host = "press-1", .uri = "urn:acme:press"
    };
    if (size == 0) {
        return 0;
    }
    if (trust == NULL) {
        open_store();
    }
    uint8_t *copy = malloc(size);
    assert(copy != NULL);
    memcpy(copy, data, size);
    if (data[0] ==
        'P') { /* PEM, or whatever a person gives: read, never trusted for a person's word here */
        struct trust_seen first;
        if (trust_import(trust, copy + 1, size - 1, true, &first, NULL) == 0) {
            (void)trust_remove(trust, first.fingerprint, NULL, NULL);
        }
    } else {
        assert(trust_check(trust, &peer, copy, size, clock_wall_us(), &seen) != 0);
        assert(seen.fault != TRUST_FINE && seen.words[0] != '\0');
    }
    free(copy);
    unsigned refused = 0;
    if (size % 16 == 0) {
        trust_each(trust, clock_wall_us(), look, &refused);
        assert(refused <= TRUST_REFUSED_MAX);
    }
    return 0;
}
