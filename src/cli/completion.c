/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completion. The scripts are a few lines: they ask `busbar complete-words`, which knows the table of commands
 * and, when a gateway runs, the names of its devices and points. Silent and quick when there is none. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "drivers/catalog.h"

enum { COMPLETE_TIMEOUT_US = 150000, COMPLETE_ROWS = 200 };

/* complete-words ends with CLI_NOT_FOUND where the shell should offer the names of files. */
static const char bash_script[] =
    "_busbar() {\n"
    "    local IFS=$'\\n' words\n"
    "    words=$(busbar complete-words -- \"${COMP_WORDS[@]:1:COMP_CWORD-1}\" "
    "\"${COMP_WORDS[COMP_CWORD]}\" 2>/dev/null)\n"
    "    if [ $? -eq 5 ]; then compopt -o default; fi\n"
    "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
    "}\n"
    "complete -F _busbar busbar";
static const char zsh_script[] =
    "#compdef busbar\n"
    "_busbar() {\n"
    "    local out_\n"
    "    out_=$(busbar complete-words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    if (( $? == 5 )); then _files; else compadd -- ${(f)out_}; fi\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _busbar ]; then _busbar; else compdef _busbar busbar; fi";
static const char fish_script[] =
    "complete -c busbar -f -a '(busbar complete-words -- (commandline -opc)[2..] "
    "(commandline -ct) 2>/dev/null)'\n"
    "complete -c busbar -n 'string match -qr \"^(sim|check|run)\\$\" -- (commandline -opc)' -F";

int cli_completion(struct cli *cli)
{
    const char *shell = cli->args[0];
    if (strcmp(shell, "bash") == 0) {
        puts(bash_script);
    } else if (strcmp(shell, "zsh") == 0) {
        puts(zsh_script);
    } else if (strcmp(shell, "fish") == 0) {
        puts(fish_script);
    } else {
        return cli_fail(CLI_USAGE, "bash, zsh or fish", "no completion for '%s'", shell);
    }
    return CLI_DONE;
}

static void offer(const char *word, const char *prefix)
{
    if (str_starts(word, prefix)) {
        puts(word);
    }
}

static void offer_commands(const char *noun, const char *prefix)
{
    const char *last = "";
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        if (noun != NULL ? str_equal(row->noun, noun) : row->noun == NULL) {
            offer(row->verb, prefix);
        } else if (noun == NULL && row->noun != NULL && strcmp(row->noun, last) != 0) {
            offer(row->noun, prefix);
            last = row->noun;
        }
    }
}

static void offer_flags(const struct cli_command *command, const char *prefix)
{
    const struct cli_flag *tables[] = { command->flags, cli_global_flags() };
    for (size_t t = 0; t < 2; t++) {
        for (const struct cli_flag *flag = tables[t]; flag != NULL && flag->name != NULL; flag++) {
            char word[64];
            str_format(word, sizeof word, "--%s", flag->name);
            offer(word, prefix);
        }
    }
}

/* Live names, from the gateway. */
static void offer_names(struct cli *cli, enum cli_arg_kind kind, const char *prefix)
{
    struct client_reply reply;
    struct err err = { 0 };
    struct buf url;
    const char *rows = "points", *name = "path";
    buf_init(&url, CLIENT_URL_MAX);
    if (kind == CLI_ARG_DEVICE) {
        buf_printf(&url, "/api/v1/devices?limit=%d", COMPLETE_ROWS);
        rows = "devices";
        name = "name";
    } else if (kind == CLI_ARG_CERTIFICATE) {
        buf_append_text(&url, "/api/v1/certificates");
        rows = "certificates";
        name = "fingerprint";
    } else if (kind == CLI_ARG_SINK) {
        buf_append_text(&url, "/api/v1/sinks");
        rows = "sinks";
        name = "name";
    } else {
        buf_printf(&url, "/api/v1/points?limit=%d&match=", COMPLETE_ROWS);
        client_escape(&url, prefix, false);
        buf_append_text(&url, "*");
    }
    cli->timeout_us = COMPLETE_TIMEOUT_US;
    if (client_try(cli, buf_text(&url), NULL, &reply, &err) == 0) {
        struct json_iter it = json_iter(json_get(reply.root, rows));
        const struct json_value *row;
        while (json_next(&it, NULL, &row)) {
            offer(output_text(row, name), prefix);
        }
        client_free(&reply);
    }
    buf_fini(&url);
}

/* Protocols that can look for devices. */
static void offer_protocols(const char *prefix)
{
    for (const struct driver_ops *const *ops = drivers_catalog(); *ops != NULL; ops++) {
        if ((*ops)->discover != NULL) {
            offer((*ops)->name, prefix);
        }
    }
}

/* The word before the unfinished one is a flag that takes the name of a file. */
static bool wants_file(const struct cli_command *command, const char *word)
{
    const struct cli_flag *tables[] = { command->flags, cli_global_flags() };
    for (size_t t = 0; t < 2 && word[0] == '-'; t++) {
        for (const struct cli_flag *flag = tables[t]; flag != NULL && flag->name != NULL; flag++) {
            bool same = word[1] == '-' ? strcmp(flag->name, word + 2) == 0
                                       : word[1] == flag->letter && word[2] == '\0';
            if (same && flag->value != NULL) {
                return strcmp(flag->value, "PATH") == 0 || strcmp(flag->value, "FOLDER") == 0;
            }
        }
    }
    return false;
}

int cli_complete(struct cli *cli)
{
    const char *prefix = cli->arg_count > 0 ? cli->args[cli->arg_count - 1] : "";
    int before = cli->arg_count > 0 ? cli->arg_count - 1 : 0;
    if (before == 0) {
        offer_commands(NULL, prefix);
        return CLI_DONE;
    }
    const struct cli_command *command = cli_find(NULL, cli->args[0]);
    if (command == NULL && before == 1) {
        offer_commands(cli->args[0], prefix);
        return CLI_DONE;
    }
    if (command == NULL) {
        command = cli_find(cli->args[0], cli->args[1]);
    }
    if (command == NULL) {
        return CLI_DONE;
    }
    if (wants_file(command, cli->args[before - 1])) {
        return CLI_NOT_FOUND;
    }
    if (prefix[0] == '-') {
        offer_flags(command, prefix);
    } else if (command->arg_kind == CLI_ARG_DEVICE || command->arg_kind == CLI_ARG_POINT ||
               command->arg_kind == CLI_ARG_CERTIFICATE || command->arg_kind == CLI_ARG_SINK) {
        offer_names(cli, command->arg_kind, prefix);
    } else if (command->arg_kind == CLI_ARG_FILE) {
        return CLI_NOT_FOUND;
    } else if (command->arg_kind == CLI_ARG_PROTOCOL) {
        offer_protocols(prefix);
    } else if (strcmp(command->verb, "completion") == 0) {
        offer("bash", prefix);
        offer("zsh", prefix);
        offer("fish", prefix);
    }
    return CLI_DONE;
}
