// SPDX-License-Identifier: Apache-2.0
// Any bytes as a config: no crash, no secret printed, and what is printed reads back the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "config/config.hpp"

namespace {

void demand(bool truth, const char* what) {
  if (!truth) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alluvium::config;
  const std::string yaml(data, data + size);
  const std::string secret = "qZ7w-secret";
  const auto loaded = parse(yaml, "fuzz.yaml", {{"S", secret}, {"N", "7"}}, true);
  const bool is_secret = std::ranges::find(loaded.secrets, secret) != loaded.secrets.end();
  for (const auto* list : {&loaded.faults, &loaded.warnings}) {
    for (const auto& fault : *list) {
      const auto text = fault.text();
      demand(!is_secret || text.find(secret) == std::string::npos, "a secret in a message");
      demand(text.find('\n') == std::string::npos, "a message of two lines");
    }
  }
  const auto printed = print(loaded);
  demand(!is_secret || printed.find(secret) == std::string::npos, "a secret in the printed config");
  if (loaded.faults.empty() && loaded.secrets.empty()) {
    const auto again = parse(printed, "fuzz.yaml", {}, true);
    demand(again.faults.empty(), "the printed config has faults");
    demand(print(again) == printed, "the printed config reads back otherwise");
  }
  return 0;
}
