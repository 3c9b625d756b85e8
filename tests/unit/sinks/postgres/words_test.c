/* SPDX-License-Identifier: Apache-2.0 */
/* Each thing that can be said, in our words. */
#include "sinks/postgres/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"

struct row {
    const char *sqlstate, *text;
    enum pg_failure failure;
    int code;
    const char *message, *hint; /* parts of it; NULL hint: none */
};

static const struct row rows[] = {
    /* the server spoke */
    { "28P01", "password authentication failed for user \"busbar\"", PG_WRONG, BUSBAR_EAUTH,
      "db:5432/plant does not take the password of user busbar", "busbar secret set" },
    { "28000",
      "no pg_hba.conf entry for host \"10.0.0.5\", user \"busbar\", database \"plant\", no "
      "encryption",
      PG_WRONG, BUSBAR_EAUTH, "has no line for this gateway in pg_hba.conf",
      "hostssl plant busbar" },
    { "28000", "role \"busbar\" does not exist", PG_WRONG, BUSBAR_ENOENT, "no user busbar",
      "CREATE ROLE busbar LOGIN" },
    { "28000", "role \"busbar\" is not permitted to log in", PG_WRONG, BUSBAR_EAUTH,
      "may not log in", "ALTER ROLE busbar LOGIN" },
    { "28000", "pg_hba.conf rejects connection for host \"10.0.0.5\"", PG_WRONG, BUSBAR_EAUTH,
      "rejects this gateway", "reject" },
    { "28000", "certificate authentication failed for user \"busbar\"", PG_WRONG, BUSBAR_EAUTH,
      "does not take the client's certificate", "common name" },
    { "28000", "connection requires a valid client certificate", PG_WRONG, BUSBAR_EAUTH,
      "wants a client's certificate", "set certificate and key" },
    { "28000", "Peer authentication failed for user \"busbar\"", PG_WRONG, BUSBAR_EAUTH,
      "does not let user busbar in", "pg_hba.conf" },
    { "28000", "Keine Anmeldung", PG_WRONG, BUSBAR_EAUTH, "Keine Anmeldung", "pg_hba.conf" },
    { "3D000", "database \"plant\" does not exist", PG_WRONG, BUSBAR_ENOENT,
      "there is no database plant", "CREATE DATABASE plant" },
    { "3F000", "schema \"busbar\" does not exist", PG_WRONG, BUSBAR_ENOENT, "schema",
      "make: true" },
    { "57P03", "the database system is starting up", PG_AGAIN, BUSBAR_EAGAIN,
      "is not ready: the database system is starting up", "nothing is to be done" },
    { "57P01", "terminating connection due to administrator command", PG_AGAIN, BUSBAR_ECLOSED,
      "ended the connection", "connects anew" },
    { "57P02", "terminating connection because of crash of another server process", PG_AGAIN,
      BUSBAR_ECLOSED, "crashed", "log" },
    { "57P04", "database removed", PG_WRONG, BUSBAR_ENOENT, "was dropped", "make it again" },
    { "57P05", "idle", PG_AGAIN, BUSBAR_ECLOSED, "idle for too long", "idle_session_timeout" },
    { "57014", "canceling statement due to user request", PG_AGAIN, BUSBAR_ETIMEOUT,
      "cancelled a command", "statement_timeout" },
    { "53300", "sorry, too many clients already", PG_AGAIN, BUSBAR_ELIMIT, "no connection left",
      "max_connections" },
    { "53100", "could not extend file \"base/5/16384\": No space left on device", PG_AGAIN,
      BUSBAR_ENOSPC, "disk of the database at db:5432/plant is full", "free space" },
    { "53200", "out of memory", PG_AGAIN, BUSBAR_ENOMEM, "out of memory", "overloaded" },
    { "53400", "configuration limit exceeded", PG_AGAIN, BUSBAR_ELIMIT, "short of", "wait here" },
    { "58030", "could not read block", PG_AGAIN, BUSBAR_EIO, "read or write its disk", "log" },
    { "58P01", "could not open file", PG_AGAIN, BUSBAR_EIO, "trouble with its machine", "log" },
    { "25006", "cannot execute INSERT in a read-only transaction", PG_WRONG, BUSBAR_EPERM,
      "takes no writes", "primary" },
    { "25P03", "idle in transaction", PG_AGAIN, BUSBAR_ECLOSED, "idle for too long", "again" },
    { "25P02", "current transaction is aborted", PG_AGAIN, BUSBAR_EPROTO, "ended the transaction",
      "again" },
    { "40P01", "deadlock detected", PG_AGAIN, BUSBAR_ECONFLICT, "a deadlock", "sent again" },
    { "40001", "could not serialize access", PG_AGAIN, BUSBAR_ECONFLICT, "another session",
      "sent again" },
    { "55P03", "canceling statement due to lock timeout", PG_AGAIN, BUSBAR_EBUSY, "for a lock",
      "pg_locks" },
    { "55006", "object in use", PG_AGAIN, BUSBAR_EBUSY, "cannot do that now", "again" },
    { "08006", "connection failure", PG_AGAIN, BUSBAR_ECLOSED, "broke", "anew" },
    { "42501", "permission denied for table sample", PG_WRONG, BUSBAR_EPERM,
      "user busbar may not do that at db:5432/plant: permission denied for table sample",
      "busbar sink sql NAME" },
    { "42P01", "relation \"busbar.sample\" does not exist", PG_WRONG, BUSBAR_ENOENT,
      "relation \"busbar.sample\" does not exist", "make: true" },
    { "42703", "column \"quality\" of relation \"sample\" does not exist", PG_WRONG, BUSBAR_ENOENT,
      "a column is missing", "busbar sink sql" },
    { "42804", "column is of type text", PG_WRONG, BUSBAR_EWRONGTYPE, "another type", "compare" },
    { "42P07", "relation already exists", PG_AGAIN, BUSBAR_EEXIST, "already", "looked at" },
    { "42P10", "there is no unique constraint", PG_WRONG, BUSBAR_ENOENT, "a key of table sample",
      "compare" },
    { "42601", "syntax error", PG_WRONG, BUSBAR_EUNSUPPORTED, "does not take a command", "13" },
    { "22P02", "invalid input syntax", PG_REFUSED, BUSBAR_EREFUSED, "does not take a value", NULL },
    { "22021", "invalid byte sequence", PG_REFUSED, BUSBAR_EREFUSED, "its encoding", "UTF8" },
    { "22P04", "row field count is 9, expected 8", PG_WRONG, BUSBAR_EPROTO, "the rows of table",
      "compare" },
    { "22P03", "incorrect binary data format", PG_WRONG, BUSBAR_EPROTO, "another type", "compare" },
    { "22003", "out of range", PG_REFUSED, BUSBAR_EREFUSED, "does not take a value", NULL },
    { "23505", "duplicate key", PG_REFUSED, BUSBAR_EEXIST, "has that row already", NULL },
    { "23502", "null value", PG_REFUSED, BUSBAR_EREFUSED, "column value of table sample",
      "NOT NULL" },
    { "23503", "foreign key", PG_REFUSED, BUSBAR_EREFUSED, "foreign key", "added that key" },
    { "23514", "check \"positive\" is violated", PG_REFUSED, BUSBAR_EREFUSED, "breaks the check",
      NULL },
    { "P0001", "no negative values here", PG_REFUSED, BUSBAR_EREFUSED,
      "a trigger at db:5432/plant refuses a row: no negative values here", NULL },
    { "54000", "too many columns", PG_REFUSED, BUSBAR_ELIMIT, "a limit", NULL },
    { "0A000", "not supported", PG_WRONG, BUSBAR_EUNSUPPORTED, "cannot do that", "too old" },
    { "XX001", "invalid page in block 3", PG_AGAIN, BUSBAR_EDAMAGED, "error of its own", "log" },
    { "ZZ999", "something new", PG_AGAIN, BUSBAR_EREFUSED, "says: something new", NULL },
    /* libpq spoke */
    { "", "SSL error: certificate verify failed: certificate has expired", PG_WRONG,
      BUSBAR_EUNTRUSTED, "the certificate of db:5432/plant has expired", "new one" },
    { "", "SSL error: certificate verify failed: certificate is not yet valid", PG_WRONG,
      BUSBAR_EUNTRUSTED, "not valid yet", "clocks" },
    { "", "SSL error: certificate verify failed: self-signed certificate in certificate chain",
      PG_WRONG, BUSBAR_EUNTRUSTED, "signed by no authority in ca.pem", "'ca:'" },
    { "", "SSL error: certificate verify failed", PG_WRONG, BUSBAR_EUNTRUSTED,
      "signed by no authority in ca.pem", "'ca:'" },
    { "", "server certificate for \"other\" (and 1 other name) does not match host name \"db\"",
      PG_WRONG, BUSBAR_EUNTRUSTED, "is for another name", "made for db" },
    { "", "server does not support SSL, but SSL was required", PG_WRONG, BUSBAR_ETLS, "has no TLS",
      "ssl = on" },
    { "", "root certificate file \"/x/ca.pem\" does not exist", PG_WRONG, BUSBAR_ENOENT,
      "no file of authorities", "'ca:'" },
    { "", "could not read root certificate file \"ca.pem\": no certificate", PG_WRONG,
      BUSBAR_EUNTRUSTED, "ca.pem cannot be read", "PEM" },
    { "", "could not read certificate file \"x\": no start line", PG_WRONG, BUSBAR_ENOENT,
      "client's certificate cannot be read", "PEM" },
    { "", "private key file \"k\" has group or world access", PG_WRONG, BUSBAR_EPERM,
      "client's key cannot be used", "chmod 600" },
    { "", "certificate does not match private key file \"k\"", PG_WRONG, BUSBAR_EUNTRUSTED,
      "do not belong together", "a pair" },
    { "", "SSL error: tlsv1 alert unknown ca", PG_WRONG, BUSBAR_EUNTRUSTED,
      "does not trust the client's", "ssl_ca_file" },
    { "", "SSL error: sslv3 alert certificate expired", PG_WRONG, BUSBAR_EUNTRUSTED,
      "client's certificate has expired", "new one" },
    { "", "SSL error: unsupported protocol", PG_WRONG, BUSBAR_ETLS, "safe enough", "1.2" },
    { "", "SSL error: wrong version number", PG_AGAIN, BUSBAR_ETLS, "TLS with", "sink test" },
    { "", "fe_sendauth: no password supplied", PG_WRONG, BUSBAR_EAUTH, "none is set",
      "secret set" },
    { "", "session is read-only", PG_AGAIN, BUSBAR_EPERM, "takes no writes", "primary" },
    { "", "server is in hot standby mode", PG_AGAIN, BUSBAR_EPERM, "a standby", "primary" },
    { "", "Connection refused\n\tIs the server running on that host?", PG_AGAIN,
      BUSBAR_ECONNREFUSED, "db:5432/plant refuses the connection", "listen_addresses" },
    { "", "No such file or directory", PG_AGAIN, BUSBAR_ENOENT, "no socket",
      "unix_socket_directories" },
    { "", "No route to host", PG_AGAIN, BUSBAR_EROUTE, "no way to", "firewalls" },
    { "", "Network is unreachable", PG_AGAIN, BUSBAR_EROUTE, "no way to the network", "route" },
    { "", "Connection timed out", PG_AGAIN, BUSBAR_ETIMEOUT, "does not answer", "firewall" },
    { "", "Connection reset by peer", PG_AGAIN, BUSBAR_ERESET, "reset the connection", "anew" },
    { "", "server closed the connection unexpectedly", PG_AGAIN, BUSBAR_ECLOSED,
      "closed the connection", "anew" },
    { "", "SSL SYSCALL error: EOF detected", PG_AGAIN, BUSBAR_ECLOSED, "closed the connection",
      "anew" },
    { "", "SSL connection has been closed unexpectedly", PG_AGAIN, BUSBAR_ECLOSED,
      "closed the connection", "anew" },
    { "", "could not send data to server: Broken pipe", PG_AGAIN, BUSBAR_ECLOSED,
      "closed the connection", "anew" },
    { "", "received invalid response to SSL negotiation: H", PG_WRONG, BUSBAR_EPROTO,
      "no PostgreSQL server", "correct host" },
    { "", "something new", PG_AGAIN, BUSBAR_EIO, "something new", "sink test" },
};

