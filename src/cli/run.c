/* SPDX-License-Identifier: Apache-2.0 */
/* busbar run | sim | check, and secrets: what works without a running gateway. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app/app.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "config/secrets.h"

static const char *flag_or(const struct cli *cli, const char *name, const char *fallback)
{
    const char *value = cli_flag(cli, name);
    return value != NULL ? value : fallback;
}

int cli_run(struct cli *cli)
{
    char socket_path[400];
    client_default_socket(socket_path, sizeof socket_path);
    struct app_options options = {
        .config_path = flag_or(cli, "config", APP_CONFIG_DEFAULT),
        .data_folder = flag_or(cli, "data", APP_DATA_DEFAULT),
        .http = cli_flag(cli, "http"),
        .time_series = cli_flag(cli, "time-series"),
        .socket_path = flag_or(cli, "socket", socket_path),
        .socket_required = cli_flag(cli, "socket") != NULL,
        .verbose = cli->verbose,
    };
    return app_run(&options);
}

int cli_check(struct cli *cli)
{
    struct app_options options = {
        .config_path = flag_or(cli, "config", APP_CONFIG_DEFAULT),
        .data_folder = flag_or(cli, "data", APP_DATA_DEFAULT),
    };
    struct buf text;
    buf_init(&text, 16 << 20);
    int rc = app_check(&options, cli->format == CLI_JSON ? &text : NULL);
    rc = output_check(cli, &text, rc);
    buf_fini(&text);
    return rc;
}

int cli_sim(struct cli *cli)
{
    const char *faults[CLI_FLAGS_MAX + 1] = { NULL };
    size_t count = 0;
    for (int i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].flag->name, "fault") == 0) {
            faults[count++] = cli->given[i].value;
        }
    }
    int64_t seed = 1;
    if (cli_flag(cli, "seed") != NULL && str_parse_i64(cli_flag(cli, "seed"), &seed) != 0) {
        return cli_fail(CLI_USAGE, NULL, "--seed: '%s' is not a number", cli_flag(cli, "seed"));
    }
    const struct app_sim_options options = {
        .path = cli->args[0],
        .faults = faults,
        .control = cli_flag(cli, "control"),
        .discovery = cli_flag(cli, "discovery"),
        .data = cli_flag(cli, "data"),
        .seed = (uint64_t)seed,
        .quiet = cli->quiet,
    };
    return app_sim(&options);
}

/* ---- secrets ---- */

/* Says why and returns NULL when they cannot be opened. */
static struct secrets *open_secrets(struct cli *cli, int *rc)
{
    struct secrets *secrets = NULL;
    struct err err = { 0 };
    if (secrets_open(flag_or(cli, "data", APP_DATA_DEFAULT), &secrets, &err) != 0) {
        *rc = cli_fail_err(&err);
    }
    return secrets;
}

/* One line from the terminal without echo, or all of stdin without its last newline. */
static bool read_value(char *value, size_t size)
{
    struct termios old, quiet;
    bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
    if (terminal) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs("value: ", stderr);
    }
    size_t length = 0;
    bool fits = true;
    for (int c = getchar(); c != EOF && !(terminal && c == '\n'); c = getchar()) {
        fits = length + 1 < size;
        if (!fits) {
            break;
        }
        value[length++] = (char)c;
    }
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputc('\n', stderr);
    }
    while (length > 0 && (value[length - 1] == '\n' || value[length - 1] == '\r')) {
        length--;
    }
    value[length] = '\0';
    return fits && length > 0;
}

int cli_secret_set(struct cli *cli)
{
    char value[SECRET_VALUE_MAX + 1];
    struct err err = { 0 };
    int rc = CLI_DONE;
    if (!secrets_name_valid(cli->args[0], &err)) {
        return cli_fail_err(&err);
    }
    /* Secrets are often set before the first start. */
    const char *folder = flag_or(cli, "data", APP_DATA_DEFAULT);
    if (file_make_folders(file_ops_real(), folder, 0700, &err) != 0) {
        err_hint(&err, "name the data folder of the gateway: --data FOLDER");
        return cli_fail_err(&err);
    }
    struct secrets *secrets = open_secrets(cli, &rc);
    if (secrets == NULL) {
        return rc;
    }
    if (!read_value(value, sizeof value)) {
        rc = cli_fail(CLI_USAGE, "type it at the prompt, or: busbar secret set NAME < file",
                      "the value is empty or longer than %d bytes", SECRET_VALUE_MAX);
    } else if (secrets_set(secrets, cli->args[0], value, &err) != 0) {
        rc = cli_fail_err(&err);
    } else if (!cli->quiet) {
        fprintf(stderr, "secret '%s' is kept; a running gateway reads it at: busbar config apply\n",
                cli->args[0]);
    }
    explicit_bzero(value, sizeof value);
    secrets_close(secrets);
    return rc;
}

int cli_secret_list(struct cli *cli)
{
    int rc = CLI_DONE;
    struct secrets *secrets = open_secrets(cli, &rc);
    if (secrets == NULL) {
        return rc;
    }
    size_t count = secrets_count(secrets);
    for (size_t i = 0; i < count; i++) {
        if (cli->format == CLI_JSON) {
            printf("%s\"%s\"", i == 0 ? "[" : ",", secrets_name(secrets, i));
        } else {
            puts(secrets_name(secrets, i));
        }
    }
    if (cli->format == CLI_JSON) {
        puts(count == 0 ? "[]" : "]");
    }
    secrets_close(secrets);
    return rc;
}

int cli_secret_remove(struct cli *cli)
{
    int rc = CLI_DONE;
    struct err err = { 0 };
    struct secrets *secrets = open_secrets(cli, &rc);
    if (secrets == NULL) {
        return rc;
    }
    if (!cli_confirm(cli, "Forget the secret '%s'?", cli->args[0])) {
        rc = CLI_FAILED;
    } else if (secrets_remove(secrets, cli->args[0], &err) != 0) {
        rc = cli_fail_err(&err);
    } else if (!cli->quiet) {
        fprintf(stderr, "secret '%s' is gone\n", cli->args[0]);
    }
    secrets_close(secrets);
    return rc;
}
