// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_rules.hpp"

#include <array>

namespace alluvium::pipeline {
namespace {

constexpr Signs none = 0;
constexpr Signs person = bit(Sign::i) | bit(Sign::dropped);

constexpr std::array rules = {
    ValueRule{"my name", bit(Sign::my) | bit(Sign::i), bit(Sign::named), 2, 1500, 700},
    ValueRule{"relation", bit(Sign::my) | bit(Sign::i), bit(Sign::relation), 3, 500, 250},
    ValueRule{"someone", none, bit(Sign::relation), 0, 200, 100},
    ValueRule{"pet", none, bit(Sign::pet), 0, 500, 250},
    ValueRule{"taste", person, bit(Sign::taste), 3, 400, 200},
    ValueRule{"favorite", none, bit(Sign::favorite), 0, 800, 300},
    ValueRule{"work", person, bit(Sign::work), 3, 500, 250},
    ValueRule{"job", none, bit(Sign::job), 0, 500, 200},
    ValueRule{"study", person, bit(Sign::study), 3, 500, 250},
    ValueRule{"school", none, bit(Sign::school), 0, 400, 200},
    ValueRule{"live", person, bit(Sign::live), 4, 700, 300},
    ValueRule{"did", person, bit(Sign::did), 3, 600, 300},
    ValueRule{"got", person, bit(Sign::got), 3, 600, 300},
    ValueRule{"plan", person, bit(Sign::plan), 2, 400, 200},
    ValueRule{"health", none, bit(Sign::health), 0, 600, 300},
    ValueRule{"number", none, bit(Sign::number), 0, 500, 250},
    ValueRule{"duration", bit(Sign::number) | bit(Sign::article) | bit(Sign::relative), bit(Sign::time_unit), 1, 400,
              200},
    ValueRule{"since", bit(Sign::span), bit(Sign::time_unit), 3, 400, 200},
    ValueRule{"ago", none, bit(Sign::ago), 0, 600, 300},
    ValueRule{"day", none, bit(Sign::day), 0, 500, 250},
    ValueRule{"relative day", bit(Sign::relative), bit(Sign::time_unit) | bit(Sign::calendar), 1, 600, 300},
    ValueRule{"calendar", none, bit(Sign::calendar), 0, 700, 350},
    ValueRule{"money", none, bit(Sign::money), 0, 500, 250},
    ValueRule{"contact", bit(Sign::contact), bit(Sign::contact_kind), 1, 1200, 600},
    ValueRule{"event", none, bit(Sign::event), 0, 500, 250},
    ValueRule{"possession", bit(Sign::my), bit(Sign::possession), 2, 400, 200},
    ValueRule{"change", none, bit(Sign::change), 0, 400, 200},
    ValueRule{"opinion", person, bit(Sign::opinion), 2, 200, 100},
    ValueRule{"identity", bit(Sign::i), bit(Sign::kind_of_person), 3, 800, 300},
    ValueRule{"i am a", bit(Sign::i), bit(Sign::article), 1, 300, 100},
    ValueRule{"medium", none, bit(Sign::medium), 0, 300, 150},
    ValueRule{"activity", none, bit(Sign::activity), 0, 400, 200},
    ValueRule{"named", none, bit(Sign::named), 0, 700, 350},
    ValueRule{"shown", none, bit(Sign::shown), 0, 100, 50},
    ValueRule{"habit", person, bit(Sign::habit), 2, 200, 100},
    ValueRule{"praise", none, bit(Sign::praise), 0, -100, -200},
    ValueRule{"chatter", none, bit(Sign::chatter), 0, -200, -300},
    ValueRule{"asking you", bit(Sign::asking), bit(Sign::you), 2, -200, -300},
    ValueRule{"you", none, bit(Sign::you), 0, -200, -200},
    ValueRule{"feeling", person, bit(Sign::feeling), 3, 200, 100},
    ValueRule{"remember", none, bit(Sign::remember), 0, 200, 100},
    ValueRule{"perhaps", none, bit(Sign::modal), 0, -100, -100},
};
static_assert(rules.size() <= value_rules_max);

}  // namespace

std::span<const ValueRule> value_rules() {
  return rules;
}

}  // namespace alluvium::pipeline
