// SPDX-License-Identifier: Apache-2.0
// What the simulated model says: a pure function of the chat messages, or the pairs of notes, in its prompt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alluvium::connectors {

/// A chat message as the prompt has it.
struct StubMessage {
  std::int64_t number = 0;
  std::string_view text;
};

/// The lines "#<number> <role>: <text>" between a line <messages> and a line </messages>. If there are none, every line
/// "<role>: <text>" of the whole text is a message, numbered from 1.
[[nodiscard]] std::vector<StubMessage> stub_messages(std::string_view prompt);

/// True for a message that the simulated model makes a memory of: it holds "[!]" or, as whole words in any case, one
/// of: remember, prefer, love, like, hate, allergic, my name, i live, birthday, always, never.
[[nodiscard]] bool stub_marked(std::string_view text);

/// True for a message that tells of a time (then its memory is episodic, else semantic): it holds, as whole words in
/// any case, one of: yesterday, today, tomorrow, ago, last, was, were, went, had, did, moved, bought, met, happened.
[[nodiscard]] bool stub_tells_of_a_time(std::string_view text);

/// Two notes as the prompt has them.
struct StubPair {
  std::int64_t number = 0;
  std::string_view a, b;
};
/// The lines "#<number> A: <text>" and "#<number> B: <text>" between a line <pairs> and a line </pairs>.
[[nodiscard]] std::vector<StubPair> stub_pairs(std::string_view prompt);
/// How the simulated model says that two notes stand to each other: unsure if one holds "[?]", different if their words
/// with digits differ, update if one of them alone has a negation (no, not, never), same if one has all the words of
/// the other, else update. Words are in any case.
[[nodiscard]] std::string_view stub_verdict(std::string_view a, std::string_view b);

struct StubAnswer {
  std::string text;
  bool cut = false;  ///< It did not fit and ends in the middle.
};

/// {"verdicts":[...]} for a prompt with pairs, cut if it is too long. Else
/// {"memories":[...],"unsure":[...]}: one memory per marked message, unsure those that hold "[?]". A memory's content
/// is the message's text, 200 characters of it; importance is 0.50 to 0.90 by the text's hash; keywords are its three
/// longest words of at least four bytes. With `connections` each memory "precedes" the next. Where the answer would be
/// longer than `bytes_max` (0: no limit), its memories have 80 characters and one keyword, then 30 and none (and no
/// connections); if that is too long too, it is cut.
[[nodiscard]] StubAnswer stub_answer(std::string_view prompt, bool connections, std::size_t bytes_max);

/// Tokens of so many bytes of text, as the simulation counts them: a fourth, rounded up.
[[nodiscard]] constexpr std::int64_t stub_tokens(std::size_t bytes) {
  return static_cast<std::int64_t>((bytes + 3) / 4);
}

}  // namespace alluvium::connectors
