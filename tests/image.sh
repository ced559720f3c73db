#!/usr/bin/env bash
# Builds the images of Dockerfile and runs them, without a container engine and without a registry of
# images. Needs Linux, root, and apt-get for what is missing; crates come from crates.io.
#
#   tests/image.sh                without optimisation, which takes most of the time and changes
#                                 nothing that is tested here
#   tests/image.sh --optimised    as in Dockerfile
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

print_line() { echo "tests/image.sh: $*" >&2; }

fail() {
    print_line "$*"
    exit 1
}

[ "$(id -u)" -eq 0 ] || fail "run this as root: it makes a root file system and changes into it"

# Debian's keys are for other distributions, which do not have them.
if ! command -v buildah >/dev/null || ! command -v mmdebstrap >/dev/null; then
    command -v apt-get >/dev/null || fail "install buildah and mmdebstrap, then run this again"
    print_line "installing buildah and mmdebstrap with apt-get"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        buildah mmdebstrap debian-archive-keyring >/dev/null
fi

work=$(mktemp -d)
simulator=
clean() {
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
    build rm --all >/dev/null 2>&1 || true
    build rmi --all --force >/dev/null 2>&1 || true
    umount "$work/storage/overlay" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT

# A storage of its own, so that no image of this machine is used or replaced.
driver=overlay
build() {
    TMPDIR=$work buildah --root "$work/storage" --runroot "$work/run" --storage-driver "$driver" "$@"
}
build info >/dev/null 2>&1 || driver=vfs

# The base of the first stage, under the name that Dockerfile gives: Debian's compiler, and the Rust of
# this machine.
base=$(sed -n 's/^FROM \([^ ]*\) AS source$/\1/p' Dockerfile)
print_line "making $base"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$work/base.tar"
container=$(build from scratch)
build add -q "$container" "$work/base.tar" / >/dev/null
sysroot=$(rustc --print sysroot)
build add -q "$container" "$sysroot/bin" /usr/local/bin >/dev/null
build add -q "$container" "$sysroot/lib" /usr/local/lib >/dev/null
# The roots of this machine too: it may reach crates.io through a proxy that has its own.
roots=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ ! -f "$roots" ] || build add -q "$container" "$roots" /etc/ssl/certs/ca-certificates.crt >/dev/null
if [ "${1:-}" != --optimised ]; then
    build config --env CARGO_PROFILE_RELEASE_OPT_LEVEL=0 --env CARGO_PROFILE_RELEASE_LTO=off \
        --env CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 "$container"
fi
build config --env PATH=/usr/local/bin:/usr/bin:/bin --env CARGO_HOME=/usr/local/cargo "$container"
build commit -q "$container" "localhost/$base" >/dev/null
build rm "$container" >/dev/null
rm "$work/base.tar"

for target in job simulator; do
    print_line "building the image $target"
    build bud --isolation chroot --pull-never --layers --target "$target" -t "localhost/$target" .
done
# Without `--target` a build makes the image of the job.
build bud --isolation chroot --pull-never --layers -q -t localhost/default . >"$work/default"
build inspect --type image --format '{{.FromImageID}}' localhost/job >"$work/job"
build inspect --type image --format '{{.FromImageID}}' localhost/default | cmp - "$work/job" \
    || fail "the default image is not that of the job"

config() { build inspect --type image --format "{{$2}}" "localhost/$1"; }
expect() { [ "$2" = "$3" ] || fail "$1 is '$2' and not '$3'"; }

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
expect "the label of the version" "$(config job '.OCIv1.Config.Labels' | grep -o "image.version:[^] ]*")" \
    "image.version:$version"
for label in title description licenses; do
    config job .OCIv1.Config.Labels | grep -q "org.opencontainers.image.$label:" || fail "no label $label"
done
expect "the user" "$(config job .OCIv1.Config.User)" 10001:10001
expect "the entrypoint" "$(config job .OCIv1.Config.Entrypoint)" "[/usr/local/bin/onelogin-sync]"

# The file systems hold the binary, the roots of TLS and the folder of the data, and nothing else.
job=$(build from --pull-never localhost/job)
stand_in=$(build from --pull-never localhost/simulator)
files=$(cd "$(build mount "$job")" && find . -type f | sort | tr '\n' ' ')
expect "the content of the image" "$files" \
    "./etc/ssl/certs/ca-certificates.crt ./usr/local/bin/onelogin-sync "
expect "the owner of /data" "$(stat -c %u:%g "$(build mount "$job")/data")" 10001:10001
expect "the mode of /tmp" "$(stat -c %a "$(build mount "$job")/tmp")" 1777

inside() {
    local container=$1
    shift
    build run --isolation chroot "$container" -- /usr/local/bin/onelogin-sync "$@"
}

expect "the version" "$(inside "$job" --version)" "onelogin-sync $version"
code=0
inside "$job" simulate >/dev/null 2>&1 || code=$?
expect "the exit code of simulate in the image of the job" "$code" 64

# A first load of one image from the other, into the default database, by a name that is resolved.
inside "$stand_in" simulate --port 0 --history flat --failures 500 --late-records 0 >"$work/simulator" 2>&1 &
simulator=$!
for _ in $(seq 100); do
    grep -q 'http://' "$work/simulator" && break
    sleep 0.1
done
port=$(sed -n 's/.*http:\/\/[^:]*:\([0-9]*\).*/\1/p' "$work/simulator")
[ -n "$port" ] || fail "the simulator did not start: $(cat "$work/simulator")"
outcome=$(build run --isolation chroot --env "ONELOGIN_BASE_URL=http://localhost:$port" \
    --env ONELOGIN_CLIENT_ID=demo-client --env ONELOGIN_CLIENT_SECRET=demo-secret \
    "$job" -- /usr/local/bin/onelogin-sync sync --format json)
echo "$outcome" | grep -q '"inserted":500,' || fail "the first load of the image: $outcome"
# A volume keeps the database for the next run.
inside "$job" status --format json | grep -q '"account":"default"' || fail "the volume holds no database"

size=$(stat -c %s "$(build mount "$job")/usr/local/bin/onelogin-sync")
print_line "passed; the binary of the job takes $((size / 1000000)).$((size / 100000 % 10)) MB"
