#!/bin/sh
# See to the system's libraries: system-packages.sh PYTHON window|tests
# `window` is what Qt needs; `tests` is that, a screen and what clicks on it.
# Never fails: without them Qt says what it lacks, and tests are skipped, which they say.
set -u
python=$1 what=${2:-tests}
qt="libegl1 libgl1 libgl1-mesa-dri libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0
 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0
 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1"
screen="xvfb openbox xdotool"

case $(uname -s) in Linux) ;; *) exit 0 ;; esac

here() {
    for each in "$@"; do command -v "$each" >/dev/null 2>&1 || return 1; done
}

loads() {
    # where PyQt6 is not installed its libraries cannot be tried: dpkg knows them
    if "$python" -c 'import PyQt6' 2>/dev/null; then
        QT_QPA_PLATFORM=offscreen "$python" -c 'import PyQt6.QtWidgets' 2>/dev/null
    else
        here dpkg && dpkg -s $qt >/dev/null 2>&1
    fi
}

if [ "$what" = window ]; then
    packages=$(echo $qt)
    ready() { loads; }
else
    packages=$(echo $qt $screen)
    ready() { here Xvfb openbox xdotool && loads; }
fi

ready && exit 0
if [ "$(id -u)" = 0 ] && here apt-get; then
    echo "installing Debian packages for the $what"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >/dev/null
fi
ready || echo "the $what need system packages: sudo apt-get install $packages" >&2
exit 0
