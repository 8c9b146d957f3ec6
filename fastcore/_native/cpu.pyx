"""The kernel table in use, and the ones this machine could use. See fastcore.cpu."""

from fastcore._native.c cimport (
    fc_cpu_brand, fc_cpu_feature_names, fc_cpu_sve_bits, fc_kernels, fc_kernels_available,
    fc_kernels_best,
)

cdef const fc_kernels *_active = fc_kernels_best()

cdef const fc_kernels *active_kernels() noexcept nogil:
    return _active


def available():
    """Names of the levels that can run here, best first."""
    cdef const fc_kernels *found[16]
    cdef size_t i, count = fc_kernels_available(found, 16)
    return tuple([found[i].isa.decode("ascii") for i in range(count)])


def active():
    """Name of the level in use."""
    return _active.isa.decode("ascii")


def use(str level not None):
    """Make `level` the one in use; False where it cannot run here."""
    global _active
    cdef const fc_kernels *found[16]
    cdef size_t i, count = fc_kernels_available(found, 16)
    for i in range(count):
        if found[i].isa.decode("ascii") == level:
            _active = found[i]
            return True
    return False


def features():
    """Names of the CPU features that some kernel asks for and that are here."""
    cdef const char *names[32]
    cdef size_t i, count = fc_cpu_feature_names(names, 32)
    return frozenset([names[i].decode("ascii") for i in range(count)])


def sve_bits():
    """Bits in an SVE vector, 0 without SVE."""
    return fc_cpu_sve_bits()


def brand():
    """The processor's own name, or ''."""
    cdef char name[64]
    fc_cpu_brand(name)
    return name.decode("ascii", "replace").strip()
