/* cpu/probe.h - what each probe_*.c provides to features.c. */
#ifndef FC_PROBE_H
#define FC_PROBE_H

#include <stdint.h>

uint32_t fc_cpu_probe(void);
unsigned fc_cpu_probe_sve_bits(void);

#endif
