/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded mistakes, one a row: where it must be told, what must be said, what must be proposed.
 * The place is the exact word; a hint is a promise that following it mends the mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "unit/config/fake_protocol.h"

struct mistake {
    const char *yaml, *csv; /* csv: points.csv beside it, or NULL */
    const char *place;      /* file:line:column */
    const char *message;    /* a part of it */
    const char *hint;       /* a part of it; NULL: none is promised */
    bool warning;
};

#define HEAD "version: 1\ndevices:\n  m-1:\n    modbus: { tcp: 10.0.2.15:502 }\n    points:\n"
#define COMMAND                                                       \
    "      fan: { holding: 1, write: { max: 5 }, enum: [off, on] }\n" \
    "    commands:\n"                                                 \
    "      go: "
#define MANY                                              \
    "version: 1\npoints: { csv: points.csv }\ndevices:\n" \
    "  m-1: { modbus: { tcp: 1.1.1.1 }, points: { a: { holding: 1 } } }\n"

static const struct mistake mistakes[] = {
    /* keys */
    { HEAD "      power: { regster: 40101, units: kW }\n", NULL, "site.yaml:6:16",
      "unknown key 'regster' in a modbus point", "did you mean 'register'?", false },
    { HEAD "      power: { holding: 1, unit: kW }\n", NULL, "site.yaml:6:28", "unknown key 'unit'",
      "'units'", false },
    { HEAD "      power:\n        holding: 1\n        colour: red\n", NULL, "site.yaml:8:9",
      "unknown key 'colour'", "it knows: register", false },
    { HEAD "      p: { holding: 1, clamp: { min: 1, mx: 5 } }\n", NULL, "site.yaml:6:41",
      "unknown key 'mx' in 'clamp'", "did you mean 'max'?", false },
    { HEAD "      p: { holding: 1, write: { confrm: true } }\n", NULL, "site.yaml:6:33",
      "unknown key 'confrm' in 'write'", "did you mean 'confirm'?", false },
    { "version: 1\ndevises: {}\n", NULL, "site.yaml:2:1", "unknown key 'devises'",
      "did you mean 'devices'?", false },
    { "version: 1\nrules: {}\n", NULL, "site.yaml:2:1", "this version does not know 'rules' yet",
      "take it out", false },
    { "version: 1\nusers: {}\n", NULL, "site.yaml:2:1",
      "does not know 'users' yet; it has: version", "take it out", false },
    { "version: 1\nmodbus: {}\n", NULL, "site.yaml:2:1",
      "a protocol does not stand at the top of a file: 'modbus'", "below 'drivers:'", false },
    { "version: 1\ndevices:\n  a: { profinet: { host: a } }\n", NULL, "site.yaml:3:8",
      "unknown key 'profinet' in a device", "modbus", false },
    { "version: 1\ndevices:\n  a: { modbuss: { tcp: x } }\n", NULL, "site.yaml:3:8",
      "unknown key 'modbuss' in a device", "did you mean 'modbus'?", false },
    { "version: 1\ndevices:\n  a: { modbus: { tcp: x, unitid: 3 } }\n", NULL, "site.yaml:3:26",
      "unknown key 'unitid' in 'modbus'", "did you mean 'unit_id'?", false },
    { "version: 1\ndefaults: { evry: 5s }\n", NULL, "site.yaml:2:13",
      "unknown key 'evry' in 'defaults'", "did you mean 'every'?", false },
    { "version: 1\nsite: { nam: x }\n", NULL, "site.yaml:2:9", "unknown key 'nam' in 'site'",
      "did you mean 'name'?", false },
    { "version: 1\nhistory: { kep: 2y }\n", NULL, "site.yaml:2:12", "unknown key 'kep'",
      "did you mean 'keep'?", false },
    { HEAD "      p: { holding: 1, alarm: { high: 28 } }\n", NULL, "site.yaml:6:24",
      "unknown key 'alarm'", "it knows", false },
    { "", NULL, "site.yaml:1:1", "the configuration is empty", "version: 1", false },
    { "# cut off here\n", NULL, "site.yaml:1:1", "is empty", "version: 1", false },
    /* values */
    { HEAD "      p: { holding: x1 }\n", NULL, "site.yaml:6:21",
      "'holding' wants a whole number, not 'x1'", NULL, false },
    { HEAD "      p: { holding: 70000 }\n", NULL, "site.yaml:6:21",
      "'holding' is 70000, it must be 0 to 65535", NULL, false },
    { HEAD "      p: { holding: 1, type: flot32 }\n", NULL, "site.yaml:6:30",
      "'type' cannot be 'flot32'", "did you mean 'float32'?", false },
    { HEAD "      p: { holding: 1, order: CADB }\n", NULL, "site.yaml:6:31",
      "'order' cannot be 'CADB'", "did you mean 'CDAB'?", false },
    { HEAD "      p: { holding: 1, every: 10 secs }\n", NULL, "site.yaml:6:31",
      "'every' wants a duration such as", NULL, false },
    { HEAD "      p: { holding: 1, every: 90d }\n", NULL, "site.yaml:6:31",
      "'every' is 90d, it must be 1ms to 30d", NULL, false },
    { HEAD "      p: { holding: 1, deadband: 0,1 }\n", NULL, "site.yaml:6:36", "unknown key '1'",
      "a point, not a comma: 0.1", false },
    { HEAD "      p: { holding: 1, scale: abc }\n", NULL, "site.yaml:6:31",
      "'scale' wants a number, not 'abc'", NULL, false },
    { HEAD "      p: { holding: 1, counter: maybe }\n", NULL, "site.yaml:6:33",
      "'counter' wants true or false", NULL, false },
    { HEAD "      p: { holding: 1, scale: 0 }\n", NULL, "site.yaml:6:31", "scale 0", NULL, false },
    { HEAD "      p: { holding: 1, deadband: -1 }\n", NULL, "site.yaml:6:34",
      "a deadband is not negative", NULL, false },
    { HEAD "      p: { holding: 1, clamp: { min: 5, max: 1 } }\n", NULL, "site.yaml:6:46",
      "min 5 is not below max 1", NULL, false },
    { HEAD "      p: { holding: 1, write: { min: 26, max: 16 } }\n", NULL, "site.yaml:6:47",
      "min 26 is above max 16", NULL, false },
    { HEAD "      p: { holding: 1, write: { level: 8 } }\n", NULL, "site.yaml:6:33",
      "unknown key 'level' in 'write'", "it knows: min, max, confirm, priority, max_time", false },
    { HEAD "      p: { holding: 1, write: { priority: 8 } }\n", NULL, "site.yaml:6:7",
      "'p' has 'priority' in 'write', but it has no priorities", "take it out", false },
    { HEAD "      p: { holding: 1, enum: [a, a] }\n", NULL, "site.yaml:6:34",
      "'a' is in this enum twice", NULL, false },
    { HEAD "      p: { holding: 1, enum: { x: up } }\n", NULL, "site.yaml:6:32",
      "'x' is not a whole number", "{ 0: closed, 1: open }", false },
    { HEAD "      p: { holding: 1, enum: open }\n", NULL, "site.yaml:6:30", "'enum' wants a list",
      NULL, false },
    { HEAD "      p: { holding: 1, enum: [a, b], scale: 2 }\n", NULL, "site.yaml:6:45",
      "an enum or a scale, not both", NULL, false },
    { HEAD "      p: { holding: 1, units: }\n", NULL, "site.yaml:6:24", "'units' has no value",
      "give a value", false },
    { HEAD "      p: { holding: [1, 2] }\n", NULL, "site.yaml:6:21",
      "'holding' wants a whole number, not a list", NULL, false },
    { HEAD "      p: 40101\n", NULL, "site.yaml:6:10", "'p' wants keys with values", NULL, false },
    { "version: 2\n", NULL, "site.yaml:1:10", "configurations of version 1", "version: 1", false },
    { "version: 1\nsite: { timezone: Europe/Prag }\n", NULL, "site.yaml:2:19",
      "does not know the time zone 'Europe/Prag'", "Europe/Prague", false },
    { "version: 1\nhistory: { max_bytes: 20 }\n", NULL, "site.yaml:2:23",
      "'max_bytes' wants a size", NULL, false },
    { "version: 1\nserver: { http: 0.0.0.0:8080 }\n", NULL, "site.yaml:2:17",
      "'0.0.0.0' is open to the network", "insecure: allow", false },
    { "version: 1\nserver: { http: 'localhost:99999' }\n", NULL, "site.yaml:2:18", "port", NULL,
      false },
    { "version: 1\nserver: { time_series: 0.0.0.0:9090 }\n", NULL, "site.yaml:2:24",
      "'0.0.0.0' is open to the network", "insecure: allow", false },
    { "version: 1\nserver: { http: 9090 }\n", NULL, "site.yaml:2:17",
      "port 9090 is asked for twice", "a port each", false },
    { "version: 1\nserver: { time_series: x:y:z }\n", NULL, "site.yaml:2:24", "", "127.0.0.1:9090",
      false },
    { "version: 1\nhistory: { policies: { a: { match: '{x=~\"a(\"}', keep: 1y } } }\n", NULL,
      "site.yaml:2:45", "missing closing parenthesis", "as in PromQL", false },
    { "version: 1\nhistory: { policies: { a: { match: 'x{y}', keep: 1y } } }\n", NULL,
      "site.yaml:2:41", "is expected after the label name", "as in PromQL", false },
    { "version: 1\nhistory: { policies: { a: { keep: 1y } } }\n", NULL, "site.yaml:2:24",
      "does not say which series", "match:", false },
    { "version: 1\nhistory: { policies: { a: { match: x, kep: 1y } } }\n", NULL, "site.yaml:2:39",
      "unknown key 'kep' in the policy 'a'", "did you mean 'keep'?", false },
    { "version: 1\nhistory: { policies: { a: { match: x, max_bytes: lots } } }\n", NULL,
      "site.yaml:2:50", "'max_bytes' wants a size", NULL, false },
    { "version: 1\nhistory: { tiers: never }\n", NULL, "site.yaml:2:19", "'tiers' wants a duration",
      NULL, false },
    { "version: 1\nhistory: { policies: [] }\n", NULL, "site.yaml:2:22",
      "'policies' wants keys with values", NULL, false },
    /* commands */
    { HEAD COMMAND "{ fna: 1 }\n", NULL, "site.yaml:8:13",
      "'fna' in command 'go' is no key of it and no point of 'm-1'", "did you mean 'fan'?", false },
    { HEAD COMMAND "{ puls: x }\n", NULL, "site.yaml:8:13", "'puls' in command 'go'",
      "did you mean 'pulse'?", false },
    { HEAD COMMAND "{ fan: 1, pulse: x }\n", NULL, "site.yaml:8:7",
      "command 'go' has 'pulse', so it cannot also write points", "two commands", false },
    { HEAD COMMAND "{ name: Go }\n", NULL, "site.yaml:8:7", "command 'go' does nothing",
      "the values to write", false },
    { HEAD COMMAND "{ times: 3 }\n", NULL, "site.yaml:8:7", "it does not say what to pulse",
      "add 'pulse: NAME'", false },
    { HEAD COMMAND "{ pulse: x, times: 10 }\n", NULL, "site.yaml:8:30",
      "'times' is 10, it must be 1 to 9", NULL, false },
    { HEAD COMMAND "{ pulse: x, confirm: maybe }\n", NULL, "site.yaml:8:32",
      "'confirm' wants true or false", NULL, false },
    { HEAD COMMAND "{ fan: fast }\n", NULL, "site.yaml:8:18", "'fast' is no value of 'fan'", NULL,
      false },
    { HEAD COMMAND "{ fan: 8 }\n", NULL, "site.yaml:8:18",
      "8 is outside of what may be written to 'fan'", NULL, false },
    { HEAD COMMAND "{ fan: [1] }\n", NULL, "site.yaml:8:18", "needs one value for 'fan'",
      "point: value", false },
    { HEAD COMMAND "{ fan: !secret x }\n", NULL, "site.yaml:8:26", "needs one value for 'fan'",
      NULL, false },
    { HEAD "      seen: { input: 1 }\n    commands: { go: { seen: 1 } }\n", NULL, "site.yaml:7:23",
      "command 'go' writes 'seen', which may not be written", "write: true", false },
    { HEAD "      p: { holding: 1 }\n    commands: [go]\n", NULL, "site.yaml:7:15",
      "'commands' wants keys with values", NULL, false },
    { HEAD "      p: { holding: 1 }\n    commands: { 'a b': { p: 1 } }\n", NULL, "site.yaml:7:18",
      "'a b' cannot name a command", "'a-b'", false },
    /* secrets */
    { "version: 1\ndevices:\n  a: { modbus: { tcp: x, password: hello } }\n", NULL,
      "site.yaml:3:36", "'password' must not stand in the file", "busbar secret set", false },
    { "version: 1\ndevices:\n  a: { modbus: { tcp: !secret where } }\n", NULL, "site.yaml:3:31",
      "'tcp' is not a secret", NULL, false },
    /* addresses, told by the protocol */
    { HEAD "      p: { units: kW }\n", NULL, "site.yaml:6:7", "the point needs one address",
      "register, holding, input", false },
    { HEAD "      p: { holding: 1, type: string }\n", NULL, "site.yaml:6:30",
      "a string needs a length", "length: 8", false },
    { HEAD "      p: { input: 1, write: true }\n", NULL, "site.yaml:6:7", "can only be read",
      "take 'write' out", false },
    { HEAD "      p: { holding: 1, type: bool, scale: 2 }\n", NULL, "site.yaml:6:7",
      "need a number, 'p' is a bool", NULL, false },
    { HEAD "      p: { holding: 1, type: float32, enum: [a, b] }\n", NULL, "site.yaml:6:7",
      "an enum names whole numbers, 'p' is a double", NULL, false },
    { "version: 1\ndevices:\n  a: { modbus: { unit_id: 1 }, points: { p: { holding: 1 } } }\n",
      NULL, "site.yaml:3:8", "does not say how the device is reached", "tcp: host:port", false },
    /* names, profiles, duplicates */
    { HEAD "      p: { holding: 1 }\n      q: { holding: 2 }\n      p: { holding: 3 }\n", NULL,
      "site.yaml:8:7", "'p' is here twice, the first is in line 6", NULL, false },
    { HEAD "      'a/b': { holding: 1 }\n", NULL, "site.yaml:6:8", "'a/b' cannot name a point",
      "'a-b'", false },
    { HEAD "      Power_1: { holding: 1 }\n", NULL, "site.yaml:6:7", "not lower case", "'power-1'",
      true },
    { "version: 1\ndevices:\n  a: { profile: metr, modbus: { tcp: x } }\nprofiles:\n"
      "  meter: { points: { p: { holding: 1 } } }\n",
      NULL, "site.yaml:3:17", "no profile 'metr'", "nearest is 'meter' (site.yaml:5)", false },
    { "version: 1\ndevices:\n  a: { name: x }\n", NULL, "site.yaml:3:3", "names no protocol",
      "add one of: modbus", false },
    { "version: 1\ndevices:\n  a: { modbus: { tcp: x } }\n", NULL, "site.yaml:3:3",
      "'a' has no points", NULL, true },
    { "version: 1\nprofiles:\n  m: { points: { p: { foo: 1 } } }\n", NULL, "site.yaml:3:23",
      "unknown key 'foo'", "it knows", false },
    { HEAD "      p: { holding: 1, every: 10s, stale_after: 1s }\n", NULL, "site.yaml:6:31",
      "turns stale before it is read again", "stale_after longer", true },
    /* the text itself */
    { "version: 1\ndevices: [\n", NULL, "site.yaml:3:1", "not YAML", "brackets", false },
    { "version: 1\nsite:\n  id: a\n   name: b\n", NULL, "site.yaml:3:7", "not YAML", "indentation",
      false },
    { "version: 1\nsite: &a { id: x }\n", NULL, "site.yaml:2:7", "anchors and aliases", "profile",
      false },
    { "version: 1\nsite: { id: !!str x }\n", NULL, "site.yaml:2:13", "the only tag", "!secret",
      false },
    { "version: 1\nsite: { id: a\xff }\n", NULL, "site.yaml:2:14", "not text", "UTF-8", false },
    { "version: 1\na: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", NULL, "site.yaml:2:19",
      "nested too deep", NULL, false },
    { "site: { id: a }\n", NULL, "site.yaml:1:1", "which version", "version: 1", true },
    /* CSV */
    { "version: 1\npoints: { csv: nope.csv }\n", NULL, "site.yaml:2:16", "there is no file",
      "relative", false },
    { "version: 1\npoints: { csv: ../a.csv }\n", NULL, "site.yaml:2:16", "outside the", "beside",
      false },
    { "version: 1\npoints: { p: { holding: 1 } }\n", NULL, "site.yaml:2:11",
      "only 'csv' can stand here", "points belong to a device", false },
    { MANY, "device,point,hlding\n", "points.csv:1:14", "unknown column 'hlding'",
      "did you mean 'holding'?", false },
    { MANY, "point,holding\nb,1\n", "points.csv:1:1", "no column 'device'", "add one", false },
    { MANY, "device,holding\nm-1,1\n", "points.csv:1:1", "no column 'point'", "first line", false },
    { MANY, "device,point,point\n", "points.csv:1:14", "here twice", NULL, false },
    { MANY, "device,point,holding\nm-2,p,1\n", "points.csv:2:1", "no device 'm-2'",
      "nearest is 'm-1' (site.yaml:4)", false },
    { MANY, "device,point,holding\nm-1,p,x\n", "points.csv:2:7", "wants a whole number", NULL,
      false },
    { MANY, "device,point,holding\nm-1,p,1\nm-1,p,2\n", "points.csv:3:5",
      "point 'm-1/p' is here twice, the first is in points.csv:2", NULL, false },
    { MANY, "device,point,holding\nm-1,a,1\n", "points.csv:2:5",
      "point 'm-1/a' is here twice, the first is in site.yaml:4", NULL, false },
    { MANY, "device,point,holding\nm-1,p,1,kW\n", "points.csv:2:9", "more cells", "quotes", false },
    { MANY, "device,point,holding\nm-1\n", "points.csv:2:1", "too few cells", NULL, false },
    { MANY, "device,point,holding\nm-1,p,\n", "points.csv:2:5", "the point needs one address",
      "holding", false },
    { MANY, "device;point;type;holding\n\nm-1;p;uint61;1\n", "points.csv:3:7",
      "'type' cannot be 'uint61'", "did you mean 'uint16'?", false },
    { MANY, "device,point,holding\n\"m-1\",\"a \"\"b\"\"\",1\n", "points.csv:2:7",
      "'a \"b\"' cannot name a point", "'a-b'", false },
    { MANY, "# comment\ndevice,point,holding\nm-1,p\xff,1\n", "points.csv:3:1", "not text", NULL,
      false },
    { MANY, "", "points.csv:1", "this CSV file is empty", "names the columns", false },
};

