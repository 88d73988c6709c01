// SPDX-License-Identifier: Apache-2.0
// evaluation dedupe: how often the verdict about two memories is the one that a person gave.
#include "pipeline/dedupe.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "bench/eval/commands.hpp"
#include "pipeline/english.hpp"
#include "pipeline/sameness.hpp"

namespace alluvium::bench {
namespace {

using pipeline::Sameness;

struct Pair {
  std::string kind, a, b;
  bool duplicate = false;
};

struct Tally {
  int duplicates = 0, found = 0, differents = 0, wrong = 0, linked = 0;

  void add(bool duplicate, Sameness verdict) {
    const bool merged = verdict >= Sameness::near;
    (duplicate ? duplicates : differents) += 1;
    found += static_cast<int>(duplicate && merged);
    wrong += static_cast<int>(!duplicate && merged);
    linked += static_cast<int>(verdict == Sameness::possible_update);
  }
  [[nodiscard]] std::string text() const {
    const auto share = [](int part, int whole) {
      std::string text = "   -";
      if (whole > 0) {
        text.resize(16);
        text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.2f", 1.0 * part / whole)));
      }
      return text;
    };
    std::string line(128, '\0');
    line.resize(static_cast<std::size_t>(
        std::snprintf(line.data(), line.size(), "%5d %5d %5d %5d %6d   %s   %s", duplicates, found, differents, wrong,
                      linked, share(found, found + wrong).c_str(), share(found, duplicates).c_str())));
    return line;
  }
};

bool read_pairs(const std::string& path, std::vector<Pair>& pairs) {
  std::ifstream file{path};
  simdjson::dom::parser parser;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) {
      continue;
    }
    simdjson::dom::element pair;
    std::string_view label;
    std::string_view kind;
    std::string_view a;
    std::string_view b;
    if (parser.parse(line).get(pair) != simdjson::SUCCESS || pair["label"].get(label) != simdjson::SUCCESS ||
        pair["kind"].get(kind) != simdjson::SUCCESS || pair["a"].get(a) != simdjson::SUCCESS ||
        pair["b"].get(b) != simdjson::SUCCESS || (label != "dup" && label != "diff")) {
      std::cerr << path << ':' << number << ": want label (dup or diff), kind, a and b\n";
      return false;
    }
    pairs.push_back({.kind = std::string{kind}, .a = std::string{a}, .b = std::string{b}, .duplicate = label == "dup"});
  }
  if (!file.eof()) {
    std::cerr << path << ": can't be read\n";
  }
  return file.eof();
}

/// Fillers and synonyms of each other do not.
bool differ(const std::string& a, const std::string& b) {
  namespace english = pipeline::english;
  const auto lower_a = pipeline::dedupe_key(a);
  const auto lower_b = pipeline::dedupe_key(b);
  return english::plain(lower_a) != english::plain(lower_b) &&
         !(english::is_filler(lower_a) && english::is_filler(lower_b));
}

/// Each text with one of its longer words taken from the next text: pairs that say different things.
std::vector<Pair> stressed(const std::vector<Pair>& pairs) {
  constexpr std::size_t word_bytes_min = 5;
  const auto words_of = [](const std::string& text) {
    std::vector<std::pair<std::size_t, std::size_t>> words;
    for (std::size_t at = 0; at < text.size();) {
      const auto letter = [&](std::size_t i) {
        return (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z');
      };
      auto end = at;
      while (end < text.size() && letter(end)) {
        ++end;
      }
      if (end - at >= word_bytes_min) {
        words.emplace_back(at, end - at);
      }
      at = end + 1;
    }
    return words;
  };
  std::vector<Pair> made;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& text = pairs[i].a;
    const auto& other = pairs[(i + 1) % pairs.size()].a;
    for (const auto& [at, size] : words_of(text)) {
      for (const auto& [from, count] : words_of(other)) {
        if (differ(text.substr(at, size), other.substr(from, count))) {
          auto changed = text;
          changed.replace(at, size, other, from, count);
          made.push_back({.kind = "one word swapped", .a = text, .b = std::move(changed)});
        }
      }
    }
  }
  return made;
}

void print(const std::vector<Pair>& pairs, bool missed) {
  std::map<std::string, Tally> by_kind;
  Tally all;
  std::vector<const Pair*> wrong;
  for (const auto& pair : pairs) {
    const auto verdict = compare(pipeline::sketch_of(pair.a), pipeline::sketch_of(pair.b));
    by_kind[pair.kind].add(pair.duplicate, verdict);
    all.add(pair.duplicate, verdict);
    if (pair.duplicate ? missed && verdict < Sameness::near : verdict >= Sameness::near) {
      wrong.push_back(&pair);
    }
  }
  std::cout << "kind                dup found  diff wrong linked   prec.  recall\n";
  by_kind.emplace("ALL", all);
  for (const auto& [kind, tally] : by_kind) {
    std::string column = kind;
    column.resize(18, ' ');
    std::cout << column << tally.text() << '\n';
  }
  for (const auto* pair : wrong) {
    std::cout << (pair->duplicate ? "missed (" : "WRONG (") << pair->kind << ")\n  " << pair->a << "\n  " << pair->b
              << '\n';
  }
}

}  // namespace

int run_dedupe(int argc, char** argv) {
  std::vector<Pair> pairs;
  bool stress = false;
  bool missed = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument{argv[i]};
    if (argument == "--stress") {
      stress = true;
    } else if (argument == "--missed") {
      missed = true;
    } else if (argument != "--pairs" && !read_pairs(argv[i], pairs)) {
      return 1;
    }
  }
  if (pairs.empty()) {
    std::cerr << "usage: evaluation dedupe --pairs FILE... [--stress] [--missed]\n";
    return 2;
  }
  if (stress) {
    pairs = stressed(pairs);
  }
  print(pairs, missed);
  return std::ranges::any_of(pairs,
                             [](const Pair& pair) {
                               return !pair.duplicate && compare(pipeline::sketch_of(pair.a),
                                                                 pipeline::sketch_of(pair.b)) >= Sameness::near;
                             })
             ? 1
             : 0;
}

}  // namespace alluvium::bench
