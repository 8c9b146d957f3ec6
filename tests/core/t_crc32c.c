/*
 * t_crc32c.c - CRC-32C of every table against the bit-wise reference.
 *
 * Long messages matter as much as short ones here: each way of crc32c.inc.h, every
 * count of rounds and what is left after them is met with and without an initial crc.
 *
 * A table asks the CPU for one thing more before a long message, and the CPU of this test
 * may have it. So the kernel is compiled here once again for one that has not: AVX2
 * without VPCLMULQDQ (Haswell to Comet Lake), NEON without PMULL (Raspberry Pi 4).
 */
#include "core/check.h"
#include "core/reference.h"

#if FC_ARCH_X86_64
#include <immintrin.h>
#define FC_ISA            without_vpclmul
#define FC_CRC32C         "kernels/crc32c_avx2.h"
#define fc_cpu_features() (FC_CPU_AVX2 | FC_CPU_BMI2 | FC_CPU_PCLMUL)
#define REGION            "avx2,bmi,bmi2,popcnt,lzcnt,pclmul,vpclmulqdq,sse4.2"
#define BASE_ISA          "avx2"
#elif FC_ARCH_AARCH64
#include <arm_neon.h>
#define FC_ISA            without_pmull
#define FC_CRC32C         "kernels/crc32c_arm.h"
#define fc_cpu_features() (FC_CPU_NEON | FC_CPU_CRC32)
#define REGION            "+crc+crypto"
#define BASE_ISA          "neon"
#endif

#ifdef FC_ISA
#include "simd/target.h"
FC_TARGET_BEGIN(REGION)
#include "kernels/crc32c.inc.h"
FC_TARGET_END()
static const fc_kernels lesser = {.isa = FC_STR(FC_ISA), .crc32c = FC_SYM(crc32c)};
#endif

enum { ROOM_BYTES = 1 << 18, SHORT_MAX = 300, MIDDLE_MAX = 4200, ALIGNMENTS = 64 };

static uint8_t *room; /* ROOM_BYTES between guards */
static const fc_kernels *k;

/* want[n] is the crc of message[0 .. n), each from the one before: one pass serves all lengths. */
static uint32_t want[ROOM_BYTES + 1];

static void expect(uint32_t crc, const uint8_t *message, size_t length)
{
    want[0] = crc;
    for (size_t i = 0; i < length; i++)
        want[i + 1] = reference_crc32c(want[i], message + i, 1);
}

static void fill_random(void)
{
    for (size_t i = 0; i < ROOM_BYTES; i++)
        room[i] = (uint8_t)random64();
}

/* RFC 3720, B.4, and the check value of the catalogues. */
static void t_published(void)
{
    static const struct {
        uint8_t first;
        int8_t step;
        uint32_t crc;
    } rows[] = {
        {0, 0, 0x8A9136AA}, {0xFF, 0, 0x62A8AB43}, {0, 1, 0x46DD794E}, {31, -1, 0x113FDB5C}};

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (size_t i = 0; i < 32; i++)
            room[i] = (uint8_t)(rows[r].first + rows[r].step * (int)i);
        CHECK_EQ(k->crc32c(0, room, 32), rows[r].crc, "%s row %zu", k->isa, r);
    }
    CHECK_EQ(k->crc32c(0, (const uint8_t *)"123456789", 9), 0xE3069283, "%s", k->isa);
    CHECK_EQ(k->crc32c(0, NULL, 0), 0, "%s", k->isa);
    CHECK_EQ(k->crc32c(0xDEADBEEF, NULL, 0), 0xDEADBEEF, "%s", k->isa);
}

static void t_short(void)
{
    for (size_t align = 0; align < ALIGNMENTS; align++) {
        const uint32_t crc = align % 2 ? (uint32_t)random64() : 0;
        expect(crc, room + align, SHORT_MAX);
        for (size_t length = 0; length <= SHORT_MAX; length++)
            CHECK_EQ(k->crc32c(crc, room + align, length), want[length], "%s length %zu align %zu",
                     k->isa, length, align);
    }
}

/* Up to the end of what may be read, so that a byte too far is a crash. */
static void t_before_a_guard(void)
{
    for (size_t length = 0; length <= SHORT_MAX; length++) {
        const uint8_t *const message = room + ROOM_BYTES - length;
        CHECK_EQ(k->crc32c(length, message, length),
                 reference_crc32c((uint32_t)length, message, length), "%s length %zu", k->isa,
                 length);
    }
    for (size_t length = SHORT_MAX; length < 20000; length += 1 + random_below(200)) {
        const uint8_t *const message = room + ROOM_BYTES - length;
        CHECK_EQ(k->crc32c(7, message, length), reference_crc32c(7, message, length),
                 "%s length %zu", k->isa, length);
    }
}

static void t_middle_and_long(void)
{
    const uint32_t crc = (uint32_t)random64();
    size_t at = random_below(ALIGNMENTS);

    expect(crc, room + at, ROOM_BYTES - at);
    for (size_t length = 0; length <= MIDDLE_MAX; length++)
        CHECK_EQ(k->crc32c(crc, room + at, length), want[length], "%s length %zu", k->isa, length);
    for (size_t length = MIDDLE_MAX; length <= ROOM_BYTES - at; length += 1 + random_below(400))
        CHECK_EQ(k->crc32c(crc, room + at, length), want[length], "%s length %zu", k->isa, length);
    CHECK_EQ(k->crc32c(crc, room + at, ROOM_BYTES - at), want[ROOM_BYTES - at], "%s", k->isa);
}

/* A message in any pieces is the message. */
static void t_pieces(void)
{
    expect(0, room, ROOM_BYTES);
    for (int i = 0; i < 300; i++) {
        const size_t most = (size_t[]){9, 100, 1000, 30000}[i % 4];
        size_t done = 0;
        uint32_t crc = 0;
        while (done < ROOM_BYTES / 4) {
            const size_t piece = random_below(most);
            crc = k->crc32c(crc, room + done, piece);
            done += piece;
        }
        CHECK_EQ(crc, want[done], "%s pieces below %zu", k->isa, most);
    }
}

/* Each single bit must matter, wherever it is: a fold with a wrong key would lose some. */
static void t_single_bits(void)
{
    static uint8_t zero[8192];

    for (size_t length = 1; length <= sizeof zero; length = length * 5 / 4 + 1)
        for (size_t i = 0; i < 64; i++) {
            const size_t at = random_below(length);
            zero[at] = (uint8_t)(1u << (i % 8));
            CHECK_EQ(k->crc32c(0, zero, length), reference_crc32c(0, zero, length),
                     "%s bit %zu of byte %zu of %zu", k->isa, i % 8, at, length);
            zero[at] = 0;
        }
}

int main(void)
{
    const fc_kernels *tables[TABLES_MAX];
    size_t count = tables_to_test(tables);

#ifdef FC_ISA
    for (size_t i = 0; i < count; i++)
        if (strcmp(tables[i]->isa, BASE_ISA) == 0) {
            tables[count++] = &lesser;
            break;
        }
#endif
    room = guarded_pages(ROOM_BYTES);
    for (size_t i = 0; i < count; i++) {
        k = tables[i];
        t_published();
        fill_random();
        t_short();
        t_before_a_guard();
        t_middle_and_long();
        t_pieces();
        t_single_bits();
    }
    print_ok("t_crc32c", tables, count);
    return 0;
}
