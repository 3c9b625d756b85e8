/* SPDX-License-Identifier: Apache-2.0 */
/* BVLC (annex J), with the entries of its tables. */
#include "bacnet_again.h"

#include "drivers/bacnet/wire/bvlc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tables(const struct bacnet_bvlc *bvlc)
{
    struct bytes table = bvlc->data;
    struct bacnet_bdt_entry bdt;
    struct bacnet_fdt_entry fdt;
    size_t count = 0;
    if (bvlc->function == BACNET_BVLC_WRITE_BDT || bvlc->function == BACNET_BVLC_READ_BDT_ACK) {
        while (bacnet_get_bdt_entry(&table, &bdt)) {
            count++;
        }
        assert(count * BACNET_BDT_ENTRY_SIZE == bytes_left(&bvlc->data));
    } else if (bvlc->function == BACNET_BVLC_READ_FDT_ACK) {
        while (bacnet_get_fdt_entry(&table, &fdt)) {
            count++;
        }
        assert(count * BACNET_FDT_ENTRY_SIZE == bytes_left(&bvlc->data));
    }
}

static int again_bvlc(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_bvlc bvlc;
    int error = bacnet_get_bvlc(in, &bvlc);
    assert(bacnet_bvlc_trouble(&bvlc, error) != NULL);
    if (error == 0) {
        assert(bacnet_bvlc_name(bvlc.function) != NULL);
        tables(&bvlc);
        bacnet_put_bvlc(out, &bvlc);
    }
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= AGAIN_IN_MAX) {
        again_fuzz(again_bvlc, data, size);
    }
    return 0;
}
