// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_rules.hpp"

#include <array>

namespace alluvium::pipeline {
namespace {

constexpr Signs none = 0;
constexpr Signs people = bit(Sign::i) | bit(Sign::third) | bit(Sign::relation);
constexpr Signs person = bit(Sign::i) | bit(Sign::dropped);

constexpr std::array rules = {
    ValueRule{"my name", bit(Sign::my) | bit(Sign::i), bit(Sign::named), 2, 950, 0},
    ValueRule{"relation", bit(Sign::my) | bit(Sign::i), bit(Sign::relation), 3, 250, 0},
    ValueRule{"someone", none, bit(Sign::relation), 0, 100, 50},
    ValueRule{"pet", none, bit(Sign::pet), 0, 250, 100},
    ValueRule{"taste", person, bit(Sign::taste), 3, 250, 0},
    ValueRule{"favorite", none, bit(Sign::favorite), 0, 250, 50},
    ValueRule{"work", person, bit(Sign::work), 3, 150, 0},
    ValueRule{"job", none, bit(Sign::job), 0, 150, 0},
    ValueRule{"study", person, bit(Sign::study), 3, 200, 0},
    ValueRule{"school", none, bit(Sign::school), 0, 300, 150},
    ValueRule{"live", person, bit(Sign::live), 4, 300, 0},
    ValueRule{"got", person, bit(Sign::got), 3, 250, 0},
    ValueRule{"went", person, bit(Sign::did), 3, 50, 0},
    ValueRule{"plan", person, bit(Sign::plan), 2, 200, 0},
    ValueRule{"doing", person, bit(Sign::doing), 3, 400, 0},
    ValueRule{"health", none, bit(Sign::health), 0, 350, 250},
    ValueRule{"hardship", none, bit(Sign::hardship), 0, 250, 0},
    ValueRule{"food", none, bit(Sign::food), 0, 600, 400},
    ValueRule{"number", none, bit(Sign::number), 0, 200, 300},
    ValueRule{"duration", bit(Sign::number) | bit(Sign::article) | bit(Sign::relative), bit(Sign::time_unit), 1, 500,
              0},
    ValueRule{"since", bit(Sign::span), bit(Sign::time_unit), 3, 150, 0},
    ValueRule{"ago", none, bit(Sign::ago), 0, 200, 50},
    ValueRule{"day", none, bit(Sign::day), 0, 400, 100},
    ValueRule{"relative day", bit(Sign::relative), bit(Sign::time_unit) | bit(Sign::calendar), 1, 350, 200},
    ValueRule{"calendar", none, bit(Sign::calendar), 0, 350, 200},
    ValueRule{"money", none, bit(Sign::money), 0, 150, 50},
    ValueRule{"contact", bit(Sign::contact), bit(Sign::contact_kind), 1, 700, 350},
    ValueRule{"address", none, bit(Sign::address), 0, 700, 350},
    ValueRule{"event", none, bit(Sign::event), 0, 450, 100},
    ValueRule{"possession", bit(Sign::my), bit(Sign::possession), 2, 150, 0},
    ValueRule{"change", none, bit(Sign::change), 0, 100, 0},
    ValueRule{"opinion", person, bit(Sign::opinion), 2, 100, 0},
    ValueRule{"identity", bit(Sign::i), bit(Sign::kind_of_person), 3, 350, 0},
    ValueRule{"medium", none, bit(Sign::medium), 0, 150, 100},
    ValueRule{"named", none, bit(Sign::named), 0, 450, 250},
    ValueRule{"note", bit(Sign::remember), bit(Sign::i) | bit(Sign::my), 3, 400, 200},
    ValueRule{"was", none, bit(Sign::was), 0, 50, 100},
    ValueRule{"someone was", people, bit(Sign::was) | bit(Sign::past), 2, 50, 150},
    ValueRule{"my", none, bit(Sign::my), 0, 150, 0},
    ValueRule{"asking you", bit(Sign::asking), bit(Sign::you), 2, 450, 200},
    ValueRule{"me", none, bit(Sign::me), 0, -200, 0},
    ValueRule{"you", none, bit(Sign::you), 0, -200, -50},
    ValueRule{"shown", none, bit(Sign::shown), 0, -100, -200},
    ValueRule{"praise", none, bit(Sign::praise), 0, 0, -100},
    ValueRule{"chatter", none, bit(Sign::chatter), 0, -300, -300},
    ValueRule{"platitude", none, bit(Sign::platitude), 0, -300, -200},
    ValueRule{"how are you", bit(Sign::asking), bit(Sign::asking), 1, -200, -300},
    ValueRule{"perhaps", none, bit(Sign::modal), 0, -150, -50},
};
static_assert(rules.size() <= value_rules_max);

}  // namespace

std::span<const ValueRule> value_rules() {
  return rules;
}

}  // namespace alluvium::pipeline
