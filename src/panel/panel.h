/* The panel of the page in which one draws and the trained network answers, in the page itself. */
#ifndef LKS_PANEL_PANEL_H
#define LKS_PANEL_PANEL_H

#include "page/html.h"
#include "panel/panel_network.h"

/* Writes <section id="draw">, complete: its style, its scripts, the network, rounded where without
 * that the page would grow beyond `end` bytes. Of a network too large to be embedded even so, or of
 * images neither grey nor in colour, only a sentence that names `lockstep predict`.
 * Colours come from the page's variables --ink, --ground, --muted, --line and --accent where it
 * has them. LKS_ERR_MISMATCH if a layer's weights are missing or of another size, LKS_ERR_MEMORY: the
 * section then says so in their place, and is complete. Not collective. */
lks_status lks_panel_write(lks_html *page, const lks_panel_source *source, size_t end,
                           lks_error *err);

#endif
