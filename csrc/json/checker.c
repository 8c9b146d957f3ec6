/* json/checker.c - the state that checker.inc.h carries from block to block. */
#include "json/checker.h"

#include <stdlib.h>
#include <string.h>

#include "json/scan.h"

fc_status fc_checker_init(fc_checker *checker, const fc_kernels *kernels, size_t depth_max)
{
    memset(checker, 0, sizeof *checker);
    checker->kernels = kernels;
    checker->depth_max = depth_max;
    checker->storage_depth = 1024;
    checker->storage = malloc(checker->storage_depth + 2 * FC_CHECKER_GUARD + 1);
    if (checker->storage == NULL)
        return FC_ENOMEM;
    checker->stack = checker->storage + FC_CHECKER_GUARD;
    fc_checker_restart(checker, 0, 0);
    return FC_OK;
}

void fc_checker_destroy(fc_checker *checker) { free(checker->storage); }

void fc_checker_restart(fc_checker *checker, size_t at, size_t depth)
{
    memset(checker->storage, FC_AT_TOP, FC_CHECKER_GUARD + 1);
    checker->depth = depth;
    memset(&checker->after, 0, sizeof checker->after);
    checker->skip_escape = 0;
    checker->utf8_at = at;
    checker->number_at = checker->escape_at = checker->pair_at = FC_NOWHERE;
}

void fc_checker_slide(fc_checker *checker, size_t bytes)
{
    checker->utf8_at -= bytes;
    if (checker->number_at != FC_NOWHERE) {
        checker->number_at -= bytes;
        checker->number_start -= bytes;
    }
    if (checker->escape_at != FC_NOWHERE)
        checker->escape_at -= bytes;
    if (checker->pair_at != FC_NOWHERE)
        checker->pair_at -= bytes;
}

int fc_checker_grow(fc_checker *checker, size_t levels)
{
    size_t depth = checker->storage_depth;
    uint8_t *storage;

    while (depth < checker->depth + levels)
        depth *= 2;
    if (depth == checker->storage_depth)
        return 1;
    storage = realloc(checker->storage, depth + 2 * FC_CHECKER_GUARD + 1);
    if (storage == NULL)
        return 0;
    checker->storage = storage;
    checker->stack = storage + FC_CHECKER_GUARD;
    checker->storage_depth = depth;
    return 1;
}
