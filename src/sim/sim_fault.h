/* SPDX-License-Identifier: Apache-2.0 */
/* Faults on demand. Text:
 *
 *   KIND[:ARGUMENT][+TRAIT[:ARGUMENT]...][,for=10s][,every=60s][,rate=10%]
 *
 * A kind is what goes wrong: silence, slow:500ms, garbage ... A trait is what the device cannot do, or does
 * badly, all the time: apdu:128, no-rpm ...; a fault has one kind or none, and any traits. What each of
 * them does is in docs/simulator.md; a protocol knows some of them (struct sim_ops).
 *
 *   for    ends after this time       every   begins again after this time (needs for)
 *   rate   hits only this share of the requests (not the traits)
 *
 * Pure: time comes in, nothing goes out. */
#ifndef BUSBAR_SIM_SIM_FAULT_H
#define BUSBAR_SIM_SIM_FAULT_H

#include "base/buf.h"
#include "base/err.h"

/* name, word, what `:` may hold */
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
    X(FROZEN, "frozen", NOTHING)                       \
    X(ERROR, "error", ERROR)                           \
    X(REJECT, "reject", CODE)                          \
    X(ABORT, "abort", CODE)                            \
    X(RESTART, "restart", NOTHING)                     \
    X(COV_SILENCE, "cov-silence", NOTHING)             \
    X(DUPLICATE_ID, "duplicate-id", NOTHING)           \
    X(SEGMENT_LOSS, "segment-loss", NOTHING)           \
    X(WRONG_ENGINE, "wrong-engine", NOTHING)           \
    X(WRONG_DIGEST, "wrong-digest", NOTHING)           \
    X(LOOP, "loop", NOTHING)                           \
    X(RENUMBER, "renumber", NOTHING)                   \
    X(WRAP, "wrap", NOTHING)                           \
    X(DUPLICATE, "duplicate", NOTHING)                 \
    X(WRONG_TYPE, "wrong-type", NOTHING)

#define SIM_TRAITS(X)                              \
    X(APDU, "apdu", APDU)                          \
    X(MOST_NODES, "most-nodes", COUNT)             \
    X(NO_TRUST, "no-trust", NOTHING)               \
    X(NO_LOGIN, "no-login", NOTHING)               \
    X(NO_RPM, "no-rpm", NOTHING)                   \
    X(NO_COV, "no-cov", NOTHING)                   \
    X(NO_COV_PROPERTY, "no-cov-property", NOTHING) \
    X(NO_SEGMENTATION, "no-segmentation", NOTHING) \
    X(MOST_BYTES, "most-bytes", BYTES)             \
    X(NO_BULK, "no-bulk", NOTHING)

enum sim_fault_kind {
#define SIM_FAULT_ENUM(name, word, argument) SIM_FAULT_##name,
    SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
};
#define SIM_FAULT_BIT(name) (UINT32_C(1) << SIM_FAULT_##name)

enum sim_trait {
#define SIM_TRAIT_ENUM(name, word, argument) SIM_TRAIT_##name,
    SIM_TRAITS(SIM_TRAIT_ENUM)
#undef SIM_TRAIT_ENUM
};
#define SIM_TRAIT_BIT(name) (UINT32_C(1) << SIM_TRAIT_##name)

struct sim_fault {
    enum sim_fault_kind kind;
    uint32_t traits;  /* bits, SIM_TRAIT_BIT() */
    int64_t argument; /* code, or microseconds */
    uint16_t apdu;    /* bytes, of the trait */
    uint16_t most;    /* nodes in a call, of the trait */
    uint16_t bytes;   /* of a message, of the trait */
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
/* The traits that hold now. */
uint32_t sim_fault_traits_now(const struct sim_fault *fault, int64_t now_us);
/* What hits this request: draws by the rate. */
enum sim_fault_kind sim_fault_draw(struct sim_fault *fault, int64_t now_us);

/* All kinds and traits of these bits, as a person would list them: "none silence slow:500ms ...". */
void sim_fault_list(uint32_t kinds, uint32_t traits, struct buf *out);

#endif
