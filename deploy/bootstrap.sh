# shellcheck shell=bash
# Makes a machine that has Python 3.11 ready for the project. Sourced by ./run and ./test, which then call
#
#   tillit_bootstrap [--no-dev] [PART...]     parts: java maven make
#
# Afterwards the packages of the lock file are installed in .venv and `uv` is on the PATH. On Debian as root what is
# missing is installed; otherwise the exact command is printed and the script ends. Settings of the environment for
# certificates, mirrors and proxies (SSL_CERT_FILE, PIP_CERT, ...) are left as they are.

TILLIT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TILLIT_UV_VERSION=0.13.9

tillit_say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

tillit_fail() {
    printf 'tillit: %s\n' "$*" >&2
    exit 1
}

tillit_python() {
    local candidate
    for candidate in python3 python3.11 python3.12 python3.13 python3.14; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            # the interpreter itself: a version switcher's shim depends on the current folder
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    tillit_fail "Python 3.11 or newer is needed and not found; on Debian 12 or newer: apt-get install -y python3"
}

tillit_uv_works() { "$1" --version >/dev/null 2>&1; }

# The Debian packages that are missing for these parts, one a line.
tillit_missing() {
    local python=$1 part
    shift
    if ! tillit_uv_works uv && ! tillit_uv_works "$TILLIT_ROOT/.tillit/uv/bin/uv"; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$(basename "$(readlink -f "$python")")-venv"
    fi
    if [ -z "${SSL_CERT_FILE:-}" ] && [ ! -s /etc/ssl/certs/ca-certificates.crt ] && [ -f /etc/debian_version ]; then
        echo ca-certificates
    fi
    for part in "$@"; do
        case $part in
        java) tillit_java_works || echo default-jre-headless ;;
        maven) command -v mvn >/dev/null 2>&1 || tillit_kafka_downloaded || echo maven ;;
        make) command -v make >/dev/null 2>&1 || echo make ;;
        *) tillit_fail "bootstrap knows the parts java, maven and make, not $part" ;;
        esac
    done
}

tillit_java_works() {
    local version
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
    [ "${version:-0}" -ge 17 ]
}

tillit_kafka_downloaded() { compgen -G "$TILLIT_ROOT/.tillit/downloads/kafka-*/kafka_2.13-*.jar" >/dev/null; }

tillit_install() {
    local install="apt-get install -y --no-install-recommends $*"
    if ! command -v apt-get >/dev/null 2>&1; then
        tillit_fail "missing: $*. These are Debian's names; install what they are called here, then run this again"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        tillit_fail "missing: $*. Run this, then try again:

    sudo apt-get update && sudo $install
"
    fi
    tillit_say "installing $*"
    # quiet, but not on failure: everything it says is kept until then
    local log
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive $install; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        tillit_fail "apt-get failed; its last lines are above, all of them in $log"
    fi
    rm -f "$log"
}

tillit_put_uv_on_path() {
    local python=$1 private=$TILLIT_ROOT/.tillit/uv
    if tillit_uv_works uv; then
        return
    fi
    if ! tillit_uv_works "$private/bin/uv"; then
        tillit_say "installing uv $TILLIT_UV_VERSION into .tillit/uv"
        rm -rf "$private"
        mkdir -p "$TILLIT_ROOT/.tillit"
        "$python" -m venv "$private" || tillit_fail "making a virtual environment in $private failed"
        "$private/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$TILLIT_UV_VERSION" ||
            tillit_fail "installing uv failed; with one of your own on the PATH this step is not needed"
    fi
    PATH=$private/bin:$PATH
    export PATH
}

tillit_bootstrap() {
    local sync=(--frozen) python missing
    if [ "${1:-}" = --no-dev ]; then
        # inexact: what an earlier full sync has installed stays
        sync+=(--no-dev --inexact)
        shift
    fi
    python=$(tillit_python) || exit 1
    missing=$(tillit_missing "$python" "$@") || exit 1
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        tillit_install $missing
    fi
    tillit_put_uv_on_path "$python"
    # an environment that exists keeps its own interpreter; a new one gets the one found here, nothing is downloaded
    [ -x "$TILLIT_ROOT/.venv/bin/python" ] || sync+=(--python "$python")
    tillit_say "installing the Python packages of the lock file"
    UV_PYTHON_DOWNLOADS=never uv sync --project "$TILLIT_ROOT" "${sync[@]}" --quiet ||
        tillit_fail "uv sync failed; its message is above"
}
