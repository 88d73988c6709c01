// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_faults.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::connectors {
namespace {

using Kind = StubFault::Kind;

constexpr StubSubject call{"POST", "/chat/completions", "small", "the body says needle"};

StubScript script(std::string_view json) {
  auto read = StubScript::read(json);
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().detail);
  return read.value_or(StubScript{});
}

std::string kinds(StubScript script, int calls, const StubSubject& subject = call) {
  std::string text;
  for (int i = 0; i < calls; ++i) {
    const auto fault = script.for_call(subject);
    text += fault.kind == Kind::none ? "." : fault.kind == Kind::status ? std::to_string(fault.error.status) : "!";
  }
  return text;
}

std::string why_not(std::string_view json) {
  const auto read = StubScript::read(json);
  return read ? "" : read.error().detail;
}

TEST(StubFaults, NthCountsFromOne) {
  EXPECT_EQ(kinds(script(R"([{"match":{"nth":[1,3]},"do":{"status":429}}])"), 5), "429.429..");
  EXPECT_EQ(kinds(script(R"([{"match":{"nth":2},"do":{"hang":true}}])"), 3), ".!.");
}

TEST(StubFaults, EveryNthAndAtMostSoManyTimes) {
  EXPECT_EQ(kinds(script(R"([{"match":{"every":2},"do":{"close":true}}])"), 6), ".!.!.!");
  EXPECT_EQ(kinds(script(R"([{"match":{"every":2},"times":2,"do":{"close":true}}])"), 6), ".!.!..");
}

TEST(StubFaults, ContainsActsOnceUnlessToldOtherwise) {
  EXPECT_EQ(kinds(script(R"([{"match":{"contains":"needle"},"do":{"html":true}}])"), 3), "!..");
  EXPECT_EQ(kinds(script(R"([{"match":{"contains":"needle"},"times":2,"do":{"html":true}}])"), 3), "!!.");
  EXPECT_EQ(kinds(script(R"([{"match":{"contains":"haystack"},"do":{"html":true}}])"), 3), "...");
}

TEST(StubFaults, TheFirstMatchActsAndTheOthersStillCount) {
  EXPECT_EQ(
      kinds(script(R"([{"match":{"nth":1},"do":{"status":500}},{"match":{"nth":[1,2]},"do":{"status":503}}])"), 3),
      "500503.");
}

TEST(StubFaults, CountsOnlyCallsThatTheRestOfTheMatchFits) {
  auto one = script(R"([{"match":{"model":"premium","nth":1},"do":{"status":529}}])");
  EXPECT_EQ(one.for_call(call).kind, Kind::none);
  EXPECT_EQ(one.for_call({"POST", "/messages", "premium", ""}).error.status, 529);
}

TEST(StubFaults, APathFitsWithAndWithoutItsVersionAndWithAStar) {
  const StubSubject get{"GET", "/batches/b1", "", ""};
  EXPECT_EQ(kinds(script(R"([{"match":{"path":"/v1/chat/completions"},"do":{"close":true}}])"), 1), "!");
  EXPECT_EQ(kinds(script(R"([{"match":{"path":"/v1/batches/*"},"do":{"close":true}}])"), 1, get), "!");
  EXPECT_EQ(kinds(script(R"([{"match":{"path":"/v1/batches"},"do":{"close":true}}])"), 1, get), ".");
  EXPECT_EQ(kinds(script(R"([{"match":{"method":"POST"},"do":{"close":true}}])"), 1, get), ".");
}

TEST(StubFaults, RequestsInBatchJobsAreAskedForApart) {
  auto both = script(R"([{"match":{"contains":"needle"},"do":{"errored":true,"status":500}},
                         {"match":{"in_batch":true},"do":{"prose":true}}])");
  EXPECT_EQ(both.for_call(call).kind, Kind::none);
  const auto first = both.for_batch_request(call);
  EXPECT_EQ(first.kind, Kind::errored);
  EXPECT_EQ(first.error.status, 500);
  EXPECT_EQ(both.for_batch_request(call).kind, Kind::prose);
}

TEST(StubFaults, DetailsOfAStatus) {
  auto one = script(R"([{"do":{"status":429,"headers":{"Retry-After":2},"body":{"a":1},"retry_after_date_s":3,
                               "slow_ms":7,"code":"insufficient_quota"}}])");
  const auto fault = one.for_call(call);
  EXPECT_EQ(fault.headers.get("retry-after"), "2");
  EXPECT_EQ(fault.body, R"({"a":1})");
  EXPECT_EQ(fault.retry_date_s, 3);
  EXPECT_EQ(fault.slow_ms, 7);
  EXPECT_EQ(fault.error.code, "insufficient_quota");
}

TEST(StubFaults, SaysWhichEntryIsWrongAndWhere) {
  EXPECT_EQ(why_not("[]"), "");
  EXPECT_NE(why_not(R"([{"do":{"hang":true}},{"do":{"hng":true}}])").find("entry 2: do.hng"), std::string::npos);
  EXPECT_NE(why_not(R"([{"match":{"nht":1},"do":{"hang":true}}])").find("entry 1: match.nht"), std::string::npos);
  EXPECT_NE(why_not(R"([{"match":{},"do":{}}])").find("nothing to"), std::string::npos);
  EXPECT_NE(why_not(R"([{"do":{"hang":true,"close":true}}])").find("do.close"), std::string::npos);
  EXPECT_NE(why_not(R"([{"do":{"hang":true},"times":0}])").find("times"), std::string::npos);
  EXPECT_NE(why_not(R"([{"match":{"in_batch":true},"do":{"hang":true}}])").find("batch"), std::string::npos);
  EXPECT_NE(why_not(R"([{"do":{"status":429,"headers":{"a":"b\r\nc"}}}])").find("do.headers"), std::string::npos);
  EXPECT_NE(why_not("nothing"), "");
  EXPECT_NE(why_not(""), "");
}

TEST(StubFaults, WordsAreWrappedAsScripted) {
  const auto said = [](Kind kind) {
    StubFault fault;
    fault.kind = kind;
    return stub_said(fault, {R"({"memories":[],"unsure":[]})", false});
  };
  EXPECT_EQ(said(Kind::fenced).text, "```json\n{\"memories\":[],\"unsure\":[]}\n```");
  EXPECT_NE(said(Kind::prose).text.find(R"({"memories":[],"unsure":[]})"), std::string::npos);
  EXPECT_EQ(said(Kind::cut_answer).text, R"({"memories":[)");
  EXPECT_EQ(said(Kind::cut_answer).end, StubSaid::End::length);
  EXPECT_EQ(said(Kind::refusal).end, StubSaid::End::refusal);
  EXPECT_EQ(said(Kind::none).text, R"({"memories":[],"unsure":[]})");
}

TEST(StubFaults, ReadingNeverFailsBadly) {
  EXPECT_TRUE(rc::check("any text", [](const std::string& text) {
    static_cast<void>(StubScript::read(text));
    static_cast<void>(StubScript::read("[{\"match\":{\"nth\":" + text + "}}]"));
  }));
}

}  // namespace
}  // namespace alluvium::connectors
