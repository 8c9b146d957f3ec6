"""Write csrc/json/number_tables.h: the powers of five that decimal-to-double needs.

For each q the 128 leading bits of 5**q, its top bit set; truncated where q >= 0 and
rounded up where q < 0, as Lemire, "Number parsing at a gigabyte per second"
(SPE 51(8), 2021), section 5, asks for.

    python tools/make_number_tables.py > csrc/json/number_tables.h
"""

SMALLEST, LARGEST = -342, 308


def leading_bits(q: int) -> int:
    if q >= 0:
        power = 5**q
        shift = power.bit_length() - 128
        return power >> shift if shift >= 0 else power << -shift
    power = 5**-q
    shift = power.bit_length() + 127
    bits = (1 << shift) // power + 1
    return bits >> (bits.bit_length() - 128)


def main() -> None:
    print("/*")
    print(" * json/number_tables.h - 128 leading bits of the powers of five, high word first.")
    print(" *")
    print(" * Made by tools/make_number_tables.py, which says how; do not edit.")
    print(" */")
    print("#ifndef FC_JSON_NUMBER_TABLES_H")
    print("#define FC_JSON_NUMBER_TABLES_H")
    print()
    print("#include <stdint.h>")
    print()
    print(f"#define FC_FIVE_SMALLEST ({SMALLEST})")
    print(f"#define FC_FIVE_LARGEST {LARGEST}")
    print()
    print("static const uint64_t fc_power_of_five[][2] = {")
    for q in range(SMALLEST, LARGEST + 1):
        bits = leading_bits(q)
        print(f"    {{0x{bits >> 64:016X}u, 0x{bits & (1 << 64) - 1:016X}u}}, /* {q} */")
    print("};")
    print()
    print("#endif")


if __name__ == "__main__":
    main()
