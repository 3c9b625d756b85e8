/* SPDX-License-Identifier: Apache-2.0 */
/* Two tables: by SQLSTATE where the server spoke (appendix "PostgreSQL Error Codes" of its manual; a row with two characters
 * is for a whole class), by phrases where libpq did. In texts, $t is the table, $c the column or constraint, $u the
 * user, $d the database, $h the host, $w where, $a the file of authorities, $m what was said. */
#include "sinks/postgres/words.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

struct word {
    const char *key; /* SQLSTATE or its class; a phrase */
    enum pg_failure failure;
    int code;
    const char *message, *hint;
};

/* First match wins: a state before its class. */
static const struct word states[] = {
    { "28P01", PG_WRONG, BUSBAR_EAUTH, "$w does not take the password of user $u",
      "set it anew with 'busbar secret set NAME', or at the server: ALTER ROLE $u PASSWORD '...'" },
    { "28000", PG_WRONG, BUSBAR_EAUTH, "$w does not let user $u in: $m",
      "the server decides by pg_hba.conf: add a line for user $u, database $d and this gateway's "
      "address, then reload it; 'busbar sink sql NAME' shows one" },
    { "3D000", PG_WRONG, BUSBAR_ENOENT, "there is no database $d at $w",
      "correct dbname, or make it there: CREATE DATABASE $d; 'busbar sink sql NAME' shows all" },
    { "3F000", PG_WRONG, BUSBAR_ENOENT, "a schema is not there: $m",
      "let busbar make it (make: true), or run what 'busbar sink sql NAME' shows" },
    { "57P03", PG_AGAIN, BUSBAR_EAGAIN, "$w is not ready: $m",
      "it is starting, stopping or recovering; nothing is to be done unless this stays" },
    { "57P01", PG_AGAIN, BUSBAR_ECLOSED, "$w ended the connection: $m",
      "a person or a restart of the server did that; busbar connects anew" },
    { "57P02", PG_AGAIN, BUSBAR_ECLOSED, "$w ended the connection: a process of the server crashed",
      "busbar connects anew; the server's log says what crashed" },
    { "57P04", PG_WRONG, BUSBAR_ENOENT, "the database $d was dropped while busbar was connected",
      "make it again, or correct dbname" },
    { "57P05", PG_AGAIN, BUSBAR_ECLOSED, "$w ended the connection: it was idle for too long",
      "idle_session_timeout of the server or role does that; busbar connects anew" },
    { "57014", PG_AGAIN, BUSBAR_ETIMEOUT, "$w cancelled a command: $m",
      "a person did that, or statement_timeout is too short for the server's load" },
    { "53300", PG_AGAIN, BUSBAR_ELIMIT, "$w has no connection left: $m",
      "raise max_connections (or the limit of the role: ALTER ROLE $u CONNECTION LIMIT ...); "
      "busbar "
      "needs two" },
    { "53100", PG_AGAIN, BUSBAR_ENOSPC, "the disk of the database at $w is full: $m",
      "free space there; samples wait here meanwhile and follow by themselves" },
    { "53200", PG_AGAIN, BUSBAR_ENOMEM, "$w is out of memory: $m",
      "the server's memory settings are too big for its machine, or it is overloaded" },
    { "53", PG_AGAIN, BUSBAR_ELIMIT, "$w is short of something: $m",
      "samples wait here meanwhile and follow by themselves" },
    { "58030", PG_AGAIN, BUSBAR_EIO, "$w cannot read or write its disk: $m",
      "look at the disk and the log of the database server" },
    { "58", PG_AGAIN, BUSBAR_EIO, "$w has trouble with its machine: $m",
      "look at the log of the database server" },
    { "25006", PG_WRONG, BUSBAR_EPERM, "$w takes no writes: it is a standby, or set to read only",
      "give the address of the primary, or all of them: 'host=a,b' finds the one that writes" },
    { "25P03", PG_AGAIN, BUSBAR_ECLOSED, "$w ended a transaction that was idle for too long",
      "busbar connects anew and sends the batch again" },
    { "25", PG_AGAIN, BUSBAR_EPROTO, "$w ended the transaction: $m",
      "busbar connects anew and sends the batch again" },
    { "40P01", PG_AGAIN, BUSBAR_ECONFLICT, "$w ended the batch: a deadlock with another session",
      "it is sent again; who else changes these tables is in the server's log" },
    { "40", PG_AGAIN, BUSBAR_ECONFLICT, "$w ended the batch in favour of another session: $m",
      "it is sent again" },
    { "55P03", PG_AGAIN, BUSBAR_EBUSY, "$w waited too long for a lock: $m",
      "another session holds the table; pg_locks at the server says which" },
    { "55", PG_AGAIN, BUSBAR_EBUSY, "$w cannot do that now: $m", "it is tried again" },
    { "08", PG_AGAIN, BUSBAR_ECLOSED, "the connection to $w broke: $m", "busbar connects anew" },
    { "42501", PG_WRONG, BUSBAR_EPERM, "user $u may not do that at $w: $m",
      "grant it: 'busbar sink sql NAME' shows all that the user needs" },
    { "42P01", PG_WRONG, BUSBAR_ENOENT, "a table is missing at $w: $m",
      "let busbar make it (make: true), or run what 'busbar sink sql NAME' shows" },
    { "42703", PG_WRONG, BUSBAR_ENOENT, "a column is missing at $w: $m",
      "the tables are not as busbar made them: compare with 'busbar sink sql NAME'" },
    { "42804", PG_WRONG, BUSBAR_EWRONGTYPE, "a column at $w has another type: $m",
      "the tables are not as busbar made them: compare with 'busbar sink sql NAME'" },
    { "42P07", PG_AGAIN, BUSBAR_EEXIST, "$w has that already: $m", "it is looked at again" },
    { "42P06", PG_AGAIN, BUSBAR_EEXIST, "$w has that already: $m", "it is looked at again" },
    { "42710", PG_AGAIN, BUSBAR_EEXIST, "$w has that already: $m", "it is looked at again" },
    { "42P10", PG_WRONG, BUSBAR_ENOENT, "a key of table $t is missing at $w: $m",
      "the tables are not as busbar made them: compare with 'busbar sink sql NAME'" },
    { "42", PG_WRONG, BUSBAR_EUNSUPPORTED, "$w does not take a command: $m",
      "the tables are not as busbar made them, or the server is no PostgreSQL 13 or later" },
    { "22P02", PG_REFUSED, BUSBAR_EREFUSED, "$w does not take a value: $m", "" },
    { "22021", PG_REFUSED, BUSBAR_EREFUSED, "$w cannot store a text in its encoding: $m",
      "make the database with ENCODING 'UTF8'" },
    { "22P05", PG_REFUSED, BUSBAR_EREFUSED, "$w cannot store a text in its encoding: $m",
      "make the database with ENCODING 'UTF8'" },
    { "22P04", PG_WRONG, BUSBAR_EPROTO, "$w does not understand the rows of table $t: $m",
      "the table is not as busbar made it: compare with 'busbar sink sql NAME'" },
    { "22P03", PG_WRONG, BUSBAR_EPROTO, "a column of table $t at $w has another type: $m",
      "the table is not as busbar made it: compare with 'busbar sink sql NAME'" },
    { "22", PG_REFUSED, BUSBAR_EREFUSED, "$w does not take a value: $m", "" },
    { "23505", PG_REFUSED, BUSBAR_EEXIST, "$w has that row already: $m", "" },
    { "23502", PG_REFUSED, BUSBAR_EREFUSED, "column $c of table $t at $w wants a value in each row",
      "somebody made it NOT NULL: give it a default, or drop that" },
    { "23503", PG_REFUSED, BUSBAR_EREFUSED, "a row breaks the foreign key $c of table $t at $w",
      "somebody added that key: its other table lacks the row" },
    { "23514", PG_REFUSED, BUSBAR_EREFUSED, "a row breaks the check $c of table $t at $w: $m", "" },
    { "23", PG_REFUSED, BUSBAR_EREFUSED, "$w refuses a row: $m", "" },
    { "44", PG_REFUSED, BUSBAR_EREFUSED, "$w refuses a row: $m", "" },
    { "P0001", PG_REFUSED, BUSBAR_EREFUSED, "a trigger at $w refuses a row: $m", "" },
    { "P0", PG_REFUSED, BUSBAR_EREFUSED, "a trigger at $w fails: $m", "" },
    { "54", PG_REFUSED, BUSBAR_ELIMIT, "a limit of $w is reached: $m", "" },
    { "0A", PG_WRONG, BUSBAR_EUNSUPPORTED, "$w cannot do that: $m",
      "the server is too old, or a pooler or another database speaks for it" },
    { "28", PG_WRONG, BUSBAR_EAUTH, "$w does not let user $u in: $m", "look at pg_hba.conf there" },
    { "XX", PG_AGAIN, BUSBAR_EDAMAGED, "$w has an error of its own: $m",
      "look at the log of the database server: data may be damaged there" },
};

