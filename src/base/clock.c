/* SPDX-License-Identifier: Apache-2.0 */
/* Two clocks of the kernel (no system call on Linux: the vDSO answers) and their fake twins. */
#include "base/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <time.h>

static atomic_bool fake;
static _Atomic int64_t fake_mono_us;
static _Atomic int64_t fake_wall_us;

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    assert(failed == 0);
    (void)failed;
    return (int64_t)now.tv_sec * CLOCK_US_PER_S + now.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    if (atomic_load_explicit(&fake, memory_order_relaxed)) {
        return atomic_load(&fake_mono_us);
    }
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    if (atomic_load_explicit(&fake, memory_order_relaxed)) {
        return atomic_load(&fake_wall_us);
    }
    return read_clock(CLOCK_REALTIME);
}

void clock_fake_set(int64_t mono_us, int64_t wall_us)
{
    atomic_store(&fake_mono_us, mono_us);
    atomic_store(&fake_wall_us, wall_us);
    atomic_store(&fake, true);
}

void clock_fake_advance(int64_t us)
{
    assert(clock_is_fake() && us >= 0);
    atomic_fetch_add(&fake_mono_us, us);
    atomic_fetch_add(&fake_wall_us, us);
}

void clock_fake_step_wall(int64_t us)
{
    assert(clock_is_fake());
    atomic_fetch_add(&fake_wall_us, us);
}

void clock_fake_off(void)
{
    atomic_store(&fake, false);
}

bool clock_is_fake(void)
{
    return atomic_load(&fake);
}
