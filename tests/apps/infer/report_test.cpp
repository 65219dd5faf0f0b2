#include "apps/infer/report.h"

#include <fstream>
#include <iterator>
#include <limits>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"
#include "train/image/image.h"

namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using sapnet::apps::Report;
using sapnet::apps::ReportEntry;
using sapnet::apps::ReportHeader;
using sapnet::tests::TempFolder;
using sapnet::train::Scores;

const ReportHeader kHeader{.network = "SAPNet", .weights = "a & b.safetensors", .device = "cpu", .stages = 6};

ReportEntry entry(const std::string& name, int width, int height) {
  const auto bytes = 3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  ReportEntry result;
  result.name = name;
  result.width = width;
  result.height = height;
  result.rainy.assign(bytes, 200);
  result.derained.assign(bytes, 50);
  result.seconds = 0.25;
  return result;
}

std::string page(const std::vector<ReportEntry>& entries) {
  const TempFolder folder;
  Report report(folder / "report.html", kHeader);
  for (const ReportEntry& e : entries) report.add(e);
  report.finish();
  std::ifstream file(folder / "report.html", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// The n-th embedded image, by a decoder that shares nothing with the encoder.
sapnet::train::Image embedded(const std::string& html, int n) {
  const std::string mark = "src=\"data:image/jpeg;base64,";
  auto at = html.find(mark);
  for (int i = 0; i < n; ++i) at = html.find(mark, at + 1);
  REQUIRE(at != std::string::npos);
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  int have = 0;
  for (at += mark.size(); html[at] != '"' && html[at] != '='; ++at) {
    const char c = html[at];
    int digit = -1;
    if (c >= 'A' && c <= 'Z') digit = c - 'A';
    if (c >= 'a' && c <= 'z') digit = c - 'a' + 26;
    if (c >= '0' && c <= '9') digit = c - '0' + 52;
    if (c == '+') digit = 62;
    if (c == '/') digit = 63;
    REQUIRE(digit >= 0);
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    have += 6;
    if (have >= 8) {
      have -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> have));
    }
  }
  return sapnet::train::decode_image(bytes, "embedded image");
}

}  // namespace

TEST_CASE("the report embeds both images and loads nothing else", "[report]") {
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {64, 33}}) {
    CAPTURE(width, height);
    const std::string html = page({entry("a.png", width, height)});
    CHECK(count(html, "<img ") == 2);
    const auto derained = embedded(html, 0), rainy = embedded(html, 1);
    CHECK(derained.width == width);
    CHECK(derained.height == height);
    CHECK(derained.rgb[0] * 255 == Approx(50).margin(2));
    CHECK(rainy.rgb[0] * 255 == Approx(200).margin(2));
    CHECK(count(html, "http://") + count(html, "https://") == 0);
    CHECK(count(html, " src=") == 2);
    CHECK_THAT(html, Contains("prefers-color-scheme: dark") && Contains("type=\"range\"") &&
                         Contains("a &amp; b.safetensors") && Contains("6 stages") && Contains("250 ms"));
  }
}

TEST_CASE("large images are downscaled by averaging", "[report]") {
  ReportEntry large = entry("large.png", 3201, 5);  // 3 pixels become one: 1067×2
  for (std::size_t i = 0; i < large.rainy.size(); ++i) large.rainy[i] = i / 3 % 3 == 0 ? 240 : 60;
  const std::string html = page({large});
  const auto rainy = embedded(html, 1);
  CHECK(rainy.width == 1067);
  CHECK(rainy.height == 2);
  CHECK(rainy.rgb[3 * 500] * 255 == Approx(120).margin(2));
  CHECK_THAT(html, Contains("3201×5, shown at 1/3"));
}

TEST_CASE("names cannot break out of the page", "[report]") {
  const std::string html = page({entry("<script>\"it's\" & so.png", 2, 2)});
  CHECK_THAT(html, Contains("&lt;script&gt;&quot;it&#39;s&quot; &amp; so.png"));
  CHECK_THAT(html, !Contains("<script>\"it") && !Contains("\"it's\""));
}

