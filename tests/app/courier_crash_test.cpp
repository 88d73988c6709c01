// SPDX-License-Identifier: Apache-2.0
// The courier is ended at every single thing it does, before and after it is done; whoever goes on repeats nothing.
#include "tests/app/courier_fixture.hpp"

namespace alluvium::actors {
namespace {

using pipeline::Result;

struct Crash {};

/// Burns down with each thing that is done to the outside; at its end comes the crash.
struct Fuse {
  int left = -1;  ///< -1: never.
  bool after = false;
  int burnt = 0;

  template <class Work>
  auto burn(const Work& work) {
    ++burnt;
    const bool now = left >= 0 && left-- == 0;
    if (now && !after) {
      throw Crash{};
    }
    auto result = work();
    if (now) {
      throw Crash{};
    }
    return result;
  }
};

class FusedJobs final : public pipeline::JobStore {
 public:
  FusedJobs(pipeline::JobStore& inner, Fuse& fuse) : inner_{inner}, fuse_{fuse} {}
  Result<std::vector<pipeline::StoredRequest>> due(pipeline::Tier tier, std::size_t limit) override {
    return fuse_.burn([&] { return inner_.due(tier, limit); });
  }
  Result<pipeline::JobFill> fill(std::int64_t job, const std::vector<pipeline::Reservation>& reservations,
                                 std::int64_t again_ms) override {
    return fuse_.burn([&] { return inner_.fill(job, reservations, again_ms); });
  }
  Result<std::vector<pipeline::StoredJob>> lease(const std::vector<std::string>& endpoints) override {
    return fuse_.burn([&] { return inner_.lease(endpoints); });
  }
  Result<bool> renew(std::int64_t job) override {
    return fuse_.burn([&] { return inner_.renew(job); });
  }
  Result<void> attempt(std::int64_t job, std::int64_t due_ms) override {
    return fuse_.burn([&] { return inner_.attempt(job, due_ms); });
  }
  Result<void> attempt_failed(std::int64_t job, bool unsure, std::int64_t due_ms, const std::string& detail) override {
    return fuse_.burn([&] { return inner_.attempt_failed(job, unsure, due_ms, detail); });
  }
  Result<pipeline::Adoption> submitted(std::int64_t job, const std::string& id, bool by_looks,
                                       std::int64_t due_ms) override {
    return fuse_.burn([&] { return inner_.submitted(job, id, by_looks, due_ms); });
  }
  Result<void> disown(std::int64_t job) override {
    return fuse_.burn([&] { return inner_.disown(job); });
  }
  Result<void> polled(std::int64_t job, std::int64_t due_ms, const std::string& detail) override {
    return fuse_.burn([&] { return inner_.polled(job, due_ms, detail); });
  }
  Result<void> cancel_told(std::int64_t job) override {
    return fuse_.burn([&] { return inner_.cancel_told(job); });
  }
  Result<std::vector<pipeline::JobEntry>> entries(std::int64_t job, std::int64_t after, std::size_t limit) override {
    return fuse_.burn([&] { return inner_.entries(job, after, limit); });
  }
  Result<std::optional<pipeline::JobEntry>> entry(std::int64_t job, const std::string& custom_id) override {
    return fuse_.burn([&] { return inner_.entry(job, custom_id); });
  }
  Result<void> release(std::int64_t job, const std::vector<std::int64_t>& requests, const pipeline::Postponement& how,
                       bool possibly_paid) override {
    return fuse_.burn([&] { return inner_.release(job, requests, how, possibly_paid); });
  }
  Result<void> finish(std::int64_t job, pipeline::JobPhase phase, const std::string& detail) override {
    return fuse_.burn([&] { return inner_.finish(job, phase, detail); });
  }
  Result<void> release_leases() override {
    return inner_.release_leases();
  }
  Result<pipeline::JobCounts> counts(const std::vector<std::string>& endpoints,
                                     const std::vector<pipeline::Tier>& tiers) override {
    return inner_.counts(endpoints, tiers);
  }

 private:
  pipeline::JobStore& inner_;
  Fuse& fuse_;
};

class FusedRequests final : public pipeline::RequestStore {
 public:
  FusedRequests(pipeline::RequestStore& inner, Fuse& fuse) : inner_{inner}, fuse_{fuse} {}
  Result<std::int64_t> recover() override {
    return inner_.recover();
  }
  Result<std::int64_t> recover_others() override {
    return inner_.recover_others();
  }
  Result<std::int64_t> close_gathered() override {
    return inner_.close_gathered();
  }
  Result<void> revive(pipeline::Tier tier) override {
    return inner_.revive(tier);
  }
  Result<std::vector<pipeline::StoredRequest>> due(pipeline::Tier tier, pipeline::CallMode mode,
                                                   std::size_t limit) override {
    return inner_.due(tier, mode, limit);
  }
  Result<pipeline::Reserved> reserve(const pipeline::Reservation& reservation) override {
    return inner_.reserve(reservation);
  }
  Result<pipeline::Settled> settle(const pipeline::CallEnd& end, const pipeline::Settlement& settlement) override {
    return fuse_.burn([&] { return inner_.settle(end, settlement); });
  }
  Result<void> postpone(const pipeline::CallEnd& end, const pipeline::Postponement& postponement) override {
    return fuse_.burn([&] { return inner_.postpone(end, postponement); });
  }
  Result<void> put_off(const std::vector<std::int64_t>& ids, const pipeline::Postponement& postponement) override {
    return fuse_.burn([&] { return inner_.put_off(ids, postponement); });
  }
  Result<void> renew_leases() override {
    return inner_.renew_leases();
  }
  Result<pipeline::RequestCounts> counts() override {
    return inner_.counts();
  }
  Result<pipeline::TokenCalibration> calibration(const std::string& name) override {
    return inner_.calibration(name);
  }
  Result<bool> has_answered(const std::string& endpoint, const std::string& name) override {
    return inner_.has_answered(endpoint, name);
  }

