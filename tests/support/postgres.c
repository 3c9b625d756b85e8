/* SPDX-License-Identifier: Apache-2.0 */
#include "support/postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

enum { READY_TRIES = 400, READY_WAIT_US = 25000 };

static bool find_programs(char *folder, size_t size)
{
    glob_t found;
    bool any = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;
    if (any) {
        (void)str_copy(folder, size, found.gl_pathv[found.gl_pathc - 1]);
        *strrchr(folder, '/') = '\0';
    }
    globfree(&found);
    return any;
}

/* The child: an unprivileged user where the test is root, quiet, dead when the test is. */
static void become(const char *folder, bool long_lived)
{
    struct passwd *user = getuid() == 0 ? getpwnam("nobody") : NULL;
    if (user != NULL && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        _exit(126);
    }
    if (long_lived) {
        (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
    }
    char log[96];
    (void)str_format(log, sizeof(log), "%s/log", folder);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int in = open("/dev/null", O_RDONLY);
    (void)dup2(in, 0);
    (void)dup2(out, 1);
    (void)dup2(out, 2);
    if (chdir(folder) != 0) {
        _exit(126);
    }
}

static pid_t begin(const char *folder, bool long_lived, char *const args[])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        become(folder, long_lived);
        execv(args[0], args);
        _exit(127);
    }
    return pid;
}

static int run(const char *folder, char *const args[])
{
    int status = -1;
    pid_t pid = begin(folder, false, args);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static uint16_t free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[128];
    (void)str_format(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void make_cluster(const struct postgres *postgres, const char *programs)
{
    char initdb[128];
    (void)str_format(initdb, sizeof(initdb), "%s/initdb", programs);
    char *args[] = { initdb, "-D",   "data",       "-U", "busbar", "-N",
                     "-E",   "UTF8", "--locale=C", "-A", "trust",  "--no-instructions",
                     NULL };
    assert_int_equal(run(postgres->folder, args), 0);
    write_text(postgres->folder, "data/pg_hba.conf",
               "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    char text[512];
    (void)str_format(text, sizeof(text),
                     "fsync = off\nfull_page_writes = off\nlisten_addresses = '127.0.0.1'\n"
                     "port = %u\nunix_socket_directories = '%s'\nmax_connections = 20\n"
                     "autovacuum = off\nshared_buffers = 16MB\n",
                     (unsigned)postgres->port, postgres->folder);
    write_text(postgres->folder, "data/postgresql.auto.conf", text);
}

void postgres_sql(const struct postgres *postgres, const char *sql)
{
    char programs[96], psql[128], port[8];
    assert_true(find_programs(programs, sizeof(programs)));
    (void)str_format(psql, sizeof(psql), "%s/psql", programs);
    (void)str_format(port, sizeof(port), "%u", (unsigned)postgres->port);
    char *args[] = { psql,
                     "-X",
                     "-q",
                     "-v",
                     "ON_ERROR_STOP=1",
                     "-h",
                     (char *)postgres->folder,
                     "-p",
                     port,
                     "-U",
                     "busbar",
                     "-d",
                     "postgres",
                     "-c",
                     (char *)sql,
                     NULL };
    assert_int_equal(run(postgres->folder, args), 0);
}

static void wait_ready(const struct postgres *postgres, const char *programs)
{
    char ready[128], port[8];
    (void)str_format(ready, sizeof(ready), "%s/pg_isready", programs);
    (void)str_format(port, sizeof(port), "%u", (unsigned)postgres->port);
    char *args[] = { ready, "-q", "-h", (char *)postgres->folder, "-p", port, NULL };
    for (int i = 0; run(postgres->folder, args) != 0; i++) {
        assert_true(i < READY_TRIES);
        (void)usleep(READY_WAIT_US);
    }
}

bool postgres_start(struct postgres *postgres)
{
    char programs[96], server[128];
    *postgres = (struct postgres){ .folder = "/tmp/busbar-pg-XXXXXX" };
    if (!find_programs(programs, sizeof(programs))) {
        return false;
    }
    assert_non_null(mkdtemp(postgres->folder));
    struct passwd *user = getuid() == 0 ? getpwnam("nobody") : NULL;
    assert_true(user == NULL || chown(postgres->folder, user->pw_uid, user->pw_gid) == 0);
    postgres->port = free_port();
    make_cluster(postgres, programs);
    (void)str_format(server, sizeof(server), "%s/postgres", programs);
    char *args[] = { server, "-D", "data", NULL };
    postgres->pid = begin(postgres->folder, true, args);
    wait_ready(postgres, programs);
    postgres_sql(postgres, "ALTER ROLE busbar PASSWORD 'secret'");
    postgres_sql(postgres, "CREATE ROLE weak LOGIN PASSWORD 'weak'");
    (void)str_format(postgres->tcp, sizeof(postgres->tcp), "host=127.0.0.1 port=%u dbname=postgres",
                     (unsigned)postgres->port);
    (void)str_format(postgres->socket, sizeof(postgres->socket), "host=%s port=%u dbname=postgres",
                     postgres->folder, (unsigned)postgres->port);
    return true;
}

void postgres_signal(const struct postgres *postgres, int signal_number)
{
    assert_int_equal(kill(postgres->pid, signal_number), 0);
}

void postgres_stop(struct postgres *postgres)
{
    if (postgres->pid > 0) {
        (void)kill(postgres->pid, SIGCONT);
        (void)kill(postgres->pid, SIGQUIT);
        (void)waitpid(postgres->pid, NULL, 0);
    }
    if (postgres->folder[0] != '\0') {
        char *args[] = { "/bin/rm", "-rf", postgres->folder, NULL };
        pid_t pid = fork();
        if (pid == 0) {
            execv(args[0], args);
            _exit(127);
        }
        (void)waitpid(pid, NULL, 0);
    }
}
