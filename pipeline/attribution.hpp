// SPDX-License-Identifier: Apache-2.0
// Finds the messages that a memory rests on, where the model does not say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipeline/batch.hpp"

namespace alluvium::pipeline {

/// An index of the words of a batch's messages. Words are as in dedupe_key(); those of less than three bytes do not
/// count. About as large as the contents.
class Attribution {
 public:
  explicit Attribution(const Batch& messages);

  /// The messages that share the most different words with `content`; all messages if none shares any. Ascending.
  [[nodiscard]] std::vector<std::uint32_t> sources_of(std::string_view content) const;

 private:
  std::uint32_t messages_ = 0;
  std::unordered_map<std::string, std::vector<std::uint32_t>> messages_with_;  ///< By word; ascending.
};

}  // namespace alluvium::pipeline
