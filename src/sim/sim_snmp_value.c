/* SPDX-License-Identifier: Apache-2.0 */
/* What objects read: by what they are, by the type of the point and what its MIB says, and what was written. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "sim/sim_snmp_agent.h"

enum {
    HUNDREDTHS_US = 10000,
    SERVICES = 72, /* sysServices: of transport and applications */
    WRAP_SOON_S = 5,
    CHOICE_S = 60, /* a state lasts so long */
    MAC_SIZE = 6,
    DATE_SIZE = 8,
};

/* What was written to an object. */
struct sim_snmp_held {
    uint8_t tag;
    uint16_t size;
    uint8_t bytes[];
};

/* ---- contents ---- */

struct snmp_value sim_snmp_octets(struct bytes_out *scratch, uint8_t tag, const void *data,
                                  size_t size)
{
    uint8_t *at = scratch->at;
    bytes_put_block(scratch, data, size);
    return (struct snmp_value){ .tag = tag, .content = bytes_of(at, size) };
}

struct snmp_value sim_snmp_int(struct bytes_out *scratch, int64_t value)
{
    uint8_t bytes[8];
    size_t skip = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    }
    while (skip < 7 && ((bytes[skip] == 0 && bytes[skip + 1] < 0x80) ||
                        (bytes[skip] == 0xff && bytes[skip + 1] >= 0x80))) {
        skip++;
    }
    return sim_snmp_octets(scratch, BER_INTEGER, bytes + skip, sizeof(bytes) - skip);
}

struct snmp_value sim_snmp_uint(struct bytes_out *scratch, uint8_t tag, uint64_t value)
{
    uint8_t bytes[9] = { 0 };
    size_t skip = 0;
    for (size_t i = 1; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(value >> (64 - 8 * i));
    }
    while (skip < 8 && bytes[skip] == 0 && bytes[skip + 1] < 0x80) {
        skip++;
    }
    return sim_snmp_octets(scratch, tag, bytes + skip, sizeof(bytes) - skip);
}

static struct snmp_value text(struct bytes_out *scratch, const char *words)
{
    return sim_snmp_octets(scratch, BER_OCTETS, words, strlen(words));
}

/* ---- what a point's meaning makes of it ---- */

static uint8_t tag_of_type(enum snmp_type type)
{
    switch (type) {
    case SNMP_UNSIGNED: return BER_GAUGE32;
    case SNMP_COUNTER: return BER_COUNTER64;
    case SNMP_TICKS: return BER_TIMETICKS;
    case SNMP_TEXT:
    case SNMP_HEX:
    case SNMP_NUMBER:
    case SNMP_BITS:
    case SNMP_DATE: return BER_OCTETS;
    case SNMP_OID_TYPE: return BER_OID;
    case SNMP_ADDRESS: return BER_IP_ADDRESS;
    case SNMP_FLOAT: return BER_OPAQUE;
    default: return BER_INTEGER;
    }
}

uint8_t sim_snmp_value_tag(const struct snmp_meaning *meaning)
{
    switch (meaning->syntax) {
    case MIB_INTEGER: return BER_INTEGER;
    case MIB_UNSIGNED: return BER_GAUGE32;
    case MIB_COUNTER32: return BER_COUNTER32;
    case MIB_COUNTER64: return BER_COUNTER64;
    case MIB_TIMETICKS: return BER_TIMETICKS;
    case MIB_OCTETS:
    case MIB_BITS: return BER_OCTETS;
    case MIB_OID: return BER_OID;
    case MIB_IP_ADDRESS: return BER_IP_ADDRESS;
    case MIB_OPAQUE: return BER_OPAQUE;
    default: return tag_of_type(meaning->type);
    }
}

/* ---- time and counters ---- */

uint32_t sim_snmp_uptime(const struct sim_snmp_agent *agent, struct sim_snmp_now now)
{
    return (uint32_t)((now.mono_us - agent->boot_us) / HUNDREDTHS_US);
}

