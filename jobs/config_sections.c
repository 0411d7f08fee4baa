/* The sections of the settings, with what they are about. */
#include "jobs/config_keys.h"

const struct config_section config_sections[] = {
    {"run", "When the discounts hold."},
    {"data",
     "Where the shop's tables are: CSV files (comma, semicolon or tab; plain or .gz). A table may "
     "be many files\nwith the same header: its file is then a pattern such as `events/*.csv`."},
    {"privacy",
     "Users are known inside by pseudonyms, keyed hashes of their ids; whoever is to be forgotten "
     "is left out\nbefore anything is computed."},
    {"users",
     "Customers. The file and `columns` map the shop's own column names, or expressions over "
     "them such as\n`sales_value / quantity`, to roles; a name with spaces or signs inside an "
     "expression stands in backticks."},
    {"products", "What is sold."},
    {"events", "What users did: the one table that must be there, with prices."},
    {"offers", "Past discounts and what came of them."},
    {"labels",
     "Discounts that the shop chose by hand for some users. Where they are given, a network learns "
     "them from\nwhat is known of users, and the table follows it for everybody as near as budget "
     "and margin allow."},
    {"promotions",
     "The shop's own promotions: those that run when the table begins to hold are in its prices, "
     "and discounts of\nthe table come on top (allocate.stacking)."},
    {"ingest",
     "Cleaning of the tables, in the order of docs/cleaning.md; every row left out is counted and "
     "stands in rejects.csv."},
    {"profile", "Segments of users by behaviour."},
    {"demand", "Price elasticities."},
    {"recommend", "Which products each user may want."},
    {"respond", "The network that learns P(buy | user, product, discount)."},
    {"allocate", "One discount level for each user and product, within budget and margin."},
    {"publish", "The discount table."},
};
const int64_t config_sections_count = (int64_t)(sizeof config_sections / sizeof *config_sections);
