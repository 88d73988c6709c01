// SPDX-License-Identifier: Apache-2.0
// First line a pattern, the rest a text: a rule set finds in it exactly what RE2 alone finds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <re2/re2.h>

#include "pipeline/rules.hpp"

namespace {

using alluvium::pipeline::Batch;
using alluvium::pipeline::MessageView;
using alluvium::pipeline::Rule;
using alluvium::pipeline::RuleProblem;
using alluvium::pipeline::RuleSet;

/// Small enough that the bounds on a rule's work are never reached; then both must agree.
constexpr std::size_t input_bytes_max = 512;
constexpr std::size_t matches_max = 1000;
constexpr std::string_view blanks = " \t\n\v\f\r";

bool is_inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

std::vector<std::string> re2_alone(const RE2& regex, std::string_view text) {
  std::vector<std::string> contents;
  re2::StringPiece hit;
  const re2::StringPiece input{text.data(), text.size()};
  for (std::size_t from = 0, matches = 0; from < text.size() && matches < matches_max;) {
    if (!regex.Match(input, from, text.size(), RE2::UNANCHORED, &hit, 1)) {
      break;
    }
    const auto begin = static_cast<std::size_t>(hit.data() - text.data());
    const auto end = begin + hit.size();
    from = end;
    if (begin == end) {
      do {
        ++from;
      } while (is_inside_character(text, from));
      continue;
    }
    ++matches;
    auto content = text.substr(begin, hit.size());
    const auto first = content.find_first_not_of(blanks);
    if (first != std::string_view::npos && !is_inside_character(text, begin) && !is_inside_character(text, end)) {
      content = content.substr(first, content.find_last_not_of(blanks) - first + 1);
      contents.emplace_back(content);
    }
  }
  return contents;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), std::min(size, input_bytes_max)};
  const auto line = std::min(input.find('\n'), input.size());
  const std::string pattern{input.substr(0, line)};
  const auto text = input.substr(std::min(line + 1, input.size()));

  // A second rule makes the set more than one pattern.
  Rule rule{.id = "fuzzed", .name = {}, .pattern = pattern, .keywords = {}};
  Rule other{.id = "other", .name = {}, .pattern = "login.*failed", .keywords = {}};
  std::vector<RuleProblem> problems;
  const auto set = RuleSet::compile({rule, other}, {}, problems);
  if (!set) {
    std::abort();
  }
  Batch batch{"agent"};
  MessageView message;
  message.agent_id = "agent";
  message.id = "m";
  message.content = text;
  batch.append(message);
  RuleSet::Scratch scratch{**set};
  std::vector<std::string> found;
  for (const auto& memory : (*set)->match(batch, scratch)) {
    if (memory.rule_id == "fuzzed") {
      found.push_back(memory.content);
    }
  }
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{1} << 20);
  const RE2 regex{pattern, options};
  const bool runs = problems.empty();
  if (runs && !regex.ok()) {
    std::abort();
  }
  if (found != (runs ? re2_alone(regex, text) : std::vector<std::string>{})) {
    std::abort();
  }
  return 0;
}
