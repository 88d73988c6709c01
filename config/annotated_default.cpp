// SPDX-License-Identifier: Apache-2.0
// The table of keys as a config file: defaults, comments, and what is off by default commented out.
#include <algorithm>
#include <optional>

#include "config/config.hpp"
#include "config/keys.hpp"

namespace alluvium::config {
namespace {

constexpr std::size_t comment_columns_max = 100;

std::string limits_of(const Key& key) {
  if (!key.choices.empty()) {
    std::string out = " One of";
    for (const auto choice : choices_of(key)) {
      out.append(out.ends_with("of") ? " " : ", ").append(choice);
    }
    return out + '.';
  }
  const bool has_range = key.max > 0;
  return has_range ? " " + format_limit(key, key.min) + " to " + format_limit(key, key.max) + "." : std::string{};
}

class Annotator {
 public:
  std::string write() {
    out_ =
        "# Every key of Alluvium with its default. What begins with # and no blank is off: take the # away\n"
        "# to use it. Sizes have a unit (10B, 256KiB, 512MiB, 1GB), durations too (500ms, 5s, 60m, 2h, 1d).\n"
        "# ${VAR}, ${VAR:-default}, ${VAR:?message} and ${file:PATH} are filled in; $$ is a $.\n";
    for (const auto& key : keys()) {
      if (key.kind != Kind::later) {
        write_key(key);
      }
    }
    return std::move(out_);
  }

 private:
  void write_key(const Key& key) {
    const auto depth = static_cast<std::size_t>(std::ranges::count(key.path, '.'));
    if (off_depth_ && depth <= *off_depth_) {
      off_depth_.reset();
    }
    const bool shows_example = !key.example.empty() && !key.required;
    const bool off = off_depth_.has_value() || key.commented || shows_example;
    const auto comment_depth = off_depth_.value_or(depth);
    if (depth == 0) {
      out_ += '\n';
    }
    // A comment over a key that is off is one like any other, if it does not stand within what is off.
    comment(key, depth, off_depth_);
    auto text = std::string{key.name() == "*" ? "small" : key.name()} + ':';
    if (key.is_of_rule()) {
      text = (key.name() == "id" ? "- " : "  ") + text;
    }
    const auto value = key.example.empty() ? format_default(key) : std::string{key.example};
    text += value.empty() ? value : " " + value;
    const auto line_depth = key.is_of_rule() ? depth - 1 : depth;
    line(off ? std::optional{comment_depth} : std::nullopt, line_depth, text);
    if (key.commented) {
      off_depth_ = off_depth_.value_or(depth);
    }
  }

  void comment(const Key& key, std::size_t depth, std::optional<std::size_t> off_depth) {
    std::string rest = std::string{key.doc} + limits_of(key);
    while (!rest.empty()) {
      auto end = rest.size();
      if (end > comment_columns_max) {
        end = rest.rfind(' ', comment_columns_max);
      }
      line(off_depth, depth, "# " + rest.substr(0, end));
      rest.erase(0, std::min(end + 1, rest.size()));
    }
  }

  /// With `off_depth`: a # at that depth, and what is deeper after it.
  void line(std::optional<std::size_t> off_depth, std::size_t depth, const std::string& text) {
    const auto before = std::min(off_depth.value_or(depth), depth);
    out_.append(2 * before, ' ').append(off_depth ? "#" : "").append(2 * (depth - before), ' ').append(text) += '\n';
  }

  std::optional<std::size_t> off_depth_;
  std::string out_;
};

}  // namespace

const std::string& annotated_default() {
  static const std::string text = Annotator{}.write();
  return text;
}

}  // namespace alluvium::config
