/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks, and the fake pair that tests own. int64 microseconds everywhere.
 * Monotonic for intervals and deadlines, wall (UTC since 1970) for stamps. Safe from every thread.
 */
#ifndef BUSBAR_BASE_CLOCK_H
#define BUSBAR_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_US_PER_MS INT64_C(1000)
#define CLOCK_US_PER_S  INT64_C(1000000)

int64_t clock_mono_us(void);
int64_t clock_wall_us(void);

/* Tests: from now on both clocks stand still at these values until moved. */
void clock_fake_set(int64_t mono_us, int64_t wall_us);

/* Tests: moves both fake clocks; asserts that the fake is on. Timers of a loop do not fire by this alone,
 * see loop_advance_for_test(). */
void clock_fake_advance(int64_t us);

/* Tests: moves only the wall clock, as an NTP step does (may be negative). */
void clock_fake_step_wall(int64_t us);

/* Tests: back to the real clocks. */
void clock_fake_off(void);
bool clock_is_fake(void);

#endif
