/* SPDX-License-Identifier: Apache-2.0 */
/* The port table as JSON and as firewall rules, and who holds a port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/ports.h"
#include "base/json.h"

/* Page on loopback, page for all, two protocols out, a serial line. */
static const struct port_table table = {
    .rows = { { .use = "page and REST",
                .transport = "tcp",
                .port = 8080,
                .address = "127.0.0.1",
                .in = true,
                .ours = true },
              { .use = "devices POST",
                .transport = "tcp",
                .port = 56789,
                .address = "::",
                .in = true,
                .firewall = true,
                .owner = { 42, "thief" },
                .conflict = "held by thief (process 42)" },
              { .use = "modbus",
                .transport = "tcp",
                .port = 502,
                .peer = "10.0.0.1 10.0.0.2 10.0.0.3 ... (9 devices)",
                .peers = 9,
                .firewall = true },
              { .use = "modbus", .transport = "serial", .peer = "/dev/ttyS0", .peers = 1 } },
    .count = 4,
};

static void nft_rules_are_for_what_crosses(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    ports_nft(&table, &out);
    assert_string_equal(
        buf_text(&out),
        "# rules for the running configuration; load them with: nft -f FILE\n"
        "table inet busbar {\n"
        "\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n"
        "\t\ttcp dport 56789 accept comment \"devices POST\"\n\t}\n"
        "\tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n"
        "\t\ttcp dport 502 accept comment \"modbus\"\n\t}\n"
        "}\n"
        "# tcp 8080 page and REST: on this machine only, no rule needed\n");
    buf_fini(&out);
}

static void ufw_commands_are_for_what_crosses(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    ports_ufw(&table, &out);
    assert_string_equal(buf_text(&out),
                        "# 8080/tcp page and REST: on this machine only, no rule needed\n"
                        "ufw allow in 56789/tcp comment 'devices POST'\n"
                        "ufw allow out 502/tcp comment 'modbus'\n");
    buf_fini(&out);
}

static void json_has_every_row(void **state)
{
    (void)state;
    struct buf out;
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = 1 << 16 };
    buf_init(&out, 1 << 16);
    ports_json(&table, &out);
    assert_int_equal(json_parse(buf_text(&out), out.size, &limits, &doc, NULL), 0);
    const struct json_value *rows = json_get(json_root(doc), "ports");
    assert_int_equal(json_size(rows), 4);
    const struct json_value *held = json_at(rows, 1);
    assert_string_equal(json_get_text(json_get(held, "conflict"), NULL),
                        "held by thief (process 42)");
    assert_string_equal(json_get_text(json_get(held, "direction"), NULL), "in");
    assert_string_equal(json_get_text(json_get(json_at(rows, 2), "direction"), NULL), "out");
    int64_t peers = 0;
    assert_int_equal(json_get_i64(json_get(json_at(rows, 2), "peers"), &peers), 0);
    assert_int_equal(peers, 9);
    bool cut = true;
    assert_int_equal(json_get_bool(json_get(json_root(doc), "cut"), &cut), 0);
    assert_false(cut);
    json_free(doc);
    buf_fini(&out);
}

/* A port of ours is found with our process; the same port in the table of another is a conflict. */
static void the_holder_of_a_port_is_named(void **state)
{
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    uint16_t port = ntohs(address.sin_port);
    assert_int_equal(port_owner_tcp(port).pid, 0); /* bound, but nobody listens */
    assert_int_equal(listen(fd, 1), 0);
    struct port_owner owner = port_owner_tcp(port);
    assert_int_equal(owner.pid, getpid());
    assert_true(owner.name[0] != '\0');

    struct port_table taken = {
        .rows = { { .use = "page and REST", .transport = "tcp", .port = port, .in = true } },
        .count = 1
    };
    ports_find_owners(&taken);
    assert_non_null(strstr(taken.rows[0].conflict, "held by "));
    taken.rows[0].ours = true;
    taken.rows[0].conflict[0] = '\0';
    ports_find_owners(&taken);
    assert_string_equal(taken.rows[0].conflict, "");
    close(fd);
    assert_int_equal(port_owner_tcp(port).pid, 0);
}

/* Sockets of one port at different addresses are told apart. */
static void the_holder_of_a_udp_port_is_named(void **state)
{
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = inet_addr("127.0.0.5");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    uint16_t port = ntohs(address.sin_port);
    assert_int_equal(port_owner_udp("127.0.0.5", port).pid, getpid());
    assert_int_equal(port_owner_udp("0.0.0.0", port).pid, getpid());
    assert_int_equal(port_owner_udp("127.0.0.6", port).pid, 0);
    assert_int_equal(port_owner_tcp(port).pid, 0); /* TCP is another matter */

    struct port_table taken = { .rows = { { .use = "BACnet network roof",
                                            .transport = "udp",
                                            .address = "127.0.0.5",
                                            .port = port,
                                            .in = true } },
                                .count = 1 };
    ports_find_owners(&taken);
    assert_non_null(strstr(taken.rows[0].conflict, "held by "));
    close(fd);
    assert_int_equal(port_owner_udp("127.0.0.5", port).pid, 0);
}

static void far_ports_are_not_looked_up(void **state)
{
    (void)state;
    struct port_table far = { .rows = { { .use = "modbus",
                                          .transport = "tcp",
                                          .port = 1,
                                          .peer = "10.0.0.1",
                                          .firewall = true } },
                              .count = 1 };
    ports_find_owners(&far);
    assert_int_equal(far.rows[0].owner.pid, 0);
    assert_string_equal(far.rows[0].conflict, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nft_rules_are_for_what_crosses),
        cmocka_unit_test(ufw_commands_are_for_what_crosses),
        cmocka_unit_test(json_has_every_row),
        cmocka_unit_test(the_holder_of_a_port_is_named),
        cmocka_unit_test(the_holder_of_a_udp_port_is_named),
        cmocka_unit_test(far_ports_are_not_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
