/* SPDX-License-Identifier: Apache-2.0 */
/* busbar history compact: merging by day at once instead of an hour after midnight. */
#include <stdio.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

#define PATIENCE_US (INT64_C(24) * 3600 * 1000000) /* for what takes as long as the disk does */

int cli_history_compact(struct cli *cli)
{
    struct client_reply reply;
    struct cli patient = *cli;
    patient.timeout_us = PATIENCE_US;
    const char *body = cli_flag(cli, "cold") != NULL ? "{\"cold\":true}" : "{}";
    int rc = client_call(&patient, "/api/v1/history/compact", body, &reply);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else {
        char before[32], bytes[32];
        double samples = output_number(reply.root, "samples");
        double size = output_number(reply.root, "bytes");
        str_format_bytes(before, sizeof before,
                         (uint64_t)output_number(reply.root, "bytes_before"));
        str_format_bytes(bytes, sizeof bytes, (uint64_t)size);
        printf("merged: %.0f days in %.0f blocks, %.0f samples, %s, before %s", //
               output_number(reply.root, "days"), output_number(reply.root, "blocks"), samples,
               bytes, before);
        if (samples > 0) {
            printf(" (%.3f B a sample)", size / samples);
        }
        printf("\n");
    }
    client_free(&reply);
    return rc;
}
