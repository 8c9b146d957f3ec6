"""The kernel table in use, and the ones this machine could use. See fastcore.cpu."""

from fastcore._native.c cimport (
    FC_CPU_BRAND_BYTES, fc_cpu_arch, fc_cpu_brand, fc_cpu_feature_names, fc_cpu_sve_bits, fc_isa, fc_isa_every,
    fc_kernel_names, fc_kernels, fc_kernels_available, fc_kernels_best,
)

# Tables are constants, so the pointer is all that threads share: atomic, and no order asked for.
cdef extern from *:
    """
    #include <stdatomic.h>
    static _Atomic(const fc_kernels *) active_table;
    static const fc_kernels *load_active(void)
    {
        return atomic_load_explicit(&active_table, memory_order_relaxed);
    }
    static const fc_kernels *exchange_active(const fc_kernels *table)
    {
        return atomic_exchange_explicit(&active_table, table, memory_order_relaxed);
    }
    """
    const fc_kernels *load_active() noexcept nogil
    const fc_kernels *exchange_active(const fc_kernels *table) noexcept nogil

cdef enum:
    NAMES_MAX = 32  # more levels, kernels or features than there will be

exchange_active(fc_kernels_best())


cdef const fc_kernels *active_kernels() noexcept nogil:
    return load_active()


def every_level():
    """(name, architecture) of each level that fastcore knows, best first."""
    cdef fc_isa found[NAMES_MAX]
    cdef size_t i, count = fc_isa_every(found, NAMES_MAX)
    return tuple([
        (found[i].name.decode("ascii"), found[i].architecture.decode("ascii")) for i in range(count)
    ])


def usable_levels():
    """Names of the levels that can run here, best first."""
    cdef const fc_kernels *found[NAMES_MAX]
    cdef size_t i, count = fc_kernels_available(found, NAMES_MAX)
    return tuple([found[i].isa.decode("ascii") for i in range(count)])


def active():
    """Name of the level in use."""
    return load_active().isa.decode("ascii")


def exchange(str level not None):
    """Make `level`, one of usable_levels(), the one in use; return the one before."""
    cdef const fc_kernels *found[NAMES_MAX]
    cdef size_t i, count = fc_kernels_available(found, NAMES_MAX)
    for i in range(count):
        if found[i].isa.decode("ascii") == level:
            return exchange_active(found[i]).isa.decode("ascii")
    raise ValueError(f"level {level!r} cannot run here")


def kernels():
    """Names of the kernels."""
    cdef const char *names[NAMES_MAX]
    cdef size_t i, count = fc_kernel_names(names, NAMES_MAX)
    return tuple([names[i].decode("ascii") for i in range(count)])


def features():
    """Names of the CPU features that some kernel asks for and that are here."""
    cdef const char *names[NAMES_MAX]
    cdef size_t i, count = fc_cpu_feature_names(names, NAMES_MAX)
    return frozenset([names[i].decode("ascii") for i in range(count)])


def sve_bits():
    """Bits in an SVE vector, 0 without SVE."""
    return fc_cpu_sve_bits()


def arch():
    """"x86_64", "aarch64", or '' elsewhere."""
    return fc_cpu_arch().decode("ascii")


def brand():
    """The processor's own name, or ''."""
    cdef char name[FC_CPU_BRAND_BYTES]
    fc_cpu_brand(name)
    return name.decode("ascii", "replace").strip()
