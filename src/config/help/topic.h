/** @file topic.h  Help on a part of a configuration, from the tables that parsing goes by. Not collective. */
#ifndef LKS_CONFIG_HELP_TOPIC_H
#define LKS_CONFIG_HELP_TOPIC_H

#include <stdbool.h>
#include <stdio.h>

/** Prints to @p out what is to be known of @p topic: "train.optimizer.lr", a key; "train.optimizer", a section;
 * "conv2d", a kind of layer; "conv2d.filters", an option of one; "lr", the last part of keys; "layers", a list
 * of all kinds; "cosine", a word that is a value of a key, with the keys that go with it; "BatchNorm2d", a word
 * of Keras or PyTorch, with what is written here. False, with nothing printed, for anything else. */
bool lks_topic_print(const char *topic, FILE *out);

/** True for one of the topics that lks_topics_visit() tells. */
bool lks_topic_is(const char *topic);

/** Calls @p visit with every topic, in the order of the tables; a section or a word may come more than once. The
 * strings are good until @p visit returns. */
void lks_topics_visit(void (*visit)(const char *topic, const char *about, void *context),
                      void *context);

#endif
