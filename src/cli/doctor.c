/* SPDX-License-Identifier: Apache-2.0 */
/* busbar doctor: looks at the running gateway, or at the files of one, and ends each finding with a next step. What it
 * knows comes from the answers that other commands show, too. */
#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

enum {
    DEVICES_SHOWN = 20,
    DAYS_SOON = 30,
    DAYS_OWN = 60,
    SHORT_FINGERPRINT = 16,
    REFUSED_SHARE = 10
};

void doctor_find(struct doctor *doctor, enum doctor_level level, const char *what, const char *seen,
                 const char *hint)
{
    static const char *const words[] = { "ok", "warn", "bad" };
    const struct cli *cli = doctor->cli;
    doctor->warnings += level == DOCTOR_WARN;
    doctor->faults += level == DOCTOR_BAD;
    if (cli->format == CLI_JSON) {
        json_begin_object(doctor->json);
        json_put_bool(doctor->json, "fine", level == DOCTOR_OK);
        json_put_string(doctor->json, "level", words[level]);
        json_put_string(doctor->json, "what", what);
        json_put_string(doctor->json, "seen", seen);
        json_put_string(doctor->json, "hint", level == DOCTOR_OK ? "" : hint);
        json_end_object(doctor->json);
        return;
    }
    bool colored = level == DOCTOR_BAD;
    printf("%s%-5s%s %s: %s\n", colored ? output_color(cli, "bad") : "", words[level],
           colored ? output_color(cli, "off") : "", what, seen);
    if (level != DOCTOR_OK && hint[0] != '\0') {
        printf("      hint: %s\n", hint);
    }
}

/* The answer to a GET (or POST with a body); false: said. */
static bool ask(struct doctor *doctor, const char *what, const char *path, const char *body,
                struct client_reply *reply)
{
    struct err err = { 0 };
    if (client_try(doctor->cli, path, body, reply, &err) != 0) {
        doctor_find(doctor, DOCTOR_BAD, what, err.message, err.hint);
        return false;
    }
    return true;
}

/* ---- the gateway ---- */

static void examine_history(struct doctor *doctor, const struct json_value *health)
{
    struct client_reply reply;
    char seen[160], longest[32];
    bool fine = strcmp(output_text(health, "log.state"), "ok") == 0;
    str_format_duration(longest, sizeof longest,
                        (int64_t)output_number(health, "log.fsync_longest_us"));
    str_format(seen, sizeof seen, "acknowledges; the longest wait for the disk was %s", longest);
    doctor_find(doctor, fine ? DOCTOR_OK : DOCTOR_BAD, "log",
                fine ? seen : output_text(health, "log.error"),
                "free space in the data folder or look at its disk; it recovers by itself");
    if (!ask(doctor, "history", "/api/v1/status", NULL, &reply)) {
        return;
    }
    double damaged = output_number(reply.root, "history.damaged_chunks");
    str_format(seen, sizeof seen, "%.0f series, %.0f damaged chunks",
               output_number(reply.root, "history.series"), damaged);
    doctor_find(doctor, damaged > 0 ? DOCTOR_BAD : DOCTOR_OK, "history", seen,
                "busbar history verify lists what is lost; look at the disk");
    client_free(&reply);
}

