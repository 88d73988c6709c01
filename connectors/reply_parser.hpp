// SPDX-License-Identifier: Apache-2.0
// Reads one HTTP reply out of the bytes of a connection, within bounds. Only http_client.cpp includes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <boost/beast/http.hpp>

#include "connectors/http_client.hpp"

namespace alluvium::connectors {

/// Fills an HttpReply. Beast's own parser reserves what Content-Length says, which may be a lie; this one takes no
/// more memory than bytes that came. Gives error::body_limit as soon as the body is, or is going to be, too long.
class ReplyParser : public boost::beast::http::basic_parser<false> {
 public:
  static constexpr std::uint32_t header_bytes_max = std::uint32_t{64} << 10;

  ReplyParser(HttpReply& reply, std::size_t body_bytes_max) : reply_{reply}, body_bytes_max_{body_bytes_max} {
    header_limit(header_bytes_max);
    body_limit(boost::none);
    eager(true);
    reply_.headers.clear();
  }

 private:
  using ErrorCode = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, Text, Text, int, ErrorCode&) override {}
  void on_response_impl(int code, Text, int, ErrorCode&) override {
    reply_.status = code;
  }
  void on_field_impl(boost::beast::http::field, Text name, Text value, ErrorCode&) override {
    if (in_trailer_) {  // Nothing that counts may stand behind the body.
      return;
    }
    std::string lower{name.data(), name.size()};
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    reply_.headers.emplace_back(std::move(lower), std::string{value.data(), value.size()});
  }
  void on_header_impl(ErrorCode&) override {
    in_trailer_ = true;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& content_length, ErrorCode& error) override {
    if (content_length && *content_length > body_bytes_max_) {
      error = boost::beast::http::error::body_limit;
    }
  }
  std::size_t on_body_impl(Text piece, ErrorCode& error) override {
    const auto taken = std::min(piece.size(), body_bytes_max_ - reply_.body.size());
    reply_.body.append(piece.data(), taken);
    if (taken < piece.size()) {
      error = boost::beast::http::error::body_limit;
    }
    return taken;
  }
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text piece, ErrorCode& error) override {
    return on_body_impl(piece, error);
  }
  void on_finish_impl(ErrorCode&) override {}

  HttpReply& reply_;
  std::size_t body_bytes_max_;
  bool in_trailer_ = false;
};

}  // namespace alluvium::connectors