uint64_t sim_snmp_count(const struct sim_snmp_agent *agent, uint32_t seed, double rate,
                        unsigned bits, struct sim_snmp_now now)
{
    double period = 60.0 + (double)(seed % 240), turn = 2.0 * M_PI / period;
    double phase = (double)(seed % 1000) / 1000.0 * 2.0 * M_PI;
    double age = (double)(now.mono_us - agent->boot_us) / 1e6;
    /* Its rate swings between half and one and a half of what is usual. */
    double sum = rate * (age + 0.5 / turn * (cos(phase) - cos(turn * age + phase)));
    uint64_t count = (uint64_t)(sum > 0.0 ? sum : 0.0);
    if (agent->wrap_us != 0) {
        double then = (double)(agent->wrap_us - agent->boot_us) / 1e6;
        double soon = rate *
                      (then + WRAP_SOON_S + 0.5 / turn * (cos(phase) - cos(turn * then + phase)));
        count -= (uint64_t)(soon > 0.0 ? soon : 0.0);
    }
    return bits == 64 ? count : count & UINT32_MAX;
}

/* ---- living points ---- */

/* What is usual of the states that a MIB names: the one that says all is well, else the second where the first says
 * that nothing is known. */
static int64_t usual_state(const struct snmp_meaning *meaning)
{
    static const char *const well[] = { "up",      "ok", "normal", "running",       "active",
                                        "enabled", "on", "online", "batteryNormal", "idle",
                                        "true" };
    static const char *const unknown[] = { "unknown", "other", "unspecified" };
    for (size_t w = 0; w < sizeof(well) / sizeof(well[0]); w++) {
        for (uint16_t i = 0; i < meaning->enum_count; i++) {
            if (strcmp(meaning->enums[i].name, well[w]) == 0) {
                return meaning->enums[i].value;
            }
        }
    }
    for (size_t u = 0; u < sizeof(unknown) / sizeof(unknown[0]) && meaning->enum_count > 1; u++) {
        if (strcmp(meaning->enums[0].name, unknown[u]) == 0) {
            return meaning->enums[1].value;
        }
    }
    return meaning->enums[0].value;
}

/* Into the ranges that the MIB gives. */
static int64_t fit(const struct snmp_meaning *meaning, int64_t value)
{
    const struct mib_object *object = meaning->object;
    if (object == NULL || object->range_count == 0) {
        return value;
    }
    for (uint16_t i = 0; i < object->range_count; i++) {
        if (value >= object->ranges[i].low && value <= object->ranges[i].high) {
            return value;
        }
    }
    int64_t low = object->ranges[0].low, high = object->ranges[object->range_count - 1].high;
    return value < low ? low : high;
}

static double live_number(const struct sim_snmp_agent *agent, uint32_t point, int64_t wall_us)
{
    const struct point *pt = &agent->dev->points[point];
    uint8_t type;
    union value raw;
    double number = 0.0;
    sim_value_raw(&agent->values[point], pt, VALUE_DOUBLE, wall_us, &type, &raw);
    (void)value_number(type, raw, &number);
    return number;
}

static int64_t live_int(const struct sim_snmp_agent *agent, uint32_t point, struct sim_snmp_now now)
{
    const struct snmp_meaning *meaning = agent->addresses[point].meaning;
    bool boolean = meaning->type == SNMP_BOOL;
    if (boolean) {
        return live_number(agent, point, now.wall_us) != 0.0 ? 1 : 2;
    }
    if (meaning->object != NULL && meaning->object->enum_count > 0 && meaning->enum_count > 0) {
        return usual_state(meaning); /* states of the configuration's own change now and then */
    }
    double number = live_number(agent, point, now.wall_us);
    double divisor = meaning->divisor > 0.0 ? meaning->divisor : 1.0;
    return fit(meaning, (int64_t)fmin(fmax(round(number * divisor), -0x1p31), 0x1p31 - 1.0));
}

static struct snmp_value live_counter(const struct sim_snmp_agent *agent,
                                      const struct sim_snmp_object *object, struct sim_snmp_now now,
                                      struct bytes_out *scratch)
{
    uint32_t seed = agent->values[object->point].seed;
    double rate = 10.0 * (double)(1U << (seed % 14)); /* 10 to 80,000 a second */
    unsigned bits = object->tag == BER_COUNTER64 ? 64 : 32;
    return sim_snmp_uint(scratch, object->tag, sim_snmp_count(agent, seed, rate, bits, now));
}

