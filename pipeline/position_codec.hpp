// SPDX-License-Identifier: Apache-2.0
// Positions and gaps as bytes: one row of the ledger per batch, about one byte a message.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/message.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::pipeline {

/// Format, with LEB128 varints: the zigzag delta to the position before (the first: to 0), shifted
/// left by one; the lowest bit says that a bundle's index and count follow.
///   positions := { varint((zigzag(offset - previous) << 1) | bundled) [varint(index)
///   varint(count)] }
[[nodiscard]] std::string encode_positions(std::span<const Position> positions);
/// Fails with `unsafe_to_go_on` on bytes that encode_positions() can't have written.
[[nodiscard]] Result<std::vector<Position>> decode_positions(std::string_view bytes);

/// For ranges that ascend, don't touch and don't overlap, from 0 on:
///   gaps := { varint(from - end of the range before) varint(to - from) }
[[nodiscard]] std::string encode_gaps(std::span<const Gap> gaps);
/// Fails with `unsafe_to_go_on` on bytes that encode_gaps() can't have written.
[[nodiscard]] Result<std::vector<Gap>> decode_gaps(std::string_view bytes);

/// Sorted, and as few ranges as cover the same offsets. Empty ranges are dropped.
[[nodiscard]] std::vector<Gap> merged(std::vector<Gap> gaps);

}  // namespace alluvium::pipeline
