/* engine_bmi2.c - the loops over masks for x86-64 CPUs that count bits in one instruction. */
#include "base/arch.h"
#include "json/engine.h"

#if FC_ARCH_X86_64
#include <stdlib.h>
#include <string.h>

#include "json/scan.h"

#define FC_ISA bmi2
#include "simd/target.h"
FC_TARGET_BEGIN("popcnt,bmi,bmi2,lzcnt")
#include "json/engine.inc.h"
FC_TARGET_END()
#endif
