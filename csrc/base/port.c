/* base/port.c - Linux waits on CLOCK_MONOTONIC; macOS has only relative waits of that kind. */
#if defined(__linux__)
#define _GNU_SOURCE
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif

#include "base/port.h"

#include <errno.h>
#include <time.h>

#define NS_PER_SECOND 1000000000

int fc_condition_init(pthread_cond_t *condition)
{
#if defined(__APPLE__)
    return pthread_cond_init(condition, NULL);
#else
    pthread_condattr_t how;
    int failed = pthread_condattr_init(&how);
    if (failed)
        return failed;
    failed = pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    if (!failed)
        failed = pthread_cond_init(condition, &how);
    pthread_condattr_destroy(&how);
    return failed;
#endif
}

int64_t fc_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

bool fc_condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *held, int64_t deadline_ns)
{
#if defined(__APPLE__)
    const int64_t left = deadline_ns - fc_clock_ns();
    if (left <= 0)
        return false;
    const struct timespec span = {.tv_sec = left / NS_PER_SECOND, .tv_nsec = left % NS_PER_SECOND};
    return pthread_cond_timedwait_relative_np(condition, held, &span) != ETIMEDOUT;
#else
    const struct timespec until = {.tv_sec = deadline_ns / NS_PER_SECOND,
                                   .tv_nsec = deadline_ns % NS_PER_SECOND};
    return pthread_cond_timedwait(condition, held, &until) != ETIMEDOUT;
#endif
}
