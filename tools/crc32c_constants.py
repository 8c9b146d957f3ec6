"""Derive the constants of the CRC-32C kernels and print csrc/kernels/crc32c_constants.inc.h.

The mathematics, all over GF(2) (addition is exclusive or):

- A CRC-32C of a message M is M * x^32 mod P, with P = 0x1EDC6F41 + x^32 (Castagnoli,
  Braeuer and Herrmann, IEEE Trans. Comm. 41(6), 1993; RFC 3720, B.4), the first 32 bits of
  M and the result complemented.
- "Reflected" means that the least significant bit is the highest power: bit i of a 32-bit
  register stands for x^(31-i), bit i of a 64-bit word for x^(63-i).
- One step of the CRC instruction on a word D and a register C gives (C + D) * x^32 mod P,
  where C takes part as the first four bytes of D would.
- A carry-less product of two reflected words A and B, read as one wider reflected word, is
  A * B * x: bit i + j holds the powers (63-i) + (63-j) = 126 - (i+j), while a reflected
  128-bit word has x^(127-k) at bit k. For two 32-bit registers read as one 64-bit word the
  same sum gives A * B * x again.

So moving a register A over r words of message, A * x^(64 r), costs one product and one step:

    step(0, product(A, S[r])) = A * S[r] * x * x^32, which wants S[r] = x^(64 r - 33) mod P.

And moving a 128-bit word, first half L and second half H, over r words (folding):

    (L * x^64 + H) * x^(64 r) = L * x^(64 (r+1)) + H * x^(64 r).

A 32-bit constant K in the low half of a 64-bit operand stands there for K * x^32, and the
product brings its x, so K = x^(64 r - 33) moves by r words here too: the keys of a fold are
S[r+1] for L and S[r] for H. One table serves both.

The byte-wise kernel needs, for each of 8 bytes of a word, the register that a single byte
leaves behind. Bit i of the byte with k bytes after it contributes x^(39 - i + 8k) mod P:
all of these are among x^32 .. x^95.

Usage: python tools/crc32c_constants.py > csrc/kernels/crc32c_constants.inc.h
"""

from __future__ import annotations

POLYNOMIAL_REFLECTED = 0x82F63B78
ONE = 0x80000000  # x^0: the top bit of a reflected register
SHIFTS = 513  # r = 0 .. 512: one chunk of the widest kernel stays below 512 words
BYTE_POWERS = range(32, 96)

HEADER = """\
/*
 * crc32c_constants.inc.h - powers of x modulo the CRC-32C polynomial, reflected.
 *
 * Made by tools/crc32c_constants.py, which derives them; a test compares the two.
 * FC_CRC32C_SHIFTS lists x^(64 r - 33) for r = 0, 1, ...; FC_CRC32C_X_e is x^e.
 */"""


def times_x(register: int) -> int:
    """Multiply by x: one step of the bit-wise CRC."""
    return (register >> 1) ^ (POLYNOMIAL_REFLECTED if register & 1 else 0)


def divide_by_x(register: int) -> int:
    """Undo `times_x`. The reduction set the top bit, as P has a constant term."""
    if register & 0x80000000:
        return ((register ^ POLYNOMIAL_REFLECTED) << 1 | 1) & 0xFFFFFFFF
    return register << 1


def power(exponent: int) -> int:
    """x^exponent mod P for any integer exponent."""
    register = ONE
    for _ in range(abs(exponent)):
        register = times_x(register) if exponent > 0 else divide_by_x(register)
    return register


def shifts() -> list[int]:
    """S[r] = x^(64 r - 33) for r = 0 .. SHIFTS - 1."""
    register = power(-33)
    table = []
    for _ in range(SHIFTS):
        table.append(register)
        for _ in range(64):
            register = times_x(register)
    return table


def render() -> str:
    """The text of the header."""
    table = shifts()
    lines = [HEADER, "#define FC_CRC32C_SHIFT_COUNT " + str(SHIFTS)]
    rows = [table[at : at + 7] for at in range(0, len(table), 7)]
    lines.append("/* clang-format off */")
    lines.append("#define FC_CRC32C_SHIFTS \\")
    for number, row in enumerate(rows):
        text = ", ".join(f"0x{value:08X}u" for value in row)
        lines.append(f"    {text}" + (", \\" if number + 1 < len(rows) else ""))
    lines += [f"#define FC_CRC32C_X_{e} 0x{power(e):08X}u" for e in BYTE_POWERS]
    lines.append("/* clang-format on */")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render(), end="")
