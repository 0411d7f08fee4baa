/* The data sets of a file, one by one. */
#include "io/store_list.h"

#include "io/store_file.h"

#include <stdio.h>
#include <string.h>

struct walk {
    store_on_facts *on_facts;
    void *context;
    enum status status;
};

/* A text attribute, "" where there is none or it is no text. */
static void read_attribute(hid_t set, const char *name, char *text)
{
    memset(text, 0, STORE_FACT_BYTES);
    if (H5Aexists(set, name) <= 0) return;
    hid_t attribute = H5Aopen(set, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    bool fits = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) <= 0 &&
                H5Tget_size(type) < STORE_FACT_BYTES;
    if (fits && H5Aread(attribute, type, text) < 0) text[0] = 0;
    H5Tclose(type);
    H5Aclose(attribute);
}

static void name_type(hid_t type, char *text, size_t room)
{
    int bits = (int)H5Tget_size(type) * 8;
    switch (H5Tget_class(type)) {
    case H5T_STRING:
        snprintf(text, room, "text of %d bytes", bits / 8);
        break;
    case H5T_FLOAT:
        snprintf(text, room, "float%d", bits);
        break;
    case H5T_INTEGER:
        snprintf(text, room, "%sint%d", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", bits);
        break;
    default:
        snprintf(text, room, "another type");
        break;
    }
}

static void fill(hid_t set, struct store_facts *facts)
{
    hsize_t shape[H5S_MAX_RANK] = {1, 1};
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    H5Sget_simple_extent_dims(space, shape, NULL);
    haddr_t offset = H5Dget_offset(set);
    facts->rows = (int64_t)shape[0];
    facts->width = H5Sget_simple_extent_ndims(space) > 1 ? (int64_t)shape[1] : 1;
    facts->bytes = (int64_t)H5Dget_storage_size(set);
    facts->offset = offset == HADDR_UNDEF ? -1 : (int64_t)offset;
    name_type(type, facts->type, sizeof facts->type);
    read_attribute(set, "unit", facts->unit);
    read_attribute(set, "help", facts->help);
    H5Tclose(type);
    H5Sclose(space);
}

static herr_t visit(hid_t file, const char *name, const H5L_info_t *link, void *context)
{
    struct walk *walk = context;
    struct store_facts facts;
    (void)link;
    hid_t object = H5Oopen(file, name, H5P_DEFAULT);
    if (object < 0) return 0; /* a link that leads nowhere */
    if (H5Iget_type(object) == H5I_DATASET) {
        snprintf(facts.name, sizeof facts.name, "%s", name);
        fill(object, &facts);
        walk->status = walk->on_facts(walk->context, &facts);
    }
    H5Oclose(object);
    return walk->status == OK ? 0 : 1;
}

enum status store_list(const struct store *store, store_on_facts *on_facts, void *context)
{
    struct walk walk = {on_facts, context, OK};
    if (H5Lvisit(store->file, H5_INDEX_NAME, H5_ITER_INC, visit, &walk) < 0)
        return FAIL(ERR_IO, "%s: its data sets cannot be listed", store->path);
    return walk.status;
}
