/* SPDX-License-Identifier: Apache-2.0 */
/* Help and manual pages, made from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

static const char *const noun_summaries[][2] = {
    { "device", "equipment and its link" },
    { "point", "values: look, watch, write, history" },
    { "history", "what is kept: check, copy, delete" },
    { "event", "alarms and other events of devices" },
    { "command", "what devices can be told to do" },
    { "certificate", "whom busbar trusts, and its own certificates" },
    { "connector", "by which devices post, and their keys" },
    { "sink", "where samples are published: databases, remote write" },
    { "payload", "what rules take out of messages" },
    { "config", "the configuration files and their versions" },
    { "secret", "passwords and keys that the configuration names" },
    { "snmp", "names and meanings of SNMP objects, walks" },
    { NULL, NULL },
};

static void command_line(const struct cli_command *command, char *to, size_t size)
{
    str_format(to, size, "%s%s%s%s%s", command->noun != NULL ? command->noun : "",
               command->noun != NULL ? " " : "", command->verb, command->args[0] != '\0' ? " " : "",
               command->args);
}

void cli_help_all(void)
{
    puts("busbar talks to building, industrial and IT devices, keeps every value, and shows it.\n\n"
         "usage: busbar NOUN VERB [ARG] [--flag]\n");
    char line[96];
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        if (row->noun == NULL) {
            command_line(row, line, sizeof line);
            printf("  %-22s %s\n", line, row->summary);
        }
    }
    puts("");
    for (size_t i = 0; noun_summaries[i][0] != NULL; i++) {
        printf("  %-22s %s:", noun_summaries[i][0], noun_summaries[i][1]);
        for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
            if (row->noun != NULL && strcmp(row->noun, noun_summaries[i][0]) == 0) {
                printf(" %s", row->verb);
            }
        }
        puts("");
    }
    puts("\nhelp on one: busbar NOUN --help, busbar NOUN VERB --help\n"
         "start here:  busbar check --config PATH, then busbar run --config PATH --data FOLDER");
}

void cli_help_noun(const char *noun)
{
    printf("usage: busbar %s VERB [ARG] [--flag]\n\n", noun);
    char line[96];
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        if (row->noun != NULL && strcmp(row->noun, noun) == 0) {
            command_line(row, line, sizeof line);
            printf("  %-28s %s\n", line, row->summary);
        }
    }
}

static void print_flags(const struct cli_flag *flags, const char *head)
{
    if (flags == NULL || flags->name == NULL) {
        return;
    }
    printf("\n%s\n", head);
    for (const struct cli_flag *flag = flags; flag->name != NULL; flag++) {
        char word[64];
        str_format(word, sizeof word, "%c%c%c --%s%s%s%s", flag->letter != 0 ? '-' : ' ',
                   flag->letter != 0 ? flag->letter : ' ', flag->letter != 0 ? ',' : ' ',
                   flag->name,
                   flag->value == NULL ? ""
                   : flag->optional    ? "[="
                                       : " ",
                   flag->value != NULL ? flag->value : "", flag->optional ? "]" : "");
        printf("  %-26s %s\n", word, flag->help);
    }
}

void cli_help_command(const struct cli_command *command)
{
    char line[96];
    command_line(command, line, sizeof line);
    printf("usage: busbar %s [--flag]\n\n%s\n", line, command->summary);
    if (command->details != NULL) {
        printf("\n%s\n", command->details);
    }
    if (command->example != NULL) {
        puts("\nexamples:");
        for (const char *at = command->example; *at != '\0';) {
            size_t size = strcspn(at, "\n");
            printf("  $ %.*s\n", (int)size, at);
            at += size + (at[size] == '\n' ? 1 : 0);
        }
    }
    print_flags(command->flags, "options:");
    print_flags(cli_global_flags(), "options of every command:");
}

/* ---- manual pages: busbar(1), busbar-NOUN(1) ---- */

/* roff reads a leading dot and every backslash and hyphen in its own way. */
static void roff(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\' || *at == '-') {
            putchar('\\');
        }
        putchar(*at);
        if (*at == '\n' && (at[1] == '.' || at[1] == '\'')) {
            fputs("\\&", stdout);
        }
    }
}

static void man_flags(const struct cli_flag *flags)
{
    for (const struct cli_flag *flag = flags; flag != NULL && flag->name != NULL; flag++) {
        fputs(".TP\n.B ", stdout);
        if (flag->letter != 0) {
            printf("\\-%c, ", flag->letter);
        }
        fputs("\\-\\-", stdout);
        roff(flag->name);
        if (flag->value != NULL) {
            printf("%s%s%s", flag->optional ? "[=" : " ", flag->value, flag->optional ? "]" : "");
        }
        puts("");
        roff(flag->help);
        puts("");
    }
}

static void man_command(const struct cli_command *row)
{
    char line[96];
    command_line(row, line, sizeof line);
    fputs(".SS busbar ", stdout);
    roff(line);
    puts("");
    roff(row->summary);
    puts("");
    if (row->details != NULL) {
        puts(".PP");
        roff(row->details);
        puts("");
    }
    if (row->example != NULL) {
        puts(".PP\n.EX");
        roff(row->example);
        puts("\n.EE");
    }
    man_flags(row->flags);
}

int cli_man(struct cli *cli)
{
    const char *noun = cli->arg_count > 0 ? cli->args[0] : NULL;
    bool known = false;
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        known = known || str_equal(row->noun, noun);
    }
    if (!known) {
        return cli_fail(CLI_NOT_FOUND, "see busbar --help", "no noun '%s'", noun);
    }
    printf(".TH BUSBAR%s%s 1 \"\" \"busbar " BUSBAR_VERSION
           "\" \"busbar\"\n.SH NAME\nbusbar%s%s \\- "
           "Industrial IoT gateway\n.SH SYNOPSIS\n.B busbar %s\nVERB [ARG] [\\-\\-flag]\n.SH "
           "COMMANDS\n",
           noun ? "-" : "", noun ? noun : "", noun ? "-" : "", noun ? noun : "", noun ? noun : "");
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        if (str_equal(row->noun, noun)) {
            man_command(row);
        }
    }
    puts(".SH OPTIONS OF EVERY COMMAND");
    man_flags(cli_global_flags());
    puts(".SH EXIT STATUS\n0 done; 1 failed, or differs; 2 wrong use; 3 a check found problems; 4 "
         "not "
         "allowed; 5 not found; 6 no answer in time; 7 the device refused; 8 some of many failed; "
         "130 "
         "interrupted.\n.SH ENVIRONMENT\n.TP\n.B BUSBAR_SERVER\nas \\-\\-server\n.TP\n.B "
         "NO_COLOR\nno colour");
    return CLI_DONE;
}