static struct snmp_value date(struct bytes_out *scratch, int64_t wall_us)
{
    /* DateAndTime (RFC 2579) in UTC. Days to a date as in H. Hinnant's "chrono-compatible algorithms". */
    int64_t seconds = wall_us / 1000000, days = seconds / 86400, rest = seconds % 86400;
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2 ? 1 : 0);
    uint8_t bytes[DATE_SIZE] = { (uint8_t)(year >> 8),   (uint8_t)year,
                                 (uint8_t)month,         (uint8_t)(doy - (153 * mp + 2) / 5 + 1),
                                 (uint8_t)(rest / 3600), (uint8_t)(rest / 60 % 60),
                                 (uint8_t)(rest % 60),   0 };
    return sim_snmp_octets(scratch, BER_OCTETS, bytes, sizeof(bytes));
}

static bool is_hex(const struct snmp_meaning *meaning)
{
    return meaning->type == SNMP_HEX || strncmp(meaning->hint, "1x:", 3) == 0;
}

static struct snmp_value live_octets(const struct sim_snmp_agent *agent, uint32_t point,
                                     struct sim_snmp_now now, struct bytes_out *scratch)
{
    const struct point *pt = &agent->dev->points[point];
    const struct snmp_meaning *meaning = agent->addresses[point].meaning;
    const struct mib_object *object = meaning->object;
    uint32_t seed = agent->values[point].seed;
    char words[SIM_SNMP_VALUE_MAX];
    if (meaning->type == SNMP_DATE || strncmp(meaning->hint, "2d-1d-1d", 8) == 0) {
        return date(scratch, now.wall_us);
    }
    if (meaning->type == SNMP_BITS || meaning->syntax == MIB_BITS) {
        uint8_t bits = (uint8_t)(1U
                                 << (7 - (unsigned)(now.wall_us / 1000000 / CHOICE_S + seed) % 3));
        return sim_snmp_octets(scratch, BER_OCTETS, &bits, 1);
    }
    if (is_hex(meaning)) {
        uint8_t mac[MAC_SIZE] = {
            0x02,         0, (uint8_t)(seed >> 24), (uint8_t)(seed >> 16), (uint8_t)(seed >> 8),
            (uint8_t)seed
        };
        return sim_snmp_octets(scratch, BER_OCTETS, mac, sizeof(mac));
    }
    if (meaning->type == SNMP_NUMBER) {
        str_format_double(words, sizeof(words), live_number(agent, point, now.wall_us));
        return text(scratch, words);
    }
    size_t size = sim_value_text(&agent->values[point], pt, words, sizeof(words));
    if (object != NULL && object->range_count > 0 &&
        (int64_t)size > object->ranges[object->range_count - 1].high) {
        size = (size_t)object->ranges[object->range_count - 1].high;
    }
    return sim_snmp_octets(scratch, BER_OCTETS, words, size);
}

/* A float in an Opaque, as net-snmp has them: 9f 78 04 and four octets. */
static struct snmp_value live_float(const struct sim_snmp_agent *agent, uint32_t point,
                                    int64_t wall_us, struct bytes_out *scratch)
{
    uint8_t bytes[7] = { 0x9f, 0x78, 4 };
    struct bytes_out out = bytes_out_of(bytes + 3, 4);
    bytes_put_f32(&out, (float)live_number(agent, point, wall_us));
    return sim_snmp_octets(scratch, BER_OPAQUE, bytes, sizeof(bytes));
}

static void read_point(const struct sim_snmp_agent *agent, const struct sim_snmp_object *object,
                       struct sim_snmp_now now, struct bytes_out *scratch, struct snmp_value *out)
{
    static const uint8_t zero_dot_zero[] = { 0 };
    uint32_t seed = agent->values[object->point].seed;
    uint8_t ip[4] = { 192, 0, 2, (uint8_t)(1 + seed % 254) }; /* for documentation, RFC 5737 */
    switch (object->tag) {
    case BER_COUNTER32:
    case BER_COUNTER64: *out = live_counter(agent, object, now, scratch); break;
    case BER_GAUGE32: {
        int64_t value = live_int(agent, object->point, now);
        *out = sim_snmp_uint(scratch, BER_GAUGE32, (uint64_t)(value > 0 ? value : 0));
        break;
    }
    case BER_TIMETICKS:
        *out = sim_snmp_uint(scratch, BER_TIMETICKS, sim_snmp_uptime(agent, now));
        break;
    case BER_OCTETS: *out = live_octets(agent, object->point, now, scratch); break;
    case BER_OID:
        *out = sim_snmp_octets(scratch, BER_OID, zero_dot_zero, sizeof(zero_dot_zero));
        break;
    case BER_IP_ADDRESS: *out = sim_snmp_octets(scratch, BER_IP_ADDRESS, ip, sizeof(ip)); break;
    case BER_OPAQUE: *out = live_float(agent, object->point, now.wall_us, scratch); break;
    default: *out = sim_snmp_int(scratch, live_int(agent, object->point, now)); break;
    }
}

