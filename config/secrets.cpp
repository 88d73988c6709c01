// SPDX-License-Identifier: Apache-2.0
#include "config/secrets.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace alluvium::config {
namespace {

// Compared without regard to case and with '-' and '.' as '_'.
constexpr std::array<std::string_view, 12> secret_words{"password",   "passwd",  "passphrase", "secret",
                                                        "token",      "api_key", "apikey",     "private_key",
                                                        "credential", "key_pem", "jaas",       "oauthbearer_config"};

struct Span {
  std::size_t begin;
  std::size_t end;
};

/// Where the user infos of `text` stand. The last @ before the path counts: a password may hold one.
std::vector<Span> user_info_spans(std::string_view text) {
  std::vector<Span> spans;
  for (auto scheme = text.find("://"); scheme != std::string_view::npos; scheme = text.find("://", scheme + 3)) {
    const auto begin = scheme + 3;
    const auto end = std::min(text.find_first_of("/?# \t\r\n", begin), text.size());
    const auto at = text.substr(begin, end - begin).rfind('@');
    if (at != std::string_view::npos && at > 0) {
      spans.push_back({begin, begin + at});
    }
  }
  return spans;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  std::string plain{name};
  std::ranges::transform(plain, plain.begin(), [](char c) {
    return c == '-' || c == '.' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::ranges::any_of(secret_words, [&](auto word) { return plain.find(word) != std::string::npos; });
}

std::vector<std::string> user_info(std::string_view text) {
  std::vector<std::string> found;
  for (const auto& span : user_info_spans(text)) {
    found.emplace_back(text.substr(span.begin, span.end - span.begin));
    if (const auto colon = found.back().find(':'); colon != std::string::npos) {
      found.push_back(found.back().substr(colon + 1));
    }
  }
  return found;
}

std::string redact_user_info(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  for (const auto& span : user_info_spans(text)) {
    out.append(text, at, span.begin - at).append(redacted);
    at = span.end;
  }
  return out.append(text, at);
}

std::string scrub(std::string text, const std::vector<std::string>& secrets) {
  // Longer ones first: one secret can be part of another.
  std::vector<std::string_view> ordered;
  std::ranges::copy_if(secrets, std::back_inserter(ordered),
                       [](const auto& secret) { return secret.size() >= scrubbed_bytes_min && secret != redacted; });
  std::ranges::sort(ordered, std::ranges::greater{}, &std::string_view::size);
  for (const auto secret : ordered) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + redacted.size())) {
      text.replace(at, secret.size(), redacted);
    }
  }
  return text;
}

}  // namespace alluvium::config
