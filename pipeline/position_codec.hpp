// SPDX-License-Identifier: Apache-2.0
// Positions as bytes: one row of the ledger per batch, about one byte a message.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// Format, with LEB128 varints: the zigzag delta to the position before (the first: to 0), shifted
/// left by one; the lowest bit says that a bundle's index and count follow.
///   positions := { varint((zigzag(offset - previous) << 1) | bundled) [varint(index)
///   varint(count)] }
[[nodiscard]] std::string encode_positions(std::span<const Position> positions);
/// Fails with `unsafe_to_go_on` on bytes that encode_positions() can't have written.
[[nodiscard]] Result<std::vector<Position>> decode_positions(std::string_view bytes);

}  // namespace alluvium::pipeline