/* 28000 and 57P03 say several things; these tell them apart. First match wins. */
static const struct word server_phrases[] = {
    { "no pg_hba.conf entry", PG_WRONG, BUSBAR_EAUTH,
      "$w has no line for this gateway in pg_hba.conf: $m",
      "add one and reload it: hostssl $d $u ADDRESS/32 scram-sha-256 (without TLS: host)" },
    { "does not exist", PG_WRONG, BUSBAR_ENOENT, "there is no user $u at $w",
      "make it: CREATE ROLE $u LOGIN PASSWORD '...'; 'busbar sink sql NAME' shows all it needs" },
    { "is not permitted to log in", PG_WRONG, BUSBAR_EAUTH, "user $u may not log in at $w",
      "ALTER ROLE $u LOGIN" },
    { "rejects connection", PG_WRONG, BUSBAR_EAUTH, "$w rejects this gateway: $m",
      "a line 'reject' of pg_hba.conf does that" },
    { "certificate authentication failed", PG_WRONG, BUSBAR_EAUTH,
      "$w does not take the client's certificate for user $u",
      "its common name must be the user's, or be mapped in pg_ident.conf; check certificate and "
      "key" },
    { "requires a valid client certificate", PG_WRONG, BUSBAR_EAUTH,
      "$w wants a client's certificate", "set certificate and key" },
    { "authentication failed", PG_WRONG, BUSBAR_EAUTH, "$w does not let user $u in: $m",
      "the method in pg_hba.conf does not fit: scram-sha-256 for a password, cert for a "
      "certificate" },
};

