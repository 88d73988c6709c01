// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_http.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace alluvium::connectors {
namespace {

constexpr std::size_t read_bytes = std::size_t{16} << 10;
constexpr std::size_t body_step_bytes = std::size_t{1} << 20;  // What a promise of more reserves at once.
constexpr std::size_t chunk_line_bytes_max = 1'000;

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool read_number(std::string_view text, int base, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size();
}

constexpr std::array<std::pair<int, std::string_view>, 18> reasons{{
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {529, "Overloaded"},
}};

}  // namespace

std::string_view stub_reason(int status) {
  const auto* const found = std::ranges::find(reasons, status, [](const auto& each) { return each.first; });
  return found != reasons.end() ? found->second : "Simulated";
}

std::size_t stub_body_bytes_max(std::string_view path) {
  const bool upload = path.starts_with("/files") || path.starts_with("/messages/batches");
  return upload ? stub_upload_bytes_max : stub_call_bytes_max;
}

bool HttpReader::fill() {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  const auto held = buffer_.size();
  buffer_.resize(held + read_bytes);
  const auto count = stream_.read(buffer_.data() + held, read_bytes);
  buffer_.resize(held + count);
  return count > 0;
}

/// Without its line end.
tl::expected<std::string, HttpReader::Fault> HttpReader::take_line(std::size_t bytes_max) {
  while (true) {
    const auto end = buffer_.find('\n', begin_);
    const auto length = (end == std::string::npos ? buffer_.size() : end) - begin_;
    if (length > bytes_max) {
      return Failed{Fault{431, "a line of the head is too long"}};
    }
    if (end != std::string::npos) {
      auto line = buffer_.substr(begin_, length);
      begin_ = end + 1;
      if (line.ends_with('\r')) {
        line.pop_back();
      }
      return line;
    }
    if (!fill()) {
      return Failed{Fault{}};
    }
  }
}

tl::expected<StubRequest, HttpReader::Fault> HttpReader::read_head() {
  auto left = stub_head_bytes_max;
  auto first = take_line(left);
  if (first && first->empty()) {
    first = take_line(left);  // Some clients end a body with an empty line.
  }
  if (!first) {
    return Failed{first.error()};
  }
  const auto method_end = first->find(' ');
  const auto target_end = first->rfind(' ');
  const auto version =
      target_end == std::string::npos ? std::string_view{} : std::string_view{*first}.substr(target_end + 1);
  if (method_end == 0 || method_end >= target_end || (version != "HTTP/1.1" && version != "HTTP/1.0") ||
      (*first)[method_end + 1] != '/') {
    return Failed{Fault{400, "the request line is not HTTP/1.1"}};
  }
  StubRequest request;
  request.method = first->substr(0, method_end);
  const auto target = std::string_view{*first}.substr(method_end + 1, target_end - method_end - 1);
  const auto query = std::min(target.find('?'), target.size());
  request.path = target.substr(0, query);
  request.query = target.substr(std::min(query + 1, target.size()));
  if (request.path.starts_with("/v1/")) {
    request.path.erase(0, 3);
  }
  left -= std::min(left, first->size());
  while (true) {
    const auto line = take_line(left);
    if (!line) {
      return Failed{line.error()};
    }
    if (line->empty()) {
      break;
    }
    const auto colon = line->find(':');
    if (colon == 0 || colon == std::string::npos || request.headers.size() == stub_headers_max) {
      return Failed{Fault{400, "a header is malformed, or there are too many"}};
    }
    request.headers.emplace_back(lower(line->substr(0, colon)), trim(std::string_view{*line}.substr(colon + 1)));
    left -= std::min(left, line->size());
  }
  const auto connection = lower(request.headers.get("connection"));
  request.keep_alive = version == "HTTP/1.1" ? connection != "close" : connection == "keep-alive";
  return request;
}

tl::expected<StubRequest, HttpReader::Fault> HttpReader::next() {
  auto request = read_head();
  if (!request) {
    return request;
  }
  const auto most = stub_body_bytes_max(request->path);
  const auto length = request->headers.get("content-length");
  const auto coding = lower(request->headers.get("transfer-encoding"));
  const bool in_chunks = coding == "chunked";
  std::size_t bytes = 0;
  if ((!coding.empty() && (!in_chunks || !length.empty())) || (!length.empty() && !read_number(length, 10, bytes))) {
    return Failed{Fault{400, "Content-Length and Transfer-Encoding do not say how long the body is"}};
  }
  if (bytes > most) {
    return Failed{Fault{413, "the body is longer than " + std::to_string(most) + " bytes"}};
  }
  if (lower(request->headers.get("expect")) == "100-continue" && (bytes > 0 || in_chunks) &&
      !stream_.write("HTTP/1.1 100 Continue\r\n\r\n")) {
    return Failed{Fault{}};
  }
  const auto read = in_chunks ? read_chunks(request->body, most) : read_sized(request->body, bytes);
  if (!read) {
    return Failed{read.error()};
  }
  return request;
}

tl::expected<void, HttpReader::Fault> HttpReader::read_sized(std::string& body, std::size_t bytes) {
  const auto held = std::min(bytes, buffer_.size() - begin_);
  body.append(buffer_, begin_, held);
  begin_ += held;
  for (auto left = bytes - held; left > 0;) {
    const auto have = body.size();
    const auto step = std::min(left, body_step_bytes);
    body.resize(have + step);
    const auto count = stream_.read(body.data() + have, step);
    body.resize(have + count);
    if (count == 0) {
      return Failed{Fault{}};
    }
    left -= count;
  }
  return {};
}

tl::expected<void, HttpReader::Fault> HttpReader::read_chunks(std::string& body, std::size_t bytes_max) {
  while (true) {
    const auto line = take_line(chunk_line_bytes_max);
    if (!line) {
      return Failed{line.error()};
    }
    std::size_t bytes = 0;
    if (!read_number(trim(std::string_view{*line}.substr(0, line->find(';'))), 16, bytes)) {
      return Failed{Fault{400, "a chunk has no length"}};
    }
    if (bytes > bytes_max - body.size()) {
      return Failed{Fault{413, "the body is longer than " + std::to_string(bytes_max) + " bytes"}};
    }
    if (auto read = read_sized(body, bytes); !read) {
      return read;
    }
    // After the last chunk come trailers up to an empty line; after any other one its line end.
    for (std::size_t trailers = 0; trailers < stub_headers_max; ++trailers) {
      const auto rest = take_line(chunk_line_bytes_max);
      if (!rest) {
        return Failed{rest.error()};
      }
      if (rest->empty()) {
        break;
      }
      if (bytes > 0) {
        return Failed{Fault{400, "a chunk is longer than it says"}};
      }
    }
    if (bytes == 0) {
      return {};
    }
  }
}

std::string stub_head(const StubReply& reply, std::size_t length, bool keep_alive) {
  auto head = "HTTP/1.1 " + std::to_string(reply.status) + " " + std::string{stub_reason(reply.status)} + "\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  add("server", stub_fingerprint);
  add("content-type", reply.content_type);
  add("content-length", std::to_string(length));
  add("connection", keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : reply.headers) {
    add(name, value);
  }
  return head + "\r\n";
}

}  // namespace alluvium::connectors
