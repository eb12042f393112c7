# A screen of its own for the window, driven by key events; for sourcing: tests and screenshots are made with it.
# Sets up in $screen_folder: settings, log, pictures. Functions end with 1 and a sentence when what they wait for
# does not come. Needs Xvfb, xdotool and ffmpeg.

# screen_begin FOLDER WIDTHxHEIGHT SETTINGS_JSON: a fresh screen, and settings for the program.
screen_begin() {
    mkdir -p "$1/config/longview"
    screen_folder=$(cd "$1" && pwd)
    screen_size=$2
    printf '%s\n' "$3" >"$screen_folder/config/longview/desktop.json"
    rm -f "$screen_folder/display"
    Xvfb -displayfd 3 -screen 0 "${screen_size}x24" -nolisten tcp 3>"$screen_folder/display" 2>"$screen_folder/xvfb.log" &
    screen_server=$!
    local tries=0
    until [ -s "$screen_folder/display" ]; do
        sleep 0.1
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "Xvfb does not start; see $screen_folder/xvfb.log" >&2; return 1; }
    done
    export DISPLAY=:$(cat "$screen_folder/display")
    export XDG_CONFIG_HOME=$screen_folder/config
}

# screen_run PROGRAM ARGUMENTS...: starts the window and waits until it is there.
screen_run() {
    "$@" >"$screen_folder/out.log" 2>"$screen_folder/err.log" &
    screen_program=$!
    screen_window=$(timeout 60 xdotool search --sync --onlyvisible --class longview | head -n 1)
    [ -n "$screen_window" ] || { echo "no window came; see $screen_folder/err.log" >&2; return 1; }
    xdotool windowmove "$screen_window" 0 0 windowsize "$screen_window" "${screen_size%x*}" "${screen_size#*x}"
    xdotool windowfocus "$screen_window" 2>/dev/null || true
    sleep 1
}

screen_type() { xdotool type --delay 60 "$1"; }
screen_key() {
    local key
    for key in "$@"; do
        xdotool keydown "$key"
        sleep 0.08
        xdotool keyup "$key"
        sleep 0.08
    done
}
# screen_click X Y
screen_click() {
    xdotool mousemove "$1" "$2"
    sleep 0.15
    xdotool mousedown 1
    sleep 0.08
    xdotool mouseup 1
    sleep 0.15
}
# screen_picture NAME: what is on the screen, as $screen_folder/NAME.png.
screen_picture() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size "$screen_size" -i "$DISPLAY" -frames:v 1 "$screen_folder/$1.png"
}
# screen_find RRGGBB X Y WIDTH HEIGHT: the middle of the pixels of about this colour in a part of the screen, as "x y";
# nothing when there is none.
screen_find() {
    ffmpeg -v error -f x11grab -draw_mouse 0 -video_size "$screen_size" -i "$DISPLAY" -frames:v 1 \
        -vf "crop=$4:$5:$2:$3" -f rawvideo -pix_fmt rgb24 - | od -An -v -tu1 -w$(($4 * 3)) |
        awk -v r=$((16#${1:0:2})) -v g=$((16#${1:2:2})) -v b=$((16#${1:4:2})) -v left="$2" -v top="$3" '
            function near(a, b) { return a - b < 30 && b - a < 30 }
            { for (i = 1; i < NF; i += 3) if (near($i, r) && near($(i + 1), g) && near($(i + 2), b)) { x += (i - 1) / 3; y += NR - 1; n++ } }
            END { if (n) printf "%d %d\n", left + x / n, top + y / n }'
}
# screen_until SECONDS COMMAND...: runs it until it succeeds and says something; prints that.
screen_until() {
    local end=$((SECONDS + $1)) said
    shift
    while [ "$SECONDS" -lt "$end" ]; do
        said=$("$@") && [ -n "$said" ] && echo "$said" && return 0
        sleep 0.3
    done
    return 1
}
screen_end() {
    [ -z "${screen_program:-}" ] || kill "$screen_program" 2>/dev/null || true
    wait "${screen_program:-}" 2>/dev/null || true
    [ -z "${screen_server:-}" ] || kill "$screen_server" 2>/dev/null || true
    wait "${screen_server:-}" 2>/dev/null || true
    screen_program='' screen_server=''
}
