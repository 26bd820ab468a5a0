/** @file beside.h  Files that come with the program: scripts and configurations. */
#ifndef LKS_BASE_BESIDE_H
#define LKS_BASE_BESIDE_H

#define LKS_BESIDE_MAX 1024

/** Where @p name, "jobs/fetch-data.sh", is for who runs this program: in its installation, or in the source for a program
 * in its build folder; relative to the present folder if it is below that. Where there is none, as beside another program
 * that has the library in it, @p name itself. A pointer to one of both; @p path is the room. */
const char *lks_beside(const char *name, char path[LKS_BESIDE_MAX]);

#endif
