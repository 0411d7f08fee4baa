/* The failure message of this rank, and the text and exit code of every status. */
#include "mpi/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024, PLACE_BYTES = 256 };

/* Part of the log: what this rank has to say about its failure, and where it happened. */
static char message[MESSAGE_BYTES];
static char place[PLACE_BYTES];

int status_exit_code(enum status status)
{
#define STATUS_CODE(name, code, text) code,
    static const int codes[] = {STATUS_LIST(STATUS_CODE)};
#undef STATUS_CODE
    return status >= 0 && status < STATUS_COUNT ? codes[status] : 70;
}

const char *status_text(enum status status)
{
#define STATUS_TEXT(name, code, text) text,
    static const char *const texts[] = {STATUS_LIST(STATUS_TEXT)};
#undef STATUS_TEXT
    return status >= 0 && status < STATUS_COUNT ? texts[status] : "unknown status";
}

enum status status_fail(enum status status, const char *file, int line, const char *format, ...)
{
    char text[MESSAGE_BYTES] = ""; /* the message before may be among the arguments */
    va_list args;
    va_start(args, format);
    int used = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof message);
    snprintf(place, sizeof place, "%s:%d", file, line);
    /* what the reader can mend stands in the message; where we went wrong only if we did */
    if (status == ERR_BUG && used >= 0 && (size_t)used < sizeof message)
        snprintf(message + used, sizeof message - (size_t)used, " [%s]", place);
    return status;
}

const char *status_message(void)
{
    return message;
}

const char *status_place(void)
{
    return place;
}

void status_set_message(const char *text)
{
    if (text != message) snprintf(message, sizeof message, "%s", text);
}
