/* SPDX-License-Identifier: Apache-2.0 */
/* Faults on demand. Text:
 *
 *   KIND[:ARGUMENT][,for=10s][,every=60s][,rate=10%]
 *
 *   silence              does not answer                 slow:500ms          answers that much
 *   later exception:2          refuses with the protocol's     garbage             answers with
 *   random bytes
 *                        own code                        truncate            sends half of the
 *                        answer
 *   close                ends the connection instead     wrong-unit          answers as another
 *   unit down                 its port is closed              wrong-transaction   answers another
 *   question holes                addresses between points are    frozen              its values
 *   stand still
 *                        refused                         none                no fault
 *
 *   for    ends after this time       every   begins again after this time (needs for)
 *   rate   hits only this share of the requests
 *
 * Pure: time comes in, nothing goes out. */
#ifndef BUSBAR_SIM_SIM_FAULT_H
#define BUSBAR_SIM_SIM_FAULT_H

#include "base/buf.h"
#include "base/err.h"

/* word, what `:` may hold */
#define SIM_FAULTS(X)                                  \
    X(NONE, "none", NOTHING)                           \
    X(SILENCE, "silence", NOTHING)                     \
    X(EXCEPTION, "exception", CODE)                    \
    X(SLOW, "slow", DURATION)                          \
    X(GARBAGE, "garbage", NOTHING)                     \
    X(CLOSE, "close", NOTHING)                         \
    X(TRUNCATE, "truncate", NOTHING)                   \
    X(WRONG_UNIT, "wrong-unit", NOTHING)               \
    X(WRONG_TRANSACTION, "wrong-transaction", NOTHING) \
    X(DOWN, "down", NOTHING)                           \
    X(HOLES, "holes", NOTHING)                         \
    X(FROZEN, "frozen", NOTHING)

enum sim_fault_kind {
#define SIM_FAULT_ENUM(name, word, argument) SIM_FAULT_##name,
    SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
};

struct sim_fault {
    enum sim_fault_kind kind;
    int64_t argument; /* code, or microseconds */
    int64_t begin_us; /* monotonic; when it was set */
    int64_t for_us;   /* 0 = until it is replaced */
    int64_t every_us; /* 0 = once */
    double rate;      /* 0 to 1 */
    uint64_t random;  /* state of the draw */
};

/* BUSBAR_ESYNTAX or BUSBAR_ERANGE with err and hint filled; *fault untouched then. */
int sim_fault_parse(const char *text, int64_t now_us, struct sim_fault *fault, struct err *err);
void sim_fault_print(const struct sim_fault *fault, struct buf *out);

/* What holds now, without drawing: for faults that are no answer to a request (down, holes,
 * frozen). */
enum sim_fault_kind sim_fault_now(const struct sim_fault *fault, int64_t now_us);
/* What hits this request: draws by the rate. */
enum sim_fault_kind sim_fault_draw(struct sim_fault *fault, int64_t now_us);

#endif
