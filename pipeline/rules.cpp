// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rules.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include <re2/re2.h>
#include <simdjson.h>

#include "pipeline/glob.hpp"
#include "pipeline/rule_prefilter.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::size_t id_bytes_max = 256;  ///< Of a rule's id, name and each keyword.
constexpr std::size_t keywords_max = 64;
constexpr std::size_t agents_max = 64;

/// Instructions times bytes: what RE2 may cost in the worst case, where it has to fall back from its
/// automaton to stepping every instruction for every byte, at 2 to 3 ns each.
constexpr std::size_t work_per_search_max = 1'000'000'000;
/// The same over all the searches of one rule in one text, which may each look far ahead.
constexpr std::size_t work_per_text_max = 16'000'000'000;

constexpr std::string_view blanks = " \t\n\v\f\r";

bool is_text(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && simdjson::validate_utf8(text.data(), text.size());
}

/// What is wrong with a rule besides its pattern's syntax.
std::optional<std::string> fault_of(const Rule& rule, const RuleSet::Limits& limits) {
  const auto no_text = [](const std::string& text) { return text.empty() || !is_text(text, id_bytes_max); };
  const auto no_glob = [](const std::string& glob) { return glob.empty() || !is_text(glob, glob_bytes_max); };
  if (no_text(rule.id)) {
    return "id: want 1 to " + std::to_string(id_bytes_max) + " bytes of UTF-8";
  }
  if (!is_text(rule.name, id_bytes_max)) {
    return "name: want at most " + std::to_string(id_bytes_max) + " bytes of UTF-8";
  }
  if (rule.pattern.find_first_not_of(blanks) == std::string::npos) {
    return "pattern: is empty";
  }
  if (rule.pattern.size() > limits.pattern_bytes_max) {
    return "pattern: is longer than " + std::to_string(limits.pattern_bytes_max) + " bytes";
  }
  if (!(rule.importance >= 0 && rule.importance <= 1)) {
    return "importance: want 0 to 1";
  }
  if (rule.keywords.size() > keywords_max || std::ranges::any_of(rule.keywords, no_text)) {
    return "keywords: want at most " + std::to_string(keywords_max) + ", each 1 to " + std::to_string(id_bytes_max) +
           " bytes of UTF-8";
  }
  if (rule.agents.empty() || rule.agents.size() > agents_max || std::ranges::any_of(rule.agents, no_glob)) {
    return "agents: want 1 to " + std::to_string(agents_max) + " globs, each 1 to " + std::to_string(glob_bytes_max) +
           " bytes of UTF-8";
  }
  return std::nullopt;
}

RE2::Options re2_options(const RuleSet::Limits& limits) {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_max_mem(static_cast<std::int64_t>(limits.program_bytes_max));
  options.set_log_errors(false);
  return options;
}

struct CompiledRule {
  Rule rule;
  std::unique_ptr<RE2> regex;
  std::size_t instructions = 1;
  bool any_agent = false;
};

bool is_inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

/// Calls `found` with the place and length of each match, leftmost first, none overlapping another,
/// blanks at its ends left out. What is empty then is passed over, and so is what begins or ends
/// inside a character (\C can do that): it would be no text.
template <class Found>
void each_match(const CompiledRule& rule, std::string_view text, std::size_t matches_max, const Found& found) {
  const auto size = std::min(text.size(), work_per_search_max / rule.instructions);
  const re2::StringPiece input{text.data(), size};
  auto work_left = work_per_text_max / rule.instructions;
  re2::StringPiece hit;
  for (std::size_t from = 0, matches = 0; from < size && matches < matches_max && work_left >= size - from;) {
    work_left -= size - from;
    if (!rule.regex->Match(input, from, size, RE2::UNANCHORED, &hit, 1)) {
      return;
    }
    const auto begin = static_cast<std::size_t>(hit.data() - text.data());
    if (hit.empty()) {
      from = begin + 1;
      while (is_inside_character(text, from)) {
        ++from;
      }
      continue;
    }
    ++matches;
    from = begin + hit.size();
    const std::string_view whole{hit.data(), hit.size()};
    const bool is_whole = !is_inside_character(text, begin) && !is_inside_character(text, from);
    if (const auto first = whole.find_first_not_of(blanks); is_whole && first != std::string_view::npos) {
      found(begin + first, whole.find_last_not_of(blanks) - first + 1);
    }
  }
}

/// A batch's contents joined by one blank each, and where each ends in it.
struct JoinedBatch {
  explicit JoinedBatch(const Batch& batch) {
    text.reserve(batch.content_bytes() + batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i > 0) {
        text.push_back(' ');
      }
      text.append(batch.content(i));
      ends.push_back(text.size());
    }
  }

  /// The messages that [begin, end) touches; it neither begins nor ends with a blank.
  [[nodiscard]] std::vector<std::uint32_t> messages(std::size_t begin, std::size_t end) const {
    std::vector<std::uint32_t> touched;
    auto i = static_cast<std::size_t>(std::ranges::upper_bound(ends, begin) - ends.begin());
    for (; i < ends.size() && (i == 0 || ends[i - 1] < end); ++i) {
      touched.push_back(static_cast<std::uint32_t>(i));
    }
    return touched;
  }

  std::string text;
  std::vector<std::size_t> ends;
};

