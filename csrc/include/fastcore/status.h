/*
 * fastcore/status.h - what a core function returns, and the detail behind a failure.
 *
 * Functions that can fail return fc_status and take an optional fc_error last.
 * Nothing in the core prints or aborts.
 */
#ifndef FC_STATUS_H
#define FC_STATUS_H

#include <stdint.h>

typedef enum fc_status {
    FC_OK = 0,
    FC_ENOMEM,       /* an allocation failed */
    FC_EINVAL,       /* an argument is wrong; the message names it */
    FC_ELIMIT,       /* a limit was passed; the message names it and its value */
    FC_EIO,          /* the operating system refused; os_errno says how */
    FC_EJSON,        /* not JSON (RFC 8259); offset points at the first wrong byte */
    FC_EWAL_CORRUPT, /* a log's bytes contradict their checksums or each other */
    FC_EWAL_LOCKED,  /* another process writes to this log */
    FC_EWAL_READONLY,
    FC_EWAL_TRUNCATED, /* the records asked for were removed to free space */
    FC_ECLOSED,        /* the object was closed */
} fc_status;

typedef struct fc_error {
    fc_status status;
    int os_errno;      /* of FC_EIO, else 0 */
    uint64_t offset;   /* bytes from the start of the stream or file, where one applies */
    uint64_t segment;  /* of FC_EWAL_CORRUPT: number of the damaged file */
    uint64_t sequence; /* of FC_EWAL_CORRUPT: the record that should have been there */
    char message[240];
} fc_error;

#endif
