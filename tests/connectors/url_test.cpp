// SPDX-License-Identifier: Apache-2.0
#include "connectors/url.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "connectors/http_client.hpp"

namespace alluvium::connectors {
namespace {

struct Taken {
  std::string_view text;
  bool tls;
  std::string_view host;
  int port;
  std::string_view path;
  std::string_view host_header;
};

TEST(Url, IsTakenApart) {
  for (const auto& want : std::vector<Taken>{
           {"http://example.com", false, "example.com", 80, "", "example.com"},
           {"https://example.com", true, "example.com", 443, "", "example.com"},
           {"https://api.example.com/v1", true, "api.example.com", 443, "/v1", "api.example.com"},
           {"https://api.example.com/v1/", true, "api.example.com", 443, "/v1", "api.example.com"},
           {"https://api.example.com/v1beta/openai//", true, "api.example.com", 443, "/v1beta/openai",
            "api.example.com"},
           {"http://example.com/", false, "example.com", 80, "", "example.com"},
           {"HTTP://Example.COM:8080/V1", false, "example.com", 8080, "/V1", "example.com:8080"},
           {"http://example.com:80", false, "example.com", 80, "", "example.com"},
           {"http://example.com:443", false, "example.com", 443, "", "example.com:443"},
           {"https://example.com:80", true, "example.com", 80, "", "example.com:80"},
           {"http://127.0.0.1:1", false, "127.0.0.1", 1, "", "127.0.0.1:1"},
           {"http://127.0.0.1:65535", false, "127.0.0.1", 65535, "", "127.0.0.1:65535"},
           {"http://[::1]:11434/v1", false, "::1", 11434, "/v1", "[::1]:11434"},
           {"https://[2001:DB8::7]", true, "2001:db8::7", 443, "", "[2001:db8::7]"},
           {"http://my_host-1/a@b:c", false, "my_host-1", 80, "/a@b:c", "my_host-1"},
       }) {
    const auto url = parse_url(want.text);
    ASSERT_TRUE(url.has_value()) << want.text << ": " << url.error().detail;
    EXPECT_EQ(url->tls, want.tls) << want.text;
    EXPECT_EQ(url->host, want.host) << want.text;
    EXPECT_EQ(url->port, want.port) << want.text;
    EXPECT_EQ(url->path, want.path) << want.text;
    EXPECT_EQ(url->host_header(), want.host_header) << want.text;
  }
}

TEST(Url, IsRefusedIfItIsNoBaseOfCalls) {
  using namespace std::string_literals;
  for (const auto& text : std::vector<std::string>{"",
                                                   "example.com",
                                                   "ftp://example.com",
                                                   "httpx://example.com",
                                                   "://example.com",
                                                   "http:/example.com",
                                                   "http://",
                                                   "http:///v1",
                                                   "http://:80",
                                                   "http://host:",
                                                   "http://host:0",
                                                   "http://host:65536",
                                                   "http://host:-1",
                                                   "http://host:+1",
                                                   "http://host:80a",
                                                   "http://host:8 0",
                                                   "http://user@host",
                                                   "http://user:secret@host/v1",
                                                   "http://host/v1?key=secret",
                                                   "http://host?",
                                                   "http://host/v1#part",
                                                   "http://[::1",
                                                   "http://[::1]x",
                                                   "http://[::1]:",
                                                   "http://[fe80::1%25eth0]",
                                                   "http://[127.0.0.1]",
                                                   "http://[]",
                                                   "http://::1",
                                                   "http://ho st",
                                                   "http://host/a b",
                                                   "http://host/a\r\nX: y",
                                                   "http://host\n",
                                                   "http://host/\t",
                                                   "http://host/\0"s,
                                                   "http://host/\x7F",
                                                   "http://h\xC3\xB6st",
                                                   "http://host/\xC3\xB6",
                                                   "http://host/<a>",
                                                   "http://host\\path"}) {
    EXPECT_FALSE(parse_url(text).has_value()) << text;
  }
}

TEST(Url, OfTheGreatestLengthIsTakenAndOneByteMoreIsNot) {
  const std::string start = "http://host/";
  EXPECT_TRUE(parse_url(start + std::string(url_bytes_max - start.size(), 'a')).has_value());
  EXPECT_FALSE(parse_url(start + std::string(url_bytes_max - start.size() + 1, 'a')).has_value());
}

TEST(Url, KeepsSecretsOutOfWhatItSays) {
  for (const auto* text : {"http://user:hunter2@host", "http://host/v1?key=hunter2", "http://host/v1#hunter2"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.has_value());
    EXPECT_EQ(url.error().code, pipeline::Errc::invalid_config);
    EXPECT_EQ(url.error().detail.find("hunter2"), std::string::npos) << url.error().detail;
  }
}

TEST(Url, ReadsBackWhatItWrites) {
  EXPECT_TRUE(rc::check("parse_url(text()) is the same URL", [] {
    Url url;
    url.tls = *rc::gen::arbitrary<bool>();
    url.host = *rc::gen::element<std::string>("host", "a.b.c", "127.0.0.1", "::1", "2001:db8::1");
    url.port = *rc::gen::inRange<std::uint16_t>(1, 65535);
    url.path = *rc::gen::element<std::string>("", "/v1", "/a/b-c/d.e");
    const auto again = parse_url(url.text());
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == url);
  }));
}

TEST(Url, NeverFailsInAnotherWayThanByRefusing) {
  EXPECT_TRUE(rc::check("any text", [](const std::string& text) {
    const auto url = parse_url("http://" + text);
    if (url) {
      RC_ASSERT(!url->host.empty());
      RC_ASSERT(parse_url(url->text()).has_value());
    }
  }));
}

TEST(Loopback, IsThisMachineOnly) {
  for (const auto* text : {"http://127.0.0.1:1/v1", "http://127.255.0.9", "https://localhost", "http://LOCALHOST:80",
                           "http://[::1]:11434"}) {
    EXPECT_TRUE(is_loopback(text)) << text;
  }
  for (const auto* text : {"http://128.0.0.1", "http://126.255.255.255", "http://localhost.example.com", "http://[::2]",
                           "http://127.0.0.1.example.com", "http://10.0.0.1", "127.0.0.1", ""}) {
    EXPECT_FALSE(is_loopback(text)) << text;
  }
}

}  // namespace
}  // namespace alluvium::connectors
