/* SPDX-License-Identifier: Apache-2.0 */
/* What settings are refused, and in which words; what a target's answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sinks/remote_write/answer.h"
#include "sinks/remote_write/options.h"
#include "sinks/sink.h"
#include "sinks/sinks.h"

#define GOOD "https://m.example.org/api/v1/write"

struct given {
    enum remote_row row;
    const char *text;
};

static struct settings settings_of(const struct given *given, size_t count, struct setting *set)
{
    for (size_t i = 0; i < count; i++) {
        set[i] = (struct setting){ .option = (uint16_t)given[i].row, .at.line = (int)i + 1 };
        assert_int_equal(option_parse(&remote_options[given[i].row], given[i].text, &set[i].value),
                         0);
    }
    return (struct settings){ .options = remote_options, .set = set, .count = count };
}

static void settings_that_are_wrong_are_named(void **state)
{
    (void)state;
    static const struct {
        struct given given[3];
        size_t count;
        const char *words; /* NULL: fine */
    } rows[] = {
        { { { REMOTE_URL, GOOD } }, 1, NULL },
        { { { REMOTE_URL, "metrics" } }, 1, "is no URL" },
        { { { REMOTE_URL, "ftp://a/b" } }, 1, "neither http nor https" },
        { { { REMOTE_URL, "https://u:p@a/b" } }, 1, "has a login in it" },
        { { { REMOTE_URL, "http://127.0.0.1:8428" } }, 1, "no path behind the host" },
        { { { REMOTE_URL, "http://127.0.0.1:8428/" } }, 1, "no path behind the host" },
        { { { REMOTE_URL, "http://127.0.0.1:8428/api/v1/write" } }, 1, NULL },
        { { { REMOTE_URL, GOOD }, { REMOTE_USER, "x" } }, 2, "belong together" },
        { { { REMOTE_URL, GOOD }, { REMOTE_PASSWORD, "x" } }, 2, "belong together" },
        { { { REMOTE_URL, GOOD }, { REMOTE_USER, "x" }, { REMOTE_PASSWORD, "x" } }, 3, NULL },
        { { { REMOTE_URL, GOOD }, { REMOTE_KEY, "k.pem" } }, 2, "'key' without 'certificate'" },
        { { { REMOTE_URL, "http://a/b" }, { REMOTE_CA, "ca.pem" } }, 2, "for https only" },
        { { { REMOTE_URL, "http://a/b" }, { REMOTE_UNVERIFIED, "true" } }, 2, "for https only" },
        { { { REMOTE_URL, GOOD }, { REMOTE_LABELS, "site=hq, gateway=1" } }, 2, NULL },
        { { { REMOTE_URL, GOOD }, { REMOTE_LABELS, "site" } }, 2, "'site' in 'labels' is no name" },
        { { { REMOTE_URL, GOOD }, { REMOTE_LABELS, "__x=1" } }, 2, "no name of a label" },
        { { { REMOTE_URL, GOOD }, { REMOTE_LABELS, "a b=1" } }, 2, "no name of a label" },
        { { { REMOTE_URL, GOOD }, { REMOTE_LABELS, "a=" } }, 2, "has no value" },
        { { { REMOTE_URL, GOOD }, { REMOTE_LABELS, "a=1, a=2" } }, 2, "a" },
        { { { REMOTE_URL, GOOD },
            { REMOTE_LABELS, "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,"
                             "l=1,m=1,n=1,o=1,p=1,q=1" } },
          2,
          "more than 16" },
        { { { REMOTE_URL, GOOD }, { REMOTE_HEADERS, "X-Scope-OrgID: plant, X-Other: 1" } },
          2,
          NULL },
        { { { REMOTE_URL, GOOD }, { REMOTE_HEADERS, "plant" } }, 2, "is no header" },
        { { { REMOTE_URL, GOOD }, { REMOTE_HEADERS, "X Y: 1" } }, 2, "is no header" },
        { { { REMOTE_URL, GOOD }, { REMOTE_HEADERS, "authorization: Bearer x" } },
          2,
          "a login in" },
        { { { REMOTE_URL, GOOD }, { REMOTE_HEADERS, "Content-type: x" } }, 2, "protocol's own" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct setting set[3];
        struct err err = { 0 };
        struct settings settings = settings_of(rows[i].given, rows[i].count, set);
        int error = remote_check(&settings, &err);
        if (rows[i].words == NULL) {
            assert_int_equal(error, 0);
        } else {
            assert_int_equal(error, BUSBAR_ECONFIG);
            assert_int_equal(err.line, rows[i].count == 3 ? 3 : (int)rows[i].count);
            if (strstr(err.message, rows[i].words) == NULL) {
                fail_msg("row %zu: '%s' is not in '%s'", i, rows[i].words, err.message);
            }
        }
    }
}

static void where_says_no_keys(void **state)
{
    (void)state;
    struct setting set[1];
    const struct given given[] = { { REMOTE_URL, "https://m.example.org/w?api_key=secret" } };
    struct settings settings = settings_of(given, 1, set);
    char text[64];
    remote_where(&settings, text, sizeof(text));
    assert_string_equal(text, "https://m.example.org/w");
}

static const char *secret(void *ctx, const char *name)
{
    return strcmp(name, "there") == 0 ? ctx : NULL;
}