static void place_of(const struct problem *problem, char *to, size_t size)
{
    size_t used = str_format(to, size, "%s:%d", problem->at.file, problem->at.line);
    if (problem->at.column > 0) {
        str_format(to + used, size - used, ":%d", problem->at.column);
    }
}

static bool tells(const struct problem *problem, const struct mistake *mistake)
{
    char place[300];
    place_of(problem, place, sizeof(place));
    bool same_place = strcmp(place, mistake->place) == 0 ||
                      (problem->at.column == 1 && str_starts(place, mistake->place));
    return same_place && strstr(problem->message, mistake->message) != NULL &&
           problem->warning == mistake->warning &&
           (mistake->hint == NULL || strstr(problem->hint, mistake->hint) != NULL);
}

static bool try_mistake(const struct mistake *mistake)
{
    struct config_text texts[2] = {
        { .name = "site.yaml", .text = mistake->yaml, .size = strlen(mistake->yaml) },
    };
    size_t count = 1;
    if (mistake->csv != NULL) {
        texts[count++] = (struct config_text){ .name = "points.csv",
                                               .text = mistake->csv,
                                               .size = strlen(mistake->csv) };
    }
    struct problems problems;
    struct config *config;
    problems_init(&problems);
    int error = config_load_texts(texts, count, &fake_env, &config, &problems);
    bool found = false;
    for (size_t i = 0; i < problems.count; i++) {
        found = found || tells(&problems.list[i], mistake);
    }
    if (!found || problems.count != 1 || (error == 0) != mistake->warning) {
        struct buf text;
        buf_init(&text, 1 << 16);
        problems_print(&problems, &text);
        print_error("wanted %s: %s (hint %s), got error %d and:\n%s", mistake->place,
                    mistake->message, mistake->hint != NULL ? mistake->hint : "-", error,
                    buf_text(&text));
        buf_fini(&text);
        found = false;
    }
    config_free(config);
    problems_fini(&problems);
    return found;
}

