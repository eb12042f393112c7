#!/bin/sh
# Regenerates tests/vision/media: tiny videos with every oddity that vision/ffmpeg_* must bear (needs ffmpeg, x264, x265).
set -eu
out=${1:-$(dirname "$0")/../tests/vision/media}
mkdir -p "$out"
cd "$out"
run() { ffmpeg -v error -y "$@"; }
h264="-c:v libx264 -preset veryslow -threads 1 -pix_fmt yuv420p -map_metadata -1 -fflags +bitexact -flags:v +bitexact"
fade="color=c=black:s=96x64:r=25:d=4,geq=lum='16+N*2':cb=128:cr=128"  # the brightness tells the frame: 16 + 2 n

# 100 frames at 25 fps, one key frame a second-and-a-half or only one, pictures that lean on both sides.
run -f lavfi -i "$fade" $h264 -qp 8 -g 38 -bf 3 -x264-params b-pyramid=normal:scenecut=0:open-gop=1 open_gop.mp4
run -f lavfi -i "$fade" $h264 -qp 8 -g 250 -bf 3 -x264-params b-pyramid=normal:scenecut=0 long_gop.mp4
run -f lavfi -i "$fade" $h264 -qp 8 -g 10 -bf 2 -x264-params scenecut=0 short_gop.mkv
# Variable rate: frames 0, 1, 2, 3 at 25 fps, then every third.
run -f lavfi -i "$fade" -vf "select='lt(n,4)+not(mod(n,3))'" -fps_mode vfr $h264 -qp 8 vfr.mp4
# Time stamps that begin below zero, and at ten seconds.
run -f lavfi -i "$fade" -frames:v 50 $h264 -qp 8 -bf 2 -output_ts_offset -1 -avoid_negative_ts disabled negative.mp4
run -f lavfi -i "$fade" -frames:v 50 $h264 -qp 8 -bf 2 -muxdelay 0 -output_ts_offset 10 late.ts
run -f lavfi -i "$fade" -frames:v 50 $h264 -qp 8 -bf 2 -output_ts_offset 10 late_start.mkv
# Sound that goes on for two seconds when the pictures have ended.
run -t 2 -f lavfi -i "$fade" -f lavfi -i "sine=d=4:r=8000" $h264 -qp 8 -bf 2 -c:a libopus -b:a 6k longer_sound.mkv
# No time stamps at all.
run -f lavfi -i "$fade" -frames:v 50 $h264 -qp 8 -bf 2 raw.h264
# A phone held upright: stored 96x64, shown 64x96; red is at the stored left, so at the top.
run -f lavfi -i "color=c=red:s=48x64:r=5:d=1[a];color=c=blue:s=48x64:r=5:d=1[b];[a][b]hstack" $h264 -qp 12 unturned.mp4
run -i unturned.mp4 -c copy -metadata:s:v:0 rotate=270 turned.mp4
rm unturned.mp4
# Pixels twice as wide as high.
run -f lavfi -i "testsrc2=s=64x96:r=5:d=1" -vf setsar=2/1 $h264 -qp 30 wide_pixels.mp4
run -f lavfi -i "testsrc2=s=68x34:r=5:d=1" -vf format=yuv444p,scale=67:33,setsar=1 -c:v libx264 -pix_fmt yuv444p -qp 30 odd_size.mkv
run -f lavfi -i "testsrc2=s=96x64:r=5:d=1" -c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le ten_bit.mp4
run -f lavfi -i "testsrc2=s=96x128:r=50:d=1" -vf interlace,fieldorder=tff $h264 -flags +ildct+ilme -qp 30 interlaced.ts
run -f lavfi -i "color=c=red@0.5:s=40x30,format=rgba" -frames:v 1 alpha.png
run -f lavfi -i "testsrc2=s=48x36" -frames:v 1 still.png
run -f lavfi -i "sine=d=1" -c:a aac sound.m4a
run -i sound.m4a -i still.png -map 0 -map 1 -c copy -disposition:v attached_pic cover.m4a
run -f lavfi -i "testsrc2=s=96x64:r=25:d=4" -f lavfi -i "sine=d=4" $h264 -qp 30 -c:a aac -movflags +faststart whole.mp4
head -c $(($(wc -c < whole.mp4) * 6 / 10)) whole.mp4 > truncated.mp4
run -i whole.mp4 -c copy headless.mp4   # the index at the end, cut off
head -c 20000 headless.mp4 > cut.mp4 && mv cut.mp4 headless.mp4
rm whole.mp4
printf 'This is a letter, not a video.\nIt has two lines.\n' > letter.mp4
cp letter.mp4 letter.txt
# An index without a single frame.
run -f lavfi -i "color=s=32x32" -frames:v 0 -c:v libx264 -movflags empty_moov no_frames.mp4 || true
[ -s no_frames.mp4 ] || run -f lavfi -i "color=s=32x32" -frames:v 1 $h264 -movflags frag_keyframe+empty_moov no_frames.mp4
run -f lavfi -i "color=s=16x16:r=5:d=0.2" -c:v rawvideo -pix_fmt bgr24 absurd.avi
printf 'YUV4MPEG2 W100000 H100000 F25:1 C420jpeg\nFRAME\n' >absurd.y4m
# Damage: a second of random bytes in the middle of a stream.
run -f lavfi -i "testsrc2=s=96x64:r=25:d=4" $h264 -qp 30 -g 25 -f mpegts damaged.ts
python3 - <<'PY'
data = bytearray(open("damaged.ts", "rb").read())
first, last = len(data) * 3 // 8, len(data) * 4 // 8
state = 1
for i in range(first, last):
    if i % 188 == 0: continue
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    data[i] = state >> 16 & 255
open("damaged.ts", "wb").write(data)
# A header that claims pictures of 400 million pixels.
data = bytearray(open("absurd.avi", "rb").read())
format_ = data.index(b"strf") + 8
data[format_ + 4:format_ + 12] = (20000).to_bytes(4, "little") * 2
open("absurd.avi", "wb").write(data)
PY
du -cb ./* | tail -1 >&2
