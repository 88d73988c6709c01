// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_calls.hpp"

namespace alluvium::connectors {
namespace {

/// "too_long 2, importance 1": what was wrong with parts of the answer.
std::string faults_text(const pipeline::Answer& answer) {
  std::string text;
  for (std::size_t i = 0; i < answer.faults.size(); ++i) {
    if (answer.faults[i] > 0) {
      text += text.empty() ? "" : ", ";
      text +=
          std::string{pipeline::name(static_cast<pipeline::AnswerFault>(i))} + " " + std::to_string(answer.faults[i]);
    }
  }
  return text;
}

std::string_view outcome_of(const pipeline::CallEnd& end) {
  if (end.from_cache) {
    return "cached";
  }
  if (end.possibly_paid) {
    return "possibly_paid";
  }
  return end.error.empty() ? "answered" : "failed";
}

}  // namespace

CallRows::CallRows(Database& database)
    : add_{database.prepare(
          "INSERT INTO calls(batch, agent_id, org_id, tier, mode, endpoint, model, month, hash, messages, outcome,"
          " prompt_tokens, completion_tokens, cached_tokens, cost, memories, faults, error, started_ms, ended_ms,"
          " request) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
          " ?20, ?21)")},
      keep_{database.prepare(
          "INSERT INTO answers(hash, model, answer, finish, prompt_tokens, completion_tokens, cached_tokens,"
          " cache_write_tokens, cost, created_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
          " ON CONFLICT DO NOTHING")},
      find_{database.prepare("SELECT model, answer, finish, prompt_tokens, completion_tokens, cached_tokens,"
                             " cache_write_tokens, cost FROM answers WHERE hash = ?1")},
      forget_{database.prepare("DELETE FROM answers WHERE created_ms < ?1")},
      calibration_{database.prepare("SELECT bytes_per_token, samples FROM calibrations WHERE model = ?1")},
      learn_{database.prepare("INSERT INTO calibrations(model, bytes_per_token, samples) VALUES(?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET bytes_per_token = ?2, samples = ?3")},
      recorded_{database.prepare("SELECT 1 FROM calls WHERE hash = ?1 AND agent_id = ?2 AND endpoint = ?3"
                                 " AND started_ms = ?4 AND ended_ms = ?5 LIMIT 1")},
      answered_{database.prepare("SELECT 1 FROM calls WHERE endpoint = ?1 AND model = ?2 AND outcome = 'answered'"
                                 " LIMIT 1")} {}

void CallRows::add(const CallRow& what, const pipeline::CallEnd& end, std::int64_t memories,
                   const pipeline::Answer& answer) {
  const auto insert = [&](const auto& cost) {
    add_.with(what.batch, what.agent_id, what.org_id, what.tier, what.mode, end.endpoint, end.model, what.month,
              end.hash, what.messages, outcome_of(end), end.usage.prompt, end.usage.completion, end.usage.cached, cost,
              memories, faults_text(answer), end.error, end.started_ms, end.ended_ms, end.request)
        .run();
  };
  end.cost ? insert(end.cost->pico) : insert(nullptr);
  if (end.answer) {
    const auto& kept = *end.answer;
    const auto keep = [&](const auto& cost) {
      keep_
          .with(kept.hash, kept.model, kept.text, kept.finish, kept.usage.prompt, kept.usage.completion,
                kept.usage.cached, kept.usage.cache_write, cost, end.ended_ms)
          .run();
    };
    kept.cost ? keep(kept.cost->pico) : keep(nullptr);
  }
  if (end.prompt_bytes > 0 && !end.from_cache) {
    auto known = calibration(end.model);
    known.learn(end.prompt_bytes, end.usage);
    learn_.with(end.model, known.bytes_per_token, known.samples).run();
  }
}

std::optional<pipeline::PaidAnswer> CallRows::answer(const std::string& hash) {
  std::optional<pipeline::PaidAnswer> found;
  find_.with(hash);
  if (find_.step()) {
    found.emplace();
    found->hash = hash;
    found->model = find_.text(0);
    found->text = find_.text(1);
    found->finish = find_.text(2);
    found->usage = {.prompt = find_.integer(3),
                    .completion = find_.integer(4),
                    .cached = find_.integer(5),
                    .cache_write = find_.integer(6)};
    if (!find_.is_null(7)) {
      found->cost = pipeline::Money{find_.integer(7)};
    }
  }
  find_.reset();
  return found;
}

void CallRows::forget_answers_before(std::int64_t utc_ms) {
  forget_.with(utc_ms).run();
}

pipeline::TokenCalibration CallRows::calibration(const std::string& model) {
  pipeline::TokenCalibration known;
  calibration_.with(model);
  if (calibration_.step()) {
    known.bytes_per_token = calibration_.real(0);
    known.samples = calibration_.integer(1);
  }
  calibration_.reset();
  return known;
}

bool CallRows::recorded(const pipeline::CallEnd& end) {
  recorded_.with(end.hash, end.agent_id, end.endpoint, end.started_ms, end.ended_ms);
  const bool found = recorded_.step();
  recorded_.reset();
  return found;
}

bool CallRows::has_answered(const std::string& endpoint, const std::string& model) {
  answered_.with(endpoint, model);
  const bool found = answered_.step();
  answered_.reset();
  return found;
}

}  // namespace alluvium::connectors