static void each_in_our_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct row *row = &rows[i];
        struct pg_said said = { .sqlstate = row->sqlstate,
                                .text = row->text,
                                .table = "sample",
                                .column = "value",
                                .where = "db:5432/plant",
                                .host = "db",
                                .user = "busbar",
                                .database = "plant",
                                .ca = "ca.pem" };
        struct err err = { 0 };
        enum pg_failure failure = pg_words(&said, &err);
        if (failure != row->failure || err.code != row->code ||
            strstr(err.message, row->message) == NULL ||
            (row->hint == NULL ? err.hint[0] != '\0' : strstr(err.hint, row->hint) == NULL)) {
            fail_msg("%s '%s': %d %s '%s' hint '%s'", row->sqlstate, row->text, (int)failure,
                     err_name(err.code), err.message, err.hint);
        }
        assert_null(strchr(err.message, '$'));
        assert_null(strchr(err.hint, '$'));
        assert_true(strlen(err.hint) < ERR_HINT_MAX - 1);
    }
}

static void nothing_known_is_fine(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct pg_said said = { 0 };
    assert_int_equal(pg_words(&said, &err), PG_AGAIN);
    assert_true(err.message[0] != '\0');
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        said = (struct pg_said){ .sqlstate = rows[i].sqlstate };
        (void)pg_words(&said, &err);
        assert_null(strstr(err.message, "(null)"));
    }
}

