/* SPDX-License-Identifier: Apache-2.0 */
/* Words -> a command, its arguments and flags. Flags may stand anywhere; `--` ends them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/client.h"

enum { DEFAULT_TIMEOUT_US = 5000000, NAMES_MAX = 64 };

static const struct cli_flag *find_flag(const struct cli_flag *flags, const char *name, size_t size,
                                        char letter)
{
    for (const struct cli_flag *flag = flags; flag != NULL && flag->name != NULL; flag++) {
        if (letter != 0 ? flag->letter == letter
                        : strlen(flag->name) == size && memcmp(flag->name, name, size) == 0) {
            return flag;
        }
    }
    return NULL;
}

static const struct cli_flag *known_flag(const struct cli *cli, const char *name, size_t size,
                                         char letter)
{
    const struct cli_flag *flag = find_flag(cli->command->flags, name, size, letter);
    return flag != NULL ? flag : find_flag(cli_global_flags(), name, size, letter);
}

static int unknown_flag(const struct cli *cli, const char *word)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    const struct cli_flag *tables[] = { cli->command->flags, cli_global_flags() };
    for (size_t t = 0; t < 2; t++) {
        for (const struct cli_flag *flag = tables[t]; flag != NULL && flag->name != NULL; flag++) {
            names[count++] = flag->name;
        }
    }
    const char *nearest = str_nearest(word + strspn(word, "-"), names, count);
    char hint[128];
    str_format(hint, sizeof hint, "%s%s", nearest != NULL ? "did you mean --" : "see busbar --help",
               nearest != NULL ? nearest : "");
    return cli_fail(CLI_USAGE, hint, "unknown option '%s' for '%s%s%s'", word,
                    cli->command->noun != NULL ? cli->command->noun : "",
                    cli->command->noun != NULL ? " " : "", cli->command->verb);
}

static int keep_flag(struct cli *cli, const struct cli_flag *flag, const char *value)
{
    if (cli->given_count == CLI_FLAGS_MAX) {
        return cli_fail(CLI_USAGE, NULL, "too many options");
    }
    cli->given[cli->given_count].flag = flag;
    cli->given[cli->given_count++].value = value;
    return 0;
}

/* One word that begins with '-'; *at moves on when the value is the next word. */
static int take_flag(struct cli *cli, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    const struct cli_flag *flag;
    if (word[1] == '-') {
        size_t size = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;
        flag = known_flag(cli, word + 2, size, 0);
    } else {
        flag = word[2] == '\0' ? known_flag(cli, NULL, 0, word[1]) : NULL;
        equals = NULL;
    }
    if (flag == NULL) {
        return unknown_flag(cli, word);
    }
    if (flag->value == NULL) {
        if (equals != NULL) {
            return cli_fail(CLI_USAGE, NULL, "option --%s takes no value", flag->name);
        }
        return keep_flag(cli, flag, "");
    }
    if (equals != NULL) {
        return keep_flag(cli, flag, equals + 1);
    }
    if (flag->optional) {
        return keep_flag(cli, flag, "");
    }
    if (*at + 1 >= argc) {
        return cli_fail(CLI_USAGE, NULL, "option --%s needs a value: --%s %s", flag->name,
                        flag->name, flag->value);
    }
    return keep_flag(cli, flag, argv[++*at]);
}

/* A negative number is an argument, not a flag ("point write a/b -5"). */
static bool is_flag(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9') &&
           word[1] != '.';
}

static bool is_noun(const char *word)
{
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        if (row->noun != NULL && strcmp(row->noun, word) == 0) {
            return true;
        }
    }
    return false;
}

static int unknown_command(const char *noun, const char *word)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        if (noun != NULL && !str_equal(row->noun, noun)) {
            continue;
        }
        const char *name = noun == NULL && row->noun != NULL ? row->noun : row->verb;
        bool again = count > 0 && strcmp(names[count - 1], name) == 0; /* rows of a noun follow */
        if (!again && count < NAMES_MAX) {
            names[count++] = name;
        }
    }
    const char *nearest = str_nearest(word, names, count);
    char hint[160];
    const char *prefix = noun != NULL ? noun : "";
    if (nearest != NULL) {
        str_format(hint, sizeof hint, "did you mean 'busbar %s%s%s'?", prefix, noun ? " " : "",
                   nearest);
    } else {
        str_format(hint, sizeof hint, "see: busbar %s%s--help", prefix, noun ? " " : "");
    }
    return cli_fail(CLI_USAGE, hint, "unknown %s '%s%s%s'", noun != NULL ? "verb" : "command",
                    prefix, noun ? " " : "", word);
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* Finds the command; *used words were eaten. */
static int find_command(struct cli *cli, int argc, char **argv, int *used, bool *done)
{
    if (argc == 0 || asks_help(argv[0])) {
        if (argc > 1 && is_noun(argv[1])) {
            cli_help_noun(argv[1]);
        } else {
            cli_help_all();
        }
        *done = true;
        return 0;
    }
    if (strcmp(argv[0], "--version") == 0) {
        argv[0] = (char *)(uintptr_t) "version";
    }
    const char *noun = is_noun(argv[0]) ? argv[0] : NULL;
    if (noun != NULL && (argc == 1 || asks_help(argv[1]))) {
        cli_help_noun(noun);
        *done = true;
        return 0;
    }
    *used = noun != NULL ? 2 : 1;
    const char *verb = argv[*used - 1];
    cli->command = cli_find(noun, verb);
    return cli->command != NULL ? 0 : unknown_command(noun, verb);
}