 private:
  pipeline::RequestStore& inner_;
  Fuse& fuse_;
};

class FusedApi final : public pipeline::BatchApi {
 public:
  FusedApi(pipeline::BatchApi& inner, Fuse& fuse) : inner_{inner}, fuse_{fuse} {}
  [[nodiscard]] std::size_t requests_max() const override {
    return inner_.requests_max();
  }
  [[nodiscard]] std::size_t bytes_max() const override {
    return inner_.bytes_max();
  }
  Submission submit(const std::vector<pipeline::JobRequest>& requests, const std::string& tag) override {
    return fuse_.burn([&] { return inner_.submit(requests, tag); });
  }
  Result<pipeline::JobStatus> status(const std::string& id) override {
    return fuse_.burn([&] { return inner_.status(id); });
  }
  Result<std::vector<pipeline::JobStatus>> recent() override {
    return fuse_.burn([&] { return inner_.recent(); });
  }
  Result<std::vector<std::string>> custom_ids(const std::string& id) override {
    return fuse_.burn([&] { return inner_.custom_ids(id); });
  }
  Result<void> results(const std::string& id, const std::function<bool(pipeline::JobResult)>& each) override {
    return fuse_.burn([&] { return inner_.results(id, each); });
  }
  Result<void> cancel(const std::string& id) override {
    return fuse_.burn([&] { return inner_.cancel(id); });
  }

 private:
  pipeline::BatchApi& inner_;
  Fuse& fuse_;
};

class CourierCrashTest : public CourierTest {
 protected:
  /// Connections through the fuse, and a courier that knows nothing.
  void start_anew() {
    reopen();
    fused_jobs = std::make_unique<FusedJobs>(*jobs, fuse);
    fused_requests = std::make_unique<FusedRequests>(*requests, fuse);
    options.jobs = fused_jobs.get();
    options.requests = fused_requests.get();
    options.apis[0] = &fused_api;
    remake();
  }

  /// Two jobs and a request that fails once; crashes at the `at`-th thing. False if there are not so many.
  bool run(int at, bool after) {
    options.requests_max = 2;
    provider.next.push_back({.takes = true, .tells = false});
    provider.fate = [this, failed = false](const pipeline::JobRequest& request, pipeline::JobResult& result) mutable {
      if (!failed) {
        failed = true;
        first_failed = request.body;
      }
      if (request.body == first_failed && provider.answered[request.body] == 1 && provider.jobs.size() <= 2) {
        result.reply = {};
        result.reply.status = 500;
      }
      return true;
    };
    commit(3);
    fuse = {.left = at, .after = after, .burnt = 0};
    start_anew();
    bool crashed = false;
    for (int i = 0; i < 200 && !courier->is_idle().value(); ++i) {
      try {
        step();
      } catch (const Crash&) {
        crashed = true;
        start_anew();
      }
    }
    return crashed;
  }

  Fuse fuse;
  std::string first_failed;
  FusedApi fused_api{provider, fuse};
  std::unique_ptr<FusedJobs> fused_jobs;
  std::unique_ptr<FusedRequests> fused_requests;
};

/// One life with one crash in it. A fixture, so that each has a store of its own.
class Life final : public CourierCrashTest {
 public:
  void TestBody() override {}

  /// False if the work was done before the crash came.
  bool has_crashed_and_repeated_nothing(int at, bool after, bool keeps_tags) {
    provider.keeps_tags = keeps_tags;
    const bool crashed = run(at, after);
    EXPECT_TRUE(courier->is_idle().value());
    EXPECT_EQ(memories(), 3);
    EXPECT_EQ(ask("SELECT count(*) FROM requests"), 0);
    // The one that failed was not answered the first time, and not billed then.
    for (const auto& [body, count] : provider.answered) {
      EXPECT_EQ(count, body == first_failed ? 2 : 1) << body;
    }
    EXPECT_EQ(provider.answered.size(), 3U);
    expect_proved();
    return crashed;
  }
};

constexpr int points_max = 1000;

class AtEveryPoint : public testing::TestWithParam<std::tuple<bool, bool>> {};

TEST_P(AtEveryPoint, EachRequestIsAnsweredOnceAndNoneIsPaidForTwice) {
  const auto [after, keeps_tags] = GetParam();
  int at = 0;
  for (; at < points_max; ++at) {
    SCOPED_TRACE("crash at " + std::to_string(at));
    if (!Life{}.has_crashed_and_repeated_nothing(at, after, keeps_tags) || HasFailure()) {
      break;
    }
  }
  EXPECT_GT(at, 50);
  EXPECT_LT(at, points_max);
}

INSTANTIATE_TEST_SUITE_P(Crashes, AtEveryPoint, testing::Combine(testing::Bool(), testing::Bool()), [](const auto& of) {
  return std::string{std::get<0>(of.param) ? "After" : "Before"} + (std::get<1>(of.param) ? "WithTags" : "WithoutTags");
});

}  // namespace
}  // namespace alluvium::actors
