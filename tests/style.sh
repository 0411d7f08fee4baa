#!/usr/bin/env bash
# The house style that a script can see: lengths, widths, layout, marks, a comment on every public
# function.
#   tests/style.sh          check, 1 if anything is found
#   tests/style.sh --fix    let clang-format lay out the code, then check
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70
folders=(mpi partition algorithms io jobs tests bench)
faults=0

files() { # SUFFIX...: the project's files that end so
    local suffix
    for suffix in "$@"; do find "${folders[@]}" cmake .ci -type f -name "*$suffix" | sort; done
}

report() { # TITLE LINES: any line is a fault
    [ -n "$2" ] || return 0
    printf '%s:\n%s\n' "$1" "$2"
    faults=$((faults + 1))
}

long_functions() { # from the line of the name to the brace that ends it, both in column 1
    awk 'FNR == 1 { start = 0; open = 0 }
        !open && /^[a-zA-Z_].*\(/ && !/;[ \t]*$/ { start = FNR; name = $0 }
        /^\{/ && start { open = 1 }
        /^\}/ {
            lines = FNR - start + 1
            if (open && lines > 60) printf "  %s:%d %d lines: %s\n", FILENAME, start, lines, name
            open = 0; start = 0
        }' "$@"
}

bare_functions() { # declarations in a paragraph without a comment before or beside them
    awk 'FNR == 1 { said = 0; inside = 0 }
        /^[ \t]*$/ { said = 0 }
        { comment = /\*\// || /^[ \t]*\/\// }
        inside { if (/\*\//) { inside = 0; said = 1 } next }
        /^\/\*/ && !/\*\// { inside = 1; next }
        comment { said = 1 }
        /^(static|typedef|extern const|(enum|struct)[^(]*\{)/ { next }
        /^[a-z_].*\(/ && !said { bare = sprintf("  %s:%d %s", FILENAME, FNR, $0) }
        comment && /;/ { bare = "" }
        /;/ && bare { print bare; bare = "" }' "$@"
}

unformatted() {
    clang-format -n --Werror "$@" 2>&1 | sed -n 's/^\([^:]*:[0-9]*\):.*error:.*/  \1/p'
}

undocumented_reasons() { # of jobs/rejects.h, not in docs/rejects.md
    local reason
    sed -n '/REJECT_LIST(X)/,/^$/s/^ *X(\([a-z_]*\),.*/\1/p' jobs/rejects.h |
        while read -r reason; do
            grep -q "^| \`$reason\` |" docs/rejects.md || echo "  $reason"
        done
}

mapfile -t c < <(files .c .h)
mapfile -t headers < <(files .h | grep -v '^tests/')
mapfile -t scripts < <(files .sh .py .sbatch run)
[ "${1:-}" != --fix ] || { clang-format -i "${c[@]}" && clang-format -i "${c[@]}"; }

report "Functions over 60 lines; there should be a second one in each" "$(long_functions "${c[@]}")"
report "Files over 500 lines" "$(wc -l "${c[@]}" |
    awk '$2 != "total" && $1 > 500 { print "  " $2 " " $1 " lines" }')"
report "Lines over 100 columns" "$(awk 'length > 100 { printf "  %s:%d\n", FILENAME, FNR }' \
    "${c[@]}" "${scripts[@]}")"
report "Unfinished marks" "$(grep -nE '\b(TODO|FIXME|XXX)\b' "${c[@]}" "${scripts[@]}" |
    grep -v '^tests/style.sh:' | sed 's/^/  /')"
report "Public functions without a comment right above" "$(bare_functions "${headers[@]}")"
report "Reasons for rejects that docs/rejects.md does not explain" "$(undocumented_reasons)"
if command -v clang-format >/dev/null; then
    report "Not laid out as .clang-format says (tests/style.sh --fix does it)" \
        "$(unformatted "${c[@]}")"
else
    echo "clang-format is not installed: layout not checked"
fi
[ $faults = 0 ] && echo "style: ${#c[@]} C files and ${#scripts[@]} scripts, nothing found"
exit $((faults > 0))
