/* SPDX-License-Identifier: Apache-2.0 */
/* What `busbar doctor` finds out by itself on this machine: clock, disk, files, the discovery server of OPC UA. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <unistd.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/doctor.h"
#include "cli/output.h"
#include "driver/trust.h"

enum { ANSWER_MS = 1000, TEXT_MAX = 16 << 20 };
#define CLOCK_SENSE_US (INT64_C(1704067200) * CLOCK_US_PER_S) /* 2024: earlier is no set clock */
#define DISK_WARN      0.10
#define DISK_BAD       0.02

void doctor_clock(struct doctor *doctor)
{
    struct timex clock = { 0 };
    char now[STR_TIME_MAX], seen[128];
    int64_t now_us = clock_wall_us();
    str_format_time(now, sizeof now, now_us, 0, true);
    if (now_us < CLOCK_SENSE_US) {
        str_format(seen, sizeof seen, "it says %s", now);
        doctor_find(doctor, DOCTOR_BAD, "clock", seen,
                    "set it: samples get wrong times, certificates are not accepted");
    } else if (adjtimex(&clock) == TIME_ERROR) {
        doctor_find(doctor, DOCTOR_WARN, "clock", "nothing keeps it right",
                    "run a time service: systemd-timesyncd or chrony");
    } else {
        doctor_find(doctor, DOCTOR_OK, "clock", "kept right by a time service", "");
    }
}

void doctor_disk(struct doctor *doctor, double free_bytes, double total_bytes)
{
    char seen[96], free_text[32], total_text[32];
    if (total_bytes <= 0) {
        return; /* not looked at yet */
    }
    double part = free_bytes / total_bytes;
    str_format_bytes(free_text, sizeof free_text, (uint64_t)free_bytes);
    str_format_bytes(total_text, sizeof total_text, (uint64_t)total_bytes);
    str_format(seen, sizeof seen, "%s of %s free", free_text, total_text);
    doctor_find(doctor,
                part < DISK_BAD    ? DOCTOR_BAD
                : part < DISK_WARN ? DOCTOR_WARN
                                   : DOCTOR_OK,
                "disk", seen, "free space, or keep less: history.max_bytes in the configuration");
}

/* ---- files ---- */

static void put_certificate(void *ctx, enum trust_list list, const struct trust_seen *seen)
{
    struct json_writer *json = ctx;
    json_begin_object(json);
    json_put_string(json, "list", trust_list_word(list));
    json_put_string(json, "fingerprint", seen->fingerprint);
    json_put_string(json, "subject", seen->subject);
    json_put_string(json, "device", seen->device);
    json_put_string(json, "words", seen->words);
    json_put_i64(json, "days_left",
                 (seen->until_us - clock_wall_us()) / (INT64_C(86400) * CLOCK_US_PER_S));
    json_end_object(json);
}

/* As the gateway would answer about them. */
static void examine_store(struct doctor *doctor, const char *folder)
{
    struct trust *trust = NULL;
    struct trust_counts counts;
    struct json_doc *doc = NULL;
    struct buf text;
    struct err err = { 0 };
    if (trust_open(folder, &trust, &err) != 0) {
        doctor_find(doctor, DOCTOR_BAD, "certificates", err.message, err.hint);
        return;
    }
    buf_init(&text, TEXT_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_array(&json, "certificates");
    trust_each(trust, clock_wall_us(), put_certificate, &json);
    json_end_array(&json);
    trust_counts(trust, &counts);
    json_put_i64(&json, "trusted", counts.trusted);
    json_put_i64(&json, "waiting", counts.waiting);
    json_end_object(&json);
    struct json_limits limits = { .bytes_max = TEXT_MAX };
    if (json_parse(buf_text(&text), text.size, &limits, &doc, NULL) == 0) {
        doctor_certificates(doctor, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
    trust_close(trust);
}

void doctor_files(struct doctor *doctor, const char *config_path, const char *data_folder)
{
    struct app_options options = {
        .config_path = config_path != NULL ? config_path : APP_CONFIG_DEFAULT,
        .data_folder = data_folder != NULL ? data_folder : APP_DATA_DEFAULT,
    };
    struct json_doc *doc = NULL;
    struct buf text;
    char certificates[1024];
    struct statvfs fs;
    buf_init(&text, TEXT_MAX);
    (void)app_check(&options, &text);
    struct json_limits limits = { .bytes_max = TEXT_MAX };
    if (json_parse(buf_text(&text), text.size, &limits, &doc, NULL) == 0) {
        doctor_problems(doctor, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
    if (statvfs(options.data_folder, &fs) == 0) {
        doctor_disk(doctor, (double)fs.f_bavail * (double)fs.f_frsize,
                    (double)fs.f_blocks * (double)fs.f_frsize);
    }
    if (file_join(certificates, sizeof certificates, options.data_folder, "certificates") &&
        file_is_folder(certificates)) {
        examine_store(doctor, certificates);
    }
}

/* ---- the discovery server ---- */

/* Hello of OPC UA (Part 6, 7.1.2.3): who answers "ACK" or "ERR" speaks it. */
static bool speaks_opcua(int fd)
{
    static const char url[] = "opc.tcp://localhost:4840";
    uint8_t hello[32 + sizeof(url) - 1] = { 'H', 'E', 'L', 'F', (uint8_t)sizeof(hello), 0, 0, 0 };
    uint8_t answer[8];
    hello[14] = hello[18] = 1; /* buffers of 65,536 bytes */
    hello[28] = (uint8_t)(sizeof(url) - 1);
    memcpy(hello + 32, url, sizeof(url) - 1);
    return send(fd, hello, sizeof hello, MSG_NOSIGNAL) == (ssize_t)sizeof hello &&
           recv(fd, answer, sizeof answer, MSG_WAITALL) == (ssize_t)sizeof answer &&
           (memcmp(answer, "ACK", 3) == 0 || memcmp(answer, "ERR", 3) == 0);
}

static bool discovery_answers(uint16_t port)
{
    struct timeval patience = { .tv_sec = ANSWER_MS / 1000 };
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    bool answers = connect(fd, (const struct sockaddr *)&at, sizeof at) == 0 && speaks_opcua(fd);
    (void)close(fd);
    return answers;
}

void doctor_discovery_port(struct doctor *doctor, const struct json_value *row)
{
    char what[64], seen[160];
    const char *owner = output_text(row, "owner");
    uint16_t port = (uint16_t)output_number(row, "port");
    bool tcp = strcmp(output_text(row, "transport"), "tcp") == 0;
    bool local = str_starts(doctor->cli->server, "unix:");
    str_format(what, sizeof what, "OPC UA discovery, %s %u", output_text(row, "transport"), port);
    if (owner[0] == '\0') {
        doctor_find(doctor, DOCTOR_OK, what,
                    "no discovery server on this machine; others are asked by their address", "");
    } else if (!tcp || !local) {
        str_format(seen, sizeof seen, "held by %s (process %.0f)", owner,
                   output_number(row, "pid"));
        doctor_find(doctor, DOCTOR_OK, what, seen, "");
    } else if (discovery_answers(port)) {
        str_format(seen, sizeof seen, "a discovery server answers: %s (process %.0f)", owner,
                   output_number(row, "pid"));
        doctor_find(doctor, DOCTOR_OK, what, seen, "");
    } else {
        str_format(seen, sizeof seen, "%s (process %.0f) holds it and does not speak OPC UA", owner,
                   output_number(row, "pid"));
        doctor_find(doctor, DOCTOR_WARN, what, seen,
                    "stop it where a discovery server should run on this machine");
    }
}