/* ---- what every agent has ---- */

static void read_system(const struct sim_snmp_agent *agent, unsigned number,
                        struct sim_snmp_now now, struct bytes_out *scratch, struct snmp_value *out)
{
    /* 1.3.6.1.4.1.32473.1.1 */
    static const uint8_t id[] = { 0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 1, 1 };
    const struct device *dev = agent->dev;
    char words[SIM_SNMP_VALUE_MAX];
    switch (number) {
    case 1:
        str_format(words, sizeof(words), "%s, simulated by busbar",
                   dev->title[0] != '\0' ? dev->title : dev->name);
        *out = text(scratch, words);
        break;
    case 2: *out = sim_snmp_octets(scratch, BER_OID, id, sizeof(id)); break;
    case 3: *out = sim_snmp_uint(scratch, BER_TIMETICKS, sim_snmp_uptime(agent, now)); break;
    case 4: *out = text(scratch, "nobody@example.com"); break;
    case 5: *out = text(scratch, dev->name); break;
    case 6: *out = text(scratch, dev->place); break;
    default: *out = sim_snmp_int(scratch, SERVICES); break;
    }
}

static void read_engine(const struct sim_snmp_agent *agent, unsigned number,
                        struct sim_snmp_now now, struct bytes_out *scratch, struct snmp_value *out)
{
    const struct usm_engine *engine = &agent->engine;
    switch (number) {
    case 1: *out = sim_snmp_octets(scratch, BER_OCTETS, engine->id, engine->size); break;
    case 2: *out = sim_snmp_int(scratch, (int64_t)engine->boots); break;
    case 3: *out = sim_snmp_int(scratch, (int64_t)usm_engine_now(engine, now.mono_us)); break;
    default: *out = sim_snmp_int(scratch, agent->size_max); break;
    }
}

static int64_t interfaces(const struct sim_snmp_agent *agent)
{
    int64_t count = 0;
    for (size_t i = 0; i < agent->row_count; i++) {
        count += agent->rows[i].interface ? 1 : 0;
    }
    return count;
}

/* ---- written ---- */

/* The same for the same object, also after its row got another number. */
static uint64_t key_of(const struct sim_snmp_object *object)
{
    uint32_t low = object->what == SIM_SNMP_POINT ? object->point : object->row;
    return (uint64_t)(object->what + 1U) << 48 | (uint64_t)object->column << 40 | low;
}

void sim_snmp_value_read(const struct sim_snmp_agent *agent, const struct sim_snmp_object *object,
                         struct sim_snmp_now now, struct bytes_out *scratch, struct snmp_value *out)
{
    const struct sim_snmp_held *held = agent->holds.count > 0
                                           ? map64_get(&agent->holds, key_of(object))
                                           : NULL;
    struct sim_snmp_now then = agent->frozen.mono_us != 0 ? agent->frozen : now;
    if (held != NULL) {
        *out = sim_snmp_octets(scratch, held->tag, held->bytes, held->size);
        return;
    }
    switch (object->what) {
    case SIM_SNMP_SYSTEM: read_system(agent, object->column, now, scratch, out); break;
    case SIM_SNMP_ENGINE: read_engine(agent, object->column, now, scratch, out); break;
    case SIM_SNMP_IF_NUMBER: *out = sim_snmp_int(scratch, interfaces(agent)); break;
    case SIM_SNMP_INTERFACE: sim_snmp_interface_read(agent, object, then, scratch, out); break;
    case SIM_SNMP_ROW_NAME: *out = text(scratch, agent->rows[object->row].text); break;
    default: read_point(agent, object, then, scratch, out); break;
    }
}

