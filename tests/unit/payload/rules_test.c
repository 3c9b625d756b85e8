/* SPDX-License-Identifier: Apache-2.0 */
/* What rules take out of messages, format by format; what is refused, and in which words. */
#include <zlib.h>

#include "unit/payload/rules_rig.h"

#define ROWS(rows_) rig_rows(rows_, sizeof(rows_) / sizeof((rows_)[0]))

static void json(void **state)
{
    (void)state;
    static const struct rig_row rows[] = {
        { "", "json=$.co2", "{\"co2\": 612}", "0 int 612" },
        { "", "json=co2", "{\"co2\": 612.5}", "0 double 612.5" },
        { "", "json=$.a.b[1]", "{\"a\":{\"b\":[1,true]}}", "0 bool 1" },
        { "", "json=$.x", "{\"co2\": 612}", "nothing" },
        { "", "json=$.co2", "{\"co2\": null}", "nothing" },
        { "", "json=$.s", "{\"s\": \"\"}", "0 text " },
        { "", "json=$.s\ntype=number", "{\"s\": \"\"}", "nothing" },
        { "", "json=$.t", "{\"t\": \"21.4\"}", "0 double 21.4" },
        { "", "json=$.t", "{\"t\": \"OPEN\"}", "0 text OPEN" },
        { "", "json=$.t\ntype=number", "{\"t\": \" 21.4 \\u00b0C\"}", "0 double 21.4" },
        { "", "json=$.t\ntype=number", "{\"t\": \"21,4\"}", "! json $.t: '21,4' is no number" },
        { "decimal=,", "json=$.t\ntype=number", "{\"t\": \"21,4\"}", "0 double 21.4" },
        { "", "json=$.t\ntype=int", "{\"t\": 21.0}", "0 int 21" },
        { "", "json=$.t\ntype=int", "{\"t\": 21.5}", "! json $.t: 21.5 is no whole number" },
        { "", "json=$.t\ntype=text", "{\"t\": 21.5}", "0 text 21.5" },
        { "", "json=$.t\ntype=bool", "{\"t\": \"Off\"}", "0 bool 0" },
        { "", "json=$.t\ntype=bool", "{\"t\": 1}", "0 bool 1" },
        { "", "json=$.t\ntype=bool", "{\"t\": \"open\"}", "! json $.t: 'open' is no bool" },
        { "", "json=$.t\nnone=NaN, -9999", "{\"t\": -9999}", "0 none 13" },
        { "", "json=$.t\nnone=NaN, -9999", "{\"t\": \"NaN\"}", "0 none 13" },
        { "", "json=$.t\nnone=NaN, -9999", "{\"t\": -9998}", "0 int -9998" },
        { "", "json=$.a", "{\"a\": {}}", "! json $.a: {0 members} is no value" },
        { "", "json=$.l[*].v\nat=$.l[*].t",
          "{\"l\":[{\"v\":1,\"t\":1700000000},{\"v\":2,\"t\":1700000001}]}",
          "0 int 1 @2023-11-14T22:13:20Z, 0 int 2 @2023-11-14T22:13:21Z" },
        { "", "json=$.l[?(@.id=='b')].v", "{\"l\":[{\"id\":\"a\",\"v\":1},{\"id\":\"b\",\"v\":2}]}",
          "0 int 2" },
        { "", "json=$['{id}'].v", "{\"dev\":{\"v\":7}}", "0 int 7" },
        { "", "json=$.n", "{\"n\": 9007199254740993}", "0 int 9007199254740993" },
        { "", "json=$.x", "{\"x\": 1", "! json $.x: no JSON: " },
        { "", "json=$.x", "", "! json $.x: no JSON: " },
        { "", "json=$.x", "{\"x\": \"\xff\"}",
          "! json $.x: no JSON: the text is no UTF-8: byte 7" },
        { "encoding=latin-1", "json=$.x", "{\"x\": \"\xb0\"}", "0 text \xc2\xb0" },
    };
    ROWS(rows);
}