/* Each is told once, at its word, with its hint, and nothing else is told. */
static void each_mistake_is_told_once(void **state)
{
    (void)state;
    size_t failed = 0, count = sizeof(mistakes) / sizeof(mistakes[0]);
    for (size_t i = 0; i < count; i++) {
        failed += !try_mistake(&mistakes[i]);
    }
    assert_true(count >= 40);
    assert_int_equal(failed, 0);
}

/* All of a run are told, in the order of files and lines, with the line and the mark. */
static void all_are_told_at_once(void **state)
{
    (void)state;
    static const char yaml[] = "version: 1\n"
                               "devices:\n"
                               "  m-1:\n"
                               "    modbus: { tcp: x, unitid: 3 }\n"
                               "    points:\n"
                               "      a: { holding: 1, tpe: int16 }\n"
                               "      b: { holding: 1, units: \"\xc5\xbe\xc5\xbe\", evry: 1s }\n";
    static const char wanted[] =
        "site.yaml:4:23: error: unknown key 'unitid' in 'modbus'\n"
        "    4 |     modbus: { tcp: x, unitid: 3 }\n"
        "      |                       ^~~~~~  hint: did you mean 'unit_id'? Others: tcp, order, "
        "timeout, password\n"
        "site.yaml:6:24: error: unknown key 'tpe' in a modbus point\n";
    static const char last[] =
        "    7 |       b: { holding: 1, units: \"\xc5\xbe\xc5\xbe\", evry: 1s }\n"
        "      |                                     ^~~~  hint: did you mean 'every'?";
    struct config_text text = { .name = "site.yaml", .text = yaml, .size = sizeof(yaml) - 1 };
    struct problems problems;
    struct config *config;
    struct buf out;
    problems_init(&problems);
    buf_init(&out, 1 << 16);
    assert_int_equal(config_load_texts(&text, 1, &fake_env, &config, &problems), BUSBAR_ECONFIG);
    assert_null(config);
    problems_print(&problems, &out);
    assert_memory_equal(buf_text(&out), wanted, sizeof(wanted) - 1);
    assert_non_null(strstr(buf_text(&out), last));
    assert_true(str_ends(buf_text(&out), "\n3 errors, 0 warnings\n"));
    buf_fini(&out);
    problems_fini(&problems);
}

