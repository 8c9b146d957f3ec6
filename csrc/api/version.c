/* api/version.c - the library's version, as its headers say it. */
#include "fastcore.h"

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

const char *fc_version(void)
{
    return TEXT(FC_VERSION_MAJOR) "." TEXT(FC_VERSION_MINOR) "." TEXT(FC_VERSION_PATCH);
}
