#!/bin/sh
# See to the system libraries that Qt needs and to Xvfb: system-packages.sh PYTHON
# Never fails: without them the Qt tests are skipped, which the tests say.
set -u
python=$1
packages="xvfb libegl1 libgl1 libgl1-mesa-dri libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0
 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0
 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1"
packages=$(echo $packages)

case $(uname -s) in Linux) ;; *) exit 0 ;; esac

ready() {
    command -v Xvfb >/dev/null 2>&1 &&
        QT_QPA_PLATFORM=offscreen "$python" -c 'import PyQt6.QtWidgets' 2>/dev/null
}

ready && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Debian packages for the Qt tests"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >/dev/null
fi
ready || echo "Qt tests need system packages: sudo apt-get install $packages" >&2
exit 0