/* A profile's mistake is told once, however many devices have the profile. */
static void a_profile_is_told_once(void **state)
{
    (void)state;
    static const char yaml[] = "version: 1\n"
                               "profiles: { m: { points: { p: { units: kW } } } }\n"
                               "devices:\n"
                               "  a: { profile: m, modbus: { tcp: x } }\n"
                               "  b: { profile: m, modbus: { tcp: y } }\n";
    struct config_text text = { .name = "site.yaml", .text = yaml, .size = sizeof(yaml) - 1 };
    struct problems problems;
    struct config *config;
    problems_init(&problems);
    assert_int_equal(config_load_texts(&text, 1, &fake_env, &config, &problems), BUSBAR_ECONFIG);
    assert_int_equal(problems.count, 1);
    assert_int_equal(problems.errors, 1);
    problems_fini(&problems);
}

/* Only so many are kept, all are counted. */
static void many_are_counted(void **state)
{
    (void)state;
    enum { ROWS = 2500 };
    struct buf csv, out;
    buf_init(&csv, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_append_text(&csv, "device,point,holding\n");
    for (int i = 0; i < ROWS; i++) {
        buf_printf(&csv, "m-1,p-%d,x\n", i);
    }
    struct config_text texts[] = {
        { .name = "site.yaml", .text = MANY, .size = sizeof(MANY) - 1 },
        { .name = "points.csv", .text = buf_text(&csv), .size = csv.size },
    };
    struct problems problems;
    struct config *config;
    problems_init(&problems);
    assert_int_equal(config_load_texts(texts, 2, &fake_env, &config, &problems), BUSBAR_ECONFIG);
    assert_int_equal(problems.errors, ROWS);
    assert_int_equal(problems.count, PROBLEMS_SHOWN_MAX);
    problems_print(&problems, &out);
    assert_non_null(strstr(buf_text(&out), "... and 1500 more like these\n2500 errors"));
    problems_fini(&problems);
    buf_fini(&csv);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_once),
        cmocka_unit_test(all_are_told_at_once),
        cmocka_unit_test(a_profile_is_told_once),
        cmocka_unit_test(many_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
