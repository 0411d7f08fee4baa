# Configure and build in build/ (Release). To be sourced, from the project's root.

# build_targets TARGET...: quiet while it works, all output when it fails
build_targets() {
    local generator=() output code=0
    if [ ! -e build/CMakeCache.txt ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
    output=$(mktemp)
    echo "building $* in build/"
    {
        cmake -S . -B build "${generator[@]}" -DCMAKE_BUILD_TYPE=Release &&
            cmake --build build --parallel "$(nproc)" --target "$@"
    } >"$output" 2>&1 || code=$?
    [ $code = 0 ] || cat "$output" >&2
    rm -f "$output"
    return $code
}
