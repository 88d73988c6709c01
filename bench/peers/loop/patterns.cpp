// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/loop/patterns.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>

namespace alluvium::bench {
namespace {

// Below, trying each is quicker than RE2's set.
constexpr std::size_t set_from = 6;
// For the set's automaton; with RE2's own 8 MiB it falls back to a search that is many times slower.
constexpr std::int64_t set_bytes_max = std::int64_t{512} << 20;

re2::RE2::Options without_case() {
  re2::RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  return options;
}

std::string_view trim(re2::StringPiece piece) {
  std::string_view text{piece.data(), piece.size()};
  const auto first = text.find_first_not_of(" \t\n\r\f\v");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t\n\r\f\v") - first + 1);
}

}  // namespace

tl::expected<Patterns, std::string> Patterns::read(const std::string& path) {
  std::ifstream in{path};
  if (!in) {
    return tl::unexpected{path + " could not be read"};
  }
  Patterns out;
  auto options = without_case();
  options.set_max_mem(set_bytes_max);
  auto set = std::make_unique<re2::RE2::Set>(options, re2::RE2::UNANCHORED);
  for (std::string line; std::getline(in, line);) {
    const auto tab = line.find('\t');
    const auto pattern = tab == std::string::npos ? std::string{} : line.substr(tab + 1);
    // In brackets, so that the whole match can be asked for.
    auto compiled = std::make_unique<re2::RE2>("(" + pattern + ")", without_case());
    std::string fault;
    if (pattern.empty() || !compiled->ok() || set->Add(pattern, &fault) < 0) {
      return tl::unexpected{path + ": " + line + ": " + fault + compiled->error()};
    }
    out.rules_.push_back({line.substr(0, tab), std::move(compiled)});
  }
  if (out.rules_.size() >= set_from) {
    if (!set->Compile()) {
      return tl::unexpected{path + ": too much for RE2"};
    }
    out.set_ = std::move(set);
  } else {
    out.matching_.resize(out.rules_.size());
    std::iota(out.matching_.begin(), out.matching_.end(), 0);
  }
  return out;
}

void Patterns::search(std::string_view content, const std::function<void(std::string_view, std::string_view)>& found) {
  const re2::StringPiece whole{content.data(), content.size()};
  if (set_) {
    if (!set_->Match(whole, &matching_)) {
      return;
    }
    std::sort(matching_.begin(), matching_.end());
  }
  for (const auto index : matching_) {
    const auto& rule = rules_[static_cast<std::size_t>(index)];
    auto rest = whole;
    re2::StringPiece match;
    while (re2::RE2::FindAndConsume(&rest, *rule.pattern, &match) && !match.empty()) {
      found(rule.id, trim(match));
    }
  }
}

}  // namespace alluvium::bench
