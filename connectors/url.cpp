// SPDX-License-Identifier: Apache-2.0
#include "connectors/url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>

#include <arpa/inet.h>

#include "connectors/http_client.hpp"

namespace alluvium::connectors {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;
constexpr std::size_t host_bytes_max = 253;  // Of a name in DNS.

std::string lower_case(std::string_view text) {
  std::string lower{text};
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= host_bytes_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port > 0 ? std::optional{port} : std::nullopt;
}

/// Reads host and port; false if they are none.
bool read_authority(std::string_view text, Url& url) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) {
      return false;
    }
    url.host = lower_case(text.substr(1, end - 1));
    rest = text.substr(end + 1);
    if (!is_ipv6(url.host)) {
      return false;
    }
  } else {
    const auto end = std::min(text.find(':'), text.size());
    url.host = lower_case(text.substr(0, end));
    rest = text.substr(end);
    if (!is_name(url.host)) {
      return false;
    }
  }
  if (rest.empty()) {
    url.port = url.tls ? https_port : http_port;
    return true;
  }
  const auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  url.port = port.value_or(0);
  return port.has_value();
}

}  // namespace

bool is_visible_ascii(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

std::string Url::host_header() const {
  auto text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? https_port : http_port)) {
    text += ":" + std::to_string(port);
  }
  return text;
}

std::string Url::text() const {
  return (tls ? "https://" : "http://") + host_header() + path;
}

Result<Url> parse_url(std::string_view text) {
  if (!is_visible_ascii(text) || text.size() > url_bytes_max) {
    return fail(Errc::invalid_config, "the URL is empty, too long, or has characters in it that no URL has");
  }
  const auto scheme_end = text.find("://");
  const auto scheme = lower_case(text.substr(0, std::min(scheme_end, text.size())));
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return fail(Errc::invalid_config, "the URL does not begin with http:// or https://");
  }
  const auto rest = text.substr(scheme_end + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return fail(Errc::invalid_config, "the URL has a query or a fragment (? or #); want http[s]://host[:port][/path]");
  }
  const auto path_at = std::min(rest.find('/'), rest.size());
  const auto authority = rest.substr(0, path_at);
  if (authority.find('@') != std::string_view::npos) {
    return fail(Errc::invalid_config, "the URL has a user name or password in it; a key has a setting of its own");
  }
  Url url;
  url.tls = scheme == "https";
  if (!read_authority(authority, url)) {
    return fail(Errc::invalid_config, "the URL's host or port is none: \"" + std::string{authority} + "\"");
  }
  url.path = rest.substr(path_at);
  if (url.path.find_first_of("\\\"<>^`{|}") != std::string::npos) {
    return fail(Errc::invalid_config, "the URL's path has characters in it that must be escaped");
  }
  while (url.path.ends_with('/')) {
    url.path.pop_back();
  }
  return url;
}

bool is_loopback(const std::string& base_url) {
  const auto url = parse_url(base_url);
  if (!url) {
    return false;
  }
  in_addr v4{};
  if (inet_pton(AF_INET, url->host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24U) == 127;
  }
  in6_addr v6{};
  const std::array<std::uint8_t, 16> loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (inet_pton(AF_INET6, url->host.c_str(), &v6) == 1) {
    return std::ranges::equal(loopback, v6.s6_addr);
  }
  return url->host == "localhost";
}

}  // namespace alluvium::connectors
