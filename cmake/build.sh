# Configure and build in build/ (Release). To be sourced, from the project's root.

# Cores that we may use; nproc alone would take OMP_NUM_THREADS for their number.
cores() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# build_targets TARGET...: quiet while it works, all output when it fails
build_targets() {
    local generator=() output code=0
    if [ ! -e build/CMakeCache.txt ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
    output=$(mktemp)
    echo "building $* in build/"
    {
        cmake -S . -B build "${generator[@]}" -DCMAKE_BUILD_TYPE=Release &&
            cmake --build build --parallel "$(cores)" --target "$@"
    } >"$output" 2>&1 || code=$?
    [ $code = 0 ] || cat "$output" >&2
    rm -f "$output"
    return $code
}
