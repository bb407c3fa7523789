# launch.sh, test.sh and other scripts source this file. It reads settings and makes Python environments from
# requirements/. It needs only bash 3.2 and Python 3.11 or newer.

# Python must cache compiled modules even where a container or CI turns this off. The cache is in .verger and saves each
# process that imports TensorFlow 8 s.
unset PYTHONDONTWRITEBYTECODE

# Settings of glibc's memory allocator. Other C libraries ignore them. The Dockerfiles set the same values.
# By default, glibc returns each large block to the kernel at once, and the page faults of the next allocation take a
# tenth of the time for a photo of 1600x1067. It also gives each thread its own heap, which doubles the memory of a
# service. One heap for all threads is as fast, because a photo needs few allocations.
export MALLOC_ARENA_MAX=1
export MALLOC_MMAP_THRESHOLD_=33554432 # 32 MiB, the maximum; smaller blocks come from the heap and are reused
export MALLOC_TRIM_THRESHOLD_=67108864 # 64 MiB; a process keeps this much free memory at the end of the heap

# Nothing that Verger runs reports its use to anybody. Its own Python code says so, too; this is for programs of others.
export MLFLOW_DISABLE_TELEMETRY=true ORT_DISABLE_TELEMETRY=1

say() { printf '%s\n' "$*"; }
die() { printf 'verger: %s\n' "$*" >&2; exit 1; }

# Takes each setting from the environment, else from .env (lines VERGER_NAME=value), else from the defaults.
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

# Prefers Python 3.12, because TensorFlow supports a new Python only months after its release.
find_python() {
    local candidate
    for candidate in ${VERGER_PYTHON:-python3.12 python3.13 python3.11 python3 python}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer with its venv module is needed (on Debian: apt install python3 python3-venv)." \
        "If its command has another name, set VERGER_PYTHON."
}

# package_index PYTHON: prints the package index for uv, which does not read the configuration of pip.
package_index() { say "${UV_DEFAULT_INDEX:-$("$1" -m pip config get global.index-url 2>/dev/null || true)}"; }

# digest PYTHON FILE...: prints a digest of the files and of Python's version.
digest() {
    "$@" <<'PYTHON'
import hashlib, pathlib, sys
content = b"".join(pathlib.Path(name).read_bytes() for name in sys.argv[1:])
print(hashlib.sha256(content + sys.version.encode()).hexdigest())
PYTHON
}

# make_environment NAME: makes or updates $VERGER_HOME/env/NAME from requirements/NAME.txt and protos/. Two stamps show
# whether its packages and the stubs in it are up to date; new stubs take seconds.
make_environment() {
    local name=$1 lock=requirements/$1.txt folder=$VERGER_HOME/env/$1 python packages stubs
    python=$(find_python) || exit 1
    packages=$(digest "$python" - "$lock")
    stubs=$(digest "$python" - protos/*.* protos/verger/*/*.proto)
    if [ "$(cat "$folder/packages.stamp" 2>/dev/null)" != "$packages" ]; then
        say "Setting up the environment \"$name\" (only once, takes about a minute) ..."
        install_packages "$python" "$folder" "$lock"
        printf '%s' "$packages" >"$folder/packages.stamp"
    fi
    [ "$(cat "$folder/stubs.stamp" 2>/dev/null)" != "$stubs" ] || return 0
    "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" --no-deps --no-build-isolation --reinstall ./protos ||
        die "Generating the stubs from protos/ failed. The lines above give the reason."
    printf '%s' "$stubs" >"$folder/stubs.stamp"
}

# install_packages PYTHON FOLDER LOCK: makes an environment anew, with what the lock file pins.
install_packages() {
    "$1" -m venv --clear "$2" || die "$1 can't make a virtual environment in $2."
    "$2/bin/python" -m pip install --quiet --require-hashes -r requirements/uv.txt ||
        die "The packages can't be downloaded. Check the access to a Python package index (pip config)."
    UV_DEFAULT_INDEX=$(package_index "$2/bin/python") \
        "$2/bin/uv" pip install --quiet --python "$2/bin/python" --require-hashes -r "$3" ||
        die "Installing $3 failed. The lines above give the reason."
}
