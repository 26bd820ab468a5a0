/* panel_page CHECKPOINT: a page with nothing but the panel to draw on, to standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/model.h"
#include "report/panel.h"

static int fail(const lks_error *err) {
    fprintf(stderr, "panel_page: %s\n", err->text);
    return 1;
}

int main(int argc, char **argv) {
    lks_checkpoint c;
    lks_config config;
    lks_error err = {0};
    lks_html page = {0};
    if (argc != 2)
        return 2;
    if (lks_checkpoint_read(argv[1], LKS_NUMERICS, &c, &err) != LKS_OK ||
        lks_config_parse(&config, c.config_yaml, strlen(c.config_yaml), argv[1], NULL, 0, &err) !=
            LKS_OK)
        return fail(&err);
    lks_html_add(&page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                        "<meta name=\"viewport\" content=\"width=device-width\">"
                        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                        "'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src "
                        "data: blob:\"><title>panel</title></head><body><main>\n");
    const lks_panel_source source = {&config, &c.data, lks_checkpoint_evaluated(&c)};
    if (lks_panel_write(&page, &source, &err) != LKS_OK || lks_html_status(&page, &err) != LKS_OK)
        return fail(&err);
    lks_html_add(&page, "</main></body></html>\n");
    fwrite(page.text, 1, page.size, stdout);
    lks_html_free(&page);
    lks_config_free(&config);
    lks_checkpoint_free(&c);
    return 0;
}
