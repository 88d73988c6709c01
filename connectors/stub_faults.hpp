// SPDX-License-Identifier: Apache-2.0
// The script of faults for the simulated model server: which calls go wrong, and how.
//
// A script is a JSON list of {"match": {...}, "times": N, "do": {...}}; the first entry that matches a call acts.
// match, of which all must hold (none: every call):
//   "nth": 3 or [1,2]    the how-manieth of the calls for which the rest of this match holds, counted from 1 since the
//                        script was read, whether or not another entry acted on them
//   "every": 3           each third one, counted in the same way
//   "contains": "text"   in the body, or in the path
//   "path": "/v1/..."    without the query; /v1 may be left out; a * at its end stands for anything
//   "method": "POST"
//   "model": "name"
//   "in_batch": true     requests inside batch jobs, when the job is made, instead of calls
// times: how often the entry acts at most. 1 if there is "contains" and neither nth nor every; else without end.
// do, one of:
//   "status": 429        an error of that API, with "headers": {...}, "body": "..." or {...} in place of the API's own
//                        body, "code" and "message" within that, "retry_after_date_s": 2 for a date in that time
//   "refuse": ms         the listening socket is closed for that time, this connection and others that ask, too
//   "hang", "close", "half_close", "reset"    no reply at all: kept open; closed; closed for writing; RST
//   "drip": ms           one byte of the reply in that time (true: 50)
//   "reset_mid_body", "truncate"    half of the body, then RST; then a close, although more was promised
//   "html", "wrong_shape"    200 with a page; with JSON that is no reply of the API
//   "wrong_schema", "prose", "fenced", "cut_answer", "refusal", "inject": {"text": "..."}    a reply of the API, whose
//                        content has wrong types; has sentences around it; is in a code fence; ends in the middle; is
//                        a refusal; is the text
//   "huge": bytes        a body of that length (true: 100 MB)
//   "errored", "expired" for requests in batch jobs (implies in_batch); errored with "status" (400)
//   "job": "expired" or "failed"    for the call that makes a batch job: how the job will end; the first half of an
//                        expired one is answered
// beside it: "slow_ms": 500 (before the reply; may stand alone), "applied": true (with hang, close, half_close, reset:
// the call has its effect all the same, as when a batch job is made and the reply lost).
// A bare true stands for the value where there is one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/stub_wire.hpp"
#include "pipeline/error.hpp"

namespace alluvium::connectors {

inline constexpr std::size_t stub_script_bytes_max = std::size_t{8} << 20;
inline constexpr std::size_t stub_script_entries_max = 10'000;
inline constexpr std::int64_t stub_wait_ms_max = 3'600'000;
inline constexpr std::int64_t stub_huge_bytes_max = std::int64_t{4} << 30;

struct StubFault {
  enum class Kind : std::uint8_t {
    none,
    status,
    refuse,
    hang,
    close,
    half_close,
    reset,
    drip,
    reset_mid_body,
    truncate,
    html,
    wrong_shape,
    wrong_schema,
    prose,
    fenced,
    cut_answer,
    refusal,
    inject,
    huge,
    errored,
    expired,
    job,
  };
  Kind kind = Kind::none;
  StubError error;                           ///< status, errored
  StubHeaders headers;                       ///< status
  std::optional<std::string> body;           ///< status
  std::optional<std::int64_t> retry_date_s;  ///< status
  std::int64_t amount = 0;                   ///< refuse: ms; drip: ms per byte; huge: bytes
  std::string text;                          ///< inject: the content; job: how it ends
  std::int64_t slow_ms = 0;
  bool applied = false;

  /// True if the client gets a right answer, if it waits for it.
  [[nodiscard]] bool harmless() const {
    return kind == Kind::none || kind == Kind::drip || kind == Kind::job;
  }
  /// True if nothing of a reply is sent.
  [[nodiscard]] bool silent() const {
    return kind == Kind::refuse || kind == Kind::hang || kind == Kind::close || kind == Kind::half_close ||
           kind == Kind::reset;
  }
};
/// Empty for none.
[[nodiscard]] std::string_view name(StubFault::Kind kind);

/// What the model says in place of its answer, under a fault that is about its words.
[[nodiscard]] StubSaid stub_said(const StubFault& fault, StubAnswer answer);

/// What a script looks at.
struct StubSubject {
  std::string_view method, path, model, body;
};

class StubScript {
 public:
  /// `invalid_config`, with the entry's number, for what is not as above.
  [[nodiscard]] static pipeline::Result<StubScript> read(std::string_view json);
  /// Counts the call, and says what goes wrong with it.
  [[nodiscard]] StubFault for_call(const StubSubject& call) {
    return next(call, false);
  }
  [[nodiscard]] StubFault for_batch_request(const StubSubject& request) {
    return next(request, true);
  }

  struct Entry {
    std::vector<std::int64_t> nth;
    std::int64_t every = 0;
    std::string contains, path, method, model;
    bool in_batch = false;
    std::int64_t times = 0;  ///< 0: without end.
    StubFault fault;
    std::int64_t seen = 0, acted = 0;
  };

 private:
  [[nodiscard]] StubFault next(const StubSubject& subject, bool in_batch);

  std::vector<Entry> entries_;
};

}  // namespace alluvium::connectors
