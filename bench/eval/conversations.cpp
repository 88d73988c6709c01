// SPDX-License-Identifier: Apache-2.0
#include "bench/eval/conversations.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>

#include <simdjson.h>
#include <zlib.h>

#include "pipeline/decoder.hpp"

namespace alluvium::bench {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;

struct Close {
  void operator()(gzFile file) const {
    gzclose(file);
  }
};

using OnLine = std::function<Result<void>(std::string_view line, std::int64_t number)>;

/// Calls `on_line` for each line that is not blank, until it fails.
Result<void> each_line(const std::string& path, const OnLine& on_line) {
  const std::unique_ptr<gzFile_s, Close> file{gzopen(path.c_str(), "rb")};  // Reads plain files as they are.
  if (!file) {
    return fail(Errc::unavailable, path + ": " + std::strerror(errno));
  }
  constexpr std::size_t line_bytes_max = std::size_t{16} << 20;
  std::array<char, std::size_t{64} << 10> block;
  std::string line;
  std::int64_t number = 0;
  const auto flush = [&]() -> Result<void> {
    ++number;
    const auto done = line.find_first_not_of(" \t\r") == std::string::npos ? Result<void>{} : on_line(line, number);
    line.clear();
    return done;
  };
  while (true) {
    const int got = gzread(file.get(), block.data(), block.size());
    int code = 0;
    const char* detail = gzerror(file.get(), &code);
    if (got < 0 || (got == 0 && code != Z_OK)) {  // A torn file ends like a whole one, but for the code.
      return fail(Errc::malformed_input, path + ": " + (code == Z_ERRNO ? std::strerror(errno) : detail));
    }
    if (got == 0) {
      break;
    }
    std::string_view rest{block.data(), static_cast<std::size_t>(got)};
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line += rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (auto done = flush(); !done) {
        return done;
      }
    }
    line += rest;
    if (line.size() > line_bytes_max) {
      return fail(Errc::malformed_input, path + ": a line is longer than 16 MiB; is it NDJSON?");
    }
  }
  return line.empty() ? Result<void>{} : flush();
}

/// Finds messages by id and by session.
class Index {
 public:
  explicit Index(const Conversations& conversations) {
    for (std::size_t i = 0; i < conversations.messages.size(); ++i) {
      const auto& message = conversations.messages[i];
      by_id_.emplace(message.id, i);
      if (message.role == pipeline::Role::user) {
        sessions_[std::string{message.agent_id} + '\n' + std::string{message.session_id}].push_back(i);
      }
    }
  }
  void add_message(std::string_view id, std::vector<std::size_t>& evidence) const {
    if (const auto at = by_id_.find(id); at != by_id_.end()) {
      evidence.push_back(at->second);
    }
  }
  void add_session(std::string_view agent, std::string_view session, std::vector<std::size_t>& evidence) const {
    if (const auto at = sessions_.find(std::string{agent} + '\n' + std::string{session}); at != sessions_.end()) {
      evidence.insert(evidence.end(), at->second.begin(), at->second.end());
    }
  }

 private:
  std::unordered_map<std::string_view, std::size_t> by_id_;
  std::unordered_map<std::string, std::vector<std::size_t>> sessions_;
};

enum class LabelKind { evidence, left_out, unknown };

LabelKind read_label(const simdjson::dom::element& line, const Index& index, std::vector<std::size_t>& evidence) {
  constexpr std::int64_t adversarial = 5;
  std::int64_t category = 0;
  if (line["category"].get(category) == simdjson::SUCCESS && category == adversarial) {
    return LabelKind::left_out;
  }
  std::string_view text;
  if (bool worthy = false; line["memory_worthy"].get(worthy) == simdjson::SUCCESS) {
    if (line["id"].get(text) != simdjson::SUCCESS) {
      return LabelKind::unknown;
    }
    if (worthy) {
      index.add_message(text, evidence);
    }
    return worthy ? LabelKind::evidence : LabelKind::left_out;
  }
  simdjson::dom::array ids;
  if (line["evidence"].get(ids) == simdjson::SUCCESS) {
    for (const auto id : ids) {
      if (id.get(text) != simdjson::SUCCESS) {
        return LabelKind::unknown;
      }
      index.add_message(text, evidence);
    }
    return LabelKind::evidence;
  }
  std::string_view agent;
  if (line["evidence_sessions"].get(ids) != simdjson::SUCCESS || line["conversation"].get(agent) != simdjson::SUCCESS) {
    return LabelKind::unknown;
  }
  for (const auto id : ids) {
    if (id.get(text) != simdjson::SUCCESS) {
      return LabelKind::unknown;
    }
    index.add_session(agent, text, evidence);
  }
  return LabelKind::evidence;
}

void sort_distinct(std::vector<std::size_t>& numbers) {
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
}

}  // namespace

Result<Conversations> read_conversations(const std::vector<std::string>& paths) {
  Conversations conversations;
  auto decoder = pipeline::Decoder::make({});
  if (!decoder) {
    return tl::unexpected{decoder.error()};
  }
  std::vector<pipeline::DeadLetter> dead;
  for (const auto& path : paths) {
    const auto before = conversations.chunk.entries().size();
    auto done = each_line(path, [&](std::string_view line, std::int64_t number) -> Result<void> {
      decoder->decode({.topic = path, .partition = 0, .offset = number, .key = {}, .value = line, .headers = nullptr},
                      0, conversations.chunk, dead);
      conversations.undecodable += dead.size();
      dead.clear();
      return {};
    });
    if (!done) {
      return tl::unexpected{done.error()};
    }
    if (conversations.chunk.entries().size() == before) {
      return fail(Errc::malformed_input, path + ": no message in it");
    }
  }
  for (const auto& entry : conversations.chunk.entries()) {
    conversations.messages.push_back(entry.message());
  }
  std::ranges::stable_sort(conversations.messages, {}, &pipeline::MessageView::timestamp_ms);
  return conversations;
}

Result<Labels> read_labels(const std::vector<std::string>& paths, const Conversations& conversations) {
  Labels labels;
  const Index index{conversations};
  simdjson::dom::parser parser;
  for (const auto& path : paths) {
    auto done = each_line(path, [&](std::string_view line, std::int64_t number) -> Result<void> {
      const auto at = path + ":" + std::to_string(number) + ": ";
      simdjson::dom::element element;
      if (const auto error = parser.parse(line).get(element); error != simdjson::SUCCESS) {
        return fail(Errc::malformed_input, at + simdjson::error_message(error));
      }
      std::vector<std::size_t> evidence;
      const auto kind = read_label(element, index, evidence);
      if (kind == LabelKind::unknown) {
        return fail(Errc::malformed_input,
                    at +
                        "want \"evidence\": [ids], or \"conversation\" and \"evidence_sessions\": [ids], or \"id\" and "
                        "\"memory_worthy\"");
      }
      if (kind == LabelKind::evidence) {
        sort_distinct(evidence);
        labels.without_evidence += evidence.empty() ? 1U : 0U;
        labels.evidence.insert(labels.evidence.end(), evidence.begin(), evidence.end());
        if (!evidence.empty()) {
          labels.items.push_back(std::move(evidence));
        }
      }
      return {};
    });
    if (!done) {
      return tl::unexpected{done.error()};
    }
  }
  sort_distinct(labels.evidence);
  if (labels.items.empty()) {
    return fail(Errc::malformed_input, "no label's evidence is in the messages; do the ids belong together?");
  }
  return labels;
}

}  // namespace alluvium::bench
