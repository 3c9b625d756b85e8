/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces: the columns of ifTable and ifXTable (RFC 2863), which agree with one another: the 32 bits of ifInOctets
 * are the lower half of ifHCInOctets. What nothing is plugged into is down and counts nothing. */
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "sim/sim_snmp_agent.h"

#define C32 BER_COUNTER32
#define C64 BER_COUNTER64
const struct sim_snmp_column sim_snmp_columns[] = {
    { 0, 1, BER_INTEGER, false },    /* ifIndex */
    { 0, 2, BER_OCTETS, false },     /* ifDescr */
    { 0, 3, BER_INTEGER, false },    /* ifType */
    { 0, 4, BER_INTEGER, false },    /* ifMtu */
    { 0, 5, BER_GAUGE32, false },    /* ifSpeed */
    { 0, 6, BER_OCTETS, false },     /* ifPhysAddress */
    { 0, 7, BER_INTEGER, true },     /* ifAdminStatus */
    { 0, 8, BER_INTEGER, false },    /* ifOperStatus */
    { 0, 9, BER_TIMETICKS, false },  /* ifLastChange */
    { 0, 10, C32, false },           /* ifInOctets */
    { 0, 11, C32, false },           /* ifInUcastPkts */
    { 0, 13, C32, false },           /* ifInDiscards */
    { 0, 14, C32, false },           /* ifInErrors */
    { 0, 15, C32, false },           /* ifInUnknownProtos */
    { 0, 16, C32, false },           /* ifOutOctets */
    { 0, 17, C32, false },           /* ifOutUcastPkts */
    { 0, 19, C32, false },           /* ifOutDiscards */
    { 0, 20, C32, false },           /* ifOutErrors */
    { 1, 1, BER_OCTETS, false },     /* ifName */
    { 1, 2, C32, false },            /* ifInMulticastPkts */
    { 1, 3, C32, false },            /* ifInBroadcastPkts */
    { 1, 4, C32, false },            /* ifOutMulticastPkts */
    { 1, 5, C32, false },            /* ifOutBroadcastPkts */
    { 1, 6, C64, false },            /* ifHCInOctets */
    { 1, 7, C64, false },            /* ifHCInUcastPkts */
    { 1, 8, C64, false },            /* ifHCInMulticastPkts */
    { 1, 9, C64, false },            /* ifHCInBroadcastPkts */
    { 1, 10, C64, false },           /* ifHCOutOctets */
    { 1, 11, C64, false },           /* ifHCOutUcastPkts */
    { 1, 12, C64, false },           /* ifHCOutMulticastPkts */
    { 1, 13, C64, false },           /* ifHCOutBroadcastPkts */
    { 1, 14, BER_INTEGER, true },    /* ifLinkUpDownTrapEnable */
    { 1, 15, BER_GAUGE32, false },   /* ifHighSpeed */
    { 1, 16, BER_INTEGER, false },   /* ifPromiscuousMode */
    { 1, 17, BER_INTEGER, false },   /* ifConnectorPresent */
    { 1, 18, BER_OCTETS, true },     /* ifAlias */
    { 1, 19, BER_TIMETICKS, false }, /* ifCounterDiscontinuityTime */
};
#undef C32
#undef C64
const size_t sim_snmp_column_count = sizeof(sim_snmp_columns) / sizeof(sim_snmp_columns[0]);

enum { MEGABIT = 1000, ETHERNET = 6, MTU = 1500, TRUE = 1, FALSE = 2, EXTENDED = 100 };

/* What counts how fast: octets of a second where the interface is busy as this one, a share of that else. */
struct flow {
    uint8_t table,
        extended; /* columns with the lower and all bits; 0: none. EXTENDED + n: of ifXTable */
    bool out;
    double share;
};

#define PACKET (1.0 / 640.0)
static const struct flow flows[] = {
    { 10, EXTENDED + 6, false, 1.0 },
    { 16, EXTENDED + 10, true, 1.0 },
    { 11, EXTENDED + 7, false, PACKET },
    { 17, EXTENDED + 11, true, PACKET },
    { EXTENDED + 2, EXTENDED + 8, false, PACKET / 50.0 },
    { EXTENDED + 4, EXTENDED + 12, true, PACKET / 50.0 },
    { EXTENDED + 3, EXTENDED + 9, false, PACKET / 200.0 },
    { EXTENDED + 5, EXTENDED + 13, true, PACKET / 200.0 },
    { 13, 0, false, PACKET / 100000.0 },
    { 14, 0, false, PACKET / 1000000.0 },
    { 19, 0, true, PACKET / 100000.0 },
};

