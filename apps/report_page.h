// The parts of the report page that are the same in every report.
#pragma once

#include <string_view>

namespace sapnet::apps {

/// From the doctype to the opened body: title, style sheet.
extern const std::string_view kPageHead;

/// Moves the sliders, and closes the page.
extern const std::string_view kPageTail;

}  // namespace sapnet::apps
