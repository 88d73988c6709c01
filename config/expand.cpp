// SPDX-License-Identifier: Apache-2.0
#include "config/expand.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>

#include "config/units.hpp"

namespace alluvium::config {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

Result<std::string> read_secret(std::string_view name, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / name;
  std::error_code error;
  // A pipe or a device could be endless, or wait for ever.
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return fail(Errc::invalid_config, "${file:" + std::string{name} + "}: want a regular file");
  }
  auto content = read_file(path, secret_file_bytes_max);
  if (!content) {
    return fail(Errc::invalid_config, "${file:" + std::string{name} + "}: " + content.error().detail);
  }
  if (content->ends_with('\n')) {
    content->pop_back();
    if (content->ends_with('\r')) {
      content->pop_back();
    }
  }
  return content;
}

Result<std::string> variable(std::string_view body, const Environment& environment) {
  const std::string name{body.substr(0, body.find(':'))};
  if (!is_variable_name(name)) {
    return fail(Errc::invalid_config, "want ${NAME}, ${NAME:-default}, ${NAME:?message} or ${file:PATH}; $$ is a $");
  }
  const auto found = environment.find(name);
  const bool set = found != environment.end();
  if (name.size() == body.size()) {
    return set ? Result<std::string>{found->second}
               : fail(Errc::invalid_config,
                      "the environment has no " + name + "; set it, or give a default with ${" + name + ":-default}");
  }
  const auto operation = body.substr(name.size(), 2);
  const std::string operand{body.substr(std::min(body.size(), name.size() + 2))};
  if (operation != ":-" && operation != ":?") {
    return fail(Errc::invalid_config, "want ${" + name + "}, ${" + name + ":-default} or ${" + name + ":?message}");
  }
  if (set && !found->second.empty()) {
    return found->second;
  }
  if (operation == ":-") {
    return operand;
  }
  return fail(Errc::invalid_config, name + ": " + (operand.empty() ? "not set" : operand));
}

}  // namespace

Result<Expanded> expand(std::string_view text, const Environment& environment, const std::filesystem::path& folder) {
  Expanded out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto dollar = std::min(text.find('$', at), text.size());
    out.text.append(text, at, dollar - at);
    at = dollar;
    if (at == text.size()) {
      break;
    }
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (next != '{') {
      out.text += '$';
      at += next == '$' ? 2 : 1;
      continue;
    }
    const auto close = text.find('}', at);
    if (close == std::string_view::npos) {
      return fail(Errc::invalid_config, "a ${ without its }; write $${ for the characters themselves");
    }
    const auto body = text.substr(at + 2, close - at - 2);
    const bool is_file = body.starts_with("file:");
    auto value = is_file ? read_secret(body.substr(5), folder) : variable(body, environment);
    if (!value) {
      return tl::unexpected{value.error()};
    }
    if (is_file) {
      out.from_files.push_back(*value);
    }
    if (out.text.size() + value->size() > expanded_bytes_max) {
      return fail(Errc::invalid_config, "want at most " + format_size(expanded_bytes_max) + " once it is expanded");
    }
    out.text += *value;
    at = close + 1;
  }
  return out;
}

std::string escape_expansion(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    out += value[i];
    if (value[i] == '$' && i + 1 < value.size() && (value[i + 1] == '$' || value[i + 1] == '{')) {
      out += '$';
    }
  }
  return out;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return fail(Errc::invalid_config, "it is a folder");
  }
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    return fail(Errc::invalid_config, std::string{"can't be read: "} + std::strerror(errno));
  }
  std::string content(bytes_max + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) {
    return fail(Errc::invalid_config, std::string{"can't be read: "} + std::strerror(errno));
  }
  if (content.size() > bytes_max) {
    return fail(Errc::invalid_config, "want at most " + format_size(bytes_max));
  }
  return content;
}

}  // namespace alluvium::config
