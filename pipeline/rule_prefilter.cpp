// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rule_prefilter.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include <hs/hs.h>

#include "pipeline/pattern_dialect.hpp"
#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {
namespace {

constexpr unsigned flags_shared = HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;

/// What stands for a character beyond ASCII in a text that is scanned byte by byte: to a pattern that names none they
/// are all alike (the odd ones aside, is_plain_text()), and this byte is to Hyperscan what they are to RE2: no word
/// character, no blank, in every negated class.
constexpr char beyond_ascii = '\xff';

/// True if the pattern itself speaks of no character beyond ASCII, not by a number either.
bool names_ascii_only(std::string_view pattern) {
  for (auto at = pattern.find('\\'); at != std::string_view::npos && at + 1 < pattern.size();
       at = pattern.find('\\', at + 2)) {
    if (pattern[at + 1] == 'x') {
      return false;
    }
  }
  return is_ascii(pattern);
}

void mark(std::string_view text, std::string& marked) {
  marked.clear();
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      marked.push_back(c);
    } else if (byte >= 0xC0) {  // The first byte of its character; the others are left out.
      marked.push_back(beyond_ascii);
    }
  }
}

/// Patterns that a failed compilation may name, one by one, before the rest is checked up front.
constexpr int demotions_max = 16;

int add_candidate(unsigned id, unsigned long long, unsigned long long, unsigned, void* candidates) {
  static_cast<std::vector<std::uint32_t>*>(candidates)->push_back(id);
  return 0;
}

/// False if Hyperscan refuses the pattern by itself.
bool is_accepted(const std::string& pattern, unsigned flags) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  const bool accepted = hs_expression_info(pattern.c_str(), flags, &info, &error) == HS_SUCCESS;
  hs_free_compile_error(error);
  std::free(info);  // NOLINT(cppcoreguidelines-no-malloc): Hyperscan's default allocator is malloc().
  return accepted;
}

}  // namespace

void RulePrefilter::Free::operator()(hs_database* database) const {
  hs_free_database(database);
}

void RulePrefilter::Scratch::Free::operator()(hs_scratch* scratch) const {
  hs_free_scratch(scratch);
}

RulePrefilter::Scratch::Scratch(const RulePrefilter& prefilter) {
  hs_scratch_t* scratch = nullptr;
  for (const auto* database : {prefilter.bytes_.get(), prefilter.code_points_.get()}) {
    if (database != nullptr && hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
      break;  // Nothing can be scanned then, so that every pattern is a candidate.
    }
  }
  scratch_.reset(scratch);
}

RulePrefilter::RulePrefilter(const std::vector<std::string>& patterns)
    : count_{static_cast<std::uint32_t>(patterns.size())} {
  const bool has_hyperscan = hs_valid_platform() == HS_SUCCESS;
  std::vector<Expression> in_ascii;
  std::vector<Expression> others;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const auto dialect = dialect_of(patterns[i]);
    if (!has_hyperscan || dialect == Dialect::differs) {
      always_.push_back(i);
      continue;
    }
    const auto flags = dialect == Dialect::large ? flags_shared | HS_FLAG_PREFILTER : flags_shared;
    if (names_ascii_only(patterns[i])) {
      in_ascii.push_back({i, flags});
    } else {
      others.push_back({i, flags | HS_FLAG_UTF8});
    }
  }
  bytes_ = build(patterns, std::move(in_ascii));
  code_points_ = build(patterns, std::move(others));
  std::ranges::sort(always_);
}

/// Null for no expressions, or if they end up in always_.
RulePrefilter::Database RulePrefilter::build(const std::vector<std::string>& patterns,
                                             std::vector<Expression> expressions) {
  for (int tries = 0; !expressions.empty(); ++tries) {
    if (tries == demotions_max) {
      std::erase_if(expressions, [&](const Expression& expression) {
        const bool refused = !is_accepted(patterns[expression.pattern], expression.flags);
        if (refused) {
          always_.push_back(expression.pattern);
        }
        return refused;
      });
    }
    std::vector<const char*> texts;
    std::vector<unsigned> flags;
    std::vector<unsigned> ids;
    for (const auto& expression : expressions) {
      texts.push_back(patterns[expression.pattern].c_str());
      flags.push_back(expression.flags);
      ids.push_back(expression.pattern);
    }
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                         nullptr, &database, &error) == HS_SUCCESS) {
      return Database{database};
    }
    const int refused = error == nullptr ? -1 : error->expression;
    hs_free_compile_error(error);
    if (refused < 0 || static_cast<std::size_t>(refused) >= expressions.size() || tries > 2 * demotions_max) {
      for (const auto& expression : expressions) {
        always_.push_back(expression.pattern);
      }
      return nullptr;
    }
    auto& expression = expressions[static_cast<std::size_t>(refused)];
    if ((expression.flags & HS_FLAG_PREFILTER) == 0) {
      expression.flags |= HS_FLAG_PREFILTER;  // Asked for less, it may take the pattern.
    } else {
      always_.push_back(expression.pattern);
      expressions.erase(expressions.begin() + refused);
    }
  }
  return nullptr;
}

void RulePrefilter::find(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& candidates) const {
  candidates.clear();
  const auto scan = [&](const Database& database, std::string_view what) {
    return database == nullptr || hs_scan(database.get(), what.data(), static_cast<unsigned>(what.size()), 0,
                                          scratch.scratch_.get(), add_candidate, &candidates) == HS_SUCCESS;
  };
  const auto scan_bytes = [&] {
    if (bytes_ == nullptr || is_ascii(text)) {
      return scan(bytes_, text);
    }
    mark(text, scratch.marked_);
    return scan(bytes_, scratch.marked_);
  };
  const bool scans = bytes_ != nullptr || code_points_ != nullptr;
  candidates.reserve(count_);  // Nothing may be thrown through Hyperscan.
  if (scans && !(is_plain_text(text) && scan_bytes() && scan(code_points_, text))) {
    candidates.resize(count_);
    std::iota(candidates.begin(), candidates.end(), 0U);
    return;
  }
  candidates.insert(candidates.end(), always_.begin(), always_.end());
  if (candidates.size() > 1) {
    std::ranges::sort(candidates);
  }
}

}  // namespace alluvium::pipeline