uint8_t sim_snmp_column_find(uint8_t extended, uint8_t number)
{
    uint8_t at = 0;
    while (sim_snmp_columns[at].extended != extended || sim_snmp_columns[at].number != number) {
        at++;
    }
    return at;
}

static uint64_t count(const struct sim_snmp_agent *agent, const struct sim_snmp_object *object,
                      unsigned number, struct sim_snmp_now now)
{
    const struct sim_snmp_row *row = &agent->rows[object->row];
    unsigned bits = object->tag == BER_COUNTER64 ? 64 : 32;
    for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
        if ((flows[i].table == number || flows[i].extended == number) && !row->down) {
            uint32_t seed = row->seed + (flows[i].out ? 1 : 0);
            /* 20 kB/s to 20 MB/s, as many slow as fast ones */
            double busy = 20000.0 * (double)(1U << (hash_u64(seed) % 11));
            return sim_snmp_count(agent, seed, busy * flows[i].share, bits, now);
        }
    }
    return 0;
}

static struct snmp_value text(struct bytes_out *scratch, const char *words)
{
    return sim_snmp_octets(scratch, BER_OCTETS, words, strlen(words));
}

/* ifAlias where a point names the row by it, else ifName and ifDescr are what it is named by. */
static bool by_alias(const struct sim_snmp_row *row)
{
    static const uint8_t alias[] = { 0x2b, 6, 1, 2, 1, 0x1f, 1, 1, 1, 18 };
    return snmp_oid_equal(row->column, (struct snmp_oid){ .bytes = alias, .size = sizeof(alias) });
}

static void read_name(const struct sim_snmp_object *object, const struct sim_snmp_row *row,
                      struct bytes_out *scratch, struct snmp_value *out)
{
    char words[32];
    str_format(words, sizeof(words), "port%u", (unsigned)object->row + 1);
    *out = text(scratch, by_alias(row) ? words : row->text);
}

static void read_address(const struct sim_snmp_row *row, struct bytes_out *scratch,
                         struct snmp_value *out)
{
    uint8_t mac[6] = { 0x02,
                       0,
                       (uint8_t)(row->seed >> 24),
                       (uint8_t)(row->seed >> 16),
                       (uint8_t)(row->seed >> 8),
                       (uint8_t)row->seed };
    *out = sim_snmp_octets(scratch, BER_OCTETS, mac, sizeof(mac));
}

static void read_change(const struct sim_snmp_agent *agent, const struct sim_snmp_row *row,
                        struct bytes_out *scratch, struct snmp_value *out)
{
    int64_t since_us = row->changed_us > agent->boot_us ? row->changed_us - agent->boot_us : 0;
    *out = sim_snmp_uint(scratch, BER_TIMETICKS, (uint32_t)(since_us / 10000));
}

void sim_snmp_interface_read(const struct sim_snmp_agent *agent,
                             const struct sim_snmp_object *object, struct sim_snmp_now now,
                             struct bytes_out *scratch, struct snmp_value *out)
{
    const struct sim_snmp_column *column = &sim_snmp_columns[object->column];
    const struct sim_snmp_row *row = &agent->rows[object->row];
    unsigned number = column->number + (column->extended != 0 ? (unsigned)EXTENDED : 0U);
    switch (number) {
    case 1: *out = sim_snmp_int(scratch, (int64_t)row->index); break;
    case 2: read_name(object, row, scratch, out); break;
    case 3: *out = sim_snmp_int(scratch, ETHERNET); break;
    case 4: *out = sim_snmp_int(scratch, MTU); break;
    case 5: *out = sim_snmp_uint(scratch, BER_GAUGE32, MEGABIT * 1000000U); break;
    case 6: read_address(row, scratch, out); break;
    case 7: *out = sim_snmp_int(scratch, SIM_SNMP_UP); break;
    case 8: *out = sim_snmp_int(scratch, row->down ? SIM_SNMP_DOWN : SIM_SNMP_UP); break;
    case 9:
    case EXTENDED + 19: read_change(agent, row, scratch, out); break;
    case EXTENDED + 1: read_name(object, row, scratch, out); break;
    case EXTENDED + 14: *out = sim_snmp_int(scratch, TRUE); break;
    case EXTENDED + 15: *out = sim_snmp_uint(scratch, BER_GAUGE32, MEGABIT); break;
    case EXTENDED + 16: *out = sim_snmp_int(scratch, FALSE); break;
    case EXTENDED + 17: *out = sim_snmp_int(scratch, TRUE); break;
    case EXTENDED + 18: *out = text(scratch, by_alias(row) ? row->text : ""); break;
    default: *out = sim_snmp_uint(scratch, object->tag, count(agent, object, number, now)); break;
    }
}
