/* page.c: see page.h. */
#include "report/page.h"

#include <math.h>

void hq_page_text(FILE *file, const char *text)
{
    for (; *text; text++) switch (*text) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            fputc(*text, file);
        }
}

void hq_page_begin(FILE *file, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          file);
    hq_page_text(file, title);
    fputs("</title>\n<style>\n"
          "body{font:15px/1.5 system-ui,'DejaVu Sans',sans-serif;color:#1b1f24;background:#ffffff;max-width:1100px;"
          "margin:32px auto;padding:0 20px}\n"
          "h1{font-size:25px;margin-bottom:4px}\n"
          "h2{font-size:18px;margin:36px 0 6px}\n"
          "p{margin:4px 0 10px}\n"
          ".note{color:#57606a;font-size:13px}\n"
          "table{border-collapse:collapse;font-size:13px}\n"
          "th,td{padding:4px 10px;border-bottom:1px solid #d8dee4;text-align:left;white-space:nowrap}\n"
          "th{color:#57606a;font-weight:600}\n"
          "td.n{text-align:right;font-variant-numeric:tabular-nums}\n"
          ".wide{overflow-x:auto}\n"
          "svg{display:block;max-width:100%;height:auto}\n"
          "svg text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#1b1f24}\n"
          "svg .tick{fill:#57606a;font-size:11px}\n"
          "svg .halo{paint-order:stroke;stroke:#ffffff;stroke-width:3px;stroke-linejoin:round}\n"
          "svg .axis{stroke:#57606a;stroke-width:1.2}\n"
          "svg .grid{stroke:#eaeef2;stroke-width:1}\n"
          "svg path{fill:none}\n"
          "svg path.line:hover{stroke:#d1242f;stroke-width:3;opacity:1}\n"
          "</style>\n</head>\n<body>\n",
          file);
}

void hq_page_end(FILE *file) { fputs("</body>\n</html>\n", file); }

hq_colour hq_page_colour(double share)
{
    static const unsigned char stop[9][3] = {{68, 1, 84},    {71, 44, 122},  {59, 81, 139},
                                             {44, 113, 142}, {33, 144, 141}, {39, 173, 129},
                                             {92, 200, 99},  {170, 220, 50}, {253, 231, 37}};
    const double at = 8 * fmin(fmax(isnan(share) ? 0 : share, 0), 1);
    const int i = at >= 8 ? 7 : (int)at;
    hq_colour colour;
    unsigned rgb[3];
    for (int k = 0; k < 3; k++) rgb[k] = (unsigned)lround(stop[i][k] + (at - i) * (stop[i + 1][k] - stop[i][k])) & 0xff;
    snprintf(colour.text, sizeof colour.text, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    return colour;
}

hq_figure hq_page_figure(double x)
{
    hq_figure figure;
    snprintf(figure.text, sizeof figure.text, "%.4g", x);
    return figure;
}

double hq_page_step(double low, double high, int n)
{
    const double rough = (high - low) / n, power = pow(10, floor(log10(rough)));
    const double factor = rough / power;
    return power * (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10);
}