static void elements(void **state)
{
    (void)state;
    static const struct rig_row rows[] = {
        { "each=json $.r[*]\nid_from=json $.id\ntime=json $.ts", "json=$.v",
          "{\"r\":[{\"id\":\"a\",\"v\":1,\"ts\":1700000000},{\"id\":7,\"v\":2}]}",
          "[a], 0 int 1 @2023-11-14T22:13:20Z, [7], 0 int 2" },
        { "only=json $.type=='full'", "json=$.v", "{\"type\":\"full\",\"v\":1}", "0 int 1" },
        { "only=json $.type=='full'", "json=$.v", "{\"type\":\"part\",\"v\":1}", "nothing" },
        { "only=json $.v>3\neach=json $[*]", "json=$.v", "[{\"v\":1},{\"v\":5}]", "0 int 5" },
        { "only=match ^DATA", "match=v=(\\d+)", "DATA v=3", "0 int 3" },
        { "only=match ^DATA", "match=v=(\\d+)", "INFO v=3", "nothing" },
        { "only=key kind == full", "key=v", "kind=full v=3", "0 int 3" },
        { "only=key kind == full", "key=v", "kind=part v=3", "nothing" },
        { "each=csv\nid_from=csv 1\nseparator=;", "csv=2", "a;1\r\nb;2\r\n\r\n",
          "[a], 0 int 1, [b], 0 int 2" },
        { "each=csv\nheader=true\ntime=csv 1", "csv=t", "when,t\n2026-11-22T10:00:00Z,21.5\n",
          "0 double 21.5 @2026-11-22T10:00:00Z" },
        { "each=match <[^>]*>\nid_from=match ^<(\\w+)", "match== *(\\d+)", "<a=1><b= 2>junk<c=3",
          "[a], 0 int 1, [b], 0 int 2" },
        { "each=xml //row\nid_from=xml @id", "xml=t",
          "<d><row id='a'><t>1</t></row><row id='b'><t>2.5</t></row></d>",
          "[a], 0 int 1, [b], 0 double 2.5" },
        { "each=json $.r[*]", "json=$.v", "{}", "nothing" },
    };
    ROWS(rows);
}

static void lines(void **state)
{
    (void)state;
    static const struct rig_row rows[] = {
        { "", "csv=2", "7,21.5,on", "0 double 21.5" },
        { "", "csv=4", "7,21.5,on", "nothing" },
        { "", "csv=2", "7,,on", "nothing" },
        { "", "csv=3\ntype=bool", "7,,on\n", "0 bool 1" },
        { "", "csv=1", "\"a \"\"b\"\", c\",2", "0 text a \"b\", c" },
        { "separator=tab", "csv=2", "a\t5", "0 int 5" },
        { "separator=;\ndecimal=,", "csv=2", "a;21,5", "0 double 21.5" },
        { "", "csv=t", "h,t\n40,21\n", "0 int 21" },
        { "", "csv=1", "1,2\n3,4", "! csv 1: the message has several lines" },
        { "", "key=t", "t=21.4 h=40", "0 double 21.4" },
        { "", "key=h", "t=21.4;h: 40", "0 int 40" },
        { "", "key=b", "ok a= b=3", "0 int 3" },
        { "", "key=a", "ok a= b=3", "nothing" },
        { "", "key=a\ntype=text", "a=\"x y\", b=3", "0 text x y" },
        { "decimal=,", "key=a", "a=1,5,b=2,5", "0 double 1.5" },
        { "decimal=,", "key=b", "a=1,5,b=2,5", "0 double 2.5" },
        { "", "text=all", "21.5\r\n", "0 double 21.5" },
        { "", "text=all\ntype=bool", "ON", "0 bool 1" },
        { "", "text=all", "ALARM 3", "0 text ALARM 3" },
        { "", "match=^T=(.*)$", "T=21.5", "0 double 21.5" },
        { "", "match=^(\\w+) (?<value>\\d+)$", "abc 12", "0 int 12" },
        { "", "match=^ALARM", "ALARM now", "0 bool 1" },
        { "", "match=^ALARM", "quiet", "0 bool 0" },
        { "", "match=^T=(.*)$", "X=21.5", "nothing" },
        { "", "match=^{id};(\\d+)", "dev;12", "0 int 12" },
    };
    ROWS(rows);
}

