/* SPDX-License-Identifier: Apache-2.0 */
/* APDU heads (clause 20.1). */
#include "bacnet_again.h"

#include "drivers/bacnet/wire/apdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int again_apdu(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_apdu apdu;
    size_t size = bytes_left(in);
    int error = bacnet_get_apdu(in, &apdu);
    if (error == 0) {
        assert(bacnet_pdu_name(apdu.type) != NULL);
        assert(bytes_left(&apdu.data) <= size);
        assert(bacnet_max_apdu(apdu.max_apdu_code) >= 50);
        bacnet_put_apdu(out, &apdu);
        assert(bytes_out_size(out) == size);
    }
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= AGAIN_IN_MAX) {
        again_fuzz(again_apdu, data, size);
    }
    return 0;
}
