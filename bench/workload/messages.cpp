// SPDX-License-Identifier: Apache-2.0
#include "bench/workload/messages.hpp"

#include <algorithm>

#include "bench/workload/texts.hpp"

namespace alluvium::bench {
namespace {

// Most chat messages are short and a few are long: a fixed part and an exponential one, cut off so that
// no message is beyond a page.
constexpr double fixed_share = 0.3;
constexpr double spread_max = 6;
// The last sentence goes beyond the length that was asked for, by half of a sentence on average.
constexpr double half_sentence = 30;

}  // namespace

Messages::Messages(const WorkloadOptions& options)
    : options_{options},
      rules_{make_rules(options.rules)},
      random_{options.seed},
      agents_{options.agents, options.skew} {}

bool Messages::next() {
  if (made_ == options_.messages) {
    return false;
  }
  key_ = "agent-";
  key_ += std::to_string(agents_.next(random_));
  value_ = R"({"id":"m-)";
  value_ += std::to_string(made_++);
  value_ += R"(","agent_id":")";
  value_ += key_;
  value_ += R"(","content":")";
  append_content();  // Needs no escapes: the texts have neither quotes nor backslashes.
  value_ += "\"}";
  return true;
}

void Messages::append_content() {
  const double kind = random_.share();
  if (kind < options_.noise) {
    append_noise(value_, random_);
    return;
  }
  const bool matches = !rules_.empty() && kind < options_.noise + options_.match;
  const double factor = fixed_share + (1 - fixed_share) * std::min(random_.exponential(), spread_max);
  const double wanted = std::max(1.0, factor * static_cast<double>(options_.length) - half_sentence);
  if (!matches) {
    append_talk(value_, static_cast<std::size_t>(wanted), random_);
    return;
  }
  // Somewhere in the message: whoever searches has to read on to the end.
  const auto before = static_cast<std::size_t>(wanted * random_.share());
  if (before > 0) {
    append_talk(value_, before, random_);
    value_ += " My ";
  }
  append_match(value_, rules_[random_.below(rules_.size())], random_);
  const auto after = static_cast<std::size_t>(wanted) - before;
  if (after > 2 * static_cast<std::size_t>(half_sentence)) {
    value_ += ". ";
    append_talk(value_, after, random_);
  }
}

}  // namespace alluvium::bench