static void details_and_lines(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct pg_said said = { .sqlstate = "22003",
                            .text = "one\nline",
                            .detail = "the\trow",
                            .hint = "try another",
                            .where = "w" };
    (void)pg_words(&said, &err);
    assert_string_equal(err.message, "w does not take a value: one line (the row)");
    assert_string_equal(err.hint, "the server: try another");
}

static void splits_what_libpq_says(void **state)
{
    (void)state;
    static const struct {
        const char *message, *sqlstate, *text;
    } cases[] = {
        { "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
          "authentication failed for user \"x\"\nLOCATION:  auth_failed, auth.c:338\n",
          "28P01", "password authentication failed for user \"x\"" },
        { "connection to server at \"::1\", port 5432 failed: FATAL:  28000: no entry\nLOCATION: "
          "x\n"
          "connection to server at \"::1\", port 5432 failed: FATAL:  28000: another\n",
          "28000", "no entry" },
        { "Verbindung fehlgeschlagen: SCHWERWIEGEND:  57P03: das System startet", "57P03",
          "das System startet" },
        { "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the "
          "server running on that host and accepting TCP/IP connections?\n",
          "", "Connection refused" },
        { "could not connect", "", "could not connect" },
        { "FATAL:  28p01: lower", "", "FATAL:  28p01: lower" },
        { "x:  28P0", "", "x:  28P0" },
        { "", "", "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char sqlstate[6], text[128];
        pg_words_split(cases[i].message, sqlstate, text, sizeof(text));
        assert_string_equal(sqlstate, cases[i].sqlstate);
        assert_string_equal(text, cases[i].text);
        for (size_t cut = 0; cut < strlen(cases[i].message); cut++) {
            char part[512];
            (void)str_format(part, sizeof(part), "%.*s", (int)cut, cases[i].message);
            pg_words_split(part, sqlstate, text, sizeof(text));
            assert_true(strlen(sqlstate) == 0 || strlen(sqlstate) == 5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_in_our_words),
        cmocka_unit_test(nothing_known_is_fine),
        cmocka_unit_test(details_and_lines),
        cmocka_unit_test(splits_what_libpq_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