static const struct word client_phrases[] = {
    { "certificate verify failed", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the certificate of $w is not trusted", "" }, /* told apart by certificate() */
    { "server certificate for", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the certificate of $w is for another name: $m",
      "use a name of the certificate as host, or have one made for $h" },
    { "could not get server's host name from server certificate", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the certificate of $w has no name", "have one made for $h" },
    { "server does not support SSL", PG_WRONG, BUSBAR_ETLS, "$w has no TLS",
      "switch it on there (ssl = on, ssl_cert_file, ssl_key_file); without it 'sslmode: disable' "
      "sends everything in the open" },
    { "could not read root certificate file", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the file of authorities $a cannot be read as certificates",
      "'ca:' must be a PEM file that begins with -----BEGIN CERTIFICATE-----" },
    { "root certificate file", PG_WRONG, BUSBAR_ENOENT, "there is no file of authorities: $m",
      "set 'ca:' to the certificate of the authority that signed the server's" },
    { "could not read certificate file", PG_WRONG, BUSBAR_ENOENT,
      "the client's certificate cannot be read: $m", "'certificate:' must be a PEM file" },
    { "certificate does not match private key", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the client's certificate and key do not belong together",
      "set 'certificate:' and 'key:' to a pair" },
    { "private key file", PG_WRONG, BUSBAR_EPERM, "the client's key cannot be used: $m",
      "its file must be there, without a passphrase, readable by the gateway's user alone (chmod "
      "600)" },
    { "tlsv1 alert unknown ca", PG_WRONG, BUSBAR_EUNTRUSTED,
      "$w does not trust the client's certificate",
      "the server's ssl_ca_file must have the authority that signed it" },
    { "alert certificate expired", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the client's certificate has expired", "have a new one made" },
    { "alert certificate required", PG_WRONG, BUSBAR_EAUTH, "$w wants a client's certificate",
      "set certificate and key" },
    { "unsupported protocol", PG_WRONG, BUSBAR_ETLS, "$w speaks no TLS that is safe enough",
      "update it: TLS 1.2 is the least" },
    { "SSL error", PG_AGAIN, BUSBAR_ETLS, "TLS with $w failed: $m",
      "is that a PostgreSQL server? 'busbar sink test NAME' looks at each step" },
    { "no password supplied", PG_WRONG, BUSBAR_EAUTH, "$w asks for a password and none is set",
      "keep it with 'busbar secret set NAME' and write 'password: !secret NAME'" },
    { "channel binding", PG_WRONG, BUSBAR_EAUTH, "$w cannot bind the login to TLS: $m",
      "channel_binding=prefer in the address takes it without" },
    { "session is read-only", PG_AGAIN, BUSBAR_EPERM, "$w takes no writes: it is a standby",
      "give the address of the primary; of several hosts none takes writes now" },
    { "session is not read-only", PG_AGAIN, BUSBAR_EINVAL, "$w takes writes",
      "target_session_attrs of the address asks for one that does not" },
    { "server is in hot standby mode", PG_AGAIN, BUSBAR_EPERM,
      "$w is a standby and takes no writes", "give the address of the primary" },
    { "server is not in hot standby mode", PG_AGAIN, BUSBAR_EINVAL, "$w is no standby",
      "target_session_attrs of the address asks for one" },
    { "Connection refused", PG_AGAIN, BUSBAR_ECONNREFUSED, "$w refuses the connection",
      "is PostgreSQL running there, on that port, and does listen_addresses let others in?" },
    { "No such file or directory", PG_AGAIN, BUSBAR_ENOENT, "there is no socket of $w",
      "is PostgreSQL running here, and is that its unix_socket_directories and port?" },
    { "Permission denied", PG_WRONG, BUSBAR_EPERM, "the socket of $w may not be opened",
      "the gateway's user needs the right to (unix_socket_permissions)" },
    { "No route to host", PG_AGAIN, BUSBAR_EROUTE, "there is no way to $w",
      "look at the network, and at firewalls between here and there" },
    { "Network is unreachable", PG_AGAIN, BUSBAR_EROUTE, "there is no way to the network of $w",
      "look at this machine's network and its default route" },
    { "Connection timed out", PG_AGAIN, BUSBAR_ETIMEOUT, "$w does not answer",
      "is the address right, the machine up, and does no firewall drop port 5432?" },
    { "Connection reset by peer", PG_AGAIN, BUSBAR_ERESET, "$w reset the connection",
      "the server stopped or crashed, or a firewall cut it; busbar connects anew" },
    { "server closed the connection unexpectedly", PG_AGAIN, BUSBAR_ECLOSED,
      "$w closed the connection", "the server stopped or crashed; busbar connects anew" },
    { "EOF detected", PG_AGAIN, BUSBAR_ECLOSED, "$w closed the connection",
      "the server stopped or crashed; busbar connects anew" },
    { "closed unexpectedly", PG_AGAIN, BUSBAR_ECLOSED, "$w closed the connection",
      "the server stopped or crashed; busbar connects anew" },
    { "Broken pipe", PG_AGAIN, BUSBAR_ECLOSED, "$w closed the connection",
      "the server stopped or crashed; busbar connects anew" },
    { "invalid response to SSL negotiation", PG_WRONG, BUSBAR_EPROTO,
      "what answers at $w is no PostgreSQL server", "correct host and port" },
    { "expected authentication request from server", PG_WRONG, BUSBAR_EPROTO,
      "what answers at $w is no PostgreSQL server", "correct host and port" },
    { "out of memory", PG_AGAIN, BUSBAR_ENOMEM, "memory for the connection to $w is short here",
      "" },
};

/* Why a certificate is not trusted, by OpenSSL's words. */
static const struct word certificates[] = {
    { "certificate has expired", PG_WRONG, BUSBAR_EUNTRUSTED, "the certificate of $w has expired",
      "have a new one made and reload the server; nothing is sent until then" },
    { "not yet valid", PG_WRONG, BUSBAR_EUNTRUSTED, "the certificate of $w is not valid yet",
      "compare the clocks of this machine and the server" },
    { "self-signed", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the certificate of $w is signed by no authority in $a",
      "set 'ca:' to the server's own certificate, or to that of its authority" },
    { "self signed", PG_WRONG, BUSBAR_EUNTRUSTED,
      "the certificate of $w is signed by no authority in $a",
      "set 'ca:' to the server's own certificate, or to that of its authority" },
    { "", PG_WRONG, BUSBAR_EUNTRUSTED, "the certificate of $w is signed by no authority in $a",
      "set 'ca:' to the certificate of the authority that signed it" },
};

static const struct word unknown_state = { "", PG_AGAIN, BUSBAR_EREFUSED, "$w says: $m", "" };
static const struct word unknown_phrase = { "", PG_AGAIN, BUSBAR_EIO, "the connection to $w: $m",
                                            "'busbar sink test NAME' looks at each step" };

/* ---- filling the texts ---- */

static const char *text_or(const char *text, const char *otherwise)
{
    return text != NULL && text[0] != '\0' ? text : otherwise;
}

/* What was said, as one line, with the detail that tells the row. */
static void append_said(struct buf *out, const struct pg_said *said)
{
    const char *parts[] = { text_or(said->text, "nothing"), text_or(said->detail, "") };
    for (size_t i = 0; i < 2; i++) {
        if (parts[i][0] == '\0') {
            continue;
        }
        (void)buf_append_text(out, i > 0 ? " (" : "");
        for (const char *at = parts[i]; *at != '\0'; at++) {
            bool line = *at == '\n' || *at == '\r' || *at == '\t';
            if (!line || (at[1] != '\0' && at[1] != '\n')) {
                (void)buf_append_byte(out, line ? ' ' : (uint8_t)*at);
            }
        }
        (void)buf_append_text(out, i > 0 ? ")" : "");
    }
}

static void fill(struct buf *out, const char *format, const struct pg_said *said)
{
    buf_clear(out);
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '$') {
            (void)buf_append_byte(out, (uint8_t)*at);
            continue;
        }
        switch (*++at) {
        case 't': (void)buf_append_text(out, text_or(said->table, "?")); break;
        case 'c':
            (void)buf_append_text(out, text_or(said->column, text_or(said->constraint, "?")));
            break;
        case 'u': (void)buf_append_text(out, text_or(said->user, "?")); break;
        case 'd': (void)buf_append_text(out, text_or(said->database, "?")); break;
        case 'h': (void)buf_append_text(out, text_or(said->host, "the server")); break;
        case 'a': (void)buf_append_text(out, text_or(said->ca, "the system's list")); break;
        case 'm': append_said(out, said); break;
        default: (void)buf_append_text(out, text_or(said->where, "the database"));
        }
    }
}

static enum pg_failure say(const struct word *word, const struct pg_said *said, struct err *err)
{
    struct buf text;
    buf_init(&text, 4096);
    fill(&text, word->message, said);
    (void)err_set(err, word->code, "%s", buf_text(&text));
    fill(&text, word->hint, said);
    if (text.size > 0) {
        (void)err_hint(err, "%s", buf_text(&text));
    } else if (said->hint != NULL && said->hint[0] != '\0') {
        (void)err_hint(err, "the server: %s", said->hint);
    }
    buf_fini(&text);
    return word->failure;
}

static const struct word *find_phrase(const struct word *words, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(text, words[i].key) != NULL) {
            return &words[i];
        }
    }
    return NULL;
}
#define FIND_PHRASE(words, text) find_phrase(words, sizeof(words) / sizeof(*(words)), text)

