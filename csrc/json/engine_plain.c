/* engine_plain.c - the loops over masks for any CPU. */
#include <stdlib.h>
#include <string.h>

#include "json/engine.h"
#include "json/scan.h"

#define FC_ISA plain
#include "simd/target.h"

#include "json/engine.inc.h"
