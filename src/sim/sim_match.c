/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_match.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { DEPTH_MAX = 20, CLASS_MAX = 128, REPEAT_MAX = 64 };

struct maker {
    const char *at;
    const struct sim_match_value *values;
    size_t count;
    uint64_t *random;
    struct buf *out;
    const char *main_name; /* of the group that takes the value without a name; NULL: the first */
    unsigned groups, depth;
    bool quiet; /* passes over without writing */
    int error;
};

static uint64_t draw(struct maker *maker, uint64_t below)
{
    return below == 0 ? 0 : hash_random(maker->random) % below;
}

static void put(struct maker *maker, char c)
{
    if (!maker->quiet) {
        (void)buf_append_byte(maker->out, (uint8_t)c);
    }
}

/* ---- classes ---- */

struct set {
    char chars[CLASS_MAX];
    size_t count;
    bool has[CLASS_MAX];
};

static void add_char(struct set *set, int c)
{
    if (c > 0 && c < CLASS_MAX) {
        set->has[c] = true;
    }
}

static void add_range(struct set *set, int from, int to)
{
    for (int c = from; c <= to; c++) {
        add_char(set, c);
    }
}

/* \d \w \s as a set; false: another letter, which stands for itself. */
static bool add_named(struct set *set, char name)
{
    switch (name) {
    case 'd': add_range(set, '0', '9'); return true;
    case 'w':
        add_range(set, '0', '9');
        add_range(set, 'a', 'z');
        return true;
    case 's': add_char(set, ' '); return true;
    case 'S':
    case 'D':
    case 'W': add_range(set, name == 'W' ? '!' : 'a', name == 'W' ? '/' : 'z'); return true;
    default: return false;
    }
}

static int escaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

static void read_class(struct maker *maker, struct set *set)
{
    bool negated = *maker->at == '^';
    maker->at += negated ? 1 : 0;
    for (bool first = true; *maker->at != '\0' && (first || *maker->at != ']'); first = false) {
        int c = (unsigned char)*maker->at++;
        if (c == '\\' && *maker->at != '\0') {
            char name = *maker->at++;
            if (add_named(set, name)) {
                continue;
            }
            c = escaped(name);
        }
        if (maker->at[0] == '-' && maker->at[1] != ']' && maker->at[1] != '\0') {
            add_range(set, c, (unsigned char)maker->at[1]);
            maker->at += 2;
        } else {
            add_char(set, c);
        }
    }
    if (*maker->at != ']') {
        maker->error = BUSBAR_ESYNTAX;
        return;
    }
    maker->at++;
    if (negated) {
        for (int c = 0; c < CLASS_MAX; c++) {
            set->has[c] = !set->has[c] && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
        }
    }
}

static void put_one(struct maker *maker, struct set *set)
{
    set->count = 0;
    for (int c = 0; c < CLASS_MAX; c++) {
        if (set->has[c]) {
            set->chars[set->count++] = (char)c;
        }
    }
    if (set->count > 0) {
        put(maker, set->chars[draw(maker, set->count)]);
    }
}

/* ---- groups ---- */

static void alternatives(struct maker *maker);

/* What the group is to hold; NULL: it is drawn. */
static const char *value_of(const struct maker *maker, const char *name, size_t size,
                            unsigned number)
{
    for (size_t i = 0; i < maker->count; i++) {
        const struct sim_match_value *value = &maker->values[i];
        bool named = value->name != NULL && strlen(value->name) == size &&
                     memcmp(value->name, name, size) == 0;
        bool main = value->name == NULL &&
                    (maker->main_name != NULL ? size == strlen(maker->main_name) &&
                                                    memcmp(name, maker->main_name, size) == 0
                                              : number == 1);
        if (named || main) {
            return value->text;
        }
    }
    return NULL;
}

static void pass_over(struct maker *maker)
{
    bool quiet = maker->quiet;
    maker->quiet = true;
    alternatives(maker);
    maker->quiet = quiet;
}

static void group(struct maker *maker)
{
    const char *name = "";
    size_t size = 0;
    const char *held = NULL;
    if (maker->at[0] == '?' && maker->at[1] == ':') {
        maker->at += 2;
    } else {
        if (maker->at[0] == '?') {
            maker->at += maker->at[1] == 'P' ? 2 : 1;
            if (*maker->at != '<' || maker->at[1] == '=' || maker->at[1] == '!') {
                maker->error = BUSBAR_EUNSUPPORTED;
                return;
            }
            name = maker->at + 1;
            size = strcspn(name, ">");
            maker->at = name + size + (name[size] == '>' ? 1 : 0);
        }
        maker->groups++;
        held = value_of(maker, name, size, maker->groups);
    }
    if (++maker->depth > DEPTH_MAX) {
        maker->error = BUSBAR_ELIMIT;
        return;
    }
    if (held != NULL) {
        pass_over(maker);
        for (; *held != '\0'; held++) {
            put(maker, *held);
        }
    } else {
        alternatives(maker);
    }
    maker->depth--;
    if (*maker->at != ')') {
        maker->error = maker->error != 0 ? maker->error : BUSBAR_ESYNTAX;
        return;
    }
    maker->at++;
}

