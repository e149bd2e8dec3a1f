#!/bin/sh
# Run a command that opens the window on a screen of its own, and quit the window by its
# key once it is there: in-a-window.sh COMMAND... Ends as the command does.
set -eu
case $(uname -s) in
    Linux) ;;
    *) echo "no screen of one's own on this system: not tried: $*" && exit 0 ;;
esac
log=$(mktemp)
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$log" 2>/dev/null &
server=$!
trap 'kill $server 2>/dev/null || true; rm -f "$log"' EXIT
until [ -s "$log" ]; do kill -0 $server; sleep 0.1; done
DISPLAY=":$(cat "$log")"
export DISPLAY
unset QT_QPA_PLATFORM
openbox >/dev/null 2>&1 &
manager=$!
"$@" &
window=$!
# the name stands in the title as soon as a microscope is connected
until id=$(xdotool search --onlyvisible --name rmz-acquire 2>/dev/null | head -n 1) && [ -n "$id" ]; do
    kill -0 $window || { wait $window; exit 1; }
    sleep 0.5
done
while kill -0 $window 2>/dev/null; do
    xdotool windowactivate --sync "$id" key ctrl+q 2>/dev/null || true
    sleep 2
done
wait $window
kill $manager 2>/dev/null || true