static int set_globals(struct cli *cli)
{
    const char *json = cli_flag(cli, "json"), *no_color = getenv("NO_COLOR");
    cli->fields = json != NULL && json[0] != '\0' ? json : NULL;
    bool terminal = isatty(STDOUT_FILENO) != 0;
    cli->format = json != NULL             ? CLI_JSON
                  : cli_flag(cli, "csv")   ? CLI_CSV
                  : cli_flag(cli, "plain") ? CLI_PLAIN
                  : terminal               ? CLI_TABLE
                                           : CLI_PLAIN;
    cli->color = terminal && cli->format == CLI_TABLE && (no_color == NULL || no_color[0] == '\0');
    cli->quiet = cli_flag(cli, "quiet") != NULL;
    cli->verbose = cli_flag(cli, "verbose") != NULL;
    cli->yes = cli_flag(cli, "yes") != NULL;
    cli->no_input = cli_flag(cli, "no-input") != NULL;
    cli->dry_run = cli_flag(cli, "dry-run") != NULL;
    cli->watch = cli_flag(cli, "watch") != NULL;
    cli->timeout_us = DEFAULT_TIMEOUT_US;
    const char *timeout = cli_flag(cli, "timeout");
    if (timeout != NULL && str_parse_duration_us(timeout, &cli->timeout_us) != 0) {
        return cli_fail(CLI_USAGE, "write it as 500ms, 5s or 2m", "'%s' is not a time", timeout);
    }
    if (cli->watch && !cli->command->looks) {
        return cli_fail(CLI_USAGE, "busbar point watch shows values as they change",
                        "--watch repeats commands that only look");
    }
    const char *server = cli_flag(cli, "server");
    if (server == NULL) {
        server = getenv("BUSBAR_SERVER");
    }
    if (server != NULL && server[0] != '\0') {
        str_copy(cli->server, sizeof cli->server, server);
    } else {
        char path[400];
        client_default_socket(path, sizeof path);
        str_format(cli->server, sizeof cli->server, "unix:%s", path);
    }
    return 0;
}

int cli_parse(struct cli *cli, int argc, char **argv, bool *done)
{
    int used = 0;
    int rc = find_command(cli, argc, argv, &used, done);
    if (rc != 0 || *done) {
        return rc;
    }
    bool flags_over = false;
    for (int at = used; at < argc; at++) {
        const char *word = argv[at];
        if (!flags_over && strcmp(word, "--") == 0) {
            flags_over = true;
        } else if (!flags_over && is_flag(word)) {
            rc = take_flag(cli, argc, argv, &at);
            if (rc != 0) {
                return rc;
            }
        } else if (cli->arg_count == CLI_ARGS_MAX || cli->arg_count == cli->command->args_max) {
            return cli_fail(CLI_USAGE, "see its --help", "one word too many: '%s'", word);
        } else {
            cli->args[cli->arg_count++] = word;
        }
    }
    if (cli_flag(cli, "help") != NULL) {
        cli_help_command(cli->command);
        *done = true;
        return 0;
    }
    if (cli->arg_count < cli->command->args_min) {
        return cli_fail(CLI_USAGE, cli->command->example, "'%s%s%s' needs %s",
                        cli->command->noun ? cli->command->noun : "", cli->command->noun ? " " : "",
                        cli->command->verb, cli->command->args);
    }
    return set_globals(cli);
}

const char *cli_flag(const struct cli *cli, const char *name)
{
    for (int i = cli->given_count - 1; i >= 0; i--) {
        if (strcmp(cli->given[i].flag->name, name) == 0) {
            return cli->given[i].value;
        }
    }
    return NULL;
}
