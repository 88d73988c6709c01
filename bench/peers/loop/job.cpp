// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/loop/job.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>

namespace alluvium::bench {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t batch_size = 20;
constexpr std::size_t length_min = 10;
constexpr std::array stock_replies{"hi"sv, "hello"sv,  "thanks"sv, "ok"sv, "yes"sv,
                                   "no"sv, "got it"sv, "sure"sv,   "np"sv};

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_noise(std::string_view content) {
  if (content.size() < length_min) {
    return true;
  }
  if (content.ends_with('.')) {
    content.remove_suffix(1);
  }
  return std::ranges::any_of(stock_replies,
                             [content](auto reply) { return std::ranges::equal(content, reply, {}, lower); });
}

/// Lower case, each run of other characters than letters and digits one blank, none at the ends.
std::string normalised(std::string_view content) {
  std::string out;
  for (const char c : content) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += lower(c);
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) {
    out.pop_back();
  }
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_now(std::string& out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  std::array<char, 40> text{};
  const auto length = std::strftime(text.data(), text.size(), "%FT%T", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03ldZ", now.tv_nsec / 1'000'000);
  out += text.data();
}

}  // namespace

void Job::take(std::string_view json) {
  json_.assign(json);
  json_.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  auto document = parser_.iterate(json_.data(), json_.size(), json_.capacity());
  std::string_view id;
  std::string_view agent;
  std::string_view content;
  if (document["id"].get(id) != simdjson::SUCCESS || document["agent_id"].get(agent) != simdjson::SUCCESS ||
      document["content"].get(content) != simdjson::SUCCESS) {
    return;
  }
  auto& [name, state] = *agents_.try_emplace(std::string{agent}).first;
  state.buffer.push_back({std::string{id}, std::string{content}});
  if (state.buffer.size() == batch_size) {
    flush(name, state);
  }
}

void Job::finish() {
  for (auto& [name, agent] : agents_) {
    if (!agent.buffer.empty()) {
      flush(name, agent);
    }
  }
}

void Job::flush(const std::string& name, Agent& agent) {
  for (const auto& message : agent.buffer) {
    if (!is_noise(message.content)) {
      patterns_.search(message.content, [&](std::string_view rule, std::string_view content) {
        remember(name, agent, message, rule, content);
      });
    }
  }
  ++agent.batches;
  agent.buffer.clear();
}

void Job::remember(const std::string& name, Agent& agent, const Message& message, std::string_view rule,
                   std::string_view content) {
  if (content.empty() || !agent.known.insert(normalised(content)).second) {
    return;
  }
  memory_ = R"({"id":"mem-)";
  memory_ += std::to_string(memories_++);
  memory_ += R"(","agent_id":)";
  append_quoted(memory_, name);
  memory_ += R"(,"content":)";
  append_quoted(memory_, content);
  memory_ += R"(,"type":"episodic","importance":0.8,"extraction_method":"rules","rule_id":)";
  append_quoted(memory_, rule);
  memory_ += R"(,"batch_id":)";
  append_quoted(memory_, name + "-" + std::to_string(agent.batches));
  memory_ += R"(,"source_message_ids":[)";
  append_quoted(memory_, message.id);
  memory_ += R"(],"created_at":")";
  append_now(memory_);
  memory_ += "\"}";
  output_(name, memory_);
}

}  // namespace alluvium::bench