Memory make_memory(const Batch& batch, const Rule& rule, std::string_view content, std::vector<std::uint32_t> sources) {
  Memory memory{.id = {},
                .content = std::string{content},
                .type = rule.memory_type,
                .importance = rule.importance,
                .keywords = rule.keywords,
                .method = ExtractionMethod::rules,
                .rule_id = rule.id,
                .sources = std::move(sources)};
  memory.id = memory_id(batch, memory);
  return memory;
}

}  // namespace

struct RuleSet::State {
  std::vector<CompiledRule> message_rules;  ///< In the order given, like batch_rules.
  std::vector<CompiledRule> batch_rules;
  std::unique_ptr<RulePrefilter> prefilter;  ///< Over message_rules.
  std::size_t matches_max = 0;
};

/// Whether a rule is for a batch's agent: asked only of rules that may match, and once a batch.
enum class ForAgent : std::uint8_t { unknown, yes, no };

struct RuleSet::Scratch::State {
  explicit State(const RulePrefilter& prefilter) : scan{prefilter} {}

  bool is_for(const CompiledRule& rule, std::size_t index, std::string_view agent) {
    if (rule.any_agent) {
      return true;
    }
    auto& verdict = for_agent[index];
    if (verdict == ForAgent::unknown) {
      const auto matches = [agent](const std::string& glob) { return glob_matches(glob, agent); };
      verdict = std::ranges::any_of(rule.rule.agents, matches) ? ForAgent::yes : ForAgent::no;
    }
    return verdict == ForAgent::yes;
  }

  RulePrefilter::Scratch scan;
  std::vector<std::uint32_t> candidates;
  std::vector<ForAgent> for_agent;
};

RuleSet::RuleSet() = default;
RuleSet::~RuleSet() = default;
RuleSet::Scratch::Scratch(const RuleSet& rules) : state_{std::make_unique<State>(*rules.state_->prefilter)} {}
RuleSet::Scratch::~Scratch() = default;
RuleSet::Scratch::Scratch(Scratch&&) noexcept = default;
RuleSet::Scratch& RuleSet::Scratch::operator=(Scratch&&) noexcept = default;

Result<std::shared_ptr<const RuleSet>> RuleSet::compile(std::vector<Rule> rules, const Limits& limits,
                                                        std::vector<RuleProblem>& problems) {
  if (rules.size() > limits.rules_max) {
    return fail(Errc::invalid_config, "rules: " + std::to_string(rules.size()) + " are given, at most " +
                                          std::to_string(limits.rules_max) + " can run");
  }
  const auto options = re2_options(limits);
  auto state = std::make_unique<State>();
  state->matches_max = limits.matches_per_message_max;
  std::vector<std::string> patterns;
  std::unordered_set<std::string> ids;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto& rule = rules[i];
    if (auto fault = fault_of(rule, limits)) {
      problems.push_back({i, std::move(*fault)});
      continue;
    }
    if (!ids.insert(rule.id).second) {
      problems.push_back({i, "id: another rule has it too"});
      continue;
    }
    const auto pattern = rule.kind == RuleKind::simple ? RE2::QuoteMeta(rule.pattern) : rule.pattern;
    auto regex = std::make_unique<RE2>(pattern, options);
    if (!regex->ok()) {
      problems.push_back({i, "pattern: " + regex->error()});
      continue;
    }
    if (!rule.active) {
      continue;
    }
    const auto instructions = static_cast<std::size_t>(std::max(1, regex->ProgramSize()));
    const bool any_agent = std::ranges::find(rule.agents, "*") != rule.agents.end();
    auto& place = rule.scope == RuleScope::message ? state->message_rules : state->batch_rules;
    if (rule.scope == RuleScope::message) {
      patterns.push_back(pattern);
    }
    place.push_back({std::move(rule), std::move(regex), instructions, any_agent});
  }
  state->prefilter = std::make_unique<RulePrefilter>(patterns);
  const std::shared_ptr<RuleSet> set{new RuleSet};
  set->state_ = std::move(state);
  return set;
}

std::size_t RuleSet::size() const {
  return state_->message_rules.size() + state_->batch_rules.size();
}

std::vector<Memory> RuleSet::match(const Batch& batch, Scratch& scratch) const {
  std::vector<Memory> memories;
  auto& own = *scratch.state_;
  const auto& in_messages = state_->message_rules;
  const auto& in_batches = state_->batch_rules;
  own.for_agent.assign(size(), ForAgent::unknown);
  for (std::size_t i = 0; i < batch.size() && !in_messages.empty(); ++i) {
    const auto content = batch.content(i);
    state_->prefilter->find(content, own.scan, own.candidates);
    for (const auto candidate : own.candidates) {
      const auto& rule = in_messages[candidate];
      if (!own.is_for(rule, candidate, batch.agent_id())) {
        continue;
      }
      each_match(rule, content, state_->matches_max, [&](std::size_t begin, std::size_t length) {
        memories.push_back(
            make_memory(batch, rule.rule, content.substr(begin, length), {static_cast<std::uint32_t>(i)}));
      });
    }
  }
  std::optional<JoinedBatch> joined;
  for (std::size_t i = 0; i < in_batches.size(); ++i) {
    const auto& rule = in_batches[i];
    if (!own.is_for(rule, in_messages.size() + i, batch.agent_id())) {
      continue;
    }
    if (!joined) {
      joined.emplace(batch);
    }
    each_match(rule, joined->text, state_->matches_max, [&](std::size_t begin, std::size_t length) {
      memories.push_back(make_memory(batch, rule.rule, std::string_view{joined->text}.substr(begin, length),
                                     joined->messages(begin, begin + length)));
    });
  }
  return memories;
}

}  // namespace alluvium::pipeline
