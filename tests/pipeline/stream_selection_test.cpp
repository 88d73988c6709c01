// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stream_selection.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

const StreamSelectionOptions& options() {
  static const StreamSelectionOptions made{
      .rates = {.rate = 0.3, .agent_rates = {}}, .filters = {}, .scorer = ValueScorer::make()};
  return made;
}

MessageView message(std::string_view content, std::string_view agent = "ada") {
  MessageView view;
  view.agent_id = agent;
  view.content = content;
  return view;
}

std::string text_at(std::int64_t offset) {
  return offset % 10 == 0 ? "My sister " + std::to_string(offset) + " moved to Oslo in May"
                         : "so what shall we say about number " + std::to_string(offset % 7);
}

std::vector<std::pair<int, int>> judged(StreamSelection& selection, std::int64_t from, std::int64_t to,
                                        std::vector<SelectorState>* states = nullptr) {
  std::vector<std::pair<int, int>> verdicts;
  ValueScorer::Scratch scratch;
  for (auto offset = from; offset < to; ++offset) {
    if (auto state = selection.before(offset); state && states != nullptr) {
      states->push_back(std::move(*state));
    }
    const auto text = text_at(offset);
    const auto worth = selection.judge(message(text, offset % 2 == 0 ? "ada" : "bob"), scratch);
    verdicts.emplace_back(worth.score, worth.threshold);
  }
  return verdicts;
}

TEST(StreamSelection, GoesOnFromAKeptStateAsIfItHadNeverStopped) {
  constexpr std::int64_t end = 3 * StreamSelection::state_every + 100;
  StreamSelection whole{options(), {}};
  std::vector<SelectorState> states;
  const auto verdicts = judged(whole, 0, end, &states);
  ASSERT_EQ(states.size(), 3U);
  for (const auto& state : states) {
    StreamSelection again{options(), state};
    const std::vector<std::pair<int, int>> rest(verdicts.begin() + state.offset, verdicts.end());
    EXPECT_EQ(judged(again, state.offset, end), rest);
  }
}

TEST(StreamSelection, BeginsAnewFromAStateThatCannotBeRead) {
  StreamSelection fresh{options(), {}};
  StreamSelection odd{options(), {.offset = 7, .bytes = "not a state"}};
  EXPECT_EQ(judged(fresh, 0, 100), judged(odd, 0, 100));
}

TEST(StreamSelection, ChoosesWhatStatesFacts) {
  StreamSelection selection{options(), {}};
  ValueScorer::Scratch scratch;
  static_cast<void>(judged(selection, 0, 2000));
  EXPECT_TRUE(selection.judge(message("My sister Ada moved to Oslo last May"), scratch).is_chosen());
  EXPECT_FALSE(selection.judge(message("so what shall we say about it then, any idea at all?"), scratch).is_chosen());
}

TEST(StreamSelection, NoiseIsNeverChosenButAShortStatementIsNoNoise) {
  StreamSelection selection{options(), {}};
  ValueScorer::Scratch scratch;
  for (const auto* noise : {"ok", "thanks!", "hello", "?"}) {
    const auto worth = selection.judge(message(noise), scratch);
    EXPECT_TRUE(worth.is_noise()) << noise;
    EXPECT_FALSE(worth.is_chosen()) << noise;
  }
  EXPECT_FALSE(selection.judge(message("I'm Bob"), scratch).is_noise());
}

TEST(StreamSelection, AtRateNothingNothingIsChosenAndNothingIsNoiseForThat) {
  auto none = options();
  none.rates.rate = 0;
  StreamSelection selection{none, {}};
  ValueScorer::Scratch scratch;
  const auto worth = selection.judge(message("My sister Ada moved to Oslo last May"), scratch);
  EXPECT_FALSE(worth.is_chosen());
  EXPECT_FALSE(worth.is_noise());
}

}  // namespace
}  // namespace alluvium::pipeline
