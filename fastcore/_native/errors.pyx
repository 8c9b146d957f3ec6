"""From fc_status to exceptions: the one table."""

from libc.errno cimport ENOENT

import os

from fastcore import errors
from fastcore._native.c cimport (
    FC_ECLOSED, FC_EINVAL, FC_EIO, FC_ELIMIT, FC_ENOMEM, FC_EWAL_CORRUPT, FC_EWAL_LOCKED,
    FC_EWAL_READONLY, FC_EWAL_TRUNCATED, FC_OK, fc_error, fc_status,
)

# FC_EJSON is not here: a DecodeError needs the line and the record, which json.pyx knows.
_EXCEPTION = {
    FC_EINVAL: ValueError,
    FC_ELIMIT: ValueError,
    FC_EWAL_CORRUPT: errors.CorruptionError,
    FC_EWAL_LOCKED: errors.LockedError,
    FC_EWAL_READONLY: errors.ReadOnlyError,
    FC_EWAL_TRUNCATED: errors.TruncatedError,
    FC_ECLOSED: errors.ClosedError,
}

cdef int raise_status(fc_status status, const fc_error *error, str doing) except -1:
    """Raise the exception for `status`; return 0 when it is FC_OK."""
    if status == FC_OK:
        return 0
    if status == FC_ENOMEM:
        raise MemoryError(doing)
    detail = (<const char *>error.message).decode("utf-8", "replace")
    if status == FC_EIO:
        kind = errors.MissingLogError if error.os_errno == ENOENT else errors.WalError
        raise kind(error.os_errno, f"{doing}: {detail}: {os.strerror(error.os_errno)}")
    raised = _EXCEPTION[status](f"{doing}: {detail}")
    if status == FC_EWAL_CORRUPT:
        raised.segment, raised.offset, raised.seq = error.segment, error.offset, error.sequence
    raise raised
