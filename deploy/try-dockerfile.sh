#!/usr/bin/env bash
# Builds the Dockerfile and tries the image where there is no container engine: in a clean Debian made with debootstrap,
# by buildah, which needs no daemon. As root, after: apt-get install debootstrap buildah
#     deploy/try-dockerfile.sh FOLDER TARGET [options of buildah bud]
# FOLDER gets the images, a few gigabytes, and is used again; TARGET is cpu or gpu. The ports
# 7860, 9464 and 9465 have to be free, for the image uses the machine's own.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(realpath -m "${1:?a folder for the images}") target=${2:?cpu or gpu}
shift 2
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
base=docker.io/library/debian:bookworm-slim image=omost-bot-$target

in_store() { buildah --root "$folder/storage" --runroot "$folder/run" "$@"; }

mkdir -p "$folder"
if ! in_store inspect --type image "$base" >/dev/null 2>&1; then
    [ -f "$folder/debian/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$folder/debian"
    clean=$(in_store from scratch)
    in_store add --quiet "$clean" "$folder/debian" /
    in_store commit --quiet --rm "$clean" "$base"
fi
in_store bud --format=docker --layers --pull=never --target "$target" --tag "$image" "$@" .

container=$(in_store from --pull=never "$image")
trap 'in_store rm "$container" >/dev/null' EXIT
in_store run "$container" -- sh -euc '
    [ "$(id -un)" = omost ] && ! touch /opt/omost-bot/written 2>/dev/null
    omost-bot --version
    omost-bot imagine "Happy Children'"'"'s Day" --output day.png
    omost-bot config >config.toml && omost-bot db upgrade'
if [ "$target" = gpu ]; then
    in_store run "$container" -- python3 -c 'import bitsandbytes, diffusers, torch; print(torch.__version__, torch.version.cuda)'
fi

# what "docker run" and "docker stop" do with the image: its entry point, its health check, its end
healthy=$(sed -n 's/^HEALTHCHECK .* CMD //p' Dockerfile)
in_store run --env OMOST_WEB__PASSWORD=lantern-festival "$container" -- bash -euc "
    tini -s -- omost-bot run & bot=\$!
    until $healthy 2>/dev/null; do
        kill -0 \$bot
        sleep 0.5
    done
    kill -TERM \$bot
    wait \$bot"
echo "$image: built and tried."
