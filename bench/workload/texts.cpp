// SPDX-License-Identifier: Apache-2.0
// None of these words holds a word of the first two rules (bench/workload/rules.cpp), not even as a part.
#include "bench/workload/texts.hpp"

#include <array>
#include <string_view>

namespace alluvium::bench {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array people{
    "We"sv,       "My sister"sv,    "The new tenant"sv, "Our driver"sv,   "A friend of mine"sv, "The teacher"sv,
    "Somebody"sv, "My neighbour"sv, "The choir"sv,      "Both of them"sv, "The twins"sv,        "Your colleague"sv};
constexpr std::array deeds{"moved to the coast"sv,
                           "took the early train"sv,
                           "planted three apple trees"sv,
                           "is learning to play the cello"sv,
                           "sold the old van"sv,
                           "found a room above the bakery"sv,
                           "cooked for the whole street"sv,
                           "painted the kitchen green"sv,
                           "starts a course in carpentry"sv,
                           "prefers the window seat"sv,
                           "keeps bees behind the barn"sv,
                           "went swimming before work"sv,
                           "repaired the garden gate"sv,
                           "missed the ferry by a minute"sv,
                           "brought bread and olives"sv,
                           "sings on Thursdays"sv,
                           "has two cats and a parrot"sv,
                           "drove through the snow"sv,
                           "lost a glove at the market"sv,
                           "reads one book a week"sv};
constexpr std::array details{""sv,
                             " with the children"sv,
                             ", as far as I know"sv,
                             " in spite of the rain"sv,
                             " near the old harbour"sv,
                             " on the second try"sv,
                             " without telling anyone"sv,
                             ", which made us laugh"sv,
                             " for the first time in years"sv,
                             " and stayed until dark"sv};
constexpr std::array questions{"Could you send me the times for tomorrow?"sv,
                               "What did the doctor say about the knee?"sv,
                               "Shall we meet at the corner after lunch?"sv,
                               "How much flour goes into the dough?"sv,
                               "Is the museum open on Mondays?"sv,
                               "Who looks after the dog in July?"sv};
constexpr std::array noises{"hi"sv,     "hello"sv, "thanks"sv, "ok"sv,  "yes"sv,     "no"sv,
                            "got it"sv, "sure"sv,  "np"sv,     "Ok."sv, "Thanks!"sv, "Hello"sv};

template <typename List>
std::string_view one_of(const List& list, Random& random) {
  return list[random.below(list.size())];
}

}  // namespace

void append_talk(std::string& out, std::size_t bytes, Random& random) {
  const auto begin = out.size();
  do {
    if (out.size() > begin) {
      out += ' ';
    }
    const auto kind = random.below(8);
    if (kind == 0) {
      out += one_of(questions, random);
      continue;
    }
    out += one_of(people, random);
    out += ' ';
    out += one_of(deeds, random);
    out += one_of(details, random);
    if (kind == 1) {
      out += " at ";
      out += std::to_string(1 + random.below(12));
      out += " o'clock";
    }
    out += '.';
  } while (out.size() - begin < bytes);
}

void append_noise(std::string& out, Random& random) {
  out += one_of(noises, random);
}

}  // namespace alluvium::bench