/* ---- the pattern ---- */

static void atom(struct maker *maker)
{
    struct set set = { .count = 0 };
    char c = *maker->at++;
    switch (c) {
    case '(': group(maker); return;
    case '[':
        read_class(maker, &set);
        put_one(maker, &set);
        return;
    case '.':
        add_range(&set, 'a', 'z');
        put_one(maker, &set);
        return;
    case '^':
    case '$': return;
    case '\\':
        c = *maker->at;
        maker->at += c != '\0' ? 1 : 0;
        if (c == 'b' || c == 'A' || c == 'z' || c == 'Z') {
            return;
        }
        if (c >= '1' && c <= '9') {
            maker->error = BUSBAR_EUNSUPPORTED;
        } else if (add_named(&set, c)) {
            put_one(maker, &set);
        } else {
            put(maker, (char)escaped(c));
        }
        return;
    default: put(maker, c);
    }
}

struct times {
    unsigned least, most;
};

static struct times read_times(struct maker *maker)
{
    struct times times = { 1, 1 };
    char *end;
    switch (*maker->at) {
    case '?': times = (struct times){ 0, 1 }; break;
    case '*': times = (struct times){ 0, 3 }; break;
    case '+': times = (struct times){ 1, 3 }; break;
    case '{':
        if (maker->at[1] < '0' || maker->at[1] > '9') {
            return times;
        }
        times.least = (unsigned)strtoul(maker->at + 1, &end, 10);
        times.most = *end == ',' ? (unsigned)strtoul(end + 1, &end, 10) : times.least;
        times.most = times.most < times.least ? times.least : times.most;
        maker->at = *end == '}' ? end : maker->at;
        break;
    default: return times;
    }
    maker->at++;
    if (*maker->at == '?' || *maker->at == '+') { /* lazy, possessive */
        maker->at++;
    }
    if (times.least > REPEAT_MAX) {
        maker->error = BUSBAR_ELIMIT;
    }
    times.most = times.most > REPEAT_MAX ? REPEAT_MAX : times.most;
    return times;
}

static void sequence(struct maker *maker)
{
    while (maker->error == 0 && *maker->at != '\0' && *maker->at != '|' && *maker->at != ')') {
        struct maker start = *maker;
        bool quiet = maker->quiet;
        maker->quiet = true; /* first only to see how long it is, and how often it comes */
        atom(maker);
        const char *behind_atom = maker->at;
        struct times times = read_times(maker);
        const char *behind = maker->at;
        unsigned groups = maker->groups;
        maker->quiet = quiet;
        unsigned n = times.least + (unsigned)draw(maker, times.most - times.least + 1);
        bool is_group = *start.at == '(' && groups > start.groups;
        n = is_group && n == 0 && times.most > 0 ? 1 : n; /* what is asked for stands there */
        n = is_group && times.least <= 1 && times.most >= 1 ? 1 : n;
        for (unsigned i = 0; maker->error == 0 && !quiet && i < n; i++) {
            maker->at = start.at;
            maker->groups = start.groups;
            atom(maker);
        }
        maker->groups = groups;
        maker->at = maker->error == 0 ? behind : behind_atom;
    }
}

/* Writes one of them: one that holds a group that a value is for, else any. */
static void alternatives(struct maker *maker)
{
    struct maker start = *maker;
    unsigned count = 0, chosen = 0;
    bool quiet = maker->quiet;
    maker->quiet = true;
    for (bool more = true; more && maker->error == 0; count++) {
        unsigned groups = maker->groups;
        sequence(maker);
        if (groups == 0 && maker->groups > 0 && maker->count > 0 && count > 0 && chosen == 0) {
            chosen = count;
        }
        more = *maker->at == '|';
        maker->at += more ? 1 : 0;
    }
    const char *behind = maker->at;
    unsigned groups = maker->groups;
    maker->quiet = quiet;
    if (!quiet && maker->error == 0) {
        chosen = chosen > 0 ? chosen : (unsigned)draw(maker, count);
        maker->at = start.at;
        maker->groups = start.groups;
        for (unsigned i = 0; i < count; i++) {
            maker->quiet = i != chosen;
            sequence(maker);
            maker->at += *maker->at == '|' ? 1 : 0;
        }
    }
    maker->quiet = quiet;
    maker->groups = groups;
    maker->at = behind;
}

int sim_match_make(const char *pattern, const struct sim_match_value *values, size_t count,
                   uint64_t *random, struct buf *out)
{
    struct maker maker = { .at = pattern, .values = values, .count = count, .random = random };
    maker.out = out;
    maker.main_name = strstr(pattern, "?<value>") != NULL || strstr(pattern, "?P<value>") != NULL
                          ? "value"
                          : NULL;
    alternatives(&maker);
    if (maker.error == 0 && *maker.at != '\0') {
        maker.error = BUSBAR_ESYNTAX;
    }
    return maker.error;
}
