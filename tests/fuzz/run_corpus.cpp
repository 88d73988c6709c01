// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over the files and folders it is given: the corpus as a test, with any compiler.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

bool run(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    std::fprintf(stderr, "%s: can't be read\n", path.c_str());
    return false;
  }
  const std::string bytes{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  // An exact copy on the heap, so that AddressSanitizer sees a read of one byte too many.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t inputs = 0;
  std::size_t unread = 0;
  for (int i = 1; i < argc; ++i) {
    std::vector<std::filesystem::path> paths;
    std::error_code error;
    if (std::filesystem::is_directory(argv[i], error)) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator{argv[i], error}) {
        if (entry.is_regular_file(error)) {
          paths.push_back(entry.path());
        }
      }
    } else {
      paths.emplace_back(argv[i]);
    }
    for (const auto& path : paths) {
      if (run(path)) {
        ++inputs;
      } else {
        ++unread;
      }
    }
  }
  std::printf("%zu inputs\n", inputs);
  return inputs > 0 && unread == 0 ? 0 : 1;
}
