/** @file yaml.h  YAML to a small tree; yaml.c alone knows libfyaml. */
#ifndef LKS_CONFIG_YAML_H
#define LKS_CONFIG_YAML_H

#include "config/source.h"

typedef enum lks_node_type {
    LKS_NODE_NULL,
    LKS_NODE_SCALAR,
    LKS_NODE_LIST,
    LKS_NODE_MAP
} lks_node_type;

/** A value. A map's children are key, value, key, value ... */
typedef struct lks_node {
    lks_node_type type;
    bool plain;    /**< scalar: written without quotes */
    size_t offset; /**< byte in the source */
    char *text;    /**< scalar: UTF-8 without control characters, zero-terminated */
    struct lks_node *first, *next;
} lks_node;

typedef struct lks_yaml {
    struct lks_node_block *blocks;
    lks_node *root; /**< NULL: nothing but comments */
} lks_yaml;

/** Parses one YAML document. Anchors, aliases, tags, further documents, nesting deeper than any
 * configuration and more nodes than any could have are refused. On failure nothing needs freeing.
 */
lks_status lks_yaml_parse(lks_yaml *yaml, const lks_source *source, lks_problems *problems);
void lks_yaml_free(lks_yaml *yaml);

#endif