static void secrets_and_files_must_be_there(void **state)
{
    (void)state;
    struct setting set[2];
    struct remote_ask ask;
    struct err err = { 0 };
    char word[] = "hidden";
    const struct sink_env env = {
        .log_id = "0123", .files = "/nowhere", .secret = secret, .secret_ctx = word
    };
    const struct given good[] = { { REMOTE_URL, GOOD }, { REMOTE_TOKEN, "there" } };
    struct settings settings = settings_of(good, 2, set);
    assert_int_equal(remote_ask_init(&ask, &env, &settings, &err), 0);
    assert_string_equal(ask.host, "m.example.org:443");
    assert_int_equal(ask.http.login, HTTP_LOGIN_BEARER);
    assert_string_equal(ask.http.password, "hidden");
    assert_string_equal(ask.headers[0], "Content-Encoding: snappy");
    assert_string_equal(ask.headers[REMOTE_HEADERS_OWN - 1], SINKS_LOG_HEADER ": 0123");
    assert_null(ask.headers[REMOTE_HEADERS_OWN]);
    remote_ask_fini(&ask);
    const struct given missing[] = { { REMOTE_URL, GOOD }, { REMOTE_TOKEN, "none" } };
    settings = settings_of(missing, 2, set);
    assert_int_equal(remote_ask_init(&ask, &env, &settings, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, "the secret 'none' is not set");
    assert_string_equal(err.hint, "busbar secret set none");
    remote_ask_fini(&ask);
    const struct given file[] = { { REMOTE_URL, GOOD }, { REMOTE_CA, "ca.pem" } };
    settings = settings_of(file, 2, set);
    assert_int_equal(remote_ask_init(&ask, &env, &settings, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, "the file 'ca.pem' of 'ca' cannot be read");
    remote_ask_fini(&ask);
}

static void answers_have_their_class(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        enum remote_verdict verdict, empty;
    } rows[] = {
        { 200, REMOTE_TAKEN, REMOTE_TAKEN },   { 204, REMOTE_TAKEN, REMOTE_TAKEN },
        { 301, REMOTE_WRONG, REMOTE_WRONG },   { 400, REMOTE_REFUSED, REMOTE_WRONG },
        { 401, REMOTE_WRONG, REMOTE_WRONG },   { 403, REMOTE_WRONG, REMOTE_WRONG },
        { 404, REMOTE_WRONG, REMOTE_WRONG },   { 408, REMOTE_AGAIN, REMOTE_AGAIN },
        { 409, REMOTE_REFUSED, REMOTE_WRONG }, { 413, REMOTE_TOO_BIG, REMOTE_TOO_BIG },
        { 418, REMOTE_WRONG, REMOTE_WRONG },   { 422, REMOTE_REFUSED, REMOTE_WRONG },
        { 429, REMOTE_AGAIN, REMOTE_AGAIN },   { 500, REMOTE_AGAIN, REMOTE_AGAIN },
        { 503, REMOTE_AGAIN, REMOTE_AGAIN },   { 599, REMOTE_AGAIN, REMOTE_AGAIN },
        { 100, REMOTE_WRONG, REMOTE_WRONG },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct err err = { 0 };
        const struct http_answer answer = { .status = rows[i].status,
                                            .body = (const uint8_t *)"why\nmore",
                                            .size = 8 };
        assert_int_equal(remote_judge(&answer, "h:1", false, &err), rows[i].verdict);
        assert_int_equal(remote_judge(&answer, "h:1", true, &err), rows[i].empty);
        if (rows[i].verdict != REMOTE_TAKEN) {
            assert_non_null(strstr(err.message, "): why"));
            assert_null(strstr(err.message, "more"));
        }
    }
}

static void without_an_answer_it_depends_on_the_reason(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum remote_verdict verdict;
    } rows[] = {
        { BUSBAR_ECONNREFUSED, REMOTE_AGAIN }, { BUSBAR_ETIMEOUT, REMOTE_AGAIN },
        { BUSBAR_EHOST, REMOTE_AGAIN },        { BUSBAR_ERESET, REMOTE_AGAIN },
        { BUSBAR_ECLOSED, REMOTE_AGAIN },      { BUSBAR_EUNTRUSTED, REMOTE_WRONG },
        { BUSBAR_ETLS, REMOTE_WRONG },         { BUSBAR_ECONFIG, REMOTE_WRONG },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct err err = { 0 };
        struct http_answer answer = { .error = rows[i].error };
        err_set(&answer.err, rows[i].error, "words");
        assert_int_equal(remote_judge(&answer, "h:1", false, &err), rows[i].verdict);
        assert_string_equal(err.message, "words");
    }
    struct err err = { 0 };
    struct http_answer answer = { .error = BUSBAR_ERESET };
    err_set(&answer.err, BUSBAR_ERESET, "h:1: broke (tlsv13 alert certificate required)");
    assert_int_equal(remote_judge(&answer, "h:1", false, &err), REMOTE_WRONG);
    assert_int_equal(err.code, BUSBAR_ETLS);
    assert_non_null(strstr(err.hint, "'certificate' and 'key'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_are_wrong_are_named),
        cmocka_unit_test(where_says_no_keys),
        cmocka_unit_test(secrets_and_files_must_be_there),
        cmocka_unit_test(answers_have_their_class),
        cmocka_unit_test(without_an_answer_it_depends_on_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
