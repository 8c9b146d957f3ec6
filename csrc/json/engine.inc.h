/* Every loop over masks, compiled for FC_ISA, then the table that names them. */
#include "json/checker.inc.h"
#include "json/records.inc.h"
#include "json/spine.inc.h"
#include "json/walk.inc.h"

const fc_json_engine FC_SYM(fc_json_engine) = {
    .check = FC_SYM(checker_run),
    .find_record = FC_SYM(find_record),
    .find_rooted = FC_SYM(find_rooted),
    .walk = FC_SYM(walk),
    .whole_value = FC_SYM(whole_value),
};
