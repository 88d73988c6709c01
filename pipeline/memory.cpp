// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <memory>
#include <utility>

#include <xxhash.h>

namespace alluvium::pipeline {
namespace {

/// Collects fields for a hash so that no two lists of fields give the same bytes: each text comes
/// with its length, each number as eight bytes, lowest first, whatever the machine.
class FieldBytes {
 public:
  FieldBytes() = default;
  FieldBytes(const FieldBytes&) = delete;
  FieldBytes& operator=(const FieldBytes&) = delete;
  FieldBytes(FieldBytes&&) = delete;
  FieldBytes& operator=(FieldBytes&&) = delete;
  ~FieldBytes() = default;

  void add(std::string_view text) {
    add(text.size());
    append(text.data(), text.size());
  }
  template <std::integral... T>
  void add(T... numbers) {
    std::array eights = {static_cast<std::uint64_t>(numbers)...};
    if constexpr (std::endian::native == std::endian::big) {
      std::ranges::for_each(eights, [](auto& eight) { eight = __builtin_bswap64(eight); });
    }
    append(eights.data(), sizeof eights);
  }
  [[nodiscard]] XXH128_hash_t hash128() const {
    return XXH3_128bits(bytes_, size_);
  }
  [[nodiscard]] std::uint64_t hash64() const {
    return XXH3_64bits(bytes_, size_);
  }

 private:
  void append(const void* what, std::size_t size) {
    if (size > capacity_ - size_) {
      capacity_ = 2 * capacity_ + size;
      auto wider = std::make_unique_for_overwrite<char[]>(capacity_);
      std::memcpy(wider.get(), bytes_, size_);
      more_ = std::move(wider);
      bytes_ = more_.get();
    }
    if (size > 0) {
      std::memcpy(bytes_ + size_, what, size);
      size_ += size;
    }
  }

  std::array<char, 2048> few_;  ///< What most batches need: forty messages.
  std::unique_ptr<char[]> more_;
  char* bytes_ = few_.data();
  std::size_t capacity_ = few_.size();
  std::size_t size_ = 0;
};

/// Exactly `digits` digits of `number` in `base`, with leading zeros.
template <unsigned base>
void append_digits(std::string& out, std::uint64_t number, std::size_t digits) {
  constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
  const auto end = out.size();
  for (std::size_t i = 0; i < digits; ++i, number /= base) {
    out.push_back(alphabet[number % base]);
  }
  std::reverse(out.begin() + static_cast<std::ptrdiff_t>(end), out.end());
}

}  // namespace

std::string_view name(MemoryType type) {
  switch (type) {
    case MemoryType::semantic:
      return "semantic";
    case MemoryType::episodic:
      return "episodic";
    case MemoryType::procedural:
      return "procedural";
  }
  return "semantic";
}

std::string_view name(ExtractionMethod method) {
  switch (method) {
    case ExtractionMethod::rules:
      return "rules";
    case ExtractionMethod::small_model:
      return "small_model";
    case ExtractionMethod::premium_model:
      return "premium_model";
  }
  return "rules";
}

ExtractionMethod method_named(std::string_view name_of_it) {
  for (const auto method : {ExtractionMethod::rules, ExtractionMethod::small_model}) {
    if (name(method) == name_of_it) {
      return method;
    }
  }
  return ExtractionMethod::premium_model;
}

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::extracted:
      return "extracted";
    case Outcome::empty:
      return "empty";
    case Outcome::skipped:
      return "skipped";
    case Outcome::noise:
      return "noise";
    case Outcome::dead:
      return "dead";
    case Outcome::pending:
      return "pending";
  }
  return "dead";
}

std::string memory_id(const Batch& batch, const Memory& memory) {
  FieldBytes fields;
  fields.add(batch.agent_id());
  fields.add(name(memory.method));
  fields.add(memory.rule_id);
  if (!memory.prompt_id.empty()) {
    fields.add(memory.prompt_id);
  }
  fields.add(memory.content);
  fields.add(memory.sources.size());
  for (const auto source : memory.sources) {
    fields.add(batch.id(source));
  }
  const auto hash = fields.hash128();
  std::string id = "mem_";
  id.reserve(id.size() + 32);
  append_digits<16>(id, hash.high64, 16);
  append_digits<16>(id, hash.low64, 16);
  return id;
}

std::string batch_id(const Batch& batch, std::string_view topic, std::int32_t partition) {
  FieldBytes fields;
  fields.add(batch.agent_id());
  fields.add(topic);
  fields.add(partition);
  fields.add(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& position = batch.position(i);
    fields.add(position.offset, position.index, position.count);
    fields.add(batch.id(i));
  }
  // A time before 1970 would put a second sign into the id.
  const auto first_ms = batch.empty() ? 0 : std::max<std::int64_t>(0, batch[0].timestamp_ms);
  std::string id = "batch_" + std::to_string(first_ms) + "_";
  append_digits<36>(id, fields.hash64(), 13);
  return id;
}

}  // namespace alluvium::pipeline
