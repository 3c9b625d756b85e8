/* SPDX-License-Identifier: Apache-2.0 */
/* File operations with faults: the real ones, until the n-th call (of all, or of one kind) fails. */
#ifndef BUSBAR_TESTS_SUPPORT_FAULT_FILE_H
#define BUSBAR_TESTS_SUPPORT_FAULT_FILE_H

#include <pthread.h>

#include "base/file.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_EIO,
    FAULT_ENOSPC,
    FAULT_SHORT, /* a write takes half of its bytes, then succeeds; other calls: EIO */
    FAULT_KIND_COUNT
};

enum fault_call {
    FAULT_OPEN = 1,
    FAULT_READ = 2,
    FAULT_WRITE = 4,
    FAULT_SYNC = 8,
    FAULT_NAME = 16, /* rename, unlink, mkdir */
    FAULT_SIZE = 32, /* ftruncate, fallocate */
    FAULT_ALL = 63
};

struct fault_file {
    struct file_ops ops; /* give this one */
    pthread_mutex_t lock;
    enum fault_kind kind;
    unsigned calls; /* mask of enum fault_call that count and fail */
    long countdown; /* the n-th such call fails; 0: none */
    bool for_ever;  /* and every one after it */
    long seen;      /* such calls since fault_file_set() */
    long failed;
};

void fault_file_init(struct fault_file *fault);
void fault_file_set(struct fault_file *fault, enum fault_kind kind, unsigned calls, long nth,
                    bool for_ever);
long fault_file_failed(struct fault_file *fault);
long fault_file_seen(struct fault_file *fault);

#endif
