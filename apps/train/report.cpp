#include "apps/train/report.h"

#include <algorithm>
#include <optional>

#include "apps/common/html.h"
#include "apps/common/progress.h"
#include "apps/common/report_page.h"
#include "apps/train/history_charts.h"
#include "engine/files/output_file.h"

namespace sapnet::apps {
namespace {

using train::HistoryRow;

std::string before_to_after(double before, double after, int decimals) {
  return number(before, decimals) + " → " + number(after, decimals);
}

std::string tiles(const TrainingReport& report) {
  const HistoryRow& last = report.history.back();
  const train::Scores before = report.validation.rainy_mean(), after = report.result.mean;
  const std::size_t folders = report.validation.folders().size();
  const std::string mean_of =
      folders > 1 ? std::to_string(folders) + " folders" : std::to_string(report.validation.images().size());
  double best = after.psnr_rgb;
  std::int64_t best_step = last.step;
  for (const HistoryRow& row : report.history) {
    if (!row.validation_psnr || *row.validation_psnr <= best) continue;
    best = *row.validation_psnr;
    best_step = row.step;
  }
  return tile("Validation PSNR", before_to_after(before.psnr_rgb, after.psnr_rgb, 2),
              gain(before.psnr_rgb, after.psnr_rgb, 2, " dB") + ", mean of " + mean_of) +
         tile("Validation SSIM", before_to_after(before.ssim_rgb, after.ssim_rgb, 4),
              gain(before.ssim_rgb, after.ssim_rgb, 4, "")) +
         tile("Best PSNR so far", number(best, 2), "at step " + std::to_string(best_step)) +
         tile("Loss", last.loss ? number(*last.loss, 4) : "–",
              train::number_of_parts(last.parts) > 1 ? "all parts, recent mean" : "recent mean") +
         tile("Step", std::to_string(last.step), "of " + std::to_string(report.steps)) +
         tile("Time", clock_time(last.seconds), "epoch " + std::to_string(last.epoch + 1));
}

std::string curves(const TrainingReport& report) {
  const Curve rainy{"rainy", {{0, report.validation.rainy_mean().psnr_rgb}}};
  return chart("PSNR", " dB",
               {curve("training", report.history, &HistoryRow::psnr),
                curve("validation", report.history, &HistoryRow::validation_psnr)},
               rainy) +
         charts_of_folders(report.history) +
         chart("Loss", "", {curve("training", report.history, &HistoryRow::loss)}) +
         charts_of_parts({{"training", report.history}});
}

std::string articles(const TrainingReport& report) {
  std::string html;
  for (std::size_t k = 0; k < report.validation.images().size(); ++k) {
    const train::Validation::ImagePair& pair = report.validation.images()[k];
    const train::Scores before = pair.rainy_scores, after = report.result.scores[k];
    html += "<article>\n" +
            slider(pair.name, pair.width, pair.height, pair.rainy, report.result.derained[k]) +
            "<div class=\"caption\"><h2>" + escape(pair.name) + "</h2><span>" +
            before_to_after(before.psnr_rgb, after.psnr_rgb, 2) + " dB, SSIM " +
            before_to_after(before.ssim_rgb, after.ssim_rgb, 4) + "</span></div>\n</article>\n";
  }
  return html;
}

}  // namespace

void write_training_report(const std::filesystem::path& file, const TrainingReport& report) {
  const std::string html =
      page_head("Training " + escape(report.network)) + "<header>\n<h1>Training " + escape(report.network) +
      "</h1>\n<p class=\"run\">" + escape(report.device) + "; validated on " + escape(report.validated_on) +
      "</p>\n</header>\n" + "<section class=\"summary\" aria-label=\"Summary\">\n<dl class=\"tiles\">\n" +
      tiles(report) + "</dl>\n</section>\n" + "<section class=\"curves summary\" aria-label=\"Curves\">\n" +
      curves(report) + "</section>\n<section class=\"images\" aria-label=\"Images\">\n" + articles(report) +
      "</section>\n" + std::string(kPageTail);
  files::write_file(file, html);
}

}  // namespace sapnet::apps
