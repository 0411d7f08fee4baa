/* libyaml's document tree, flattened; depth and size are bounded, since aliases can make a tree
 * endless. */
#include "jobs/config_yaml.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 8, ITEMS_MAX = 2000, KEY_BYTES = 512 };

struct walk {
    const char *name;
    yaml_document_t *document;
    FILE *problems;
    struct config_items *items;
    bool full; /* too many items: said once, then quiet */
};

static int line_of(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool is_nothing(const yaml_node_t *node)
{
    const char *text = text_of(node);
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    return text[0] == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static void say(const struct walk *walk, int line, const char *what)
{
    fprintf(walk->problems, "%s:%d: %s\n", walk->name, line, what);
}

static enum status append_item(struct walk *walk, const char *key, int line,
                               struct config_item **item)
{
    struct config_items *items = walk->items;
    enum status status =
        memory_grow(&items->item, items->count, items->count + 1, sizeof *items->item);
    if (status != OK) return status;
    *item = &items->item[items->count++];
    **item = (struct config_item){.key = strdup(key), .line = line};
    return (*item)->key != NULL ? OK : FAIL(ERR_MEMORY, "no memory for the configuration");
}

static enum status set_texts(const struct walk *walk, struct config_item *item,
                             const yaml_node_item_t *first, int64_t count)
{
    enum status status = memory_new(&item->texts, count, sizeof *item->texts);
    for (int64_t i = 0; i < count && status == OK; i++) {
        const yaml_node_t *node = yaml_document_get_node(walk->document, first[i]);
        if (node->type != YAML_SCALAR_NODE) {
            fprintf(walk->problems,
                    "%s:%d: %s: a list takes single values, not lists or mappings\n", walk->name,
                    line_of(node), item->key);
            item->nothing = true;
            return OK;
        }
        item->texts[i] = strdup(text_of(node));
        if (item->texts[i] == NULL) return FAIL(ERR_MEMORY, "no memory for the configuration");
        item->count++;
    }
    return status;
}

/* A single value or a list of them. */
static enum status take_leaf(struct walk *walk, const char *key, int line, yaml_node_item_t at)
{
    struct config_item *item = NULL;
    const yaml_node_t *node = yaml_document_get_node(walk->document, at);
    enum status status = append_item(walk, key, line, &item);
    if (status != OK) return status;
    if (node->type == YAML_SCALAR_NODE) {
        item->nothing = is_nothing(node);
        return set_texts(walk, item, &at, 1);
    }
    item->list = true;
    int64_t count = node->data.sequence.items.top - node->data.sequence.items.start;
    return set_texts(walk, item, node->data.sequence.items.start, count);
}

static enum status take_mapping(struct walk *walk, const char *prefix, yaml_node_item_t at,
                                int depth);

static enum status take_pair(struct walk *walk, const char *prefix, const yaml_node_pair_t *pair,
                             int depth)
{
    const yaml_node_t *name = yaml_document_get_node(walk->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(walk->document, pair->value);
    char key[KEY_BYTES];
    if (name->type != YAML_SCALAR_NODE) {
        say(walk, line_of(name), "a key must be a name");
        return OK;
    }
    int length =
        snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] != 0 ? "." : "", text_of(name));
    if (length >= KEY_BYTES) {
        say(walk, line_of(name), "a key is longer than any there is");
        return OK;
    }
    if (value->type == YAML_MAPPING_NODE) return take_mapping(walk, key, pair->value, depth + 1);
    return take_leaf(walk, key, line_of(name), pair->value);
}

static enum status take_mapping(struct walk *walk, const char *prefix, yaml_node_item_t at,
                                int depth)
{
    const yaml_node_t *node = yaml_document_get_node(walk->document, at);
    if (depth > DEPTH_MAX) {
        say(walk, line_of(node), "nested deeper than any setting is");
        return OK;
    }
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        if (walk->items->count >= ITEMS_MAX) {
            if (!walk->full) say(walk, line_of(node), "more keys than there are settings");
            walk->full = true;
            return OK;
        }
        enum status status = take_pair(walk, prefix, pair, depth);
        if (status != OK) return status;
    }
    return OK;
}

static void say_syntax(const struct walk *walk, const yaml_parser_t *parser)
{
    const char *what = parser->problem != NULL ? parser->problem : "unreadable";
    size_t line = parser->problem_mark.line + 1;
    if (parser->error == YAML_READER_ERROR)
        fprintf(walk->problems, "%s: byte %zu: %s; save the file as UTF-8 text\n", walk->name,
                parser->problem_offset, what);
    else
        fprintf(walk->problems, "%s:%zu: not YAML: %s; look at indentation, colons and quotes\n",
                walk->name, line, what);
}

/* The document's root: a mapping, or nothing at all. */
static enum status take_root(struct walk *walk)
{
    const yaml_node_t *root = yaml_document_get_root_node(walk->document);
    if (root == NULL) return OK;
    if (root->type == YAML_SCALAR_NODE && is_nothing(root)) return OK;
    if (root->type == YAML_MAPPING_NODE) return take_mapping(walk, "", 1, 0);
    say(walk, line_of(root), "expected lines such as \"seed: 1\"");
    return OK;
}

/* A second document would be silently ignored; say so. */
static void check_end(const struct walk *walk, yaml_parser_t *parser)
{
    yaml_document_t more;
    if (!yaml_parser_load(parser, &more)) {
        say_syntax(walk, parser);
        return;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&more);
    if (root != NULL) say(walk, line_of(root), "a second document after \"---\"; join the two");
    yaml_document_delete(&more);
}

enum status yaml_flatten(const char *name, const char *text, int64_t bytes, FILE *problems,
                         struct config_items *items)
{
    enum status status = OK;
    yaml_parser_t parser;
    yaml_document_t document;
    struct walk walk = {.name = name, .document = &document, .problems = problems, .items = items};
    *items = (struct config_items){0};
    if (!yaml_parser_initialize(&parser)) return FAIL(ERR_MEMORY, "no memory to read %s", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, (size_t)bytes);
    if (!yaml_parser_load(&parser, &document)) {
        say_syntax(&walk, &parser);
    } else {
        status = take_root(&walk);
        if (status == OK && yaml_document_get_root_node(&document) != NULL)
            check_end(&walk, &parser);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    if (status != OK) items_clear(items);
    return status;
}
