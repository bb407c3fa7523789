# Sourced by launch.sh and test.sh: settings, and Python environments made from requirements/.
# Works with bash 3.2 and nothing else than Python 3.11 or newer.

# Many processes import the same packages: what the first has compiled is kept for the others, also where a container or
# CI says not to. It lies in .verger, and saves each process with TensorFlow eight seconds.
unset PYTHONDONTWRITEBYTECODE

# How glibc treats freed memory; other C libraries ignore these. By default each large block goes back to the kernel at once,
# and the page faults of getting it again take a tenth of the time of a photo of 1600 x 1067. Also, each thread gets a heap
# of its own, which doubles the memory of a service; one heap for all threads is as fast, since a photo needs few blocks.
export MALLOC_ARENA_MAX=1
export MALLOC_MMAP_THRESHOLD_=33554432 # 32 MiB, glibc's maximum: smaller blocks come from the heap and are reused
export MALLOC_TRIM_THRESHOLD_=67108864 # 64 MiB: free memory at the end of the heap that a process keeps

say() { printf '%s\n' "$*"; }
die() { printf 'verger: %s\n' "$*" >&2; exit 1; }

# Settings come from the environment, then from .env (lines VERGER_NAME=value), then from the defaults.
load_settings() {
    local line name
    if [ -f .env ]; then
        while IFS= read -r line || [ -n "$line" ]; do
            case $line in VERGER_*=*) ;; *) continue ;; esac
            name=${line%%=*}
            [ -n "${!name:-}" ] || export "$name=${line#*=}"
        done <.env
    fi
    export VERGER_HOME=${VERGER_HOME:-$PWD/.verger}
    mkdir -p "$VERGER_HOME"
    VERGER_HOME=$(cd "$VERGER_HOME" && pwd)
}

# TensorFlow supports a new Python months after its release, so the newest one is not the first choice.
find_python() {
    local candidate
    for candidate in ${VERGER_PYTHON:-python3.12 python3.13 python3.11 python3 python}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer with its venv module is needed (on Debian: apt install python3 python3-venv)." \
        "Set VERGER_PYTHON if it has an unusual name."
}

# make_environment NAME: brings $VERGER_HOME/env/NAME up to requirements/NAME.txt and protos/, if it is not.
# The stamp covers both, so a pin that moved or a changed .proto can't be missed.
make_environment() {
    local name=$1 lock=requirements/$1.txt folder=$VERGER_HOME/env/$1 python stamp
    python=$(find_python) || exit 1
    stamp=$("$python" - "$lock" protos/*.* protos/verger/v1/*.proto <<'PYTHON'
import hashlib, pathlib, sys
content = b"".join(pathlib.Path(name).read_bytes() for name in sys.argv[1:])
print(hashlib.sha256(content + sys.version.encode()).hexdigest())
PYTHON
    )
    [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ] || return 0
    say "Setting up the environment \"$name\" (once; a minute or so) ..."
    "$python" -m venv --clear "$folder" || die "$python can't make a virtual environment in $folder."
    "$folder/bin/python" -m pip install --quiet --require-hashes -r requirements/uv.txt ||
        die "The packages can't be fetched. Is there a way to a Python package index (see pip config)?"
    # uv has its own settings; whoever pointed pip at a mirror means uv as well.
    UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$("$folder/bin/python" -m pip config get global.index-url 2>/dev/null || true)} \
        "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" --require-hashes -r "$lock" ||
        die "Installing $lock failed; the lines above say why."
    "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" --no-deps --no-build-isolation --reinstall ./protos ||
        die "Generating verger.v1 from protos/ failed; the lines above say why."
    printf '%s' "$stamp" >"$folder/stamp"
}