static void xml(void **state)
{
    (void)state;
    static const struct rig_row rows[] = {
        { "", "xml=/room/t", "<room><t>21.5</t></room>", "0 double 21.5" },
        { "", "xml=//s[@id='a']/@v", "<r><s id='b' v='1'/><s id='a' v='2'/></r>", "0 int 2" },
        { "", "xml=//t", "<a:r xmlns:a='urn:x'><a:t>3</a:t></a:r>", "0 int 3" },
        { "", "xml=//t", "<r xmlns='urn:x'><t>3</t></r>", "0 int 3" },
        { "", "xml=count(//t)", "<r><t/><t/></r>", "0 double 2" },
        { "", "xml=//t/text()", "<r><t>a</t><t>b</t></r>", "0 text a, 0 text b" },
        { "", "xml=//x", "<r/>", "nothing" },
        { "", "xml=//x", "<r><x/></r>", "nothing" },
        { "", "xml=//x", "<r><x></r>", "! xml //x: no XML: line 1" },
        { "", "xml=//x", "", "! xml //x: no XML: the message is empty" },
        { "", "xml=//x", "<!DOCTYPE r [<!ENTITY a 'b'>]><r><x>&a;</x></r>",
          "! xml //x: XML with a document type" },
        { "encoding=latin-1", "xml=//x", "<r><x>\xb0</x></r>", "0 text \xc2\xb0" },
    };
    ROWS(rows);
}

static void bytes(void **state)
{
    (void)state;
    static const struct {
        const char *point, *message;
        size_t size;
        const char *taken;
    } rows[] = {
        { "bytes=0", "\xfe", 1, "0 int 254" },
        { "bytes=0\ntype=int8", "\xfe", 1, "0 int -2" },
        { "bytes=1\ntype=uint16", "\x00\x12\x34", 3, "0 int 4660" },
        { "bytes=1\ntype=uint16\norder=DCBA", "\x00\x12\x34", 3, "0 int 13330" },
        { "bytes=0\ntype=int24", "\xff\xff\xfe", 3, "0 int -2" },
        { "bytes=0\ntype=uint32\norder=CDAB", "\x56\x78\x12\x34", 4, "0 int 305419896" },
        { "bytes=0\ntype=uint32\norder=BADC", "\x34\x12\x78\x56", 4, "0 int 305419896" },
        { "bytes=0\ntype=uint64", "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
          "0 double 1.8446744073709552e+19" },
        { "bytes=0\ntype=int64", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "0 int -1" },
        { "bytes=0\ntype=float32", "\x41\xac\x00\x00", 4, "0 double 21.5" },
        { "bytes=0\ntype=float32", "\x7f\xc0\x00\x00", 4, "0 none 13" },
        { "bytes=0\ntype=float64\norder=DCBA", "\x00\x00\x00\x00\x00\x80\x35\x40", 8,
          "0 double 21.5" },
        { "bytes=0\ntype=bcd\nlength=2", "\x12\x34", 2, "0 int 1234" },
        { "bytes=0\ntype=bcd\nlength=2", "\x12\x3a", 2, "! bytes 0: 12 3a is no bcd" },
        { "bytes=1\ntype=ascii\nlength=4", "xAB \0", 5, "0 text AB" },
        { "bytes=-2\ntype=uint16", "xxx\x01\x02", 5, "0 int 258" },
        { "bytes=0\nbit=0", "\x01", 1, "0 bool 1" },
        { "bytes=0\nbit=9", "\x02\x00", 2, "0 bool 1" },
        { "bytes=0\nbits=4-7", "\xa5", 1, "0 int 10" },
        { "bytes=4", "\x01", 1, "nothing" },
        { "bytes=-4", "\x01", 1, "nothing" },
        { "bytes=0", "", 0, "nothing" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        assert_int_equal(rig_device(&rig, ""), 0);
        assert_int_equal(rig_point(&rig, rows[i].point, NULL), 0);
        rig_compile(&rig, "dev");
        const char *taken = rig_take(&rig, rows[i].message, rows[i].size);
        if (strcmp(taken, rows[i].taken) != 0) {
            fail_msg("row %zu: '%s' instead of '%s'", i, taken, rows[i].taken);
        }
        rig_fini(&rig);
    }
}

static void trees_of_other_formats(void **state)
{
    (void)state;
    struct rig rig;
    assert_int_equal(rig_device(&rig, ""), 0);
    assert_int_equal(rig_point(&rig, "cbor=$.t", NULL), 0);
    rig_compile(&rig, "dev");
    assert_string_equal(rig_take(&rig, "\xa1\x61t\x18\x2a", 5), "0 int 42");
    assert_string_equal(rig_take(&rig, "\xa1\x61t\x42\x01\xff", 6), "0 text 01ff");
    assert_memory_equal(rig_take(&rig, "\xa1\x61t", 3), "! cbor $.t: no CBOR", 19);
    rig_fini(&rig);
    assert_int_equal(rig_device(&rig, ""), 0);
    assert_int_equal(rig_point(&rig, "msgpack=$.t", NULL), 0);
    rig_compile(&rig, "dev");
    assert_string_equal(rig_take(&rig, "\x81\xa1t\x2a", 4), "0 int 42");
    rig_fini(&rig);
}

/* Beside the body: topic, headers, forms. */
static void about(void **state)
{
    (void)state;
    static const struct payload_field fields[] = {
        { "topic", "", "site/room-3/temp", 16 },
        { "level", "2", "room-3", 6 },
        { "header", "x-id", "room-4", 6 },
        { "header", "content-type", "application/x-www-form-urlencoded; charset=utf-8", 48 },
    };
    struct payload_message message = {
        .body = (const uint8_t *)"a=1%2E5+x&b=2", .size = 13, .fields = fields, .field_count = 4
    };
    struct rig rig;
    assert_int_equal(rig_device(&rig, "id_from=level 2"), 0);
    assert_int_equal(rig_point(&rig, "about=header X-ID", NULL), 0);
    assert_int_equal(rig_point(&rig, "about=topic", NULL), 0);
    assert_int_equal(rig_point(&rig, "about=query x", NULL), 0);
    assert_int_equal(rig_point(&rig, "key=a\ntype=text", NULL), 0);
    rig_compile(&rig, "dev");
    assert_string_equal(rig_take_message(&rig, message),
                        "[room-3], 0 text room-4, 1 text site/room-3/temp, 3 text 1.5 x");
    rig_fini(&rig);
}

static void times(void **state)
{
    (void)state;
    static const struct rig_row rows[] = {
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":\"2026-11-22T10:44:08Z\"}",
          "0 int 1 @2026-11-22T10:44:08Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":\"2026-11-22 10:44:08,5\"}",
          "0 int 1 @2026-11-22T10:44:08.500000Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":\"20261122T104408+0100\"}",
          "0 int 1 @2026-11-22T09:44:08Z" },
        { "time=json $.t\ntime_zone=+02:00", "json=$.v", "{\"v\":1,\"t\":\"2026-11-22T10:44\"}",
          "0 int 1 @2026-11-22T08:44:00Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":1763808248}",
          "0 int 1 @2025-11-22T10:44:08Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":1763808248123}",
          "0 int 1 @2025-11-22T10:44:08.123000Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":1763808248123456}",
          "0 int 1 @2025-11-22T10:44:08.123456Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":1763808248123456789}",
          "0 int 1 @2025-11-22T10:44:08.123456Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":\"1763808248.25\"}",
          "0 int 1 @2025-11-22T10:44:08.250000Z" },
        { "time=json $.t\ntime_format=%d.%m.%Y %H:%M:%S\ntime_zone=+01:00", "json=$.v",
          "{\"v\":1,\"t\":\"22.11.2026 10:44:08\"}", "0 int 1 @2026-11-22T09:44:08Z" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":12}", "0 int 1" },
        { "time=json $.t", "json=$.v", "{\"v\":1}", "0 int 1" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":\"yesterday\"}",
          "! json $.t: 'yesterday' is no time" },
        { "time=json $.t", "json=$.v", "{\"v\":1,\"t\":\"2026-02-31T10:44:08Z\"}",
          "! json $.t: '2026-02-31" },
        { "time=json $.t\ntime_format=unix", "json=$.v", "{\"v\":1,\"t\":1763808248123}",
          "! json $.t: a number is no time" },
        { "time=bytes 0 4", "bytes=4", "\x69\x21\x97\x40\x07", "0 int 7 @2025-11-22T10:58:08Z" },
    };
    ROWS(rows);
}

