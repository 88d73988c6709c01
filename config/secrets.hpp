// SPDX-License-Identifier: Apache-2.0
// Which values are secret, and how they are kept out of everything that is printed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alluvium::config {

inline constexpr std::string_view redacted = "********";
/// A shorter secret is not looked for inside other text: it would be found everywhere.
inline constexpr std::size_t scrubbed_bytes_min = 4;

/// True for names such as sasl.password, ssl.key.password, client_secret, access-token, api_key.
[[nodiscard]] bool is_secret_name(std::string_view name);
/// The parts of `text` between "://" and "@", and what follows the colon in each.
[[nodiscard]] std::vector<std::string> user_info(std::string_view text);
/// `text` with "********" for each user info.
[[nodiscard]] std::string redact_user_info(std::string_view text);
/// `text` with "********" for each of `secrets` that is long enough.
[[nodiscard]] std::string scrub(std::string text, const std::vector<std::string>& secrets);

}  // namespace alluvium::config
