#!/usr/bin/env bash
# The house rules that a machine can check; run by ctest as `house`. Prints each breach and exits 1 if there is one.
# Usage: tools/check_house.sh [FOLDER]   (default: the tree this script lies in)
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2

breaches=0
breach() {
    echo "house: $*"
    breaches=$((breaches + 1))
}

list_files() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard
    else
        find . -type f -not -path './build*' -not -path './.git/*' | sed 's|^\./||'
    fi
}
mapfile -t files < <(list_files | while read -r file; do [ -f "$file" ] && echo "$file"; done | sort -u)
[ "${#files[@]}" -gt 0 ] || { echo "house: no files found in $PWD"; exit 2; }

matching() { printf '%s\n' "${files[@]}" | grep -E "$1"; }

# Dependencies point down: app > vision, engine > kernels.
check_includes() {
    local floor=$1 allowed=$2 file line
    while read -r file; do
        while IFS= read -r line; do
            breach "$file includes $line; $floor may include only $allowed"
        done < <(grep -oE '^ *#include "[^"]+"' "$file" | sed -E 's/.*"(.*)"/\1/' | grep -vE "^($allowed)/")
    done < <(matching "^$floor/.*\.(h|cpp|cu|cuh)$")
}
check_includes kernels 'kernels'
check_includes engine 'engine|kernels'
check_includes vision 'vision|kernels'
check_includes app 'app|vision|engine|kernels'

# Foreign headers stay where one file hides them.
check_foreign() {
    local name=$1 header=$2 home=$3 file
    while read -r file; do
        [[ $file =~ $home ]] || breach "$file includes a $name header; they belong in $home"
    done < <(matching '^(app|vision|engine|kernels|tests)/.*\.(h|cpp|cu|cuh)$' | xargs -r grep -lE "^ *#include [<\"]$header")
}
check_foreign FFmpeg '(libav|libsw)' '^(vision/ffmpeg_[a-z_]+|tests/vision/[a-z_]+)\.cpp$'
check_foreign ImGui 'imgui' '^app/.*(gui|panel|window)[a-z_]*\.(h|cpp)$'
check_foreign CUDA '(cuda|cublas|cudnn)' '\.(cu|cuh)$'

# A file can be held in the head.
while read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 400 ] || breach "$file has $lines lines; at most 400: split it by purpose"
done < <(matching '\.(h|cpp|cu|cuh|py|sh)$')
[ "$(wc -l <README.md)" -le 150 ] || breach "README.md has over 150 lines"

# A header opens by saying what it is for.
while read -r file; do
    head -n 1 "$file" | grep -qE '^// [A-Z0-9"`].{10,}' || breach "$file: the first line must say what the header is for"
done < <(matching '\.(h|cuh)$')

# What must not be committed: package registries' hosts, paths of one machine, big files.
hosts='(pypi|pythonhosted|debian|ubuntu)[.](org|net|com)|--(extra-)?index-url|--trusted-host'
while IFS= read -r line; do breach "names a package registry: $line"; done < <(
    matching '\.(h|cpp|cu|cuh|py|sh|md|txt|json|cmake|toml|cfg)$|^\.ci/|^(LICENSE|NOTICE)$' | grep -v '^tools/check_house.sh$' |
        xargs -r grep -nHE "$hosts" | cut -c1-160)
while IFS= read -r line; do breach "names a path of one machine: $line"; done < <(
    matching '\.(h|cpp|cu|cuh|py|sh|md|txt|cmake)$|^\.ci/' | grep -v '^tools/check_house.sh$' |
        xargs -r grep -nHE '(^|[^a-zA-Z0-9_.])/(work|home/[a-z]+|root)/' | cut -c1-160)
for file in "${files[@]}"; do
    bytes=$(stat -c %s "$file")
    [ "$bytes" -lt $((45 * 1024 * 1024)) ] || breach "$file has $bytes bytes; less than 45 MiB"
done

# The doors of the tree.
allowed='app vision engine kernels assets tests tools .ci .clang-format .clang-tidy .gitignore .gitattributes'
allowed+=' CMakeLists.txt README.md LICENSE NOTICE'
while read -r entry; do
    [[ " $allowed " == *" $entry "* ]] || breach "$entry does not belong at the top; allowed: $allowed"
done < <(printf '%s\n' "${files[@]}" | cut -d/ -f1 | sort -u)

[ "$breaches" -eq 0 ] && echo "house: ${#files[@]} files in order" && exit 0
echo "house: $breaches breach(es)"
exit 1
