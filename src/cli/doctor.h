/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `busbar doctor` share. */
#ifndef BUSBAR_CLI_DOCTOR_H
#define BUSBAR_CLI_DOCTOR_H

#include "base/json.h"
#include "cli/cli.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD };

struct doctor {
    struct cli *cli;
    struct json_writer *json;
    int warnings, faults;
};

/* One line: what was looked at, what was seen, what to do ("" = nothing). */
void doctor_find(struct doctor *doctor, enum doctor_level level, const char *what, const char *seen,
                 const char *hint);

/* Errors and warnings of an answer to a check of the configuration. */
void doctor_problems(struct doctor *doctor, const struct json_value *checked);
/* The list of /api/v1/certificates: their time, files that hold none. */
void doctor_certificates(struct doctor *doctor, const struct json_value *list);

/* ---- doctor_sinks.c ---- */
void doctor_sinks(struct doctor *doctor);

/* ---- doctor_machine.c: this machine, without a gateway ---- */
void doctor_clock(struct doctor *doctor);
void doctor_disk(struct doctor *doctor, double free_bytes, double total_bytes);
/* What `busbar run` would meet: files, secrets, ports, rights, disk, certificates. */
void doctor_files(struct doctor *doctor, const char *config_path, const char *data_folder);
/* Whether a discovery server of OPC UA answers at a port of this machine, row: of the port table. */
void doctor_discovery_port(struct doctor *doctor, const struct json_value *row);

#endif
