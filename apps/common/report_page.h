// HTML shared by all report pages.
#pragma once

#include <string>
#include <string_view>

namespace sapnet::apps {

/// From the doctype to the opening of the body, with a style sheet. `title` is HTML.
std::string page_head(const std::string& title);

/// The script of the sliders, and the end of the page.
extern const std::string_view kPageTail;

}  // namespace sapnet::apps
