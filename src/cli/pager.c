/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pager.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child: reads the pipe, writes to the terminal. The shell takes PAGER apart ("less -R"). */
static void show(const char *pager, const int *ends)
{
    if (dup2(ends[0], STDIN_FILENO) >= 0) {
        close(ends[0]);
        close(ends[1]);
        (void)setenv("LESS", "FRX", 0); /* colours; ends by itself when all fits */
        execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
    }
    _exit(127);
}

void pager_begin(struct pager *pager, size_t lines)
{
    const char *name = getenv("PAGER");
    struct winsize window = { 0 };
    int ends[2];
    *pager = (struct pager){ .terminal = -1 };
    if (name == NULL || name[0] == '\0' || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 ||
        window.ws_row == 0 || lines <= window.ws_row || pipe(ends) != 0) {
        return;
    }
    fflush(stdout);
    int pid = fork();
    if (pid == 0) {
        show(name, ends);
    }
    close(ends[0]);
    int terminal = pid > 0 ? dup(STDOUT_FILENO) : -1;
    if (terminal >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0) {
        *pager = (struct pager){ .terminal = terminal, .pid = pid };
    }
    close(ends[1]);
}

void pager_end(struct pager *pager)
{
    if (pager->terminal < 0) {
        return;
    }
    fflush(stdout);
    (void)dup2(pager->terminal, STDOUT_FILENO); /* closes the pipe: the end for the pager */
    close(pager->terminal);
    pager->terminal = -1;
    clearerr(stdout); /* the pager may have ended early */
    while (waitpid(pager->pid, NULL, 0) < 0) {
    }
}
