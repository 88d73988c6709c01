// SPDX-License-Identifier: Apache-2.0
// The prices that ship, for who has no price file: a few chat models, as of the date below.
//
// Notice: the entries are a subset of model_prices_and_context_window.json of LiteLLM (package version 1.109.1), which
// is under the MIT License, Copyright (c) 2023 Berri AI: "Permission is hereby granted, free of charge, to any person
// obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software
// without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute,
// sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
// subject to the following conditions: The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
// EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE
// AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
// SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."
#include "pipeline/prices.hpp"

namespace alluvium::pipeline {

namespace {

// One entry is ours: "mistral-small-3.1" is the model that the documents plan with, and LiteLLM has no key of that name
// for Mistral's own API. It costs what "mistral/mistral-small" does, which is also what the documents say.
constexpr std::string_view shipped_json = R"json({
  "gpt-4o": {
    "litellm_provider": "openai",
    "mode": "chat",
    "max_input_tokens": 128000,
    "max_output_tokens": 16384,
    "input_cost_per_token": 2.5e-06,
    "output_cost_per_token": 1e-05,
    "cache_read_input_token_cost": 1.25e-06,
    "input_cost_per_token_batches": 1.25e-06,
    "output_cost_per_token_batches": 5e-06,
    "supports_response_schema": true,
    "source": "https://developers.openai.com/api/docs/pricing"
  },
  "gpt-4o-mini": {
    "litellm_provider": "openai",
    "mode": "chat",
    "max_input_tokens": 128000,
    "max_output_tokens": 16384,
    "input_cost_per_token": 1.5e-07,
    "output_cost_per_token": 6e-07,
    "cache_read_input_token_cost": 7.5e-08,
    "input_cost_per_token_batches": 7.5e-08,
    "output_cost_per_token_batches": 3e-07,
    "supports_response_schema": true,
    "source": "https://developers.openai.com/api/docs/pricing"
  },
  "claude-haiku-4-5": {
    "litellm_provider": "anthropic",
    "mode": "chat",
    "max_input_tokens": 200000,
    "max_output_tokens": 64000,
    "input_cost_per_token": 1e-06,
    "output_cost_per_token": 5e-06,
    "cache_read_input_token_cost": 1e-07,
    "cache_creation_input_token_cost": 1.25e-06,
    "input_cost_per_token_batches": 5e-07,
    "output_cost_per_token_batches": 2.5e-06,
    "supports_response_schema": true,
    "source": "https://platform.claude.com/docs/en/about-claude/pricing"
  },
  "gemini/gemini-2.5-flash": {
    "litellm_provider": "gemini",
    "mode": "chat",
    "max_input_tokens": 1048576,
    "max_output_tokens": 65536,
    "input_cost_per_token": 3e-07,
    "output_cost_per_token": 2.5e-06,
    "cache_read_input_token_cost": 3e-08,
    "input_cost_per_token_batches": 1.5e-07,
    "output_cost_per_token_batches": 1.25e-06,
    "supports_response_schema": true,
    "source": "https://ai.google.dev/gemini-api/docs/pricing"
  },
  "gemini/gemini-2.5-flash-lite": {
    "litellm_provider": "gemini",
    "mode": "chat",
    "max_input_tokens": 1048576,
    "max_output_tokens": 65536,
    "input_cost_per_token": 1e-07,
    "output_cost_per_token": 4e-07,
    "cache_read_input_token_cost": 1e-08,
    "input_cost_per_token_batches": 5e-08,
    "output_cost_per_token_batches": 2e-07,
    "supports_response_schema": true,
    "source": "https://ai.google.dev/gemini-api/docs/pricing"
  },
  "gemini/gemini-flash-latest": {
    "litellm_provider": "gemini",
    "mode": "chat",
    "max_input_tokens": 1048576,
    "max_output_tokens": 65536,
    "input_cost_per_token": 7.5e-07,
    "output_cost_per_token": 3.75e-06,
    "cache_read_input_token_cost": 7.5e-08,
    "input_cost_per_token_batches": 3.75e-07,
    "output_cost_per_token_batches": 1.875e-06,
    "supports_response_schema": true,
    "source": "https://ai.google.dev/gemini-api/docs/pricing"
  },
  "mistral/mistral-small": {
    "litellm_provider": "mistral",
    "mode": "chat",
    "max_input_tokens": 32000,
    "max_output_tokens": 8191,
    "input_cost_per_token": 1e-07,
    "output_cost_per_token": 3e-07,
    "cache_read_input_token_cost": 1e-08,
    "supports_response_schema": true
  },
  "mistral-small-3.1": {
    "litellm_provider": "mistral",
    "mode": "chat",
    "max_input_tokens": 128000,
    "input_cost_per_token": 1e-07,
    "output_cost_per_token": 3e-07,
    "supports_response_schema": true
  },
  "mistral/mistral-small-latest": {
    "litellm_provider": "mistral",
    "mode": "chat",
    "max_input_tokens": 262144,
    "max_output_tokens": 262144,
    "input_cost_per_token": 1.5e-07,
    "output_cost_per_token": 6e-07,
    "cache_read_input_token_cost": 1.5e-08,
    "supports_response_schema": true,
    "source": "https://docs.mistral.ai/models/model-cards/mistral-small-4-0-26-03"
  }
}
)json";

}  // namespace

std::string_view default_prices_json() {
  return shipped_json;
}

std::string_view shipped_prices_date() {
  return "2026-11-21";
}

}  // namespace alluvium::pipeline
