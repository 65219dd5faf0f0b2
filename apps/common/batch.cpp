#include "apps/common/batch.h"

#include <cstdio>
#include <new>
#include <utility>

#include "engine/error.h"
#include "engine/files/output_file.h"

namespace sapnet::apps {

Batch::Batch(std::string program, const Plan& plan, OutputFolder& folder, std::function<void()> on_stop)
    : program_(std::move(program)),
      plan_(plan),
      folder_(folder),
      on_stop_(std::move(on_stop)),
      progress_("images", plan.tasks.size()),
      stop_handler_([this] { stop(); }) {
  for (const auto& message : plan.errors) print_error(message);
}

void Batch::done(const ImageTask& task, const std::string& error) {
  if (error.empty()) {
    ++written_;
    progress_.done(task.input.filename().string());
  } else {
    ++failed_;
    print_error(error);
    progress_.failed();
  }
}

void Batch::print_error(const std::string& sentence) {
  progress_.print_error(program_ + ": error: " + sentence);
}

int Batch::finish() {
  progress_.stop();
  print_written();
  for (const auto& sentence : plan_.skipped) std::fprintf(stderr, "%s\n", sentence.c_str());
  if (failed_ > 0 && total() > 1)
    print_error(std::to_string(failed_) + " of " + counted(total(), "image") + " failed");
  return failed_ == 0 && plan_.errors.empty() ? 0 : 1;
}

void Batch::stop() {
  const auto held = lock();
  progress_.stop();
  try {
    on_stop_();
  } catch (const Error& error) {
    print_error(error.what());
  }
  files::remove_unfinished_files();
  folder_.remove_empty();
  print_written();
  print_error("stopped after " + std::to_string(count()) + " of " + counted(total(), "image"));
}

void Batch::print_written() {
  if (written_ == 0) return;
  std::fprintf(stderr, "%s written to %s\n", counted(written_, "image").c_str(), plan_.output.c_str());
}

std::string failure(const ImageTask& task, const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const std::bad_alloc&) {
    return task.input.string() + ": not enough memory";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace sapnet::apps
