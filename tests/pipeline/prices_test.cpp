// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prices.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::pipeline {
namespace {

std::string entry(std::string_view name, std::string_view fields) {
  return "\"" + std::string{name} + "\":{" + std::string{fields} + "}";
}

constexpr std::string_view priced = R"("input_cost_per_token":1e-06,"output_cost_per_token":2e-06)";

/// A list with a sound model, so that it is one, and the entry.
PriceList list_with(std::string_view entries) {
  const auto list = PriceList::parse("{" + entry("sound", priced) + "," + std::string{entries} + "}");
  EXPECT_TRUE(list.has_value()) << (list ? "" : list.error().detail);
  return list.value_or(PriceList{});
}

Errc refusal(std::string_view json) {
  const auto list = PriceList::parse(json);
  EXPECT_FALSE(list.has_value());
  return list ? Errc::unavailable : list.error().code;
}

TEST(Prices, ShippedAreTheDatedOnes) {
  const auto& list = PriceList::shipped();
  EXPECT_EQ(list.size(), 9U);
  EXPECT_EQ(shipped_prices_date(), "2026-11-21");
  const auto* gpt = list.find("gpt-4o");
  ASSERT_NE(gpt, nullptr);
  EXPECT_EQ(gpt->input.pico, 2'500'000);
  EXPECT_EQ(gpt->output.pico, 10'000'000);
  EXPECT_EQ(gpt->cache_read->pico, 1'250'000);
  EXPECT_EQ(gpt->batch_input->pico, 1'250'000);
  EXPECT_EQ(gpt->batch_output->pico, 5'000'000);
  EXPECT_FALSE(gpt->batch_is_assumed);
  EXPECT_EQ(gpt->provider, "openai");
  EXPECT_EQ(list.find("gpt-4o-mini")->input.pico, 150'000);
  EXPECT_EQ(list.find("claude-haiku-4-5")->cache_write->pico, 1'250'000);
}

TEST(Prices, ShippedKnowTheModelThatTheDocumentsPlanWith) {
  const auto* small = PriceList::shipped().find("mistral-small-3.1");
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(small->input.pico, 100'000);
  EXPECT_EQ(small->output.pico, 300'000);
  EXPECT_EQ(small->batch_input->pico, 50'000);
  EXPECT_EQ(small->batch_output->pico, 150'000);
  EXPECT_TRUE(small->batch_is_assumed);
}

TEST(Prices, AreFoundWithoutTheirProviderIfOnlyOneIsMeant) {
  const auto list = list_with(entry("a/one", priced) + "," + entry("a/two", priced) + "," + entry("b/two", priced) +
                              "," + entry("x/y/deep", priced) + "," + entry("c/sound", priced));
  EXPECT_NE(list.find("one"), nullptr);
  EXPECT_NE(list.find("a/two"), nullptr);
  EXPECT_EQ(list.find("two"), nullptr) << "a's or b's?";
  EXPECT_NE(list.find("deep"), nullptr);
  EXPECT_NE(list.find("y/deep"), nullptr);
  EXPECT_NE(list.find("sound"), nullptr) << "an exact name is not ambiguous";
  EXPECT_EQ(list.find("ne"), nullptr) << "a name, not any end of it";
  EXPECT_EQ(list.find("/one"), nullptr);
  EXPECT_EQ(list.find(""), nullptr);
}

TEST(Prices, AreFoundByADatedOrTaggedName) {
  const auto list = list_with(entry("m", priced) + "," + entry("p/n", priced) + "," + entry("m-2026-01-01", priced));
  EXPECT_EQ(list.find("m-2024-05-13"), list.find("m"));
  EXPECT_NE(list.find("m-2026-01-01"), list.find("m")) << "an exact name comes first";
  EXPECT_EQ(list.find("m-20240513"), list.find("m"));
  EXPECT_EQ(list.find("m@20240513"), list.find("m"));
  EXPECT_EQ(list.find("n:latest"), list.find("p/n"));
  EXPECT_EQ(list.find("n-2024-05-13:free"), list.find("p/n"));
  EXPECT_EQ(list.find("m-2024-13-01"), nullptr) << "no date";
  EXPECT_EQ(list.find("m-2503"), nullptr) << "another version may have another price";
  EXPECT_EQ(list.find("m-turbo"), nullptr);
  EXPECT_EQ(list.find("M"), nullptr);
  EXPECT_EQ(list.find(":::"), nullptr);
}

TEST(Prices, AreHalvedInJobsOnlyForThoseWhoAreKnownToHalve) {
  for (const auto* provider : {"openai", "anthropic", "mistral"}) {
    const auto list = list_with(entry("m", std::string{priced} + ",\"litellm_provider\":\"" + provider + "\""));
    EXPECT_EQ(list.find("m")->batch_input, Money{500'000}) << provider;
    EXPECT_EQ(list.find("m")->batch_output, Money{1'000'000}) << provider;
    EXPECT_TRUE(list.find("m")->batch_is_assumed) << provider;
  }
  const auto list = list_with(entry("m", std::string{priced} + R"(,"litellm_provider":"gemini")"));
  EXPECT_EQ(list.find("m")->batch_input, std::nullopt);
  EXPECT_FALSE(list.find("m")->batch_is_assumed);
}

TEST(Prices, SkipEntriesThatHaveNone) {
  const std::vector<std::string> bad{R"("input_cost_per_token":1e-06)",
                                     R"("output_cost_per_token":1e-06)",
                                     R"("input_cost_per_token":-1e-06,"output_cost_per_token":1e-06)",
                                     R"("input_cost_per_token":"1e-06","output_cost_per_token":1e-06)",
                                     R"("input_cost_per_token":"NaN","output_cost_per_token":1e-06)",
                                     R"("input_cost_per_token":1e308,"output_cost_per_token":1e-06)",
                                     R"("input_cost_per_token":1e-06,"output_cost_per_token":1.01)",
                                     R"("input_cost_per_token":18446744073709551615,"output_cost_per_token":1e-06)",
                                     R"("input_cost_per_token":-9223372036854775808,"output_cost_per_token":1e-06)",
                                     R"("input_cost_per_token":null,"output_cost_per_token":[1e-06])",
                                     ""};
  for (const auto& fields : bad) {
    const auto list = list_with(entry("m", fields));
    EXPECT_EQ(list.size(), 1U) << fields;
    EXPECT_EQ(list.find("m"), nullptr) << fields;
  }
  const auto list = list_with(entry("sample_spec", priced) + R"(,"a":5,"b":null,"c":[],"d":"x",)" + entry("", priced));
  EXPECT_EQ(list.size(), 1U);
}

TEST(Prices, TakeWholeNumbersAndZeroAndOnesBelowAPicodollar) {
  const auto list = list_with(entry("free", R"("input_cost_per_token":0,"output_cost_per_token":0.0)") + "," +
                              entry("dear", R"("input_cost_per_token":1,"output_cost_per_token":1.0)") + "," +
                              entry("tiny", R"("input_cost_per_token":1e-300,"output_cost_per_token":1e-13)"));
  EXPECT_EQ(list.find("free")->input, Money{});
  EXPECT_EQ(list.find("dear")->output, Money{pico_per_dollar});
  EXPECT_EQ(list.find("tiny")->input, Money{1});
  EXPECT_EQ(list.find("tiny")->output, Money{1});
}

TEST(Prices, DropAnOptionalPriceThatIsNone) {
  const auto list = list_with(
      entry("m", std::string{priced} +
                     R"(,"cache_read_input_token_cost":-1,"cache_creation_input_token_cost":"x","unknown":{"a":[1]})"));
  ASSERT_NE(list.find("m"), nullptr);
  EXPECT_EQ(list.find("m")->cache_read, std::nullopt);
  EXPECT_EQ(list.find("m")->cache_write, std::nullopt);
}

TEST(Prices, OfEmbeddingsNeedNoOutput) {
  const auto list = list_with(entry("e", R"("mode":"embedding","input_cost_per_token":2e-08)"));
  ASSERT_NE(list.find("e"), nullptr);
  EXPECT_EQ(list.find("e")->input.pico, 20'000);
}

TEST(Prices, RefuseWhatIsNoPriceFile) {
  for (const auto* json : {"", " ", "[]", "{}", "5", "\"x\"", "{", "{\"m\":{\"input_cost_per_token\":NaN}}",
                           "{\"m\":{\"input_cost_per_token\":1e999,\"output_cost_per_token\":1}}", "{\"m\":{}}",
                           "\xFF\xFE{", "{\"sample_spec\":{\"input_cost_per_token\":0,\"output_cost_per_token\":0}}"}) {
    EXPECT_EQ(refusal(json), Errc::invalid_config) << json;
  }
}

TEST(Prices, RefuseGarbageHoweverLarge) {
  EXPECT_EQ(refusal(std::string(price_file_bytes_max, '[')), Errc::invalid_config);
  EXPECT_EQ(refusal(std::string(price_file_bytes_max, '\xFF')), Errc::invalid_config);
  EXPECT_EQ(refusal("{" + entry("m", priced) + std::string(price_file_bytes_max, ' ') + "}"), Errc::invalid_config);
}

ModelPrice price() {
  ModelPrice made;
  made.input = Money{1000};
  made.output = Money{5000};
  made.cache_read = Money{100};
  made.cache_write = Money{1250};
  made.batch_input = Money{500};
  made.batch_output = Money{2500};
  return made;
}

TEST(CostOf, CountsEveryPartOfTheUsageOnce) {
  const TokenUsage usage{.prompt = 100, .completion = 10, .cached = 30, .cache_write = 20};
  EXPECT_EQ(cost_of(price(), usage, false).pico, 50 * 1000 + 30 * 100 + 20 * 1250 + 10 * 5000);
  EXPECT_EQ(cost_of(price(), usage, true).pico, 50 * 500 + 30 * 50 + 20 * 625 + 10 * 2500);
}

TEST(CostOf, TakesTheInputsPriceForACacheWithoutOne) {
  auto made = price();
  made.cache_read = made.cache_write = std::nullopt;
  EXPECT_EQ(cost_of(made, {.prompt = 10, .cached = 4, .cache_write = 3}, false).pico, 10'000);
}

TEST(CostOf, IsTheFullPriceInAJobIfNoOtherIsKnown) {
  auto made = price();
  made.batch_input = made.batch_output = std::nullopt;
  const TokenUsage usage{.prompt = 10, .completion = 10};
  EXPECT_EQ(cost_of(made, usage, true), cost_of(made, usage, false));
}

TEST(CostOf, IsNeverNegativeWhateverIsCounted) {
  EXPECT_TRUE(rc::check("0 or more, and more tokens never cost less", [] {
    const auto any = [] { return *rc::gen::arbitrary<std::int64_t>(); };
    TokenUsage usage{.prompt = any(), .completion = any(), .cached = any(), .cache_write = any()};
    const bool job = *rc::gen::arbitrary<bool>();
    const auto cost = cost_of(price(), usage, job);
    RC_ASSERT(cost >= Money{});
    usage.completion = std::max(usage.completion, std::numeric_limits<std::int64_t>::max() / 2);
    RC_ASSERT(cost_of(price(), usage, job) >= cost);
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
