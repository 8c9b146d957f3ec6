// simdjson_peer.cpp - simdjson's two inner loops as C functions, for ctypes; see native_simdjson.py.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <simdjson.h>
#include <string>

static std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;

extern "C" {

// Well-formed UTF-8 or not, on the best implementation for this CPU.
int peer_validate_utf8(const char *text, size_t length)
{
    return simdjson::get_active_implementation()->validate_utf8(text, length);
}

// Room for texts of up to `capacity` bytes. 0, or simdjson's error code.
int peer_stage1_prepare(size_t capacity)
{
    return simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 64,
                                                                                   parser);
}

// Find all structural characters. 0, or simdjson's error code.
int peer_stage1(const uint8_t *text, size_t length)
{
    return parser->stage1(text, length, simdjson::stage1_mode::regular);
}

size_t peer_structurals(void) { return parser->n_structural_indexes; }

const char *peer_version(void)
{
    static const std::string version = std::to_string(simdjson::SIMDJSON_VERSION_MAJOR) + "." +
                                       std::to_string(simdjson::SIMDJSON_VERSION_MINOR) + "." +
                                       std::to_string(simdjson::SIMDJSON_VERSION_REVISION);
    return version.c_str();
}
}
