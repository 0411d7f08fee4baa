/**
 * Faulty files and what becomes of each: the polluted files of the Pollock benchmark (Vitagliano et
 * al. 2023, PVLDB 16(8), github.com/HPI-Information-Systems/Pollock) made small, and more of the
 * same kind.
 *
 * docs/csv.md has the same names and outcomes; tests/test_csv_faults.c checks both. Expected is the
 * delimiter and the columns' names, then the log of tests/csv_log.h with a reason's number behind
 * the exclamation mark; or the message with which the whole file is refused.
 */
#ifndef REMISE_TESTS_CSV_FAULT_LIST_H
#define REMISE_TESTS_CSV_FAULT_LIST_H

#include <stddef.h>

struct csv_fault {
    const char *name;
    const char *outcome;
    const char *text;
    size_t bytes;
    const char *expected;
    size_t expected_bytes;
    const char *message; /* NULL: the file is read */
};

#define HEAD "id,name,price\n"
#define NAMES "#,|id|name|price\n"
#define CLEAN HEAD "1,pen,2.50\n2,\"desk, oak\",99\n3,\"5\"\" nail\",0.10\n"
#define CLEAN_ROWS NAMES "<2|1|pen|2.50\n<3|2'desk, oak|99\n<4|3'5\" nail|0.10\n"

#define READ(name, outcome, text, expected)                                         \
    {                                                                               \
        name, outcome, text, sizeof(text) - 1, expected, sizeof(expected) - 1, NULL \
    }
#define REFUSED(name, text, message)                                                  \
    {                                                                                 \
        name, "the file is refused: " message, text, sizeof(text) - 1, "", 0, message \
    }

