/* SPDX-License-Identifier: Apache-2.0 */
/* Entry, errors, questions. */
#include "cli/cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WATCH_S = 2 };

/* --watch: the screen shows the last answer; a pipe gets one after the other. Ends with Ctrl-C, or with the pipe. */
static int repeat(struct cli *cli)
{
    bool screen = isatty(STDOUT_FILENO) != 0 && cli->format == CLI_TABLE;
    int rc;
    (void)unsetenv("PAGER");
    do {
        fputs(screen ? "\033[H\033[2J" : "", stdout);
        rc = cli->command->run(cli);
    } while (rc != CLI_USAGE && rc != CLI_NOT_FOUND && fflush(stdout) == 0 && sleep(WATCH_S) == 0);
    return rc;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = { 0 };
    bool done = false;
    signal(SIGPIPE, SIG_IGN);
    int rc = cli_parse(&cli, argc - 1, argv + 1, &done);
    if (rc == 0 && !done) {
        rc = cli.watch ? repeat(&cli) : cli.command->run(&cli);
    }
    if (fflush(stdout) != 0 && rc == 0) {
        rc = CLI_FAILED;
    }
    return rc;
}

int cli_fail(int exit_code, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (hint != NULL && hint[0] != '\0') {
        fprintf(stderr, "hint:  %s\n", hint);
    }
    return exit_code;
}

int cli_exit_of(int error)
{
    switch (error) {
    case 0: return CLI_DONE;
    case BUSBAR_ENOENT:
    case BUSBAR_EHOST: return CLI_NOT_FOUND;
    case BUSBAR_EINVAL:
    case BUSBAR_ESYNTAX:
    case BUSBAR_ERANGE:
    case BUSBAR_EWRONGTYPE: return CLI_USAGE;
    case BUSBAR_ETIMEOUT:
    case BUSBAR_ENOTCONN:
    case BUSBAR_EROUTE:
    case BUSBAR_ECONNREFUSED:
    case BUSBAR_ECLOSED:
    case BUSBAR_ERESET: return CLI_NO_ANSWER;
    case BUSBAR_EREFUSED: return CLI_REFUSED;
    case BUSBAR_ECONFIG: return CLI_PROBLEMS;
    case BUSBAR_EPERM:
    case BUSBAR_EAUTH: return CLI_DENIED;
    default: return CLI_FAILED;
    }
}

int cli_fail_err(const struct err *err)
{
    return cli_fail(cli_exit_of(err->code), err->hint, "%s",
                    err->message[0] != '\0' ? err->message : err_text(err->code));
}

bool cli_confirm(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool ask = !cli->yes && !cli->no_input && isatty(STDIN_FILENO) != 0;
    if (ask || (!cli->yes && !cli->quiet)) {
        vfprintf(stderr, format, args);
    }
    va_end(args);
    if (cli->yes) {
        return true;
    }
    if (!ask) {
        fputs("\nerror: nobody to ask here\nhint:  add --yes\n", stderr);
        return false;
    }
    fputs(" [y/N] ", stderr);
    char answer[16] = "";
    if (fgets(answer, sizeof answer, stdin) == NULL) {
        return false;
    }
    return answer[0] == 'y' || answer[0] == 'Y';
}
