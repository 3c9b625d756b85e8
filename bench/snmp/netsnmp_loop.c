/* SPDX-License-Identifier: Apache-2.0 */
/* The peer: a manager on the net-snmp library, as lean as it allows. One session an agent, opened once; GETs of all OIDs
 * in one message, sent asynchronously, a window of them under way; epoll tells which sessions have answers, so nothing
 * is searched for. Values are decoded by the library and forgotten.
 *
 *   bench_snmp_loop FIRST_HOST AGENTS PORT SECONDS OID...
 *
 * Hosts follow FIRST_HOST as in trap_sender.c. Prints varbinds read and microseconds of CPU. */
#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/large_fd_set.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { OCTETS = 250, WINDOW = 256, OIDS_MAX = 64, AGENTS_MAX = 10000, EVENTS = 64 };

struct agent {
    void *session;
    int fd;
    bool asked;
};

struct loop {
    struct agent *agents;
    size_t count, next, open;
    oid oids[OIDS_MAX][MAX_OID_LEN];
    size_t sizes[OIDS_MAX], oid_count;
    unsigned long long varbinds, lost;
    int epoll;
    netsnmp_large_fd_set ready;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static int answered(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *ctx);

static void open_agent(struct loop *loop, size_t number, uint32_t first, const char *port)
{
    struct in_addr ip = { .s_addr = htonl(first +
                                          (uint32_t)(number / OCTETS * 256 + number % OCTETS)) };
    char peer[64];
    netsnmp_session wanted;
    struct agent *agent = &loop->agents[number];
    snprintf(peer, sizeof(peer), "udp:%s:%s", inet_ntoa(ip), port);
    snmp_sess_init(&wanted);
    wanted.version = SNMP_VERSION_2c;
    wanted.peername = peer;
    wanted.community = (u_char *)(uintptr_t) "public";
    wanted.community_len = 6;
    wanted.timeout = 1500000;
    wanted.retries = 2;
    agent->session = snmp_sess_open(&wanted);
    if (agent->session == NULL) {
        fail("a session cannot be opened");
    }
    agent->fd = snmp_sess_transport(agent->session)->sock;
    struct epoll_event event = { .events = EPOLLIN, .data = { .u64 = number } };
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, agent->fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

/* What is asked next, with the loop as its context. */
struct asked {
    struct loop *loop;
    struct agent *agent;
};
static struct asked *all_asked;

static void ask(struct loop *loop)
{
    size_t number = loop->next;
    struct agent *agent = &loop->agents[number];
    loop->next = (loop->next + 1) % loop->count;
    if (agent->asked) {
        return; /* it has not answered in a whole round */
    }
    netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET);
    for (size_t i = 0; i < loop->oid_count; i++) {
        snmp_add_null_var(pdu, loop->oids[i], loop->sizes[i]);
    }
    all_asked[number] = (struct asked){ .loop = loop, .agent = agent };
    if (snmp_sess_async_send(agent->session, pdu, answered, &all_asked[number]) == 0) {
        snmp_free_pdu(pdu);
        return;
    }
    agent->asked = true;
    loop->open++;
}

static int answered(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *ctx)
{
    struct asked *asked = ctx;
    (void)session;
    (void)id;
    if (!asked->agent->asked) {
        return 1;
    }
    asked->agent->asked = false;
    asked->loop->open--;
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        asked->loop->lost++;
        return 1;
    }
    for (const netsnmp_variable_list *at = pdu->variables; at != NULL; at = at->next_variable) {
        asked->loop->varbinds += at->type < SNMP_NOSUCHOBJECT ? 1 : 0;
    }
    return 1;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void turn(struct loop *loop)
{
    struct epoll_event events[EVENTS];
    for (size_t i = 0; loop->open < WINDOW && i < loop->count; i++) {
        ask(loop);
    }
    int count = epoll_wait(loop->epoll, events, EVENTS, 100);
    for (int i = 0; i < count; i++) {
        struct agent *agent = &loop->agents[events[i].data.u64];
        netsnmp_large_fd_setfd(agent->fd, &loop->ready);
        (void)snmp_sess_read2(agent->session, &loop->ready);
        netsnmp_large_fd_clr(agent->fd, &loop->ready);
    }
    if (count == 0) {
        for (size_t i = 0; i < loop->count; i++) {
            snmp_sess_timeout(loop->agents[i].session);
        }
    }
}

int main(int argc, char **argv)
{
    struct loop loop = { 0 };
    struct rusage usage;
    struct in_addr first;
    if (argc < 6 || argc - 5 > OIDS_MAX || inet_pton(AF_INET, argv[1], &first) != 1) {
        fail("usage: bench_snmp_loop FIRST_HOST AGENTS PORT SECONDS OID...");
    }
    loop.count = (size_t)strtol(argv[2], NULL, 10);
    if (loop.count == 0 || loop.count > AGENTS_MAX) {
        fail("1 to 10000 agents");
    }
    setenv("MIBS", "", 1); /* OIDs are numbers */
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
    init_snmp("bench");
    loop.agents = calloc(loop.count, sizeof(*loop.agents));
    all_asked = calloc(loop.count, sizeof(*all_asked));
    loop.epoll = epoll_create1(0);
    netsnmp_large_fd_set_init(&loop.ready, 65536);
    for (int i = 5; i < argc; i++) {
        loop.sizes[loop.oid_count] = MAX_OID_LEN;
        if (read_objid(argv[i], loop.oids[loop.oid_count], &loop.sizes[loop.oid_count]) == 0) {
            fail("an OID is wrong");
        }
        loop.oid_count++;
    }
    for (size_t i = 0; i < loop.count; i++) {
        open_agent(&loop, i, ntohl(first.s_addr), argv[3]);
    }
    getrusage(RUSAGE_SELF, &usage);
    int64_t before = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    int64_t end = now_us() + (int64_t)(strtod(argv[4], NULL) * 1e6);
    while (now_us() < end) {
        turn(&loop);
    }
    getrusage(RUSAGE_SELF, &usage);
    int64_t after = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                    usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    printf("%llu %lld %llu\n", loop.varbinds, (long long)(after - before), loop.lost);
    return 0; /* sessions end with the process */
}
