// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../core/index.hpp"
#include "picture.hpp"

// What a report is made of: plain values, to be filled in any order. Everything may be empty; all text is shown as text.
namespace pretext::report {

/// Points joined by a line, in the order given. NaN and infinities leave a gap.
struct curve {
  std::string name;
  std::vector<double> x, y;
  bool faint = false;  // in the background, such as the raw values behind a smoothed curve; not in the legend
  int colour = -1;     // of the palette; -1 takes the next one
};

/// A horizontal line to compare with, such as an accuracy to beat.
struct reference_line {
  std::string name;
  double y = 0;
};

struct plot {
  std::string title, x_label, y_label;
  std::vector<curve> curves;
  std::vector<reference_line> lines;
  bool log_x = false, log_y = false;  // values that are not positive are then gaps
  bool percent = false;               // y in [0, 1], shown as 0 to 100 %
  bool from_zero = false;             // the y axis includes 0
};

/// Points in the plane, such as embeddings on their first two principal components. Both axes have the same scale.
struct scatter {
  std::string title, x_label, y_label;
  std::vector<double> x, y;
  std::vector<int> labels;               // one per point; empty, or negative for a point without a label
  std::vector<std::string> label_names;  // by label; a missing one is shown as its number
};

/// Rows of text. Columns of numbers are aligned to the right.
struct table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // may be shorter than the columns
  std::vector<std::size_t> strong;             // rows in bold
};

/// Names and values, such as settings.
struct pairs {
  std::string title;
  std::vector<std::pair<std::string, std::string>> items;
};

struct bar {
  std::string name;
  double value = std::numeric_limits<double>::quiet_NaN();  // NaN is shown as "no value"
  bool baseline = false;                                    // drawn in grey: what the others are compared with
  double spread = 0;                                        // plus-minus, drawn as a whisker
};

/// Horizontal bars from 0.
struct bar_chart {
  std::string title;
  std::vector<bar> bars;
  bool percent = true;  // values in [0, 1], shown as 0 to 100 %
};

/// A rectangle on a picture, in its pixels; may be fractional.
struct box {
  double x = 0, y = 0, width = 0, height = 0;
  int colour = 0;
  std::string name;
};

struct image_cell {
  report::picture picture;
  std::string caption;
  std::vector<box> boxes;
  int colour = -1;  // of the caption's mark: a view's box on its source and the view have the same
};

/// Groups of pictures, such as a source and its views.
struct image_grid {
  std::string title, text;
  std::vector<std::vector<image_cell>> groups;
};

struct neighbour {
  report::picture picture;
  std::string label;
  double similarity = std::numeric_limits<double>::quiet_NaN();
};

/// A query and what the encoder finds most similar. Labels that are known (not empty) give a frame: same or other.
struct neighbour_row {
  report::picture query;
  std::string label;
  std::vector<neighbour> found;
};

struct neighbour_rows {
  std::string title, text;
  std::vector<neighbour_row> rows;
};

/// A part of the page; shown in this order.
struct section {
  std::string title, text;
  std::vector<report::pairs> pairs;
  std::vector<bar_chart> bars;
  std::vector<plot> plots;
  std::vector<scatter> maps;
  std::vector<table> tables;
  std::vector<image_grid> images;
  std::vector<neighbour_rows> neighbours;
};

/// A large number at the top of the page.
struct fact {
  std::string name, value, note;
};

struct document {
  static constexpr const char* default_title = "Training report";
  std::string title = default_title;
  std::string subtitle;
  std::string state;                  // "finished", "step 300 of 1000"; shown beside the title
  int refresh_seconds = 0;            // > 0: the browser loads the page again (while a run goes on)
  std::vector<fact> summary;
  std::vector<std::string> warnings;  // such as a collapse of the embedding
  std::vector<section> sections;
  std::size_t image_bytes = 2000000;  // pictures are made smaller until all of them fit
};

}  // namespace pretext::report
