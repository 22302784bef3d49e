/* page.h: parts of pages: text, colours, axes. Private to report. Sizes are in pixels. */
#ifndef HQCNN_REPORT_PAGE_H
#define HQCNN_REPORT_PAGE_H

#include <stdio.h>

/* Text of HTML and SVG, with its special letters written out. */
void hq_page_text(FILE *file, const char *text);

/* Head and end of a page. */
void hq_page_begin(FILE *file, const char *title);
void hq_page_end(FILE *file);

/* A colour from dark violet (0) over green to yellow (1): "#rrggbb". The scale is viridis of S. van der Walt and N.
 * Smith, linear between nine of its colours. */
typedef struct hq_colour {
    char text[8];
} hq_colour;
hq_colour hq_page_colour(double share);

/* A number for people: four significant digits. */
typedef struct hq_figure {
    char text[32];
} hq_figure;
hq_figure hq_page_figure(double x);

/* A step of 1, 2 or 5 times a power of ten by which a range is cut into about n parts. */
double hq_page_step(double low, double high, int n);

#endif
