// SPDX-License-Identifier: Apache-2.0
// A request as HTTP/1.1 writes it.
#pragma once

#include <string>

#include "connectors/http_client.hpp"
#include "connectors/url.hpp"

namespace alluvium::connectors {

/// Empty if the request can go out as it is; else what is wrong with it, without its values: they may be secret.
[[nodiscard]] std::string fault_of(const HttpRequest& request);

/// Request line and headers, up to the body.
[[nodiscard]] std::string head_of(const HttpRequest& request, const Url& base_url);

}  // namespace alluvium::connectors