static const struct csv_fault csv_faults[] = {
    READ("none", "read", CLEAN, CLEAN_ROWS),

    /* ---- the file ---- */
    READ("no line end behind the last row", "read", HEAD "1,pen,2.50\n2,cup,3",
         NAMES "<2|1|pen|2.50\n<3|2|cup|3\n"),
    READ("empty lines at the end", "read; the lines are counted", HEAD "1,pen,2.50\n\n\n",
         NAMES "<2|1|pen|2.50\n"),
    READ("empty lines before the header and between rows", "read; the lines are counted",
         "\n\r\n" HEAD "\n1,pen,2.50\n\n2,cup,3\n", NAMES "<5|1|pen|2.50\n<7|2|cup|3\n"),
    READ("byte order mark", "read without it", "\xef\xbb\xbf" CLEAN, CLEAN_ROWS),
    READ("byte order mark of a second file in mid-file", "read; it is part of the field",
         HEAD "1,pen,2.50\n\xef\xbb\xbf"
              "2,cup,3\n",
         NAMES "<2|1|pen|2.50\n<3|\xef\xbb\xbf"
               "2|cup|3\n"),
    REFUSED("UTF-16",
            "\xff\xfei\0d\0,\0n\0\n\0"
            "1\0,\0a\0\n\0",
            "UTF-16 text"),
    READ("Latin-1", "rows with such bytes are rejected: not valid UTF-8",
         HEAD "1,pen,2.50\n2,caf\xe9,3\n4,cup,3\n",
         NAMES "<2|1|pen|2.50\n<3!5,2,3:caf\xe9\n<4|4|cup|3\n"),
    REFUSED("Latin-1 in the header", "id,libell\xe9,price\n1,pen,2.50\n", "not valid UTF-8"),
    READ("record delimiter CRLF", "read", "id,name,price\r\n1,pen,2.50\r\n2,\"a\r\nb\",3\r\n",
         NAMES "<2|1|pen|2.50\n<3|2'a\r\nb|3\n"),
    READ("record delimiter CR", "read", "id,name,price\r1,pen,2.50\r2,cup,3\r",
         NAMES "<2|1|pen|2.50\n<3|2|cup|3\n"),
    READ("record delimiters mixed", "read",
         HEAD "1,pen,2.50\r\n2,cup,3\r3,nib,4\n\r4,ink,5\r\r\n5,pad,6",
         NAMES "<2|1|pen|2.50\n<3|2|cup|3\n<4|3|nib|4\n<6|4|ink|5\n<8|5|pad|6\n"),
    REFUSED("empty file", "", "is empty"),
    REFUSED("nothing but empty lines", "\n\r\n\n", "is empty"),
    READ("header and no rows", "read; no rows", HEAD, NAMES),
    READ("one row", "read", HEAD "1,pen,2.50\n", NAMES "<2|1|pen|2.50\n"),
    READ(
        "no header",
        "the first row is taken for the names; the roles in the configuration then name no column, "
        "which stops the run",
        "1,pen,2.50\n2,cup,3\n", "#,|1|pen|2.50\n<2|2|cup|3\n"),
    READ("header of two lines", "the second line is read as a row; its texts are no numbers",
         HEAD ",,in EUR\n1,pen,2.50\n", NAMES "<2|||in EUR\n<3|1|pen|2.50\n"),
    READ("header repeated", "the repetition is read as a row; its texts are no numbers",
         HEAD "1,pen,2.50\n" HEAD "2,cup,3\n",
         NAMES "<2|1|pen|2.50\n<3|id|name|price\n<4|2|cup|3\n"),
    READ("lines of text before the header",
         "the first line is taken for the header, rows with more fields are rejected",
         "Products of 2025\n\n" CLEAN,
         "#,|Products of 2025\n<3!1,0,3:id,name,price\n<4!1,0,3:1,pen,2.50\n"
         "<5!1,0,3:2,\"desk, oak\",99\n<6!1,0,3:3,\"5\"\" nail\",0.10\n"),
    REFUSED("delimited lines before the header", "Products of 2025,,\n,,\n" CLEAN,
            "two columns are called \"\""),
    READ("lines of text behind the rows", "rejected: number of fields",
         HEAD "1,pen,2.50\n\nTotal: 1\n", NAMES "<2|1|pen|2.50\n<4!1,0,1:Total: 1\n"),
    READ("delimited lines behind the rows", "read as rows; their ids and numbers are missing",
         HEAD "1,pen,2.50\nTotal,,\n", NAMES "<2|1|pen|2.50\n<3|Total||\n"),
    READ("second table with fewer columns", "rejected: number of fields",
         HEAD "1,pen,2.50\n\nshop,city\n1,Lille\n",
         NAMES "<2|1|pen|2.50\n<4!1,0,2:shop,city\n<5!1,0,2:1,Lille\n"),
    READ("second table with more columns", "rejected: number of fields",
         HEAD "1,pen,2.50\n\na,b,c,d\n1,2,3,4\n",
         NAMES "<2|1|pen|2.50\n<4!1,0,4:a,b,c,d\n<5!1,0,4:1,2,3,4\n"),
    READ("second table with as many columns", "read as rows; its texts are no numbers",
         HEAD "1,pen,2.50\n\nshop,city,since\n7,Lille,1999\n",
         NAMES "<2|1|pen|2.50\n<4|shop|city|since\n<5|7|Lille|1999\n"),

    /* ---- the header ---- */
    READ("column without a name", "read; the name is empty", "id,,price\n1,pen,2.50\n",
         "#,|id||price\n<2|1|pen|2.50\n"),
    REFUSED("two columns without a name", "id,,\n1,pen,2.50\n", "two columns are called \"\""),
    REFUSED("two columns of one name", "id,name,name\n1,pen,2.50\n",
            "two columns are called \"name\""),
    READ("names with blanks, quotes, signs and line ends", "read; outer blanks are dropped",
         " id ,\"na\"\"me, \n%R/\",\"\tprice\"\n1,pen,2.50\n",
         "#,|id|na\"me, \n%R/|price\n<3|1|pen|2.50\n"),
    REFUSED("open quote in the header", "id,\"name,price\n1,pen,2.50\n", "never closed"),
    REFUSED("text after a quote in the header", "id,\"name\"s,price\n1,pen,2.50\n",
            "text follows a closing quote"),
    REFUSED("NUL byte in the header", "id,na\0me,price\n1,pen,2.50\n", "a NUL byte"),
    READ("one column", "read; an empty value is an empty line", "id\n1\n\n\"\"\n3\n",
         "#,|id\n<2|1\n<4'\n<5|3\n"),

    /* ---- delimiters ---- */
    READ("semicolons", "read", "id;name;price\n1;pen;2,50\n2;\"desk; oak\";99\n",
         "#;|id|name|price\n<2|1|pen|2,50\n<3|2'desk; oak|99\n"),
    READ("tabs", "read", "id\tname\tprice\n1\tpen\t2.50\n", "#\t|id|name|price\n<2|1|pen|2.50\n"),
    READ("another delimiter, such as a colon or a bar",
         "read as one column; the roles in the configuration then name no column, which stops the "
         "run; "
         "save the file with commas",
         "id:name:price\n1:pen:2.50\n2:\"desk, oak\":99\n",
         "#,|id:name:price\n<2|1:pen:2.50\n<3!1,0,2:2:\"desk, oak\":99\n"),
    READ("blank as the delimiter", "read as one column, like any other delimiter",
         "id name price\n1 pen 2.50\n", "#,|id name price\n<2|1 pen 2.50\n"),
    READ("delimiter of two characters, comma and blank",
         "read, blanks kept; quotes behind a blank are text, and rows with delimiters in them "
         "rejected",
         "id, name, price\n1, pen, 2.50\n2, \"cup\", 3\n3, \"desk, oak\", 99\n",
         NAMES "<2|1| pen| 2.50\n<3|2| \"cup\"| 3\n<4!1,0,4:3, \"desk, oak\", 99\n"),
    REFUSED("delimiter of two tabs", "id\t\tname\t\tprice\n1\t\tpen\t\t2.50\n",
            "two columns are called \"\""),
    READ("delimiter of two letters, backslash and t",
         "read as one column, like any other delimiter", "id\\tname\\tprice\n1\\tpen\\t2.50\n",
         "#,|id\\tname\\tprice\n<2|1\\tpen\\t2.50\n"),
    READ("another delimiter in one row", "rejected: number of fields",
         HEAD "1,pen,2.50\n2;cup;3\n3,ink,4\n",
         NAMES "<2|1|pen|2.50\n<3!1,0,1:2;cup;3\n<4|3|ink|4\n"),
    READ("delimiter not in quotes", "rejected: number of fields", HEAD "2,desk, oak,99\n3,ink,4\n",
         NAMES "<2!1,0,4:2,desk, oak,99\n<3|3|ink|4\n"),
    READ("blanks around delimiters", "read, blanks kept", HEAD "1 , pen ,\t2.50\n",
         NAMES "<2|1 | pen |\t2.50\n"),

    /* ---- rows ---- */
    READ("too few fields", "rejected: number of fields", HEAD "1,pen\n2,cup,3\n",
         NAMES "<2!1,0,2:1,pen\n<3|2|cup|3\n"),
    READ("too many fields", "rejected: number of fields", HEAD "1,pen,2.50,x,y\n2,cup,3\n",
         NAMES "<2!1,0,5:1,pen,2.50,x,y\n<3|2|cup|3\n"),
    READ("one delimiter too few", "rejected: number of fields", HEAD "1pen,2.50\n2,cup,3\n",
         NAMES "<2!1,0,2:1pen,2.50\n<3|2|cup|3\n"),
    READ("one delimiter too many, also at the end of the row", "rejected: number of fields",
         HEAD ",1,pen,2.50\n2,cup,3,\n3,ink,4\n",
         NAMES "<2!1,0,4:,1,pen,2.50\n<3!1,0,4:2,cup,3,\n<4|3|ink|4\n"),
    READ("row without fields", "an empty line: counted", HEAD "1,pen,2.50\n\n2,cup,3\n",
         NAMES "<2|1|pen|2.50\n<4|2|cup|3\n"),
    READ("row of empty fields", "read; the values are missing", HEAD ",,\n2,cup,3\n",
         NAMES "<2|||\n<3|2|cup|3\n"),

    /* ---- quotes ---- */
    READ("line ends and delimiters in quotes", "read", HEAD "1,\"a\n1,b,2\n\r\nc\",2.50\n2,cup,3\n",
         NAMES "<2|1'a\n1,b,2\n\r\nc|2.50\n<6|2|cup|3\n"),
    READ("everything in quotes", "read",
         "\"id\",\"name\",\"price\"\n\"1\",\"pen\",\"2.50\"\n\"\",\"\",\"\"\n",
         NAMES "<2'1'pen'2.50\n<3'''\n"),
    READ("single quotes", "text, kept; rows with delimiters in them rejected: number of fields",
         HEAD "1,'pen',2.50\n2,'desk, oak',99\n",
         NAMES "<2|1|'pen'|2.50\n<3!1,0,4:2,'desk, oak',99\n"),
    READ("blank behind a closing quote", "rejected: text after a closing quote",
         HEAD "1,\"pen\" ,2.50\n2,cup,3\n", NAMES "<2!3,2,3:pen\n<3|2|cup|3\n"),
    READ("blank before an opening quote", "the quotes are text, kept",
         HEAD "1, \"pen\",2.50\n2,cup,3\n", NAMES "<2|1| \"pen\"|2.50\n<3|2|cup|3\n"),
    READ("backslash before a quote in mid-field", "rejected: text after a closing quote",
         HEAD "3,\"5\\\" nail\",0.10\n4,cup,3\n", NAMES "<2!3,2,3:5\\\n<3|4|cup|3\n"),
    READ("backslash before the last quote of a field",
         "rejected with the rows up to the next quote: text after a closing quote",
         HEAD "3,\"nail 5\\\"\",0.10\n4,cup,3\n5,\"ink\",4\n6,pad,5\n",
         NAMES "<2!3,2,3:nail 5\\\"\",0.10\n4,cup,3\n5,\n<5|6|pad|5\n"),
    READ("backslash before the last quote of the file",
         "rejected with all that follows: a quote is never closed",
         HEAD "3,\"nail 5\\\"\",0.10\n4,cup,3\n",
         NAMES "<2!2,2,2:3,\"nail 5\\\"\",0.10\n4,cup,3\n\n"),
    READ("backslash before a delimiter", "rejected: number of fields",
         HEAD "1,a\\,b,2.50\n2,cup,3\n", NAMES "<2!1,0,4:1,a\\,b,2.50\n<3|2|cup|3\n"),
    READ("backslash elsewhere", "text, kept", HEAD "1,a\\nb,2.50\n", NAMES "<2|1|a\\nb|2.50\n"),
    READ("quotes in quotes not doubled", "rejected: text after a closing quote",
         HEAD "1,\"the \"blue\" pen\",2.50\n2,cup,3\n", NAMES "<2!3,2,3:the \n<3|2|cup|3\n"),
    READ("quotes doubled without quotes around", "text, kept as they stand",
         HEAD "1,the \"\"blue\"\" pen,2.50\n", NAMES "<2|1|the \"\"blue\"\" pen|2.50\n"),
    READ("quotes doubled around a field", "rejected: text after a closing quote",
         HEAD "1,\"\"pen\"\",2.50\n2,cup,3\n", NAMES "<2!3,2,3:\n<3|2|cup|3\n"),
    READ("quotes tripled around a field", "read; one quote on each side is part of the field",
         HEAD "1,\"\"\"pen\"\"\",2.50\n", NAMES "<2|1'\"pen\"|2.50\n"),
    READ("stray quote in mid-field", "text, kept", HEAD "1,5\" pipe,2.50\n2,cup,3\n",
         NAMES "<2|1|5\" pipe|2.50\n<3|2|cup|3\n"),
    READ("opening quote missing", "rejected where the field holds a delimiter: number of fields",
         HEAD "1,desk, oak\",99\n2,cup\",3\n", NAMES "<2!1,0,4:1,desk, oak\",99\n<3|2|cup\"|3\n"),
    READ("closing quote missing, or a stray one at the start of a field",
         "rejected with the rows up to the next quote: text after a closing quote",
         HEAD "1,\"pen,2.50\n2,\"desk, oak\",99\n3,cup,3\n",
         NAMES "<2!3,2,4:pen,2.50\n2,\n<4|3|cup|3\n"),
    READ("closing quote missing and no quote behind it",
         "rejected with all that follows: a quote is never closed",
         HEAD "1,pen,2.50\n2,\"cup,3\n3,ink,4\n",
         NAMES "<2|1|pen|2.50\n<3!2,2,2:2,\"cup,3\n3,ink,4\n\n"),
    READ("file cut off inside quotes", "rejected: a quote is never closed",
         HEAD "1,pen,2.50\n2,\"cu", NAMES "<2|1|pen|2.50\n<3!2,2,2:2,\"cu\n"),
    READ("file cut off inside a row", "rejected if fields are missing; else read as it stands",
         HEAD "1,pen,2.50\n2,cu", NAMES "<2|1|pen|2.50\n<3!1,0,2:2,cu\n"),

    /* ---- bytes ---- */
    READ("NUL byte", "rejected: a NUL byte", HEAD "1,p\0n,2.50\n2,cup,3\n0\0,ink,4\n3,\"\0\",4\n",
         NAMES "<2!4,2,3:p\0n\n<3|2|cup|3\n<4!4,1,3:0\0\n<5!4,2,3:\0\n"),
    READ("bytes that are no UTF-8: overlong, surrogate, cut off", "rejected: not valid UTF-8",
         HEAD "1,\xc0\x80,2\n2,\xed\xa0\x80,3\n3,\xe2\x82,4\n4,\xe2\x82\xac,5\n",
         NAMES
         "<2!5,2,3:\xc0\x80\n<3!5,2,3:\xed\xa0\x80\n<4!5,2,3:\xe2\x82\n<5|4|\xe2\x82\xac|5\n"),
};

#endif