TEST_CASE("the report shows scores, gains and means", "[report]") {
  ReportEntry a = entry("a.png", 2, 2), b = entry("b.png", 2, 2);
  a.rainy_scores = Scores{.psnr_rgb = 20, .psnr_y = 21, .ssim_rgb = 0.5, .ssim_y = 0.6};
  a.scores = Scores{.psnr_rgb = 30, .psnr_y = 32, .ssim_rgb = 0.9, .ssim_y = 0.95};
  b.rainy_scores = Scores{.psnr_rgb = 24, .psnr_y = 25, .ssim_rgb = 0.7, .ssim_y = 0.8};
  b.scores = Scores{.psnr_rgb = 23.5, .psnr_y = 25, .ssim_rgb = 0.8, .ssim_y = 0.85};
  const std::string html = page({a, entry("plain.png", 2, 2), b});
  for (const std::string row :
       {"PSNR, RGB</th><td>20.00</td><td>30.00</td>", "SSIM, RGB</th><td>0.5000</td><td>0.9000</td>",
        "PSNR, Y</th><td>21.00</td><td>32.00</td>", "SSIM, Y</th><td>0.6000</td><td>0.9500</td>",
        // the means, which stand in tiles
        "PSNR, RGB</dt><dd>22.00 → 26.75<", "SSIM, RGB</dt><dd>0.6000 → 0.8500<",
        "PSNR, Y</dt><dd>23.00 → 28.50<", "SSIM, Y</dt><dd>0.7000 → 0.9000<"}) {
    CHECK_THAT(html, Contains(">" + row));
  }
  CHECK_THAT(html, Contains("<td>30.00</td><td><span class=\"gain\">+10.00 dB</span></td>"));
  CHECK_THAT(html, Contains("<span class=\"loss\">−0.50 dB</span>"));
  CHECK_THAT(html, Contains("<td>25.00</td><td>25.00</td><td><span class=\"\">0.00 dB</span></td>"));
  CHECK_THAT(html, Contains("<dd>3<small>2 with a reference</small>") && Contains("750 ms"));
  CHECK(count(html, "<article ") == 3);
  CHECK(count(html, "href=\"#image-3\"") == 1);
  CHECK_THAT(html, Contains("<th>PSNR, RGB</th><th>SSIM, RGB</th><th>PSNR, Y</th><th>SSIM, Y</th></tr>") &&
                       Contains("a.png</a></th><td>20.00 → 30.00</td><td>0.5000 → 0.9000</td>"
                                "<td>21.00 → 32.00</td><td>0.6000 → 0.9500</td></tr>"));
}

TEST_CASE("infinite scores of equal images are shown as ∞", "[report]") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  ReportEntry same = entry("same.png", 2, 2);
  same.rainy_scores = Scores{.psnr_rgb = 30, .psnr_y = kInfinity, .ssim_rgb = 1, .ssim_y = 1};
  same.scores = Scores{.psnr_rgb = kInfinity, .psnr_y = kInfinity, .ssim_rgb = 1, .ssim_y = 1};
  const std::string html = page({same});
  CHECK_THAT(html, Contains("30.00 → ∞") && Contains("+∞ dB") && Contains("∞ → ∞"));
  CHECK_THAT(html, !Contains(">nan") && !Contains(">inf"));
}

TEST_CASE("the report lists failures, missing scores and an early stop", "[report]") {
  const TempFolder folder;
  Report report(folder / "report.html", kHeader);
  ReportEntry plain = entry("plain.png", 2, 2);
  plain.not_scored = "in/plain.png: has no reference <here>";
  report.add(plain);
  report.add_failure("in/cut.png: truncated PNG & more");
  report.add_failure("in/text.png: is not an image");
  report.finish("Stopped after 3 of 9 images.");
  std::ifstream file(folder / "report.html", std::ios::binary);
  const std::string html{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  CHECK_THAT(html, Contains("not scored: in/plain.png: has no reference &lt;here&gt;") &&
                       Contains("2 images failed") &&
                       Contains("<li>in/cut.png: truncated PNG &amp; more</li>") &&
                       Contains("<li>in/text.png: is not an image</li>") &&
                       Contains("Stopped after 3 of 9 images."));
  CHECK_THAT(page({entry("a.png", 2, 2)}), !Contains("failed") && !Contains("not scored"));
}

TEST_CASE("a report that is not finished leaves nothing behind", "[report]") {
  const TempFolder folder;
  const fs::path file = folder / "report.html";
  std::ofstream(file) << "the old one";
  {
    Report report(file, kHeader);
    report.add(entry("a.png", 2, 2));
  }
  CHECK(fs::file_size(file) == 11);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("an unwritable report and a wrong image size are errors", "[report]") {
  const TempFolder folder;
  CHECK_THROWS_WITH(Report(folder / "none/report.html", kHeader), Contains("none/report.html"));
  Report report(folder / "report.html", kHeader);
  ReportEntry wrong = entry("wrong.png", 4, 4);
  wrong.rainy.pop_back();
  CHECK_THROWS_WITH(report.add(wrong), Contains("wrong.png") && Contains("4×4"));
  CHECK_THROWS_AS(report.add(entry("empty.png", 0, 0)), sapnet::Error);
}