/* False: nobody answers. */
static bool examine_health(struct doctor *doctor)
{
    struct client_reply reply;
    struct err err = { 0 };
    if (client_try(doctor->cli, "/api/v1/health", NULL, &reply, &err) != 0) {
        doctor_find(doctor, DOCTOR_BAD, "gateway", err.message,
                    err.hint[0] != '\0' ? err.hint
                                        : "busbar doctor --config PATH looks at its files");
        return false;
    }
    char seen[128], age[32];
    output_age(age, sizeof age, output_number(reply.root, "uptime_s"));
    str_format(seen, sizeof seen, "version %s, up %s", output_text(reply.root, "version"), age);
    doctor_find(doctor, DOCTOR_OK, "gateway", seen, "");
    struct json_iter it = json_iter(json_get(reply.root, "problems"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        doctor_find(doctor, DOCTOR_BAD, output_text(row, "what"), output_text(row, "why"),
                    output_text(row, "hint"));
    }
    examine_history(doctor, reply.root);
    doctor_disk(doctor, output_number(reply.root, "disk.free_bytes"),
                output_number(reply.root, "disk.total_bytes"));
    bool differs = false;
    (void)json_get_bool(output_field(reply.root, "config.differs"), &differs);
    if (differs) {
        doctor_find(doctor, DOCTOR_WARN, "configuration", "the files are not what is running",
                    "busbar config diff shows what differs, busbar config apply applies it");
    }
    client_free(&reply);
    return true;
}

void doctor_problems(struct doctor *doctor, const struct json_value *checked)
{
    struct json_iter it = json_iter(json_get(checked, "problems"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        char what[320];
        bool warning = strcmp(output_text(row, "severity"), "warning") == 0;
        str_format(what, sizeof what, "%s:%.0f:%.0f", output_text(row, "file"),
                   output_number(row, "line"), output_number(row, "column"));
        doctor_find(doctor, warning ? DOCTOR_WARN : DOCTOR_BAD,
                    output_number(row, "line") > 0 ? what : output_text(row, "file"),
                    output_text(row, "message"), output_text(row, "hint"));
    }
    if (output_number(checked, "errors") == 0) {
        doctor_find(doctor, DOCTOR_OK, "configuration", "no errors", "");
    }
}

static void examine_config(struct doctor *doctor)
{
    struct client_reply reply;
    if (ask(doctor, "configuration", "/api/v1/config/check", "{}", &reply)) {
        doctor_problems(doctor, reply.root);
        client_free(&reply);
    }
}

/* ---- devices and drivers ---- */

static void examine_devices(struct doctor *doctor)
{
    struct client_reply reply;
    if (!ask(doctor, "devices", "/api/v1/devices?link=down&limit=20", NULL, &reply)) {
        return;
    }
    struct json_iter it = json_iter(json_get(reply.root, "devices"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        char what[160], hint[200];
        str_format(what, sizeof what, "device %s", output_text(row, "name"));
        str_format(hint, sizeof hint, "busbar device test %s", output_text(row, "name"));
        doctor_find(doctor, DOCTOR_BAD, what, output_text(row, "error"), hint);
    }
    double total = output_number(reply.root, "total");
    if (total == 0) {
        doctor_find(doctor, DOCTOR_OK, "devices", "none is down", "");
    } else if (total > DEVICES_SHOWN) {
        char seen[64];
        str_format(seen, sizeof seen, "%.0f more are down", total - DEVICES_SHOWN);
        doctor_find(doctor, DOCTOR_BAD, "devices", seen, "busbar device list --down");
    }
    client_free(&reply);
}

/* What is closed is one of the gateway's problems already. */
static void examine_driver(struct doctor *doctor, const struct json_value *driver, int *troubles)
{
    struct json_iter facts = json_iter(json_get(driver, "facts"));
    const struct json_value *fact;
    while (json_next(&facts, NULL, &fact)) {
        char what[160];
        bool closed = false;
        (void)json_get_bool(json_get(fact, "closed"), &closed);
        if (output_text(fact, "trouble")[0] == '\0') {
            continue;
        }
        ++*troubles;
        if (!closed) {
            str_format(what, sizeof what, "%s %s %s", output_text(driver, "protocol"),
                       output_text(fact, "part"), output_text(fact, "name"));
            doctor_find(doctor, DOCTOR_BAD, what, output_text(fact, "trouble"), "busbar drivers");
        }
    }
}

/* Some refused messages happen; one in ten tells of a rule or a sender that is wrong. */
static void examine_messages(struct doctor *doctor, const struct json_value *driver, int *troubles)
{
    const struct json_value *counts = json_get(driver, "messages");
    const char *protocol = output_text(driver, "protocol");
    double messages = output_number(counts, "messages"), refused = output_number(counts, "refused");
    double strangers = output_number(counts, "strangers");
    char what[64], seen[120], hint[96];
    if (refused > 0 && refused * REFUSED_SHARE >= messages) {
        str_format(what, sizeof what, "%s messages", protocol);
        str_format(seen, sizeof seen, "%.0f of %.0f were refused", refused, messages);
        str_format(hint, sizeof hint, "busbar drivers %s --refused tells why", protocol);
        doctor_find(doctor, DOCTOR_WARN, what, seen, hint);
        ++*troubles;
    }
    if (strangers > 0) {
        str_format(what, sizeof what, "%s messages", protocol);
        str_format(seen, sizeof seen, "%.0f readings came of ids that no device has", strangers);
        str_format(hint, sizeof hint, "busbar drivers %s --unknown, or Discover on the page",
                   protocol);
        doctor_find(doctor, DOCTOR_WARN, what, seen, hint);
    }
}

static void examine_drivers(struct doctor *doctor)
{
    struct client_reply reply;
    int troubles = 0;
    if (!ask(doctor, "drivers", "/api/v1/drivers", NULL, &reply)) {
        return;
    }
    struct json_iter drivers = json_iter(json_get(reply.root, "drivers"));
    const struct json_value *driver;
    while (json_next(&drivers, NULL, &driver)) {
        examine_driver(doctor, driver, &troubles);
        examine_messages(doctor, driver, &troubles);
    }
    if (troubles == 0) {
        doctor_find(doctor, DOCTOR_OK, "drivers", "no trouble", "");
    }
    client_free(&reply);
}

/* ---- certificates ---- */

static void examine_certificate(struct doctor *doctor, const struct json_value *row)
{
    char what[400], seen[500];
    const char *list = output_text(row, "list"), *words = output_text(row, "words");
    bool own = strcmp(list, "own") == 0, refused = strcmp(list, "refused") == 0;
    double days = output_number(row, "days_left");
    const char *fingerprint = output_text(row, "fingerprint");
    str_format(what, sizeof what, "certificate%s%.*s", fingerprint[0] != '\0' ? " " : "",
               SHORT_FINGERPRINT, fingerprint);
    if (refused && output_text(row, "device")[0] != '\0') {
        return; /* its device says it, as long as it matters */
    }
    str_format(seen, sizeof seen, "%s (%s) ", output_text(row, "subject"), list);
    if (words[0] != '\0') {
        str_format(seen + strlen(seen), sizeof seen - strlen(seen), "%s", words);
        doctor_find(doctor, own ? DOCTOR_BAD : DOCTOR_WARN, what, seen, "busbar certificate list");
    } else if (!refused && strcmp(list, "revocations") != 0 &&
               days < (own ? DAYS_OWN : DAYS_SOON)) {
        str_format(seen + strlen(seen), sizeof seen - strlen(seen), "ends in %.0f days", days);
        doctor_find(doctor, DOCTOR_WARN, what, seen,
                    own ? "busbar certificate renew, then trust the new one on the devices"
                        : "renew it on the device, then trust the new one here");
    }
}

void doctor_certificates(struct doctor *doctor, const struct json_value *list)
{
    char seen[96];
    int before = doctor->warnings + doctor->faults;
    struct json_iter it = json_iter(json_get(list, "certificates"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        examine_certificate(doctor, row);
    }
    if (before == doctor->warnings + doctor->faults) {
        str_format(seen, sizeof seen, "%.0f trusted, %.0f waiting to be",
                   output_number(list, "trusted"), output_number(list, "waiting"));
        doctor_find(doctor, DOCTOR_OK, "certificates", seen, "");
    }
}

static void examine_certificates(struct doctor *doctor)
{
    struct client_reply reply;
    if (ask(doctor, "certificates", "/api/v1/certificates", NULL, &reply)) {
        doctor_certificates(doctor, reply.root);
        client_free(&reply);
    }
}

/* ---- ports and ledger ---- */

static void examine_ports(struct doctor *doctor)
{
    struct client_reply reply;
    int conflicts = 0;
    if (!ask(doctor, "ports", "/api/v1/ports", NULL, &reply)) {
        return;
    }
    struct json_iter it = json_iter(json_get(reply.root, "ports"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        if (output_text(row, "conflict")[0] != '\0') {
            char what[64];
            str_format(what, sizeof what, "port %.0f", output_number(row, "port"));
            doctor_find(doctor, DOCTOR_BAD, what, output_text(row, "conflict"),
                        "stop the other program, or change the port in the configuration");
            conflicts++;
        } else if (strcmp(output_text(row, "use"), "OPC UA discovery") == 0) {
            doctor_discovery_port(doctor, row);
        }
    }
    if (conflicts == 0) {
        doctor_find(doctor, DOCTOR_OK, "ports", "no conflict", "");
    }
    client_free(&reply);
}

static void examine_ledger(struct doctor *doctor)
{
    struct client_reply reply;
    bool balances = false;
    if (!ask(doctor, "ledger", "/api/v1/ledger?limit=1", NULL, &reply)) {
        return;
    }
    (void)json_get_bool(json_get(reply.root, "balances"), &balances);
    doctor_find(doctor, balances ? DOCTOR_OK : DOCTOR_BAD, "ledger",
                balances ? "balances" : "does not balance",
                "busbar ledger tells what is missing where; please report it");
    client_free(&reply);
}

static void examine_running(struct doctor *doctor)
{
    if (!examine_health(doctor)) {
        return;
    }
    examine_config(doctor);
    examine_devices(doctor);
    examine_certificates(doctor);
    examine_drivers(doctor);
    doctor_sinks(doctor);
    examine_ports(doctor);
    examine_ledger(doctor);
}

/* ---- the verb ---- */

static void sum_up(const struct doctor *doctor)
{
    if (doctor->faults > 0 && doctor->warnings > 0) {
        fprintf(stderr, "%d found, and %d to look at\n", doctor->faults, doctor->warnings);
    } else if (doctor->faults > 0) {
        fprintf(stderr, "%d found\n", doctor->faults);
    } else if (doctor->warnings > 0) {
        fprintf(stderr, "well; %d to look at\n", doctor->warnings);
    } else {
        fputs("all well\n", stderr);
    }
}

int cli_doctor(struct cli *cli)
{
    struct buf text;
    const char *config = cli_flag(cli, "config"), *data = cli_flag(cli, "data");
    buf_init(&text, 1 << 20);
    struct json_writer json = json_writer(&text);
    struct doctor doctor = { .cli = cli, .json = &json };
    json_begin_array(&json);
    if (config != NULL || data != NULL) {
        doctor_files(&doctor, config, data);
    } else {
        examine_running(&doctor);
    }
    if (config != NULL || data != NULL || str_starts(cli->server, "unix:")) {
        doctor_clock(&doctor); /* else the gateway may be on another machine */
    }
    json_end_array(&json);
    int rc = doctor.faults == 0 ? CLI_DONE : CLI_PROBLEMS;
    if (cli->format == CLI_JSON) {
        rc = output_check(cli, &text, rc);
    } else if (!cli->quiet) {
        sum_up(&doctor);
    }
    buf_fini(&text);
    return rc;
}