static const struct word *find_state(const char *sqlstate, const char *text)
{
    if (str_starts(sqlstate, "28")) {
        const struct word *word = str_equal(sqlstate, "28P01") ? NULL
                                                               : FIND_PHRASE(server_phrases, text);
        if (word != NULL) {
            return word;
        }
    }
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        if (str_starts(sqlstate, states[i].key)) {
            return &states[i];
        }
    }
    return &unknown_state;
}

enum pg_failure pg_words(const struct pg_said *said, struct err *err)
{
    const char *text = text_or(said->text, "");
    if (said->sqlstate != NULL && said->sqlstate[0] != '\0') {
        return say(find_state(said->sqlstate, text), said, err);
    }
    const struct word *word = FIND_PHRASE(client_phrases, text);
    if (word == &client_phrases[0]) {
        word = FIND_PHRASE(certificates, text);
    }
    return say(word != NULL ? word : &unknown_phrase, said, err);
}

/* ---- a connection that could not be made ---- */

static bool is_state(const char *text)
{
    for (size_t i = 0; i < 5; i++) {
        if (!isdigit((unsigned char)text[i]) && !isupper((unsigned char)text[i])) {
            return false;
        }
    }
    return text[5] == ':' && text[6] == ' ';
}

/* "FATAL:  28P01: text": the state stands behind a colon and two spaces, whatever the server's language. */
static const char *find_said(const char *message)
{
    for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        if (is_state(at + 3)) {
            return at + 3;
        }
    }
    return NULL;
}

void pg_words_split(const char *message, char sqlstate[6], char *text, size_t size)
{
    const char *said = find_said(message);
    sqlstate[0] = '\0';
    if (said != NULL) {
        memcpy(sqlstate, said, 5);
        sqlstate[5] = '\0';
        said += 7;
    } else {
        static const char failed[] = " failed: ";
        const char *at = strstr(message, failed);
        said = at != NULL ? at + sizeof(failed) - 1 : message;
    }
    size_t length = said == message ? strlen(said) : strcspn(said, "\n");
    char line[1024];
    (void)str_format(line, sizeof(line), "%.*s", (int)(length < 1000 ? length : 1000), said);
    (void)str_copy(text, size, str_trim(line));
}