static void events(void **state)
{
    (void)state;
    struct rig rig;
    assert_int_equal(rig_device(&rig, ""), 0);
    assert_int_equal(rig_event(&rig, "door", "door {door} {what} {x}",
                               "match=DOOR (?<door>\\d+) (?<what>OPEN|SHUT)"),
                     0);
    rig_compile(&rig, "dev");
    assert_string_equal(rig_take(&rig, "DOOR 7 OPEN\nDOOR 8 SHUT", 23),
                        "door: door 7 OPEN {x}, door: door 8 SHUT {x}");
    assert_string_equal(rig_take(&rig, "WINDOW", 6), "nothing");
    rig_fini(&rig);
    assert_int_equal(rig_device(&rig, ""), 0);
    assert_int_equal(rig_event(&rig, "fault", "fault {code} since {since}",
                               "json=$.fault\narguments=code=$.fault.code, since=$.l[?(@.a==1)].b"),
                     0);
    rig_compile(&rig, "dev");
    static const char fault[] = "{\"fault\":{\"code\":7},\"l\":[{\"a\":1,\"b\":\"noon\"}]}";
    assert_string_equal(rig_take(&rig, fault, sizeof(fault) - 1), "fault: fault 7 since noon");
    assert_string_equal(rig_take(&rig, "{\"fault\":false}", 15), "nothing");
    assert_string_equal(rig_take(&rig, "{\"fault\":0}", 11), "nothing");
    assert_string_equal(rig_take(&rig, "{}", 2), "nothing");
    rig_fini(&rig);
}

