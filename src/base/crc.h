/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums. crc32c (Castagnoli, RFC 3720 appendix B.4) guards what we store: the SSE4.2 instruction where
 * the processor has it, else a table. crc16_modbus (MODBUS over serial line 1.02, section 6.2.2)
 * guards Modbus RTU frames.
 */
#ifndef BUSBAR_BASE_CRC_H
#define BUSBAR_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc 0; feed the result back in to go on with more data. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* The table version, for tests against the fast one. */
uint32_t crc32c_table(uint32_t crc, const void *data, size_t size);

/* The number whose low byte goes on the wire first. */
uint16_t crc16_modbus(const void *data, size_t size);

#endif
