/*
 * base/port.h - waiting with a time limit, where systems differ in how.
 *
 * Mutexes and threads are POSIX everywhere and used as they are.
 */
#ifndef FC_PORT_H
#define FC_PORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A condition whose waits are timed by a clock that nobody sets. Returns 0 or an errno. */
int fc_condition_init(pthread_cond_t *condition);

/* Nanoseconds on that clock. */
int64_t fc_clock_ns(void);

/* Wait until signalled or until the clock shows `deadline_ns`; false when the time is over. */
bool fc_condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *held, int64_t deadline_ns);

#endif
