/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text, *host;
    uint16_t port;
    const char *path, *whole;
} good[] = {
    { "opc.tcp://10.0.3.5", "10.0.3.5", 48250, "", "opc.tcp://10.0.3.5:48250" },
    { "opc.tcp://10.0.3.5:4840/", "10.0.3.5", 4840, "", "opc.tcp://10.0.3.5:4840" },
    { "opc.tcp://press_1/UA?x=1", "press_1", 48250, "/UA?x=1", "opc.tcp://press_1:48250/UA?x=1" },
    { "Opc.Tcp://press/a:b", "press", 48250, "/a:b", "opc.tcp://press:48250/a:b" },
    { "opc.tcp://[fd00::5]", "fd00::5", 48250, "", "opc.tcp://[fd00::5]:48250" },
    { "opc.tcp://[fe80::1%eth0]:1/x", "fe80::1%eth0", 1, "/x", "opc.tcp://[fe80::1%eth0]:1/x" },
    { "10.0.3.5:65535", "10.0.3.5", 65535, "", "opc.tcp://10.0.3.5:65535" },
    { "press", "press", 48250, "", "opc.tcp://press:48250" },
};

static void read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct opcua_url url;
        struct opcua_url again;
        struct err err = { 0 };
        struct buf out;
        assert_int_equal(opcua_url_parse(good[i].text, OPCUA_PORT, &url, &err), 0);
        assert_string_equal(url.host, good[i].host);
        assert_int_equal(url.port, good[i].port);
        assert_string_equal(url.path, good[i].path);
        buf_init(&out, 2048);
        opcua_url_print(&url, &out);
        assert_string_equal(buf_text(&out), good[i].whole);
        assert_int_equal(opcua_url_parse(buf_text(&out), 1, &again, &err), 0);
        assert_string_equal(again.host, url.host);
        assert_int_equal(again.port, url.port);
        buf_fini(&out);
    }
}

static const struct {
    const char *text;
    int column;
    const char *says;
} bad[] = {
    { "", 1, "host is missing" },
    { "opc.tcp://", 11, "host is missing" },
    { "opc.tcp:///x", 11, "host is missing" },
    { "opc.tcp://:4840", 11, "host is missing" },
    { "http://press", 1, "'opc.tcp://' only" },
    { "opc.https://press", 1, "'opc.tcp://' only" },
    { "opc.tcp://user:pw@press", 16, "a port" },
    { "opc.tcp://user@press", 11, "'user:'" },
    { "opc.tcp://press:0", 17, "a port" },
    { "opc.tcp://press:65536", 17, "a port" },
    { "opc.tcp://press:", 17, "a port" },
    { "opc.tcp://press:48x", 19, "follow the host" },
    { "opc.tcp://[fd00::5", 11, "']'" },
    { "opc.tcp://[]", 12, "host is missing" },
    { "opc.tcp://[press]", 11, "nothing else" },
    { "opc.tcp://[1%eth0]", 11, "nothing else" },
    { "opc.tcp://[fd00::g]", 18, "into a host" },
    { "opc.tcp://[fd00::5]x", 20, "follow the host" },
    { "opc.tcp://fd00::5", 11, "brackets" },
    { "opc.tcp://fd00::5/x", 11, "brackets" },
    { "opc.tcp://pre ss", 14, "into a host" },
    { "opc.tcp://press/a b", 18, "a space" },
    { "opc.tcp://\xff", 11, "into a host" },
};

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct opcua_url url;
        struct err err = { 0 };
        assert_int_equal(opcua_url_parse(bad[i].text, OPCUA_PORT, &url, &err), BUSBAR_EINVAL);
        if (strstr(err.message, bad[i].says) == NULL || err.column != bad[i].column) {
            fail_msg("'%s': column %d: %s", bad[i].text, err.column, err.message);
        }
        assert_non_null(strstr(err.hint, "opc.tcp://10.0.3.5"));
    }
}

static void limits(void **state)
{
    (void)state;
    char text[OPCUA_URL_MAX + 2];
    struct opcua_url url;
    struct err err = { 0 };
    memset(text, 'a', sizeof(text));
    text[OPCUA_HOST_MAX] = '\0';
    assert_int_equal(opcua_url_parse(text, OPCUA_PORT, &url, &err), 0);
    text[OPCUA_HOST_MAX] = 'a';
    text[OPCUA_HOST_MAX + 1] = '\0';
    assert_int_equal(opcua_url_parse(text, OPCUA_PORT, &url, &err), BUSBAR_EINVAL);
    text[OPCUA_HOST_MAX] = '/';
    memset(text + OPCUA_HOST_MAX + 1, 'a', sizeof(text) - OPCUA_HOST_MAX - 1);
    text[OPCUA_URL_MAX] = '\0';
    assert_int_equal(opcua_url_parse(text, OPCUA_PORT, &url, &err), 0);
    text[OPCUA_URL_MAX] = 'a';
    text[OPCUA_URL_MAX + 1] = '\0';
    assert_int_equal(opcua_url_parse(text, OPCUA_PORT, &url, &err), BUSBAR_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_and_written),
        cmocka_unit_test(refused),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
