/* Attributes of products: numbers and texts, rows that disagree, and products that are left out. */
#include "tests/folders.h"
#include "tests/tiny_file.h"

#include "jobs/product_attributes.h"
#include "mpi/memory.h"

static const char table[] = "sku,weight,words,mixed\n"
                            "b,2.5,green tea,7\n"
                            "a,1,NA,x\n"
                            "gone,9,only here,y\n"
                            "b,1.5,black tea,5\n"
                            "c,,  ,\n"
                            "d,3e38,\xc3\xa4pfel,x\n";

struct reader {
    struct names products;
    struct product_attributes attributes;
};

static enum status on_row(void *context, const struct csv_row *row)
{
    struct reader *reader = context;
    uint64_t product = names_add(&reader->products, row->field[0].text, row->field[0].bytes);
    return product_attributes_add(&reader->attributes, product, row);
}

/* What a table of these lines comes to; "gone" is left out. */
static enum status read_lines(const struct comm *comm, const char *lines, const char *wanted,
                              struct products *products)
{
    enum status status = OK;
    struct reader reader = {0};
    struct config *config = NULL;
    struct csv *csv = NULL;
    char text[512];
    int32_t *code = NULL;
    uint8_t used[8] = {0};
    char *file = scratch_share("products.csv", lines, strlen(lines));
    int bytes =
        snprintf(text, sizeof text,
                 "events: {file: none, columns: {user_id: u, product_id: p, time: t, unit_price: "
                 "x}}\nproducts:\n  file: products.csv\n  columns: "
                 "{product_id: sku}\n  attributes: [%s]\n",
                 wanted);
    char *yaml = scratch_share("shop.yaml", text, (size_t)bytes);
    *products = (struct products){0};
    TRY(config_read(comm, yaml, NULL, &config));
    TRY(csv_open(comm, file, NULL, &csv));
    TRY_ALL(comm, names_init(&reader.products));
    TRY_ALL(comm, product_attributes_open(config, csv, 0, &reader.attributes));
    TRY(csv_read(comm, csv, on_row, NULL, &reader));
    TRY(names_settle(comm, &reader.products));
    int64_t met = reader.products.dictionary.count;
    for (int64_t p = 0; p < met; p++)
        used[p] = strcmp(dictionary_text(&reader.products.dictionary, p), "gone") != 0;
    TRY(names_keep(comm, &reader.products, used, &code));
    products->count = reader.products.dictionary.count;
    TRY(product_attributes_finish(comm, &reader.attributes, &reader.products, met, code, products));
done:
    names_clear(&reader.products);
    product_attributes_clear(&reader.attributes);
    csv_free(&csv);
    config_free(&config);
    free(code);
    free(file);
    free(yaml);
    return status;
}

static bool text_is(const struct products *products, int64_t a, int64_t p, const char *text)
{
    const struct attribute *attribute = &products->attribute[a];
    if (isnan(attribute->value[p])) return *text == '\0';
    return strcmp(dictionary_text(&attribute->levels, (int64_t)attribute->value[p]), text) == 0;
}

static void numbers_and_texts(void **state)
{
    (void)state;
    struct products products;
    assert_all(read_lines(&world, table, "weight, words, mixed", &products) == OK);
    assert_all(products.count == 4 && products.attributes == 3);
    const struct attribute *weight = &products.attribute[0], *words = &products.attribute[1];
    assert_all(strcmp(weight->name, "weight") == 0 && weight->levels.count == 0);
    assert_all(weight->value[0] == 1.0f && weight->value[1] == 2.5f && isnan(weight->value[2]));
    assert_all(words->levels.count == 2); /* of "gone" and of the lower row nothing is left */
    assert_all(text_is(&products, 1, 0, "") && text_is(&products, 1, 1, "green tea"));
    assert_all(text_is(&products, 1, 2, "") && text_is(&products, 1, 3, "\xc3\xa4pfel"));
    assert_all(text_is(&products, 2, 0, "x") &&
               text_is(&products, 2, 1, "7")); /* texts: "7" > "5" */
    products_clear(&products);
}

/* Of 300 bytes 255 stay where the 256th is the first half of a letter. */
static void long_texts(void **state)
{
    (void)state;
    struct products products;
    char lines[400] = "sku,words\na,";
    size_t at = strlen(lines);
    memset(lines + at, 'x', 255);
    for (size_t i = 0; i < 20; i++) memcpy(lines + at + 255 + 2 * i, "\xc3\xa4", 2);
    strcpy(lines + at + 295, "\n");
    assert_all(read_lines(&world, lines, "words", &products) == OK);
    assert_all(products.count == 1 && products.attribute[0].levels.count == 1);
    assert_all(strlen(dictionary_text(&products.attribute[0].levels, 0)) == 255);
    products_clear(&products);
}

/* Into dataset.h5, and back on every rank. */
static void kept_in_the_file(void **state)
{
    (void)state;
    static const struct tiny_product product[] = {{"apple", "fruit", 1.0, 0.5},
                                                  {"bread", "bakery", 2.0, 1.0}};
    static const struct tiny_event event[] = {{0, 86400, 1, EVENT_PURCHASE, 1000, 200, 200}};
    const struct tiny_shop shop = {
        .users = 1, .products = 2, .events = 1, .product = product, .event = event};
    struct bring bring;
    struct dataset *read = NULL;
    char *path = scratch_path("attributes.h5");
    bring_open(&world, &shop, NULL, 0, &bring);
    struct products *to = &bring.mine->products;
    TINY_NEW(to->attribute, 1);
    to->attributes = 1;
    to->attribute[0].name = strdup("a/b");
    tiny_levels(&to->attribute[0].levels);
    TINY_NEW(to->attribute[0].value, 2);
    to->attribute[0].value[0] = 1.0f;
    to->attribute[0].value[1] = NAN;
    assert_all(dataset_write_parts(&world, path, &bring.parts) == OK);
    assert_all(dataset_read(&world, path, DATASET_EVENTS, &read) == OK);
    assert_all(read->products.attributes == 1 && read->users.attributes == 0);
    const struct attribute *attribute = &read->products.attribute[0];
    assert_all(strcmp(attribute->name, "a/b") == 0 && text_is(&read->products, 0, 0, "north"));
    assert_all(attribute->value[0] == 1.0f && isnan(attribute->value[1]));
    dataset_free(&read);
    bring_close(&bring);
    free(path);
}

static void refused(void **state)
{
    (void)state;
    struct products products;
    assert_all(read_lines(&world, table, "wieght", &products) == ERR_CONFIG);
    assert_non_null(strstr(status_message(), "has no column \"wieght\""));
    assert_all(read_lines(&world, table, "words, words", &products) == ERR_CONFIG);
    assert_non_null(strstr(status_message(), "name it once"));
    assert_all(read_lines(&world, table, "sku", &products) == ERR_CONFIG);
    assert_non_null(strstr(status_message(), "product's id"));
    assert_all(read_lines(&world, "sku,n\na,4e38\n", "n", &products) == ERR_DATA);
    assert_non_null(strstr(status_message(), "single precision"));
    products_clear(&products);
}

static void faults(void **state)
{
    (void)state;
    struct products products;
    enum status status = ERR_BUG;
    for (int64_t k = 0; status != OK; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        status = read_lines(&world, table, "weight, words", &products);
        comm_inject_fault(-1, 0);
        products_clear(&products);
        assert_all(k < 1000);
    }
}

static int open_scratch(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int close_scratch(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scratch, close_scratch)

TEST_MAIN(TEST(numbers_and_texts), TEST(long_texts), TEST(kept_in_the_file), TEST(refused),
          TEST(faults))
