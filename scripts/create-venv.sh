#!/bin/sh
# Create a virtual environment: create-venv.sh PYTHON DIR
# Debian ships Python without ensurepip; where we may, install it, else say what to type.
set -eu
python=$1 venv=$2

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package="python$version-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing the Debian package $package"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$package" >/dev/null
    else
        echo "this Python cannot make virtual environments: sudo apt-get install $package" >&2
        exit 1
    fi
fi
"$python" -m venv "$venv"
