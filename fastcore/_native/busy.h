/* busy.h - one thread at a time: a flag that says when a second one comes. */
#ifndef FC_BUSY_H
#define FC_BUSY_H

#include <stdatomic.h>

typedef struct fc_busy {
    atomic_flag taken;
} fc_busy;

static inline void fc_busy_init(fc_busy *busy) { atomic_flag_clear(&busy->taken); }

/* 1: entered; 0: somebody is in there. */
static inline int fc_busy_enter(fc_busy *busy)
{
    return !atomic_flag_test_and_set_explicit(&busy->taken, memory_order_acquire);
}

static inline void fc_busy_leave(fc_busy *busy)
{
    atomic_flag_clear_explicit(&busy->taken, memory_order_release);
}

#endif
