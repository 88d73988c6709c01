// SPDX-License-Identifier: Apache-2.0
// Tells messages that cannot hold a memory ("ok", "thanks!") before they cost a token.
#pragma once

#include <cstddef>
#include <string_view>

namespace alluvium::pipeline {

/// Filters decide only what may reach a model, and the outcome `noise`; rules see every message.
struct FilterOptions {
  std::size_t min_message_length = 10;  ///< Characters (code points), not bytes.
  bool skip_greetings = true;           ///< hi, hello, ...
  bool skip_confirmations = true;       ///< ok, yes, thanks, got it, ...
  bool include_emotions = false;        ///< Keeps short messages that name an emotion.
  bool capture_everything = false;      ///< Only the length counts; greetings and confirmations stay.
  bool no_filtering = false;            ///< Nothing is noise.
};

/// True if `content` is noise under `options`. Blanks around it do not count.
[[nodiscard]] bool is_noise(std::string_view content, const FilterOptions& options);

}  // namespace alluvium::pipeline
