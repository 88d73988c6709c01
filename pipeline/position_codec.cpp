// SPDX-License-Identifier: Apache-2.0
#include "pipeline/position_codec.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>
#include <optional>

namespace alluvium::pipeline {
namespace {

constexpr unsigned more = 0x80;

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= more) {
    out.push_back(static_cast<char>((value & 0x7FU) | more));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

/// Takes varints from the front of bytes; refuses longer forms than append_varint() writes.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_{bytes} {}

  [[nodiscard]] bool empty() const {
    return rest_.empty();
  }
  std::optional<unsigned> byte() {
    if (rest_.empty()) {
      return std::nullopt;
    }
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto next = byte();
      if (!next) {
        return std::nullopt;
      }
      const std::uint64_t bits = *next & 0x7FU;
      if ((bits << shift) >> shift != bits || (*next == 0 && shift > 0)) {
        return std::nullopt;  // More than 64 bits, or a last byte that adds nothing.
      }
      value |= bits << shift;
      if ((*next & more) == 0) {
        return value;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

constexpr std::uint64_t zigzag(std::uint64_t delta) {
  return (delta << 1U) ^ (0 - (delta >> 63U));
}
constexpr std::uint64_t unzigzag(std::uint64_t coded) {
  return (coded >> 1U) ^ (0 - (coded & 1U));
}

/// varint((coded << 1) | bundled) without the 65th bit that the shift may need.
void append_flagged(std::string& out, std::uint64_t coded, bool bundled) {
  const auto rest = coded >> 6U;
  out.push_back(static_cast<char>(((coded & 0x3FU) << 1U) | (bundled ? 1U : 0U) | (rest != 0 ? more : 0U)));
  if (rest != 0) {
    append_varint(out, rest);
  }
}

std::optional<std::uint64_t> take_flagged(Bytes& bytes, bool& bundled) {
  const auto first = bytes.byte();
  if (!first) {
    return std::nullopt;
  }
  bundled = (*first & 1U) != 0;
  const std::uint64_t low = (*first & 0x7FU) >> 1U;
  if ((*first & more) == 0) {
    return low;
  }
  const auto rest = bytes.varint();
  if (!rest || *rest == 0 || (*rest << 6U) >> 6U != *rest) {
    return std::nullopt;
  }
  return (*rest << 6U) | low;
}

std::optional<Position> take_position(Bytes& bytes, std::uint64_t previous) {
  bool bundled = false;
  const auto coded = take_flagged(bytes, bundled);
  if (!coded) {
    return std::nullopt;
  }
  Position position{.offset = static_cast<std::int64_t>(previous + unzigzag(*coded))};
  if (bundled) {
    const auto index = bytes.varint();
    const auto count = bytes.varint();
    if (!index || !count || *count < 2 || *count > std::numeric_limits<std::uint32_t>::max() || *index >= *count) {
      return std::nullopt;
    }
    position.index = static_cast<std::uint32_t>(*index);
    position.count = static_cast<std::uint32_t>(*count);
  }
  return position;
}

}  // namespace

std::string encode_positions(std::span<const Position> positions) {
  std::string out;
  out.reserve(positions.size() * 2);
  std::uint64_t previous = 0;  // Unsigned, so that a delta wraps instead of overflowing.
  for (const auto& position : positions) {
    assert(position.index < position.count);
    const auto offset = static_cast<std::uint64_t>(position.offset);
    const auto bundled = position.count > 1;
    append_flagged(out, zigzag(offset - previous), bundled);
    if (bundled) {
      append_varint(out, position.index);
      append_varint(out, position.count);
    }
    previous = offset;
  }
  return out;
}

Result<std::vector<Position>> decode_positions(std::string_view bytes) {
  std::vector<Position> positions;
  Bytes rest{bytes};
  std::uint64_t previous = 0;
  while (!rest.empty()) {
    const auto position = take_position(rest, previous);
    if (!position) {
      return fail(Errc::unsafe_to_go_on, "positions can't be decoded");
    }
    positions.push_back(*position);
    previous = static_cast<std::uint64_t>(position->offset);
  }
  return positions;
}

std::string encode_gaps(std::span<const Gap> gaps) {
  std::string out;
  std::int64_t previous = 0;
  for (const auto& gap : gaps) {
    assert(gap.from >= previous && gap.to > gap.from);
    append_varint(out, static_cast<std::uint64_t>(gap.from - previous));
    append_varint(out, static_cast<std::uint64_t>(gap.to - gap.from));
    previous = gap.to;
  }
  return out;
}

Result<std::vector<Gap>> decode_gaps(std::string_view bytes) {
  std::vector<Gap> gaps;
  Bytes rest{bytes};
  std::uint64_t previous = 0;
  constexpr auto offset_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  while (!rest.empty()) {
    const auto distance = rest.varint();
    const auto length = rest.varint();
    const bool touches = !gaps.empty() && distance == std::uint64_t{0};
    if (!distance || !length || *length == 0 || touches || *distance > offset_max - previous ||
        *length > offset_max - previous - *distance) {
      return fail(Errc::unsafe_to_go_on, "gaps can't be decoded");
    }
    const auto from = previous + *distance;
    previous = from + *length;
    gaps.push_back({.from = static_cast<std::int64_t>(from), .to = static_cast<std::int64_t>(previous)});
  }
  return gaps;
}

std::vector<Gap> merged(std::vector<Gap> gaps) {
  std::erase_if(gaps, [](const Gap& gap) { return gap.to <= gap.from; });
  std::ranges::sort(gaps, {}, &Gap::from);
  std::vector<Gap> out;
  for (const auto& gap : gaps) {
    if (!out.empty() && gap.from <= out.back().to) {
      out.back().to = std::max(out.back().to, gap.to);
    } else {
      out.push_back(gap);
    }
  }
  return out;
}

}  // namespace alluvium::pipeline