/* Several takes on one message: what the first one took stays. */
static void shared_message(void **state)
{
    (void)state;
    struct rig rig;
    struct payload_taken first, second;
    struct payload_message message = { .body = (const uint8_t *)"{\"a\":\"x\",\"b\":2}",
                                       .size = 15 };
    assert_int_equal(rig_device(&rig, ""), 0);
    assert_int_equal(rig_point(&rig, "json=$.a", NULL), 0);
    assert_int_equal(rig_point(&rig, "json=$.b", NULL), 0);
    rig_compile(&rig, "dev");
    assert_int_equal(payload_reader_open(rig.reader, &message, NULL), 0);
    assert_int_equal(payload_reader_take(rig.reader, rig.program, 0, &first, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(payload_reader_take(rig.reader, rig.program, 0, &second, NULL), 0);
    }
    assert_int_equal(first.reading_count, 2);
    assert_ptr_not_equal(first.readings, second.readings);
    assert_memory_equal(first.readings[0].value.text.bytes, "x", 1);
    assert_int_equal(first.readings[1].value.i, 2);
    rig_fini(&rig);
}

/* Ten thousand devices of a profile: one shape, one program; not with {id} in it. */
static void shared_programs(void **state)
{
    (void)state;
    struct rig rig;
    struct payload_shape *shape;
    struct payload_program *program;
    assert_int_equal(rig_device(&rig, "time=json $.t"), 0);
    assert_int_equal(rig_point(&rig, "json=$.a", NULL), 0);
    assert_int_equal(rig_point(&rig, "json=$['{id}']", NULL), 0);
    rig_compile(&rig, "one");
    struct payload_rule_source rules[] = { { &rig.read[0], 0 }, { &rig.read[1], 1 } };
    assert_int_equal(payload_shape_get(rig.programs, &rig.device.settings, "two", &shape, NULL), 0);
    assert_ptr_equal(shape, rig.shape);
    assert_int_equal(
        payload_program_get(rig.programs, shape, "one", rules, 2, NULL, 0, &program, NULL), 0);
    assert_ptr_equal(program, rig.program);
    payload_program_drop(program);
    assert_int_equal(
        payload_program_get(rig.programs, shape, "two", rules, 2, NULL, 0, &program, NULL), 0);
    assert_ptr_not_equal(program, rig.program);
    payload_program_drop(program);
    payload_shape_drop(shape);
    rig_fini(&rig);
}

static void wrong_settings(void **state)
{
    (void)state;
    static const struct {
        const char *device, *point, *message;
    } rows[] = {
        { "", "json=$.a[", "json '$.a['" },
        { "", "json=$.a\ncsv=1", "both 'json' and 'csv' say where the value stands" },
        { "", "csv=0", "csv '0': there is no column 0" },
        { "", "match=^(a+)+$", "match '^(a+)+$': character 2: a repeat inside a repeat" },
        { "", "match=(a)\\1", "match '(a)\\1': character 4: back-references" },
        { "", "match=(a", "match '(a': character" },
        { "", "xml=//a:b", "xml '//a:b': character 4: a name with a namespace's prefix" },
        { "", "xml=//[", "xml '//[': no XPath" },
        { "", "about=topics", "about 'topics': 'topics' is not known" },
        { "", "about=header", "about 'header': which header?" },
        { "", "json=$.a\norder=ABCD", "'order' is of 'bytes' only" },
        { "", "json=$.a\ntype=uint16", "'type' says how bytes are written" },
        { "", "bytes=0\ntype=bcd", "'type' needs a 'length'" },
        { "", "bytes=0\ntype=uint8\nbit=9", "'bit' is not in that type" },
        { "", "bytes=0\nbits=x", "'bits' is no range of bits" },
        { "", "bytes=0\ntype=number", "'type' does not say how the value stands" },
        { "", "protobuf=$.a", "'protobuf' needs the message's type" },
        { "each=csv", "csv=temp", "'csv' is a column's name" },
        { "each=nothing", "", "each: 'nothing' does not begin with what the message is" },
        { "each=topic", "", "each: such a message has no parts" },
        { "id_from=json", "", "id_from: nothing follows 'json'" },
        { "time_format=uinx", "", "time_format: 'uinx' is no format of times" },
        { "time_zone=Berlin", "", "time_zone: 'Berlin' is no time zone" },
        { "separator=ab", "", "separator: not such a separator" },
        { "message=a.B", "", "message: " },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        int error = rig_device(&rig, rows[i].device);
        if (error == 0) {
            error = rig_point(&rig, rows[i].point, NULL);
        }
        assert_int_not_equal(error, 0);
        if (strncmp(rig.err.message, rows[i].message, strlen(rows[i].message)) != 0) {
            fail_msg("row %zu: '%s' instead of '%s'", i, rig.err.message, rows[i].message);
        }
        assert_true(rig.err.line > 0 || rows[i].device[0] == 'm');
        rig_fini(&rig);
    }
}

static void value_types(void **state)
{
    (void)state;
    static const struct {
        const char *point;
        uint8_t type;
    } rows[] = {
        { "json=$.a", VALUE_NONE },
        { "json=$.a\ntype=number", VALUE_DOUBLE },
        { "match=^A", VALUE_BOOL },
        { "match=^(A)", VALUE_NONE },
        { "bytes=0", VALUE_INT },
        { "bytes=0\nbit=1", VALUE_BOOL },
        { "bytes=0\ntype=float32", VALUE_DOUBLE },
        { "bytes=0\nlength=3", VALUE_TEXT },
        { "bytes=0\ntype=uint64", VALUE_NONE },
        { "text=all\ntype=bool", VALUE_BOOL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        uint8_t type = 99;
        assert_int_equal(rig_device(&rig, ""), 0);
        assert_int_equal(rig_point(&rig, rows[i].point, &type), 0);
        assert_int_equal(type, rows[i].type);
        rig_fini(&rig);
    }
}

static void too_long(void **state)
{
    (void)state;
    struct rig rig;
    char *body = calloc(1, PAYLOAD_BODY_MAX + 1);
    assert_int_equal(rig_device(&rig, "encoding=latin-1"), 0);
    assert_int_equal(rig_point(&rig, "text=all", NULL), 0);
    rig_compile(&rig, "dev");
    memset(body, 'a', PAYLOAD_BODY_MAX + 1);
    assert_memory_equal(rig_take(&rig, body, PAYLOAD_BODY_MAX + 1), "! a message of 1048577 bytes",
                        28);
    free(body);
    assert_memory_equal(
        rig_take_message(
            &rig,
            (struct payload_message){ .body = (const uint8_t *)"x", .size = 1, .encoding = "br" }),
        "! the encoding 'br' is not known", 31);
    rig_fini(&rig);
}

/* Content-Encoding: undone before any rule looks; data that is none refuses the message. */
static void compressed(void **state)
{
    (void)state;
    static const char text[] = "{\"t\": 21.5}";
    uint8_t packed[100];
    uLongf size = sizeof(packed);
    struct rig rig;
    assert_int_equal(compress(packed, &size, (const uint8_t *)text, sizeof(text) - 1), Z_OK);
    assert_int_equal(rig_device(&rig, ""), 0);
    assert_int_equal(rig_point(&rig, "json=$.t", NULL), 0);
    rig_compile(&rig, "dev");
    struct payload_message message = { .body = packed, .size = size, .encoding = "deflate" };
    assert_string_equal(rig_take_message(&rig, message), "0 double 21.5");
    message.size = size / 2;
    assert_int_equal(rig_take_message(&rig, message)[0], '!');
    assert_int_equal(rig.err.code, BUSBAR_EPROTO);
    message.size = size;
    message.encoding = "";
    assert_int_equal(rig_take_message(&rig, message)[0], '!');
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),
        cmocka_unit_test(elements),
        cmocka_unit_test(lines),
        cmocka_unit_test(xml),
        cmocka_unit_test(bytes),
        cmocka_unit_test(trees_of_other_formats),
        cmocka_unit_test(about),
        cmocka_unit_test(times),
        cmocka_unit_test(events),
        cmocka_unit_test(shared_message),
        cmocka_unit_test(shared_programs),
        cmocka_unit_test(wrong_settings),
        cmocka_unit_test(value_types),
        cmocka_unit_test(too_long),
        cmocka_unit_test(compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
