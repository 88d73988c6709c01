// SPDX-License-Identifier: Apache-2.0
// A model behind one of the two APIs that nearly everybody speaks, over HTTP.
#pragma once

#include <memory>
#include <string>

#include "connectors/http_client.hpp"
#include "pipeline/model_ports.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::connectors {

struct EndpointOptions {
  std::string name;             ///< The user's name for it.
  std::string api = "openai";   ///< openai: chat completions (also Mistral, Gemini, vLLM, llama.cpp, Ollama). anthropic.
  std::string base_url;         ///< openai: ends before /chat/completions; anthropic: ends before /v1/messages ("/v1" at its end is taken as said).
  std::string model;
  std::string api_key;          ///< Empty: no key is sent.
  std::string max_tokens_field = "max_tokens";  ///< openai only: or max_completion_tokens.
  std::string response_format = "json_schema";  ///< json_schema, json_object or none.
  std::string anthropic_version = "2023-06-01";
  std::size_t concurrent_max = 16;  ///< Calls in flight.
  HttpOptions http;                 ///< Its base_url is set from the one above.
};

/// `invalid_config` if the options can't work.
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::Model>> make_model(const EndpointOptions& options,
                                                                            pipeline::WallClock clock);
/// The provider's batch jobs; `invalid_config` if the API has none here.
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::BatchApi>> make_batch_api(const EndpointOptions& options,
                                                                                   pipeline::WallClock clock);

}  // namespace alluvium::connectors
