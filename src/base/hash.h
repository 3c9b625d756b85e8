/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 64-bit hashes for tables; not for signatures. hash_keyed() is SipHash-1-3 with a key drawn once a
 * process, for whatever a peer may choose; hash_bytes() is FNV-1a with a final mix, the same in every
 * process, for things that are stored or spread (poll phases, file names).
 */
#ifndef BUSBAR_BASE_HASH_H
#define BUSBAR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Differs from process to process. */
uint64_t hash_keyed(const void *data, size_t size);

/* SipHash-1-3 with a given key. */
uint64_t hash_siphash(uint64_t key0, uint64_t key1, const void *data, size_t size);

/* The same everywhere and for ever. */
uint64_t hash_bytes(const void *data, size_t size);
uint64_t hash_text(const char *text);

/* Mixes the bits of a number (a bijection); the same everywhere. */
uint64_t hash_u64(uint64_t value);

/* A small generator for jitter and tests: advances *state, returns 64 random-looking bits. */
uint64_t hash_random(uint64_t *state);

/* 8 bytes from the kernel's generator. */
uint64_t hash_entropy(void);

#endif