static int32_t check_ranges(const struct snmp_meaning *meaning, int64_t number, int32_t status)
{
    return meaning->object == NULL || fit(meaning, number) == number ? SNMP_NO_ERROR : status;
}

static int32_t check_meaning(const struct snmp_meaning *meaning, const struct snmp_value *value)
{
    int64_t number = 0;
    uint64_t count = 0;
    if (value->tag == BER_OCTETS) {
        return check_ranges(meaning, (int64_t)bytes_left(&value->content), SNMP_WRONG_LENGTH);
    }
    if (value->tag != BER_INTEGER) {
        return value->tag != BER_GAUGE32 || !ber_uint(value->content, &count)
                   ? SNMP_NO_ERROR
                   : check_ranges(meaning, (int64_t)count, SNMP_WRONG_VALUE);
    }
    if (!ber_int(value->content, &number)) {
        return SNMP_WRONG_ENCODING;
    }
    for (uint16_t i = 0; i < meaning->enum_count; i++) {
        if (meaning->enums[i].value == number) {
            return SNMP_NO_ERROR;
        }
    }
    return meaning->enum_count > 0 ? SNMP_WRONG_VALUE
                                   : check_ranges(meaning, number, SNMP_WRONG_VALUE);
}

int32_t sim_snmp_value_check(const struct sim_snmp_agent *agent,
                             const struct sim_snmp_object *object, const struct snmp_value *value)
{
    int64_t number;
    if (!object->writable) {
        return SNMP_NOT_WRITABLE;
    }
    if (value->tag != object->tag) {
        return SNMP_WRONG_TYPE;
    }
    if (bytes_left(&value->content) > SIM_SNMP_VALUE_MAX) {
        return SNMP_WRONG_LENGTH;
    }
    if (object->point != SIM_SNMP_NO_POINT) {
        return check_meaning(agent->addresses[object->point].meaning, value);
    }
    bool state = value->tag == BER_INTEGER; /* ifAdminStatus, ifLinkUpDownTrapEnable */
    return !state || (ber_int(value->content, &number) && number >= 1 && number <= 2)
               ? SNMP_NO_ERROR
               : SNMP_WRONG_VALUE;
}

int sim_snmp_value_make(const struct sim_snmp_object *object, const struct snmp_meaning *meaning,
                        const struct mib *mib, const struct sample *sample, uint8_t *room,
                        size_t room_size, struct snmp_value *out)
{
    struct bytes_out scratch = bytes_out_of(room, room_size);
    struct err err;
    double number = 0.0;
    bool counts = object->tag == BER_COUNTER32 || object->tag == BER_COUNTER64 ||
                  object->tag == BER_TIMETICKS;
    if (!counts) {
        return snmp_value_write(meaning, mib, sample, room, room_size, out, &err);
    }
    double limit = object->tag == BER_COUNTER64 ? 0x1p64 : 0x1p32;
    if (object->tag == BER_TIMETICKS) {
        limit /= 100.0; /* a point has seconds */
    }
    if (!value_number(sample->type, sample->value, &number) || number < 0.0 || number >= limit) {
        return BUSBAR_ERANGE;
    }
    uint64_t raw = object->tag == BER_TIMETICKS ? (uint64_t)(number * 100.0)
                   : sample->type == VALUE_INT  ? (uint64_t)sample->value.i
                                                : (uint64_t)number;
    *out = sim_snmp_uint(&scratch, object->tag, raw);
    return 0;
}

void sim_snmp_value_hold(struct sim_snmp_agent *agent, const struct sim_snmp_object *object,
                         const struct snmp_value *value, struct sim_snmp_now now)
{
    struct sim_snmp_held *held = NULL;
    if (value != NULL) {
        size_t size = bytes_left(&value->content);
        held = busbar_alloc(sizeof(*held) + size);
        held->tag = value->tag;
        held->size = (uint16_t)size;
        if (size > 0) {
            memcpy(held->bytes, value->content.at, size);
        }
        busbar_free(map64_set(&agent->holds, key_of(object), held));
    } else {
        busbar_free(map64_remove(&agent->holds, key_of(object)));
    }
    if (object->what == SIM_SNMP_INTERFACE) {
        agent->rows[object->row].changed_us = now.mono_us;
    }
    if (agent->written != NULL) {
        agent->written(agent->ctx, object);
    }
}
