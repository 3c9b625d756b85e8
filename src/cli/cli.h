/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: `busbar NOUN VERB [ARG] [--flag]`. One table (command.c) makes the parser, the
 * help, the man pages and the completion, so they cannot differ. Data goes to stdout, talk to
 * stderr; every error ends with what to do next. */
#ifndef BUSBAR_CLI_CLI_H
#define BUSBAR_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Exit codes; scripts rely on them. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,   /* also `config diff`: differs */
    CLI_USAGE = 2,    /* wrong use */
    CLI_PROBLEMS = 3, /* a check found problems */
    CLI_DENIED = 4,   /* not logged in or not allowed */
    CLI_NOT_FOUND = 5,
    CLI_NO_ANSWER = 6, /* in time */
    CLI_REFUSED = 7,   /* by the device */
    CLI_SOME_FAILED = 8,
    CLI_INTERRUPTED = 130,
};

enum { CLI_ARGS_MAX = 64, CLI_FLAGS_MAX = 24 };

struct cli_flag {
    const char *name;  /* "limit": --limit */
    char letter;       /* 'n': -n; 0 = none */
    const char *value; /* "N" in the help; NULL = a switch */
    bool optional;     /* the value may be left out (--json[=FIELDS]) */
    const char *help;
};

struct cli;

/* What an argument is, for completion. */
enum cli_arg_kind {
    CLI_ARG_NONE,
    CLI_ARG_DEVICE,
    CLI_ARG_POINT,
    CLI_ARG_FILE,
    CLI_ARG_PROTOCOL,
    CLI_ARG_CERTIFICATE,
    CLI_ARG_SINK
};

struct cli_command {
    const char *noun; /* NULL: the verb stands alone */
    const char *verb;
    const char *args; /* as in the help: "DEVICE", "PATTERN...", "[PATH]" */
    int args_min, args_max;
    enum cli_arg_kind arg_kind;
    const char *summary;          /* one line */
    const char *details;          /* paragraphs for help and man page; may be NULL */
    const char *example;          /* lines to type; may be NULL */
    const struct cli_flag *flags; /* its own, ends with name NULL; may be NULL */
    int (*run)(struct cli *cli);
    bool looks; /* only looks: --watch may repeat it */
};

/* How lists are written. */
enum cli_format { CLI_TABLE, CLI_PLAIN, CLI_CSV, CLI_JSON };

struct cli {
    const struct cli_command *command;
    const char *args[CLI_ARGS_MAX];
    int arg_count;
    struct {
        const struct cli_flag *flag;
        const char *value;
    } given[CLI_FLAGS_MAX];
    int given_count;
    enum cli_format format;
    const char *fields; /* --json=a,b; NULL = all */
    bool quiet, verbose, yes, no_input, dry_run, watch, color;
    int64_t timeout_us;
    char server[512]; /* "unix:PATH" or "http://HOST:PORT" */
};

int cli_main(int argc, char **argv);

/* Fills cli from the words after the program's name. 0, or an exit code after saying why. When help was asked,
 * it is printed and *done is set. */
int cli_parse(struct cli *cli, int argc, char **argv, bool *done);

/* The value of a flag, "" for a switch that was given, NULL when it was not. */
const char *cli_flag(const struct cli *cli, const char *name);

/* "error: ..." and "hint:  ..." on stderr (hint may be NULL); returns exit_code. */
int cli_fail(int exit_code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int cli_fail_err(const struct err *err);
int cli_exit_of(int error); /* of a BUSBAR_ code */

/* Asks on the terminal; yes without asking under --yes. Without a terminal the answer is no, said on stderr. */
bool cli_confirm(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The rows, in the order of the help; ends with verb NULL. */
const struct cli_command *cli_commands(void);
const struct cli_flag *cli_global_flags(void);
const struct cli_command *cli_find(const char *noun, const char *verb);

/* Help on stdout. */
void cli_help_all(void);
void cli_help_noun(const char *noun);
void cli_help_command(const struct cli_command *command);

/* Verbs; one file a noun. */
int cli_run(struct cli *cli);
int cli_sim(struct cli *cli);
int cli_check(struct cli *cli);
int cli_status(struct cli *cli);
int cli_doctor(struct cli *cli);
int cli_ports(struct cli *cli);
int cli_ledger(struct cli *cli);
int cli_query(struct cli *cli);
int cli_discover(struct cli *cli);
int cli_snmp_walk(struct cli *cli);
int cli_drivers(struct cli *cli);
int cli_version(struct cli *cli);
int cli_completion(struct cli *cli);
int cli_complete(struct cli *cli);
int cli_man(struct cli *cli);
int cli_device_list(struct cli *cli);
int cli_device_show(struct cli *cli);
int cli_device_test(struct cli *cli);
int cli_device_frames(struct cli *cli);
int cli_device_browse(struct cli *cli);
int cli_device_pause(struct cli *cli);
int cli_device_resume(struct cli *cli);
int cli_point_list(struct cli *cli);
int cli_point_get(struct cli *cli);
int cli_point_watch(struct cli *cli);
int cli_point_write(struct cli *cli);
int cli_point_history(struct cli *cli);
int cli_point_release(struct cli *cli);
int cli_point_extend(struct cli *cli);
int cli_point_forget(struct cli *cli);
int cli_command_list(struct cli *cli);
int cli_command_run(struct cli *cli);
int cli_payload_test(struct cli *cli);
int cli_snmp_translate(struct cli *cli);
int cli_snmp_mibs(struct cli *cli);
int cli_compile_mibs(struct cli *cli); /* see drivers/snmp/mib/apart.h */
int cli_certificate_list(struct cli *cli);
int cli_certificate_show(struct cli *cli);
int cli_certificate_trust(struct cli *cli);
int cli_certificate_remove(struct cli *cli);
int cli_certificate_import(struct cli *cli);
int cli_certificate_renew(struct cli *cli);
int cli_connector_list(struct cli *cli);
int cli_connector_show(struct cli *cli);
int cli_connector_key(struct cli *cli);
int cli_sink_list(struct cli *cli);
int cli_sink_show(struct cli *cli);
int cli_sink_test(struct cli *cli);
int cli_sink_sql(struct cli *cli);
int cli_sink_pause(struct cli *cli);
int cli_sink_resume(struct cli *cli);
int cli_sink_try(struct cli *cli);
int cli_sink_aside(struct cli *cli);
int cli_sink_retry(struct cli *cli);
int cli_sink_drop(struct cli *cli);
int cli_sink_resend(struct cli *cli);
int cli_event_list(struct cli *cli);
int cli_event_watch(struct cli *cli);
int cli_event_show(struct cli *cli);
int cli_event_ack(struct cli *cli);
int cli_history_delete(struct cli *cli);
int cli_history_verify(struct cli *cli);
int cli_history_export(struct cli *cli);
int cli_history_import(struct cli *cli);
int cli_history_backup(struct cli *cli);
int cli_history_compact(struct cli *cli);
int cli_history_restore(struct cli *cli);
int cli_config_check(struct cli *cli);
int cli_config_diff(struct cli *cli);
int cli_config_apply(struct cli *cli);
int cli_config_history(struct cli *cli);
int cli_config_rollback(struct cli *cli);
int cli_secret_set(struct cli *cli);
int cli_secret_list(struct cli *cli);
int cli_secret_remove(struct cli *cli);

#endif
