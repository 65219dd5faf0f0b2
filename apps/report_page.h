// The parts of the report page that are the same in every report.
#pragma once

#include <string>
#include <string_view>

namespace sapnet::apps {

/// From the doctype to the opened body, with a style sheet. `title` is HTML.
std::string page_head(const std::string& title);

/// Moves the sliders, and closes the page.
extern const std::string_view kPageTail;

}  // namespace sapnet::apps
