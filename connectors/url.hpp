// SPDX-License-Identifier: Apache-2.0
// Takes apart the base URL of an HTTP endpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/error.hpp"

namespace alluvium::connectors {

/// http://host[:port][/path] or the same with https: what can stand before the targets of calls.
struct Url {
  bool tls = false;
  std::string host;  ///< In lower case; an IPv6 address without its brackets.
  std::uint16_t port = 0;
  std::string path;  ///< Empty, or "/..." without a slash at its end.

  /// What the Host header says: the port only if it is not the scheme's own.
  [[nodiscard]] std::string host_header() const;
  /// The whole, in one way of writing: https://host/path
  [[nodiscard]] std::string text() const;
  bool operator==(const Url&) const = default;
};

inline constexpr std::size_t url_bytes_max = 2048;

/// `invalid_config` for anything else: another scheme, a user name or password, a query, a fragment, characters that
/// must be escaped. Its detail quotes nothing that may be secret.
[[nodiscard]] pipeline::Result<Url> parse_url(std::string_view text);

/// True if `text` is not empty and has nothing in it but visible ASCII: what may stand in a request line.
[[nodiscard]] bool is_visible_ascii(std::string_view text);

}  // namespace alluvium::connectors
