/* The panel to draw on, of the first run's network. */
#include "report/panel.h"
#include "report/section.h"

void lks_section_draw(lks_html *page, const lks_report *r, size_t end) {
    const lks_report_run *run = &r->runs[0];
    if (!run->has_checkpoint) {
        lks_section_open(page, "draw", "Draw");
        lks_missing_since(page, "Without a checkpoint there is no network to try", run->problem);
        lks_section_close(page);
        return;
    }
    const lks_panel_source source = {&run->config, &run->checkpoint.data,
                                     lks_checkpoint_evaluated(&run->checkpoint)};
    lks_error err;
    lks_panel_write(page, &source, end, &err); /* what went wrong stands in the section */
}
